"""From trials to a test's result: never a bare number, always with its uncertainty and its conditions.

A trial is an end range that was held within ±2° for at least 1 s; its value is the mean over the furthest
such second. A range is the mean of the trials of one direction. What is compared, two ranges or two days, is
compared against the minimal detectable change: below it the difference is within measuring error.

One law gives every limit. A quantity that is a sum or difference of m ranges, each with the standard error of
measurement SEM and errors of its own, has the error SEM·√m, and MDC95 = 1.96·SEM·√m:

- a change of a range (today − last time): m = 2, so 1.96·√2·SEM, 5.5° for 2.0°;
- a left-right difference: m = 2, the same;
- a change of a left-right difference: m = 4, √2 times that;
- the total arc (IR + ER): m = 2; its change: m = 4. A wrong zero, which enters both with opposite signs,
  cancels in it, so that limit is on the safe side.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from hipturn.errors import InputError
from hipturn.model import BoolArray, Direction, FloatArray, HipAngle, Rep, Side, Verdict, Zero
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

HELD_RAD = 2.0 * RAD_PER_DEG
HELD_S = 1.0
"""An end range counts when it was kept within ± this for that long."""
NEAR_PEAK = 0.35
"""A hold further from the peak than this share of the range is no end range."""
SEM_RAD = 2.0 * RAD_PER_DEG
"""Standard error of measurement of own retests until a person's own is known: single-inclinometer studies
give an MDC of 5.4° (Krause 2015), which is this."""
LEAST_SEM_RAD = 0.5 * RAD_PER_DEG
"""No repeatability is believed to be better: about what strap and zero alone vary by."""
OWN_SEM_SESSIONS = 5
"""Sessions from which on a person's own repeatability replaces the default."""
Z95 = 1.96

Movement = Literal["active", "passive"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """In what a result was measured: only results of the same side, position and kind can be compared."""

    side: Side
    position: str
    movement: Movement
    zero: Zero
    observability: float
    grade: Literal["good", "fair", "poor"]
    heading_dependent: bool = False
    warmed_up: bool | None = None

    def kind(self) -> tuple[str, ...]:
        """Return what must be equal for two results of one leg to be comparable."""
        return (self.position, self.movement)


@dataclass(frozen=True, slots=True)
class Trial:
    """One held end range."""

    direction: Direction
    value_rad: float
    """Size of the range from the zero, positive in its direction: the mean over the furthest held second."""
    sd_rad: float
    """Of the angle within the whole hold."""
    held_s: float
    start_ns: int
    end_ns: int
    off_axis_rad: float
    """Largest off-axis motion in the repetition it belongs to."""
    lost: int
    """Samples missing within the hold."""
    lost_share: float


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its standard error of measurement."""

    value_rad: float
    sem_rad: float

    @property
    def uncertainty_rad(self) -> float:
        """Half of the 95 % interval around the value."""
        return Z95 * self.sem_rad


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two quantities, and whether it is more than measuring error."""

    value_rad: float
    mdc_rad: float
    """MDC95: the smallest that is more than measuring error."""

    @property
    def within_error(self) -> bool:
        """Whether it could be measuring error alone."""
        return abs(self.value_rad) < self.mdc_rad


@dataclass(frozen=True, slots=True)
class Range:
    """The range of one direction: mean, spread and best of its trials."""

    direction: Direction
    mean: Quantity
    sd_rad: float | None
    """Of the trials; None of a single one."""
    best_rad: float
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One leg's test: its ranges and, where both directions were tried, the total arc."""

    conditions: Conditions
    ranges: Mapping[Direction, Range]
    arc: Quantity | None
    own_sem: bool
    """The error is the person's own repeatability, not the default."""


def trials(angle: HipAngle, reps: Sequence[Rep]) -> list[Trial]:
    """Return the held end ranges among repetitions; a void one and one that was not held give none."""
    found = (_trial(angle, rep) for rep in reps if rep.verdict is not Verdict.VOID)
    return [trial for trial in found if trial is not None]


def _trial(angle: HipAngle, rep: Rep) -> Trial | None:
    rows = slice(*np.searchsorted(angle.t_ns, (rep.start_ns, rep.end_ns + 1)).tolist())
    sign = 1.0 if rep.direction is Direction.INTERNAL else -1.0
    t_ns, x = angle.t_ns[rows], sign * angle.angle_rad[rows]
    second = furthest_hold(t_ns / NS_PER_S, x)
    if second is None:
        return None
    value = float(x[slice(*second)].mean())
    if value < sign * rep.peak_rad - NEAR_PEAK * rep.rom_rad:
        # what was held was a stop on the way
        return None
    first, stop = _around(np.abs(x - value) <= HELD_RAD, second[0])
    lost = int(angle.lost_before[rows][first + 1 : stop].sum())
    return Trial(
        direction=rep.direction,
        value_rad=value,
        sd_rad=float(x[first:stop].std()),
        held_s=float(t_ns[stop - 1] - t_ns[first]) / NS_PER_S,
        start_ns=int(t_ns[first]),
        end_ns=int(t_ns[stop - 1]),
        off_axis_rad=rep.off_axis_rad,
        lost=lost,
        lost_share=lost / (lost + stop - first),
    )


def furthest_hold(t_s: FloatArray, x: FloatArray) -> tuple[int, int] | None:
    """Return the half-open rows of the furthest second kept within ±2° of its own mean, None if none was.

    `t_s` and `x` have shape (n,); x grows outwards.
    """
    stops = np.searchsorted(t_s, t_s + HELD_S - 1e-9) + 1
    starts = np.flatnonzero(stops <= len(t_s))
    total = np.concatenate(([0.0], np.cumsum(x)))
    means = (total[stops[starts]] - total[starts]) / (stops[starts] - starts)
    # the furthest first: the first of them that was kept is the one
    for k in np.argsort(-means, kind="stable").tolist():
        first, stop = int(starts[k]), int(stops[starts[k]])
        if float(np.abs(x[first:stop] - means[k]).max()) <= HELD_RAD:
            return first, stop
    return None


def _around(mask: BoolArray, row: int) -> tuple[int, int]:
    """Return the half-open run of true around a row that is true."""
    false = np.flatnonzero(~mask)
    k = int(np.searchsorted(false, row))
    return (int(false[k - 1]) + 1 if k else 0), (int(false[k]) if k < len(false) else len(mask))


def own_sem(sessions: Sequence[float]) -> float | None:
    """Return a person's own standard error of measurement, rad, from a range in each session, in order.

    From successive differences (von Neumann et al. 1941, Ann Math Stat 12:153), so that slow progress does
    not look like error: SEM² = Σ(xᵢ₊₁ − xᵢ)² / 2(n − 1). None for fewer than `OWN_SEM_SESSIONS`.
    """
    if len(sessions) < OWN_SEM_SESSIONS:
        return None
    steps = [after - before for before, after in pairwise(sessions)]
    return max(LEAST_SEM_RAD, math.sqrt(sum(step * step for step in steps) / (2 * len(steps))))


def mdc95(sem_rad: float, ranges: int = 2) -> float:
    """Return the minimal detectable change, rad, of a sum or difference of so many measured ranges."""
    return Z95 * math.sqrt(ranges) * sem_rad


def result(conditions: Conditions, found: Sequence[Trial], sem_rad: float | None = None) -> Result:
    """Return one leg's result; `sem_rad` is the person's own repeatability where it is known.

    Raises `InputError` where nothing was held.
    """
    if not found:
        raise InputError("no end range was held for a second: hold it within 2° and repeat the trial")
    sem = SEM_RAD if sem_rad is None else sem_rad
    ranges = {d: _range(d, [t for t in found if t.direction is d], sem) for d in Direction}
    held = {d: each for d, each in ranges.items() if each is not None}
    arc = None
    if len(held) == 2:
        total = sum(each.mean.value_rad for each in held.values())
        arc = Quantity(total, math.sqrt(2.0) * sem)
    return Result(conditions, held, arc, sem_rad is not None)


def _range(direction: Direction, found: Sequence[Trial], sem_rad: float) -> Range | None:
    if not found:
        return None
    values = [trial.value_rad for trial in found]
    mean = math.fsum(values) / len(values)
    sd = None
    if len(values) > 1:
        sd = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return Range(direction, Quantity(mean, sem_rad), sd, max(values), tuple(found))


def change(now: Result, before: Result) -> dict[str, Difference]:
    """Return what changed since last time: "internal", "external", "arc", as far as both have them.

    Raises `InputError` for results that must not be compared.
    """
    if now.conditions.side != before.conditions.side:
        raise InputError("results of different legs are compared as left-right difference, not as a change")
    _comparable(now, before)
    if now.conditions.zero != before.conditions.zero:
        # only the arc is immune to where the zero is
        return {name: d for name, d in _differences(now, before).items() if name == "arc"}
    return _differences(now, before)


def left_right(left: Result, right: Result) -> dict[str, Difference]:
    """Return left minus right: "internal", "external", "arc", as far as both have them."""
    if (left.conditions.side, right.conditions.side) != (Side.LEFT, Side.RIGHT):
        raise InputError("a left-right difference needs a left and a right leg's result, in this order")
    _comparable(left, right)
    return _differences(left, right)


def change_of_difference(now: Difference, before: Difference) -> Difference:
    """Return how a left-right difference changed: four measured ranges are in it."""
    return Difference(now.value_rad - before.value_rad, math.hypot(now.mdc_rad, before.mdc_rad))


def _comparable(a: Result, b: Result) -> None:
    for one in (a, b):
        if one.conditions.heading_dependent:
            raise InputError(
                f"a heading-dependent result ({one.conditions.position}) drifts and cannot be compared: "
                "test prone or seated"
            )
    if a.conditions.kind() != b.conditions.kind():
        kinds = " and ".join(" ".join(each.conditions.kind()) for each in (a, b))
        raise InputError(
            f"{kinds} are different tests, whose totals differ by over 10°: compare like with like"
        )


def _differences(a: Result, b: Result) -> dict[str, Difference]:
    both = [d for d in Direction if d in a.ranges and d in b.ranges]
    found = {d.value: _difference(a.ranges[d].mean, b.ranges[d].mean) for d in both}
    if a.arc is not None and b.arc is not None:
        found["arc"] = _difference(a.arc, b.arc)
    return found


def _difference(a: Quantity, b: Quantity) -> Difference:
    return Difference(a.value_rad - b.value_rad, Z95 * math.hypot(a.sem_rad, b.sem_rad))


def in_words(difference: Difference) -> str:
    """Return a difference as it is to be told: never without its limit."""
    size, limit = (x * DEG_PER_RAD for x in (difference.value_rad, difference.mdc_rad))
    if difference.within_error:
        return f"{size:+.1f}°, within measuring error (below {limit:.1f}°)"
    return f"{size:+.1f}°, more than measuring error ({limit:.1f}°)"
