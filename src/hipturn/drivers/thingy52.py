"""Nordic Thingy:52: acceleration and rate of its motion service (firmware-notes/thingy52.md)."""

import contextlib
import struct
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from hipturn.drivers import Advertisement, Command, Decode, Driver, Link, nothing
from hipturn.drivers.rows import kept, unit, within
from hipturn.errors import LinkError
from hipturn.model import FloatArray, Packets, RawSamples, StreamInfo
from hipturn.units import RAD_PER_DEG, STANDARD_GRAVITY_MPS2


def _uuid(short: int) -> str:
    return f"ef68{short:04x}-9b35-4933-9b10-52ffa9740042"


SERVICE_UUID, VERSION_UUID, MOTION_SERVICE_UUID = _uuid(0x0100), _uuid(0x0107), _uuid(0x0400)
CONFIG_UUID, QUATERNION_UUID, RAW_UUID = _uuid(0x0401), _uuid(0x0404), _uuid(0x0406)
USER_SERVICE_UUID, LED_UUID, BUTTON_UUID = _uuid(0x0300), _uuid(0x0301), _uuid(0x0302)
BREATHE = bytes([2, 7, 100]) + (400).to_bytes(2, "little")
"""Note §2: the LED comes and goes in white at full intensity, every 400 ms."""

CONFIG = struct.Struct("<HHHHB")
"""Note §2: steps, temperature and compass in ms, motion processing in Hz, wake on motion."""
RATE_HZ = 100.0

ACC_MPS2_PER_LSB = STANDARD_GRAVITY_MPS2 / 1024.0
GYR_RADPS_PER_LSB = RAD_PER_DEG / 32.0
Q_PER_LSB = 1.0 / 2**30
"""Note §3: fixed point with 10, 5 and 30 bits after the point."""
RAW_SIZE, QUATERNION_SIZE, BUTTON_SIZE = 18, 16, 1
MOST_ACC_MPS2 = 4.1 * STANDARD_GRAVITY_MPS2
"""Twice its range, as far as that is known: in a packet without any mark what is beyond shows damage."""
UNIT_WITHIN = 0.05
"""Its quaternions are not exactly unit."""


def encode(acc_mps2: FloatArray, gyr_radps: FloatArray) -> bytes:
    """Return the raw notification of one sample; beyond ±32 g and ±1024 °/s it saturates; no compass."""
    lsb = np.concatenate((acc_mps2 / ACC_MPS2_PER_LSB, gyr_radps / GYR_RADPS_PER_LSB, np.zeros(3)))
    return np.clip(np.rint(lsb), -32768, 32767).astype("<i2").tobytes()


def encode_quaternion(q_earth_from_sensor: FloatArray) -> bytes:
    """Return the notification of one orientation."""
    return np.rint(q_earth_from_sensor / Q_PER_LSB).astype("<i4").tobytes()


def decode(packets: Packets, info: StreamInfo) -> RawSamples:
    """Turn notifications into samples, of the kind the stream has; what cannot be read is counted."""
    count, size = packets.data.shape
    tick, good = np.zeros(count, np.int64), np.ones(count, np.bool_)
    data = np.ascontiguousarray(packets.data)
    if info.has_imu and not info.has_quaternion and size == RAW_SIZE:
        lsb = data.view("<i2")
        acc, gyr = lsb[:, :3] * ACC_MPS2_PER_LSB, lsb[:, 3:6] * GYR_RADPS_PER_LSB
        return kept(info, within(acc, MOST_ACC_MPS2), tick, packets.at_ns, acc_mps2=acc, gyr_radps=gyr)
    if info.has_quaternion and not info.has_imu and size == QUATERNION_SIZE:
        q, good = unit(data.view("<i4") * Q_PER_LSB, UNIT_WITHIN)
        return kept(info, good, tick, packets.at_ns, q_earth_from_sensor=q)
    if size == BUTTON_SIZE:
        told = nothing(info, int((data[:, 0] > 1).sum()))
        return replace(told, pressed_before=(0,) * int((data[:, 0] == 1).sum()))
    return nothing(info, count)


class Thingy52Driver(Driver):
    """The Thingy:52 with the firmware it comes with."""

    name = "thingy52"
    title = "Nordic Thingy:52"
    trust = "vendor's open firmware and its documentation, and three independent programs; no capture"
    untried = "everything; doubtful: full scale of the accelerometer (±2 g), directions of the case's axes"

    def matches(self, seen: Advertisement) -> bool:
        """Return whether name or advertised service is that of a Thingy:52."""
        return seen.name.startswith("Thingy") or SERVICE_UUID in seen.service_uuids

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        return partial(decode, info=info)

    async def start(self, link: Link) -> StreamInfo:
        """Set the rate if it is another, for the sensor writes it to its flash; then subscribe (note §4)."""
        config = await link.read(CONFIG_UUID)
        if len(config) != CONFIG.size:
            raise LinkError(
                f"the sensor's motion configuration has {len(config)} bytes, not {CONFIG.size}: "
                "update its firmware"
            )
        *others, rate_hz, wake = CONFIG.unpack(config)
        if rate_hz != RATE_HZ:
            await link.write(CONFIG_UUID, CONFIG.pack(*others, int(RATE_HZ), wake))
        version = b""
        with contextlib.suppress(LinkError):
            version = await link.read(VERSION_UUID)
        with contextlib.suppress(LinkError):
            await link.subscribe(BUTTON_UUID)
        await link.subscribe(RAW_UUID)
        return StreamInfo(
            self.name, RATE_HZ, tick_hz=0.0, tick_bits=0, firmware=".".join(map(str, version[:3]))
        )

    async def stop(self, link: Link) -> None:
        """Unsubscribe: nothing else stops it."""
        await link.unsubscribe(RAW_UUID)

    commands: Mapping[str, Command] = {"identify": lambda link: link.write(LED_UUID, BREATHE)}


def driver() -> Thingy52Driver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return Thingy52Driver()
