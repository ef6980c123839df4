"""A strap that has slipped: the axis found before carried over to where the sensor is now.

At rest in the same pose gravity points elsewhere in the sensor than before. The smallest turn that takes
the one direction to the other is how the sensor has turned on the leg, but for a turn about gravity itself,
which nothing shows: it moves the axis by as much, and the range by its cosine.
"""

import dataclasses
import math

import numpy as np

from hipturn.core import quaternion
from hipturn.model import Calibration, FloatArray, Orientation, Vector


def carried(calibration: Calibration, hold: Orientation) -> Calibration:
    """Return the calibration for the sensor as it sits in `hold`, a still one in the pose of the calibration.

    The zero is of the same kind as before: the pose held, or the plumb shin as far from it as it was.
    """
    axis = np.array(calibration.axis_sensor)
    up0 = np.array(calibration.up0_sensor)
    pose = calibration.pose_rad
    up_then = quaternion.rotate(quaternion.from_rotation_vector(-pose * axis), up0)
    q_now = quaternion.mean(hold.q_earth_from_sensor)
    turn = _smallest_turn(up_then, quaternion.up_in_sensor(q_now[None, :])[0])
    axis_now = quaternion.rotate(turn, axis)
    q0 = quaternion.multiply(q_now, quaternion.from_rotation_vector(-pose * axis_now))
    w, x, y, z = q0.tolist()
    long = calibration.shank_axis_sensor
    return dataclasses.replace(
        calibration,
        axis_sensor=_vector(axis_now),
        up0_sensor=_vector(quaternion.rotate(turn, up0)),
        q0_earth_from_sensor=(w, x, y, z),
        shank_axis_sensor=None if long is None else _vector(quaternion.rotate(turn, np.array(long))),
    )


def _smallest_turn(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the quaternion of the smallest turn that takes unit vector a to b."""
    across = quaternion.cross(a, b)
    size = math.sqrt(float(quaternion.dot(across, across)))
    angle = math.atan2(size, float(quaternion.dot(a, b)))
    return quaternion.from_rotation_vector(across * (angle / size) if size > 0.0 else np.zeros(3))


def _vector(v: FloatArray) -> Vector:
    x, y, z = v.tolist()
    return x, y, z
