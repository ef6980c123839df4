"""The simulated leg obeys physics and anatomy: all else is measured against it."""

import dataclasses
import math
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vqf import VQF

from hipturn.core.quaternion import (
    conjugate,
    cross,
    dot,
    from_rotation_vector,
    multiply,
    rotate,
    to_rotation_vector,
    up_in_sensor,
)
from hipturn.model import Direction, FloatArray, Side
from hipturn.sources.body import (
    Leg,
    Motion,
    Position,
    Repetition,
    Rest,
    Script,
    Shift,
    drill_script,
    drop,
    lose,
    mishap_script,
    simulate,
    two_way_test_script,
)
from hipturn.sources.body.leg import SHANK_M, THIGH_M
from hipturn.sources.body.motion import _oscillator, _rate_of_rotation_vector
from hipturn.sources.body.script import Channel
from hipturn.units import DEG_PER_RAD, RAD_PER_DEG, STANDARD_GRAVITY_MPS2

POSITIONS: tuple[Position, ...] = (
    "prone",
    "seated",
    "seated-floor",
    "side-lying",
    "supine-90-90",
    "standing",
)
TILTED: tuple[Position, ...] = ("prone", "seated", "seated-floor", "side-lying")
"""Positions in which gravity shows the rotation."""

IR, ER = Direction.INTERNAL, Direction.EXTERNAL
INTERNAL = Script((Rest(0.5), Shift(1.0, angle_rad=0.5), Rest(0.5)))

EVERYTHING = Script(
    (
        Rest(0.3),
        Repetition(
            IR, 0.6, out_s=0.6, hold_s=0.4, return_s=0.5, knee_rad=0.3, elevation_rad=0.2, tremor_rad=0.01
        ),
        Shift(0.8, angle_rad=0.1, knee_rad=-0.2, elevation_rad=0.1, heading_rad=0.7),
        Repetition(ER, 0.7, out_s=0.8, pause_s=0.2, return_error_rad=0.1, bounces=1, elevation_rad=-0.1),
    )
)
"""Every degree of freedom, several of them at once."""


@st.composite
def legs(draw: st.DrawFn, positions: tuple[Position, ...] = POSITIONS) -> Leg:
    """Any leg in any mounting, with all its errors."""
    leg = Leg.random(
        draw(st.integers(0, 2**32)), draw(st.sampled_from(Side)), draw(st.sampled_from(positions))
    )
    return dataclasses.replace(leg, heel_planted=draw(st.booleans()) and leg.position == "seated-floor")


def ideal_wobbling(leg: Leg) -> Leg:
    """Everything that really moves, without the sensor's own errors."""
    return dataclasses.replace(leg.without_errors(), wobble_rad=leg.wobble_rad, sway_rad=leg.sway_rad)


def q_earth_from_shank(motion: Motion) -> FloatArray:
    return multiply(motion.q_earth_from_sensor, conjugate(np.array(motion.leg.q_shank_from_sensor)))


def angle_between(a: FloatArray, b: FloatArray) -> FloatArray:
    """Angle of the rotation between orientations, degrees."""
    vector = to_rotation_vector(multiply(conjugate(a), b))
    return np.sqrt(dot(vector, vector)) * DEG_PER_RAD


def gravity_angle(motion: Motion) -> FloatArray:
    """The rotation about the known axis by the tilt of gravity, from the true orientation alone."""
    axis = np.array(motion.leg.axis_sensor)
    up = up_in_sensor(motion.q_earth_from_sensor)
    across = up - dot(up, axis)[:, None] * axis
    zero = across[:1]
    theta = -np.arctan2(dot(axis, cross(zero, across)), dot(zero, across))
    return motion.leg.sign * np.unwrap(theta)


def twist_angle(motion: Motion) -> FloatArray:
    """The rotation about the known axis by the twist against the first orientation."""
    q = multiply(conjugate(motion.q_earth_from_sensor[:1]), motion.q_earth_from_sensor)
    twist = 2.0 * np.arctan2(dot(q[:, 1:], np.array(motion.leg.axis_sensor)), q[:, 0])
    return motion.leg.sign * np.unwrap((twist + math.pi) % (2.0 * math.pi) - math.pi)


# --- physics ------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(legs())
def test_integrated_rate_is_the_orientation(leg: Leg) -> None:
    motion = simulate(ideal_wobbling(leg), EVERYTHING, rate_hz=1000.0)
    middle = 0.5 * (motion.gyr_radps[1:] + motion.gyr_radps[:-1]) / motion.rate_hz
    q = motion.q_earth_from_sensor[0]
    for step in from_rotation_vector(middle):
        q = multiply(q, step)
    assert angle_between(q, motion.q_earth_from_sensor[-1]) < 0.01


@settings(max_examples=15, deadline=None)
@given(legs())
def test_force_is_the_acceleration_of_the_point_less_gravity(leg: Leg) -> None:
    motion = simulate(ideal_wobbling(leg), EVERYTHING, rate_hz=4000.0)
    acceleration = np.diff(motion.position_m, 2, axis=0) * motion.rate_hz**2
    force_earth = rotate(motion.q_earth_from_sensor, motion.acc_mps2)[1:-1]
    force_earth[:, 2] -= STANDARD_GRAVITY_MPS2
    assert np.max(np.abs(acceleration)) > 0.5
    # The jerk steps where movements begin and end; there a difference of samples is this far off.
    np.testing.assert_allclose(force_earth, acceleration, rtol=0.0, atol=0.015)


@settings(max_examples=40, deadline=None)
@given(legs())
def test_at_rest_the_accelerometer_reads_g_upwards(leg: Leg) -> None:
    motion = simulate(leg.without_errors(), Script((Rest(0.1),)))
    np.testing.assert_allclose(
        motion.acc_mps2, STANDARD_GRAVITY_MPS2 * up_in_sensor(motion.q_earth_from_sensor), atol=1e-12
    )
    np.testing.assert_array_equal(motion.gyr_radps, 0.0)


@given(
    st.lists(
        st.tuples(st.floats(0.05, 2.0), st.floats(-1.0, 1.0), st.floats(0.0, 1.0)), min_size=1, max_size=6
    )
)
def test_courses_know_their_own_derivatives(moves: list[tuple[float, float, float]]) -> None:
    channel, now_s = Channel(), 0.0
    for seconds, change, pause_s in moves:
        channel.move(now_s, seconds, change)
        now_s += seconds + pause_s
    t_s, step = np.arange(0.0, now_s, 1e-4), 1e-4
    course = channel.course(t_s)
    # Minimum jerk reaches a jerk of 60 · change / time³: half a step of that is the difference's error.
    jerk = max(60.0 * abs(change) / seconds**3 for seconds, change, _ in moves)
    np.testing.assert_allclose(
        np.gradient(course.value, step)[1:-1], course.rate[1:-1], atol=jerk * step**2 + 1e-9
    )
    np.testing.assert_allclose(
        np.gradient(course.rate, step)[1:-1], course.acceleration[1:-1], atol=jerk * step + 1e-9
    )
    assert course.value[0] == 0.0


def test_minimum_jerk_peaks_where_theory_says() -> None:
    channel = Channel()
    channel.move(0.0, 2.0, 0.6)
    course = channel.course(np.linspace(0.0, 2.0, 20001))
    assert course.value[-1] == pytest.approx(0.6)
    assert np.max(course.rate) == pytest.approx(1.875 * 0.6 / 2.0)
    assert np.max(course.acceleration) == pytest.approx(10.0 / math.sqrt(3.0) * 0.6 / 4.0)


def test_oscillator_matches_the_closed_form_step_response() -> None:
    omega, zeta, step = 2.0 * math.pi * 9.0, 0.12, 0.01
    t = np.arange(60) * step
    value, rate = _oscillator(np.ones(60), 9.0, step)
    damped = omega * math.sqrt(1.0 - zeta**2)
    fading = np.exp(-zeta * omega * t)
    expected = 1.0 - fading * (np.cos(damped * t) + zeta * omega / damped * np.sin(damped * t))
    np.testing.assert_allclose(value, expected, atol=1e-12)
    np.testing.assert_allclose(rate, fading * omega**2 / damped * np.sin(damped * t), atol=1e-10)


def test_rate_of_a_rotation_vector() -> None:
    t = np.linspace(0.0, 1.0, 10001)
    shape = np.stack((np.sin(9.0 * t), np.cos(7.0 * t), np.sin(5.0 * t + 1.0)), axis=-1)
    vector, rate = 0.02 * shape, 0.02 * np.gradient(shape, t, axis=0)
    q = from_rotation_vector(vector)
    measured = to_rotation_vector(multiply(conjugate(q[:-2]), q[2:])) / (t[2] - t[0])
    np.testing.assert_allclose(_rate_of_rotation_vector(vector, rate)[1:-1], measured, atol=1e-5)


def test_wobble_is_about_a_degree_and_mostly_off_axis() -> None:
    leg = dataclasses.replace(Leg().without_errors(), wobble_rad=Leg().wobble_rad)
    set_of_reps = drill_script(5, seed=3)
    wobbling, bone = simulate(leg, set_of_reps), simulate(leg.without_errors(), set_of_reps)
    vector = to_rotation_vector(multiply(conjugate(bone.q_earth_from_sensor), wobbling.q_earth_from_sensor))
    along = np.abs(dot(vector, np.array(leg.axis_sensor)))
    size = np.sqrt(dot(vector, vector))
    assert 0.5 < np.max(size) * DEG_PER_RAD < 1.1
    assert np.max(along) < 0.4 * np.max(size)
    np.testing.assert_array_equal(wobbling.angle_rad, bone.angle_rad)


# --- anatomy ------------------------------------------------------------------------------------

FOOT, KNEE, TOES = "foot", "knee", "toes"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("position", "side", "part", "towards"),
    [
        # Heading 0 is +x: prone and supine the head lies that way, seated it is the person's back,
        # standing the face. So the person's right is −y prone and standing, +y seated and supine.
        ("prone", Side.RIGHT, FOOT, (0.0, -1.0, 0.0)),
        ("prone", Side.LEFT, FOOT, (0.0, 1.0, 0.0)),
        ("seated", Side.RIGHT, FOOT, (0.0, 1.0, 0.0)),
        ("seated", Side.LEFT, FOOT, (0.0, -1.0, 0.0)),
        ("seated-floor", Side.RIGHT, KNEE, (0.0, -1.0, 0.0)),
        ("seated-floor", Side.LEFT, KNEE, (0.0, 1.0, 0.0)),
        ("side-lying", Side.RIGHT, FOOT, (0.0, 0.0, 1.0)),
        ("side-lying", Side.LEFT, FOOT, (0.0, 0.0, 1.0)),
        ("supine-90-90", Side.RIGHT, FOOT, (0.0, 1.0, 0.0)),
        ("supine-90-90", Side.LEFT, FOOT, (0.0, -1.0, 0.0)),
        ("standing", Side.RIGHT, TOES, (0.0, 1.0, 0.0)),
        ("standing", Side.LEFT, TOES, (0.0, -1.0, 0.0)),
    ],
)
def test_sign_table(
    position: Position, side: Side, part: str, towards: tuple[float, float, float], seed: int
) -> None:
    """Internal rotation: foot outwards; on the floor the knee inwards, standing the toes inwards."""
    leg = dataclasses.replace(Leg.random(seed, side, position), heading_rad=0.0)
    motion = simulate(leg.without_errors(), INTERNAL)
    assert motion.angle_rad[-1] == pytest.approx(0.5)
    moved = {name: place[-1] - place[0] for name, place in places(motion).items()}[part]
    assert float(dot(moved, np.array(towards))) > 0.1
    others = moved - float(dot(moved, np.array(towards))) * np.array(towards)
    assert np.linalg.norm(others) < np.linalg.norm(moved) * 0.6


def places(motion: Motion) -> dict[str, FloatArray]:
    """Where knee and foot are from the hip and the toes from the foot, by the true orientation alone."""
    q = q_earth_from_shank(motion)
    kappa = motion.leg.knee_rad
    femur = rotate(q, np.array((-math.sin(kappa), math.cos(kappa), 0.0)))
    knee = -THIGH_M * femur
    foot = knee + rotate(q, np.array((0.0, -SHANK_M, 0.0)))
    return {KNEE: knee, FOOT: foot, TOES: rotate(q, np.array((0.25, 0.0, 0.0)))}


@pytest.mark.parametrize("side", Side)
def test_what_stays_when_the_femur_turns(side: Side) -> None:
    prone = places(simulate(Leg(side).without_errors(), INTERNAL))
    np.testing.assert_allclose(prone[KNEE], np.broadcast_to(prone[KNEE][0], prone[KNEE].shape), atol=1e-12)
    floor = places(simulate(Leg(side, "seated-floor").without_errors(), INTERNAL))
    np.testing.assert_allclose(floor[FOOT], np.broadcast_to(floor[FOOT][0], floor[FOOT].shape), atol=1e-12)
    assert floor[FOOT][0, 2] == pytest.approx(0.0, abs=0.03), "heel and buttocks share a floor"


@pytest.mark.parametrize(("position", "foot_up"), [("prone", 1.0), ("seated", -1.0)])
def test_neutral_poses_look_right(position: Position, foot_up: float) -> None:
    """Prone the foot points up, seated down; in both the front of the shin faces away from the hip."""
    q = q_earth_from_shank(simulate(Leg(position=position).without_errors(), INTERNAL))[0]
    np.testing.assert_allclose(rotate(q, np.array((0.0, -1.0, 0.0))), (0.0, 0.0, foot_up), atol=1e-12)
    np.testing.assert_allclose(rotate(q, np.array((1.0, 0.0, 0.0))), (-1.0, 0.0, 0.0), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(legs(TILTED), st.floats(-60.0, 60.0), st.sampled_from((IR, ER)))
def test_gravity_angle_is_the_true_angle(leg: Leg, elevation_deg: float, direction: Direction) -> None:
    if leg.position != "seated-floor":
        leg = dataclasses.replace(leg, femur_elevation_rad=elevation_deg * RAD_PER_DEG)
    # Turning on the mat is a heading: gravity does not see it.
    script = Script(
        (Repetition(direction, 1.2, return_error_rad=0.2), Shift(1.0, heading_rad=2.0), Rest(0.1))
    )
    motion = simulate(leg.without_errors(), script)
    assert leg.observability > 0.45
    np.testing.assert_allclose(gravity_angle(motion), motion.angle_rad, rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(motion.off_axis_rad, 0.0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(legs())
def test_twist_is_the_true_angle(leg: Leg) -> None:
    motion = simulate(leg.without_errors(), two_way_test_script())
    np.testing.assert_allclose(twist_angle(motion), motion.angle_rad, rtol=0.0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(POSITIONS))
def test_left_mirrors_right(seed: int, position: Position) -> None:
    """The mirror image in the sagittal plane, sensor included, measures the mirror image."""
    right = ideal_wobbling(Leg.random(seed, Side.RIGHT, position))
    w, x, y, z = right.q_shank_from_sensor
    left = dataclasses.replace(
        right, side=Side.LEFT, heading_rad=-right.heading_rad, q_shank_from_sensor=(w, -x, -y, z)
    )
    script = Script((Repetition(IR, 0.5, knee_rad=0.2, elevation_rad=0.1), Rest(0.3)))
    a, b = simulate(right, script, seed=seed), simulate(left, script, seed=seed)
    # Vectors lose one sign in the mirror, rotations the other two.
    np.testing.assert_allclose(b.acc_mps2, a.acc_mps2 * (1.0, 1.0, -1.0), atol=1e-9)
    np.testing.assert_allclose(b.gyr_radps, a.gyr_radps * (-1.0, -1.0, 1.0), atol=1e-9)
    np.testing.assert_array_equal(b.angle_rad, a.angle_rad)


def test_mounting_does_not_matter() -> None:
    plain, anyhow = Leg().without_errors(), Leg.random(5, Side.RIGHT).without_errors()
    turned = dataclasses.replace(plain, q_shank_from_sensor=anyhow.q_shank_from_sensor)
    a, b = simulate(plain, EVERYTHING), simulate(turned, EVERYTHING)
    in_shank_a = rotate(np.array([plain.q_shank_from_sensor]), a.acc_mps2)
    in_shank_b = rotate(np.array([turned.q_shank_from_sensor]), b.acc_mps2)
    np.testing.assert_allclose(in_shank_a, in_shank_b, atol=1e-9)


@settings(deadline=None)
@given(legs())
def test_axis_and_outward_normal(leg: Leg) -> None:
    kappa = leg.knee_rad
    if not leg.heel_planted:
        np.testing.assert_allclose(leg.axis_shank, (-math.sin(kappa), math.cos(kappa), 0.0), atol=1e-12)
    if leg.position != "standing":
        assert np.dot(leg.axis_sensor, leg.outward_normal_sensor) < 0.0, "the rule for the axis' direction"
    turned = rotate(np.array([leg.q_shank_from_sensor]), np.array([leg.outward_normal_sensor]))
    np.testing.assert_allclose(turned[0], (1.0, 0.0, 0.0), atol=1e-12)


def test_default_mounting_has_z_outwards() -> None:
    np.testing.assert_allclose(Leg().outward_normal_sensor, (0.0, 0.0, 1.0), atol=1e-12)
    np.testing.assert_allclose(Leg().axis_sensor, (0.0, 0.0, -1.0), atol=1e-12)
    assert Leg().observability == pytest.approx(1.0)
    assert Leg(position="standing").observability == pytest.approx(0.0)


def test_usual_values_come_from_the_position() -> None:
    floor = Leg(position="seated-floor")
    assert floor.heel_planted and floor.femur_elevation_rad < 0.0
    assert not Leg().heel_planted
    assert Leg(knee_rad=1.2).knee_rad == 1.2
    with pytest.raises(ValueError, match="'hanging' is none of prone"):
        Leg(position=cast(Position, "hanging"))


def test_heel_planted_turn_of_the_femur() -> None:
    """A turn α about the hip-heel line is a femoral rotation 2·atan(cos γ · tan(α/2))."""
    leg = Leg(position="seated-floor").without_errors()
    axis = np.array(leg.axis_femur)
    gamma = math.acos(axis[0])
    beta = math.acos(leg.axis_shank[1])
    assert gamma == pytest.approx(math.asin(SHANK_M / THIGH_M * math.sin(beta)))
    for alpha in (0.2, 0.6, 1.0):
        turn = from_rotation_vector(alpha * axis)
        twist = 2.0 * math.atan2(turn[1], turn[0])
        assert twist == pytest.approx(2.0 * math.atan(math.cos(gamma) * math.tan(alpha / 2.0)))


def test_a_bending_knee_is_off_axis_motion() -> None:
    leg = Leg().without_errors()
    motion = simulate(leg, Script((Rest(0.5), Shift(1.0, knee_rad=0.2), Rest(0.5))))
    assert abs(motion.off_axis_rad[-1]) == pytest.approx(0.2)
    np.testing.assert_array_equal(motion.angle_rad, 0.0)
    lifted = simulate(leg, Script((Rest(0.5), Shift(1.0, elevation_rad=-0.1), Rest(0.5))))
    assert lifted.off_axis_rad[-1] == pytest.approx(-0.1)


# --- sensor -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 400.0])
def test_noise_and_bias_are_what_they_are_said_to_be(rate_hz: float) -> None:
    leg = dataclasses.replace(Leg.random(8), wobble_rad=0.0, sway_rad=0.0)
    script = Script((Rest(60.0),))
    noisy, clean = (simulate(each, script, rate_hz, seed=2) for each in (leg, leg.without_errors()))
    widen = math.sqrt(rate_hz / 100.0)
    for error, bias, rms in (
        (noisy.gyr_radps - clean.gyr_radps, leg.gyr_bias_radps, leg.gyr_noise_radps * widen),
        (noisy.acc_mps2 - clean.acc_mps2, leg.acc_bias_mps2, leg.acc_noise_mps2 * widen),
    ):
        np.testing.assert_allclose(error.mean(axis=0), bias, atol=6.0 * rms / math.sqrt(error.shape[0]))
        np.testing.assert_allclose(error.std(axis=0), rms, rtol=0.1)


@pytest.mark.parametrize("seed", range(8))
def test_vqf_finds_the_inclination(seed: int) -> None:
    motion = simulate(Leg.random(seed), drill_script(5, seed), seed=seed)
    result = VQF(1.0 / motion.rate_hz).updateBatch(
        np.ascontiguousarray(motion.gyr_radps), np.ascontiguousarray(motion.acc_mps2)
    )
    up, true_up = up_in_sensor(result["quat6D"]), up_in_sensor(motion.q_earth_from_sensor)
    error = np.arctan2(np.linalg.norm(np.cross(up, true_up), axis=1), dot(up, true_up)) * DEG_PER_RAD
    assert np.max(error[200:]) < 1.0


def test_same_seed_same_motion() -> None:
    leg = Leg.random(4)
    assert leg == Leg.random(4) and leg != Leg.random(5)
    assert drill_script(5, 4) == drill_script(5, 4) != drill_script(5, 5)
    assert mishap_script(4) == mishap_script(4)
    a, b, other = (simulate(leg, drill_script(2, 4), seed=seed) for seed in (1, 1, 2))
    for field in ("acc_mps2", "gyr_radps", "q_earth_from_sensor", "angle_rad", "off_axis_rad", "position_m"):
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field))
    assert a.reps == b.reps
    assert np.any(a.acc_mps2 != other.acc_mps2)


def test_a_known_motion_stays_known() -> None:
    """Numbers that must not change between versions and machines: recordings are made from them."""
    motion = simulate(Leg.random(1), drill_script(5, 1), seed=1)
    assert motion.t_s.size == 3614
    np.testing.assert_allclose(motion.acc_mps2[1900], (2.292125054, -3.999006902, 8.615907441), atol=1e-8)
    np.testing.assert_allclose(motion.gyr_radps[1900], (-0.044665912, 0.023787136, -0.004795171), atol=1e-8)


# --- scripts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [drill_script(5, 1), mishap_script(1), two_way_test_script()], ids=str)
@pytest.mark.parametrize("side", Side)
def test_true_repetitions_match_the_true_angle(script: Script, side: Side) -> None:
    motion = simulate(Leg(side), script, rate_hz=200.0)
    assert motion.t_s[-1] == pytest.approx(script.duration_s, abs=0.006)
    before_s = motion.calibration_window_s[1]
    for rep in motion.reps:
        assert before_s <= rep.start_s < rep.peak_s < rep.end_s
        before_s = rep.end_s
        start, peak = np.interp((rep.start_s, rep.peak_s), motion.t_s, motion.angle_rad)
        sign = 1.0 if rep.direction is IR else -1.0
        assert peak == pytest.approx(rep.peak_rad, abs=1e-4)
        assert sign * (peak - start) == pytest.approx(rep.rom_rad, abs=1e-4)
        during = motion.angle_rad[(motion.t_s >= rep.start_s) & (motion.t_s <= rep.end_s)]
        assert np.max(sign * (during - start)) < rep.rom_rad + 1.0 * RAD_PER_DEG


@pytest.mark.parametrize("seed", range(50))
def test_a_drill_is_short_and_grows(seed: int) -> None:
    script = drill_script(5, seed)
    assert script.duration_s <= 38.0
    motion = simulate(Leg.random(seed), script)
    assert len(motion.reps) == 5
    first, last = motion.reps[0].rom_rad * DEG_PER_RAD, motion.reps[-1].rom_rad * DEG_PER_RAD
    assert 19.0 <= first <= 21.0 and 34.0 <= last <= 36.0
    assert all(rep.kind == "controlled" and rep.direction is IR for rep in motion.reps)
    start_s, end_s = motion.calibration_window_s
    still = (motion.t_s >= start_s) & (motion.t_s < start_s + 6.0)
    gyr = motion.gyr_radps[still] - np.array(motion.leg.gyr_bias_radps)
    assert np.max(np.sqrt(dot(gyr, gyr))) < 3.0 * RAD_PER_DEG, "still enough for the gate"
    assert np.max(np.abs(motion.angle_rad[motion.t_s < end_s])) == pytest.approx(20.0 * RAD_PER_DEG)


def test_two_ways_and_both_directions() -> None:
    kinds = [(rep.direction, rep.kind) for rep in simulate(Leg(), two_way_test_script()).reps]
    assert kinds == [(IR, "trial")] * 3 + [(ER, "trial")] * 3
    both = simulate(Leg(), drill_script(2, 1, direction=ER, both_ways=True))
    in_calibration = both.angle_rad[both.t_s < both.calibration_window_s[1]]
    assert np.max(in_calibration) == pytest.approx(-np.min(in_calibration), abs=1e-6)
    assert all(rep.direction is ER and rep.peak_rad < 0.0 for rep in both.reps)


def test_mishaps_are_labelled() -> None:
    motion = simulate(Leg(), mishap_script(2))
    kinds = {rep.kind for rep in motion.reps}
    assert kinds == {"controlled", "fast", "short", "bounce", "off-axis", "paused", "no-return"}
    rests = np.diff([rep.start_s for rep in motion.reps])
    assert np.max(rests) > 20.0
    worst = max(motion.reps, key=lambda rep: off_axis_range(motion, rep.start_s, rep.end_s))
    assert worst.kind == "off-axis"


def off_axis_range(motion: Motion, start_s: float, end_s: float) -> float:
    return float(np.ptp(motion.off_axis_rad[(motion.t_s >= start_s) & (motion.t_s <= end_s)]))


def test_a_pause_is_half_way_and_a_bounce_springs_back() -> None:
    paused, bounced = (Repetition(IR, 0.5, pause_s=1.0), Repetition(IR, 0.5, bounces=2, bounce_rad=0.2))
    motion = simulate(Leg(), Script((paused,)))
    stopped = (motion.t_s > 0.6) & (motion.t_s < 1.6)
    np.testing.assert_allclose(motion.angle_rad[stopped], 0.25)
    rate = np.diff(simulate(Leg(), Script((bounced,))).angle_rad)
    turns = np.count_nonzero(np.diff(np.sign(rate[np.abs(rate) > 1e-9])))
    assert turns == 5


def test_movements_need_time() -> None:
    with pytest.raises(ValueError, match="needs time"):
        simulate(Leg(), Script((Shift(0.0, angle_rad=0.1),)))
    with pytest.raises(ValueError, match="cannot take -1"):
        simulate(Leg(), Script((Rest(-1.0),)))


def test_losing_samples() -> None:
    motion = simulate(Leg(), Script((Rest(50.0),)))
    gap = (motion.t_s >= 10.0) & (motion.t_s < 10.5)
    dropped = drop(motion, gap)
    assert dropped.t_s.size == motion.t_s.size - 50
    np.testing.assert_array_equal(dropped.gyr_radps, motion.gyr_radps[~gap])
    lost = lose(motion, 0.05, seed=3)
    assert lost.t_s[0] == 0.0
    assert 0.03 < 1.0 - lost.t_s.size / motion.t_s.size < 0.07
    np.testing.assert_array_equal(lost.t_s, lose(motion, 0.05, seed=3).t_s)
    np.testing.assert_array_equal(lose(motion, 0.0, seed=3).acc_mps2, motion.acc_mps2)
    assert lost.q_earth_from_sensor.shape == (lost.t_s.size, 4)
