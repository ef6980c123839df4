"""The daemon: which session takes which input, and when one begins and ends."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hipturn import drills, history
from hipturn.commands import Begin, End, Speak, Told
from hipturn.daemon.chain import Chain
from hipturn.daemon.door import Door
from hipturn.daemon.plan import PELVIS, STREAM, Ears, Ended, Plan, Source, View
from hipturn.daemon.running import Running
from hipturn.daemon.telling import Telling
from hipturn.daemon.ticking import ticking
from hipturn.host.notify import Notifier
from hipturn.model import HostNs, Input, LinkDown, LinkUp, Mark, MarkKind, Packets, Side
from hipturn.session import Heard
from hipturn.sinks.hub import Hub
from hipturn.sources.ble import LinkState
from hipturn.status import Battery, State
from hipturn.supervise import kept_up, reason

TURN = 32
"""Inputs after which the others have a turn: some milliseconds of computing."""
FAULT_S = 10.0
"""A mistake in the program ends a session; two within this time end the program: it cannot go on."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Daemon:
    """Measures until stopped. `hub` hears everything; `services` run beside and are kept up."""

    plan: Plan
    source: Callable[[Plan, Ears], Source]
    hub: Hub
    view: View
    services: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    listeners: Mapping[str, Callable[[Heard], None]] = field(default_factory=dict)
    """Who else hears the session, by the name its troubles are told under."""
    notifier: Notifier = field(default_factory=Notifier)
    on_closed: Callable[[list[Path]], None] = lambda _: None
    """Told, in a thread, of the recordings of a session that are closed and whole; it may take its time."""
    _door: Door = field(default_factory=Door, init=False)
    _telling: Telling = field(init=False)
    _running: Running | None = field(default=None, init=False)
    _link: LinkUp | None = field(default=None, init=False)
    _second: LinkUp | None = field(default=None, init=False)
    """The link to the sensor on the pelvis, which never decides what is a session."""
    _held: bool = field(default=False, init=False)
    """A person ended the session: the next begins on command or with the next link."""
    _chain: Chain | None = field(default=None, init=False)
    """The routine in progress."""
    _finished: bool = field(default=False, init=False)
    _away_since_s: float | None = field(default=None, init=False)
    _fault_s: float | None = field(default=None, init=False)
    _closing: "set[asyncio.Task[None]]" = field(default_factory=set, init=False)
    _recalling: "asyncio.Task[None] | None" = field(default=None, init=False)
    _ours: set[str] = field(default_factory=set, init=False)
    """Names of the recordings made until now."""
    _low: Mark | None = field(default=None, init=False)
    """A low charge that nobody was told of yet."""
    _charged: bool = field(default=True, init=False)
    _ends: int = field(default=0, init=False)
    _last: tuple[int, Ended] = field(default_factory=lambda: (0, Ended([], False, None)), init=False)
    """The last session's end and which that was: a slow disk may close an earlier recording later."""

    def tell(self, told: Told) -> None:
        """Take a command; it enters the stream behind what has arrived already."""
        self._door.put(told)

    def leave(self) -> None:
        """End the program as Ctrl-C does."""
        self._door.close()

    async def run(self, stop: asyncio.Event) -> Ended:
        """Measure until the target or limit is reached or `stop` is set; recordings are closed then."""
        self._telling = Telling(self.hub, self.view, self.listeners, lambda: self.plan.language)
        self._planned(self.plan)
        limit: asyncio.TimerHandle | None = None
        if self.plan.limit_s is not None:
            limit = asyncio.get_running_loop().call_later(self.plan.limit_s, self._door.close)
        ended = False
        try:
            async with asyncio.TaskGroup() as tasks:
                radios = [tasks.create_task(source.run(), name=name) for name, source in self._sources()]
                beside = [tasks.create_task(run, name=name) for name, run in self._beside(stop).items()]
                self.notifier.ready()
                taken = 0
                while not self._finished and (item := await self._door.get()) is not None:
                    self._take(item)
                    taken += 1
                    if taken % TURN == 0:
                        # a queue that is never empty never waits: radio and page must have their turn
                        await asyncio.sleep(0)
                self.notifier.stopping()
                for task in radios:
                    task.cancel()
                await asyncio.wait(radios)
                ended = True
                self._wind_up()
                # whoever watches hears how it ended, and that it is kept
                await asyncio.gather(*self._closing)
                for task in beside:
                    task.cancel()
        finally:
            if limit is not None:
                limit.cancel()
            if not ended:
                self._wind_up()
            await asyncio.gather(*self._closing)
        return self._last[1]

    def _wind_up(self) -> None:
        """End the session; what the radio still said while it was being stopped belongs to it."""
        for item in self._door.drain():
            self._take(item)
        if self._running is not None and self.plan.guided:
            self._running.stop()
        self._end()
        if self._recalling is not None:
            self._recalling.cancel()

    def _sources(self) -> Iterator[tuple[str, Source]]:
        """Yield the sensors, by the names of their tasks."""
        yield "radio", self.source(self.plan, Ears(self._door.put, self._state, self._vitals))
        if self.plan.pelvis is not None:
            ears = Ears(self._door.put, self._telling.pelvis, lambda *_: None, PELVIS)
            yield "radio of the pelvis", self.source(self.plan, ears)

    def _beside(self, stop: asyncio.Event) -> Mapping[str, Coroutine[None, None, None]]:
        """Return what runs beside sensors and loop, by name."""
        kept = {"tick": self._ticking, **self.services}
        return {
            "stop": self._close_when(stop),
            **{name: kept_up(name, run, self._telling.trouble) for name, run in kept.items()},
        }

    # --- which session takes which input --------------------------------------------------------

    def _take(self, item: Input | Told) -> None:
        match item:
            case Begin():
                self._end()
                self._held = False
                self._planned(self.plan.asked(item), item.side)
                if self._link is not None:
                    self._begin()
                    self._link_again()
                return
            case End():
                if self._running is not None:
                    self._running.stop()
                self._end()
                self._held, self._chain = True, None
                return
            case Speak():
                self.hub.speak(item.where, item.page)
                return
            case LinkUp(stream=stream) if stream == PELVIS:
                self._second = item
            case LinkDown(stream=stream) if stream == PELVIS:
                self._second = None
            case LinkUp():
                self._held = self._held and self._away_s() < self.plan.end_after_s
                self._link, self._away_since_s = item, None
                if self._running is None and not self._held:
                    self._begin()
                    self._push(item)
                    self._again(self._second)
                    self._tell_low()
                    return
                if self._running is None:
                    self.hub.hear(item)
            case LinkDown():
                self._link, self._away_since_s = None, time.monotonic()
            case Packets(stream=stream) if self._running is None and stream == STREAM:
                self.hub.unrecorded()
            case Mark(kind=MarkKind.BATTERY) if self._running is None:
                self._low = item
        self._push(item)

    def _push(self, item: Input) -> None:
        """Give the session an input; a mistake in the program ends the session, not the program, once."""
        if self._running is None:
            return
        try:
            self._running.push(item)
        except Exception as error:
            self._failed(error)
            return
        if self._running.done:
            self._reached()
        elif isinstance(item, Packets) and item.stream == STREAM and self._running.outgrown:
            self._go_on(HostNs(int(item.at_ns[-1])))

    def _planned(self, plan: Plan, first: Side | None = None) -> None:
        """Take a plan; of a routine its first part."""
        self._chain = None
        if plan.routine is not None:
            self._chain = Chain.of(plan.routine, first, plan.stretch)
        elif plan.both:
            self._chain = Chain.both(plan.drill, plan.side)
        self.plan = plan.at(self._chain) if self._chain is not None else plan

    def _reached(self) -> None:
        """Go on with the routine's next part; at the end wait for another session, or end the program.

        Whoever ended a part, or is in too much pain, has ended the routine.
        """
        coach = None if self._running is None else self._running.coach
        goes_on = self._chain is not None and coach is not None and coach.completed
        self._chain = self._chain.then if self._chain is not None and goes_on else None
        if self._chain is not None and coach is not None:
            self._end(goes_on=True)
            self.plan = self.plan.at(self._chain, coach.pain)
            self._begin()
            self._link_again()
        elif self.plan.once:
            self._finished = True
        else:
            self._end()
            self._held = True

    def _failed(self, error: Exception) -> None:
        """Begin anew after a mistake in the program; raise it if that is of no use."""
        now_s = time.monotonic()
        if os.environ.get("HIPTURN_DEBUG") or (self._fault_s and now_s - self._fault_s < FAULT_S):
            raise error
        self._fault_s = now_s
        _log.error("the measurement failed and begins anew", exc_info=error)
        self._telling.trouble("measuring", f"measuring failed ({reason(error)}) and began anew")
        self._end()
        if self._link is not None:
            self._begin()
            self._link_again()

    def _link_again(self) -> None:
        """Tell a session that began in the middle of links about them."""
        self._again(self._link)
        self._again(self._second)
        self._tell_low()

    def _tell_low(self) -> None:
        """Tell a session of a charge that became low before it began."""
        low, self._low = self._low, None
        if low is not None:
            self._push(replace(low, at_ns=HostNs(time.monotonic_ns())))

    def _again(self, link: LinkUp | None) -> None:
        if link is not None:
            self._push(replace(link, at_ns=HostNs(time.monotonic_ns())))

    def _begin(self) -> None:
        trouble = self._telling.trouble
        running = Running.of(self.plan, self._telling.hear, lambda text: trouble("recording", text))
        self._open(running, running.begin)
        if self.plan.guided and drills.drill(self.plan.drill).kind == "test":
            recalling = self._recall(running)
            self._recalling = asyncio.get_running_loop().create_task(recalling, name="earlier tests")

    async def _recall(self, running: Running) -> None:
        """Give a test the person's earlier ones, the other leg's of a moment ago included."""
        plan = running.plan
        if self._closing:
            # not gathered: who is cancelled while gathering cancels what is gathered
            await asyncio.wait(self._closing)
        try:
            past, today = await asyncio.to_thread(history.past, plan.recordings, plan.person, self._ours)
        except Exception as error:
            _log.exception("earlier tests could not be read")
            self._telling.trouble("catalogue", f"earlier tests could not be read ({reason(error)})")
        else:
            running.remember(past, today)

    def _go_on(self, at_ns: HostNs) -> None:
        """Go on with the session in another recording, between two packets."""
        if (before := self._running) is None or self._link is None:
            return
        self._end()
        link = replace(self._link, at_ns=at_ns)
        running = before.onward(link)
        self._open(running, lambda: running.go_on(before, link))
        self._again(self._second)

    def _open(self, running: Running, begin: Callable[[], None]) -> None:
        self._running = running
        self.hub.begin(running.name, running.plan.side, lambda: running.phase)
        _log.info("session begins: %s leg, %s", running.plan.side, running.path or "not recorded")
        try:
            begin()
        except Exception as error:
            self._failed(error)

    def _end(self, *, goes_on: bool = False) -> None:
        """End the session, perhaps for the next part of a routine to begin at once.

        Its recording is closed in a thread, because disks can take their time.
        """
        running, self._running = self._running, None
        if running is None:
            return
        running.finish()
        self.hub.end(goes_on=goes_on)
        self._ends += 1
        closing = self._close(running, self._ends)
        task = asyncio.get_running_loop().create_task(closing, name="closing a recording")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, running: Running, number: int) -> None:
        try:
            ended = await asyncio.to_thread(running.close)
            self._ours |= {path.name for path in ended.recordings}
            if number > self._last[0] and (ended.recordings or ended.finished or ended.trouble):
                self._last = number, ended
            if ended.recordings:
                await self._catalogue(ended.recordings)
        finally:
            self.hub.closed(running.name)

    async def _catalogue(self, recordings: list[Path]) -> None:
        try:
            await asyncio.to_thread(self.on_closed, recordings)
        except Exception as error:
            _log.exception("a closed recording could not be catalogued")
            self._telling.trouble("catalogue", f"a recording is not in the catalogue ({reason(error)})")
        else:
            self._telling.trouble("catalogue", None)

    # --- beside ---------------------------------------------------------------------------------

    async def _close_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._door.close()

    async def _ticking(self) -> None:
        await ticking(self.hub, self.notifier, self._tick, lambda: self._door.crowded)

    def _tick(self) -> None:
        if self._running is not None:
            self._running.tick(time.monotonic_ns())
            if self._away_s() > self.plan.end_after_s:
                _log.info("the sensor stayed away for %.0f s: the session is over", self._away_s())
                self._door.put(End())

    def _away_s(self) -> float:
        """Return how long there has been no link, 0 while there is one."""
        return 0.0 if self._away_since_s is None else time.monotonic() - self._away_since_s

    def _vitals(self, battery_percent: int | None, rssi_dbm: int | None) -> None:
        """Pass on charge and signal; a charge that has become low enters the stream, once."""
        self.hub.vitals(battery_percent, rssi_dbm)
        if battery_percent is None:
            return
        low = Battery(battery_percent).low
        if low and self._charged:
            value = {"percent": battery_percent}
            self._door.put(Mark(STREAM, HostNs(time.monotonic_ns()), MarkKind.BATTERY, value))
        self._charged = not low

    def _state(self, state: LinkState, detail: str) -> None:
        self.hub.link(State(state.value), detail)
