"""Frames of Polar's measurement data: bytes to values with times, and back (firmware-notes/polar.md)."""

import struct
from dataclasses import dataclass

import numpy as np

from hipturn.model import FloatArray, IntArray
from hipturn.units import NS_PER_S, RAD_PER_DEG, STANDARD_GRAVITY_MPS2

ACC, GYR = 2, 5
"""Types of measurement."""
HEAD = struct.Struct("<BQB")
"""Note §3: type, time of the last sample in ns since 2000, kind of frame."""
COMPRESSED = 0x80
CHANNELS = 3
MOST_BITS = 32

ACC_G_PER_LSB = 8.0 / 32768.0
GYR_DPS_PER_LSB = 2000.0 / 32768.0
"""What the ranges amount to, should the answer to the start have been lost."""
MOST = {ACC: 17.0 * STANDARD_GRAVITY_MPS2, GYR: 2200.0 * RAD_PER_DEG}
"""Its widest ranges are ±16 g and ±2000 °/s; calibration may add a little."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One notification's samples; their own times are known only beside the frame before."""

    kind: int
    last_ns: int
    """Device time of the last sample."""
    values: FloatArray
    """m/s² or rad/s, shape (n, 3), n at least 1."""


def decode(packet: bytes, factors: dict[int, float]) -> Frame | None:
    """Return the frame of a notification, with the factors the starts were answered with; None for damage."""
    if len(packet) <= HEAD.size:
        return None
    kind, last_ns, frame = HEAD.unpack_from(packet)
    body = packet[HEAD.size :]
    if kind not in MOST or last_ns >= 2**63:
        return None
    lsb = _compressed(body) if frame & COMPRESSED else _plain(body)
    scale = _scale(kind, frame & ~COMPRESSED, factors)
    if lsb is None or scale is None:
        return None
    values: FloatArray = lsb.astype(np.float64) * scale
    return Frame(kind, last_ns, values) if (np.abs(values) < MOST[kind]).all() else None


def _scale(kind: int, frame: int, factors: dict[int, float]) -> float | None:
    """Return the SI value of 1 LSB, None for a kind of frame that no note tells of."""
    match kind, frame:
        case (2, 1):
            return 1e-3 * STANDARD_GRAVITY_MPS2
        case (2, 0):
            return factors.get(ACC, ACC_G_PER_LSB) * STANDARD_GRAVITY_MPS2
        case (5, 0):
            return factors.get(GYR, GYR_DPS_PER_LSB) * RAD_PER_DEG
    return None


def _plain(body: bytes) -> IntArray | None:
    if len(body) % (2 * CHANNELS):
        return None
    return np.frombuffer(body, "<i2").reshape(-1, CHANNELS).astype(np.int64)


def _compressed(body: bytes) -> IntArray | None:
    """Return the counts of a reference and blocks of differences, shape (n, 3)."""
    if len(body) < 2 * CHANNELS:
        return None
    parts = [np.frombuffer(body[: 2 * CHANNELS], "<i2").astype(np.int64)[None]]
    at = 2 * CHANNELS
    while at < len(body):
        if len(body) - at < 2:
            return None
        bits, count = body[at], body[at + 1]
        size = (bits * count * CHANNELS + 7) // 8
        at += 2
        if bits > MOST_BITS or at + size > len(body):
            return None
        parts.append(_unpacked(body[at : at + size], bits, count))
        at += size
    return np.cumsum(np.concatenate(parts), axis=0)


def _unpacked(packed: bytes, bits: int, count: int) -> IntArray:
    """Return signed numbers of so many bits, the lowest bit first; shape (count, 3)."""
    numbers = count * CHANNELS
    if bits == 0:
        return np.zeros((count, CHANNELS), np.int64)
    stream = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")[: bits * numbers]
    weights = 2 ** np.arange(bits, dtype=np.int64)
    weights[-1] = -weights[-1]
    values: IntArray = stream.reshape(numbers, bits).astype(np.int64) @ weights
    return values.reshape(count, CHANNELS)


def encode(kind: int, last_ns: int, lsb: IntArray, frame: int = 0) -> bytes:
    """Return the compressed frame of counts within int16, shape (n, 3), in one block of differences."""
    lsb = np.asarray(lsb, np.int64)
    steps = np.diff(lsb, axis=0)
    body: bytes = lsb[0].astype("<i2").tobytes()
    if len(steps):
        bits = max(1, *(int(x if x >= 0 else ~x).bit_length() + 1 for x in steps.reshape(-1)))
        stream = (steps.reshape(-1, 1) >> np.arange(bits)) & 1
        body += bytes([bits, len(steps)])
        body += np.packbits(stream.astype(np.uint8), bitorder="little").tobytes()
    return HEAD.pack(kind, last_ns, frame | COMPRESSED) + body


def encode_plain(last_ns: int, acc_mps2: FloatArray) -> bytes:
    """Return the plain frame of accelerations, in thousandths of g."""
    mg = np.clip(np.rint(acc_mps2 / (1e-3 * STANDARD_GRAVITY_MPS2)), -32768, 32767)
    body: bytes = mg.astype("<i2").tobytes()
    return HEAD.pack(ACC, last_ns, 1) + body


SLACK = 0.2
"""Share by which the distance of two frames may differ from what their samples take before some are lost."""
FARTHEST_NS = 60 * NS_PER_S
"""Frames that lie further apart are of a clock that has been set meanwhile."""


class Times:
    """The times of one stream's samples: each frame is stamped with its last one's."""

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = NS_PER_S / rate_hz
        self._last_ns: int | None = None

    def of(self, frame: Frame) -> tuple[IntArray, bool] | None:
        """Return the samples' times in ns, shape (n,), and whether they follow what came before.

        Between two frames the samples lie evenly (note §3). Where time is missing between them they are a
        nominal period apart, and the gap lies before the first of them. None for a frame that has come
        before, or comes too late.
        """
        n = len(frame.values)
        step = self._period_ns
        follows = False
        if self._last_ns is not None:
            since_ns = frame.last_ns - self._last_ns
            if -FARTHEST_NS < since_ns <= 0:
                return None
            follows = 0 < since_ns < FARTHEST_NS
            # a little more or less is how it ticks; less than that would be before what has been told
            if follows and since_ns / n < (1.0 + SLACK) * step:
                step = since_ns / n
        self._last_ns = frame.last_ns
        back = np.rint(np.arange(n - 1, -1, -1) * step).astype(np.int64)
        return frame.last_ns - back, follows
