"""The hip rotation angle: gravity-referenced, with the twist beside it.

Gravity: the up direction seen by the sensor, projected on the plane across the femur axis, turns
with the femur. Exact for a rotation about the axis whatever its elevation short of vertical, and no
heading drift can enter. Twist: the swing-twist angle about the axis; used where the axis is too
close to vertical, and as a cross-check otherwise.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hipturn.core import quaternion
from hipturn.model import BoolArray, Calibration, FloatArray, HipAngle, IntArray, Orientation, Side
from hipturn.units import NS_PER_S

MIN_OBSERVABILITY = 0.5
"""Below this the axis is within 30° of vertical: tilt noise doubles, and the twist is used instead."""
MAX_SINE2 = 1.0 - MIN_OBSERVABILITY**2
"""The same limit as the square of the sine of the axis' elevation."""
HEADING_DRIFT_RADPS = 1e-3
"""How fast the heading may drift after a hold has given the gyroscope's bias: 3.4 °/min, what BIAS_SIGMA of
fusion.py believes of it."""
UNAIDED_DRIFT_RADPS = 3e-3
"""And without a hold: 10 °/min, the most that VQF drifts in the public BROAD recordings."""


def drift_budget(axis_elevation_rad: float, heading_radps: float) -> float:
    """Return how fast the twist may drift, rad/s, when the heading drifts by so much.

    A heading error ψ enters the twist about an axis elevated by ε as 2·atan(sin ε · tan(ψ/2)): while ψ is
    small that is sin ε of it, nothing of it for a level axis and all of it for a vertical one.
    """
    return abs(math.sin(axis_elevation_rad)) * heading_radps


def side_sign(side: Side | None) -> float:
    """Return +1 for the right leg, −1 for the left: internal is positive about the right femur (ISB)."""
    return -1.0 if side is Side.LEFT else 1.0


def gravity_angle(up_sensor: FloatArray, up0_sensor: FloatArray, axis_sensor: FloatArray) -> FloatArray:
    """Return the rotation about the axis since `up0_sensor`, rad in (−π, π], shape (n,), by gravity alone."""
    along, across = _plane(up0_sensor, axis_sensor)
    return np.asarray(-np.arctan2(quaternion.dot(up_sensor, across), quaternion.dot(up_sensor, along)))


def _plane(up0_sensor: FloatArray, axis_sensor: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the two directions across the axis in which gravity turns: at the zero, and a quarter ahead.

    With a the part of up0 across the axis j and b that of up, j·(a×b) is up·(j×a) and a·b is up·a,
    because a and j×a are across j already.
    """
    along = up0_sensor - quaternion.dot(up0_sensor, axis_sensor) * axis_sensor
    return np.asarray(along), quaternion.cross(axis_sensor, along)


def twist_angle(q: FloatArray, q0: FloatArray, axis_sensor: FloatArray) -> FloatArray:
    """Return the twist about the axis from orientation `q0` to `q`, rad in (−π, π], shape (n,)."""
    cosine, sine = _twist_forms(q0, axis_sensor)
    w, x, y, z = q.T
    half = np.arctan2(
        sine[0] * w + sine[1] * x + sine[2] * y + sine[3] * z,
        cosine[0] * w + cosine[1] * x + cosine[2] * y + cosine[3] * z,
    )
    return np.asarray(_once_around(2.0 * half))


def _twist_forms(q0: FloatArray, axis_sensor: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the two linear forms of q that are w and v·axis of ``conj(q0) ⊗ q``."""
    sine = quaternion.multiply(q0, np.concatenate(([0.0], axis_sensor)))
    return q0, sine


def _once_around(theta: Any) -> Any:
    """Return angles in (−2π, 2π], a float or an array, brought to (−π, π]: q and −q are one pose."""
    if isinstance(theta, np.ndarray) and theta.max() <= math.pi and theta.min() > -math.pi:
        return theta
    return theta - 2.0 * math.pi * ((theta > math.pi) * 1.0 - (theta <= -math.pi) * 1.0)


def observability(calibration: Calibration) -> tuple[float, float]:
    """Return the cosine of the axis' elevation at the zero, and that elevation in rad."""
    sine = sum(a * u for a, u in zip(calibration.axis_sensor, calibration.up0_sensor, strict=True))
    sine = max(-1.0, min(1.0, sine))
    return math.sqrt(1.0 - sine * sine), math.asin(sine)


def _form(weights: Sequence[float], parts: Sequence[Any]) -> Any:
    """Return the weighted sum of three or four components, floats or arrays alike, added in order."""
    total = weights[0] * parts[0]
    for weight, part in zip(weights[1:], parts[1:], strict=True):
        # in place, where it is an array: a third of the time of sums that are all kept
        total += weight * part
    return total


def _rows(value: Any) -> NDArray[Any]:
    """Return what was computed of one sample as an array of shape (1,), of many as it is."""
    return value if isinstance(value, np.ndarray) else np.array([value])


class _Unwrap:
    """Keeps an angle continuous over blocks: whole turns are counted, so no rounding accumulates.

    Where the angle could not be seen it has no continuity: with the first sample that is seen again the count
    begins anew. Somebody who stood up and lay down again has not turned the hip by 360°.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._seen = True
        self._turns = 0

    def push(self, wrapped: FloatArray, seen: BoolArray | None = None) -> FloatArray:
        last = float(wrapped[0]) if self._last is None else self._last
        self._last = float(wrapped[-1])
        if len(wrapped) == 1:
            step = self._last - last
            self._turns += (step < -math.pi) - (step > math.pi)
            if seen is not None:
                if seen[0] and not self._seen:
                    self._turns = 0
                self._seen = bool(seen[0])
            return np.asarray(wrapped + 2.0 * math.pi * self._turns)
        seen_all = seen is None or (self._seen and bool(seen.all()))
        if seen_all and max(last, wrapped.max()) - min(last, wrapped.min()) <= math.pi:
            # no step can be longer than all the way there is
            return np.asarray(wrapped + 2.0 * math.pi * self._turns)
        steps = np.diff(wrapped, prepend=last)
        turns = self._turns + np.cumsum((steps < -math.pi).astype(np.int64) - (steps > math.pi))
        if seen is not None and not seen_all:
            again = seen & ~np.concatenate(([self._seen], seen[:-1]))
            since = np.maximum.accumulate(np.where(again, np.arange(len(again)), -1))
            turns = turns - np.where(since >= 0, turns[since], 0)
        if seen is not None:
            self._seen = bool(seen[-1])
        self._turns = int(turns[-1])
        return np.asarray(wrapped + 2.0 * math.pi * turns)


class AngleMeter:
    """Turns orientation into the hip angle under one calibration: push blocks.

    Everything the angle needs is a linear form of the quaternion's or of up's components. The same
    expressions serve many samples as arrays and a single one as floats, which is what a live
    notification brings and five times as fast.
    """

    def __init__(self, calibration: Calibration, side: Side | None) -> None:
        axis = np.array(calibration.axis_sensor)
        along, across = _plane(np.array(calibration.up0_sensor), axis)
        cosine, sine = _twist_forms(np.array(calibration.q0_earth_from_sensor), axis)
        sign = side_sign(side)
        # What is worked out once is not for each sample: the side's sign is in all that give an angle, and
        # those of up are for half of it.
        self._along: list[float] = along.tolist()
        self._across: list[float] = (-sign * across).tolist()
        self._axis_sine: list[float] = (2.0 * axis).tolist()
        self._twist_cosine: list[float] = cosine.tolist()
        self._twist_sine: list[float] = (sign * sine).tolist()
        self._axis_rate: list[float] = (sign * axis).tolist()
        self._rate_bias = sign * float(quaternion.dot(axis, np.array(calibration.gyr_bias_radps)))
        self.observability, self.axis_elevation_rad = observability(calibration)
        self.heading_dependent = self.observability < MIN_OBSERVABILITY
        """The angle is the twist, into which heading drift leaks; else gravity's, into which none can."""
        heading = HEADING_DRIFT_RADPS if any(calibration.gyr_bias_radps) else UNAIDED_DRIFT_RADPS
        self.twist_drift_radps = drift_budget(self.axis_elevation_rad, heading)
        """How fast heading drift may move the twist: what parts from gravity faster has other causes."""
        self.drift_radps = self.twist_drift_radps if self.heading_dependent else 0.0
        """How fast heading drift may move the angle."""
        self._gravity, self._twist = _Unwrap(), _Unwrap()
        self._last: tuple[int, float] | None = None

    def push(self, block: Orientation) -> HipAngle:
        """Return the angle of each sample; a block must not be empty."""
        q = block.q_earth_from_sensor
        w, x, y, z = q[0].tolist() if len(q) == 1 else np.ascontiguousarray(q.T)
        # half of up in the sensor, for quaternions of length 1, as all orientations here are
        half_up = (x * z - w * y, y * z + w * x, w * w + z * z - 0.5)
        gravity = np.arctan2(_form(self._across, half_up), _form(self._along, half_up))
        half = np.arctan2(_form(self._twist_sine, (w, x, y, z)), _form(self._twist_cosine, (w, x, y, z)))
        sine = _form(self._axis_sine, half_up)
        by_gravity = self._gravity.push(_rows(gravity), _rows(sine * sine <= MAX_SINE2))
        by_twist = self._twist.push(_rows(_once_around(2.0 * half)))
        elevation = np.arcsin(np.minimum(np.maximum(sine, -1.0), 1.0))
        angle = by_twist if self.heading_dependent else by_gravity
        return HipAngle(
            stream=block.stream,
            t_ns=block.t_ns,
            angle_rad=angle,
            rate_radps=self._rate(block, angle),
            off_axis_rad=_rows(elevation - self.axis_elevation_rad),
            twist_rad=by_twist,
            lost_before=block.lost_before,
            trusted=block.trusted,
        )

    def _rate(self, block: Orientation, angle: FloatArray) -> FloatArray:
        gyr = block.gyr_radps
        if gyr is None:
            return self._differentiate(block.t_ns, angle)
        x, y, z = gyr[0].tolist() if len(gyr) == 1 else gyr.T
        return _rows(_form(self._axis_rate, (x, y, z)) - self._rate_bias)

    def _differentiate(self, t_ns: IntArray, angle: FloatArray) -> FloatArray:
        """Return backward differences in rad/s: a device that sends no rate leaves nothing better."""
        t0, angle0 = self._last or (int(t_ns[0]) - 1, float(angle[0]))
        self._last = int(t_ns[-1]), float(angle[-1])
        step_s = (t_ns - np.concatenate(([t0], t_ns[:-1]))) / NS_PER_S
        return np.asarray((angle - np.concatenate(([angle0], angle[:-1]))) / step_s)
