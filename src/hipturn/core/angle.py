"""The hip rotation angle: gravity-referenced, with the twist beside it.

Gravity: the up direction seen by the sensor, projected on the plane across the femur axis, turns
with the femur. Exact for a rotation about the axis whatever its elevation short of vertical, and no
heading drift can enter. Twist: the swing-twist angle about the axis; used where the axis is too
close to vertical, and as a cross-check otherwise.
"""

import math

import numpy as np

from hipturn.core import quaternion
from hipturn.model import Calibration, FloatArray, HipAngle, IntArray, Orientation, Side
from hipturn.units import NS_PER_S

MIN_OBSERVABILITY = 0.5
"""Below this the axis is within 30° of vertical: tilt noise doubles, and the twist is used instead."""


def side_sign(side: Side | None) -> float:
    """Return +1 for the right leg, −1 for the left; ISB: internal rotation of the right femur is positive about it."""
    return -1.0 if side is Side.LEFT else 1.0


def gravity_angle(up_sensor: FloatArray, up0_sensor: FloatArray, axis_sensor: FloatArray) -> FloatArray:
    """Return the rotation about the axis since `up0_sensor`, rad in (−π, π], shape (n,), by gravity alone."""
    a = up0_sensor - quaternion.dot(up0_sensor, axis_sensor) * axis_sensor
    # axis·(a×up) and a·(up − (up·axis)·axis): the projection of up drops out of the first and,
    # a being across the axis already, of the second too
    return np.asarray(
        -np.arctan2(quaternion.dot(up_sensor, quaternion.cross(axis_sensor, a)), quaternion.dot(up_sensor, a))
    )


def twist_angle(q: FloatArray, q0: FloatArray, axis_sensor: FloatArray) -> FloatArray:
    """Return the twist about the axis from orientation `q0` to `q`, rad in (−π, π], shape (n,)."""
    relative = quaternion.multiply(quaternion.conjugate(q0), q)
    half = np.arctan2(quaternion.dot(relative[..., 1:], axis_sensor), relative[..., 0])
    theta = 2.0 * half
    return np.asarray(
        np.where(
            theta > math.pi, theta - 2 * math.pi, np.where(theta <= -math.pi, theta + 2 * math.pi, theta)
        )
    )


def observability(calibration: Calibration) -> tuple[float, float]:
    """Return the cosine of the axis' elevation at the zero, and that elevation in rad."""
    sine = sum(a * u for a, u in zip(calibration.axis_sensor, calibration.up0_sensor, strict=True))
    sine = max(-1.0, min(1.0, sine))
    return math.sqrt(1.0 - sine * sine), math.asin(sine)


class _Unwrap:
    """Keeps an angle continuous over blocks: whole turns are counted, so no rounding accumulates."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._turns = 0

    def push(self, wrapped: FloatArray) -> FloatArray:
        step = wrapped - np.concatenate(([wrapped[0] if self._last is None else self._last], wrapped[:-1]))
        turns = self._turns + np.cumsum((step < -math.pi).astype(np.int64) - (step > math.pi))
        self._last, self._turns = float(wrapped[-1]), int(turns[-1])
        return np.asarray(wrapped + 2.0 * math.pi * turns)


class AngleMeter:
    """Turns orientation into the hip angle under one calibration: push blocks."""

    def __init__(self, calibration: Calibration, side: Side | None) -> None:
        self._axis = np.array(calibration.axis_sensor)
        self._up0 = np.array(calibration.up0_sensor)
        self._q0 = np.array(calibration.q0_earth_from_sensor)
        self._bias_radps = np.array(calibration.gyr_bias_radps)
        self._sign = side_sign(side)
        self.observability, self.axis_elevation_rad = observability(calibration)
        self._gravity, self._twist = _Unwrap(), _Unwrap()
        self._last: tuple[int, float] | None = None

    def push(self, block: Orientation) -> HipAngle:
        """Return the angle of each sample; a block must not be empty."""
        up = quaternion.up_in_sensor(block.q_earth_from_sensor)
        by_gravity = self._sign * self._gravity.push(gravity_angle(up, self._up0, self._axis))
        by_twist = self._sign * self._twist.push(twist_angle(block.q_earth_from_sensor, self._q0, self._axis))
        angle = by_gravity if self.observability >= MIN_OBSERVABILITY else by_twist
        elevation = np.arcsin(np.clip(quaternion.dot(up, self._axis), -1.0, 1.0))
        if block.gyr_radps is None:
            rate = self._differentiate(block.t_ns, angle)
        else:
            rate = self._sign * quaternion.dot(block.gyr_radps - self._bias_radps, self._axis)
        return HipAngle(
            stream=block.stream,
            t_ns=block.t_ns,
            angle_rad=angle,
            rate_radps=rate,
            off_axis_rad=elevation - self.axis_elevation_rad,
            twist_rad=by_twist,
            lost_before=block.lost_before,
            trusted=block.trusted,
        )

    def _differentiate(self, t_ns: IntArray, angle: FloatArray) -> FloatArray:
        """Return backward differences in rad/s: a device that sends no rate leaves nothing better."""
        t0, angle0 = self._last or (int(t_ns[0]) - 1, float(angle[0]))
        self._last = int(t_ns[-1]), float(angle[-1])
        step_s = (t_ns - np.concatenate(([t0], t_ns[:-1]))) / NS_PER_S
        return np.asarray((angle - np.concatenate(([angle0], angle[:-1]))) / step_s)
