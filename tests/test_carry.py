"""After a slip: the axis is carried over to where the sensor is now, and the angle is true again."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import STREAM, guided, joined, of, prompts_of, rng_of
from hipturn.coach import Coach, Drill, Words
from hipturn.core import quaternion
from hipturn.core.carry import carried
from hipturn.model import (
    Calibrated,
    Calibration,
    Direction,
    FloatArray,
    HipAngle,
    HostNs,
    Mark,
    MarkKind,
    Orientation,
    Vector,
)
from hipturn.session import Heard
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Motion, Rest, Script, calibration_elements, drill_script, simulate
from hipturn.units import DEG_PER_RAD, RAD_PER_DEG
from test_pauses import slipped

few = settings(max_examples=10, deadline=None)
PLAIN = Drill(
    "plain",
    "drill",
    {"en": Words("Plain", "", "lie on your front", "let the foot fall outwards")},
    "prone",
    directions=(Direction.INTERNAL,),
    reps=30,
)


def practice(seed: int) -> tuple[Motion, float]:
    """Return a calibration, three repetitions, a pause, three more; and when the pause begins."""
    first = drill_script(3, seed).elements
    before = Script((*first, Rest(1.0)), (Rest(4.0), *calibration_elements()))
    whole = Script((*first, Rest(14.0), *drill_script(3, seed + 100).elements), before.calibration)
    return simulate(Leg.random(seed), whole, 100.0, seed), before.duration_s


def session(motion: Motion) -> list[Heard]:
    coach = Coach(STREAM, motion.leg.side, drill=PLAIN)
    return guided(simulated.inputs(motion, samples_per_packet=5), coach)


def across(seed: int, motion: Motion, size_deg: float) -> FloatArray:
    """Return a turn of that size about some axis at right angles to gravity in the sensor at rest."""
    up = quaternion.up_in_sensor(motion.q_earth_from_sensor[:1])[0]
    axis = np.cross(up, rng_of(seed).standard_normal(3))
    return np.asarray(axis / np.linalg.norm(axis) * size_deg * RAD_PER_DEG)


@few
@given(seed=st.integers(0, 30), size_deg=st.floats(4.5, 9.0))
def test_the_coach_takes_a_new_zero_and_measures_on(seed: int, size_deg: float) -> None:
    """Slipped in the pause: told once, a new calibration by itself, and the angle is true again."""
    motion, pause_s = practice(seed)
    heard = session(slipped(motion, pause_s + 1.0, across(seed, motion, size_deg)))
    assert [said for said in prompts_of(heard) if "moved" in said or "zero" in said] == [
        "the strap or your pose has moved: hold still, I take a new zero",
        "new zero, go on",
    ]
    assert len(of(Calibrated, heard)) == 2, "both calibrations are kept"
    angle = joined(of(HipAngle, heard))
    after = angle["t_ns"] > (pause_s + 13.0) * 1e9
    true = np.interp(angle["t_ns"][after] / 1e9, motion.t_s, motion.angle_rad)
    true -= np.interp(pause_s + 10.0, motion.t_s, motion.angle_rad)
    error_deg = (angle["angle_rad"][after] - true) * DEG_PER_RAD
    assert abs(error_deg).max() < 1.5 and math.sqrt(float(np.square(error_deg).mean())) < 1.0


@few
@given(seed=st.integers(0, 1000), size_deg=st.floats(0.5, 40.0), pose_deg=st.floats(-30.0, 30.0))
def test_the_axis_goes_where_the_sensor_went(seed: int, size_deg: float, pose_deg: float) -> None:
    """A turn at right angles to gravity is carried over exactly, whatever the kind of zero."""
    rng = rng_of(seed)
    axis, other = (v / np.linalg.norm(v) for v in rng.standard_normal((2, 3)))
    up0 = np.cross(axis, other) / np.linalg.norm(np.cross(axis, other))
    q0 = rng.standard_normal(4)
    q0 /= np.linalg.norm(q0)
    pose = pose_deg * RAD_PER_DEG
    # an orientation in which up0 is up
    lift = quaternion.up_in_sensor(q0[None, :])[0]
    q0 = quaternion.multiply(q0, _turn(up0, lift))
    w, x, y, z = q0.tolist()
    calibration = Calibration(
        axis_sensor=_vector(axis),
        up0_sensor=_vector(up0),
        q0_earth_from_sensor=(w, x, y, z),
        gyr_bias_radps=(0.0, 0.0, 0.0),
        zero="gravity",
        source="session",
        axis_share=1.0,
        axis_spread_rad=0.0,
        sign="normal",
        window_s=(0.0, 1.0),
        grade="good",
        pose_rad=pose,
    )
    q_pose = quaternion.multiply(q0, quaternion.from_rotation_vector(pose * axis))
    up = quaternion.up_in_sensor(q_pose[None, :])[0]
    slip = np.cross(up, other)
    slip *= size_deg * RAD_PER_DEG / np.linalg.norm(slip)
    turn = quaternion.from_rotation_vector(slip)
    # the new sensor frame: what was v is rotate(turn, v) now
    now = quaternion.multiply(q_pose, quaternion.conjugate(turn))
    rows = np.arange(3)
    hold = Orientation(STREAM, rows, np.tile(now, (3, 1)), None, 0 * rows, rows >= 0)
    found = carried(calibration, hold)
    assert np.allclose(found.axis_sensor, quaternion.rotate(turn, axis), atol=1e-9)
    assert np.allclose(found.up0_sensor, quaternion.rotate(turn, up0), atol=1e-9)
    q0_now = quaternion.multiply(q0, quaternion.conjugate(turn))
    apart = quaternion.multiply(quaternion.conjugate(q0_now), np.array(found.q0_earth_from_sensor))
    assert np.allclose(quaternion.to_rotation_vector(apart), 0.0, atol=1e-6) and found.pose_rad == pose


def _vector(v: FloatArray) -> Vector:
    x, y, z = v.tolist()
    return x, y, z


def _turn(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the rotation that takes unit vector a to b."""
    axis = np.cross(a, b)
    size = float(np.linalg.norm(axis))
    angle = math.atan2(size, float(a @ b))
    return quaternion.from_rotation_vector(axis * (angle / size))


def test_a_zero_can_be_asked_for() -> None:
    """`tare` during a set: hold still, a new zero there, and the set goes on with its count."""
    motion, _ = practice(3)
    coach = Coach(STREAM, motion.leg.side, drill=PLAIN)
    items = list(simulated.inputs(motion, samples_per_packet=5))
    items.insert(700, Mark(STREAM, HostNs(0), MarkKind.TARE, {}))
    said = prompts_of(guided(items, coach))
    assert "hold still for a new zero" in said and "new zero, go on" in said
