"""Bluetooth sessions in a time of their own: everything happens as ever, but nobody waits.

Host, radio and virtual sensor run in one event loop. Whenever nothing is left to do at once, the clocks
jump to the next appointment, so that a minute takes what computing it takes. All runs of one session
are alike.
"""

import asyncio
import contextlib
import selectors
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import pytest
from bumble.transport.common import AsyncPipeSink

from hipturn.sources.ble import Backend
from hipturn.sources.bleak_bumble import adapter as adapters
from hipturn.sources.bleak_bumble import backend
from hipturn.sources.virtual import VirtualSettings
from hipturn.sources.virtual.peripheral import Stage, VirtualSensor
from hipturn.sources.virtual.playback import second as on_pelvis
from hipturn.sources.virtual.playback import simulated
from hipturn.sources.virtual.radio import Radio, RadioController

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """A selector that does not wait but moves the clock."""

    ahead_s = 0.0

    def pass_by(self, seconds: float) -> None:
        """Let time go by in which nothing happens at all."""
        self.ahead_s += seconds

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0.0)
        if ready or timeout == 0.0:
            return ready
        if timeout is None:
            raise AssertionError("nothing is left that could ever happen")
        self.ahead_s += max(0.0, timeout)
        return ready


async def _at_once(function: Callable[..., T], *args: Any) -> T:
    return function(*args)


def run(session: Coroutine[Any, Any, T]) -> T:
    """Run a session; the program's clocks are those of the loop."""
    selector = _Jumping()
    with pytest.MonkeyPatch.context() as patch:
        # still: the time that computing takes is not the session's
        patch.setattr(time, "monotonic", lambda: 1000.0 + selector.ahead_s)
        patch.setattr(time, "sleep", selector.pass_by)
        # a thread would take real time, in which the clocks would run away
        patch.setattr(asyncio, "to_thread", _at_once)
        patch.setattr(time, "monotonic_ns", lambda: round((1000.0 + selector.ahead_s) * 1e9))
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
            return runner.run(session)


class _Transport:
    """HCI to a controller in the same loop, in the shape of a bumble transport."""

    def __init__(self, radio: Radio) -> None:
        self.source = RadioController("host", radio, public_address="C0:00:00:00:00:01")
        self.source.terminated = asyncio.get_running_loop().create_future()
        self.sink = AsyncPipeSink(self.source)
        self._radio = radio

    async def close(self) -> None:
        self._radio.remove_controller(self.source)
        self.source.terminated.set_result(None)


@contextlib.asynccontextmanager
async def in_reach(
    settings: VirtualSettings, second: VirtualSettings | None = None
) -> AsyncIterator[tuple[Backend, VirtualSensor, list[str]]]:
    """Switch a virtual sensor on; give the Bluetooth to reach it, the sensor, and what happens to it.

    With `second` there is another one, on the pelvis of the same person.
    """
    radio = Radio(settings.interval_s)
    happened: list[str] = []
    advertising = asyncio.Event()

    def tell(what: str, _t_s: float) -> None:
        happened.append(what)
        advertising.set()

    async def open_transport(_spec: str) -> _Transport:
        return _Transport(radio)

    stage = Stage()
    sensor = VirtualSensor(radio, settings, simulated(settings), tell, stage=stage)
    running = [asyncio.create_task(sensor.run(), name="virtual sensor")]
    if second is not None:
        sacrum = VirtualSensor(
            radio,
            second,
            on_pelvis(settings),
            lambda what, _: happened.append(f"pelvis {what}"),
            stage=stage,
            address=second.pelvis_address,
        )
        running.append(asyncio.create_task(sacrum.run(), name="virtual sensor on the pelvis"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapters, "open_transport", open_transport)
        try:
            await advertising.wait()
            async with backend("in this loop") as bluetooth:
                yield bluetooth, sensor, happened
        finally:
            for task in running:
                task.cancel()
            for task in running:
                with contextlib.suppress(asyncio.CancelledError):
                    await task
