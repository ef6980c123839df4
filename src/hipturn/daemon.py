"""The only wiring: source, recorder, session and listeners in one task group, for months if need be.

::

    radio ──► door ──► the loop ──► session ──► keeper (recording)
              ▲ commands    │         └───────► fan ──► hub ──► page, API, metrics
              │             │                    └────► display
    tick: recording, stale, watchdog             services (the web server): kept up beside

A session begins with the sensor and ends when it has stayed away, on command, or with the program. The
recording, the listeners and the services may each fail: that is told, mended as far as it can be, and
never stops the loop.
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import hipturn
from hipturn import config, lines
from hipturn.coach import Coach, Phase, Prompt
from hipturn.commands import Begin, End, Told
from hipturn.host.notify import Notifier
from hipturn.model import (
    BadPackets,
    Event,
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Overrun,
    Packets,
    SessionStart,
    Side,
)
from hipturn.session import Heard, Session
from hipturn.sinks.hub import Hub
from hipturn.sinks.keeper import Keeper
from hipturn.sources.ble import Backend, BleSource, LinkState
from hipturn.status import State, Status
from hipturn.supervise import Fan, kept_up, reason
from hipturn.units import NS_PER_S

QUEUE = 4096
"""Inputs that may wait for the pipeline: over half a minute of 100 Hz; beyond that something hangs."""
TICK_S = 0.1
"""How often the recorder may close a chunk, and staleness and the watchdog are looked at."""
TURN = 32
"""Inputs after which the others have a turn: some milliseconds of computing."""
FAULT_S = 10.0
"""A mistake in the program ends a session; two within this time end the program: it cannot go on."""
STREAM = "shin"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a live session is about."""

    sensor: str | None
    side: Side
    reps: int
    """Controlled repetitions to reach; 0 to go on until stopped."""
    settings: config.Settings
    recordings: Path
    drill: str = "seated-mobilisation"
    position: str = "seated-floor"
    limit_s: float | None = None
    """Longest time the program may take."""
    end_after_s: float = 600.0
    """A sensor that stayed away so long has ended the session."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the program's last session ended."""

    recordings: list[Path]
    """Its files: one, more if the disk made it begin another, none if no sample came."""
    finished: bool
    """The coach reached its target."""
    trouble: str | None
    """Why something could not be recorded."""


class View(Protocol):
    """What a person sees."""

    def hear(self, heard: Heard) -> None:
        """Take in what happens."""
        ...

    def state(self, state: str, detail: str) -> None:
        """Take in the sensor's state."""
        ...


def ble(backend: Backend) -> "Callable[[Plan, Ears], Source]":
    """Return what makes the source of a sensor over this Bluetooth stack."""
    return lambda plan, ears: BleSource(
        plan.sensor, STREAM, ears.emit, ears.state, backend, on_vitals=ears.vitals
    )


class Door:
    """The queue between radio and pipeline: never blocks the radio, never drops untold."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Input | Told | None] = asyncio.Queue()
        self._lost: dict[str, int] = {}

    @property
    def waiting(self) -> int:
        """How many inputs wait."""
        return self._queue.qsize()

    def put(self, item: Input | Told) -> None:
        """Take an input; packets beyond the limit are dropped, counted and told as an `Overrun`."""
        if isinstance(item, Packets):
            if self._queue.qsize() >= QUEUE:
                self._lost[item.stream] = self._lost.get(item.stream, 0) + len(item.at_ns)
                return
            if lost := self._lost.pop(item.stream, 0):
                self._queue.put_nowait(Overrun(item.stream, HostNs(int(item.at_ns[0])), lost))
        self._queue.put_nowait(item)

    def close(self) -> None:
        """Let whoever waits for an input go on with none."""
        self._queue.put_nowait(None)

    async def get(self) -> Input | Told | None:
        """Return the next input, None when the door was closed."""
        return await self._queue.get()

    def drain(self) -> list[Input | Told]:
        """Return what still waits."""
        waiting = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        return [item for item in waiting if item is not None]


class Source(Protocol):
    """Where inputs come from."""

    async def run(self) -> None:
        """Emit inputs until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Ears:
    """What a source tells of itself; none of them waits."""

    emit: Callable[[Input], None]
    state: Callable[[LinkState, str], None]
    vitals: Callable[[int | None, int | None], None]


@dataclass(slots=True)
class _Running:
    """The session in progress."""

    session: Session
    coach: Coach
    keeper: Keeper


@dataclass(slots=True)
class Daemon:
    """Measures until stopped. `hub` hears everything; `services` run beside and are kept up."""

    plan: Plan
    source: Callable[[Plan, Ears], Source]
    hub: Hub
    view: View
    services: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    notifier: Notifier = field(default_factory=Notifier)
    _door: Door = field(default_factory=Door)
    _running: _Running | None = None
    _link: LinkUp | None = None
    _held: bool = False
    """A person ended the session: the next begins on command or with the next link."""
    _finished: bool = False
    _away_since_s: float | None = None
    _fault_s: float | None = None
    _closing: "set[asyncio.Task[Ended]]" = field(default_factory=set)
    _last: Ended = field(default_factory=lambda: Ended([], False, None))

    def tell(self, told: Told) -> None:
        """Take a command; it enters the stream behind what has arrived already."""
        self._door.put(told)

    def recording_now(self) -> Path | None:
        """Return the file being written, if any."""
        return self._running.keeper.path if self._running is not None else None

    async def run(self, stop: asyncio.Event) -> Ended:
        """Measure until the target or limit is reached or `stop` is set; recordings are closed then."""
        fan = Fan({"page": self.hub.hear, "display": self.view.hear, "log": _logged}, self._trouble)
        self._listen = fan.hear
        self.hub.watch(self._show)
        source = self.source(self.plan, Ears(self._door.put, self._state, self.hub.vitals))
        try:
            async with asyncio.timeout(self.plan.limit_s), asyncio.TaskGroup() as tasks:
                beside = [
                    tasks.create_task(source.run(), name="radio"),
                    tasks.create_task(kept_up("tick", self._tick, self._trouble), name="tick"),
                    tasks.create_task(self._close_when(stop), name="stop"),
                    *(
                        tasks.create_task(kept_up(name, run, self._trouble), name=name)
                        for name, run in self.services.items()
                    ),
                ]
                self.notifier.ready()
                taken = 0
                while not self._finished and (item := await self._door.get()) is not None:
                    self._take(item)
                    taken += 1
                    if taken % TURN == 0:
                        # a queue that is never empty never waits: radio and page must have their turn
                        await asyncio.sleep(0)
                self.notifier.stopping()
                for task in beside:
                    task.cancel()
        except TimeoutError:
            pass
        finally:
            # what the radio still said while it was being stopped belongs to the session
            for item in self._door.drain():
                self._take(item)
            self._end()
            await asyncio.gather(*self._closing)
        return self._last

    _listen: Callable[[Heard], None] = lambda _: None

    # --- the loop -------------------------------------------------------------------------------

    def _take(self, item: Input | Told) -> None:
        match item:
            case Begin():
                self._end()
                self._held = False
                if item.side is not None:
                    self.plan = replace(self.plan, side=item.side)
                if self._link is not None:
                    self._begin()
                    self._push(replace(self._link, at_ns=HostNs(time.monotonic_ns())))
                return
            case End():
                self._end()
                self._held = True
                return
            case LinkUp():
                self._held = self._held and self._away_s() < self.plan.end_after_s
                self._link, self._away_since_s = item, None
                if self._running is None and not self._held:
                    self._begin()
                elif self._running is None:
                    self.hub.hear(item)
            case LinkDown():
                self._link, self._away_since_s = None, time.monotonic()
            case Packets() if self._running is None:
                self.hub.unrecorded()
        self._push(item)

    def _push(self, item: Input) -> None:
        """Give the session an input; a mistake in the program ends the session, not the program, once."""
        if self._running is None:
            return
        try:
            self._running.session.push(item)
        except Exception as error:
            now_s = time.monotonic()
            if os.environ.get("HIPTURN_DEBUG") or (self._fault_s and now_s - self._fault_s < FAULT_S):
                raise
            self._fault_s = now_s
            _log.exception("the measurement failed and begins anew")
            self._trouble("measuring", f"measuring failed ({reason(error)}) and began anew")
            self._end()
            if self._link is not None:
                self._begin()
                self._push(replace(self._link, at_ns=HostNs(time.monotonic_ns())))
            return
        if self._running.coach.phase is Phase.DONE:
            self._finished = True

    def _begin(self) -> None:
        plan = self.plan
        keeper = Keeper(plan.recordings, plan.drill, plan.side, lambda text: self._trouble("recording", text))
        coach = Coach(STREAM, plan.side, plan.reps, plan.position)
        session = Session(config.core_params(plan.settings), coach, keeper, self._listen)
        self._running = _Running(session, coach, keeper)
        name = keeper.path.name if keeper.path else ""
        self.hub.begin(name, plan.side, lambda: coach.phase.value)
        _log.info("session begins: %s leg, %s", plan.side, keeper.path or "not recorded")
        self._push(
            SessionStart(
                program=f"hipturn {hipturn.__version__}",
                wall_time=datetime.now().astimezone().isoformat(timespec="milliseconds"),
                settings=dict(plan.settings),
                drill=plan.drill,
                position=plan.position,
            )
        )

    def _end(self) -> None:
        """End the session; its recording is closed in a thread, because disks can take their time."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            running.session.finish()
        except Exception:
            _log.exception("the end of the session could not be measured")
        self.hub.end()
        task = asyncio.get_running_loop().create_task(self._close(running), name="closing a recording")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, running: _Running) -> Ended:
        paths = await asyncio.to_thread(running.keeper.close)
        done = running.coach.phase is Phase.DONE
        if paths or done:
            self._last = Ended(paths, done, running.keeper.trouble)
        for path in paths:
            _log.info("session over: %d controlled repetitions, recorded: %s", running.coach.controlled, path)
        return self._last

    # --- beside ---------------------------------------------------------------------------------

    async def _close_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._door.close()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        watchdog_s = self.notifier.watchdog_s()
        due_s = alive_s = loop.time()
        while True:
            due_s += TICK_S
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            late_s = loop.time() - due_s
            if late_s > 1.0:
                _log.warning("the program was held up for %.1f s", late_s)
                due_s = loop.time()
            if self._running is not None:
                self._running.keeper.tick(time.monotonic_ns())
            self.hub.tick(late_s)
            self.notifier.status(self.hub.status.words)
            if (
                watchdog_s is not None
                and loop.time() - alive_s > watchdog_s / 4
                and self._door.waiting < QUEUE // 2
            ):
                alive_s = loop.time()
                self.notifier.alive()
            if self._running is not None and self._away_s() > self.plan.end_after_s:
                _log.info("the sensor stayed away for %.0f s: the session is over", self._away_s())
                self._door.put(End())

    def _away_s(self) -> float:
        """Return how long there has been no link, 0 while there is one."""
        return 0.0 if self._away_since_s is None else time.monotonic() - self._away_since_s

    def _state(self, state: LinkState, detail: str) -> None:
        self.hub.link(State(state.value), detail)

    def _show(self, status: Status) -> None:
        """Give log and display the state in the words everybody gets."""
        _log.info("sensor %s: %s", status.state, status.detail, extra={"state": status.state.value})
        try:
            self.view.state(status.state.value, "; ".join([status.detail, *status.troubles.values()]))
        except Exception:
            _log.exception("the display failed")

    def _trouble(self, part: str, text: str | None) -> None:
        """Tell a trouble in every channel: page, metrics, service status, log, and to whoever lies there."""
        if text is not None and self.hub.trouble(part, text) and part in _SPOKEN:
            _log.error("%s", text, extra={"part": part})
            self._listen(Prompt(0, _SPOKEN[part], "trouble"))
        elif text is None and self.hub.trouble(part, None) and part in _SPOKEN:
            self._listen(Prompt(0, f"{part} works again", "connected"))


def _logged(heard: Heard) -> None:
    """Write into the log what a person was told and what was found."""
    match heard:
        case Prompt():
            _log.info("%s", heard.say, extra={"earcon": heard.earcon, "t_s": heard.t_ns / NS_PER_S})
        case BadPackets():
            _log.debug("%d packets could not be read", heard.count)
        case _ if isinstance(heard, Event):
            line = lines.line(heard) or {}
            _log.info("%s", line["type"], extra={"event": line})


_SPOKEN = {
    "recording": "recording has stopped, measuring goes on",
    "measuring": "something went wrong, again please",
}
"""Troubles a person on the mat must hear of."""
