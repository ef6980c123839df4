"""From excursions to repetitions: their figures.

Definitions of every figure with formula and source: docs/repetitions.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hipturn.core.excursions import Excursion
from hipturn.core.floor import estimate
from hipturn.core.smoothness import sparc
from hipturn.model import (
    BoolArray,
    Direction,
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
MIN_HOLD_S = 1.0
"""Shortest hold worth telling: a held end range of a test is at least that."""


@dataclass(frozen=True, slots=True)
class _Course:
    """Where in an excursion's samples its repetition begins, peaks, holds and ends."""

    start: int
    peak: int
    hold_start: int
    hold_end: int
    end: int
    rom_rad: float


def figures(
    excursions: Sequence[Excursion],
    *,
    stream: str,
    first: int,
    side: Side | None,
    rate_hz: float,
    floor: Floor | None = None,
    heading_dependent: bool = False,
) -> list[Rep]:
    """Return the repetitions with all their figures and no verdict yet (controlled).

    They are numbered from `first` on. `floor` is the leg on the floor where the heel is planted;
    `heading_dependent` as in `Calibrated`.
    """
    courses = [_course(each, rate_hz) for each in excursions]
    speeds = [
        np.abs(each.samples.rate_radps[course.start : course.end + 1])
        for each, course in zip(excursions, courses, strict=True)
    ]
    # of many repetitions at once in half the time of one after the other
    smoothness = sparc(speeds, rate_hz)
    out: list[Rep] = []
    for n, (each, course, speed, smooth) in enumerate(
        zip(excursions, courses, speeds, smoothness, strict=True), first
    ):
        samples = each.samples
        time = samples.t_ns.item
        start_ns, end_ns = time(course.start), time(course.end)
        hold_start_ns, hold_end_ns = time(course.hold_start), time(course.hold_end)
        off_axis = samples.off_axis_rad[course.start : course.end + 1]
        # found by its index in a fifth of the time
        before, most, least = (
            off_axis.item(0),
            off_axis.item(off_axis.argmax()),
            off_axis.item(off_axis.argmin()),
        )
        lost = int(samples.lost_before[1:].sum()) if np.count_nonzero(samples.lost_before) else 0
        phi, phi_sd = estimate(course.rom_rad, floor) if floor is not None else (None, None)
        out.append(
            Rep(
                stream=stream,
                n=n,
                side=side,
                direction=Direction.INTERNAL if each.sign > 0 else Direction.EXTERNAL,
                start_ns=StreamNs(start_ns),
                peak_ns=StreamNs(time(course.peak)),
                end_ns=StreamNs(end_ns),
                rom_rad=course.rom_rad,
                peak_rad=samples.angle_rad.item(course.peak),
                out_s=(hold_start_ns - start_ns) / NS_PER_S,
                hold_s=(hold_end_ns - hold_start_ns) / NS_PER_S,
                return_s=(end_ns - hold_end_ns) / NS_PER_S,
                peak_speed_radps=speed.item(speed.argmax()),
                sparc=smooth,
                off_axis_rad=max(most - before, before - least),
                lost_share=lost / (lost + len(samples.t_ns)),
                verdict=Verdict.CONTROLLED,
                reasons=(),
                heading_dependent=heading_dependent,
                phi_rad=phi,
                phi_sd_rad=phi_sd,
            )
        )
    return out


def _course(excursion: Excursion, rate_hz: float) -> _Course:
    """Return where in an excursion its repetition is."""
    samples = excursion.samples
    x, speed = samples.angle_rad, samples.rate_radps
    if excursion.sign < 0:
        x, speed = -x, -speed
    # in the stop before the movement the leg may have come from further out
    peak = excursion.lead + int(x[excursion.lead :].argmax())
    fastest = int(speed[: peak + 1].argmax())
    lowest = int(x[: fastest + 1].argmin())
    base, top = x.item(lowest), x.item(peak)
    rom = top - base
    # Before it is well under way: a pause or a bounce further out is not where it began.
    under_way = lowest + int((x[lowest:] >= base + UNDER_WAY_SHARE * rom).argmax())
    start = max(0, _last(speed[: under_way + 1] < EDGE_SHARE * speed.item(fastest)))
    fastest_back = peak + int(speed[peak:].argmin())
    slow = speed[fastest_back:] > EDGE_SHARE * speed.item(fastest_back)
    end = min(fastest_back + _first(slow), len(x) - 1)
    far = x < top - max(HOLD_RAD, HOLD_SHARE * rom)
    hold_start = max(_last(far[:peak]) + 1, start)
    hold_end = min(peak + _first(far[peak:]) - 1, end)
    lag = max(1, round(DRIFT_S * rate_hz))
    if hold_end - hold_start >= lag:
        # halfway too: what goes over the peak comes back to where it was
        three = x[:-lag], x[lag // 2 : len(x) - lag + lag // 2], x[lag:]
        drift = np.maximum.reduce(three) - np.minimum.reduce(three)
        moved = drift > min(DRIFT_RAD, DRIFT_SHARE * rom)
        hold_start = start + _last(moved[start:hold_start]) + 1
        hold_end += _first(moved[hold_end + 1 - lag : end + 1 - lag])
    return _Course(start, peak, hold_start, hold_end, end, rom)


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
