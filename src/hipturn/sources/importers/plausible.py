"""What the numbers themselves say against a unit, an axis or a direction.

The refusals are for what no leg can do; what is only unlikely is warned of. Of rates one geometric fact
tells: between two moments gravity cannot turn in the sensor by more than the gyroscope's whole way. Over
neighbouring windows the share of tilt in the way turned is between about 0.1 and 1.3 for whatever people
do; a rate in the wrong unit is off by 57.3, so nothing needs to be guessed closely.
"""

import math
from typing import NamedTuple

import numpy as np

from hipturn.core import quaternion
from hipturn.errors import InputError
from hipturn.model import FloatArray
from hipturn.units import ACC_UNITS_MPS2, DEG_PER_RAD, STANDARD_GRAVITY_MPS2

WINDOW_S = 0.3
"""Long enough to average shaking, short enough that a leg turns one way in it."""
MIN_WINDOWS = 8
MOST_TILT_SHARE, LEAST_TILT_SHARE = 6.0, 0.04
"""Outside these the rates are off: 57.3 away from anything between 0.1 and 2.3."""
MOST_IN_OTHER_UNIT = 2.3
"""More than that is wrong in the other unit as well: something else is."""
MIN_TILT_RAD, MIN_TILT_SUM_RAD = math.radians(5.0), 0.5
"""Less tilt than this is noise, and says nothing."""
FAST_RADPS, NO_HIP_RADPS, NO_LEG_RADPS = 3.0, 20.0, 70.0
"""99 % of the rates below: a quick turn; thrown; no limb at all."""
REST_RADPS, REST_SHARE = 0.15, 0.15
GRAVITY_TOLERANCE = 0.15
"""Of 9.81 m/s² at rest: cheap accelerometers without calibration are off by up to a tenth."""
WRONG_WAY_RAD = math.radians(15.0)
"""Orientation of a device is off by less, also while a leg moves."""


class Told(NamedTuple):
    """The units somebody said the numbers have, and how a person would say something else."""

    acc_unit: str
    gyr_unit: str
    options: bool = True
    """They were given as options of the command; otherwise by the format of the file."""

    def check(self, option: str, right: str | None = None) -> str:
        """Return what to do about a doubted unit, and which is likely right."""
        if not self.options:
            return "if its units are others, import it with --format csv" + (
                f" and {option} {right}" if right else ""
            )
        return f"try {option} {right}" if right else f"check {option}"


SI = Told("mps2", "radps")


def refuse_units(name: str, acc_mps2: FloatArray, gyr_radps: FloatArray, told: Told) -> None:
    """Raise `InputError` if acceleration is not about 1 g most of the time, or rates are impossible.

    Both of shape (n, 3), finite.
    """
    if len(acc_mps2) == 0:
        return
    gravity = float(np.median(np.sqrt(quaternion.dot(acc_mps2, acc_mps2))))
    if not 0.5 < gravity / STANDARD_GRAVITY_MPS2 < 2.0:
        scale = ACC_UNITS_MPS2[told.acc_unit]
        fits = [
            u for u, s in ACC_UNITS_MPS2.items() if 0.5 < gravity / scale * s / STANDARD_GRAVITY_MPS2 < 2.0
        ]
        hint = (
            told.check("--acc-unit", fits[0])
            if fits
            else f"{told.check('--acc-unit')} and --acc, or has gravity been removed?"
        )
        raise InputError(
            f"{name}: acceleration is typically {gravity:.3g} m/s² with unit {told.acc_unit}, "
            f"not about 9.8: {hint}"
        )
    fastest = _fastest(gyr_radps)
    if fastest > NO_LEG_RADPS:
        hint = told.check("--gyr-unit", "dps" if told.gyr_unit == "radps" else None)
        raise InputError(
            f"{name}: rates reach {fastest:.3g} rad/s with unit {told.gyr_unit}, no leg does: {hint}"
        )


def doubts(acc_mps2: FloatArray, gyr_radps: FloatArray, rate_hz: float, told: Told) -> list[str]:
    """Return a line for each unit the numbers make unlikely, with what to check; finite, shape (n, 3)."""
    return [*_acc_doubt(acc_mps2, gyr_radps, told), *_gyr_doubt(acc_mps2, gyr_radps, rate_hz, told)]


def direction_doubts(acc_mps2: FloatArray, q_earth_from_sensor: FloatArray, told: Told) -> list[str]:
    """Return a line if gravity says that the quaternions are the other way round; finite, one row each."""
    if len(acc_mps2) == 0:
        return []
    length = np.sqrt(quaternion.dot(acc_mps2, acc_mps2))
    steady = np.abs(length / STANDARD_GRAVITY_MPS2 - 1.0) < 0.1
    if steady.mean() < REST_SHARE:
        return []
    up = acc_mps2[steady] / length[steady, None]
    q = q_earth_from_sensor[steady]
    here, turned = (
        float(np.median(np.arccos(np.clip(quaternion.dot(up, quaternion.up_in_sensor(each)), -1.0, 1.0))))
        for each in (q, quaternion.conjugate(q))
    )
    if here < WRONG_WAY_RAD or turned > 0.5 * here:
        return []
    check = told.check("--quat-direction") + (" and --quat-order" if told.options else "")
    return [
        f"the orientation's up is {here * DEG_PER_RAD:.0f}° away from where the acceleration shows it, and "
        f"{turned * DEG_PER_RAD:.0f}° with the quaternions the other way round: {check}"
    ]


def _acc_doubt(acc: FloatArray, gyr: FloatArray, told: Told) -> list[str]:
    resting = np.sqrt(quaternion.dot(gyr, gyr)) < REST_RADPS
    if len(acc) == 0 or resting.mean() < REST_SHARE:
        return []
    rest = acc[resting]
    gravity = float(np.median(np.sqrt(quaternion.dot(rest, rest))))
    if abs(gravity / STANDARD_GRAVITY_MPS2 - 1.0) < GRAVITY_TOLERANCE:
        return []
    return [
        f"acceleration at rest is typically {gravity:.3g} m/s² with unit {told.acc_unit}, not 9.8: "
        f"{told.check('--acc-unit')}, or the sensor is not calibrated"
    ]


def refuse_rates(name: str, acc_mps2: FloatArray, gyr_radps: FloatArray, rate_hz: float, told: Told) -> None:
    """Raise `InputError` if gravity turns as the rates say in the other unit; finite, shape (n, 3)."""
    share = tilt_share(acc_mps2, gyr_radps, rate_hz)
    if share is not None and MOST_TILT_SHARE < share < MOST_IN_OTHER_UNIT * DEG_PER_RAD:
        raise InputError(f"{name}: {_too_slow(gyr_radps, share, told)}")


def _too_slow(gyr: FloatArray, share: float, told: Told) -> str:
    return (
        f"the rates stay below {_fastest(gyr) * DEG_PER_RAD:.2g}°/s with unit {told.gyr_unit}, yet gravity "
        f"turns {share:.0f} times as far as they say: {_other_unit(told)}"
    )


def _fastest(gyr: FloatArray) -> float:
    return float(np.percentile(np.abs(gyr), 99))


def _other_unit(told: Told) -> str:
    return told.check("--gyr-unit", "radps" if told.gyr_unit == "dps" else "dps")


def _gyr_doubt(acc: FloatArray, gyr: FloatArray, rate_hz: float, told: Told) -> list[str]:
    if len(gyr) == 0:
        return []
    fastest = _fastest(gyr)
    share = tilt_share(acc, gyr, rate_hz)
    if share is not None and share > MOST_TILT_SHARE:
        return [_too_slow(gyr, share, told)]
    if fastest > NO_HIP_RADPS or (share is not None and share < LEAST_TILT_SHARE and fastest > FAST_RADPS):
        return [
            f"the rates reach {fastest * DEG_PER_RAD:.0f}°/s with unit {told.gyr_unit}, which hardly any leg "
            f"does: {_other_unit(told)}"
        ]
    return []


def tilt_share(acc_mps2: FloatArray, gyr_radps: FloatArray, rate_hz: float) -> float | None:
    """Return how far gravity turned in the sensor for each radian the gyroscope says it turned.

    Both summed over neighbouring windows; None where there was too little tilt to tell.
    """
    size = max(1, round(WINDOW_S * rate_hz))
    count = len(acc_mps2) // size
    if count < MIN_WINDOWS:
        return None
    acc = acc_mps2[: count * size].reshape(count, size, 3).mean(axis=1)
    speed = np.sqrt(quaternion.dot(gyr_radps, gyr_radps))
    way = speed[: count * size].reshape(count, size).mean(axis=1) * (size / rate_hz)
    length = np.sqrt(quaternion.dot(acc, acc))
    if not (length > 0.0).all():
        return None
    up = acc / length[:, None]
    tilt = np.arccos(np.clip(quaternion.dot(up[1:], up[:-1]), -1.0, 1.0))
    mean = up.mean(axis=0)
    reach = np.arccos(np.clip(up @ mean / max(float(np.linalg.norm(mean)), 1e-9), -1.0, 1.0))
    turned = float((way[1:] + way[:-1]).sum()) / 2.0
    if float(np.percentile(reach, 95)) < MIN_TILT_RAD or float(tilt.sum()) < MIN_TILT_SUM_RAD:
        return None
    return float(tilt.sum()) / max(turned, 1e-9)
