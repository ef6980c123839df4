"""Whether a repetition was controlled, against a standard, with reasons: docs/repetitions.md."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hipturn.core.excursions import Excursion
from hipturn.model import Rep, Verdict
from hipturn.units import NS_PER_S

MAX_LOST_SHARE = 0.1
"""A repetition that lost more of its samples is void: its peak may have been among them."""

USUAL_CV = {"range": 0.06, "time": 0.15, "speed": 0.35}
"""How much range, duration and peak speed of one person's repetitions vary, as a coefficient of variation:
what is assumed before there are enough of their own to tell."""
PRIOR_REPS = 4
"""How many repetitions of one's own weigh as much as that assumption."""
LIMIT_SD = 2.5
"""A repetition further than this from one's own is another kind of movement: chance does that once in 160."""
MEMORY = 7
"""Last controlled repetitions the standard rests on: it follows a hip that loosens within a set."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What of one repetition a person's own standard is made of."""

    rom_rad: float
    duration_s: float
    peak_speed_radps: float


@dataclass(frozen=True, slots=True)
class Standard:
    """What a repetition is judged against; None means not judged."""

    target_rad: float | None = None
    """Range to reach; in place of the person's own where there is one."""
    min_fraction: float = 0.7
    """Share of the target below which the range is short."""
    min_rep_s: float | None = None
    """Shortest duration."""
    max_speed_radps: float | None = None
    """Fastest speed at any moment."""
    max_off_axis_rad: float | None = None
    """Largest off-axis motion."""
    min_hold_s: float | None = None
    """Shortest hold at the peak."""
    min_return: float | None = None
    """Share of the range that must be undone."""
    max_compensation_rad: float | None = None
    """Largest lean of the pelvis, where a sensor on it tells."""
    own: tuple[Sample, ...] = ()
    """Repetitions done well, that show this person's range and tempo."""


def sample(rep: Rep) -> Sample:
    """Return what a standard learns from a repetition."""
    return Sample(rep.rom_rad, (rep.end_ns - rep.start_ns) / NS_PER_S, rep.peak_speed_radps)


def demonstrated(reps: Sequence[Rep], standard: Standard) -> Standard:
    """Return the standard with range and tempo shown by repetitions done well.

    Raises `ValueError` if there are none.
    """
    if not reps:
        raise ValueError("no repetition to take the standard from")
    return replace(standard, own=tuple(sample(rep) for rep in reps))


class _Usual:
    """One quantity of a person's repetitions: how far below the usual a value is, in standard deviations.

    Ratios matter, so logarithms. The spread is the person's own, blended with what people usually show
    (the posterior of a normal with known mean of variance), and the distance allows for a mean of few.
    """

    def __init__(self, cv: float) -> None:
        self._cv = cv
        self._logs: deque[float] = deque(maxlen=MEMORY)

    def add(self, value: float) -> None:
        self._logs.append(math.log(max(value, 1e-9)))

    def below(self, value: float) -> float:
        """Return how many standard deviations `value` is below the usual; 0 while none is known."""
        n = len(self._logs)
        if n == 0:
            return 0.0
        mean = sum(self._logs) / n
        squares = sum((x - mean) ** 2 for x in self._logs) + PRIOR_REPS * self._cv**2
        sd = math.sqrt(squares / (PRIOR_REPS + n - 1) * (1.0 + 1.0 / n))
        return (mean - math.log(max(value, 1e-9))) / sd


class Judge:
    """Judges one leg's repetitions: push them in order.

    A standard by demonstration moves with the controlled repetitions, never with rejected ones.
    """

    def __init__(self, standard: Standard) -> None:
        self._standard = standard
        self.learn(standard.own)

    def learn(self, own: Sequence[Sample]) -> None:
        """Take repetitions done well as the person's own standard from here on; none for no such standard."""
        self._range, self._time, self._slowness = (_Usual(USUAL_CV[k]) for k in ("range", "time", "speed"))
        self._own = len(own) > 0
        for each in own:
            self._add(each)

    def _add(self, shown: Sample) -> None:
        self._range.add(shown.rom_rad)
        self._time.add(shown.duration_s)
        self._slowness.add(1.0 / max(shown.peak_speed_radps, 1e-9))

    def push(self, rep: Rep, excursion: Excursion) -> Rep:
        """Return the repetition with its verdict and the reasons for it, the clearest first."""
        if not excursion.samples.trusted.all() or rep.lost_share > MAX_LOST_SHARE:
            return replace(rep, verdict=Verdict.VOID, reasons=("data-gap",))
        reasons = [*self._size_and_tempo(sample(rep)), *self._form(rep, excursion)]
        if reasons:
            return replace(rep, verdict=Verdict.UNCONTROLLED, reasons=tuple(reasons))
        if self._own:
            self._add(sample(rep))
        return rep

    def _size_and_tempo(self, rep: Sample) -> list[str]:
        """Return ``too-fast`` and ``short-range`` as they apply, the further beyond its limit first."""
        asked = self._standard
        if asked.target_rad is None:
            short = self._range.below(rep.rom_rad) - LIMIT_SD
        else:
            short = _beyond(asked.min_fraction * asked.target_rad, rep.rom_rad, USUAL_CV["range"])
        fast = [
            self._time.below(rep.duration_s) - LIMIT_SD,
            self._slowness.below(1.0 / max(rep.peak_speed_radps, 1e-9)) - LIMIT_SD,
        ]
        if asked.min_rep_s is not None:
            fast.append(_beyond(asked.min_rep_s, rep.duration_s, USUAL_CV["time"]))
        if asked.max_speed_radps is not None:
            fast.append(_beyond(rep.peak_speed_radps, asked.max_speed_radps, USUAL_CV["speed"]))
        told = [each for each in ((max(fast), "too-fast"), (short, "short-range")) if each[0] > 0.0]
        return [reason for _, reason in sorted(told, key=lambda each: -each[0])]

    def _form(self, rep: Rep, excursion: Excursion) -> list[str]:
        asked, reasons = self._standard, []
        if asked.min_hold_s is not None and rep.hold_s < asked.min_hold_s:
            reasons.append("no-hold")
        if asked.max_off_axis_rad is not None and rep.off_axis_rad > asked.max_off_axis_rad:
            reasons.append("off-axis")
        if excursion.cut:
            reasons.append("no-return")
        elif asked.min_return is not None:
            samples = excursion.samples
            back = samples.angle_rad[np.searchsorted(samples.t_ns, rep.end_ns)]
            undone = excursion.sign * (rep.peak_rad - float(back))
            if undone < asked.min_return * rep.rom_rad:
                reasons.append("no-return")
        # where the pelvis could not be seen nothing is held against anybody: NaN is more than nothing
        leaned = math.nan if rep.compensation_rad is None else rep.compensation_rad
        if asked.max_compensation_rad is not None and leaned > asked.max_compensation_rad:
            reasons.append("compensation")
        return reasons


def _beyond(least: float, value: float, cv: float) -> float:
    """Return how far `value` falls short of a fixed limit, in the usual standard deviations."""
    if least <= 0.0:
        return -math.inf
    return math.log(least / value) / cv if value > 0.0 else math.inf
