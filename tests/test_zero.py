"""The gravity zero is where the shin is plumb, whatever pose was held, and the pose is kept beside."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import fused
from hipturn.core import quaternion
from hipturn.core.angle import AngleMeter
from hipturn.core.calibration import functional, window
from hipturn.core.zero import knee_flexion, shank_axis, with_gravity_zero
from hipturn.errors import CalibrationRefused
from hipturn.model import Calibration, Orientation, Side, Vector
from hipturn.sources.body import Leg, Position, Rest, Script, Shift, calibration_elements, simulate
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG


def long_axis(leg: Leg) -> Vector:
    """Return the shank's proximal direction in the sensor."""
    q = quaternion.conjugate(np.array(leg.q_shank_from_sensor))
    x, y, z = quaternion.rotate(q, np.array((0.0, 1.0, 0.0))).tolist()
    return x, y, z


def calibrated(leg: Leg, pose_deg: float) -> tuple[Calibration, Orientation]:
    """Return the calibration of a leg that was held turned by this, and the hold."""
    pose = Shift(0.5, angle_rad=pose_deg * RAD_PER_DEG)
    block = fused(simulate(leg, Script((Rest(2.0),), (pose, *calibration_elements()))))
    hold = window(block, 2 * NS_PER_S, 6 * NS_PER_S)
    moved = window(block, 6 * NS_PER_S, int(block.t_ns[-1]))
    return functional(hold, moved, outward_normal_sensor=leg.outward_normal_sensor, side=leg.side), hold


@settings(max_examples=25)
@given(
    st.integers(0, 2**32),
    st.sampled_from(Side),
    st.sampled_from(["prone", "seated"]),
    st.floats(-25.0, 25.0),
)
def test_the_zero_is_where_the_shin_is_plumb(
    seed: int, side: Side, position: Position, pose_deg: float
) -> None:
    """The simulated leg begins plumb across its axis: held turned by some angle, the pose zero is off by just
    that and the gravity zero is not; both are in the record."""
    leg = Leg.random(seed, side, position).without_errors()
    pose, hold = calibrated(leg, pose_deg)
    found = with_gravity_zero(pose, long_axis(leg))
    at_pose, plumb = (AngleMeter(each, side).push(hold) for each in (pose, found))
    assert at_pose.angle_rad.mean() * DEG_PER_RAD == pytest.approx(0.0, abs=0.1)
    assert plumb.angle_rad.mean() * DEG_PER_RAD == pytest.approx(pose_deg, abs=0.3)
    assert plumb.twist_rad.mean() == pytest.approx(plumb.angle_rad.mean(), abs=0.3 * RAD_PER_DEG)
    np.testing.assert_allclose(plumb.off_axis_rad, at_pose.off_axis_rad, atol=1e-9)
    sign = 1.0 if side is Side.RIGHT else -1.0
    assert (found.zero, pose.zero) == ("gravity", "pose")
    assert sign * found.pose_rad * DEG_PER_RAD == pytest.approx(pose_deg, abs=0.3)
    knee = knee_flexion(found)
    assert knee is not None and knee == pytest.approx(leg.knee_rad, abs=0.3 * RAD_PER_DEG)
    assert knee_flexion(pose) is None


def test_a_shin_far_from_plumb_is_refused() -> None:
    """Side-lying the shin lies level: a gravity zero means nothing there, and the refusal says so."""
    leg = Leg(position="side-lying").without_errors()
    calibration, _ = calibrated(leg, 0.0)
    with pytest.raises(CalibrationRefused, match=r"^the shin was 90° from plumb .*: hold it upright"):
        with_gravity_zero(calibration, long_axis(leg))


@pytest.mark.parametrize("seed", range(4))
def test_quiet_standing_shows_the_long_axis(seed: int) -> None:
    """As far as the shin is plumb in it, to half a degree here."""
    anyone = Leg.random(seed, position="standing")
    leg = dataclasses.replace(anyone, knee_rad=0.0, femur_elevation_rad=0.5 * math.pi)
    # once the gyroscope's bias is known
    found = shank_axis(window(fused(simulate(leg, Script((Rest(9.0),)))), 6 * NS_PER_S, 9 * NS_PER_S))
    apart = math.acos(min(1.0, float(np.dot(found, long_axis(leg))))) * DEG_PER_RAD
    assert apart < 0.5


def test_standing_restlessly_is_refused() -> None:
    script = Script((Rest(1.0), Shift(0.6, elevation_rad=-0.3), Rest(1.0)))
    block = fused(simulate(Leg(position="standing"), script))
    with pytest.raises(CalibrationRefused, match=r"^the leg moved while standing"):
        shank_axis(block)
