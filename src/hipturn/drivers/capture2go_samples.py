"""Capture2Go's sample packages: which bytes mean what, both ways (firmware-notes/capture2go.md §4)."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hipturn.drivers.rows import kept
from hipturn.model import BoolArray, FloatArray, IntArray, RawSamples, StreamInfo
from hipturn.units import NS_PER_S, RAD_PER_DEG

GYR_RADPS_PER_LSB = 2000.0 * RAD_PER_DEG / 32768.0
ACC_MPS2_PER_LSB = 16.0 * 9.81 / 32768.0
"""The vendor's g is 9.81 m/s²."""
DELTA_RAD_PER_LSB = math.pi / 32768.0
Q_PER_LSB = math.sqrt(2.0) / 0xFFFFF
Q_MOST = math.sqrt(0.5)
"""The three smaller components of a unit quaternion lie within ±√½."""
REST, DISTURBED = 1 << 62, 1 << 63
"""Bits beside the orientation: the sensor is at rest; the magnetic field is disturbed."""

RATES_HZ = (200.0, 100.0, 50.0, 25.0, 10.0, 1.0)
"""By the header's last digit, from 1."""
REAL_TIME = 7
"""The last digit of the kinds that come at no certain rate."""


@dataclass(frozen=True)
class Kind:
    """What the packages of one header hold."""

    header: int
    samples: int
    has_imu: bool
    has_quaternion: bool
    """Of every sample; the packed kinds with rates have that of their first only."""
    has_mag: bool

    @property
    def rate_hz(self) -> float:
        """Samples a second; 0 for real-time kinds."""
        digit = self.header & 0xF
        return 0.0 if digit == REAL_TIME else RATES_HZ[digit - 1]

    @cached_property
    def layout(self) -> np.dtype[np.void]:
        """The payload as a record."""
        n = self.samples
        if not self.has_imu:
            each = [("quat", "<u8", (n,)), ("delta", "<i2", (n,)), ("flags", "u1", (n,))]
            return np.dtype([("tick", "<i8"), *each])
        vectors = [("gyr", "<i2", (n, 3)), ("acc", "<i2", (n, 3))]
        if self.has_mag:
            vectors.append(("mag", "<i2", (n, 3)))
        return np.dtype([("tick", "<i8"), *vectors, ("quat", "<u8", (1,)), ("delta", "<i2"), ("flags", "u1")])


def _kinds() -> dict[int, Kind]:
    groups = (
        (0x220, 8, True, False, True),
        (0x230, 8, True, False, False),
        (0x240, 1, True, True, True),
        (0x250, 1, True, True, False),
        (0x270, 20, False, True, False),
        (0x280, 1, False, True, False),
    )
    found = {}
    for group, samples, has_imu, has_quaternion, has_mag in groups:
        last = REAL_TIME if group in (0x240, 0x280) else REAL_TIME - 1
        for header in range(group + 1, group + last + 1):
            found[header] = Kind(header, samples, has_imu, has_quaternion, has_mag)
    return found


KINDS = _kinds()
"""Note §4: the kinds of sample packages by header id."""


def unpack_quaternions(
    packed: NDArray[np.uint64],
) -> tuple[FloatArray, BoolArray]:
    """Return orientations, shape (n, 4), of 64-bit words of shape (n,), and which words can hold one."""
    n = len(packed)
    omitted = ((packed >> np.uint64(60)) & np.uint64(3)).astype(np.int64)
    q = np.zeros((n, 4))
    rows = np.arange(n)
    for place in range(3):
        # the lowest 20 bits hold the component before the omitted one, going round
        lsb = ((packed >> np.uint64(20 * place)) & np.uint64(0xFFFFF)).astype(np.float64)
        q[rows, (omitted + 3 - place) % 4] = lsb * Q_PER_LSB - Q_MOST
    rest = 1.0 - np.sum(q * q, axis=1)
    q[rows, omitted] = np.sqrt(np.maximum(rest, 0.0))
    # what was omitted was the largest, so at least a half
    return q, np.asarray(rest > 0.2499)


def pack_quaternions(q: FloatArray) -> NDArray[np.uint64]:
    """Return the words, shape (n,), of unit quaternions of shape (n, 4)."""
    rows = np.arange(len(q))
    omitted = np.argmax(np.abs(q), axis=1)
    positive = q * np.where(q[rows, omitted] < 0.0, -1.0, 1.0)[:, None]
    packed: NDArray[np.uint64] = omitted.astype(np.uint64) << np.uint64(60)
    for place in range(3):
        value = positive[rows, (omitted + 3 - place) % 4]
        lsb = np.clip(np.rint((value + Q_MOST) / Q_PER_LSB), 0, 0xFFFFF).astype(np.uint64)
        packed |= lsb << np.uint64(20 * place)
    return packed


def decode(kind: Kind, payloads: list[bytes], at_ns: IntArray, info: StreamInfo) -> RawSamples:
    """Return the samples of packages of one kind that arrived at `at_ns`; what cannot be meant is counted."""
    n, each = len(payloads), kind.samples
    rows = np.frombuffer(b"".join(payloads), kind.layout)
    tick = rows["tick"].astype(np.int64)
    if each > 1:
        tick = (
            tick[:, None] + np.rint(np.arange(each) * (NS_PER_S / kind.rate_hz)).astype(np.int64)
        ).reshape(-1)
    good: BoolArray = np.ones(n, np.bool_)
    acc = gyr = q = None
    if info.has_imu:
        acc = rows["acc"].reshape(-1, 3) * ACC_MPS2_PER_LSB
        gyr = rows["gyr"].reshape(-1, 3) * GYR_RADPS_PER_LSB
    if info.has_quaternion:
        q, sound = unpack_quaternions(rows["quat"].reshape(-1))
        good = np.asarray(sound.reshape(n, -1).all(axis=1))
    return kept(info, good, tick, at_ns, acc_mps2=acc, gyr_radps=gyr, q_earth_from_sensor=q, per_row=each)


def encode(
    kind: Kind,
    tick_ns: int,
    q_earth_from_sensor: FloatArray,
    acc_mps2: FloatArray | None = None,
    gyr_radps: FloatArray | None = None,
) -> bytes:
    """Return the payload of as many samples as the kind holds; what is beyond a range saturates."""
    row = np.zeros(1, kind.layout)
    row["tick"] = tick_ns
    row["quat"] = pack_quaternions(q_earth_from_sensor)[: row["quat"].shape[1]]
    for name, values, scale in (("acc", acc_mps2, ACC_MPS2_PER_LSB), ("gyr", gyr_radps, GYR_RADPS_PER_LSB)):
        if values is not None:
            row[name] = np.clip(np.rint(values / scale), -32768, 32767)
    return row.tobytes()
