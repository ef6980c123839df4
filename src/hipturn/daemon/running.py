"""One session, from its beginning to the closing of its recording, and from one recording to the next."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import hipturn
from hipturn import config, drills, history
from hipturn.coach import CALIBRATING, Against, Coach, Phase, Show
from hipturn.coach.words import text
from hipturn.core.fusion import ran
from hipturn.core.progress import Tested
from hipturn.core.references import SCALES, group
from hipturn.daemon.onward import Onward
from hipturn.daemon.plan import STREAM, Ended, Plan
from hipturn.model import (
    HostNs,
    Input,
    LinkUp,
    Mark,
    MarkKind,
    Orientation,
    Rep,
    SessionStart,
    StreamInfo,
    Turn,
)
from hipturn.session import Heard, Session
from hipturn.sinks.keeper import Keeper
from hipturn.units import NS_PER_S

PART_BYTES = 500_000_000
"""Packets past which a recording goes on in another: what a laptop still replays in a minute."""
REST_NS = 20 * NS_PER_S
"""It goes on in another where so long nothing was counted; the filter settles again there."""
PATIENCE = 1.25
"""It does so in the middle of a movement when it is this much longer or larger than it should be."""

_log = logging.getLogger(__name__)

Tell = Callable[[str | None], None]
Listen = Callable[[Heard], None]


def coached(plan: Plan) -> Coach:
    """Return the coach of a session of this plan."""
    if not plan.guided:
        return Coach(
            STREAM, plan.side, plan.reps, plan.position, language=plan.language, at_turn=plan.at_turn
        )
    drill = drills.drill(plan.drill)
    if plan.sets is not None:
        drill = replace(drill, sets=plan.sets)
    return Coach(
        STREAM,
        plan.side,
        plan.reps,
        drill=drill,
        language=plan.language,
        other_leg=plan.other_leg,
        safety=plan.safety,
        before=plan.before,
        at_turn=plan.at_turn,
        against=Against(
            SCALES[plan.scale] if plan.scale else None, group(plan.reference) if plan.reference else None
        ),
    )


def placed(show: Show, plan: Plan, recording: Path | None) -> Show:
    """Return what is shown with what the coach of one session cannot know: place in a routine, recording."""
    result = show.result
    if result is not None and recording is not None:
        result = {**result, "recording": recording.name}
    coming = plan.upcoming
    title = drills.drill(coming.drill).said(plan.language).title if coming is not None else None
    then = None if coming is None else f"{title}, {text(plan.language, coming.side.value)}"
    return replace(show, part=plan.part, parts=plan.parts, next=then, result=result)


class Running:
    """The session in progress: `begin`, push inputs in the order they came, then finish, then close."""

    def __init__(self, plan: Plan, coach: Coach, listen: Listen, tell: Tell, by_ns: int = 0) -> None:
        """`tell` hears what cannot be recorded; `by_ns` is how long earlier recordings of it are."""
        self.plan, self.coach = plan, coach
        self._listen, self._tell, self._by_ns = listen, tell, by_ns
        self._keeper = Keeper(plan.recordings, plan.drill, plan.side, tell)
        self.name = self._keeper.path.name if self._keeper.path else ""
        """Of its recording, as it begins."""
        self._guide = Onward(coach, by_ns) if by_ns else None
        params = config.core_params(plan.settings)
        self._session = Session(params, self._guide or coach, self._keeper, self._hear)
        self._t_ns = self._moved_ns = 0
        self._info: StreamInfo | None = None

    @classmethod
    def of(cls, plan: Plan, listen: Listen, tell: Tell) -> "Running":
        """Make ready for a session of this plan."""
        return cls(plan, coached(plan), listen, tell)

    @property
    def path(self) -> Path | None:
        """The file being written, if any."""
        return self._keeper.path

    @property
    def phase(self) -> str:
        """Where its coach stands, in words."""
        return self.coach.phase.value

    @property
    def done(self) -> bool:
        """The coach reached its target."""
        return self.coach.phase is Phase.DONE

    def begin(self, note: str = "") -> None:
        """Write down what the session is about: the first thing in its recording."""
        self.push(
            SessionStart(
                program=f"hipturn {hipturn.__version__}",
                wall_time=datetime.now().astimezone().isoformat(timespec="milliseconds"),
                settings=dict(self.plan.settings),
                drill=self.plan.drill,
                position=self.plan.position or None,
                note=note,
                person=self.plan.person,
                movement="passive" if self.plan.passive else "",
            )
        )

    def push(self, item: Input) -> None:
        """Record, measure, coach."""
        self._session.push(item)

    def stop(self) -> None:
        """Have the coach end it and tell what came out until now, as somebody wants who ends a session."""
        at_ns = HostNs(time.monotonic_ns())
        if self._info is None or self.done:
            return
        try:
            self.push(Mark(STREAM, at_ns, MarkKind.STOP, {}))
        except Exception:
            _log.exception("what came out could not be told")

    def remember(self, past: Sequence[Tested], today: int) -> None:
        """Give the coach the person's earlier tests with this sensor and filter."""
        if self._info is not None:
            chosen = ran(str(self.plan.settings["fusion.filter"]), self._info)
            used = history.tool(self._info.driver, chosen)
            self.coach.remember([one for one in past if one.tool == used], today)

    def tick(self, now_ns: int) -> None:
        """Put on disk what is due."""
        self._keeper.tick(now_ns)

    @property
    def outgrown(self) -> bool:
        """The recording is as long or large as one should be, and this is a moment to begin another."""
        grown = max(self._t_ns / NS_PER_S / self.plan.part_after_s, self._keeper.packet_bytes / PART_BYTES)
        if grown < 1.0 or not self._keeper.well:
            return False
        resting = self._t_ns - self._moved_ns >= REST_NS and self.coach.phase not in CALIBRATING
        return resting or grown > PATIENCE

    def onward(self, link: LinkUp) -> "Running":
        """Return the same session, to be gone on with in another recording; this one is finished already."""
        period_ns = round(NS_PER_S / link.info.rate_hz)
        return Running(self.plan, self.coach, self._listen, self._tell, self._by_ns + self._t_ns + period_ns)

    def go_on(self, before: "Running", link: LinkUp) -> None:
        """Begin as what follows `before`: with its calibration, and the coach where it was."""
        self.begin(note=f"continues {before.path.name}" if before.path else "")
        self.coach.renumbered()
        if self._guide is not None:
            # whose calibration was under way begins it anew: the new filter faces another way
            self._guide.listening = self.coach.phase in CALIBRATING
        self.push(link)
        for mark in before._keeper.carried:
            self.push(replace(mark, at_ns=link.at_ns))
        if self._guide is not None:
            self._guide.listening = True

    def finish(self) -> None:
        """Take what the end of the stream decides; a mistake there costs only that."""
        try:
            self._session.finish()
        except Exception:
            _log.exception("the end of the session could not be measured")

    def close(self) -> Ended:
        """Close the recording; waits for the disk."""
        paths = self._keeper.close()
        for path in paths:
            _log.info("session over: %d controlled repetitions, recorded: %s", self.coach.controlled, path)
        return Ended(paths, self.coach.completed, self._keeper.trouble)

    def _hear(self, heard: Heard) -> None:
        match heard:
            case LinkUp() if heard.stream == STREAM:
                self._info = heard.info
            case Orientation(stream=stream) if stream == STREAM:
                self._t_ns = int(heard.t_ns[-1])
            case Turn() | Rep():
                self._moved_ns = self._t_ns
            case Show():
                heard = placed(heard, self.plan, self.path)
        self._listen(heard)
