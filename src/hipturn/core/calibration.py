"""From a strap put on anyhow to anatomical axes in the sensor.

No sensor axis is assumed to be an axis of the leg. A still hold gives the gyroscope bias and the
zero, a few rotations give the femur axis as a line, and the outward normal of the case (or one
asked movement) gives its direction. The result is a record that enters the stream as an input.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from hipturn.core import quaternion
from hipturn.core.angle import MIN_OBSERVABILITY, gravity_angle, side_sign, twist_angle
from hipturn.errors import CalibrationRefused, InputError
from hipturn.model import BoolArray, Calibration, Direction, FloatArray, IntArray, Orientation, Side, Vector
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

STILL_RADPS = 3.0 * RAD_PER_DEG
"""A leg at rest on the mat stays below this; any deliberate movement exceeds it."""
MIN_SWING_RAD = 8.0 * RAD_PER_DEG
"""Rotations smaller than this leave the axis to noise and soft tissue."""
NORMAL_LIMIT = math.cos(60.0 * RAD_PER_DEG)
"""Within 30° of being across the outward normal, the normal says nothing about the axis' direction."""

MAX_INTEGRATED_S = 60.0
"""The rate is integrated this long: a hold of 2 s knows its bias to 0.005 °/s, which is 0.3° by then."""

MAX_TILT = math.sqrt(1.0 - MIN_OBSERVABILITY**2)
"""Sine of the axis' elevation from which on gravity tells too little and the twist is taken."""

GRADES: tuple[tuple[Literal["good", "fair"], float, float], ...] = (
    ("good", 0.95, 5.0 * RAD_PER_DEG),
    ("fair", 0.85, 10.0 * RAD_PER_DEG),
)
"""Grade, least share of rotation about the axis, largest spread between rotations. An axis off by 5°
costs 0.11° at 30° of rotation, by 10° 0.44°; beyond that it is refused."""


def grade(share: float, spread_rad: float) -> Literal["good", "fair", "poor"]:
    """Return how far an axis can be trusted."""
    for name, least_share, most_spread in GRADES:
        if share >= least_share and spread_rad <= most_spread:
            return name
    return "poor"


def join(blocks: list[Orientation]) -> Orientation:
    """Return consecutive blocks as one."""
    gyr = [b.gyr_radps for b in blocks if b.gyr_radps is not None]
    return Orientation(
        stream=blocks[0].stream,
        t_ns=np.concatenate([b.t_ns for b in blocks]),
        q_earth_from_sensor=np.concatenate([b.q_earth_from_sensor for b in blocks]),
        gyr_radps=np.concatenate(gyr) if len(gyr) == len(blocks) else None,
        lost_before=np.concatenate([b.lost_before for b in blocks]),
        trusted=np.concatenate([b.trusted for b in blocks]),
    )


def angular_rate(block: Orientation) -> FloatArray:
    """Return the rate in sensor axes, rad/s, shape (n, 3): measured, or differenced from orientation."""
    if block.gyr_radps is not None:
        return block.gyr_radps
    q = block.q_earth_from_sensor
    step_s = np.diff(block.t_ns)[:, None] / NS_PER_S
    rate = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(q[:-1]), q[1:])) / step_s
    return np.concatenate((rate[:1], rate)) if len(rate) else np.zeros((len(q), 3))


def _norm(v: FloatArray) -> FloatArray:
    return np.sqrt(quaternion.dot(v, v))


def longest_run(mask: BoolArray) -> tuple[int, int]:
    """Return the half-open range of the longest run of true, the first of equals; (0, 0) if none."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    if len(starts) == 0:
        return 0, 0
    best = int(np.argmax(stops - starts))
    return int(starts[best]), int(stops[best])


def principal_axis(rotations: FloatArray) -> tuple[FloatArray, float]:
    """Return the axis, shape (3,), common to rotation vectors of shape (n, 3), and its share of them."""
    values, vectors = np.linalg.eigh(rotations.T @ rotations)
    total = float(values.sum())
    axis: FloatArray = vectors[:, 2]
    return axis, float(values[2]) / total if total > 0 else 0.0


def functional(
    hold: Orientation,
    rotations: Orientation,
    *,
    outward_normal_sensor: Vector | None,
    side: Side | None,
    gyr_bias_radps: FloatArray | None = None,
) -> Calibration:
    """Return the calibration from a still hold and the slow rotations after it; its zero is the pose held.

    `gyr_bias_radps` of shape (3,) is the gyroscope's bias where a longer hold has shown it. Raises
    `CalibrationRefused` with what to do differently.
    """
    if len(hold.t_ns) < 2 or len(rotations.t_ns) < 2:
        raise CalibrationRefused(
            "too few samples came during the calibration: check the sensor and repeat", "few-samples"
        )
    rate = angular_rate(hold)
    mean = rate.mean(axis=0)
    if float(np.percentile(_norm(rate - mean), 95)) > STILL_RADPS:
        raise CalibrationRefused("the leg moved during the hold: keep still and repeat", "moved")
    bias = mean if gyr_bias_radps is None else gyr_bias_radps
    q0 = quaternion.mean(hold.q_earth_from_sensor)
    relative = _since_hold(hold, rotations, q0, bias)
    axis, share = principal_axis(relative)
    swing = quaternion.dot(relative, axis)
    if float(np.abs(swing).max()) < MIN_SWING_RAD:
        reached = f"{np.abs(swing).max() * DEG_PER_RAD:.0f}"
        raise CalibrationRefused(
            f"the rotations reached only {reached}°: turn further, 20° is good, and repeat",
            "rotations-small",
            deg=reached,
        )
    spread = _spread(relative, swing, axis, 1.0)
    quality = grade(share, spread)
    if quality == "poor":
        apart, about = f"{spread * DEG_PER_RAD:.0f}", f"{100.0 * share:.0f}"
        raise CalibrationRefused(
            f"the rotations differ by {apart}° and {about}% of the movement "
            "was about one axis: keep the knee still and repeat",
            "rotations-differ",
            deg=apart,
            percent=about,
        )
    direction, sign = _direction(axis, outward_normal_sensor, side_sign(side) * swing)
    return _record(
        axis=axis * direction,
        up0=quaternion.up_in_sensor(quaternion.mean(hold.q_earth_from_sensor)),
        q0=q0,
        bias=bias,
        zero="pose",
        source="session",
        share=share,
        spread=spread,
        sign=sign,
        window_ns=(int(hold.t_ns[0]), int(rotations.t_ns[-1])),
        quality=quality,
    )


def _since_hold(hold: Orientation, rotations: Orientation, q0: FloatArray, bias: FloatArray) -> FloatArray:
    """Return the rotation vectors since the hold, shape (n, 3), in sensor axes.

    By the rate alone where that is measured: the filter's correction towards gravity takes the leg's
    acceleration for a tilt, which doubles the error of the axis.
    """
    gyr, before = rotations.gyr_radps, hold.gyr_radps
    seconds = int(rotations.t_ns[-1] - hold.t_ns[-1]) / NS_PER_S
    if gyr is None or before is None or seconds > MAX_INTEGRATED_S:
        q = quaternion.multiply(quaternion.conjugate(q0), rotations.q_earth_from_sensor)
        return quaternion.to_rotation_vector(q)
    rate = np.concatenate((before[-1:], gyr)) - bias
    step_s = np.diff(rotations.t_ns, prepend=hold.t_ns[-1])[:, None] / NS_PER_S
    q = quaternion.from_rotation_vector(0.5 * (rate[1:] + rate[:-1]) * step_s)
    # all products of the first 1, 2, 3 … steps, by doubling
    reach = 1
    while reach < len(q):
        q[reach:] = quaternion.multiply(q[:-reach], q[reach:])
        reach *= 2
    return quaternion.to_rotation_vector(q)


def auto(block: Orientation, *, outward_normal_sensor: Vector | None, side: Side | None) -> Calibration:
    """Return a calibration estimated from a whole recording: its longest rest and its dominant rotation.

    For recordings that carry none. One without rest is calibrated from its slowest moment. The direction
    of the axis is the case normal's where that is known and else assumed so that the larger excursions
    from rest are internal (positive). Raises `InputError` if the recording is too short or shows no rotation.
    """
    rate = angular_rate(block)
    if len(rate) < 2 or int(block.t_ns[-1] - block.t_ns[0]) < 2 * NS_PER_S:
        raise InputError("the recording is shorter than 2 s: too short to calibrate from")
    # Rotations over half a second: long enough that noise and impacts do not matter, short enough that
    # heading drift does not and a fast repetition is not over. A hinge's axis is the same in all of them.
    span = max(1, int(np.searchsorted(block.t_ns, block.t_ns[0] + NS_PER_S // 2)))
    # A sample sixteen times a second tells as much of a whole recording as all of them.
    every = max(1, int(len(rate) * NS_PER_S / int(block.t_ns[-1] - block.t_ns[0]) / 16.0))
    # a rough bias first: the rate is near it most of the time, whatever the movement
    x, y, z = np.median(rate[::every], axis=0).tolist()
    # column by column, and no roots: a third of the time, which is felt in an hour
    speed2 = (rate[:, 0] - x) ** 2
    speed2 += (rate[:, 1] - y) ** 2
    speed2 += (rate[:, 2] - z) ** 2
    start, stop = longest_run(speed2 < STILL_RADPS**2)
    if stop - start < 2 or int(block.t_ns[stop - 1] - block.t_ns[start]) < NS_PER_S // 4:
        # never at rest: the slowest moment, a turning point, serves as neutral
        slowest = int(np.argmin(speed2))
        start, stop = slowest, slowest + 1
    still = block.gyr_radps is not None and stop - start > 1
    bias = rate[start:stop].mean(axis=0) if still else np.zeros(3)
    q = block.q_earth_from_sensor
    q0 = quaternion.mean(q[start:stop])
    up0 = quaternion.up_in_sensor(q0)
    q_before, q_after = q[:-span:every], q[span::every]
    relative = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(q_before), q_after))
    axis, share = principal_axis(relative)
    if abs(float(quaternion.dot(axis, up0))) < MAX_TILT:
        angle = gravity_angle(quaternion.up_in_sensor(q[::every]), up0, axis)
    else:
        angle = twist_angle(q[::every], q0, axis)
    swing = quaternion.dot(relative, axis)
    # what is never faster than a leg at rest is heading drift, however far it gets
    far, fast = (float(np.percentile(np.abs(values), 99)) for values in (angle, swing))
    if far < 2.0 * RAD_PER_DEG or fast < 0.5 * STILL_RADPS:
        raise InputError("the recording shows no rotation to calibrate from")
    spread = _spread(relative, swing, axis, 0.75)
    # where the angle goes from rest, and stays, is out: compare the area on both sides
    direction, sign = _direction(axis, outward_normal_sensor, side_sign(side) * angle)
    return _record(
        axis=axis * direction,
        up0=up0,
        q0=q0,
        bias=bias,
        zero="pose",
        source="auto",
        share=share,
        spread=spread,
        sign=sign,
        window_ns=(int(block.t_ns[0]), int(block.t_ns[-1])),
        quality=grade(share, spread),
    )


def directed(
    calibration: Calibration, movement: Orientation, *, asked: Direction, side: Side | None
) -> Calibration:
    """Return the calibration with the direction of its axis taken from one movement that was asked for.

    For a sensor whose outward normal lies across the axis or is not known. The movement begins at rest, goes
    in the asked direction and may come back. Raises `CalibrationRefused` if it shows no direction.
    """
    axis = np.array(calibration.axis_sensor)
    if abs(float(quaternion.dot(axis, np.array(calibration.up0_sensor)))) < MAX_TILT:
        up = quaternion.up_in_sensor(movement.q_earth_from_sensor)
        angle = gravity_angle(up, up[0], axis)
    else:
        angle = twist_angle(movement.q_earth_from_sensor, movement.q_earth_from_sensor[0], axis)
    furthest, least = float(np.abs(angle).max()), min(float(angle.max()), float(-angle.min()))
    if furthest < MIN_SWING_RAD:
        reached = f"{furthest * DEG_PER_RAD:.0f}"
        raise CalibrationRefused(
            f"the movement reached only {reached}°: go further, 20° is good, and repeat",
            "movement-small",
            deg=reached,
        )
    if least > 0.5 * furthest:
        raise CalibrationRefused(
            "the movement went both ways: go one way only, come back, and repeat", "both-ways"
        )
    went = side_sign(side) * (1.0 if float(angle.max()) == furthest else -1.0)
    flip = went if asked is Direction.INTERNAL else -went
    x, y, z = (flip * axis).tolist()
    return dataclasses.replace(
        calibration, axis_sensor=(x, y, z), pose_rad=flip * calibration.pose_rad, sign="movement"
    )


def _spread(relative: FloatArray, swing: FloatArray, axis: FloatArray, quantile: float) -> float:
    """Return the angle, rad, between single rotations' axes and the common one, at a quantile of them."""
    far = np.abs(swing) > 0.5 * np.abs(swing).max()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], far, [False])).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    total = np.concatenate((np.zeros((1, 3)), np.cumsum(relative, axis=0)))
    single = (total[stops] - total[starts]) * np.sign(swing[starts])[:, None]
    angles = np.arctan2(_norm(quaternion.cross(single, axis)), quaternion.dot(single, axis))
    return float(np.quantile(angles, quantile))


def _direction(
    axis: FloatArray, outward_normal_sensor: Vector | None, internal: FloatArray
) -> tuple[float, Literal["normal", "movement", "assumed"]]:
    """Return ±1 that makes the axis point proximally, and where that knowledge came from.

    With the knee bent the front of the shin faces away from the hip, so the proximal femur axis is
    opposite to the outward normal of a sensor on the front of the shin. Without that, the larger part of
    `internal`, the rotation with the leg's sign applied, is assumed to be internal rotation.
    """
    if outward_normal_sensor is not None:
        along = float(quaternion.dot(axis, np.array(outward_normal_sensor)))
        if abs(along) > NORMAL_LIMIT:
            return (-1.0 if along > 0 else 1.0), "normal"
    return (1.0 if float(internal.sum()) >= 0 else -1.0), "assumed"


def _record(
    *,
    axis: FloatArray,
    up0: FloatArray,
    q0: FloatArray,
    bias: FloatArray,
    zero: Literal["gravity", "pose"],
    source: Literal["session", "file", "auto"],
    share: float,
    spread: float,
    sign: Literal["normal", "movement", "assumed"],
    window_ns: tuple[int, int],
    quality: Literal["good", "fair", "poor"],
) -> Calibration:
    def three(v: FloatArray) -> Vector:
        return float(v[0]), float(v[1]), float(v[2])

    return Calibration(
        axis_sensor=three(axis),
        up0_sensor=three(up0),
        q0_earth_from_sensor=(float(q0[0]), *three(q0[1:])),
        gyr_bias_radps=three(bias),
        zero=zero,
        source=source,
        axis_share=share,
        axis_spread_rad=spread,
        sign=sign,
        window_s=(window_ns[0] / NS_PER_S, window_ns[1] / NS_PER_S),
        grade=quality,
    )


def to_dict(calibration: Calibration) -> dict[str, Any]:
    """Return the record as plain JSON types."""
    return dataclasses.asdict(calibration)


CHOICES = {n: get_args(t) for n, t in get_type_hints(Calibration).items() if get_origin(t) is Literal}
LENGTHS = {
    "axis_sensor": 3,
    "up0_sensor": 3,
    "q0_earth_from_sensor": 4,
    "gyr_bias_radps": 3,
    "window_s": 2,
    "shank_axis_sensor": 3,
}
OPTIONAL = {"shank_axis_sensor", "pose_rad"}
"""Fields that records had not from the first day on."""


MOST = 1e9
"""More than any radian, second or share in a calibration."""


def from_dict(value: Mapping[str, Any]) -> Calibration:
    """Return the record from plain JSON types; raise `InputError` naming the field that is wrong."""
    if value.get("version") != 1:
        raise InputError(
            f"calibration version {value.get('version')!r} is not 1: made by another program version"
        )
    fields = {f.name for f in dataclasses.fields(Calibration)}
    if missing := sorted(fields - OPTIONAL - value.keys()):
        raise InputError(f"the calibration lacks {', '.join(missing)}")
    checked: dict[str, Any] = {name: value[name] for name in fields if name in value}
    for name, length in LENGTHS.items():
        numbers = checked.get(name)
        if name in OPTIONAL and numbers is None:
            continue
        if (
            not isinstance(numbers, list | tuple)
            or len(numbers) != length
            or not all(map(_is_finite, numbers))
        ):
            raise InputError(f"the calibration's {name} must be {length} finite numbers")
        checked[name] = tuple(float(x) for x in numbers)
    for name in ("axis_sensor", "up0_sensor", "q0_earth_from_sensor", "shank_axis_sensor"):
        if checked.get(name) is not None and abs(math.hypot(*checked[name]) - 1.0) > 1e-3:
            raise InputError(f"the calibration's {name} must have length 1")
    for name in ("axis_share", "axis_spread_rad", "pose_rad"):
        if name in checked and not _is_finite(checked[name]):
            raise InputError(f"the calibration's {name} must be a finite number")
    for name, choices in CHOICES.items():
        if checked[name] not in choices:
            raise InputError(f"the calibration's {name} must be one of {', '.join(choices)}")
    return Calibration(**checked)


def _is_finite(value: object) -> bool:
    """Return whether it is a number, and none whose square is too large for one."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST


def window(block: Orientation, from_ns: int, to_ns: int) -> Orientation:
    """Return the part of a block with from_ns ≤ t < to_ns."""
    a, b = (int(np.searchsorted(block.t_ns, t)) for t in (from_ns, to_ns))
    keep: slice = slice(a, b)
    t_ns: IntArray = block.t_ns[keep]
    return Orientation(
        stream=block.stream,
        t_ns=t_ns,
        q_earth_from_sensor=block.q_earth_from_sensor[keep],
        gyr_radps=None if block.gyr_radps is None else block.gyr_radps[keep],
        lost_before=block.lost_before[keep],
        trusted=block.trusted[keep],
    )
