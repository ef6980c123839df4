"""hipturn's own GATT service, for sensors one programs oneself (firmware-notes/hipturn-gatt.md)."""

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from hipturn.drivers import Advertisement, Decode, Driver, Link, nothing
from hipturn.errors import LinkError
from hipturn.model import FloatArray, Packets, RawSamples, StreamInfo, Vector
from hipturn.units import RAD_PER_DEG, STANDARD_GRAVITY_MPS2

SERVICE_UUID = "68697074-7572-6e00-8000-00805f9b0001"
DATA_UUID = "68697074-7572-6e00-8000-00805f9b0002"
CONTROL_UUID = "68697074-7572-6e00-8000-00805f9b0003"
INFO_UUID = "68697074-7572-6e00-8000-00805f9b0004"

VERSION = 1
HEADER = struct.Struct("<BBHIHH")
"""Note §3: version, sample count, sequence, tick of the first sample (µs), period (µs), flags."""
QUATERNION, ACC, GYR = 1, 2, 4
"""Note §3: bits of the low byte of the flags, which say what each sample carries."""
CLIPPED, GAP = 0x100, 0x200

Q_PER_LSB = 1.0 / 16384.0
ACC_MPS2_PER_LSB = STANDARD_GRAVITY_MPS2 / 2048.0
GYR_RADPS_PER_LSB = RAD_PER_DEG / 16.384
"""Note §4: Q14 quaternion, ±16 g and ±2000 °/s over an int16."""

UNIT_WITHIN = 0.01
"""Note §4: a quaternion further from unit length than this is damage; rounding makes it 0.0001."""

SLOWEST_HZ, FASTEST_HZ = 16.0, 1000.0
"""Note §6: the period is a u16 of microseconds, which ends at 15.3 Hz."""

START, STOP = 1, 0
CONTROL = struct.Struct("<BBHB")
"""Note §5: version, stream mask, rate in Hz, start or stop."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The samples of one packet before they become bytes; the same units as `RawSamples`."""

    sequence: int
    tick_us: int
    period_us: int
    acc_mps2: FloatArray | None = None
    gyr_radps: FloatArray | None = None
    q_earth_from_sensor: FloatArray | None = None
    flags: int = 0


def encode(batch: Batch) -> bytes:
    """Return the packet of a batch of n samples, at least one kind of values, all finite.

    Values beyond the range saturate and set CLIPPED.
    """
    mask, flags = 0, batch.flags
    columns: list[FloatArray] = []
    for bit, values, scale in (
        (QUATERNION, batch.q_earth_from_sensor, Q_PER_LSB),
        (ACC, batch.acc_mps2, ACC_MPS2_PER_LSB),
        (GYR, batch.gyr_radps, GYR_RADPS_PER_LSB),
    ):
        if values is not None:
            mask |= bit
            columns.append(np.asarray(values, dtype=np.float64) / scale)
    lsb = np.rint(np.concatenate(columns, axis=1))
    clipped = np.clip(lsb, -32768, 32767)
    if (clipped != lsb).any():
        flags |= CLIPPED
    header = HEADER.pack(
        VERSION, len(lsb), batch.sequence & 0xFFFF, batch.tick_us & 0xFFFFFFFF, batch.period_us, mask | flags
    )
    return header + clipped.astype("<i2").tobytes()


def read_info(value: bytes) -> StreamInfo:
    """Return what the info characteristic tells (note §6); raise `LinkError` if it is not as specified."""
    try:
        told = json.loads(value)
        rate_hz = float(told["rate_hz"])
        normal = told.get("outward_normal")
        if not SLOWEST_HZ <= rate_hz <= FASTEST_HZ:
            raise ValueError(f"{rate_hz:g} Hz is not within {SLOWEST_HZ:g} to {FASTEST_HZ:g} Hz")
        return StreamInfo(
            driver=HipturnDriver.name,
            rate_hz=rate_hz,
            outward_normal_sensor=None if normal is None else _unit(normal),
            name=str(told.get("name", "")),
            serial=str(told.get("serial", "")),
            firmware=str(told.get("firmware", "")),
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise LinkError(
            f"the sensor's info characteristic cannot be used ({error!r}): update its firmware"
        ) from error


@lru_cache(maxsize=16)
def _layout(per_packet: int, has_quaternion: bool, has_imu: bool) -> np.dtype[np.void]:
    """Return the packet as a record: the header of note §3, then the samples of note §4."""
    header = [
        ("version", "u1"),
        ("count", "u1"),
        ("sequence", "<u2"),
        ("tick", "<u4"),
        ("period", "<u2"),
        ("flags", "<u2"),
    ]
    # each quantity as one piece of bytes: it is copied in a third of the time of its numbers
    sample = [("q", "V8")] * has_quaternion + [("acc", "V6"), ("gyr", "V6")] * has_imu
    return np.dtype([*header, ("samples", sample, (per_packet,))])


def _values(pieces: NDArray[np.void], unit_per_lsb: float) -> FloatArray:
    """Return a quantity, shape (samples, components)."""
    lsb = np.ascontiguousarray(pieces).view("<i2").reshape(-1, pieces.dtype.itemsize // 2)
    return np.asarray(lsb * unit_per_lsb, np.float64)


def decode(packets: Packets, info: StreamInfo) -> RawSamples:
    """Turn packets into samples; what cannot be read is counted. Layout: note §3 and §4."""
    count, size = packets.data.shape
    each = 8 * info.has_quaternion + 12 * info.has_imu
    per_packet, rest = divmod(size - HEADER.size, each) if each else (0, 0)
    if rest or not 1 <= per_packet <= 255:
        return nothing(info, count)
    layout = _layout(per_packet, info.has_quaternion, info.has_imu)
    rows = np.ascontiguousarray(packets.data).view(layout)[:, 0]
    at_ns = packets.at_ns
    mask = QUATERNION * info.has_quaternion | (ACC | GYR) * info.has_imu
    good = (rows["version"] == VERSION) & (rows["count"] == per_packet) & (rows["flags"] & 0xFF == mask)
    q = None
    if info.has_quaternion:
        q = _values(rows["samples"]["q"], Q_PER_LSB)
        norm = np.sqrt(np.sum(q * q, axis=1, keepdims=True))
        good &= (np.abs(norm - 1.0) < UNIT_WITHIN).reshape(count, per_packet).all(axis=1)
        kept = np.repeat(good, per_packet)
        q = q[kept] / norm[kept]
    bad_before: tuple[int, ...] = ()
    if not good.all():
        bad_before = tuple((per_packet * np.cumsum(good)[~good]).tolist())
        rows, at_ns = rows[good], at_ns[good]
    tick = rows["tick"].astype(np.int64)
    if per_packet > 1:
        steps = rows["period"].astype(np.int64)[:, None] * np.arange(per_packet)
        tick = ((tick[:, None] + steps) & 0xFFFFFFFF).reshape(-1)
        at_ns = np.repeat(at_ns, per_packet)
    samples = rows["samples"]
    return RawSamples(
        tick=tick,
        at_ns=at_ns,
        acc_mps2=_values(samples["acc"], ACC_MPS2_PER_LSB) if info.has_imu else None,
        gyr_radps=_values(samples["gyr"], GYR_RADPS_PER_LSB) if info.has_imu else None,
        q_earth_from_sensor=q,
        bad_before=bad_before,
    )


class HipturnDriver(Driver):
    """Sensors that speak hipturn's own GATT service, the virtual sensor among them."""

    name = "hipturn"
    title = "hipturn GATT service"
    trust = "own specification; computed packets only"
    untried = "any real radio: only the virtual sensor has spoken it so far"

    def matches(self, seen: Advertisement) -> bool:
        """Return whether the device advertises the service."""
        return SERVICE_UUID in seen.service_uuids

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        return partial(decode, info=info)

    async def start(self, link: Link) -> StreamInfo:
        """Read what the sensor is, subscribe, and start acceleration and rate (note §5 and §6)."""
        info = read_info(await link.read(INFO_UUID))
        await link.subscribe(DATA_UUID)
        await link.write(CONTROL_UUID, CONTROL.pack(VERSION, ACC | GYR, round(info.rate_hz), START))
        return info

    async def stop(self, link: Link) -> None:
        """Leave the sensor idle."""
        await link.write(CONTROL_UUID, CONTROL.pack(VERSION, 0, 0, STOP))


def driver() -> HipturnDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return HipturnDriver()


def _unit(told: Sequence[float]) -> Vector:
    x, y, z = (float(part) for part in told)
    length = math.hypot(x, y, z)
    if not 0.0 < length < math.inf:
        raise ValueError(f"outward_normal {told} has no direction")
    return (x / length, y / length, z / length)
