"""One session, from its beginning to the closing of its recording."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import hipturn
from hipturn import config, drills
from hipturn.coach import Coach, Phase, Show
from hipturn.coach.words import text
from hipturn.daemon.plan import STREAM, Ended, Plan
from hipturn.model import Input, SessionStart
from hipturn.session import Heard, Session
from hipturn.sinks.keeper import Keeper

_log = logging.getLogger(__name__)


def coached(plan: Plan) -> Coach:
    """Return the coach of a session of this plan."""
    if not plan.guided:
        return Coach(STREAM, plan.side, plan.reps, plan.position)
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


@dataclass(slots=True)
class Running:
    """The session in progress: push inputs in the order they came, then finish, then close."""

    plan: Plan
    coach: Coach
    keeper: Keeper
    session: Session

    @classmethod
    def of(cls, plan: Plan, listen: Callable[[Heard], None], tell: Callable[[str | None], None]) -> "Running":
        """Make ready for a session of this plan; `tell` hears what cannot be recorded."""
        keeper = Keeper(plan.recordings, plan.drill, plan.side, tell)
        coach = coached(plan)

        def hear(heard: Heard) -> None:
            if isinstance(heard, Show):
                heard = placed(heard, plan, keeper.path)
            listen(heard)

        session = Session(config.core_params(plan.settings), coach, keeper, hear)
        return cls(plan, coach, keeper, session)

    @property
    def path(self) -> Path | None:
        """The file being written, if any."""
        return self.keeper.path

    @property
    def phase(self) -> str:
        """Where its coach stands, in words."""
        return self.coach.phase.value

    @property
    def done(self) -> bool:
        """The coach reached its target."""
        return self.coach.phase is Phase.DONE

    def begin(self) -> None:
        """Write down what the session is about: the first thing in its recording."""
        self.session.push(
            SessionStart(
                program=f"hipturn {hipturn.__version__}",
                wall_time=datetime.now().astimezone().isoformat(timespec="milliseconds"),
                settings=dict(self.plan.settings),
                drill=self.plan.drill,
                position=self.plan.position or None,
                person=self.plan.person,
            )
        )

    def push(self, item: Input) -> None:
        """Record, measure, coach."""
        self.session.push(item)

    def tick(self, now_ns: int) -> None:
        """Put on disk what is due."""
        self.keeper.tick(now_ns)

    def finish(self) -> None:
        """Take what the end of the stream decides; a mistake there costs only that."""
        try:
            self.session.finish()
        except Exception:
            _log.exception("the end of the session could not be measured")

    def close(self) -> Ended:
        """Close the recording; waits for the disk."""
        paths = self.keeper.close()
        for path in paths:
            _log.info("session over: %d controlled repetitions, recorded: %s", self.coach.controlled, path)
        return Ended(paths, self.done, self.keeper.trouble)
