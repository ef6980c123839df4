"""A person's sessions as what `core.progress` compares, and what it comes to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hipturn import lines
from hipturn.core import progress, results
from hipturn.core.progress import Adherence, Sides, Tested, Track
from hipturn.core.results import Difference, Result
from hipturn.history.found import Found, Leg, SetOf
from hipturn.history.people import Person
from hipturn.lines import Line
from hipturn.model import Side
from hipturn.units import DEG_PER_RAD


@dataclass(frozen=True, slots=True)
class Practice:
    """One leg's repetitions in one session of a drill."""

    found: Found
    leg: Leg

    @property
    def share(self) -> float | None:
        """Controlled among the repetitions that can be judged; None where none can."""
        judged = self.leg.controlled + self.leg.uncontrolled
        return self.leg.controlled / judged if judged else None

    @property
    def longest(self) -> SetOf | None:
        """The set with the most repetitions: the one whose range tells of warming up and of fatigue."""
        return max(self.leg.sets, key=lambda each: each.reps, default=None)


@dataclass(frozen=True, slots=True)
class Overview:
    """All there is to tell of a person."""

    name: str
    person: Person
    sessions: tuple[Found, ...]
    tracks: tuple[Track, ...]
    sides: tuple[Sides, ...]
    practice: tuple[Practice, ...]
    adherence: Adherence | None
    """None without a plan."""

    def track(self, side: Side, like: Track) -> Track | None:
        """Return the other leg's track of one kind."""
        return next((t for t in self.tracks if t.kind == like.kind and t.side is side), None)


def overview(name: str, person: Person, sessions: Sequence[Found], today: int) -> Overview:
    """Return what a person's sessions come to; `today` as a day of `core.progress`."""
    tracks = progress.tracks(tested(sessions))
    days = [at.toordinal() for found in sessions if found.legs and (at := found.begun)]
    planned = person.sessions_a_week
    return Overview(
        name,
        person,
        tuple(sessions),
        tuple(tracks),
        tuple(progress.left_right(tracks)),
        tuple(
            Practice(found, leg) for found in sessions for leg in found.legs if not leg.trials and leg.reps
        ),
        progress.adherence(days, planned, today) if planned else None,
    )


def tested(sessions: Iterable[Found]) -> list[Tested]:
    """Return the tests among sessions: a leg each, where the session says when it was."""
    return [
        Tested(at.timestamp(), at.toordinal(), found.name, found.tool, leg.conditions, leg.trials)
        for found in sessions
        if (at := found.begun)
        for leg in found.legs
        if leg.conditions and leg.trials
    ]


def results_of(found: Found, sessions: Iterable[Found]) -> list[tuple[Result, dict[str, Difference]]]:
    """Return a session's results, a leg each, with what changed since the last test before it.

    Of `sessions` of the same person those before it count, for the change and for the measuring error.
    """
    at = found.begun
    before = [one for one in sessions if one.name != found.name and at and one.begun and one.begun < at]
    told: list[tuple[Result, dict[str, Difference]]] = []
    for leg in found.legs:
        if leg.conditions is None or not leg.trials:
            continue
        ours = [t for t in progress.tracks(tested([*before, found])) if t.tested[-1].session == found.name]
        track = next((t for t in ours if t.side is leg.side), None)
        if track is None:
            told.append((results.result(leg.conditions, leg.trials), {}))
        else:
            last = track.results[-1]
            told.append((last, results.change(last, track.results[-2]) if len(track.results) > 1 else {}))
    return told


# --- as JSON lines ------------------------------------------------------------------------------


def session_line(found: Found) -> Line:
    """Return the object of a session in a list."""
    return {
        "v": lines.VERSION,
        "type": "session",
        "recording": found.name,
        "wall_time": found.start.wall_time,
        "person": found.start.person,
        "drill": found.start.drill,
        "position": found.start.position,
        "driver": found.driver,
        "filter": found.filter,
        "duration_s": found.duration_s,
        "holds": found.holds,
        "gaps": found.gaps,
        "note": found.start.note,
        "problem": found.problem,
        "legs": [_leg(leg) for leg in found.legs],
    }


def _leg(leg: Leg) -> Line:
    return {
        "side": leg.side,
        "reps": leg.reps,
        "controlled": leg.controlled,
        "uncontrolled": leg.uncontrolled,
        "void": leg.void,
        "median_deg": _deg(leg.median_rad),
        "best_deg": _deg(leg.best_rad),
        "trials": len(leg.trials),
        "sets": [
            {
                "n": each.n,
                "reps": each.reps,
                "controlled": each.controlled,
                "warm_up": each.warm_up,
                "range_change": each.range_change,
                "speed_change": each.speed_change,
            }
            for each in leg.sets
        ],
    }


def progress_lines(found: Overview) -> list[Line]:
    """Return the objects of trends, of the legs compared and of the plan."""
    told: list[Line] = []
    for track in found.tracks:
        for of in progress.OF:
            if (trend := progress.trend(track, of)) is not None:
                change = trend.change
                told.append(
                    {
                        "v": lines.VERSION,
                        "type": "trend",
                        "person": found.name,
                        "side": track.side,
                        **_kind(track.kind),
                        "of": of,
                        "sem_from": "own sessions" if track.own_sem else "default",
                        "tests": [
                            {
                                "recording": one.session,
                                "at_s": point.at_s,
                                "value_deg": _deg(point.value.value_rad),
                                "uncertainty_deg": _deg(point.value.uncertainty_rad),
                            }
                            for one, point in _beside(track, trend)
                        ],
                        "change_deg": change and _deg(change.value_rad),
                        "mdc95_deg": change and _deg(change.mdc_rad),
                        "per_week_deg": _deg(trend.per_week_rad),
                        "real": trend.real,
                        "text": progress.in_words(trend),
                    }
                )
    told += [
        lines.comparison("left-right", sides.differences)
        | _kind(sides.kind)
        | {"days_apart": sides.days_apart}
        for sides in found.sides
    ]
    if found.adherence is not None:
        told.append(
            {
                "v": lines.VERSION,
                "type": "adherence",
                "person": found.name,
                "planned": found.adherence.planned,
                "reached": found.adherence.reached,
                "of": found.adherence.judged,
                "weeks": [week.days for week in found.adherence.weeks],
            }
        )
    return told


def _beside(track: Track, trend: progress.Trend) -> list[tuple[Tested, progress.Point]]:
    """Return each point with its test: not every test has both directions."""
    points = {(point.at_s, point.value): point for point in trend.points}
    return [
        (one, points[key])
        for one, result in zip(track.tested, track.results)
        if (value := progress.value(result, trend.of)) is not None and (key := (one.at_s, value)) in points
    ]


def _kind(kind: progress.Kind) -> Line:
    return {"position": kind.position, "movement": kind.movement, "tool": kind.tool, "zero": kind.zero}


def _deg(rad: float | None) -> float | None:
    return None if rad is None else round(rad * DEG_PER_RAD, 3)
