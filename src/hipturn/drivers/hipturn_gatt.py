"""hipturn's own GATT service, for sensors one programs oneself (firmware-notes/hipturn-gatt.md)."""

import json
import struct
from dataclasses import dataclass

import numpy as np

from hipturn.drivers import Advertisement, Link
from hipturn.errors import LinkError
from hipturn.model import FloatArray, Packets, RawSamples, StreamInfo
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
    """Return the packet of a batch of n samples; values beyond the range saturate and set CLIPPED."""
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


class HipturnDriver:
    """Sensors that speak hipturn's own GATT service, the virtual sensor among them."""

    name = "hipturn"
    title = "hipturn GATT service"
    trust = "own specification; computed packets only, never tried on a radio"

    def matches(self, seen: Advertisement) -> bool:
        """Return whether the device advertises the service."""
        return SERVICE_UUID in seen.service_uuids

    def decode(self, packets: Packets, info: StreamInfo) -> RawSamples:
        """Turn packets into samples; see `Driver.decode`. Layout: note §3 and §4."""
        data = np.ascontiguousarray(packets.data)
        count, size = data.shape
        empty = RawSamples(np.empty(0, np.int64), np.empty(0, np.int64), None, None, None, count)
        width = 2 * (4 * info.has_quaternion + 6 * info.has_imu)
        per_packet, rest = divmod(size - HEADER.size, width) if width else (0, 1)
        if size <= HEADER.size or rest or not 1 <= per_packet <= 255:
            return empty
        mask = QUATERNION * info.has_quaternion | (ACC | GYR) * info.has_imu
        good = (data[:, 0] == VERSION) & (data[:, 1] == per_packet) & (data[:, 10] == mask)
        at_ns = packets.at_ns
        if not good.all():
            data, at_ns = np.ascontiguousarray(data[good]), at_ns[good]
        first = data[:, 4:8].copy().view("<u4")[:, 0].astype(np.int64)
        period = data[:, 8:10].copy().view("<u2")[:, 0].astype(np.int64)
        tick = (first[:, None] + period[:, None] * np.arange(per_packet)) & 0xFFFFFFFF
        lsb = data[:, HEADER.size :].copy().view("<i2").reshape(-1, width // 2).astype(np.float64)
        q, imu = None, 4 * info.has_quaternion
        if info.has_quaternion:
            q = lsb[:, :4] * Q_PER_LSB
        return RawSamples(
            tick=tick.reshape(-1),
            at_ns=np.repeat(at_ns, per_packet),
            acc_mps2=lsb[:, imu : imu + 3] * ACC_MPS2_PER_LSB if info.has_imu else None,
            gyr_radps=lsb[:, imu + 3 : imu + 6] * GYR_RADPS_PER_LSB if info.has_imu else None,
            q_earth_from_sensor=q,
            bad_packets=int(count - good.sum()),
        )

    async def start(self, link: Link) -> StreamInfo:
        """Read what the sensor is, subscribe, and start acceleration and rate."""
        try:
            told = json.loads(await link.read(INFO_UUID))
            rate_hz = float(told["rate_hz"])
            normal = told.get("outward_normal")
            info = StreamInfo(
                driver=self.name,
                rate_hz=rate_hz,
                outward_normal_sensor=(float(normal[0]), float(normal[1]), float(normal[2]))
                if normal
                else None,
                name=str(told.get("name", "")),
                serial=str(told.get("serial", "")),
                firmware=str(told.get("firmware", "")),
            )
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise LinkError(
                f"the sensor's info characteristic cannot be read ({error}): update its firmware"
            ) from error
        if not 1.0 <= rate_hz <= 1000.0:
            raise LinkError(f"the sensor says it samples at {rate_hz:g} Hz; 1 to 1000 Hz can be used")
        await link.subscribe(DATA_UUID)
        await link.write(CONTROL_UUID, CONTROL.pack(VERSION, ACC | GYR, round(rate_hz), START))
        return info

    async def stop(self, link: Link) -> None:
        """Leave the sensor idle."""
        await link.write(CONTROL_UUID, CONTROL.pack(VERSION, 0, 0, STOP))


def driver() -> HipturnDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return HipturnDriver()
