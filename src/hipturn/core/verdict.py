"""From an excursion to a repetition: its figures, and whether it was controlled.

Definitions of every figure with formula and source: docs/repetitions.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from hipturn.core.reps import Excursion
from hipturn.model import Direction, FloatArray, Hold, Rep, Side, StreamNs, Verdict
from hipturn.units import NS_PER_S, RAD_PER_DEG

EDGE_SHARE = 0.05
"""A movement begins and ends where its speed passes this share of its peak: the usual 5 % rule of
movement analysis, which for a minimum-jerk movement misses 6 % of its time and 0.2 % of its range."""
UNDER_WAY_SHARE = 0.2
"""A movement that has made this share of its range has begun."""
HOLD_SHARE, HOLD_RAD = 0.05, 2.0 * RAD_PER_DEG
"""A hold is the time within this of the peak, the larger of the two."""
SPARC_HZ, SPARC_SHARE = 10.0, 0.05
"""Highest frequency and smallest share of the spectrum that count, as published."""
MIN_HOLD_S = 1.0
"""Shortest hold worth telling: a held end range of a test is at least that."""
MAX_LOST_SHARE = 0.1
"""A repetition that lost more of its samples is void: its peak may have been among them."""


@dataclass(frozen=True, slots=True)
class Standard:
    """What a repetition is judged against; None means not judged."""

    target_rad: float | None = None
    """Range to reach."""
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


TEMPO_FRACTION = 0.6
"""A repetition in less than this share of the demonstrated time is too fast. People repeat a
movement's duration with a coefficient of variation of 10 to 15 %, so an unhurried one stays above."""


def demonstrated(reps: Sequence[Rep], standard: Standard) -> Standard:
    """Return the standard with range and tempo taken from repetitions done well.

    Raises `ValueError` if there are none.
    """
    if not reps:
        raise ValueError("no repetition to take the standard from")
    return replace(
        standard,
        target_rad=median(r.rom_rad for r in reps),
        min_rep_s=TEMPO_FRACTION * median((r.end_ns - r.start_ns) / NS_PER_S for r in reps),
    )


def sparc(speed: FloatArray, rate_hz: float) -> float:
    """Return the spectral arc length of a speed profile of shape (n,): 0 is perfect, smaller is less smooth.

    Balasubramanian et al. 2015, J NeuroEng Rehabil 12:112: arc length of the normalised amplitude
    spectrum up to 10 Hz, cut where it stays below 0.05. Zero padding is the published 16-fold: a quarter
    of it is off by 4 % and more, because the cut falls between few frequencies.
    """
    n = len(speed)
    if n < 2 or not speed.any():
        return math.nan
    points = 16 << (n - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(speed, points)[: int(SPARC_HZ * points / rate_hz) + 1])
    spectrum /= spectrum[0]
    last = int(np.flatnonzero(spectrum >= SPARC_SHARE)[-1])
    if last == 0:
        return 0.0
    across = spectrum[1 : last + 1] - spectrum[:last]
    return -float(np.sqrt(across * across + 1.0 / (last * last)).sum())


def figures(excursion: Excursion, *, stream: str, n: int, side: Side | None, rate_hz: float) -> Rep:
    """Return the repetition with all its figures and no verdict yet (controlled)."""
    s, samples = excursion.sign, excursion.samples
    t_ns = samples.t_ns
    x, speed = s * samples.angle_rad, s * samples.rate_radps
    peak = int(x.argmax())
    out = speed[: peak + 1]
    lowest = int(x[: int(out.argmax()) + 1].argmin())
    base = float(x[lowest])
    rom = float(x[peak]) - base
    # Before it is well under way: a pause or a bounce further out is not where it began.
    under_way = lowest + int((x[lowest:] >= base + UNDER_WAY_SHARE * rom).argmax())
    slow = out[: under_way + 1] < EDGE_SHARE * float(out.max())
    start = int(np.flatnonzero(slow)[-1]) if slow.any() else 0
    fastest_back = peak + int(speed[peak:].argmin())
    slow = speed[fastest_back:] > EDGE_SHARE * speed[fastest_back]
    end = fastest_back + int(slow.argmax()) if slow.any() else len(x) - 1
    far = np.flatnonzero(x < x[peak] - max(HOLD_RAD, HOLD_SHARE * rom))
    k = int(np.searchsorted(far, peak))
    hold_start = max(int(far[k - 1]) + 1 if k > 0 else 0, start)
    hold_end = min(int(far[k]) - 1 if k < len(far) else end, end)

    def seconds(a: int, b: int) -> float:
        return int(t_ns[b] - t_ns[a]) / NS_PER_S

    rate = np.abs(speed[start : end + 1])
    off_axis = samples.off_axis_rad[start : end + 1]
    lost = int(samples.lost_before[1:].sum())
    return Rep(
        stream=stream,
        n=n,
        side=side,
        direction=Direction.INTERNAL if s > 0 else Direction.EXTERNAL,
        start_ns=StreamNs(int(t_ns[start])),
        peak_ns=StreamNs(int(t_ns[peak])),
        end_ns=StreamNs(int(t_ns[end])),
        rom_rad=rom,
        peak_rad=s * float(x[peak]),
        out_s=seconds(start, hold_start),
        hold_s=seconds(hold_start, hold_end),
        return_s=seconds(hold_end, end),
        peak_speed_radps=float(rate.max()),
        sparc=sparc(rate, rate_hz),
        off_axis_rad=float(max(off_axis.max() - off_axis[0], off_axis[0] - off_axis.min())),
        lost_share=lost / (lost + len(x)),
        verdict=Verdict.CONTROLLED,
        reasons=(),
    )


def held(excursion: Excursion, rep: Rep) -> Hold | None:
    """Return the hold at the peak if it lasted `MIN_HOLD_S`: an end range that was kept, as in a test."""
    if rep.hold_s < MIN_HOLD_S:
        return None
    t_ns = excursion.samples.t_ns
    begin = int(rep.start_ns + round(rep.out_s * NS_PER_S))
    finish = begin + round(rep.hold_s * NS_PER_S)
    angle = excursion.samples.angle_rad[(t_ns >= begin) & (t_ns <= finish)]
    return Hold(rep.stream, StreamNs(begin), StreamNs(finish), float(angle.mean()), float(angle.std()))


def judge(rep: Rep, excursion: Excursion, standard: Standard) -> Rep:
    """Return the repetition with its verdict and the reasons for it, most important first."""
    reasons: list[str] = []
    duration_s = (rep.end_ns - rep.start_ns) / NS_PER_S
    if (standard.min_rep_s is not None and duration_s < standard.min_rep_s) or (
        standard.max_speed_radps is not None and rep.peak_speed_radps > standard.max_speed_radps
    ):
        reasons.append("too-fast")
    if standard.target_rad is not None and rep.rom_rad < standard.min_fraction * standard.target_rad:
        reasons.append("short-range")
    if standard.min_hold_s is not None and rep.hold_s < standard.min_hold_s:
        reasons.append("no-hold")
    if standard.max_off_axis_rad is not None and rep.off_axis_rad > standard.max_off_axis_rad:
        reasons.append("off-axis")
    if standard.min_return is not None:
        samples = excursion.samples
        back = samples.angle_rad[np.searchsorted(samples.t_ns, rep.end_ns)]
        undone = excursion.sign * (rep.peak_rad - float(back))
        if undone < standard.min_return * rep.rom_rad:
            reasons.append("no-return")
    verdict = Verdict.UNCONTROLLED if reasons else Verdict.CONTROLLED
    if not excursion.samples.trusted.all() or rep.lost_share > MAX_LOST_SHARE:
        verdict, reasons = Verdict.VOID, ["data-gap"]
    return replace(rep, verdict=verdict, reasons=tuple(reasons))
