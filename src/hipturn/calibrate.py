"""Functional calibration from part of a recording: a still hold, then a few slow rotations."""

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hipturn import config, drivers, places
from hipturn.core import calibration as calibrations
from hipturn.core import pelvis, quaternion
from hipturn.core import zero as zeros
from hipturn.core.fusion import FusionParams
from hipturn.core.pipeline import Front
from hipturn.core.positions import placed
from hipturn.errors import CalibrationRefused, InputError
from hipturn.model import (
    BoolArray,
    Calibration,
    FloatArray,
    Input,
    LinkUp,
    Mark,
    MarkKind,
    Orientation,
    Side,
    StreamInfo,
)
from hipturn.recording import Reader
from hipturn.sources.vetted import vetted
from hipturn.units import DEG_PER_RAD, NS_PER_S

HOLD_S = 2.0
"""Shortest hold the zero is taken from (a gyroscope bias is better with 5 s)."""


def calibrate(
    path: Path,
    *,
    from_s: float = 0.0,
    to_s: float = math.inf,
    side: Side | None = None,
    standing_s: tuple[float, float] | None = None,
) -> Calibration:
    """Return the calibration from the first still hold of the part and the rotations after it.

    With a stretch of quiet standing the shin's long axis is known, and with it the gravity zero, where the
    recording's position is for one; other positions keep the pose zero. Times are stream time. Raises
    `InputError` for a recording that cannot be read and `CalibrationRefused` for a part that no calibration
    can be taken from.
    """
    reader = Reader(path)
    settings = config.effective(places.config_file(), reader.session.settings, {})
    params = config.core_params(settings).fusion
    link, told, part = _part(path, reader, params, from_s, to_s, None)
    bias: FloatArray | None = None
    start, stop = _hold(part, from_s)
    hold_from, hold_to = int(part.t_ns[start]), int(part.t_ns[stop - 1])
    if part.gyr_radps is not None:
        # again with the bias known from the start: halves the error of the axis
        bias = part.gyr_radps[start:stop].mean(axis=0)
        link, told, part = _part(path, reader, params, from_s, to_s, bias)
    hold = calibrations.window(part, hold_from, hold_to + 1)
    rotations = calibrations.window(part, hold_to + 1, int(part.t_ns[-1]) + 1)
    if not rotations.trusted.all():
        lost_s = int(rotations.t_ns[int(np.argmin(rotations.trusted))]) / NS_PER_S
        raise CalibrationRefused(
            f"data was lost just before {lost_s:.1f} s, during the rotations: end before it with --to"
        )
    try:
        found = calibrations.functional(
            hold, rotations, outward_normal_sensor=link.outward_normal_sensor, side=side or told
        )
    except CalibrationRefused as refusal:
        raise CalibrationRefused(f"{refusal}, or choose another part by --from and --to") from refusal
    if standing_s is not None:
        _, _, standing = _part(path, reader, params, *standing_s, bias)
        found = _upright(found, standing, reader.session.position)
    return dataclasses.replace(found, source="file")


def _upright(found: Calibration, standing: Orientation, position: str | None) -> Calibration:
    """Return the calibration with what quiet standing shows."""
    long_axis = zeros.shank_axis(standing)
    where = placed(position)
    if where is not None and where.zero == "pose":
        return dataclasses.replace(found, shank_axis_sensor=long_axis)
    return zeros.with_gravity_zero(found, long_axis)


def _part(
    path: Path, reader: Reader, params: FusionParams, from_s: float, to_s: float, bias: FloatArray | None
) -> tuple[StreamInfo, Side | None, Orientation]:
    """Return the leg's handshake, its leg if that is told, and its orientation in the part."""
    front = Front(params, drivers.decoder)
    link: LinkUp | None = None
    side: Side | None = None
    blocks: list[Orientation] = []
    for item in _with_bias(vetted(reader.inputs(), path.name), bias):
        match item:
            case LinkUp() if link is None and item.stream != pelvis.ROLE:
                link = item
            case Mark(kind=MarkKind.SIDE) if link is not None and item.stream == link.stream:
                side = Side(item.value["side"])
        blocks += [seen for seen in front.push(item) if isinstance(seen, Orientation)]
    if link is None or not blocks:
        raise InputError(f"{path.name}: no sample is in it{': ' + reader.problem if reader.problem else ''}")
    block = calibrations.join([each for each in blocks if each.stream == link.stream])
    end_s = int(block.t_ns[-1]) / NS_PER_S
    part = calibrations.window(block, round(from_s * NS_PER_S), round(min(to_s, end_s + 1.0) * NS_PER_S))
    if len(part.t_ns) < 2:
        raise CalibrationRefused(f"nothing lies in that part: {path.name} goes from 0 to {end_s:.1f} s")
    return link.info, side, part


def _with_bias(items: Iterator[Input], bias: FloatArray | None) -> Iterator[Input]:
    """Yield the inputs, telling each new link's filter the gyroscope's bias if that is known."""
    for item in items:
        yield item
        if isinstance(item, LinkUp) and item.stream != pelvis.ROLE and bias is not None:
            yield Mark(item.stream, item.at_ns, MarkKind.BIAS, {"gyr_bias_radps": bias.tolist()})


def _hold(part: Orientation, from_s: float) -> tuple[int, int]:
    """Return the half-open range of the first rest of at least `HOLD_S`."""
    rate = calibrations.angular_rate(part)
    deviation = rate - _quietest(rate, part)
    still = part.trusted & (quaternion.dot(deviation, deviation) < calibrations.STILL_RADPS**2)
    longest_s = 0.0
    for start, stop in _runs(still):
        seconds = int(part.t_ns[stop - 1] - part.t_ns[start]) / NS_PER_S
        if seconds >= HOLD_S:
            return start, stop
        longest_s = max(longest_s, seconds)
    raise CalibrationRefused(
        f"the leg is never still for {HOLD_S:g} s from {from_s:g} s on (longest {longest_s:.1f} s below "
        f"{calibrations.STILL_RADPS * DEG_PER_RAD:.0f} °/s): choose a part that begins with a hold, by --from"
    )


def _quietest(rate: FloatArray, part: Orientation) -> FloatArray:
    """Return the mean rate, shape (3,), of the `HOLD_S` it varies least in: the bias, if that is a hold."""
    seconds = int(part.t_ns[-1] - part.t_ns[0]) / NS_PER_S
    rows = max(1, round(HOLD_S * len(rate) / max(seconds, HOLD_S)))
    sums = np.cumsum(np.vstack((np.zeros(3), rate)), axis=0)
    squares = np.cumsum(np.concatenate(([0.0], quaternion.dot(rate, rate))))
    mean = (sums[rows:] - sums[:-rows]) / rows
    variance = (squares[rows:] - squares[:-rows]) / rows - quaternion.dot(mean, mean)
    return np.asarray(mean[int(variance.argmin())])


def _runs(mask: BoolArray) -> list[tuple[int, int]]:
    """Return the half-open ranges of consecutive true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def to_json(calibration: Calibration) -> str:
    """Return the text of a calibration file."""
    return json.dumps(calibrations.to_dict(calibration), indent=2, allow_nan=False) + "\n"
