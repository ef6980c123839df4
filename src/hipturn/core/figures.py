"""From an excursion to a repetition: its figures.

Definitions of every figure with formula and source: docs/repetitions.md.
"""

import math

import numpy as np

from hipturn.core.floor import estimate
from hipturn.core.reps import Excursion
from hipturn.model import (
    BoolArray,
    Direction,
    FloatArray,
    Floor,
    Hold,
    IntArray,
    Rep,
    Side,
    StreamNs,
    Verdict,
)
from hipturn.units import NS_PER_S, RAD_PER_DEG

EDGE_SHARE = 0.05
"""A movement begins and ends where its speed passes this share of its peak: the usual 5 % rule of
movement analysis, which for a minimum-jerk movement misses 6 % of its time and 0.2 % of its range."""
UNDER_WAY_SHARE = 0.2
"""A movement that has made this share of its range has begun."""
HOLD_SHARE, HOLD_RAD = 0.05, 2.0 * RAD_PER_DEG
"""A hold is the time within this of the peak, the larger of the two, and what joins it as slowly as this:"""
DRIFT_S, DRIFT_RAD, DRIFT_SHARE = 0.5, 1.0 * RAD_PER_DEG, 0.03
"""in so long no further than the smaller of these, so that an end range that gives way while it is held,
or creeps on in a stretch, is one hold."""
SPARC_HZ, SPARC_SHARE = 10.0, 0.05
"""Highest frequency and smallest share of the spectrum that count, as published."""
MIN_HOLD_S = 1.0
"""Shortest hold worth telling: a held end range of a test is at least that."""


def figures(
    excursion: Excursion,
    *,
    stream: str,
    n: int,
    side: Side | None,
    rate_hz: float,
    floor: Floor | None = None,
    heading_dependent: bool = False,
) -> Rep:
    """Return the repetition with all its figures and no verdict yet (controlled).

    `floor` is the leg on the floor where the heel is planted; `heading_dependent` as in `Calibrated`.
    """
    s, samples = excursion.sign, excursion.samples
    t_ns = samples.t_ns
    x, speed = s * samples.angle_rad, s * samples.rate_radps
    # in the stop before the movement the leg may have come from further out
    peak = excursion.lead + int(x[excursion.lead :].argmax())
    fastest = int(speed[: peak + 1].argmax())
    lowest = int(x[: fastest + 1].argmin())
    base, top = float(x[lowest]), float(x[peak])
    rom = top - base
    # Before it is well under way: a pause or a bounce further out is not where it began.
    under_way = lowest + int((x[lowest:] >= base + UNDER_WAY_SHARE * rom).argmax())
    start = max(0, _last(speed[: under_way + 1] < EDGE_SHARE * speed[fastest]))
    fastest_back = peak + int(speed[peak:].argmin())
    final = len(x) - 1
    end = min(fastest_back + _first(speed[fastest_back:] > EDGE_SHARE * speed[fastest_back]), final)
    far = x < top - max(HOLD_RAD, HOLD_SHARE * rom)
    hold_start = max(_last(far[:peak]) + 1, start)
    hold_end = min(peak + _first(far[peak:]) - 1, end)
    lag = max(1, round(DRIFT_S * rate_hz))
    if hold_end - hold_start >= lag:
        moved = np.abs(x[lag:] - x[:-lag]) > min(DRIFT_RAD, DRIFT_SHARE * rom)
        hold_start = start + _last(moved[start:hold_start]) + 1
        hold_end += _first(moved[hold_end + 1 - lag : end + 1 - lag])

    def seconds(a: int, b: int) -> float:
        return int(t_ns[b] - t_ns[a]) / NS_PER_S

    rate = np.abs(speed[start : end + 1])
    off_axis = samples.off_axis_rad[start : end + 1]
    lost = int(samples.lost_before[1:].sum())
    phi, phi_sd = estimate(rom, floor) if floor is not None else (None, None)
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
        heading_dependent=heading_dependent,
        phi_rad=phi,
        phi_sd_rad=phi_sd,
    )


def _first(mask: BoolArray) -> int:
    """Return the index of the first that is true, the length if none is."""
    # bytes are searched in a tenth of the time that arrays take, and a repetition asks eight times
    found = mask.tobytes().find(1)
    return found if found >= 0 else len(mask)


def _last(mask: BoolArray) -> int:
    """Return the index of the last that is true, -1 if none is."""
    return mask.tobytes().rfind(1)


def held(excursion: Excursion, rep: Rep) -> Hold | None:
    """Return the hold at the peak if it lasted `MIN_HOLD_S`: an end range that was kept, as in a test.

    Creep is the least-squares trend over the hold, positive further out; wobble what is left of the
    spread without it.
    """
    if rep.hold_s < MIN_HOLD_S:
        return None
    t_ns: IntArray = excursion.samples.t_ns
    begin = int(rep.start_ns + round(rep.out_s * NS_PER_S))
    finish = begin + round(rep.hold_s * NS_PER_S)
    inside = slice(int(t_ns.searchsorted(begin)), int(t_ns.searchsorted(finish, "right")))
    angle = excursion.samples.angle_rad[inside]
    t_s = (t_ns[inside] - begin) / NS_PER_S
    mean, centred = float(angle.mean()), t_s - t_s.mean()
    slope_radps = float(centred @ angle / (centred @ centred))
    return Hold(
        stream=rep.stream,
        start_ns=StreamNs(begin),
        end_ns=StreamNs(finish),
        mean_rad=mean,
        sd_rad=float(angle.std()),
        creep_rad=excursion.sign * slope_radps * rep.hold_s,
        wobble_rad=float((angle - mean - slope_radps * centred).std()),
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
    last = _last(spectrum >= SPARC_SHARE)
    if last == 0:
        return 0.0
    across = spectrum[1 : last + 1] - spectrum[:last]
    return -float(np.sqrt(across * across + 1.0 / (last * last)).sum())
