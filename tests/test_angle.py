"""A known rotation gives the known angle: any axis, mounting, heading, leg and way of cutting."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builders import (
    STREAM,
    assert_same_bits,
    cuts,
    joined,
    one_by_one,
    rng_of,
    split,
    unit_quaternions,
    unit_vectors,
)
from hipturn.core.angle import (
    HEADING_DRIFT_RADPS,
    MIN_OBSERVABILITY,
    AngleMeter,
    drift_budget,
    gravity_angle,
    observability,
    side_sign,
    twist_angle,
)
from hipturn.core.quaternion import cross, dot, from_rotation_vector, multiply, rotate, up_in_sensor
from hipturn.model import Calibration, FloatArray, Orientation, Side
from hipturn.units import RAD_PER_DEG

STEEP = math.cos(85.0 * RAD_PER_DEG)
"""Observability of an axis 5° from vertical."""
UP = np.array((0.0, 0.0, 1.0))
NO_TURN = np.array((1.0, 0.0, 0.0, 0.0))

few = settings(max_examples=60, deadline=None)
turns = st.lists(st.floats(-0.9, 0.9), min_size=1, max_size=40).map(lambda steps: np.cumsum([0.0, *steps]))
"""Angles from 0 in steps below half a turn, over several turns."""
sides = st.sampled_from(Side)


def calibration(
    q0: FloatArray, axis: FloatArray, bias: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Calibration:
    def plain(v: FloatArray) -> tuple[float, ...]:
        return tuple(v.tolist())

    return Calibration(
        axis_sensor=plain(axis),  # type: ignore[arg-type]
        up0_sensor=plain(up_in_sensor(q0)),  # type: ignore[arg-type]
        q0_earth_from_sensor=plain(q0),  # type: ignore[arg-type]
        gyr_bias_radps=bias,
        zero="pose",
        source="session",
        axis_share=1.0,
        axis_spread_rad=0.0,
        sign="normal",
        window_s=(0.0, 1.0),
        grade="good",
    )


def level_part(q0: FloatArray, axis: FloatArray) -> float:
    """Length of the axis' horizontal part in earth coordinates."""
    return math.hypot(*rotate(q0, axis)[:2])


def turned(q0: FloatArray, axis: FloatArray, theta_rad: FloatArray) -> FloatArray:
    """Return the orientations of a sensor that turns about an axis fixed in it."""
    return multiply(q0, from_rotation_vector(theta_rad[:, None] * axis))


def orientation(q: FloatArray, gyr_radps: FloatArray | None = None) -> Orientation:
    rows = len(q)
    return Orientation(
        STREAM,
        np.arange(rows) * 10_000_000,
        q,
        gyr_radps,
        np.zeros(rows, np.int64),
        np.ones(rows, np.bool_),
    )


def yawed(q: FloatArray, heading_rad: FloatArray) -> FloatArray:
    """Return the orientations with a heading error added: what a filter without magnetometer does."""
    return multiply(from_rotation_vector(heading_rad[:, None] * UP), q)


def assert_same_angle(a: FloatArray, b: FloatArray, atol: float = 1e-9) -> None:
    """Equal as directions: π and −π are one angle."""
    np.testing.assert_allclose(np.angle(np.exp(1j * (a - b))), 0.0, atol=atol)


# --- known rotation, known angle ----------------------------------------------------------------


@few
@given(unit_quaternions, unit_vectors, turns)
def test_gravity_angle_is_the_rotation(q0: FloatArray, axis: FloatArray, theta: FloatArray) -> None:
    """Exact about any axis of the sensor in any starting pose, up to 85° from level."""
    assume(level_part(q0, axis) > STEEP)
    up = up_in_sensor(turned(q0, axis, theta))
    assert_same_angle(gravity_angle(up, up_in_sensor(q0), axis), theta)


@few
@given(unit_quaternions, unit_vectors, turns)
def test_gravity_angle_is_the_formula_of_its_definition(
    q0: FloatArray, axis: FloatArray, theta: FloatArray
) -> None:
    """θ = −atan2(j·(a×b), a·b) with a and b the parts of up across the axis, also while the axis nods."""
    assume(level_part(q0, axis) > STEEP)
    nod = from_rotation_vector(0.3 * np.sin(theta)[:, None] * np.array((0.6, 0.8, 0.0)))
    up0, up = up_in_sensor(q0), up_in_sensor(multiply(nod, turned(q0, axis, theta)))
    a = up0 - dot(up0, axis) * axis
    b = up - dot(up, axis)[:, None] * axis
    assume(np.sqrt(dot(b, b)).min() > STEEP)
    a = np.broadcast_to(a, b.shape)
    defined = -np.arctan2(dot(np.broadcast_to(axis, b.shape), cross(a, b)), dot(a, b))
    assert_same_angle(gravity_angle(up, up0, axis), defined)


@few
@given(unit_quaternions, unit_vectors, turns)
def test_twist_angle_is_the_rotation(q0: FloatArray, axis: FloatArray, theta: FloatArray) -> None:
    """Exact about any axis, a vertical one too."""
    assert_same_angle(twist_angle(turned(q0, axis, theta), q0, axis), theta)


@few
@given(unit_quaternions, unit_vectors, turns, sides)
def test_the_meter_follows_over_several_turns(
    q0: FloatArray, axis: FloatArray, theta: FloatArray, side: Side
) -> None:
    """Unwrapped past ±180°, internal positive for both legs, nothing off the axis."""
    assume(level_part(q0, axis) > MIN_OBSERVABILITY + 1e-6)
    theta = 3.0 * theta
    angle = AngleMeter(calibration(q0, axis), side).push(orientation(turned(q0, axis, theta)))
    sign = 1.0 if side is Side.RIGHT else -1.0
    np.testing.assert_allclose(angle.angle_rad, sign * theta, atol=1e-9)
    np.testing.assert_allclose(angle.twist_rad, sign * theta, atol=1e-9)
    np.testing.assert_allclose(angle.off_axis_rad, 0.0, atol=1e-7)


@few
@given(unit_quaternions, unit_quaternions, unit_vectors, turns)
def test_mounting_does_not_matter(
    q0: FloatArray, q_sensor_from_case: FloatArray, axis: FloatArray, theta: FloatArray
) -> None:
    """The same sensor turned in its strap, calibrated in its own axes, measures the same."""
    assume(level_part(q0, axis) > STEEP)
    back = q_sensor_from_case * (1.0, -1.0, -1.0, -1.0)
    axis_case = rotate(back, axis)
    q0_case = multiply(q0, q_sensor_from_case)
    q_case = multiply(turned(q0, axis, theta), q_sensor_from_case)
    one = AngleMeter(calibration(q0, axis), None).push(orientation(turned(q0, axis, theta)))
    other = AngleMeter(calibration(q0_case, axis_case), None).push(orientation(q_case))
    for name in ("angle_rad", "twist_rad", "off_axis_rad"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), atol=1e-7, err_msg=name)


@few
@given(unit_quaternions, unit_vectors, turns, st.data())
def test_q_and_its_negative_are_one_pose(
    q0: FloatArray, axis: FloatArray, theta: FloatArray, data: st.DataObject
) -> None:
    q = turned(q0, axis, theta)
    flips = data.draw(st.lists(st.sampled_from((1.0, -1.0)), min_size=len(q), max_size=len(q)))
    meters = [AngleMeter(calibration(zero, axis), None) for zero in (q0, -q0)]
    plain, flipped = (
        meter.push(orientation(each))
        for meter, each in zip(meters, (q, q * np.array(flips)[:, None]), strict=True)
    )
    for name in ("angle_rad", "twist_rad", "off_axis_rad"):
        np.testing.assert_allclose(getattr(flipped, name), getattr(plain, name), atol=1e-9, err_msg=name)


@few
@given(st.integers(0, 2**32), sides, st.floats(-1.2, 1.2), st.data())
def test_standing_up_and_lying_down_again_is_no_turn(
    seed: int, side: Side, theta: float, data: st.DataObject
) -> None:
    """However the leg was carried about meanwhile, with the axis through the vertical: back in its pose the
    angle is what it was, without whole turns, and every bit the same however the stream is cut."""
    rng = rng_of(seed)
    axis = np.array((1.0, 0.0, 0.0))
    pose = turned(NO_TURN, axis, np.array([theta]))[0]
    # up through the vertical, about in circles there, and down again
    up = from_rotation_vector(np.linspace(0.0, 0.5 * math.pi, 40)[:, None] * np.array((0.0, -1.0, 0.0)))
    around = from_rotation_vector(np.cumsum(rng.normal(0.0, 0.25, (60, 3)), axis=0))
    there = multiply(up, pose)
    carried = multiply(around, there[-1])
    carried = carried[np.abs(rotate(carried, axis)[:, 2]) > 0.9]
    q = np.concatenate((np.repeat(pose[None], 5, axis=0), there, carried, there[::-1], pose[None]))
    block = orientation(q)
    sign = 1.0 if side is Side.RIGHT else -1.0
    whole = AngleMeter(calibration(NO_TURN, axis), side).push(block)
    for row in (0, -1):
        assert whole.angle_rad[row] == pytest.approx(sign * theta, abs=1e-9)
    meter = AngleMeter(calibration(NO_TURN, axis), side)
    parts = [meter.push(each) for each in split(block, data.draw(cuts(len(q))))]
    assert_same_bits(joined(parts), joined([whole]))


# --- what must not enter ------------------------------------------------------------------------


@few
@given(unit_quaternions, unit_vectors, turns, st.floats(-5.0, 5.0), st.floats(-1.0, 1.0))
def test_heading_drift_cannot_enter_the_gravity_angle(
    q0: FloatArray, axis: FloatArray, theta: FloatArray, offset: float, speed: float
) -> None:
    """Any heading error, a growing one too, at any elevation of the axis: not in the angle, not off-axis."""
    assume(level_part(q0, axis) > MIN_OBSERVABILITY + 1e-6)
    q = turned(q0, axis, theta)
    drifting = yawed(q, np.linspace(offset, offset + speed * len(theta), len(theta)))
    meters = [AngleMeter(calibration(q0, axis), None) for _ in range(2)]
    steady, drifted = (m.push(orientation(each)) for m, each in zip(meters, (q, drifting), strict=True))
    np.testing.assert_allclose(drifted.angle_rad, steady.angle_rad, atol=1e-9)
    np.testing.assert_allclose(drifted.off_axis_rad, steady.off_axis_rad, atol=1e-7)


@few
@given(unit_quaternions, unit_vectors, st.floats(-1.0, 1.0), st.floats(-1.5, 1.5))
def test_heading_drift_enters_the_twist_by_the_axis_elevation(
    q0: FloatArray, axis: FloatArray, theta: float, heading: float
) -> None:
    """2·atan(sin ε · tan(ψ/2)): nothing for a level axis, all of it for a vertical one. The alarm's law."""
    sine = float(rotate(q0, axis)[2])
    q = yawed(turned(q0, axis, np.array([theta])), np.array([heading]))
    leaked = 2.0 * math.atan(sine * math.tan(0.5 * heading))
    at_zero = yawed(q0[None], np.array([heading]))
    assert_same_angle(twist_angle(at_zero, q0, axis), np.array([leaked]))
    assert_same_angle(twist_angle(q, q0, axis), np.array([leaked + theta]))


@few
@given(unit_quaternions, unit_vectors, unit_vectors, st.floats(0.0, 30.0), st.floats(-90.0, 90.0))
def test_an_axis_that_is_off_costs_little(
    q0: FloatArray, axis: FloatArray, towards: FloatArray, off_deg: float, theta_deg: float
) -> None:
    """The twist about an axis off by δ is 2·atan(cos δ · tan(θ/2)): 0.4° of 30° at 10°."""
    aside = towards - dot(towards, axis) * axis
    assume(float(dot(aside, aside)) > 0.01)
    off, theta = off_deg * RAD_PER_DEG, theta_deg * RAD_PER_DEG
    wrong = math.cos(off) * axis + math.sin(off) * aside / np.sqrt(dot(aside, aside))
    found = twist_angle(turned(q0, axis, np.array([theta])), q0, wrong)
    assert_same_angle(found, np.array([2.0 * math.atan(math.cos(off) * math.tan(0.5 * theta))]))


# --- sides, off-axis, observability -------------------------------------------------------------


@few
@given(unit_quaternions, unit_vectors, unit_vectors, turns)
def test_left_mirrors_right(q0: FloatArray, axis: FloatArray, bias: FloatArray, theta: FloatArray) -> None:
    """The same rotation of the sensor counts the other way on the other leg, rate and twist with it."""
    block = orientation(turned(q0, axis, theta), np.outer(theta, axis) + bias)
    record = calibration(q0, axis, tuple(bias.tolist()))
    right, left = (AngleMeter(record, side).push(block) for side in (Side.RIGHT, Side.LEFT))
    for name in ("angle_rad", "twist_rad", "rate_radps"):
        np.testing.assert_array_equal(getattr(left, name), -getattr(right, name))
    np.testing.assert_array_equal(left.off_axis_rad, right.off_axis_rad)
    np.testing.assert_allclose(right.rate_radps, theta, atol=1e-12)
    assert (side_sign(Side.RIGHT), side_sign(Side.LEFT), side_sign(None)) == (1.0, -1.0, 1.0)


@few
@given(unit_quaternions, unit_vectors, st.lists(unit_quaternions, min_size=1, max_size=20))
def test_off_axis_is_the_change_of_the_axis_elevation(
    q0: FloatArray, axis: FloatArray, poses: list[FloatArray]
) -> None:
    """Measured against where the axis really points in earth, wherever the leg has been taken."""
    q = np.array(poses)
    expected = np.arcsin(np.clip(rotate(q, axis)[:, 2], -1.0, 1.0)) - math.asin(
        max(-1.0, min(1.0, float(rotate(q0, axis)[2])))
    )
    found = AngleMeter(calibration(q0, axis), None).push(orientation(q)).off_axis_rad
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_a_thigh_lifted_by_ten_degrees_is_ten_degrees_off_axis() -> None:
    """And leaves the angle alone: x is the axis, lifted towards up."""
    lifted = from_rotation_vector(np.array([[0.0, -10.0 * RAD_PER_DEG, 0.0]]))
    found = AngleMeter(calibration(NO_TURN, np.array((1.0, 0.0, 0.0))), None).push(orientation(lifted))
    assert found.off_axis_rad[0] == pytest.approx(10.0 * RAD_PER_DEG)
    assert found.angle_rad[0] == pytest.approx(0.0, abs=1e-12)


@few
@given(unit_quaternions, unit_vectors)
def test_observability_is_the_level_part_of_the_axis(q0: FloatArray, axis: FloatArray) -> None:
    seen, elevation = observability(calibration(q0, axis))
    assert seen == pytest.approx(level_part(q0, axis), abs=1e-7)
    assert math.sin(elevation) == pytest.approx(float(rotate(q0, axis)[2]), abs=1e-9)


@pytest.mark.parametrize("elevation_deg", [-90.0, -60.1, -59.9, 0.0, 59.9, 60.1, 90.0])
def test_twist_is_used_where_gravity_tells_too_little(elevation_deg: float) -> None:
    """Beyond 60° of elevation the angle is the twist, drifting or not; within it the twist is only beside."""
    elevation = elevation_deg * RAD_PER_DEG
    axis = np.array((math.cos(elevation), 0.0, math.sin(elevation)))
    meter = AngleMeter(calibration(NO_TURN, axis), None)
    theta = np.linspace(0.0, 0.5, 20)
    found = meter.push(orientation(yawed(turned(NO_TURN, axis, theta), 0.2 * theta)))
    by_twist = abs(elevation_deg) > 60.0
    assert (meter.observability < MIN_OBSERVABILITY) == by_twist
    assert np.array_equal(found.angle_rad, found.twist_rad) == by_twist
    if not by_twist:
        np.testing.assert_allclose(found.angle_rad, theta, atol=1e-9)
    assert meter.axis_elevation_rad == pytest.approx(elevation)


@few
@given(st.floats(-90.0, 90.0), st.floats(0.0, 10.0))
def test_the_drift_budget_holds(elevation_deg: float, minutes: float) -> None:
    """However the heading drifts within what it may, the twist keeps within the budget told, and an angle
    that is not labelled heading-dependent does not drift at all."""
    elevation = elevation_deg * RAD_PER_DEG
    axis = np.array((math.cos(elevation), 0.0, math.sin(elevation)))
    meter = AngleMeter(calibration(NO_TURN, axis, (0.001, 0.0, 0.0)), None)
    # as fast as the heading may drift, but not beyond the half turn where the formula's tangent ends
    heading = min(minutes * 60.0 * HEADING_DRIFT_RADPS, 1.0) * np.linspace(0.0, 1.0, 50)
    found = meter.push(orientation(yawed(turned(NO_TURN, axis, np.zeros(50)), heading)))
    seconds = float(heading[-1]) / HEADING_DRIFT_RADPS
    # 2·atan(s·tan(ψ/2)) bends away from s·ψ by less than this up to a radian
    assert np.abs(found.twist_rad).max() <= meter.twist_drift_radps * seconds * 1.15 + 1e-9
    assert np.abs(found.angle_rad).max() <= meter.drift_radps * seconds * 1.15 + 1e-9
    assert meter.heading_dependent == (meter.observability < MIN_OBSERVABILITY)
    assert (meter.drift_radps > 0.0) == meter.heading_dependent
    unaided = AngleMeter(calibration(NO_TURN, axis), None)
    assert unaided.twist_drift_radps >= meter.twist_drift_radps
    assert drift_budget(elevation, 1.0) == pytest.approx(abs(math.sin(elevation)))


# --- how the stream is cut ----------------------------------------------------------------------


@few
@given(
    unit_quaternions,
    unit_vectors,
    sides,
    st.lists(st.tuples(unit_vectors, st.floats(-3.1, 3.1)), min_size=1, max_size=60),
    st.booleans(),
    st.data(),
)
def test_chunk_invariance(
    q0: FloatArray,
    axis: FloatArray,
    side: Side,
    steps: list[tuple[FloatArray, float]],
    has_rate: bool,
    data: st.DataObject,
) -> None:
    """Tumbling any way over many turns: cut anywhere, or one sample at a time as plain floats, every bit is
    the same, with the rate measured or differenced."""
    q = [q0]
    for about, angle in steps:
        q.append(multiply(q[-1], from_rotation_vector(angle * about)))
    rate = np.array([angle * about for about, angle in [*steps, steps[0]]]) if has_rate else None
    block = orientation(np.array(q), rate)
    record = calibration(q0, axis, (0.01, -0.02, 0.03))
    whole = AngleMeter(record, side).push(block)
    for blocks in (one_by_one(block), split(block, data.draw(cuts(len(q))))):
        meter = AngleMeter(record, side)
        assert_same_bits(joined([meter.push(each) for each in blocks]), joined([whole]))


def test_a_differenced_rate_is_the_slope_of_the_angle() -> None:
    """Where the device sends no rate; the first sample has none yet."""
    theta = np.concatenate((np.linspace(0.0, 3.0, 31), np.linspace(3.0, -4.0, 30)))
    axis = np.array((0.0, 1.0, 0.0))
    block = orientation(turned(NO_TURN, axis, theta))
    rate = AngleMeter(calibration(NO_TURN, axis), None).push(block).rate_radps
    np.testing.assert_allclose(rate, np.concatenate(([0.0], np.diff(theta) / 0.01)), atol=1e-6)


def test_losses_and_doubt_are_handed_on() -> None:
    block = dataclasses.replace(
        orientation(np.repeat(NO_TURN[None], 3, axis=0)),
        lost_before=np.array([0, 2, 0]),
        trusted=np.array([True, False, True]),
    )
    found = AngleMeter(calibration(NO_TURN, np.array((1.0, 0.0, 0.0))), None).push(block)
    assert found.lost_before.tolist() == [0, 2, 0] and found.trusted.tolist() == [True, False, True]
