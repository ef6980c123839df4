"""The whole core on a simulated leg: what is measured depends on the leg, not on cuts, mounting, side,
links, other streams, or whether it happens live."""

import dataclasses
import functools
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    RATE_HZ,
    START,
    STREAM,
    TILTED,
    assert_same_bits,
    calibrated,
    drill,
    guided,
    joined,
    of,
    regrouped,
    rng_of,
    run,
    table_inputs,
    unit_quaternions,
    whole,
)
from hipturn import offline
from hipturn.coach import Coach
from hipturn.config import defaults
from hipturn.core.fusion import FusionParams
from hipturn.core.pipeline import CoreParams, Pipeline
from hipturn.core.quaternion import conjugate, dot, multiply, to_rotation_vector
from hipturn.model import (
    BadPackets,
    Calibrated,
    Direction,
    FloatArray,
    Gap,
    HipAngle,
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Orientation,
    Output,
    Overrun,
    Packets,
    RawSamples,
    Rep,
    SessionStart,
    Side,
    StreamInfo,
    Turn,
    Verdict,
)
from hipturn.recording import Reader, Writer
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Motion, Position, Rest, Script, drill_script, mishap_script, simulate
from hipturn.units import DEG_PER_RAD, NS_PER_MS, NS_PER_S

TICK = slice(4, 8)
"""Where a packet of the simulated sensor carries its device clock, µs."""


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None)


def events(outputs: Iterable[Output]) -> list[Output]:
    """Return what is no block of samples."""
    return [each for each in outputs if not isinstance(each, Orientation | HipAngle)]


def assert_same_outputs(one: list[Output], other: list[Output]) -> None:
    """The same events in the same order, the same samples to the last bit."""
    assert events(one) == events(other)
    for kind in (Orientation, HipAngle):
        assert_same_bits(joined(of(kind, one)), joined(of(kind, other)))


def measured(motion: Motion, *, rounded: bool = True) -> list[Output]:
    """Return the outputs of a guided session, twenty samples at a time."""
    items = regrouped(simulated.inputs(motion), lambda: 20) if rounded else table_inputs(motion, 20)
    heard = guided(items, Coach(STREAM, motion.leg.side, 0))
    return [each for each in heard if isinstance(each, Output)]


def with_clock(packets: Packets, earlier_us: int) -> Packets:
    """Return the packets of a device whose clock is behind by so much."""
    data = packets.data.copy()
    tick = np.ascontiguousarray(data[:, TICK]).view("<u4") - np.uint32(earlier_us)
    data[:, TICK] = tick.view(np.uint8)
    return Packets(packets.stream, packets.at_ns, data)


def damaged(packets: Packets) -> Packets:
    """Return packets of a version nobody knows."""
    data = packets.data.copy()
    data[:, 0] = 99
    return Packets(packets.stream, packets.at_ns, data)


def after_calibration(items: Iterable[Input]) -> int:
    """Return where the inputs begin that have an angle."""
    return 1 + max(i for i, item in enumerate(items) if isinstance(item, Mark))


# --- chunk invariance ---------------------------------------------------------------------------


def disturbed(seed: int) -> list[Input]:
    """Return a drill with everything that can happen to it: losses, gaps, damage, duplicates, marks, an
    overrun, and a new link of a device that has restarted."""
    rng = rng_of(seed)
    items = list(calibrated(seed % 3))
    begin = after_calibration(items)
    restart, uncounted = (int(i) for i in rng.integers(begin, len(items) - 200, 2))
    out = items[:begin]
    lost_until = 0
    for i, item in enumerate(items[begin:], begin):
        if not isinstance(item, Packets):
            out.append(item)
            continue
        at_ns = HostNs(int(item.at_ns[0]))
        draw = rng.random()
        if i == restart:
            out += [LinkDown(STREAM, at_ns, "lost"), LinkUp(STREAM, at_ns, simulated.info(drill(seed % 3)))]
        elif i in (uncounted, uncounted + 150):
            out.append(Mark(STREAM, at_ns, MarkKind.COUNT, {"on": i != uncounted}))
        elif draw < 0.002:
            lost_until = i + int(rng.choice([2, 25, 40, 90]))
        elif draw < 0.003:
            lost_until = i + 20
            out.append(Overrun(STREAM, at_ns, 20))
        elif draw < 0.004:
            out.append(Mark(STREAM, at_ns, MarkKind.NOTE, {"text": "ouch"}))
        elif draw < 0.005:
            out.append(Mark(STREAM, at_ns, MarkKind.BIAS, {"gyr_bias_radps": [0.001, 0.0, -0.002]}))
        if restart <= i < restart + 40 or i < lost_until or draw > 0.97:
            continue
        sent = with_clock(item, 10_000_000) if i > restart else item
        out.append(damaged(sent) if draw > 0.965 else sent)
        if draw > 0.96:
            out.append(sent)
    return out


@functools.cache
def disturbed_whole(seed: int) -> tuple[list[Input], list[Output]]:
    items = disturbed(seed)
    return items, run(whole(items))


@few(12)
@given(st.integers(0, 8), st.integers(0, 2**32), st.sampled_from([5, 30, 300]))
def test_chunk_invariance(seed: int, cut_seed: int, most: int) -> None:
    """Losses, gaps, damage, duplicates, an overrun, marks and a new link in between: grouped at random, the
    events are the very same and in the same order, the samples the same to the last bit."""
    items, expected = disturbed_whole(seed)
    rng = rng_of(cut_seed)
    assert_same_outputs(run(regrouped(items, lambda: int(rng.integers(1, most + 1)))), expected)


@pytest.mark.parametrize("seed", range(2))
def test_one_packet_at_a_time_is_as_good_as_all_at_once(seed: int) -> None:
    """And in all that disturbance there is something of everything."""
    items, expected = disturbed_whole(seed)
    assert_same_outputs(run(items), expected)
    assert {type(each) for each in expected} >= {Turn, Rep, Gap, BadPackets, Calibrated}
    assert {gap.cause for gap in of(Gap, expected)} == {"loss", "link", "overrun"}


# --- mounting, side, filter ---------------------------------------------------------------------


def roms_deg(outputs: Iterable[Output]) -> FloatArray:
    return np.array([rep.rom_rad for rep in of(Rep, outputs)]) * DEG_PER_RAD


def angle_deg(outputs: Iterable[Output]) -> FloatArray:
    angle: FloatArray = joined(of(HipAngle, outputs))["angle_rad"] * DEG_PER_RAD
    return angle


def strapped(seed: int, errors: bool, mounting: FloatArray | None = None) -> Motion:
    """Return a set of a random leg with the sensor strapped on another way."""
    leg = Leg.random(seed)
    if mounting is not None:
        w, x, y, z = mounting.tolist()
        leg = dataclasses.replace(leg, q_shank_from_sensor=(w, x, y, z))
    return simulate(leg if errors else leg.without_errors(), drill_script(3, seed), RATE_HZ, seed)


@functools.cache
def as_it_was_strapped(seed: int, errors: bool) -> list[Output]:
    return measured(strapped(seed, errors), rounded=errors)


@few(8)
@given(st.integers(0, 2), unit_quaternions)
def test_any_mounting_gives_the_same_angle(seed: int, mounting: FloatArray) -> None:
    """However the strap was put on, a perfect sensor measures the same to a hundredth of a degree."""
    expected, found = (
        as_it_was_strapped(seed, False),
        measured(strapped(seed, False, mounting), rounded=False),
    )
    np.testing.assert_allclose(angle_deg(found), angle_deg(expected), atol=0.01)
    np.testing.assert_allclose(roms_deg(found), roms_deg(expected), atol=0.002)


@few(8)
@given(st.integers(0, 2), unit_quaternions)
def test_any_mounting_of_a_real_sensor_agrees(seed: int, mounting: FloatArray) -> None:
    """Its biases and its noise stay in its case and so are others for the leg: still the angle agrees within
    0.3° RMS and each range within 0.3°."""
    expected, found = as_it_was_strapped(seed, True), measured(strapped(seed, True, mounting))
    np.testing.assert_allclose(roms_deg(found), roms_deg(expected), atol=0.3)
    rows = min(len(angle_deg(found)), len(angle_deg(expected)))
    apart = angle_deg(found)[-rows:] - angle_deg(expected)[-rows:]
    assert np.sqrt(np.mean(apart**2)) < 0.3


@pytest.mark.parametrize("position", TILTED)
@pytest.mark.parametrize("seed", range(2))
def test_left_mirrors_right(seed: int, position: Position) -> None:
    """The mirror image of a leg, the wobbling sensor included, has the same hip angle and repetitions."""
    right = dataclasses.replace(Leg.random(seed, Side.RIGHT, position).without_errors(), wobble_rad=0.015)
    w, x, y, z = right.q_shank_from_sensor
    left = dataclasses.replace(
        right, side=Side.LEFT, heading_rad=-right.heading_rad, q_shank_from_sensor=(w, -x, -y, z)
    )
    script = drill_script(3, seed)
    one, other = (measured(simulate(leg, script, RATE_HZ), rounded=False) for leg in (right, left))
    np.testing.assert_allclose(angle_deg(other), angle_deg(one), atol=0.02)
    np.testing.assert_allclose(roms_deg(other), roms_deg(one), atol=0.01)
    assert [(rep.side, rep.direction) for rep in of(Rep, other)] == [(Side.LEFT, Direction.INTERNAL)] * 3
    assert [(rep.side, rep.direction) for rep in of(Rep, one)] == [(Side.RIGHT, Direction.INTERNAL)] * 3


def test_another_filter_counts_the_same() -> None:
    """The one for platforms without VQF: the same repetitions, each range within a degree."""
    motion = drill(2)
    coach = Coach(STREAM, motion.leg.side, 0)
    heard = guided(
        regrouped(simulated.inputs(motion), lambda: 20), coach, CoreParams(FusionParams(filter="mahony"))
    )
    expected = of(Rep, run(calibrated(2)))
    assert [rep.direction for rep in of(Rep, heard)] == [rep.direction for rep in expected]
    for rep, other in zip(of(Rep, heard), expected, strict=True):
        assert rep.rom_rad * DEG_PER_RAD == pytest.approx(other.rom_rad * DEG_PER_RAD, abs=1.0)


# --- against the truth --------------------------------------------------------------------------


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("position", TILTED)
def test_every_repetition_is_counted_and_its_range_is_right(position: Position, direction: Direction) -> None:
    """Six people, any mounting, both legs, all errors: each repetition once and the right way; 95 % of the
    ranges within 0.5°, starts within 0.15 s."""
    errors_deg, late_s = [], []
    for seed in range(6):
        motion = simulate(Leg.random(seed, None, position), drill_script(5, seed, direction), RATE_HZ, seed)
        reps = of(Rep, measured(motion))
        assert [rep.direction for rep in reps] == [direction] * 5, seed
        assert [rep.n for rep in reps] == [1, 2, 3, 4, 5]
        for rep, true in zip(reps, motion.reps, strict=True):
            errors_deg.append(abs(rep.rom_rad - true.rom_rad) * DEG_PER_RAD)
            late_s.append(abs(rep.start_ns / NS_PER_S - true.start_s))
            assert rep.verdict is Verdict.CONTROLLED
    assert np.percentile(errors_deg, 95) <= 0.5
    assert max(late_s) <= 0.15


@pytest.mark.parametrize("seed", range(3))
def test_mishaps_are_counted_as_they_happened(seed: int) -> None:
    """Fast, short, bounced, bent, stopped, not brought back: each one movement, each once."""
    motion = simulate(Leg.random(seed), mishap_script(seed), RATE_HZ, seed)
    reps = of(Rep, measured(motion))
    assert len(reps) == len(motion.reps)
    for rep, true in zip(reps, motion.reps, strict=True):
        # soft tissue swings on where a fast movement suddenly turns, a tremor adds its amplitude, and a
        # knee that bends by 20° tilts the shin too
        limit_deg = {"fast": 2.0, "off-axis": 5.0}.get(true.kind, 1.2)
        assert rep.rom_rad * DEG_PER_RAD == pytest.approx(true.rom_rad * DEG_PER_RAD, abs=limit_deg)
        assert rep.start_ns / NS_PER_S == pytest.approx(true.start_s, abs=0.15)


# --- links and losses ---------------------------------------------------------------------------


def reconnected(at_s: float, away_s: float, seed: int = 1) -> tuple[list[Output], Motion]:
    """Return the outputs of a drill whose link is lost at a time; once back, the device has restarted."""
    motion = drill(seed)
    out: list[Input] = []
    down_ns, up_ns = round(at_s * NS_PER_S), round((at_s + away_s) * NS_PER_S)
    told = False
    for item in calibrated(seed):
        if not isinstance(item, Packets) or item.at_ns[0] < down_ns:
            out.append(item)
        elif item.at_ns[0] >= up_ns:
            if not told:
                told = True
                out += [
                    LinkDown(STREAM, HostNs(down_ns), "lost"),
                    LinkUp(STREAM, HostNs(up_ns), simulated.info(motion)),
                ]
            out.append(with_clock(item, up_ns // 1000 - 5))
    return run(whole(out)), motion


@pytest.mark.parametrize("away_s", [0.1, 1.0, 10.0])
def test_after_a_lost_link_the_count_goes_on(away_s: float) -> None:
    """The gap is told, the repetition it falls into and those while the filter settles are void, the
    calibration and the count live on, and times stay true although the device's clock began anew."""
    motion = drill(1)
    third = motion.reps[2]
    middle_s = 0.5 * (third.start_s + third.peak_s)
    outputs, _ = reconnected(middle_s, away_s)
    (gap,) = of(Gap, outputs)
    assert gap.cause == "link"
    assert gap.start_ns / NS_PER_S == pytest.approx(middle_s, abs=0.03)
    assert (gap.end_ns - gap.start_ns) / NS_PER_S == pytest.approx(away_s, abs=0.03)
    assert gap.lost == pytest.approx(away_s * RATE_HZ, abs=2)
    reps = of(Rep, outputs)
    assert [rep.n for rep in reps] == list(range(1, len(reps) + 1))
    settled_ns = gap.end_ns + 3 * NS_PER_S
    for rep in reps:
        spoilt = rep.end_ns > gap.start_ns and rep.start_ns < settled_ns
        assert rep.verdict is (Verdict.VOID if spoilt else Verdict.CONTROLLED)
        assert rep.reasons == (("data-gap",) if spoilt else ())
        nearest_s = min(abs(rep.peak_ns / NS_PER_S - true.peak_s) for true in motion.reps)
        assert spoilt or nearest_s < 0.5
    seen = len([true for true in motion.reps if not middle_s <= true.peak_s <= middle_s + away_s])
    assert seen <= len(reps) <= len(motion.reps)
    assert sum(rep.verdict is Verdict.VOID for rep in reps) >= (1 if away_s < 5.0 else 0)
    trusted = joined(of(Orientation, outputs))
    after = (trusted["t_ns"] >= gap.end_ns) & (trusted["t_ns"] < settled_ns)
    np.testing.assert_array_equal(trusted["trusted"], ~after)


def test_the_angle_is_the_same_before_and_after_a_lost_link() -> None:
    """Gravity is where it was: no new zero is needed, whatever the new filter's heading."""
    outputs, motion = reconnected(motion_time(1), 2.0)
    angle = joined(of(HipAngle, outputs))
    true = np.interp(angle["t_ns"] / NS_PER_S, motion.t_s, motion.angle_rad)
    errors_deg = (angle["angle_rad"] - true) * DEG_PER_RAD
    assert np.sqrt(np.mean(errors_deg[angle["trusted"]] ** 2)) < 0.4


def test_the_gyro_bias_survives_a_lost_link() -> None:
    """It is the sensor's, not the link's: told once, the heading of a leg at rest does not drift after it."""
    motion = simulate(Leg.random(4), Script((Rest(12.0),)))
    items = list(simulated.inputs(motion))
    bias = Mark(STREAM, HostNs(0), MarkKind.BIAS, {"gyr_bias_radps": list(motion.leg.gyr_bias_radps)})
    up = LinkUp(STREAM, HostNs(5 * NS_PER_S), simulated.info(motion))
    turned_deg = []
    for marks in ([bias], []):
        outputs = run(
            whole([items[0], *marks, *items[1:500], LinkDown(STREAM, up.at_ns, "lost"), up, *items[600:]])
        )
        q = np.concatenate([each.q_earth_from_sensor for each in of(Orientation, outputs)])
        after = len(q) - len(items[600:])
        turn = to_rotation_vector(multiply(conjugate(q[after]), q[after + 100]))
        turned_deg.append(float(np.sqrt(dot(turn, turn))) * DEG_PER_RAD)
    told, untold = turned_deg
    assert told < 0.2 * untold, turned_deg


def motion_time(n: int) -> float:
    """Return a moment of rest after the drill's n-th repetition."""
    return drill(1).reps[n].end_s + 0.3


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_random_losses_are_counted_and_cost_nothing(share: float) -> None:
    """Every lost sample is told as a gap and as a share of its repetition; the ranges stay."""
    items = list(calibrated(1))
    begin = after_calibration(items)
    rng = rng_of(7)
    kept = [
        item
        for i, item in enumerate(items)
        if i < begin or not isinstance(item, Packets) or rng.random() >= share
    ]
    # what is lost after the last packet nobody can know
    kept += [items[-2], items[-1]] if kept[-2] is not items[-2] else []
    outputs, expected = run(whole(kept)), run(whole(items))
    lost = sum(isinstance(item, Packets) for item in items) - sum(isinstance(item, Packets) for item in kept)
    assert lost > 10
    assert sum(gap.lost for gap in of(Gap, outputs)) == lost
    assert joined(of(Orientation, outputs))["lost_before"].sum() == lost
    np.testing.assert_allclose(roms_deg(outputs), roms_deg(expected), atol=0.2)
    shares = [rep.lost_share for rep in of(Rep, outputs)]
    assert np.mean(shares) == pytest.approx(share, abs=0.5 * share)
    assert all(rep.verdict is Verdict.CONTROLLED for rep in of(Rep, outputs))


def test_damaged_packets_are_counted_where_they_came() -> None:
    """One by one, each followed by the gap it leaves."""
    items = [i for i in calibrated(1) if isinstance(i, LinkUp | Packets)][:200]
    hurt = [
        damaged(item) if i in (20, 50, 51) and isinstance(item, Packets) else item
        for i, item in enumerate(items)
    ]
    for group in (hurt, whole(hurt)):
        told = events(run(group))
        assert [type(each) for each in told] == [BadPackets, Gap, BadPackets, BadPackets, Gap]
        assert [each.count for each in of(BadPackets, told)] == [1, 1, 1]
        assert [gap.lost for gap in of(Gap, told)] == [1, 2]
        assert of(BadPackets, told)[0].t_ns == of(Gap, told)[0].start_ns


def test_a_stream_of_nothing_but_damage_is_counted_and_measures_nothing() -> None:
    items = [i for i in calibrated(1) if isinstance(i, LinkUp | Packets)][:50]
    told = run(whole([damaged(i) if isinstance(i, Packets) else i for i in items]))
    assert [type(each) for each in told] == [BadPackets] * 49


def test_two_streams_do_not_touch_each_other() -> None:
    """Two legs at once, packets alternating, one of them losing its link: each as if it were alone."""

    def renamed(item: Input, stream: str) -> Input:
        return dataclasses.replace(item, stream=stream) if not isinstance(item, SessionStart) else item

    left = [renamed(item, "left") for item in regrouped(disturbed(0), lambda: 6)]
    right = [renamed(item, "right") for item in regrouped(calibrated(1), lambda: 4)]
    order = rng_of(3).permutation([True] * len(left) + [False] * len(right))
    from_left, from_right = iter(left), iter(right)
    both = run([next(from_left) if is_left else next(from_right) for is_left in order])
    for stream, alone in (("left", run(left)), ("right", run(right))):
        mine = [each for each in both if each.stream == stream]
        assert events(mine) == events(alone)
        for kind in (Orientation, HipAngle):
            assert_same_bits(joined(of(kind, mine, stream)), joined(of(kind, alone, stream)))


# --- what nobody should send --------------------------------------------------------------------


def decoded(raw: RawSamples) -> Callable[[StreamInfo], Callable[[Packets], RawSamples]]:
    """Return decoders that read these samples out of any packet."""
    return lambda info: lambda packets: raw


NOTHING = Packets(STREAM, np.zeros(1, np.int64), np.zeros((1, 1), np.uint8))
BAD_VALUES = [math.nan, math.inf, -math.inf, 1e5]


@pytest.mark.parametrize("value", BAD_VALUES)
@pytest.mark.parametrize("what", ["acc", "gyr", "quaternion", "all"])
def test_rows_that_are_no_numbers_are_counted_and_left_out(what: str, value: float) -> None:
    """Neither a crash nor a filter that stays NaN: the rows are missing samples, and told as damaged."""
    rows = 40
    acc, gyr = np.tile((0.0, 0.0, 9.81), (rows, 1)), np.zeros((rows, 3))
    q = np.tile((1.0, 0.0, 0.0, 0.0), (rows, 1))
    for name, values in (("acc", acc), ("gyr", gyr), ("quaternion", q)):
        if what in (name, "all"):
            values[[0, 10, 11], 1] = value
    raw = RawSamples(np.arange(rows) * 10_000, np.arange(rows) * 10 * NS_PER_MS, acc, gyr, q)
    for filter_name in ("vqf", "device"):
        pipeline = Pipeline(CoreParams(FusionParams(filter=filter_name)), decoded(raw))
        pipeline.push(LinkUp(STREAM, HostNs(0), StreamInfo("test", 100.0, has_quaternion=True)))
        first, before, *bad, gap, after = pipeline.push(NOTHING)
        assert isinstance(gap, Gap) and gap.lost == 2
        assert [each.count for each in of(BadPackets, [first, *bad])] == [1, 1, 1]
        assert isinstance(before, Orientation) and isinstance(after, Orientation)
        assert len(before.t_ns) + len(after.t_ns) == rows - 3
        for block in (before, after):
            assert np.isfinite(block.q_earth_from_sensor).all()


def test_a_quaternion_of_zeros_is_no_orientation() -> None:
    """Devices send it while they wake up."""
    q = np.tile((1.0, 0.0, 0.0, 0.0), (30, 1))
    q[:5] = 0.0
    q[20] = 1e-9
    raw = RawSamples(np.arange(30) * 10_000, np.arange(30) * 10 * NS_PER_MS, None, None, q)
    pipeline = Pipeline(CoreParams(), decoded(raw))
    pipeline.push(LinkUp(STREAM, HostNs(0), StreamInfo("test", 100.0, has_imu=False, has_quaternion=True)))
    outputs = pipeline.push(NOTHING)
    assert sum(each.count for each in of(BadPackets, outputs)) == 6
    q_out = np.concatenate([block.q_earth_from_sensor for block in of(Orientation, outputs)])
    assert len(q_out) == 24 and np.isfinite(q_out).all()


def test_what_belongs_to_no_link_is_ignored() -> None:
    """Packets, marks and an overrun of a stream that never came up."""
    packets = next(item for item in calibrated(1) if isinstance(item, Packets))
    mark = Mark(STREAM, HostNs(0), MarkKind.SIDE, {"side": "left"})
    assert (
        run([START, packets, mark, Overrun(STREAM, HostNs(0), 3), LinkDown(STREAM, HostNs(0), "lost")]) == []
    )


# --- marks --------------------------------------------------------------------------------------


def test_nothing_is_counted_while_counting_is_off() -> None:
    """Switched off and on at rest: what is done meanwhile is not counted, and the angle goes on."""
    items, true = list(calibrated(1)), drill(1).reps
    switches = {round((true[n].end_s + 0.3) * RATE_HZ): on for n, on in ((0, False), (2, True))}
    marked: list[Input] = []
    for item in items:
        number = round(int(item.at_ns[0]) * RATE_HZ / NS_PER_S) if isinstance(item, Packets) else -1
        if number in switches:
            marked.append(Mark(STREAM, HostNs(0), MarkKind.COUNT, {"on": switches.pop(number)}))
        marked.append(item)
    assert not switches
    outputs, expected = run(whole(marked)), run(whole(items))
    reps = of(Rep, expected)
    assert [rep.peak_ns for rep in of(Rep, outputs)] == [reps[n].peak_ns for n in (0, 3, 4)]
    assert [rep.n for rep in of(Rep, outputs)] == [1, 2, 3]
    assert_same_bits(joined(of(HipAngle, outputs)), joined(of(HipAngle, expected)))


def test_the_same_side_again_changes_nothing() -> None:
    """Said once more, in the middle of a repetition: the calibration and the count go on."""
    items = list(calibrated(1))
    side = Mark(STREAM, HostNs(0), MarkKind.SIDE, {"side": drill(1).leg.side.value})
    middle = round(drill(1).reps[2].peak_s * RATE_HZ)
    assert_same_outputs(run(whole([*items[:middle], side, *items[middle:]])), run(whole(items)))


def test_another_side_needs_another_calibration() -> None:
    """The axis of one leg says nothing about the other: no angle until it is calibrated again."""
    items = list(calibrated(1))
    begin = after_calibration(items)
    calibration = items[begin - 1]
    other = Mark(STREAM, HostNs(0), MarkKind.SIDE, {"side": "right"})
    first, last = items[: begin + 500], items[begin + 500 :]
    outputs = run(whole([*first, other, *last[:300], calibration, *last[300:]]))
    angle = joined(of(HipAngle, outputs))
    assert len(angle["t_ns"]) == len(joined(of(HipAngle, run(whole(items))))["t_ns"]) - 300
    assert len(of(Calibrated, outputs)) == 2
    assert {rep.side for rep in of(Rep, outputs)} == {Side.LEFT, Side.RIGHT}
    # the other leg's internal rotation is this one's external
    assert {rep.direction for rep in of(Rep, outputs)} == set(Direction)


# --- live and replay ----------------------------------------------------------------------------


def recorded(path: Path, items: Iterable[Input], side: Side) -> None:
    """Record a guided session as it would be live."""
    with Writer(path) as writer:
        guided(items, Coach(STREAM, side, 0), recording=writer, settings=defaults())


def assert_replay_gives_the_same(path: Path) -> list[dict[str, object]]:
    """The lines that were written beside the inputs are those a replay gives; return them."""
    live = list(Reader(path).events())
    analysis = offline.analyse(path, offline.Request())
    replayed = json.loads(json.dumps(analysis.lines(path.name)[1]))
    assert replayed == live
    assert analysis.problem is None
    return live


@pytest.fixture(autouse=True)
def no_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPTURN_CONFIG", str(tmp_path / "none.toml"))


@pytest.mark.parametrize("position", ["prone", "seated-floor"])
def test_a_replay_gives_what_the_live_session_gave(position: Position, tmp_path: Path) -> None:
    motion = drill(1, None, position)
    path = tmp_path / "session.mcap"
    recorded(path, simulated.inputs(motion), motion.leg.side)
    live = assert_replay_gives_the_same(path)
    assert [line["type"] for line in live] == ["calibration", *["rep"] * 5, "set"]


@pytest.mark.parametrize("seed", range(3))
def test_a_replay_of_a_disturbed_session_gives_the_same_in_the_same_order(seed: int, tmp_path: Path) -> None:
    """Losses, gaps, damage, duplicates, marks, an overrun, a new link: each line at its place."""
    path = tmp_path / "session.mcap"
    items = [item for item in disturbed(seed) if not isinstance(item, Mark) or item.kind is MarkKind.COUNT]
    recorded(path, items[1:], drill(seed).leg.side)
    live = assert_replay_gives_the_same(path)
    assert {line["type"] for line in live} >= {"calibration", "rep", "gap", "bad_packets"}


def test_requested_side_and_calibration_survive_a_reconnect(tmp_path: Path) -> None:
    """What is asked of a replay holds for all of it, as what was recorded does."""
    motion = drill(1)
    path = tmp_path / "session.mcap"
    lost = HostNs(round((motion.reps[1].end_s + 0.3) * NS_PER_S))
    items: list[Input] = []
    for item in simulated.inputs(motion):
        if (
            isinstance(item, Packets)
            and item.at_ns[0] > lost
            and not any(isinstance(i, LinkDown) for i in items)
        ):
            items += [
                LinkDown(STREAM, lost, "lost"),
                LinkUp(STREAM, HostNs(lost + 1), simulated.info(motion)),
            ]
        items.append(item)
    recorded(path, items, motion.leg.side)
    plain = offline.analyse(path, offline.Request())
    asked = offline.analyse(path, offline.Request(side=motion.leg.side, calibration=offline.AUTO))
    assert len(plain.reps) == 5
    # the calibration's three rotations are counted too where the calibration is not the session's own
    assert len(asked.reps) == 8
