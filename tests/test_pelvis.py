"""A second sensor, on the pelvis: what it tells of a repetition, and that it never touches the angle."""

import dataclasses
import functools
import heapq
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    STREAM,
    assert_same_bits,
    guided,
    inputs_of,
    joined,
    of,
    regrouped,
    rng_of,
    run,
    unit_quaternions,
    unit_vectors,
    whole,
)
from hipturn import calibrate, lines, offline
from hipturn.coach import Coach
from hipturn.config import core_params, defaults
from hipturn.core.pelvis import ROLE, Pelvis, lean
from hipturn.core.quaternion import conjugate, from_rotation_vector, multiply, rotate
from hipturn.export import measured as export_measured
from hipturn.model import (
    Direction,
    FloatArray,
    HipAngle,
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Orientation,
    Output,
    Packets,
    Rep,
    SessionStart,
    Side,
    Verdict,
)
from hipturn.recording import Writer
from hipturn.sources import simulated
from hipturn.sources.body import (
    Leg,
    Motion,
    Position,
    Repetition,
    Rest,
    Script,
    calibration_elements,
    on_sacrum,
    simulate,
)
from hipturn.units import DEG_PER_RAD, NS_PER_MS, NS_PER_S, RAD_PER_DEG

ROLLS_DEG = (0.0, 8.0, 2.0, -9.0, 0.0, 12.0)
"""What the pelvis does in the repetitions: with the leg, against it, or nothing."""
PARAMS = core_params(defaults())


def script(rolls_deg: Iterable[float] = ROLLS_DEG) -> Script:
    reps = [
        (Repetition(Direction.INTERNAL, 28.0 * RAD_PER_DEG, pelvis_rad=roll * RAD_PER_DEG), Rest(0.7))
        for roll in rolls_deg
    ]
    return Script((*(element for pair in reps for element in pair), Rest(2.0)), calibration_elements())


@functools.cache
def bodies(seed: int, position: Position = "prone", side: Side | None = None) -> tuple[Motion, Motion]:
    leg = Leg.random(seed, side, position)
    return simulate(leg, script(), seed=seed), on_sacrum(leg, script(), seed=seed)


def at_of(item: Input) -> int:
    assert not isinstance(item, SessionStart)
    return int(item.at_ns[-1]) if isinstance(item, Packets) else item.at_ns


def together(*streams: Iterable[Input]) -> list[Input]:
    """Return the inputs of several sensors in the order they arrive."""
    return list(heapq.merge(*streams, key=at_of))


def pelvis_inputs(motion: Motion, late_ns: int = 3 * NS_PER_MS) -> list[Input]:
    """Return what a pelvis sensor with a clock of its own sends, so much later than the shin's."""
    out: list[Input] = []
    for item in simulated.inputs(motion, first_tick_us=77_000_000, stream=ROLE, samples_per_packet=5):
        if isinstance(item, Packets):
            out.append(dataclasses.replace(item, at_ns=item.at_ns + late_ns))
        else:
            out.append(item)
    down = out[-1]
    assert isinstance(down, LinkDown)
    return [*out[:-1], dataclasses.replace(down, at_ns=HostNs(down.at_ns + late_ns))]


@functools.cache
def session(seed: int, position: Position = "prone", side: Side | None = None) -> tuple[Input, ...]:
    """Return a whole session of both sensors, with the marks its coach gave."""
    shin, sacrum = bodies(seed, position, side)
    items = together(simulated.inputs(shin, samples_per_packet=4), pelvis_inputs(sacrum))
    coach = Coach(STREAM, shin.leg.side, 0)
    return tuple(inputs_of(guided(items, coach, PARAMS, settings=defaults(), position=position)))


@functools.cache
def outputs(seed: int, position: Position = "prone") -> tuple[Output, ...]:
    return tuple(run(session(seed, position), PARAMS))


def reps(outputs: Iterable[object]) -> list[Rep]:
    return of(Rep, outputs)


def leaned_deg(outputs: Iterable[object]) -> list[float]:
    return [
        math.nan if r.compensation_rad is None else r.compensation_rad * DEG_PER_RAD for r in reps(outputs)
    ]


def events(outputs: Iterable[Output], stream: str = STREAM) -> list[Output]:
    return [o for o in outputs if not isinstance(o, Orientation | HipAngle) and o.stream == stream]


def assert_same_shin(one: Sequence[Output], other: Sequence[Output]) -> None:
    """The same events of the shin, and the same samples to the last bit."""
    assert events(one) == events(other)
    assert_same_bits(joined(of(HipAngle, one)), joined(of(HipAngle, other)))


# --- the figure ---------------------------------------------------------------------------------


def turned(axis: FloatArray, angle_rad: FloatArray, mounting: FloatArray) -> FloatArray:
    """Return up in a sensor that turns about an axis of the earth."""
    q = multiply(from_rotation_vector(angle_rad[:, None] * axis), mounting)
    return rotate(conjugate(q), np.array((0.0, 0.0, 1.0)))


@settings(max_examples=60)
@given(unit_quaternions, st.floats(-math.pi, math.pi), st.floats(0.5, 60.0), st.floats(-60.0, 60.0))
def test_a_turn_about_a_level_axis_is_its_range_whichever_way_it_is_strapped_on(
    mounting: FloatArray, heading: float, range_deg: float, from_deg: float
) -> None:
    angle = np.linspace(from_deg, from_deg + range_deg, 40) * RAD_PER_DEG
    axis = np.array((math.cos(heading), math.sin(heading), 0.0))
    assert lean(turned(axis, angle, mounting)) * DEG_PER_RAD == pytest.approx(range_deg, abs=1e-6)


@settings(max_examples=60)
@given(unit_quaternions, unit_vectors, st.floats(1.0, 20.0))
def test_no_axis_makes_more_of_it_than_it_was_and_a_vertical_one_shows_nothing(
    mounting: FloatArray, axis: FloatArray, range_deg: float
) -> None:
    angle = np.linspace(0.0, range_deg, 40) * RAD_PER_DEG
    shown = lean(turned(axis, angle, mounting)) * DEG_PER_RAD
    level = math.hypot(axis[0], axis[1])
    # a small circle's chord: nearly cos ε of it while it is small
    assert shown <= range_deg * level + 1e-6
    assert shown >= range_deg * level * 0.97 - 1e-6


@pytest.mark.parametrize("position", ["prone", "seated", "side-lying"])
@pytest.mark.parametrize("seed", range(3))
def test_the_pelvis_is_told_as_it_rolled_and_judged_by_the_limit(seed: int, position: Position) -> None:
    out = outputs(seed, position)
    assert len(reps(out)) == len(ROLLS_DEG)
    for rep, roll_deg, told_deg in zip(reps(out), ROLLS_DEG, leaned_deg(out), strict=True):
        # a body sways by 0.1°, and a femur that is not quite level is what the pelvis rolls about
        assert told_deg == pytest.approx(abs(roll_deg), abs=0.7)
        assert ("compensation" in rep.reasons) == (abs(roll_deg) > 5.0), rep.reasons


def test_the_angle_is_what_the_shin_did_pelvis_included() -> None:
    """Left as it is: by how much the pelvis may have added to it or taken from it stands beside."""
    out = outputs(1)
    for rep, roll_deg in zip(reps(out), ROLLS_DEG, strict=True):
        assert rep.rom_rad * DEG_PER_RAD == pytest.approx(28.0 + roll_deg, abs=0.7)


@pytest.mark.parametrize(("limit_deg", "rejected"), [("0", 0), ("5", 3), ("8.5", 2), ("30", 0)])
def test_the_limit_is_a_setting(limit_deg: str, rejected: int) -> None:
    params = core_params({**defaults(), "reps.max_compensation_deg": float(limit_deg)})
    found = [rep for rep in reps(run(session(1), params)) if "compensation" in rep.reasons]
    assert len(found) == rejected
    assert all(rep.verdict is Verdict.UNCONTROLLED for rep in found)


# --- laws ---------------------------------------------------------------------------------------


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2), st.integers(0, 2**32), st.sampled_from([3, 40]))
def test_results_do_not_depend_on_how_packets_are_grouped(seed: int, cut_seed: int, most: int) -> None:
    rng = rng_of(cut_seed)
    cut = run(regrouped(session(seed), lambda: int(rng.integers(1, most + 1))), PARAMS)
    one = outputs(seed)
    assert_same_shin(cut, one)
    for stream in (STREAM, ROLE):
        assert_same_bits(joined(of(Orientation, cut, stream)), joined(of(Orientation, one, stream)))


def test_a_long_stretch_of_one_sensor_is_timed_as_sample_by_sample() -> None:
    """Minutes of the shin in one block, while the pelvis is away."""
    shin, sacrum = bodies(1)
    rest = simulate(shin.leg, Script((Rest(400.0),)), rate_hz=25.0, seed=2)
    away = [item for item in pelvis_inputs(sacrum)[:200] if not isinstance(item, LinkDown)]
    items = [*away, *simulated.inputs(rest)]
    one = joined(of(Orientation, run(items, PARAMS)))
    at_once = joined(of(Orientation, run(whole(items), PARAMS)))
    assert_same_bits(one, at_once)
    assert "host_ns" in one


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2), st.integers(0, 2**32))
def test_nor_on_how_the_two_sensors_interleave(seed: int, order_seed: int) -> None:
    """A radio that serves one sensor after the other brings packets a fifth of a second out of order."""
    rng = rng_of(order_seed)
    items = session(seed)
    shin = [item for item in items if isinstance(item, SessionStart) or item.stream == STREAM]
    pelvis = [item for item in items if not isinstance(item, SessionStart) and item.stream == ROLE]
    most_ns = 200 * NS_PER_MS
    order = {id(item): at_of(item) for item in shin[1:]}
    # each link keeps its own order
    shifted = np.array([at_of(item) for item in pelvis]) + rng.integers(-most_ns, most_ns, len(pelvis))
    order |= {id(i): int(at) for i, at in zip(pelvis, np.maximum.accumulate(shifted), strict=True)}
    mixed = [shin[0], *heapq.merge(shin[1:], pelvis, key=lambda item: order[id(item)])]
    assert [id(i) for i in mixed] != [id(i) for i in items]
    assert_same_shin(run(mixed, PARAMS), outputs(seed))


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1), unit_quaternions)
def test_the_mounting_of_the_pelvis_sensor_does_not_matter(seed: int, mounting: FloatArray) -> None:
    _, sacrum = bodies(seed)
    w, x, y, z = (float(part) for part in mounting)
    otherwise = on_sacrum(sacrum.leg.without_errors(), script(), seed=seed, mounting=(w, x, y, z))
    marks = [item for item in session(seed) if isinstance(item, SessionStart) or item.stream == STREAM]
    items = [marks[0], *together(marks[1:], pelvis_inputs(otherwise))]
    np.testing.assert_allclose(leaned_deg(run(items, PARAMS)), np.abs(ROLLS_DEG), atol=0.3)


def without_pelvis(items: Iterable[Input]) -> list[Input]:
    return [item for item in items if isinstance(item, SessionStart) or item.stream == STREAM]


def forgiven(rep: Rep) -> Rep:
    """Return a repetition as it would be without a sensor on the pelvis."""
    reasons = tuple(reason for reason in rep.reasons if reason != "compensation")
    verdict = rep.verdict if reasons or rep.verdict is Verdict.VOID else Verdict.CONTROLLED
    return dataclasses.replace(rep, compensation_rad=None, reasons=reasons, verdict=verdict)


@pytest.mark.parametrize("seed", range(2))
def test_the_shin_is_measured_as_without_the_second_sensor(seed: int) -> None:
    with_it, alone = outputs(seed), run(without_pelvis(session(seed)), PARAMS)
    assert_same_bits(joined(of(HipAngle, with_it)), joined(of(HipAngle, alone)))
    assert [forgiven(rep) for rep in reps(with_it)] == reps(alone)
    assert all(rep.compensation_rad is None for rep in reps(alone))
    assert all("compensation_deg" not in (lines.line(rep) or {}) for rep in reps(alone))


def lost(items: Iterable[Input], from_s: float, to_s: float) -> list[Input]:
    """Return the inputs with the pelvis' link down for a while; it comes back as a new link."""
    out: list[Input] = []
    up = next(item for item in items if isinstance(item, LinkUp) and item.stream == ROLE)
    away, back = False, False
    for item in items:
        if isinstance(item, Packets) and item.stream == ROLE:
            at_ns = HostNs(at_of(item))
            if from_s * NS_PER_S <= at_ns < to_s * NS_PER_S:
                if not away:
                    out.append(LinkDown(ROLE, at_ns, "lost"))
                away = True
                continue
            if away and not back:
                out.append(dataclasses.replace(up, at_ns=at_ns))
                back = True
        out.append(item)
    return out


def test_a_lost_pelvis_sensor_costs_only_what_it_would_have_told() -> None:
    items = session(1)
    full = outputs(1)
    second = reps(full)[1]
    gone = run(lost(items, second.peak_ns / NS_PER_S - 0.5, second.peak_ns / NS_PER_S + 1.0), PARAMS)
    assert_same_bits(joined(of(HipAngle, gone)), joined(of(HipAngle, full)))
    assert [forgiven(rep) for rep in reps(gone)] == [forgiven(rep) for rep in reps(full)]
    told = leaned_deg(gone)
    assert math.isnan(told[1]) and "compensation" not in reps(gone)[1].reasons
    assert (lines.line(reps(gone)[1]) or {})["compensation_deg"] is None
    assert told[0] == leaned_deg(full)[0]
    # its filter has settled again after 3 s
    np.testing.assert_allclose(told[-2:], leaned_deg(full)[-2:], atol=0.3)


def test_a_hole_in_its_samples_is_not_looked_across() -> None:
    pelvis = Pelvis(15.0)
    t_ns = np.arange(0, 2 * NS_PER_S, 10 * NS_PER_MS)
    q = np.tile((1.0, 0.0, 0.0, 0.0), (len(t_ns), 1))
    for rows in (t_ns < 0.6e9, t_ns > 1.0e9):
        n, at_ns = int(rows.sum()), t_ns[rows]
        none, seen = np.zeros(n, np.int64), np.ones(n, np.bool_)
        pelvis.push(Orientation(ROLE, at_ns, q[rows], None, none, seen, at_ns))
    assert pelvis.lean(0, 500_000_000) == pytest.approx(0.0, abs=1e-9)
    assert math.isnan(pelvis.lean(0, 1_500_000_000))
    assert math.isnan(pelvis.lean(1_500_000_000, 3_000_000_000))


@pytest.mark.parametrize("seed", range(2))
def test_a_replay_gives_what_the_live_session_gave(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIPTURN_CONFIG", str(tmp_path / "none.toml"))
    shin, sacrum = bodies(seed)
    path = tmp_path / "both.mcap"
    items = together(simulated.inputs(shin, samples_per_packet=4), pelvis_inputs(sacrum))
    coach = Coach(STREAM, shin.leg.side, 0)
    with Writer(path) as writer:
        heard = guided(items, coach, PARAMS, writer, defaults(), "prone")
    live = [each for each in heard if isinstance(each, Output)]
    again = offline.analyse(path, offline.Request(), keep_angles=True)
    assert again.reps == reps(live) and not any(map(math.isnan, leaned_deg(live)))
    assert again.events == [*events(live)]
    assert again.info.name == "simulated" and again.samples == len(shin.t_s)
    assert_same_bits(joined(again.angles), joined(of(HipAngle, live)))


@pytest.fixture
def pelvis_first(tmp_path: Path) -> Path:
    """Return a recording without calibration that the pelvis' sensor begins."""
    shin, sacrum = bodies(1)
    path = tmp_path / "both.mcap"
    with Writer(path) as writer:
        writer.write(SessionStart("test", "2026-01-01T12:00:00+00:00", defaults()))
        first = pelvis_inputs(sacrum, late_ns=-5 * NS_PER_MS)
        for item in together(first, simulated.inputs(shin)):
            writer.write(item)
    return path


def test_what_is_taken_from_a_recording_is_the_shins(pelvis_first: Path) -> None:
    leg = bodies(1)[0].leg
    made = calibrate.calibrate(pelvis_first, side=leg.side)
    assert abs(float(np.dot(made.axis_sensor, leg.axis_sensor))) > 0.999
    measured = export_measured.measure(pelvis_first, offline.Request(calibration=made, side=leg.side))
    assert set(measured.streams) == {ROLE, STREAM} and measured.only(None, ".mot")[0] == STREAM


def test_a_calibration_estimated_from_the_recording_is_the_shins(pelvis_first: Path) -> None:
    leg = bodies(1)[0].leg
    found = offline.analyse(
        pelvis_first, offline.Request(calibration=offline.AUTO, side=leg.side), keep_angles=True
    )
    assert len(found.angles) and {block.stream for block in found.angles} == {STREAM}
    told = leaned_deg(found.reps)[-len(ROLLS_DEG) :]
    np.testing.assert_allclose(told, np.abs(ROLLS_DEG), atol=1.0)


# --- one time base ------------------------------------------------------------------------------


@pytest.mark.parametrize("ppm", [-100.0, 100.0])
def test_both_sensors_are_placed_on_this_computers_clock(ppm: float) -> None:
    """Bursts of 30 ms and clocks that drift apart: the place of a sample is known to a few ms."""
    shin, _ = bodies(1)
    rest = simulate(shin.leg, Script((Rest(75.0),)), rate_hz=50.0, seed=3)
    rng = rng_of(5)

    def arriving(stream: str, slow: float) -> list[Input]:
        out: list[Input] = []
        for item in simulated.inputs(rest, stream=stream):
            if isinstance(item, Packets):
                true_ns = (int(item.at_ns[0]) - simulated.DELAY_NS) * (1.0 + slow * 1e-6)
                waits = 30e6 * math.ceil((true_ns + rng.uniform(0.0, 8e6)) / 30e6) - true_ns
                out.append(dataclasses.replace(item, at_ns=np.array([round(true_ns + waits)], np.int64)))
            else:
                out.append(item)
        return [each for each in out if not isinstance(each, LinkDown)]

    out = run(together(arriving(STREAM, ppm), arriving(ROLE, -ppm)), PARAMS)
    for stream, slow in ((STREAM, ppm), (ROLE, -ppm)):
        told = joined(of(Orientation, out, stream))["host_ns"]
        true = np.arange(len(told)) * 2e7 * (1.0 + slow * 1e-6)
        late = told[1500:] - true[1500:]
        assert np.percentile(np.abs(late - np.median(late)), 95) < 3e6
        assert 0.0 <= np.median(late) < 12e6
