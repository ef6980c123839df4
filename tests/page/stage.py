"""A daemon with its page, on a person who obeys the coach: in a thread, a browser can be led beside it.

The person moves `speed` times as fast as people do, and the stream's clock says nothing of it: a session of
minutes is over in seconds, while page, sockets and states live in real time.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hipturn import commands, config, history
from hipturn.cli.obeying import Obeying
from hipturn.daemon import STREAM, Daemon, Ears, Plan
from hipturn.drivers.hipturn_gatt import Batch, encode
from hipturn.model import HostNs, Input, LinkDown, LinkUp, Packets, Side, StreamInfo
from hipturn.session import Heard
from hipturn.sinks.hub import Hub
from hipturn.sinks.live import Nothing
from hipturn.sources.ble import LinkState
from hipturn.sources.body import Leg
from hipturn.sources.body.person import Person
from hipturn.units import NS_PER_S
from hipturn.web.server import WebServer

T = TypeVar("T")
PATIENCE_S = 30.0
RATE_HZ, BLOCK = 100.0, 2


class Acting:
    """A source: the person, sensor strapped on, whose packets come while it is `linked` and not `silent`."""

    def __init__(self, ears: Ears, leg: Leg, speed: float, seed: int) -> None:
        self.person = Person(leg, RATE_HZ, seed)
        self._ears, self.speed = ears, speed
        self._info = StreamInfo(
            driver="hipturn", rate_hz=RATE_HZ, name="acted", outward_normal_sensor=leg.outward_normal_sensor
        )
        self._linked = False
        self._number = 0
        self.silent = False
        """Linked, but nothing comes."""

    def link(self) -> None:
        """Connect."""
        self._linked = True
        self._ears.state(LinkState.CONNECTING, "acted")
        self._emit(LinkUp(STREAM, self._now, self._info))
        self._ears.state(LinkState.MEASURING, "acted, 100 Hz")
        self._ears.vitals(80, -60)

    def lose(self) -> None:
        """Lose the link; it is searched for until `link` is called again."""
        self._linked = False
        self._emit(LinkDown(STREAM, self._now, "lost"))
        self._ears.state(LinkState.LOST, "acted: the link was lost, connecting again")
        self._ears.state(LinkState.SEARCHING, "acted")

    def battery(self, percent: int) -> None:
        """Tell the charge."""
        self._ears.vitals(percent, None)

    async def run(self) -> None:
        """Move, and send what the sensor notices, until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + BLOCK / RATE_HZ / self.speed, loop.time() - 0.1)
            await asyncio.sleep(max(0.0, due - loop.time()))
            acc, gyr, _ = self.person.rows(BLOCK)
            batch = Batch(self._number % 65536, self._number * BLOCK * 10_000, 10_000, acc, gyr)
            self._number += 1
            if self._linked and not self.silent:
                data = np.frombuffer(encode(batch), np.uint8)[None, :]
                self._emit(Packets(STREAM, np.array([self._now], np.int64), data))

    @property
    def _now(self) -> HostNs:
        return HostNs(round(self._number * BLOCK / RATE_HZ * NS_PER_S) + 8_000_000)

    def _emit(self, item: Input) -> None:
        self._ears.emit(item)


@dataclass
class Stage:
    """The daemon in its thread. Whatever is asked of it is done in its loop: `stage.do(lambda: …)`."""

    folder: Path
    side: Side = Side.RIGHT
    speed: float = 10.0
    seed: int = 1
    answers: bool = True
    """The person answers questions by themselves, after a moment; otherwise the page has to."""
    linked: bool = True
    """The sensor is there from the beginning."""
    reps: int = 0
    port: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    hub: Hub = field(default_factory=Hub)
    url: str = field(default="", init=False)
    daemon: Daemon = field(init=False)
    source: Acting = field(init=False)
    _obeying: Obeying = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _stop: asyncio.Event = field(init=False)
    _failed: BaseException | None = field(default=None, init=False)

    @contextlib.contextmanager
    def open(self) -> "Iterator[Stage]":
        """Run it for the context; what went wrong in its thread is raised at the end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        server = WebServer(self.hub, self.folder, "127.0.0.1", self.port, "", [])
        self.url, self.port = server.address.url, server.address.port
        begun = threading.Event()
        thread = threading.Thread(target=self._run, args=(server, begun), name="stage")
        thread.start()
        try:
            assert begun.wait(PATIENCE_S) and self._failed is None, self._failed
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the daemon does not end"
        if self._failed is not None:
            raise self._failed

    def do(self, what: Callable[[], T]) -> T:
        """Return what comes of a call in the daemon's loop."""

        async def called() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(PATIENCE_S)

    def until(self, condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Wait for a condition that the daemon brings about; it is asked in its loop."""

        async def waited() -> None:
            async with asyncio.timeout(within_s):
                while not condition():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(waited(), self._loop).result(within_s + 5.0)

    def command(self, **given: Any) -> None:
        """Tell the daemon something as the page does: `stage.command(command="start", drill="hurdle")`."""
        self.do(lambda: self.daemon.tell(commands.parse(given, STREAM, HostNs(0))))

    # --- in the thread --------------------------------------------------------------------------

    def _run(self, server: WebServer, begun: threading.Event) -> None:
        try:
            asyncio.run(self._main(server, begun))
        except BaseException as error:  # raised again where the stage is closed
            self._failed = error
        finally:
            begun.set()

    async def _main(self, server: WebServer, begun: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        settings = {**config.defaults(), **self.settings}
        plan = Plan(None, self.side, self.reps, settings, self.folder, once=False)
        self.daemon = Daemon(
            plan,
            self._make,
            self.hub,
            Nothing(),
            services={"web": lambda: server.serve(self.daemon.tell, STREAM)},
            listeners={"person": lambda heard: self._obeying.hear(heard), "test": self.heard.append},
            on_closed=self._closed,
        )
        running = asyncio.create_task(self.daemon.run(self._stop), name="daemon")
        while not hasattr(self, "source") and not running.done():  # noqa: ASYNC110
            await asyncio.sleep(0)
        begun.set()
        await running

    def _make(self, _plan: Plan, ears: Ears) -> Acting:
        leg = Leg.random(self.seed, self.side, "prone")
        self.source = Acting(ears, leg, self.speed, self.seed)
        self._obeying = Obeying(self.source.person.hear, self.daemon.tell if self.answers else lambda _: None)
        self.hub.watch(self._obeying.look)
        if self.linked:
            self.source.link()
        return self.source

    def _closed(self, recordings: list[Path]) -> None:
        for path in recordings:
            history.add(self.folder, path)


Stages = Callable[..., Stage]
"""The fixture `stage`."""
