"""A person's sessions as what `core.progress` compares, and what it comes to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from hipturn import lines
from hipturn.core import progress, results
from hipturn.core.progress import Adherence, Sides, Tested, Track
from hipturn.core.results import Difference, Movement, Result
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
class Course:
    """One drill on one leg over time: as tests, never mixed with another position, tool or movement."""

    side: Side
    drill: str
    position: str
    movement: Movement
    tool: str
    practice: tuple[Practice, ...]
    """In the order of time."""

    @property
    def reps(self) -> int:
        """All repetitions that were controlled or not; void ones were not seen whole."""
        return sum(each.leg.controlled + each.leg.uncontrolled for each in self.practice)

    @property
    def share(self) -> float | None:
        """Controlled among all of them."""
        return sum(each.leg.controlled for each in self.practice) / self.reps if self.reps else None

    @property
    def held_s(self) -> float:
        """How long it was held in all."""
        return sum(each.leg.held_s for each in self.practice)


@dataclass(frozen=True, slots=True)
class Overview:
    """All there is to tell of a person."""

    name: str
    person: Person
    sessions: tuple[Found, ...]
    tracks: tuple[Track, ...]
    sides: tuple[Sides, ...]
    courses: tuple[Course, ...]
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
        courses(sessions),
        progress.adherence(days, planned, today) if planned else None,
    )


def courses(sessions: Iterable[Found]) -> tuple[Course, ...]:
    """Return what was trained, each drill on each leg by itself; `sessions` in the order of time."""
    trained = [
        (_course(found, leg), Practice(found, leg))
        for found in sessions
        for leg in found.legs
        if not leg.trials and leg.reps
    ]
    trained.sort(key=lambda each: each[0])
    return tuple(
        Course(Side(side), drill, position, movement, tool, tuple(practice for _, practice in group))
        for (drill, position, side, movement, tool), group in groupby(trained, key=lambda each: each[0])
    )


def _course(found: Found, leg: Leg) -> tuple[str, str, str, Movement, str]:
    movement: Movement = "passive" if found.start.movement == "passive" else "active"
    return found.start.drill or "", found.start.position or "", leg.side.value, movement, found.tool


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
        "movement": "passive" if found.start.movement == "passive" else "active",
        "driver": found.driver,
        "filter": found.filter,
        "duration_s": found.duration_s,
        "holds": found.holds,
        "gaps": found.gaps,
        "note": found.start.note,
        "said": found.said,
        "pain": found.pain,
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
        "held_s": leg.held_s,
        "gained_deg": _deg(leg.gained_rad),
        "warmed_up": leg.conditions and leg.conditions.warmed_up,
        "trials": len(leg.trials),
        "sets": [_set(each) for each in leg.sets],
    }


def _set(each: SetOf) -> Line:
    return {
        "n": each.n,
        "reps": each.reps,
        "controlled": each.controlled,
        "warm_up": each.warm_up,
        "range_change": each.range_change,
        "speed_change": each.speed_change,
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
    told += [_balance(found.name, track) for track in found.tracks if progress.balance(track.results[-1])]
    told += [_practice(found.name, course) for course in found.courses]
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


def _balance(name: str, track: Track) -> Line:
    difference = progress.balance(track.results[-1])
    told = {} if difference is None else {"balance": difference}
    return (
        lines.comparison("internal-external", told)
        | {"person": name, "side": track.side}
        | _kind(track.kind)
        | {"recording": track.tested[-1].session}
    )


def _practice(name: str, course: Course) -> Line:
    return {
        "v": lines.VERSION,
        "type": "practice",
        "person": name,
        "side": course.side,
        "drill": course.drill,
        "position": course.position,
        "movement": course.movement,
        "tool": course.tool,
        "reps": course.reps,
        "controlled_share": None if course.share is None else round(course.share, 4),
        "held_s": round(course.held_s, 1),
        "sessions": [
            {
                "recording": each.found.name,
                "at_s": each.found.begun and each.found.begun.timestamp(),
                "reps": each.leg.reps,
                "controlled_share": None if each.share is None else round(each.share, 4),
                "best_deg": _deg(each.leg.best_rad),
                "held_s": each.leg.held_s,
                "gained_deg": _deg(each.leg.gained_rad),
                "pain": each.found.pain,
                "longest_set": each.longest and _set(each.longest),
            }
            for each in course.practice
        ],
    }


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
