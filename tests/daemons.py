"""A daemon without a radio: its source plays what a test tells it to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hipturn import config
from hipturn.daemon import STREAM, Daemon, Ears, Ended, Plan
from hipturn.daemon.outputs import Output, kept_open
from hipturn.model import HostNs, Input, LinkDown, LinkUp, Packets, Side
from hipturn.session import Heard
from hipturn.sinks.hub import Hub
from hipturn.sources import simulated
from hipturn.sources.ble import LinkState
from hipturn.sources.body import Motion

PATIENCE_S = 30.0


class Played:
    """A source that emits what it is given, when it is given it."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._linked = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            if self._linked:
                self.lose("stopped")

    def link(self, motion: Motion, at_ns: int = 0) -> None:
        self._linked = True
        self._ears.state(LinkState.CONNECTING, "played")
        self._ears.emit(LinkUp(STREAM, HostNs(at_ns), simulated.info(motion)))
        self._ears.state(LinkState.MEASURING, "played, 100 Hz")
        self._ears.vitals(50, -60)

    def lose(self, reason: str = "lost", at_ns: int = 0) -> None:
        self._linked = False
        self._ears.emit(LinkDown(STREAM, HostNs(at_ns), reason))
        if reason != "stopped":
            self._ears.state(LinkState.LOST, "played: the link was lost, connecting again")
            self._ears.state(LinkState.SEARCHING, "played")

    def vitals(self, percent: int) -> None:
        self._ears.vitals(percent, None)

    async def send(self, items: Iterable[Input]) -> None:
        for number, item in enumerate(items):
            self._ears.emit(item)
            if number % 50 == 0:
                await asyncio.sleep(0)


def packets_of(motion: Motion) -> list[Packets]:
    return [item for item in simulated.inputs(motion, stream=STREAM) if isinstance(item, Packets)]


@dataclass
class Seen:
    """A view that remembers; it can be told to fail."""

    heard: list[Heard] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    fails: bool = False

    def hear(self, heard: Heard) -> None:
        if self.fails:
            raise RuntimeError("the display broke")
        self.heard.append(heard)

    def state(self, state: str, detail: str) -> None:
        if not self.states or self.states[-1] != state:
            self.states.append(state)
        self.details.append(detail)


@dataclass
class Live:
    """A daemon in progress and all that a test wants of it."""

    daemon: Daemon
    source: Played
    hub: Hub
    view: Seen
    stop: asyncio.Event
    task: "asyncio.Task[Ended]"

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for a condition that the daemon brings about."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                if self.task.done():
                    await self.task
                    raise AssertionError("the daemon ended first")
                await asyncio.sleep(0.005)

    async def end(self) -> Ended:
        self.stop.set()
        async with asyncio.timeout(PATIENCE_S):
            return await self.task


@contextlib.asynccontextmanager
async def live(
    folder: Path,
    *,
    side: Side = Side.RIGHT,
    reps: int = 0,
    end_after_s: float = 600.0,
    part_after_s: float = 7200.0,
    limit_s: float | None = None,
    hub: Hub | None = None,
    on_closed: Callable[[list[Path]], None] = lambda _: None,
    services: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
    view: Seen | None = None,
    notifier: Any = None,
    outputs: Sequence[Output] = (),
) -> AsyncIterator[Live]:
    """Run a daemon for the context; it is stopped at its end."""
    played: list[Played] = []

    def make(_plan: Plan, ears: Ears) -> Played:
        played.append(Played(ears))
        return played[0]

    plan = Plan(
        None,
        side,
        reps,
        config.defaults(),
        folder,
        end_after_s=end_after_s,
        part_after_s=part_after_s,
        limit_s=limit_s,
    )
    hub, seen, stop = hub or Hub(), view or Seen(), asyncio.Event()
    daemon = Daemon(plan, make, hub, seen, services=services or {}, on_closed=on_closed)
    if notifier is not None:
        daemon.notifier = notifier
    daemon.listeners = {output.name: output.hear for output in outputs}

    async def run() -> Ended:
        async with kept_open(outputs, hub.trouble):
            return await daemon.run(stop)

    task = asyncio.create_task(run(), name="daemon")
    while not played:  # noqa: ASYNC110
        await asyncio.sleep(0)
    try:
        yield Live(daemon, played[0], hub, seen, stop, task)
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await task
