"""Over weeks: what tests of one leg come to, told against the measuring error and not against hope.

Only like is put in one track: the same leg, position, movement (active or passive), zero and tool (sensor and
filter), and nothing whose heading drifts. A track of five tests and more knows the person's own repeatability
(`results.own_sem`) and is measured by that.

A trend is the straight line of least squares through n tests, each with the standard error of measurement SEM
and errors of its own. Over the span T of the tests it changes by slope·T, with the standard error
SEM·T/√Σ(tᵢ − t̄)², so

    MDC95 = 1.96·SEM·T / √Σ(tᵢ − t̄)²

which for two tests is `results`' 1.96·√2·SEM, and falls as tests are added between. Where SEM is the
person's own, it is itself only estimated, from a handful of tests: Student's t takes the place of 1.96, or
one person in six would be told a change that is none. What is not beyond the limit is no real change yet. A
change that came all at once is told up to half larger than it is: a line knows no step.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from hipturn.core import results
from hipturn.core.results import Conditions, Difference, Movement, Quantity, Result, Trial
from hipturn.errors import InputError
from hipturn.model import Direction, Side, Zero
from hipturn.units import DEG_PER_RAD

S_PER_WEEK = 7 * 24 * 3600.0
Of = Direction | Literal["arc"]
"""What a trend can be of."""
OF: tuple[Of, ...] = (Direction.INTERNAL, Direction.EXTERNAL, "arc")


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """What must be equal for two tests to be of one track or of one comparison of the legs."""

    position: str
    movement: Movement
    tool: str
    zero: Zero


@dataclass(frozen=True, slots=True)
class Tested:
    """One leg's test in one session."""

    at_s: float
    """When, POSIX seconds."""
    day: int
    """Local day, 1 for 0001-01-01, a Monday."""
    session: str
    tool: str
    conditions: Conditions
    trials: tuple[Trial, ...]

    @property
    def kind(self) -> Kind:
        """What it may be compared with."""
        c = self.conditions
        return Kind(c.position, c.movement, self.tool, c.zero)


@dataclass(frozen=True, slots=True)
class Track:
    """Tests of one leg that can be compared, in the order of time."""

    side: Side
    kind: Kind
    tested: tuple[Tested, ...]
    results: tuple[Result, ...]
    """One a test, with the person's own repeatability where it is known."""

    @property
    def own_sem(self) -> bool:
        """Whether the measuring error is the person's own."""
        return self.results[-1].own_sem


@dataclass(frozen=True, slots=True)
class Point:
    """A value in time."""

    at_s: float
    value: Quantity


@dataclass(frozen=True, slots=True)
class Trend:
    """How one quantity went."""

    of: Of
    points: tuple[Point, ...]
    per_week_rad: float
    """Slope of the line through the points, rad a week; 0 for a single point."""
    change: Difference | None
    """By that line from the first to the last; None where there is no time between them."""
    middle: Point
    """The line goes through this: the mean of times and values."""

    @property
    def latest(self) -> Point:
        """The last one."""
        return self.points[-1]

    @property
    def real(self) -> bool:
        """Whether it changed by more than measuring error."""
        return self.change is not None and not self.change.within_error

    def line_rad(self, at_s: float) -> float:
        """Return the line's value at a time: level where there is no real change yet."""
        slope = self.per_week_rad / S_PER_WEEK if self.real else 0.0
        return self.middle.value.value_rad + slope * (at_s - self.middle.at_s)


@dataclass(frozen=True, slots=True)
class Sides:
    """Left against right: the latest test of each, of one kind."""

    kind: Kind
    left: Tested
    right: Tested
    differences: dict[str, Difference]
    """Left minus right: "internal", "external", "arc", as far as both have them."""

    @property
    def days_apart(self) -> int:
        """How many days lie between the two."""
        return abs(self.left.day - self.right.day)


@dataclass(frozen=True, slots=True)
class Week:
    """A week and what was done in it."""

    first_day: int
    """Its Monday."""
    days: int
    """Days with a session."""
    reached: bool | None
    """Whether the plan was; None for the running week while it still can be."""


@dataclass(frozen=True, slots=True)
class Adherence:
    """What was done against what was planned."""

    planned: int
    weeks: tuple[Week, ...]

    @property
    def reached(self) -> int:
        """Weeks in which the plan was reached."""
        return sum(week.reached is True for week in self.weeks)

    @property
    def judged(self) -> int:
        """Weeks that can be judged."""
        return sum(week.reached is not None for week in self.weeks)


def tracks(tested: Iterable[Tested]) -> list[Track]:
    """Return the tests as tracks, by kind and side, without those that drift or that held nothing."""
    kept = [t for t in tested if t.trials and not t.conditions.heading_dependent]
    kept.sort(key=lambda t: (t.kind, t.conditions.side, t.at_s, t.session))
    return [
        _track(side, kind, tuple(group))
        for (kind, side), group in groupby(kept, key=lambda t: (t.kind, t.conditions.side))
    ]


def _track(side: Side, kind: Kind, tested: tuple[Tested, ...]) -> Track:
    plain = [results.result(t.conditions, t.trials) for t in tested]
    sem = _own_sem(plain)
    own = plain if sem is None else [results.result(t.conditions, t.trials, sem) for t in tested]
    return Track(side, kind, tested, tuple(own))


def _own_sem(found: Sequence[Result]) -> float | None:
    """Return the person's own error, rad: of the direction that varies more, for it is used for both."""
    each = [
        results.own_sem([r.ranges[direction].mean.value_rad for r in found if direction in r.ranges])
        for direction in Direction
    ]
    return max((sem for sem in each if sem is not None), default=None)


def factor95(tests: int) -> float:
    """Return how many own standard errors, estimated from so many tests, hold 95 %: Student's t.

    Successive differences of n values are worth 2(n − 1)²/(3n − 4) degrees of freedom (von
    Neumann et al. 1941); the quantile is Cornish and Fisher's expansion, within 1 % from five tests on.
    """
    z, freedom = results.Z95, 2.0 * (tests - 1) ** 2 / (3 * tests - 4)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def trend(track: Track, of: Of) -> Trend | None:
    """Return how a quantity of a track went; None where no test has it."""
    points = [
        Point(tested.at_s, size)
        for tested, result in zip(track.tested, track.results)
        if (size := value(result, of)) is not None
    ]
    if not points:
        return None
    n = len(points)
    mean_s = math.fsum(p.at_s for p in points) / n
    mean = math.fsum(p.value.value_rad for p in points) / n
    middle = Point(mean_s, Quantity(mean, points[0].value.sem_rad / math.sqrt(n)))
    squares = math.fsum((p.at_s - mean_s) ** 2 for p in points)
    span_s = points[-1].at_s - points[0].at_s
    if squares <= 0.0:
        return Trend(of, tuple(points), 0.0, None, middle)
    slope = math.fsum((p.at_s - mean_s) * (p.value.value_rad - mean) for p in points) / squares
    factor = factor95(n) if track.own_sem else results.Z95
    limit = factor * points[0].value.sem_rad * span_s / math.sqrt(squares)
    return Trend(of, tuple(points), slope * S_PER_WEEK, Difference(slope * span_s, limit), middle)


def value(result: Result, of: Of) -> Quantity | None:
    """Return a range or the arc of a result; None where it was not tested."""
    if of == "arc":
        return result.arc
    found = result.ranges.get(of)
    return None if found is None else found.mean


def in_words(trend: Trend) -> str:
    """Return how it went as it is to be told: a change is never told without its limit."""
    if trend.change is None:
        return "one test: no change can be told yet"
    size, limit = (x * DEG_PER_RAD for x in (trend.change.value_rad, trend.change.mdc_rad))
    if not trend.real:
        return f"no real change yet: {size:+.1f}° is within measuring error ({limit:.1f}°)"
    per_week = trend.per_week_rad * DEG_PER_RAD
    return f"{size:+.1f}°, more than measuring error ({limit:.1f}°); {per_week:+.1f}° a week"


def left_right(found: Iterable[Track]) -> list[Sides]:
    """Return the legs compared, one for each kind that both were tested in."""
    by_kind: dict[Kind, dict[Side, Track]] = {}
    for track in found:
        by_kind.setdefault(track.kind, {})[track.side] = track
    return [
        Sides(
            kind,
            legs[Side.LEFT].tested[-1],
            legs[Side.RIGHT].tested[-1],
            results.left_right(legs[Side.LEFT].results[-1], legs[Side.RIGHT].results[-1]),
        )
        for kind, legs in by_kind.items()
        if len(legs) == 2
    ]


def balance(result: Result) -> Difference | None:
    """Return internal minus external rotation; None where one was not tested.

    A wrong zero enters it twice, which the limit does not cover, and bone shape is a part of it.
    """
    if len(result.ranges) < 2:
        return None
    internal, external = (result.ranges[d].mean for d in (Direction.INTERNAL, Direction.EXTERNAL))
    error = results.Z95 * math.hypot(internal.sem_rad, external.sem_rad)
    return Difference(internal.value_rad - external.value_rad, error)


def adherence(days: Iterable[int], planned: int, today: int) -> Adherence:
    """Return each week from the first day with a session to today's; days as in `Tested`.

    Raises `InputError` for a plan that no week can hold.
    """
    if not 1 <= planned <= 7:
        raise InputError(f"{planned} sessions a week cannot be a plan: 1 to 7 days")
    done = sorted({day for day in days if day <= today})
    if not done:
        return Adherence(planned, ())
    # day 1 was a Monday
    this_week = _monday(today)
    weeks = []
    for monday in range(_monday(done[0]), this_week + 1, 7):
        count = sum(monday <= day < monday + 7 for day in done)
        to_come = monday + 7 - today - (today in done)
        open_yet = monday == this_week and count < planned <= count + to_come
        weeks.append(Week(monday, count, None if open_yet else count >= planned))
    return Adherence(planned, tuple(weeks))


def _monday(day: int) -> int:
    return day - (day - 1) % 7
