"""Where a stream of angles begins anew, pauses, jumps or ends in the middle of a movement."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import course, cuts, split
from hipturn.core.excursions import DetectParams, Excursion
from hipturn.core.figures import figures
from hipturn.core.reps import Detector
from hipturn.core.trace import part
from hipturn.core.verdict import Judge, Standard
from hipturn.model import Direction, HipAngle, Verdict
from hipturn.sources.body import Element, Repetition, Rest
from hipturn.units import RAD_PER_DEG

RATE_HZ = 100.0
ways = st.sampled_from(Direction)


def sets(direction: Direction, n: int, rest_s: float = 0.3) -> list[Element]:
    """Return a set of so many, right one after the other."""
    return [rep(direction), Rest(rest_s)] * n


def rep(direction: Direction, deg: float = 30.0) -> Repetition:
    return Repetition(direction, deg * RAD_PER_DEG, 1.2, 0.3, 1.2)


def trace_of(*elements: Element) -> HipAngle:
    return course(*elements, rate_hz=RATE_HZ)[0]


def found(blocks: Sequence[HipAngle], detector: Detector | None = None) -> list[Excursion]:
    detector = detector or Detector(DetectParams(), RATE_HZ)
    events = [event for block in blocks for event in detector.push(block)]
    return [event for event in [*events, *detector.finish()] if isinstance(event, Excursion)]


def until(trace: HipAngle, seconds: float) -> HipAngle:
    return part(trace, slice(0, round(seconds * RATE_HZ)))


@settings(max_examples=25, deadline=None)
@given(ways, st.integers(3, 7), st.floats(1.25, 1.45))
def test_the_last_of_a_set_counts_though_its_return_is_cut_off(way: Direction, n: int, cut_s: float) -> None:
    """In flow, ended at the peak: a repetition, without its return and so never controlled."""
    trace = trace_of(Rest(1.5), *sets(way, n))
    ended = until(trace, 1.5 + 3.0 * (n - 1) + cut_s)
    excursions = found([ended])
    assert len(excursions) == n and [each.cut for each in excursions] == [False] * (n - 1) + [True]
    (last,) = figures(excursions[-1:], stream="", first=n, side=None, rate_hz=RATE_HZ)
    judged = Judge(Standard()).push(last, excursions[-1])
    assert judged.verdict is Verdict.UNCONTROLLED and judged.reasons == ("no-return",)


@settings(max_examples=25, deadline=None)
@given(ways, st.floats(1.0, 10.0))
def test_after_a_rest_a_movement_without_return_is_none(way: Direction, rest_s: float) -> None:
    """Whoever has rested and then moves the leg as far as ever may be getting up."""
    trace = trace_of(Rest(1.5), *sets(way, 4), Rest(rest_s), rep(way))
    ended = until(trace, 1.5 + 12.0 + rest_s + 1.35)
    assert len(found([ended])) == 4


@pytest.mark.parametrize("way", Direction)
@pytest.mark.parametrize("share", [0.15, 0.3, 0.5])
def test_a_fidget_at_the_end_is_none(way: Direction, share: float) -> None:
    """Small, and more than half of its way back: it has shifted the pose, not turned the hip."""
    small = Repetition(
        way, 30.0 * share * RAD_PER_DEG, 0.6, 0.1, 0.6, return_error_rad=0.45 * 30.0 * share * RAD_PER_DEG
    )
    assert len(found([trace_of(Rest(1.5), *sets(way, 4, 0.5), small, Rest(0.05))])) == 4


@settings(max_examples=25, deadline=None)
@given(ways, st.floats(0.2, 2.3), st.floats(0.3, 3.5))
def test_a_pause_in_a_movement_turns_no_set_upside_down(way: Direction, from_s: float, for_s: float) -> None:
    """Paused and gone on with wherever: all that follow count, in their own direction."""
    before, after = 3, 4
    trace = trace_of(Rest(1.5), *sets(way, before + after + 3))
    at = round((1.5 + 3.0 * before + from_s) * RATE_HZ)
    on = at + round(for_s * RATE_HZ)
    detector = Detector(DetectParams(), RATE_HZ)
    first = [each for each in detector.push(part(trace, slice(0, at))) if isinstance(each, Excursion)]
    detector.suspend()
    rest = found([part(trace, slice(on, None))], detector)
    assert len(first) == before
    assert {each.sign for each in rest} == {1 if way is Direction.INTERNAL else -1}
    whole = [s for s in np.arange(1.5, 1.5 + 3.0 * (before + after + 3), 3.0) if s * RATE_HZ >= on - 1]
    assert len(whole) <= len(rest) <= len(whole) + 1


@settings(max_examples=25, deadline=None)
@given(ways, st.integers(1, 300), st.sampled_from([-1, 1]))
def test_an_angle_found_again_a_turn_further_is_no_movement(way: Direction, at: int, turns: int) -> None:
    """What was in progress there is dropped; nothing is counted that was not there, and the rest is."""
    trace = trace_of(Rest(1.5), *sets(way, 6))
    angle = trace.angle_rad.copy()
    angle[150 + at :] += turns * 2.0 * np.pi
    jumped = HipAngle(
        trace.stream, trace.t_ns, angle, trace.rate_radps, trace.off_axis_rad, trace.twist_rad,
        trace.lost_before, trace.trusted,
    )  # fmt: skip
    excursions = found([jumped])
    assert 4 <= len(excursions) <= 6
    assert all(np.ptp(each.samples.angle_rad) < 40.0 * RAD_PER_DEG for each in excursions)


@settings(max_examples=15, deadline=None)
@given(st.data(), st.integers(1, 300))
def test_none_of_it_depends_on_packets(data: st.DataObject, at: int) -> None:
    trace = trace_of(Rest(1.5), *sets(Direction.INTERNAL, 4))
    trace.angle_rad[150 + at :] += 2.0 * np.pi
    ended = part(trace, slice(0, len(trace.t_ns) - 170))
    whole = found([ended])
    again = found(split(ended, data.draw(cuts(len(ended.t_ns)))))
    assert [(e.sign, e.decided_ns, e.cut) for e in again] == [(e.sign, e.decided_ns, e.cut) for e in whole]


def test_an_angle_that_jumps_all_the_time_is_no_end_of_it() -> None:
    """A sensor that is carried about loses the vertical again and again: any number of times in one block."""
    trace = trace_of(Rest(40.0))
    trace.angle_rad[::2] += 2.0 * np.pi
    assert found([trace]) == found(split(trace, range(7, 4000, 7))) == []


@pytest.mark.parametrize("rows", [1, 100])
def test_a_leg_that_stays_out_after_a_pause_is_not_kept_for_ever(rows: int) -> None:
    """It moves out there for ten minutes without coming home: no more of it is kept than of a rest."""
    detector = Detector(DetectParams(), RATE_HZ)
    detector.push(trace_of(Rest(2.0)))
    detector.suspend()
    away = trace_of(Rest(600.0))
    away.angle_rad[:] = 1.5 + 0.6 * np.sin(np.arange(len(away.t_ns)) / 20.0)
    for block in split(away, range(rows, len(away.t_ns), rows)):
        detector.push(block)
    assert len(detector._trace.angle) < 5.0 * RATE_HZ
