"""What is going on now: one place that hears everything and tells page, API, metrics and service status."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hipturn import lines
from hipturn.coach import Prompt, Show
from hipturn.core import pelvis
from hipturn.model import (
    BadPackets,
    Event,
    Gap,
    HipAngle,
    LinkUp,
    Orientation,
    Output,
    Overrun,
    Rep,
    SessionStart,
    Side,
)
from hipturn.session import Heard
from hipturn.sinks import frames
from hipturn.sinks.standing import Standing, now
from hipturn.sinks.tally import Tally
from hipturn.sinks.viewers import Viewers
from hipturn.sinks.voice.speaker import Speaker, Where
from hipturn.status import Battery, State, Status
from hipturn.units import NS_PER_S

FRAME_NS = NS_PER_S // 60
"""Angles are told at most this often: the rate screens are drawn at."""
STATE_EVERY_NS = 5 * NS_PER_S
"""The state is told at each change and at least this often, so that a viewer knows it is not cut off."""


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
    loop_lag_s: float = 0.0
    """Longest lateness of the ticks in the last few seconds."""


class Hub:
    """Hears the session, the link and the troubles; answers with `status`, lines for viewers and counters.

    All methods are called from the event loop's thread and none waits. `clock` is monotonic, in ns.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns, speaker: Speaker | None = None) -> None:
        self._clock = clock
        self._speaker = speaker or Speaker("page", audible=False)
        self._speaker_watchers: list[Callable[[Where], None]] = []
        self.viewers = Viewers()
        self.counters = Counters()
        self.started_ns = clock()
        self._standing = Standing(clock, self._changed)
        self._tally = Tally()
        self._open = False
        """A session is running; the tally of the last one stays until the next begins."""
        self._phase: Callable[[], str | None] = lambda: None
        self._say: str | None = None
        self._show: dict[str, Any] | None = None
        self._done: list[dict[str, Any]] = []
        """Results of the guided sessions of this routine, or of this one alone, in order."""
        self._closing: list[str] = []
        self._pelvis: State | None = None
        self._troubles: dict[str, str] = {}
        self._angle_at_ns = self._told_at_ns = 0
        self._watchers: list[Callable[[Status], None]] = []

    def watch(self, watcher: Callable[[Status], None]) -> None:
        """Have each change of state or trouble told."""
        self._watchers.append(watcher)

    def watch_speaker(self, watcher: Callable[[Where], None]) -> None:
        """Have it told at once, and whenever it changes, who speaks."""
        self._speaker_watchers.append(watcher)
        watcher(self._speaker.where)

    # --- told by the daemon ---------------------------------------------------------------------

    def begin(self, recording: str, side: Side, phase: Callable[[], str | None]) -> None:
        """Hear that a session begins; `phase` tells where its coach stands."""
        self.counters.sessions += 1
        self._open, self._say, self._show, self._phase = True, None, None, phase
        self._tally = Tally(recording, side, now(), self._tally.start, self._tally.link)
        self.viewers.forget_angle()  # behind the lines of this session it would be taken for one of it
        self._standing.session(begins=True)

    def end(self, *, goes_on: bool = False) -> None:
        """Hear that the session is over, or `goes_on` with the next; its results stay until that begins.

        Its recording is being closed from then on, until `closed` is told.
        """
        if not self._open:
            return
        if self._tally.recording:
            self._closing.append(self._tally.recording)
        self.viewers.tell(lines.dumps(self._tally.summary()))
        self._open, self._phase = False, lambda: None
        if self._show is not None and self._show["step"] != "done":
            self._show = None  # a result stays until the next session
        if not goes_on:
            self._standing.session(begins=False)
        self._tell_state()

    def closed(self, recording: str) -> None:
        """Hear that the recording of a session that is over can be read whole."""
        if recording in self._closing:
            self._closing.remove(recording)
            self._tell_state()

    def link(self, state: State, detail: str) -> None:
        """Hear where the link stands; MEASURING means only that packets may come."""
        self.counters.links += state is State.MEASURING
        self._standing.link(state, detail)

    def pelvis(self, state: State) -> None:
        """Hear where the link to the sensor on the pelvis stands."""
        if state is not self._pelvis:
            self._pelvis = state
            self._changed()

    def vitals(self, battery_percent: int | None, rssi_dbm: int | None) -> None:
        """Hear the sensor's charge and signal; None for what it did not say."""
        if battery_percent is not None:
            self._standing.battery = Battery(battery_percent)
        if rssi_dbm is not None:
            self._standing.rssi_dbm = rssi_dbm
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

    def speak(self, where: Where, page: str | None = None) -> None:
        """Hear who is to speak from now on."""
        self._speaker.choose(where, page)
        self._tell_speaker()

    def left(self, page: str | None) -> None:
        """Hear that a page is gone; another may speak where it did."""
        if self._speaker.gone(page):
            self._tell_speaker()

    def mute(self, why: str | None) -> None:
        """Hear that this computer cannot be heard, and why; the page speaks instead unless somebody chose."""
        if why is not None and self._speaker.failed():
            self._tell_speaker()
        elif why is None or self._speaker.where == "machine":
            self.trouble("voice", why)

    def unrecorded(self) -> None:
        """Hear that packets came while there is no session."""
        self._standing.unrecorded()

    def tick(self, late_s: float = 0.0) -> None:
        """Hear that time passes, several times a second, and how late this tick is."""
        self.counters.loop_lag_s = max(late_s, self.counters.loop_lag_s * 0.9)
        if not self._standing.look() and self._clock() - self._told_at_ns >= STATE_EVERY_NS:
            self._tell_state()

    def hear(self, heard: Heard) -> None:
        """Hear an input, output or prompt of the session."""
        match heard:
            case SessionStart():
                self._tally.start = heard
            case LinkUp(stream=pelvis.ROLE):
                pass
            case LinkUp():
                self._tally.link = heard
                self.viewers.tell(lines.dumps(self._tally.head()))
            case Overrun():
                self.counters.overruns += heard.lost
            case Orientation(stream=pelvis.ROLE):
                self.counters.samples += len(heard.t_ns)
            case Orientation():
                self._sampled(heard)
            case HipAngle():
                self._angle(heard)
            case Prompt():
                self._say = heard.say or self._say
            case Show():
                self._shown(heard)
            case _ if isinstance(heard, Event):
                self._event(heard)
        if line := frames.line(heard):
            self.viewers.tell(lines.dumps(line))

    # --- asked by viewers -----------------------------------------------------------------------

    @property
    def linked(self) -> bool:
        """Whether a sensor is connected and sends."""
        return self._standing.linked

    @property
    def status(self) -> Status:
        """Where everything stands now."""
        standing = self._standing
        info = self._tally.link.info if self._tally.link is not None else None
        return Status(
            state=standing.state,
            detail=standing.detail,
            since=standing.since,
            for_s=standing.for_s,
            retrying=standing.state in (State.LOST, State.SEARCHING, State.CONNECTING),
            sensor=info.name if info else None,
            driver=info.driver if info else None,
            rate_hz=info.rate_hz if info else None,
            battery=standing.battery,
            rssi_dbm=standing.rssi_dbm,
            last_sample_s=standing.last_sample_s,
            session=self._tally.session() if self._open else None,
            phase=self._phase(),
            say=self._say,
            coach=self._show,
            closing=list(self._closing),
            results=list(self._done),
            speaker=self._speaker.line(),
            pelvis=self._pelvis,
            troubles=dict(self._troubles),
        )

    def results(self) -> list[str]:
        """Return the lines of the session so far, or of the last one: head, events, summary."""
        return self._tally.results()

    # --- inside ---------------------------------------------------------------------------------

    def _shown(self, show: Show) -> None:
        began = self._show is None and show.part in (None, 1)
        self._show = line = show.line()
        if began:
            self._done = []
        if show.step == "done" and show.result is not None:
            about = {
                key: line[key] for key in ("drill", "title", "kind", "side", "position", "part", "parts")
            }
            self._done.append({**about, **show.result})
            self._tell_state()

    def _sampled(self, block: Orientation) -> None:
        self.counters.samples += len(block.t_ns)
        self._tally.sampled(block)
        self._standing.sampled(trusted=bool(block.trusted[-1]), calibrated=self._tally.calibrated)

    def _angle(self, block: HipAngle) -> None:
        self._tally.angle(block)
        now_ns = self._clock()
        if now_ns - self._angle_at_ns >= FRAME_NS and len(self.viewers):
            self._angle_at_ns = now_ns
            self.viewers.tell_angle(frames.angle(block))

    def _event(self, event: Output) -> None:
        self._tally.event(event)
        match event:
            case Rep():
                self.counters.reps += 1
            case Gap():
                self.counters.lost += event.lost
            case BadPackets():
                self.counters.bad_packets += event.count
            case _:
                pass

    def _tell_speaker(self) -> None:
        for watcher in self._speaker_watchers:
            watcher(self._speaker.where)
        self.viewers.tell(lines.dumps({"v": 1, "type": "speaker", **self._speaker.line()}))
        self._tell_state()

    def _changed(self) -> None:
        status = self.status
        for watcher in self._watchers:
            watcher(status)
        self._tell_state()

    def _tell_state(self) -> None:
        self._told_at_ns = self._clock()
        if len(self.viewers):
            self.viewers.tell(lines.dumps(self.status.line()))
