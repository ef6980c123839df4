"""The BLE source against the virtual sensor in a process of its own, through a real GATT stack."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from click.testing import CliRunner

from hipturn.cli.scan import command as scan_command
from hipturn.drivers.hipturn_gatt import CONTROL, CONTROL_UUID, HEADER, STOP
from hipturn.errors import HipturnError
from hipturn.model import Input, LinkDown, LinkUp, Packets
from hipturn.sources import bleak_bumble
from hipturn.sources.ble import Backend, BleSource, Limits, LinkState, scan
from hipturn.sources.virtual import spawned

PATIENCE_S = 30.0
"""Limit on waiting for what normally takes a second; a busy machine may need much of it."""


class Watcher:
    """Collects what a source says, and lets a test wait for a condition on it."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.states: list[tuple[LinkState, str]] = []
        self._changed = asyncio.Event()

    def emit(self, one: Input) -> None:
        self.inputs.append(one)
        self._changed.set()

    def on_state(self, state: LinkState, text: str) -> None:
        self.states.append((state, text))
        self._changed.set()

    @property
    def packets(self) -> list[Packets]:
        return [one for one in self.inputs if isinstance(one, Packets)]

    @property
    def ups(self) -> list[LinkUp]:
        return [one for one in self.inputs if isinstance(one, LinkUp)]

    @property
    def downs(self) -> list[str]:
        return [one.reason for one in self.inputs if isinstance(one, LinkDown)]

    async def until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"still waiting: {self.states}, {self.downs}") from None

    def assert_order(self) -> None:
        """Packets lie between LinkUp and LinkDown only, and time never goes back."""
        is_up = False
        for one in self.inputs:
            match one:
                case LinkUp():
                    assert not is_up
                    is_up = True
                case LinkDown():
                    assert is_up
                    is_up = False
                case _:
                    assert is_up
        times = [int(np.max(one.at_ns)) for one in self.inputs if not isinstance(one, Mark_or_start)]
        assert times == sorted(times)


@contextlib.asynccontextmanager
async def measuring(
    backend: Backend, sensor: str | None = None, limits: Limits | None = None
) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    source = BleSource(sensor, "shin-right", watcher.emit, watcher.on_state, backend, limits)
    task = asyncio.create_task(source.run())
    try:
        yield watcher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    watcher.assert_order()
