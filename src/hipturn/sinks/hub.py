"""What is going on now: one place that hears everything and tells page, API, metrics and service status."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hipturn import lines
from hipturn.coach import Prompt
from hipturn.model import (
    BadPackets,
    Calibrated,
    Event,
    Gap,
    HipAngle,
    LinkUp,
    Mark,
    MarkKind,
    Orientation,
    Output,
    Overrun,
    Rep,
    SessionStart,
    Side,
    Verdict,
)
from hipturn.session import Heard
from hipturn.sinks.viewers import Viewers
from hipturn.status import Battery, State, Status
from hipturn.units import DEG_PER_RAD, NS_PER_S

FRAME_NS = NS_PER_S // 60
"""Angles are told at most this often: the rate screens are drawn at."""
STALE_NS = NS_PER_S // 2
"""Linked without a sample for so long is stale: ten times the longest usual connection interval."""
STATE_EVERY_NS = 5 * NS_PER_S
"""The state is told at each change and at least this often, so that a viewer knows it is not cut off."""
MOST_EVENTS = 20_000
"""Events of the running session kept for late comers."""

NO_SESSION = "no session: start one"

_LINKED = (State.SETTLING, State.READY, State.MEASURING, State.STALE)
_TOLD_MARKS = (MarkKind.SIDE, MarkKind.COUNT, MarkKind.NOTE)
"""Marks a person would know of; calibration and bias are told by their effect."""


@dataclass(slots=True)
class Counters:
    """What has happened since the program started."""

    samples: int = 0
    lost: int = 0
    bad_packets: int = 0
    overruns: int = 0
    links: int = 0
    sessions: int = 0
    reps: int = 0
    sink_failures: int = 0
    loop_lag_s: float = 0.0
    """Longest lateness of the ticks in the last few seconds."""


class Hub:
    """Hears the session, the link and the troubles; answers with `status`, lines for viewers and counters.

    All methods are called from the event loop's thread and none waits. `clock` is monotonic, in ns.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self.viewers = Viewers()
        self.counters = Counters()
        self._state, self._detail = State.SEARCHING, "starting"
        self._label = ""
        """What the link says of itself."""
        self._since_ns, self._since = clock(), _now()
        self._link: LinkUp | None = None
        self._battery: Battery | None = None
        self._rssi_dbm: int | None = None
        self._last_sample_ns: int | None = None
        self._calibrated = False
        self._phase: Callable[[], str | None] = lambda: None
        self._say: str | None = None
        self._troubles: dict[str, str] = {}
        self._angle_at_ns = self._told_at_ns = 0
        self._start = SessionStart("", "")
        self._open = False
        self._began_at = ""
        self._recording = ""
        self._side: Side | None = None
        self._samples = self._duration_ns = self._reps = self._controlled = 0
        self._max_rad, self._min_rad = -float("inf"), float("inf")
        self._events: deque[Output] = deque(maxlen=MOST_EVENTS)
        self._watchers: list[Callable[[Status], None]] = []
        self.started_ns = clock()

    def watch(self, watcher: Callable[[Status], None]) -> None:
        """Have each change of state or trouble told."""
        self._watchers.append(watcher)

    # --- told by the daemon ---------------------------------------------------------------------

    def begin(self, recording: str, side: Side, phase: Callable[[], str | None]) -> None:
        """Hear that a session begins; `phase` tells where its coach stands."""
        self.counters.sessions += 1
        self._open = True
        self._recording, self._side, self._phase = recording, side, phase
        self._began_at, self._say, self._calibrated = _now(), None, False
        self._samples = self._duration_ns = self._reps = self._controlled = 0
        self._max_rad, self._min_rad = -float("inf"), float("inf")
        self._events.clear()
        if self._state in _LINKED:
            self._set(State.SETTLING, self._label)

    def end(self) -> None:
        """Hear that the session is over; its results stay until the next begins."""
        if not self._open:
            return
        self.viewers.tell(lines.dumps(self._summary()))
        self._open = self._calibrated = False
        self._phase = lambda: None
        if self._state in _LINKED:
            self._set(State.READY, NO_SESSION)
        self._tell_state()

    def link(self, state: State, detail: str) -> None:
        """Hear where the link stands; MEASURING means only that packets may come."""
        if state is State.MEASURING:
            state, self._label = State.SETTLING, detail
            self.counters.links += 1
            self._last_sample_ns = self._clock()
        else:
            self._last_sample_ns = None if state is not State.LOST else self._last_sample_ns
        if state is State.SEARCHING and self._state is State.LOST:
            # a person who lost the sensor wants to know since when, and that it is looked for
            self._set(State.LOST, detail)
            return
        self._set(state, detail)

    def vitals(self, battery_percent: int | None, rssi_dbm: int | None) -> None:
        """Hear the sensor's charge and signal; None for what it did not say."""
        if battery_percent is not None:
            self._battery = Battery(battery_percent)
        if rssi_dbm is not None:
            self._rssi_dbm = rssi_dbm
        self._tell_state()

    def trouble(self, part: str, text: str | None) -> bool:
        """Hear that a part does not work, and why, or with None that it works again; return if new."""
        if (was := self._troubles.get(part)) == text:
            return False
        if text is None:
            del self._troubles[part]
        else:
            self._troubles[part] = text
        self._changed()
        return was is None or text is None

    def unrecorded(self) -> None:
        """Hear that packets came while there is no session."""
        self._last_sample_ns = self._clock()
        if self._state in (State.SETTLING, State.STALE, State.MEASURING):
            self._set(State.READY, NO_SESSION)

    def tick(self, late_s: float = 0.0) -> None:
        """Hear that time passes, several times a second, and how late this tick is."""
        now_ns = self._clock()
        self.counters.loop_lag_s = max(late_s, self.counters.loop_lag_s * 0.9)
        if (
            self._state in (State.SETTLING, State.READY, State.MEASURING)
            and self._last_sample_ns is not None
            and now_ns - self._last_sample_ns > STALE_NS
        ):
            self._set(State.STALE, "linked, but no samples come")
        elif now_ns - self._told_at_ns >= STATE_EVERY_NS:
            self._tell_state()

    def hear(self, heard: Heard) -> None:
        """Hear an input, output or prompt of the session."""
        match heard:
            case SessionStart():
                self._start = heard
            case LinkUp():
                self._link = heard
                self.viewers.tell(lines.dumps(self._head()))
            case Overrun():
                self.counters.overruns += heard.lost
            case Mark() if heard.kind in _TOLD_MARKS:
                self.viewers.tell(
                    lines.dumps({"v": 1, "type": "mark", "kind": heard.kind, "value": dict(heard.value)})
                )
            case Orientation():
                self._sampled(heard)
            case HipAngle():
                self._angle(heard)
            case Prompt():
                self._say = heard.say
                self.viewers.tell(
                    lines.dumps(
                        {
                            "v": 1,
                            "type": "prompt",
                            "t_s": round(heard.t_ns / NS_PER_S, 3),
                            "say": heard.say,
                            "earcon": heard.earcon,
                        }
                    )
                )
            case _ if isinstance(heard, Event):
                self._event(heard)

    # --- asked by viewers -----------------------------------------------------------------------

    @property
    def linked(self) -> bool:
        """Whether a sensor is connected and sends."""
        return self._state in _LINKED and self._state is not State.STALE

    @property
    def status(self) -> Status:
        """Where everything stands now."""
        now_ns = self._clock()
        age = None if self._last_sample_ns is None else (now_ns - self._last_sample_ns) / NS_PER_S
        session = None
        if self._open:
            session = {
                "recording": self._recording,
                "began": self._began_at,
                "side": self._side,
                "drill": self._start.drill,
                "samples": self._samples,
                "duration_s": round(self._duration_ns / NS_PER_S, 2),
                "reps": self._reps,
                "controlled": self._controlled,
            }
        info = self._link.info if self._link is not None else None
        return Status(
            state=self._state,
            detail=self._detail,
            since=self._since,
            for_s=(now_ns - self._since_ns) / NS_PER_S,
            retrying=self._state in (State.LOST, State.SEARCHING, State.CONNECTING),
            sensor=info.name if info else None,
            driver=info.driver if info else None,
            rate_hz=info.rate_hz if info else None,
            battery=self._battery,
            rssi_dbm=self._rssi_dbm,
            last_sample_s=age,
            session=session,
            phase=self._phase(),
            say=self._say,
            troubles=dict(self._troubles),
        )

    def results(self) -> list[dict[str, Any]]:
        """Return the lines of the session so far, or of the last one: head, events, summary."""
        if self._link is None or not self._began_at:
            return []
        events = [line for event in self._events if (line := lines.line(event))]
        return [self._head(), *events, self._summary()]

    # --- inside ---------------------------------------------------------------------------------

    def _sampled(self, block: Orientation) -> None:
        self._last_sample_ns = self._clock()
        self.counters.samples += len(block.t_ns)
        self._samples += len(block.t_ns)
        self._duration_ns = int(block.t_ns[-1])
        wanted = State.SETTLING
        if block.trusted[-1]:
            wanted = State.MEASURING if self._calibrated else State.READY
        if self._state is not wanted and self._state in _LINKED:
            self._set(wanted, self._label)

    def _angle(self, angle: HipAngle) -> None:
        self._max_rad = max(self._max_rad, float(angle.angle_rad.max()))
        self._min_rad = min(self._min_rad, float(angle.angle_rad.min()))
        now_ns = self._clock()
        if now_ns - self._angle_at_ns < FRAME_NS or not len(self.viewers):
            return
        self._angle_at_ns = now_ns
        self.viewers.tell_angle(
            f'{{"v":1,"type":"angle","stream":"{angle.stream}","t_s":{angle.t_ns[-1] / NS_PER_S:.3f},'
            f'"angle_deg":{angle.angle_rad[-1] * DEG_PER_RAD:.2f},'
            f'"rate_dps":{angle.rate_radps[-1] * DEG_PER_RAD:.1f},'
            f'"off_axis_deg":{angle.off_axis_rad[-1] * DEG_PER_RAD:.2f},'
            f'"trusted":{"true" if angle.trusted[-1] else "false"}}}'
        )

    def _event(self, output: Output) -> None:
        self._events.append(output)
        if line := lines.line(output):
            self.viewers.tell(lines.dumps(line))
        match output:
            case Rep():
                self.counters.reps += 1
                self._reps += 1
                self._controlled += output.verdict is Verdict.CONTROLLED
            case Gap():
                self.counters.lost += output.lost
            case BadPackets():
                self.counters.bad_packets += output.count
            case Calibrated():
                self._calibrated = True
            case _:
                pass

    def _head(self) -> lines.Line:
        if self._link is None:
            return {"v": 1, "type": "session"}
        return lines.session(
            self._start,
            self._link.info,
            recording=self._recording,
            side=self._side,
            samples=self._samples,
            duration_ns=self._duration_ns,
            settings=self._start.settings,
        )

    def _summary(self) -> lines.Line:
        return lines.summary(
            self._events,
            max_rad=self._max_rad,
            min_rad=self._min_rad,
            elapsed_s=self._duration_ns / NS_PER_S,
        )

    def _set(self, state: State, detail: str) -> None:
        changed = state is not self._state
        if not changed and detail == self._detail:
            return
        self._state, self._detail = state, detail
        if changed:
            self._since_ns, self._since = self._clock(), _now()
        self._changed()

    def _changed(self) -> None:
        status = self.status
        for watcher in self._watchers:
            watcher(status)
        self._tell_state()

    def _tell_state(self) -> None:
        self._told_at_ns = self._clock()
        if len(self.viewers):
            self.viewers.tell(lines.dumps(self.status.line()))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
