"""Where the angle is zero: in the pose that was held, or where gravity says the shin is plumb.

The pose zero is that of a drill. The gravity zero is comparable between days: the shin's long axis lies in
the vertical plane through the femur's axis, as a clinician reads it. It needs to know the long axis in the
sensor, which quiet standing shows: the shin is plumb then, to about 3°.
"""

import dataclasses
import math

import numpy as np

from hipturn.core import quaternion
from hipturn.core.angle import gravity_angle
from hipturn.errors import CalibrationRefused
from hipturn.model import Calibration, FloatArray, Orientation, Vector
from hipturn.units import DEG_PER_RAD, RAD_PER_DEG

MAX_TILT_RAD = 45.0 * RAD_PER_DEG
"""A shin further from plumb in the pose held is not in a position that a gravity zero is for."""


def shank_axis(standing: Orientation) -> Vector:
    """Return the shin's long axis in the sensor, proximal, from a still hold in quiet standing.

    Raises `CalibrationRefused` where the leg was not still.
    """
    up = quaternion.up_in_sensor(standing.q_earth_from_sensor)
    mean = up.mean(axis=0)
    apart = np.arccos(np.clip(quaternion.dot(up, mean / np.sqrt(quaternion.dot(mean, mean))), -1.0, 1.0))
    if float(np.percentile(apart, 95)) > 3.0 * RAD_PER_DEG:
        raise CalibrationRefused("the leg moved while standing: stand still on both legs and repeat")
    return _unit(mean)


def with_gravity_zero(calibration: Calibration, shank_axis_sensor: Vector) -> Calibration:
    """Return the calibration with its zero where the shin is plumb, the pose held being kept beside.

    Whether the foot is above (prone) or below (seated) is what the pose held is nearer to. Raises
    `CalibrationRefused` for a pose in which the shin was far from either.
    """
    axis = np.array(calibration.axis_sensor)
    up0 = np.array(calibration.up0_sensor)
    plumb = np.array([shank_axis_sensor, [-x for x in shank_axis_sensor]])
    turns = gravity_angle(plumb, up0, axis)
    turn = float(turns[int(np.abs(turns).argmin())])
    if abs(turn) > MAX_TILT_RAD:
        raise CalibrationRefused(
            f"the shin was {abs(turn) * DEG_PER_RAD:.0f}° from plumb in the calibration: hold it upright, "
            "foot straight above or below the knee, and repeat"
        )
    q0 = quaternion.multiply(
        np.array(calibration.q0_earth_from_sensor), quaternion.from_rotation_vector(turn * axis)
    )
    w, x, y, z = q0.tolist()
    return dataclasses.replace(
        calibration,
        shank_axis_sensor=shank_axis_sensor,
        zero="gravity",
        q0_earth_from_sensor=(w, x, y, z),
        up0_sensor=_unit(quaternion.rotate(quaternion.from_rotation_vector(-turn * axis), up0)),
        pose_rad=calibration.pose_rad - turn,
    )


def held_plumb(calibration: Calibration) -> Calibration:
    """Return the calibration with the pose held as its gravity zero: the shin was held upright when asked to.

    For whoever did not stand before; as good as they held it, and less repeatable than `with_gravity_zero`.
    """
    return dataclasses.replace(calibration, zero="gravity")


def knee_flexion(calibration: Calibration) -> float | None:
    """Return the knee's flexion in the calibration, rad, where the shin's long axis is known.

    For a turn about the femur; with the heel planted the axis is another one (`core.floor`).
    """
    if calibration.shank_axis_sensor is None:
        return None
    along = sum(a * b for a, b in zip(calibration.axis_sensor, calibration.shank_axis_sensor, strict=True))
    return math.acos(max(-1.0, min(1.0, along)))


RIGHT_ANGLE_RAD, KNEE_RAD = 90.0 * RAD_PER_DEG, 10.0 * RAD_PER_DEG
"""Within this of a right angle the knee is as the test asks for it."""
NO_KNEE_RAD = 50.0 * RAD_PER_DEG
"""A knee this far from a right angle was none: what was taken for standing was something else."""


def knee_off(knee_rad: float) -> bool:
    """Return whether the knee is outside 80 to 100°."""
    return abs(knee_rad - RIGHT_ANGLE_RAD) > KNEE_RAD


def knee_now(calibration: Calibration, knee_rad: float | None, off_axis_rad: float) -> float:
    """Return the knee's flexion, rad, by how the axis has tilted since the calibration: the thigh kept still.

    `knee_rad` as it was in the calibration, a right angle where nobody knows. Whether the foot is above the
    knee (prone) or below (seated) decides which way bending tilts the axis; unknown, it counts as bending.
    """
    long = calibration.shank_axis_sensor
    if long is None:
        change = abs(off_axis_rad)
    else:
        above = sum(a * b for a, b in zip(long, calibration.up0_sensor, strict=True)) < 0.0
        change = -off_axis_rad if above else off_axis_rad
    return (RIGHT_ANGLE_RAD if knee_rad is None else knee_rad) + change


def _unit(v: FloatArray) -> Vector:
    x, y, z = (v / math.sqrt(float(quaternion.dot(v, v)))).tolist()
    return x, y, z
