"""Repetitions are counted as a person would count them, told with figures that are true, however the
stream is cut."""

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builders import STREAM, course, cuts, hip_angle, one_by_one, rng_of, split
from hipturn.core.excursions import DetectParams, Excursion, Turned
from hipturn.core.figures import figures, held
from hipturn.core.reps import Detector
from hipturn.core.verdict import Judge, Standard
from hipturn.model import Direction, FloatArray, HipAngle, Rep, Side, Verdict
from hipturn.sources.body import Element, Repetition, Rest, Shift
from hipturn.sources.body.script import TrueRep
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

IR, ER = Direction.INTERNAL, Direction.EXTERNAL
RATES = (50.0, 100.0, 200.0)
LATENCY_S = 0.2
"""A count that comes later after the return than this is felt as late."""

directions = st.sampled_from(Direction)
seeds = st.integers(0, 2**32)


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None)


def detect(blocks: Iterable[HipAngle], rate_hz: float = 100.0) -> list[Excursion | Turned]:
    """Return all that is decided, to the end of the stream."""
    detector = Detector(DetectParams(), rate_hz)
    found = [event for block in blocks for event in detector.push(block)]
    return found + detector.finish()


def excursions(found: Iterable[Excursion | Turned]) -> list[Excursion]:
    return [event for event in found if isinstance(event, Excursion)]


def opposite(direction: Direction) -> Direction:
    return ER if direction is IR else IR


# --- exact counts -------------------------------------------------------------------------------

Uniform = Callable[[float, float], float]
Scene = Callable[[Uniform, Direction], tuple[list[Element], list[Direction]]]
"""Draws movements that begin in a direction; returns them and what is to be counted."""


def turn(u: Uniform, direction: Direction, rom_deg: float = 0.0, **more: Any) -> Repetition:
    """A repetition of 20° to 35° at any tempo, but for what is asked."""
    tempo = {"out_s": u(0.5, 2.0), "hold_s": u(0.0, 1.0), "return_s": u(0.5, 2.0)}
    return Repetition(direction, (rom_deg or u(20.0, 35.0)) * RAD_PER_DEG, **{**tempo, **more})


def shift(seconds: float, angle_deg: float, direction: Direction) -> Shift:
    return Shift(seconds, angle_rad=angle_deg * RAD_PER_DEG * (1.0 if direction is IR else -1.0))


def each(
    make: Callable[[Uniform, Direction, int], list[Element]], rests_s: tuple[float, float] = (0.3, 2.0)
) -> Scene:
    """Up to seven times the same thing with a stop at neutral after it; repetitions in it are counted."""

    def scene(u: Uniform, direction: Direction) -> tuple[list[Element], list[Direction]]:
        elements: list[Element] = []
        for n in range(int(u(1.0, 8.0))):
            elements += [*make(u, direction, n), Rest(u(*rests_s))]
        return elements, [
            each.direction for each in elements if isinstance(each, Repetition) and each.kind != "short"
        ]

    return scene


def fidget(u: Uniform, most_deg: float) -> list[Element]:
    return [turn(u, (IR, ER)[int(u(0.0, 2.0))], u(0.5, most_deg), kind="short"), Rest(u(0.3, 1.0))]


def with_tremor(u: Uniform, direction: Direction, n: int) -> list[Element]:
    trembling = {"tremor_rad": u(0.1, 1.0) * RAD_PER_DEG, "tremor_hz": u(4.0, 8.0)}
    return [turn(u, direction, **{**trembling, "hold_s": u(0.5, 4.0)}), Rest(u(1.0, 5.0), **trembling)]


def with_windup(u: Uniform, direction: Direction) -> tuple[list[Element], list[Direction]]:
    elements: list[Element] = []
    reps = int(u(1.0, 6.0))
    for _ in range(reps):
        rom_deg = u(20.0, 35.0)
        back_deg = u(0.05, 0.25) * rom_deg
        elements += [
            shift(u(0.25, 0.6), -back_deg, direction),
            shift(u(0.8, 2.0), back_deg + rom_deg, direction),
            shift(u(0.8, 2.0), -rom_deg, direction),
            Rest(u(0.5, 2.0)),
        ]
    return elements, [direction] * reps


def with_new_pose(u: Uniform, direction: Direction) -> tuple[list[Element], list[Direction]]:
    elements, expected = SCENES["plain"](u, direction)
    at = 2 * int(u(0.0, len(elements) / 2 + 0.99))
    elements[at:at] = [shift(u(0.8, 3.0), u(8.0, 40.0), (IR, ER)[int(u(0.0, 2.0))]), Rest(u(17.0, 22.0))]
    return elements, expected


SCENES: dict[str, Scene] = {
    "plain": each(lambda u, d, n: [turn(u, d)]),
    "small hips": each(lambda u, d, n: [turn(u, d, u(5.5, 7.5))]),
    "a range that grows": each(lambda u, d, n: [turn(u, d, 8.0 + 5.0 * n)]),
    "a neutral that creeps": each(lambda u, d, n: [turn(u, d, return_error_rad=u(-4.0, 4.0) * RAD_PER_DEG)]),
    "in turns, with a stop at neutral": each(lambda u, d, n: [turn(u, d if n % 2 else opposite(d))]),
    "either way as it comes": each(lambda u, d, n: [turn(u, (IR, ER)[int(u(0.0, 2.0))])]),
    "without any rest, one way": each(lambda u, d, n: [turn(u, d)], rests_s=(0.0, 1e-3)),
    "a neutral that creeps without any rest": each(
        lambda u, d, n: [turn(u, d, return_error_rad=3.0 * RAD_PER_DEG)], rests_s=(0.0, 1e-3)
    ),
    "slow": each(lambda u, d, n: [turn(u, d, out_s=u(3.0, 5.0), return_s=u(3.0, 5.0))]),
    "held long": each(lambda u, d, n: [turn(u, d, hold_s=u(5.0, 9.0))]),
    "pauses of minutes": each(lambda u, d, n: [turn(u, d), Rest(u(60.0, 180.0))]),
    "tremor": each(with_tremor),
    "bounces of less than 40 % at the peak": each(
        lambda u, d, n: [turn(u, d, u(25.0, 35.0), bounces=1 + n % 3, bounce_rad=u(1.0, 9.9) * RAD_PER_DEG)]
    ),
    "a stop half-way": each(lambda u, d, n: [turn(u, d, pause_s=u(0.2, 4.0))]),
    "fidgets between": each(lambda u, d, n: [turn(u, d, u(28.0, 32.0)), Rest(u(0.3, 1.0)), *fidget(u, 6.5)]),
    "fidgets only": each(lambda u, d, n: fidget(u, 3.9)),
    "a shift of pose that stays": with_new_pose,
    "a wind-up before each": with_windup,
}


@pytest.mark.parametrize("what", SCENES)
@few(20)
@given(seed=seeds, direction=directions, rate_hz=st.sampled_from(RATES))
def test_exact_count(what: str, seed: int, direction: Direction, rate_hz: float) -> None:
    """Each repetition is counted once and the right way, and nothing else, at any rate and tempo; none waits
    for the end of the stream."""
    elements, expected = SCENES[what](rng_of(seed).uniform, direction)
    trace, _ = course(Rest(1.5), *elements, Rest(1.0), rate_hz=rate_hz)
    detector = Detector(DetectParams(), rate_hz)
    found = excursions(detector.push(trace))
    assert [IR if each.sign > 0 else ER for each in found] == expected
    assert detector.finish() == []


@pytest.mark.parametrize("what", ["rest", "tremor", "slow drift", "sway", "gone and never back"])
def test_nothing_is_counted_where_nothing_is_done(what: str) -> None:
    t_s = np.arange(12_000) / 100.0
    trace = {
        "rest": course(Rest(120.0))[0],
        "tremor": course(Rest(60.0, 1.0 * RAD_PER_DEG, 5.0))[0],
        "slow drift": hip_angle(np.linspace(0.0, 0.5, 12_000)),
        "sway": hip_angle(1.9 * RAD_PER_DEG * np.sin(2.0 * math.pi * 0.25 * t_s)),
        "gone and never back": course(Rest(1.0), Shift(1.0, angle_rad=0.5), Rest(60.0))[0],
    }[what]
    assert detect([trace]) == []


@few(20)
@given(seeds, directions)
def test_every_count_was_announced_at_its_turn(seed: int, direction: Direction) -> None:
    """A turn comes before each excursion, provisional, with the range and the peak that are then counted."""
    elements, expected = SCENES["either way as it comes"](rng_of(seed).uniform, direction)
    found = detect([course(Rest(1.5), *elements, Rest(1.0))[0]])
    assert [isinstance(event, Turned) for event in found] == [True, False] * len(expected)
    for turned, excursion in zip(found[::2], found[1::2], strict=True):
        assert isinstance(turned, Turned) and isinstance(excursion, Excursion)
        assert turned.sign == excursion.sign
        x = excursion.samples.angle_rad * excursion.sign
        assert turned.peak_rad * turned.sign == pytest.approx(x.max(), abs=0.2 * RAD_PER_DEG)
        assert turned.rom_rad == pytest.approx(x.max() - x[0], abs=1.0 * RAD_PER_DEG)
        assert turned.t_ns in excursion.samples.t_ns


@few(25)
@given(
    seeds,
    directions,
    st.sampled_from(RATES),
    st.sampled_from(["plain", "a neutral that creeps", "slow", "small hips"]),
)
def test_the_count_comes_with_the_end_of_the_return(
    seed: int, direction: Direction, rate_hz: float, what: str
) -> None:
    """Live, sample by sample: never before the peak, never 0.2 s after the return ended; and it says when."""
    elements, _ = SCENES[what](rng_of(seed).uniform, direction)
    trace, truth = course(Rest(1.5), *elements, Rest(1.0), rate_hz=rate_hz)
    detector = Detector(DetectParams(), rate_hz)
    decided_s: list[float] = []
    for block in one_by_one(trace):
        for event in detector.push(block):
            assert event.decided_ns == block.t_ns[0]
            if isinstance(event, Excursion):
                decided_s.append(event.decided_ns / NS_PER_S)
    assert len(decided_s) == len(truth)
    for at_s, rep in zip(decided_s, truth, strict=True):
        assert rep.peak_s < at_s <= rep.end_s + LATENCY_S


def test_a_turn_of_a_small_movement_is_more_than_tremor() -> None:
    """Going back by 1.3° on the way to 9° is no turn, though it is a fifth of the way so far."""
    trace, _ = course(
        Rest(1.5),
        shift(0.8, 6.3, IR),
        shift(0.3, -1.3, IR),
        shift(0.8, 4.0, IR),
        shift(0.8, -9.0, IR),
        Rest(1.0),
    )
    for blocks in ([trace], one_by_one(trace)):
        turned, excursion = detect(blocks)
        assert isinstance(turned, Turned) and isinstance(excursion, Excursion)
        assert turned.peak_rad * DEG_PER_RAD == pytest.approx(9.0, abs=0.01)


# --- laws of any trace --------------------------------------------------------------------------


def key(event: Excursion | Turned) -> tuple[object, ...]:
    """Return everything an event says, to the last bit."""
    if isinstance(event, Turned):
        return dataclasses.astuple(event)
    samples = [getattr(event.samples, field.name) for field in dataclasses.fields(HipAngle)]
    told = [values.tobytes() if isinstance(values, np.ndarray) else values for values in samples]
    return event.sign, event.start_rad, event.turned, event.decided_ns, *told


def wander(seed: int, rows: int) -> FloatArray:
    """A trace of anything: walks, noise, jumps, stops and movements, coarse enough for equal values."""
    rng = rng_of(seed)
    pieces: list[FloatArray] = []
    now, length = 0.0, 0
    while length < rows:
        piece = int(rng.integers(1, 400))
        match rng.integers(0, 5):
            case 0:
                angle = np.cumsum(rng.standard_normal(piece)) * rng.choice([1e-3, 1e-2, 5e-2])
            case 1:
                angle = np.zeros(piece)
            case 2:
                angle = rng.uniform(0.05, 0.8) * np.sin(np.linspace(0.0, rng.uniform(1.0, 30.0), piece))
            case 3:
                angle = rng.uniform(-0.8, 0.8) * np.linspace(0.0, 1.0, piece) ** 2
            case _:
                angle = rng.standard_normal(piece) * rng.choice([1e-3, 2e-2, 0.2])
        pieces.append(now + angle)
        now, length = float(pieces[-1][-1]), length + piece
    grid = 2.0 ** rng.integers(6, 20)
    return np.asarray(np.rint(np.concatenate(pieces)[:rows] * grid) / grid)


def any_trace(seed: int, rows: int) -> HipAngle:
    """A wandering angle with losses, doubt and off-axis motion in places."""
    rng = rng_of(seed + 1)
    trace = hip_angle(wander(seed, rows))
    lost = rng.integers(0, 200, rows) // 199 * rng.integers(1, 900, rows)
    t_ns = trace.t_ns + np.cumsum(lost) * 10_000_000
    return dataclasses.replace(
        trace,
        t_ns=t_ns,
        off_axis_rad=wander(seed + 2, rows),
        lost_before=lost,
        trusted=rng.random(rows) > 0.01,
    )


@few(60)
@given(seeds, st.integers(1, 3000), st.data())
def test_chunk_invariance(seed: int, rows: int, data: st.DataObject) -> None:
    """Any trace, losses of up to 9 s in it: one by one, cut anywhere and whole give the same events bit for
    bit, the one that the end of the stream cuts short included."""
    trace = any_trace(seed, rows)
    whole = [key(event) for event in detect([trace])]
    for blocks in (one_by_one(trace), split(trace, data.draw(cuts(rows)))):
        assert [key(event) for event in detect(blocks)] == whole


@few(15)
@given(seeds, st.integers(1, 1500))
def test_each_event_knows_the_sample_that_decided_it(seed: int, rows: int) -> None:
    """By it events are put in order among losses, as they would come one sample at a time."""
    detector = Detector(DetectParams(), 100.0)
    for block in one_by_one(any_trace(seed, rows)):
        assert {event.decided_ns for event in detector.push(block)} <= {int(block.t_ns[0])}


def test_the_wandering_traces_have_repetitions_in_them() -> None:
    """Or the laws above and below would say nothing."""
    found = [detect([any_trace(seed, 3000)]) for seed in range(20)]
    assert sum(len(excursions(each)) for each in found) > 100
    assert sum(each.turned for events in found for each in excursions(events)) > 10


@few(30)
@given(seeds, st.integers(1, 3000))
def test_mirror_symmetry(seed: int, rows: int) -> None:
    """The negative of a trace gives the same events with the other sign."""
    trace = any_trace(seed, rows)
    mirrored = dataclasses.replace(trace, angle_rad=-trace.angle_rad, rate_radps=-trace.rate_radps)
    for one, other in zip(detect([trace]), detect([mirrored]), strict=True):
        assert one.sign == -other.sign
        if isinstance(one, Turned):
            assert other == Turned(-one.sign, one.t_ns, one.rom_rad, -one.peak_rad, one.decided_ns)
        else:
            assert isinstance(other, Excursion)
            assert (one.start_rad, one.turned) == (-other.start_rad, other.turned)
            np.testing.assert_array_equal(one.samples.angle_rad, -other.samples.angle_rad)
            np.testing.assert_array_equal(one.samples.t_ns, other.samples.t_ns)


@few(30)
@given(seeds, st.integers(1, 3000), st.integers(-8192, 8192), st.integers(0, 10**15))
def test_neither_the_zero_nor_the_time_matters(seed: int, rows: int, offset: int, later_ns: int) -> None:
    """A trace moved by an angle (one that costs no rounding) and in time gives the same events, moved."""
    trace = any_trace(seed, rows)
    up_rad = offset / 1024.0
    moved = dataclasses.replace(trace, angle_rad=trace.angle_rad + up_rad, t_ns=trace.t_ns + later_ns)
    for one, other in zip(detect([trace]), detect([moved]), strict=True):
        assert other.sign == one.sign
        if isinstance(one, Turned):
            assert isinstance(other, Turned)
            assert other.t_ns == one.t_ns + later_ns
            assert other.peak_rad == one.peak_rad + up_rad
            # a neutral that crept by halves has more digits than the trace
            assert other.rom_rad == pytest.approx(one.rom_rad, abs=1e-12)
        else:
            assert isinstance(other, Excursion)
            assert (other.turned, other.decided_ns) == (one.turned, one.decided_ns + later_ns)
            assert other.start_rad == pytest.approx(one.start_rad + up_rad, abs=1e-12)
            np.testing.assert_array_equal(other.samples.t_ns, one.samples.t_ns + later_ns)


@few(15)
@given(seeds, st.integers(1, 1500), st.integers(1, 1500))
def test_forgetting_is_a_new_beginning(seed: int, before: int, rows: int) -> None:
    """After another calibration nothing of what was usual or in progress is left."""
    detector = Detector(DetectParams(), 100.0)
    detector.push(any_trace(seed, before))
    detector.forget()
    trace = any_trace(seed + 7, rows)
    after = [*detector.push(trace), *detector.finish()]
    assert [key(event) for event in after] == [key(event) for event in detect([trace])]
    assert detector.threshold_rad == pytest.approx(max(4.0 * RAD_PER_DEG, 0.25 * (detector.usual_rad or 0.0)))


@pytest.mark.parametrize(("back_share", "counts"), [(0.2, 0), (0.45, 0), (0.55, 1), (0.9, 1), (1.0, 1)])
def test_what_the_end_cuts_short_counts_if_most_of_it_was_done(back_share: float, counts: int) -> None:
    """Half of the way back is the limit."""
    back = shift(1.0, -30.0 * back_share, IR)
    trace, _ = course(Rest(1.0), shift(1.0, 30.0, IR), back)
    detector = Detector(DetectParams(), 100.0)
    assert excursions(detector.push(trace)) == []
    assert len(detector.finish()) == counts
    assert detector.finish() == []


# --- figures ------------------------------------------------------------------------------------

SHARE = np.linspace(0.0, 1.0, 20_001)
MIN_JERK = SHARE**3 * (10.0 - 15.0 * SHARE + 6.0 * SHARE**2)
SPEED = 30.0 * SHARE**2 * (1.0 - SHARE) ** 2
EDGE = float(SHARE[np.argmax(SPEED >= 0.05 * 1.875)])
"""Share of its time after which a minimum-jerk movement passes 5 % of its peak speed."""


def told(*elements: Element, rate_hz: float = 100.0) -> tuple[list[Rep], list[Excursion], list[TrueRep]]:
    trace, truth = course(Rest(1.0), *elements, Rest(1.0), rate_hz=rate_hz)
    found = excursions(detect([trace], rate_hz))
    reps = figures(found, stream=STREAM, first=1, side=Side.LEFT, rate_hz=rate_hz)
    return reps, found, truth


@st.composite
def movements(draw: st.DrawFn) -> Repetition:
    """One of any range and hold, out and back at 12 °/s and more on average, up to 4 s long each."""
    rom_deg = draw(st.floats(8.0, 60.0))
    ways = st.floats(0.4, min(4.0, rom_deg / 12.0))
    return Repetition(
        draw(directions),
        rom_deg * RAD_PER_DEG,
        out_s=draw(ways),
        hold_s=draw(st.floats(0.0, 4.0)),
        return_s=draw(ways),
    )


@few(60)
@given(movements(), st.sampled_from(RATES))
@example(Repetition(IR, 48.7 * RAD_PER_DEG, out_s=1.2, hold_s=0.123, return_s=0.82), 200.0)
def test_figures_are_those_of_the_minimum_jerk_movement(movement: Repetition, rate_hz: float) -> None:
    """Range, times and peak speed as in closed form, to within two or three samples; only the end of a slow
    return is told early, by up to 15 % of it, because the count does not wait for the last creeping.

    The example slows down at the peak for as long as a hold is looked at: over it the angle comes back.
    """
    (rep,), _, (truth,) = told(movement, rate_hz=rate_hz)
    out_s, hold_s, return_s = movement.out_s, movement.hold_s, movement.return_s
    sample_s, rom_deg = 1.01 / rate_hz, movement.rom_rad * DEG_PER_RAD
    near = float(np.interp(1.0 - max(2.0 / rom_deg, 0.05), MIN_JERK, SHARE))
    sign = 1.0 if movement.direction is IR else -1.0
    assert (rep.stream, rep.n, rep.side, rep.direction) == (STREAM, 1, Side.LEFT, movement.direction)
    assert rep.rom_rad * DEG_PER_RAD == pytest.approx(rom_deg, abs=0.1)
    assert rep.peak_rad * DEG_PER_RAD == pytest.approx(sign * rom_deg, abs=0.1)
    assert rep.start_ns / NS_PER_S == pytest.approx(truth.start_s + EDGE * out_s, abs=2.0 * sample_s)
    assert truth.peak_s - near * out_s <= rep.peak_ns / NS_PER_S <= truth.peak_s + hold_s + sample_s
    early_s = truth.end_s - EDGE * return_s - rep.end_ns / NS_PER_S
    assert -sample_s <= early_s <= 0.15 * return_s
    assert rep.out_s == pytest.approx((near - EDGE) * out_s, abs=3.0 * sample_s)
    assert rep.hold_s == pytest.approx((1.0 - near) * (out_s + return_s) + hold_s, abs=3.0 * sample_s)
    assert rep.return_s == pytest.approx((near - EDGE) * return_s - early_s, abs=3.0 * sample_s)
    whole_s = (rep.end_ns - rep.start_ns) / NS_PER_S
    assert rep.out_s + rep.hold_s + rep.return_s == pytest.approx(whole_s, abs=1e-6)
    fastest_dps = 1.875 * rom_deg / min(out_s, return_s)
    assert rep.peak_speed_radps * DEG_PER_RAD == pytest.approx(fastest_dps, rel=0.02)
    assert rep.off_axis_rad == 0.0 and rep.lost_share == 0.0
    assert (rep.verdict, rep.reasons) == (Verdict.CONTROLLED, ())


@pytest.mark.parametrize("direction", Direction)
def test_range_is_from_where_each_began(direction: Direction) -> None:
    """A neutral that creeps by 3° each time neither adds to the range nor takes from it."""
    creeping = Repetition(direction, 0.5, return_error_rad=3.0 * RAD_PER_DEG)
    five: list[Element] = [creeping, Rest(0.5)] * 5
    reps, _, truth = told(*five)
    assert [rep.n for rep in reps] == [1, 2, 3, 4, 5]
    for rep, true in zip(reps, truth, strict=True):
        assert rep.rom_rad == pytest.approx(0.5, abs=0.1 * RAD_PER_DEG)
        assert rep.peak_rad == pytest.approx(true.peak_rad, abs=0.1 * RAD_PER_DEG)


def test_a_pause_or_a_bounce_is_not_where_it_began() -> None:
    """A stop half-way out belongs to the way out, a bounce to the peak."""
    paused, bounced = Repetition(IR, 0.5, pause_s=1.0), Repetition(IR, 0.5, bounces=2)
    (first, second), _, truth = told(paused, Rest(1.0), bounced)
    for rep, true in zip((first, second), truth, strict=True):
        assert rep.start_ns / NS_PER_S == pytest.approx(true.start_s, abs=0.1)
        assert rep.rom_rad == pytest.approx(0.5, abs=0.1 * RAD_PER_DEG)
    assert first.out_s > 2.0


def test_a_windup_adds_to_the_range_it_was_for() -> None:
    """The range is from the furthest point back, the peak stays where it was."""
    (rep,), _, _ = told(shift(0.5, -5.0, IR), shift(1.2, 35.0, IR), shift(1.2, -30.0, IR))
    assert rep.rom_rad * DEG_PER_RAD == pytest.approx(35.0, abs=0.2)
    assert rep.peak_rad * DEG_PER_RAD == pytest.approx(30.0, abs=0.1)


def test_the_peak_is_not_sought_in_the_stop_before() -> None:
    """A leg that comes from further out, stops and then does a small repetition: that one is told."""
    _, (excursion,), _ = told(Repetition(IR, 0.2))
    samples = excursion.samples
    assert excursion.lead > 3
    angle = samples.angle_rad.copy()
    angle[: excursion.lead - 2] += 0.5
    before = dataclasses.replace(excursion, samples=dataclasses.replace(samples, angle_rad=angle))
    rep, clean = again(before), again(excursion)
    assert (rep.peak_ns, rep.peak_rad) == (clean.peak_ns, clean.peak_rad)
    assert rep.rom_rad == pytest.approx(clean.rom_rad, abs=0.2 * RAD_PER_DEG)
    assert rep.start_ns < rep.peak_ns < rep.end_ns


def with_off_axis(excursion: Excursion, off_axis_rad: FloatArray) -> Excursion:
    return dataclasses.replace(
        excursion, samples=dataclasses.replace(excursion.samples, off_axis_rad=off_axis_rad)
    )


def again(excursion: Excursion) -> Rep:
    (rep,) = figures([excursion], stream=STREAM, first=1, side=None, rate_hz=100.0)
    return rep


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_off_axis_is_the_largest_change_since_the_start(sign: float) -> None:
    """A knee that was bent all along is no off-axis motion, one that bends during it is, either way."""
    _, (excursion,), _ = told(Repetition(IR, 0.5))
    rows = len(excursion.samples.t_ns)
    hump = sign * 0.2 * np.sin(np.linspace(0.0, math.pi, rows))
    start = int(np.searchsorted(excursion.samples.t_ns, again(excursion).start_ns))
    assert again(with_off_axis(excursion, np.full(rows, 0.3))).off_axis_rad == 0.0
    bent = again(with_off_axis(excursion, 0.3 + hump))
    assert bent.off_axis_rad == pytest.approx(0.2 - abs(hump[start]), abs=1e-3)


@pytest.mark.parametrize("hold_s", [0.5, 1.5, 4.0])
def test_a_hold_of_a_second_is_told_with_its_mean_and_spread(hold_s: float) -> None:
    (rep,), (excursion,), _ = told(Repetition(ER, 0.5, out_s=0.6, hold_s=hold_s, return_s=0.6))
    hold = held(excursion, rep)
    if hold_s < 1.0:
        assert hold is None
        return
    assert hold is not None
    assert (hold.end_ns - hold.start_ns) / NS_PER_S == pytest.approx(rep.hold_s)
    assert rep.start_ns < hold.start_ns < hold.end_ns < rep.end_ns
    assert hold.mean_rad == pytest.approx(-0.5, abs=1.0 * RAD_PER_DEG)
    assert 0.0 < hold.sd_rad < 1.0 * RAD_PER_DEG


# --- verdict ------------------------------------------------------------------------------------

GOOD = Standard(
    target_rad=30.0 * RAD_PER_DEG,
    min_rep_s=1.5,
    max_speed_radps=90.0 * RAD_PER_DEG,
    max_off_axis_rad=10.0 * RAD_PER_DEG,
    min_hold_s=0.5,
    min_return=0.75,
)


@pytest.mark.parametrize(
    ("movement", "reasons"),
    [
        ({}, ()),
        ({"out_s": 0.5, "return_s": 0.5}, ("too-fast",)),
        ({"return_s": 0.55}, ("too-fast",)),
        ({"rom_rad": 20.0 * RAD_PER_DEG}, ("short-range",)),
        ({"rom_rad": 22.0 * RAD_PER_DEG}, ()),
        ({"hold_s": 0.0, "out_s": 0.9, "return_s": 0.9}, ("no-hold",)),
        ({"return_error_rad": 9.0 * RAD_PER_DEG}, ("no-return",)),
        ({"return_error_rad": 6.0 * RAD_PER_DEG}, ()),
        (
            {"rom_rad": 20.0 * RAD_PER_DEG, "out_s": 0.4, "hold_s": 0.0, "return_s": 0.4},
            ("too-fast", "short-range", "no-hold"),
        ),
    ],
)
def test_each_reason_and_what_just_passes(movement: dict[str, Any], reasons: tuple[str, ...]) -> None:
    good: dict[str, Any] = {"rom_rad": 30.0 * RAD_PER_DEG, "out_s": 1.0, "hold_s": 0.5, "return_s": 1.0}
    (rep,), (excursion,), _ = told(Repetition(IR, **{**good, **movement}))
    judged = Judge(GOOD).push(rep, excursion)
    assert judged.reasons == reasons
    assert judged.verdict is (Verdict.UNCONTROLLED if reasons else Verdict.CONTROLLED)
    nothing_asked = Judge(Standard()).push(rep, excursion)
    assert nothing_asked.verdict is Verdict.CONTROLLED
    assert dataclasses.replace(judged, verdict=rep.verdict, reasons=rep.reasons) == rep


@pytest.mark.parametrize(
    ("off_axis_deg", "reasons"), [(9.0, ()), (-9.0, ()), (11.0, ("off-axis",)), (-11.0, ("off-axis",))]
)
def test_a_knee_that_moves_is_off_axis(off_axis_deg: float, reasons: tuple[str, ...]) -> None:
    _, (excursion,), _ = told(Repetition(ER, 0.5, hold_s=1.0))
    x = np.abs(excursion.samples.angle_rad)
    moved = with_off_axis(excursion, off_axis_deg * RAD_PER_DEG * x / x.max())
    assert Judge(GOOD).push(again(moved), moved).reasons == reasons


def with_losses(excursion: Excursion, **arrays: Any) -> Excursion:
    return dataclasses.replace(excursion, samples=dataclasses.replace(excursion.samples, **arrays))


@pytest.mark.parametrize(
    ("share", "void"), [(0.0, False), (0.05, False), (0.09, False), (0.11, True), (0.5, True)]
)
def test_lost_samples_void(share: float, void: bool) -> None:
    """Above a tenth, whatever else may be wrong with it; the share is told either way."""
    _, (excursion,), _ = told(Repetition(IR, 10.0 * RAD_PER_DEG))
    rows = len(excursion.samples.t_ns)
    lost = np.zeros(rows, np.int64)
    lost[rows // 2] = round(share / (1.0 - share) * rows)
    gappy = with_losses(excursion, lost_before=lost)
    judged = Judge(GOOD).push(again(gappy), gappy)
    assert judged.lost_share == pytest.approx(share, abs=0.005)
    assert (judged.verdict is Verdict.VOID) == void
    assert judged.reasons == (("data-gap",) if void else ("short-range",))


def test_what_was_lost_before_it_began_is_not_its_loss() -> None:
    """The loss before a repetition's first sample lies outside it."""
    _, (excursion,), _ = told(Repetition(IR, 0.5))
    lost = np.zeros(len(excursion.samples.t_ns), np.int64)
    lost[0] = 500
    assert again(with_losses(excursion, lost_before=lost)).lost_share == 0.0


def test_a_filter_still_settling_voids() -> None:
    """One doubtful sample is enough: the angle before and after it may not belong together."""
    _, (excursion,), _ = told(Repetition(IR, 0.5))
    trusted = np.ones(len(excursion.samples.t_ns), np.bool_)
    trusted[40] = False
    doubtful = with_losses(excursion, trusted=trusted)
    assert Judge(Standard()).push(again(doubtful), doubtful).verdict is Verdict.VOID
