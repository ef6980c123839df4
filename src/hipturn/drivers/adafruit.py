"""Adafruit's BLE sensor services, for boards one programs oneself (firmware-notes/adafruit.md)."""

import contextlib
from collections.abc import Sequence
from functools import partial

import numpy as np

from hipturn.drivers import Advertisement, Decode, Driver, Link, nothing
from hipturn.drivers.pairing import Pairing
from hipturn.drivers.rows import kept, unit, within
from hipturn.errors import LinkError
from hipturn.model import ByteArray, FloatArray, Packets, RawSamples, StreamInfo
from hipturn.units import RAD_PER_DEG, STANDARD_GRAVITY_MPS2


def _uuid(short: int) -> str:
    return f"adaf{short:04x}-c332-42a8-93bd-25e905756cb8"


PERIOD_UUID = _uuid(0x0001)
"""Note §1: in every service, so it is found by its service."""
ACC_SERVICE, GYR_SERVICE, QUATERNION_SERVICE = _uuid(0x0200), _uuid(0x0400), _uuid(0x0D00)
ACC_UUID, GYR_UUID, QUATERNION_UUID = _uuid(0x0201), _uuid(0x0401), _uuid(0x0D01)
ACC, GYR, QUATERNION = 0x02, 0x04, 0x0D
"""Tags: the upper byte of the service's number."""
COMPANY = 0x0822

PERIOD_MS, OFF = 10, -1
RATE_HZ = 1000.0 / PERIOD_MS
"""Note §2: the shortest period that all boards keep to."""

MOST_ACC_MPS2, MOST_GYR_RADPS = 35.0 * STANDARD_GRAVITY_MPS2, 4400.0 * RAD_PER_DEG
"""Boards differ: more than the widest range of the IMUs they carry, ±32 g and ±4000 °/s."""
LEAST = 1e-12
"""An IMU's smallest step is larger than this by far: random bytes are often smaller, but never zero."""
UNIT_WITHIN = 0.01


def period(ms: int) -> bytes:
    """Return the value of a period: > 0 is ms, 0 means at each change, -1 never."""
    return ms.to_bytes(4, "little", signed=True)


def encode(values: Sequence[float] | FloatArray) -> bytes:
    """Return the value of a vector in SI units or of a quaternion (note §3)."""
    return np.asarray(values, "<f4").tobytes()


def _floats(data: ByteArray) -> FloatArray:
    """Return what follows the tag, shape (n, floats); infinite and NaN too."""
    with np.errstate(invalid="ignore"):
        return np.ascontiguousarray(data[:, 1:]).view("<f4").astype(np.float64)


class _Imu:
    """Acceleration and rate of one link."""

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._pairing = Pairing(info)

    def __call__(self, packets: Packets) -> RawSamples:
        """See `Driver.decoder`."""
        count, size = packets.data.shape
        if size != 13:
            return nothing(self._info, count)
        values, tags = _floats(packets.data), packets.data[:, 0]
        possible = ((np.abs(values) >= LEAST) | (values == 0.0)).all(axis=1)
        is_acc = (tags == ACC) & possible & within(values, MOST_ACC_MPS2)
        is_gyr = (tags == GYR) & possible & within(values, MOST_GYR_RADPS)
        return self._pairing.push(packets.at_ns, values[:, None], is_acc, is_gyr, np.zeros(count, np.bool_))


def _orientations(packets: Packets, info: StreamInfo) -> RawSamples:
    count, size = packets.data.shape
    if size != 17:
        return nothing(info, count)
    values = _floats(packets.data)
    sound = within(values, 2.0) & (packets.data[:, 0] == QUATERNION)
    q, good = unit(np.where(sound[:, None], values, 0.0), UNIT_WITHIN)
    return kept(info, good, np.zeros(count, np.int64), packets.at_ns, q_earth_from_sensor=q)


class AdafruitDriver(Driver):
    """Boards with the accelerometer and gyroscope services, or else with the quaternion service."""

    name = "adafruit"
    title = "Adafruit BLE sensor services"
    trust = "two published implementations by the vendor; computed packets only, they are plain floats"
    untried = "everything; it depends on the board which axes its IMU has and which rate it keeps to"

    def matches(self, seen: Advertisement) -> bool:
        """Return whether the board advertises Adafruit's company number or one of the services."""
        services = {ACC_SERVICE, GYR_SERVICE, QUATERNION_SERVICE}
        return COMPANY in seen.manufacturer_data or not services.isdisjoint(seen.service_uuids)

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        if info.has_imu == info.has_quaternion:
            return lambda packets: nothing(info, len(packets.at_ns))
        return _Imu(info) if info.has_imu else partial(_orientations, info=info)

    async def start(self, link: Link) -> StreamInfo:
        """Subscribe and set the periods: acceleration and rate, or where those are not, orientation."""
        try:
            await link.subscribe(ACC_UUID, bytes([ACC]))
            await link.subscribe(GYR_UUID, bytes([GYR]))
        except LinkError:
            await link.subscribe(QUATERNION_UUID, bytes([QUATERNION]))
            await link.write(PERIOD_UUID, period(PERIOD_MS), service=QUATERNION_SERVICE)
            return self._info(has_imu=False)
        await link.write(PERIOD_UUID, period(PERIOD_MS), service=ACC_SERVICE)
        await link.write(PERIOD_UUID, period(PERIOD_MS), service=GYR_SERVICE)
        return self._info(has_imu=True)

    def _info(self, has_imu: bool) -> StreamInfo:
        return StreamInfo(self.name, RATE_HZ, has_imu, not has_imu, tick_hz=0.0, tick_bits=0)

    async def stop(self, link: Link) -> None:
        """Turn the services off."""
        for service in (ACC_SERVICE, GYR_SERVICE, QUATERNION_SERVICE):
            with contextlib.suppress(LinkError):
                await link.write(PERIOD_UUID, period(OFF), service=service)


def driver() -> AdafruitDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return AdafruitDriver()
