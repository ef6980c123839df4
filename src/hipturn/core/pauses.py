"""What a pause shows: whether the strap has slipped, and whether the heading has drifted.

Whenever the leg rests near the pose of its calibration, gravity must point where it pointed there. A quarter
of a second is looked at at a time, counted from the calibration on and so whatever the packets.
"""

import math

import numpy as np

from hipturn.core.angle import MIN_OBSERVABILITY, AngleMeter, side_sign
from hipturn.model import Calibration, Drift, FloatArray, HipAngle, Side, Slip, StreamNs
from hipturn.units import RAD_PER_DEG

STEP_S = 0.25
STEPS = 8
"""A pause is so many steps, two seconds, without getting anywhere."""
STILL_RAD = 0.5 * RAD_PER_DEG
"""How little the leg moves from step to step in a pause."""
NEAR_ZERO_RAD = 10.0 * RAD_PER_DEG
"""Further from the pose of the calibration a still leg is held there, not at rest."""
SLIP_RAD = 3.0 * RAD_PER_DEG
"""Settling back on the mat moves a shin by one or two degrees."""
NEWS_RAD = 2.0 * RAD_PER_DEG
"""A slip is told again when it has changed by this."""
DRIFT_RAD = 5.0 * RAD_PER_DEG
"""A drift is told each time it has grown by this."""


class Pauses:
    """Watches one leg under one calibration: push blocks of its angle."""

    def __init__(
        self, calibration: Calibration, meter: AngleMeter, side: Side | None, rate_hz: float
    ) -> None:
        self._every = max(1, round(STEP_S * rate_hz))
        self._until_next = 0
        self._seen: FloatArray = np.empty((0, 3))
        """The steps of a pause that is not long enough yet: angle from the pose, off-axis motion, twist."""
        self._told_slip = self._told_drift = 0.0
        self._by_gravity = meter.observability >= MIN_OBSERVABILITY
        self._elevation = meter.axis_elevation_rad
        self._sign = side_sign(side)
        self._axis = np.array(calibration.axis_sensor)
        # a gravity zero may lie some degrees from the pose that was held, to which the leg comes back
        self._pose = self._sign * calibration.pose_rad
        along = np.array(calibration.up0_sensor) - math.sin(self._elevation) * self._axis
        self._along = along / max(float(np.linalg.norm(along)), 1e-12)
        self._across = np.cross(self._axis, self._along)

    def push(self, block: HipAngle) -> list[Slip | Drift]:
        """Return what the pauses within this block show, at the moment they show it."""
        n = len(block.t_ns)
        if not self._by_gravity or self._until_next >= n:
            self._until_next -= n
            return []
        rows = slice(self._until_next, n, self._every)
        self._until_next = (self._until_next - n) % self._every
        columns = (block.angle_rad, block.off_axis_rad, block.twist_rad)
        new = np.transpose([column[rows] for column in columns])
        new[:, 0] -= self._pose
        steps, known = np.concatenate((self._seen, new)), len(self._seen)
        angles, off_axes = steps[:, 0], steps[:, 1]
        home = np.abs(angles) <= NEAR_ZERO_RAD
        home[known:] &= block.trusted[rows]
        stays = home.copy()
        stays[1:] &= (np.abs(np.diff(angles)) <= STILL_RAD) & (np.abs(np.diff(off_axes)) <= STILL_RAD)
        at_home, still = home.tobytes(), stays.tobytes()
        out: list[Slip | Drift] = []
        # bytes are searched much faster than steps are gone through
        begin = at_home.find(1)
        while begin >= 0:
            moved = still.find(0, begin + 1, begin + STEPS)
            if moved < 0:
                if len(steps) < begin + STEPS:
                    break
                last = begin + STEPS - 1 - known
                t_ns = block.t_ns.item(rows.start + last * self._every)
                out += self._pause(block.stream, t_ns, steps[begin : begin + STEPS])
            begin = at_home.find(1, begin + STEPS if moved < 0 else moved + 1)
        self._seen = steps[begin:] if begin >= 0 else steps[:0]
        return out

    def _pause(self, stream: str, t_ns: int, steps: FloatArray) -> list[Slip | Drift]:
        """Return what a pause of these steps shows, shape (STEPS, 3)."""
        angles, off_axes, twists = steps.T.tolist()
        angle, off_axis, twist = sum(angles) / STEPS, sum(off_axes) / STEPS, sum(twists) / STEPS
        out: list[Slip | Drift] = []
        drift = twist - angle - self._pose
        if abs(drift - self._told_drift) > DRIFT_RAD:
            self._told_drift = drift
            out.append(Drift(stream, StreamNs(t_ns), drift))
        if abs(angle) + abs(off_axis) <= SLIP_RAD:
            # gravity cannot point further away than both together
            self._told_slip = 0.0
            return out
        up = self._up(self._elevation + off_axis, angle + self._pose)
        up0 = self._up(self._elevation, self._pose)
        tilt = math.acos(max(-1.0, min(1.0, float((up * up0).sum()))))
        if tilt <= SLIP_RAD:
            self._told_slip = 0.0
        elif abs(tilt - self._told_slip) > NEWS_RAD:
            self._told_slip = tilt
            x, y, z = up.tolist()
            out.append(Slip(stream, StreamNs(t_ns), tilt, (x, y, z)))
        return out

    def _up(self, elevation_rad: float, angle_rad: float) -> FloatArray:
        """Return the up direction in the sensor, shape (3,), at an elevation of the axis and a hip angle."""
        theta, level = self._sign * angle_rad, math.cos(elevation_rad)
        turned = math.cos(theta) * self._along - math.sin(theta) * self._across
        return np.asarray(math.sin(elevation_rad) * self._axis + level * turned)
