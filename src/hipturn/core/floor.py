"""The femur's own rotation in the drill on the floor with the heel planted: an estimate, never a measurement.

Hip and heel stay and the knee swings, so thigh and shank turn as one about the line from heel to hip. That
turn alpha is what a sensor on the shin measures. The femur lies at an angle gamma to that line, so of the
turn only its part along the femur is rotation of the hip::

              knee                ratio = knee to heel / hip to knee
             ╱    ╲               sin gamma = ratio · sin beta       (law of sines in the triangle)
      thigh ╱      ╲ shank        flexion of the knee = gamma + beta
           ╱ γ    β ╲             phi = 2 · atan(cos gamma · tan(alpha / 2))
        hip ────u──── heel
"""

import math

from hipturn.core.positions import placed
from hipturn.model import Calibration, Floor, FloorKnownFrom, Vector
from hipturn.units import RAD_PER_DEG

SEGMENT_RATIO = 0.285 / 0.245
"""Knee to heel over hip to knee, 1.163: 0.285 and 0.245 of the height (Winter 2009, Biomechanics and Motor
Control of Human Movement, fig. 4.1)."""
RATIO_SD = 0.05
"""How much people's ratio differs from that, as a share: about 3 % between people, and a hip's centre
and a heel's rest on the floor are no exact points."""
BETA_SD_RAD: dict[FloorKnownFrom, float] = {
    "shank-axis": 3.0 * RAD_PER_DEG,
    "knee": 5.0 * RAD_PER_DEG,
    "mounting": 8.0 * RAD_PER_DEG,
}
"""How well beta is known (of "knee": the flexion). A shin in quiet standing is plumb to about 3°; a knee's
angle is read off a goniometer to 5°; a case on a strap follows the calf's taper and is put on by hand."""
ASSUMES = "hip and heel keep still and the knee angle does not change"


def femoral_rotation(alpha_rad: float, gamma_rad: float) -> float:
    """Return the rotation about the femur in a turn by alpha about a line at gamma to it, rad, same sign."""
    half = 0.5 * alpha_rad
    # by both components: a turn by half a circle and more has no tangent
    return 2.0 * math.atan2(math.cos(gamma_rad) * math.sin(half), math.cos(half))


def gamma_from_beta(beta_rad: float, ratio: float) -> float:
    """Return the angle at the hip, rad, for the angle at the heel; 90° where no triangle closes."""
    return math.asin(min(1.0, ratio * math.sin(beta_rad)))


def beta_from_knee(knee_rad: float, ratio: float) -> float:
    """Return the angle at the heel, rad, for the flexion of the knee (0 is straight)."""
    return math.atan2(math.sin(knee_rad), ratio + math.cos(knee_rad))


def geometry(
    position: str | None,
    calibration: Calibration,
    outward_normal_sensor: Vector | None,
    *,
    knee_rad: float | None,
    ratio: float,
) -> Floor | None:
    """Return the geometry of the leg, None for a position without a planted heel or where nothing tells it.

    Beta is the angle between the measured axis u and the shank's long axis. It is taken from the long
    axis where the calibration has it (from quiet standing), else from the knee angle if that is told, else
    from the case: with its outward normal n along the front of the shin, beta = asin(−u·n).
    """
    where = placed(position)
    if where is None or not where.heel_planted:
        return None
    axis = calibration.axis_sensor
    if calibration.shank_axis_sensor is not None:
        beta = math.acos(max(-1.0, min(1.0, _dot(axis, calibration.shank_axis_sensor))))
        return _floor(beta, ratio, "shank-axis")
    if knee_rad is not None:
        return _floor(beta_from_knee(knee_rad, ratio), ratio, "knee", knee_rad)
    if outward_normal_sensor is None:
        return None
    sine = -_dot(axis, outward_normal_sensor)
    # a normal that points to the hip is not on the front of the shin
    return _floor(math.asin(min(1.0, sine)), ratio, "mounting") if sine > 0.0 else None


def _floor(beta_rad: float, ratio: float, known_from: FloorKnownFrom, knee_rad: float | None = None) -> Floor:
    """Return the geometry with its uncertainty: how far gamma moves with what it is computed from."""

    def gamma(error_rad: float, share: float) -> float:
        other = ratio * (1.0 + share)
        if knee_rad is None:
            return gamma_from_beta(beta_rad + error_rad, other)
        return gamma_from_beta(beta_from_knee(knee_rad + error_rad, other), other)

    error = BETA_SD_RAD[known_from]
    by_angle = 0.5 * (gamma(error, 0.0) - gamma(-error, 0.0))
    by_ratio = 0.5 * (gamma(0.0, RATIO_SD) - gamma(0.0, -RATIO_SD))
    return Floor(gamma(0.0, 0.0), math.hypot(by_angle, by_ratio), ratio, known_from)


def estimate(alpha_rad: float, floor: Floor) -> tuple[float, float]:
    """Return the estimated femoral rotation of a turn by alpha and its standard deviation, rad."""
    steps = (floor.gamma_rad + floor.gamma_sd_rad, floor.gamma_rad - floor.gamma_sd_rad)
    more, less = (femoral_rotation(alpha_rad, gamma) for gamma in steps)
    return femoral_rotation(alpha_rad, floor.gamma_rad), 0.5 * abs(more - less)


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
