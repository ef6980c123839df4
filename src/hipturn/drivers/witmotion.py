"""WitMotion sensors with Bluetooth 5: acceleration and rate (firmware-notes/witmotion.md)."""

import contextlib
from collections.abc import Mapping

import numpy as np

from hipturn.drivers import Advertisement, Command, Decode, Driver, Link, nothing
from hipturn.drivers.rows import joined, kept
from hipturn.errors import LinkError
from hipturn.model import ByteArray, FloatArray, IntArray, Packets, RawSamples, StreamInfo
from hipturn.units import RAD_PER_DEG, STANDARD_GRAVITY_MPS2

SERVICE_UUID = "0000ffe5-0000-1000-8000-00805f9a34fb"
NOTIFY_UUID = "0000ffe4-0000-1000-8000-00805f9a34fb"
WRITE_UUID = "0000ffe9-0000-1000-8000-00805f9a34fb"
"""Note §1: these end in 9a34fb, not in the 9b34fb of Bluetooth's own."""

MOTION, REGISTERS = b"\x55\x61", b"\x55\x71"
FRAME = 20
LONG_TAIL = 8
"""Note §2: some firmware is said to append date and time to each frame of motion."""

ACC_MPS2_PER_LSB = 16.0 * STANDARD_GRAVITY_MPS2 / 32768.0
GYR_RADPS_PER_LSB = 2000.0 * RAD_PER_DEG / 32768.0
ANGLE_RAD_PER_LSB = 180.0 * RAD_PER_DEG / 32768.0

RATES: Mapping[int, float] = {5: 5.0, 6: 10.0, 7: 20.0, 8: 50.0, 9: 100.0, 11: 200.0}
"""Note §3: Hz by code. 11 is in doubt."""
RATE, QUATERNION, BATTERY = 0x03, 0x51, 0x64
"""Registers."""
TRIES = 3
"""Its documentation asks for 100 ms between two writes; reading back takes about as long."""

CHARGES = (
    (397, 100), (393, 90), (387, 75), (382, 60), (379, 50), (377, 40), (373, 30), (370, 20), (368, 15),
    (350, 10), (340, 5),
)  # fmt: skip
"""Note §3: percent from so many hundredths of a volt on."""


def command(register: int, value: int) -> bytes:
    """Return the command that writes a register."""
    return bytes([0xFF, 0xAA, register]) + value.to_bytes(2, "little")


UNLOCK, SAVE = command(0x69, 0xB588), command(0x00, 0x0000)


def read_command(register: int) -> bytes:
    """Return the command that reads eight registers from this one on."""
    return command(0x27, register)


def encode(acc_mps2: FloatArray, gyr_radps: FloatArray, euler_rad: FloatArray | None = None) -> bytes:
    """Return the frame of one sample; values beyond the range saturate."""
    angles = np.zeros(3) if euler_rad is None else euler_rad
    parts = (acc_mps2 / ACC_MPS2_PER_LSB, gyr_radps / GYR_RADPS_PER_LSB, angles / ANGLE_RAD_PER_LSB)
    return MOTION + np.clip(np.rint(np.concatenate(parts)), -32768, 32767).astype("<i2").tobytes()


def encode_registers(register: int, *values: int) -> bytes:
    """Return the answer to reading eight registers, of which the first may be given."""
    words = [*values, *(0 for _ in range(8 - len(values)))]
    return REGISTERS + register.to_bytes(2, "little") + np.array(words, "<i2").tobytes()


def registers(frame: bytes) -> tuple[int, list[int]]:
    """Return the first register and the eight values of an answer of 20 bytes."""
    return int.from_bytes(frame[2:4], "little"), np.frombuffer(frame[4:FRAME], "<i2").tolist()


def charge_percent(centivolt: int) -> int:
    """Return the charge of the one-cell battery at this voltage."""
    return next((percent for least, percent in CHARGES if centivolt >= least), 0)


class Decoder:
    """One link's notifications as a stream of bytes to samples; remembers a frame that is cut in two."""

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._rest = b""
        self._lost_sync = 0

    def __call__(self, packets: Packets) -> RawSamples:
        """See `Driver.decoder`."""
        count, size = packets.data.shape
        if not self._info.has_imu or self._info.has_quaternion:
            return nothing(self._info, count)
        if not self._rest and not self._lost_sync and size and size % FRAME == 0:
            frames = np.ascontiguousarray(packets.data).reshape(-1, FRAME)
            if (frames[:, :2] == (0x55, 0x61)).all():
                return self._samples(frames, np.repeat(packets.at_ns, size // FRAME))
        pieces: list[RawSamples] = []
        for at_ns, row in zip(packets.at_ns.tolist(), packets.data):
            self._take(row.tobytes(), at_ns, pieces)
        return joined(self._info, pieces)

    def _take(self, value: bytes, at_ns: int, pieces: list[RawSamples]) -> None:
        """Add the samples that a notification completes, and the damage found on the way."""
        if self._rest and value[:2] in (MOTION, REGISTERS):
            # a notification that begins with a frame does not end another one
            self._lost_sync += len(self._rest)
            self._rest = b""
        rest = self._rest + value
        at, found = 0, bytearray()
        while len(rest) - at >= 2:
            if rest[at : at + 2] not in (MOTION, REGISTERS):
                at, self._lost_sync = at + 1, self._lost_sync + 1
                continue
            if len(rest) - at < FRAME:
                break
            if self._lost_sync:
                self._add(found, at_ns, pieces)
                self._tell_damage(pieces)
            if rest[at : at + 2] == MOTION:
                found += rest[at : at + FRAME]
            at += FRAME
        self._add(found, at_ns, pieces)
        if len(rest) - at == 1 and rest[at] != 0x55:
            at, self._lost_sync = at + 1, self._lost_sync + 1
        self._rest = rest[at:]
        if self._lost_sync > LONG_TAIL:
            self._tell_damage(pieces)

    def _add(self, found: bytearray, at_ns: int, pieces: list[RawSamples]) -> None:
        if found:
            frames = np.frombuffer(bytes(found), np.uint8).reshape(-1, FRAME)
            pieces.append(self._samples(frames, np.full(len(frames), at_ns, np.int64)))
            found.clear()

    def _tell_damage(self, pieces: list[RawSamples]) -> None:
        """Count what lies between two frames as one bad packet, but for what some firmware appends."""
        if self._lost_sync != LONG_TAIL:
            pieces.append(nothing(self._info, 1))
        self._lost_sync = 0

    def _samples(self, frames: ByteArray, at_ns: IntArray) -> RawSamples:
        lsb = np.ascontiguousarray(frames[:, 2:14]).view("<i2")
        return kept(
            self._info,
            np.ones(len(frames), np.bool_),
            np.zeros(len(frames), np.int64),
            at_ns,
            acc_mps2=lsb[:, :3] * ACC_MPS2_PER_LSB,
            gyr_radps=lsb[:, 3:] * GYR_RADPS_PER_LSB,
        )


class WitMotionDriver(Driver):
    """WT901BLE67, WT901BLE68, BWT901BLECL5.0, WT9011DCL-BT50 and their like."""

    name = "witmotion"
    title = "WitMotion BLE 5.0 (WT901BLE, WT9011DCL)"
    trust = "vendor's SDK and datasheet, five independent programs; four captured frames, of which three cut"
    untried = "everything; doubtful: 200 Hz, directions of the case's axes, reading the rate back"

    def __init__(self, rate_hz: float = 100.0) -> None:
        self._code = next(code for code, hz in RATES.items() if hz == rate_hz)

    def matches(self, seen: Advertisement) -> bool:
        """Return whether name or advertised service is that of a WitMotion."""
        return seen.name.startswith(("WT9", "BWT9")) or SERVICE_UUID in seen.service_uuids

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        return Decoder(info)

    async def start(self, link: Link) -> StreamInfo:
        """Subscribe, upon which it streams, and set the rate until it is switched off; see note §4."""
        await link.subscribe(NOTIFY_UUID)
        code = self._code
        for _ in range(TRIES):
            await link.write(WRITE_UUID, UNLOCK)
            await link.write(WRITE_UUID, command(RATE, self._code))
            try:
                code = await _register(link, RATE)
            except LinkError:
                # older firmware may not answer: then what was written holds
                break
            if code == self._code:
                break
        if RATES.get(code, 0.0) < 20.0:
            raise LinkError(
                f"the sensor keeps its rate number {code}: set 50 or 100 Hz with the vendor's program"
            )
        return StreamInfo(
            self.name, RATES[code], outward_normal_sensor=(0.0, 0.0, 1.0), tick_hz=0.0, tick_bits=0
        )

    async def stop(self, link: Link) -> None:
        """Unsubscribe: nothing else stops it."""
        with contextlib.suppress(LinkError):
            await link.unsubscribe(NOTIFY_UUID)

    async def battery(self, link: Link) -> int | None:
        """Return the charge in percent, from the battery's voltage. To be asked, it has to stream."""
        await link.subscribe(NOTIFY_UUID)
        percent = charge_percent(await _register(link, BATTERY))
        await self.stop(link)
        return percent

    commands: Mapping[str, Command] = {
        "calibrate-acc": lambda link: _configure(link, command(0x01, 0x01)),
        "zero-heading": lambda link: _configure(link, command(0x01, 0x04)),
        "save": lambda link: _configure(link, SAVE),
    }


async def _register(link: Link, register: int) -> int:
    """Return the value of a register; it may come with other frames in a notification."""
    head = REGISTERS + register.to_bytes(2, "little")

    def is_answer(value: bytes) -> bool:
        at = value.find(head)
        return 0 <= at <= len(value) - FRAME

    answer = await link.ask(WRITE_UUID, read_command(register), is_answer)
    _, values = registers(answer[answer.find(head) :])
    return int(values[0])


async def _configure(link: Link, what: bytes) -> None:
    await link.write(WRITE_UUID, UNLOCK)
    await link.write(WRITE_UUID, what)


def driver() -> WitMotionDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return WitMotionDriver()
