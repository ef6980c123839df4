"""What decoders have in common: good rows become samples, the others are counted where they were."""

from collections.abc import Sequence

import numpy as np

from hipturn.drivers import nothing
from hipturn.model import BoolArray, FloatArray, IntArray, RawSamples, StreamInfo


def kept(
    info: StreamInfo,
    good: BoolArray,
    tick: IntArray,
    at_ns: IntArray,
    *,
    acc_mps2: FloatArray | None = None,
    gyr_radps: FloatArray | None = None,
    q_earth_from_sensor: FloatArray | None = None,
    aside: BoolArray | None = None,
    pressed: BoolArray | None = None,
    per_row: int = 1,
) -> RawSamples:
    """Return the samples of the `good` rows; the other rows are bad, but for those that lie `aside`.

    Some of those aside may tell that the button was `pressed`. A row is a packet with `per_row` samples:
    `good`, `aside`, `pressed` and `at_ns` are of shape (rows,), the rest of shape (rows * per_row, …).
    Quantities the stream does not have may be left out; where one is left out that it should have, as a
    damaged recording may claim, all rows are bad.
    """
    lacking = info.has_imu and (acc_mps2 is None or gyr_radps is None)
    if lacking or (info.has_quaternion and q_earth_from_sensor is None):
        return nothing(info, len(good) if aside is None else int((~aside).sum()))
    bad = ~good if aside is None else ~(good | aside)

    def before(there: BoolArray | None) -> tuple[int, ...]:
        return tuple((per_row * np.cumsum(good)[there]).tolist()) if there is not None and there.any() else ()

    bad_before, pressed_before = before(bad), before(pressed)
    if per_row > 1:
        good, at_ns = np.repeat(good, per_row), np.repeat(at_ns, per_row)

    def some(there: bool, values: FloatArray | None) -> FloatArray | None:
        return np.ascontiguousarray(values[good], np.float64) if there and values is not None else None

    return RawSamples(
        tick=tick[good],
        at_ns=at_ns[good],
        acc_mps2=some(info.has_imu, acc_mps2),
        gyr_radps=some(info.has_imu, gyr_radps),
        q_earth_from_sensor=some(info.has_quaternion, q_earth_from_sensor),
        bad_before=bad_before,
        pressed_before=pressed_before,
    )


def joined(info: StreamInfo, pieces: Sequence[RawSamples]) -> RawSamples:
    """Return pieces in the order they came as one."""
    if not pieces:
        return nothing(info, 0)
    if len(pieces) == 1:
        return pieces[0]
    bad_before: list[int] = []
    pressed_before: list[int] = []
    before = 0
    for piece in pieces:
        bad_before += [before + i for i in piece.bad_before]
        pressed_before += [before + i for i in piece.pressed_before]
        before += len(piece.tick)

    def all_of(parts: list[FloatArray | None]) -> FloatArray | None:
        there = [part for part in parts if part is not None]
        return np.concatenate(there) if there else None

    return RawSamples(
        tick=np.concatenate([piece.tick for piece in pieces]),
        at_ns=np.concatenate([piece.at_ns for piece in pieces]),
        acc_mps2=all_of([piece.acc_mps2 for piece in pieces]),
        gyr_radps=all_of([piece.gyr_radps for piece in pieces]),
        q_earth_from_sensor=all_of([piece.q_earth_from_sensor for piece in pieces]),
        bad_before=tuple(bad_before),
        pressed_before=tuple(pressed_before),
    )


def within(values: FloatArray, most: float) -> BoolArray:
    """Return which rows have no component beyond ±`most`; NaN is beyond."""
    return np.asarray((np.abs(values) <= most).all(axis=-1))


def unit(q: FloatArray, tolerance: float) -> tuple[FloatArray, BoolArray]:
    """Return quaternions made exactly unit, and which of them were so within `tolerance`; shape (n, 4)."""
    norm = np.sqrt(np.sum(q * q, axis=-1))
    good = np.asarray(np.abs(norm - 1.0) <= tolerance)
    return q / np.where(good, norm, 1.0)[..., None], good
