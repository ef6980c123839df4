"""Capture2Go of SensorStim: all at 100 Hz with a clock in ns (firmware-notes/capture2go.md)."""

import struct
from dataclasses import dataclass

import numpy as np

from hipturn.drivers import Advertisement, Decode, Driver, Link, nothing
from hipturn.drivers.capture2go_frames import Framer, Package, package
from hipturn.drivers.capture2go_samples import KINDS, RATES_HZ, decode
from hipturn.drivers.rows import joined
from hipturn.errors import LinkError
from hipturn.model import Packets, RawSamples, StreamInfo

SERVICE_UUID = "80030001-e629-4c98-9324-aa7fc0c66de7"
WRITE_UUID = "80030002-e629-4c98-9324-aa7fc0c66de7"
NOTIFY_UUID = "80030003-e629-4c98-9324-aa7fc0c66de7"

GET_INFO, INFO = 0x0070, 0x0071
SET_MODE, MODE = 0x0120, 0x0122
START, STARTED = 0x0150, 0x0151
STOP_AND_CLEAR, STOP_REAL_TIME = 0x0158, 0x0163
SET_TIME = 0x0170
GET_STATUS, STATUS = 0x0200, 0x0201
"""Note §3: header ids."""

MEASUREMENT = struct.Struct("<q8BHBQ3?")
"""Note §3: time, outputs, status interval, calibration, extension, sync, sync id, what to leave out."""
RATE_HZ = 100.0
FULL_6D = 0x252
"""Acceleration, rate and orientation without magnetometer, each sample in a package, 100 Hz."""


def measurement_mode(*, fixed_hz: float = 0.0, packed_hz: float = 0.0, status_s: int = 0) -> bytes:
    """Return the payload that chooses what is streamed: all without magnetometer, singly or in eights."""

    def choice(rate_hz: float) -> int:
        return RATES_HZ.index(rate_hz) + 1 if rate_hz else 0

    return MEASUREMENT.pack(
        0, 0, choice(fixed_hz), choice(packed_hz), 0, 0, 0, status_s, 0, 0, 0, 0, False, False, True
    )


class Decoder:
    """One link's notifications to samples: packages, then those that hold what was agreed."""

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._framer = Framer()

    def __call__(self, packets: Packets) -> RawSamples:
        """See `Driver.decoder`."""
        pieces: list[RawSamples] = []
        run: list[bytes] = []
        arrivals: list[int] = []
        header = 0

        def close() -> None:
            if run:
                pieces.append(decode(KINDS[header], run, np.array(arrivals, np.int64), self._info))
                run.clear()
                arrivals.clear()

        for at_ns, row in zip(packets.at_ns.tolist(), packets.data):
            for found in self._framer.push(row.tobytes()):
                if found is not None and found.header not in KINDS:
                    # an answer or a status
                    continue
                if found is None or not self._holds_samples(found):
                    close()
                    pieces.append(nothing(self._info, 1))
                    continue
                if found.header != header:
                    close()
                    header = found.header
                run.append(found.payload)
                arrivals.append(at_ns)
        close()
        return joined(self._info, pieces) if pieces else nothing(self._info, 0)

    def _holds_samples(self, found: Package) -> bool:
        """Return whether a sample package holds what was agreed."""
        kind = KINDS[found.header]
        return (
            len(found.payload) == kind.layout.itemsize
            and kind.has_imu >= self._info.has_imu
            and kind.has_quaternion >= self._info.has_quaternion
        )


@dataclass(frozen=True, slots=True)
class Status:
    """What the sensor tells of itself (note §3)."""

    streaming: bool
    battery_percent: int
    charging: bool


def read_status(payload: bytes) -> Status:
    """Return a status; raise `LinkError` if it is too short."""
    if len(payload) < 19:
        raise LinkError(f"the sensor's status has {len(payload)} bytes, not 19: update its firmware")
    return Status(payload[8] == 2, payload[17] & 0x7F, payload[17] >= 0x80)


class Capture2GoDriver(Driver):
    """Capture2Go IMUs, streaming what they measure and their own orientation at 100 Hz."""

    name = "capture2go"
    title = "Capture2Go IMU (SensorStim)"
    trust = "vendor's protocol document and packages made by the vendor's own parser; one vendor, no capture"
    untried = "everything; doubtful: the case's axes, and that the orientation is from sensor to earth"
    rates_hz = (RATE_HZ, 200.0, 50.0, 25.0)

    def matches(self, seen: Advertisement) -> bool:
        """Return whether the device advertises the service."""
        return SERVICE_UUID in seen.service_uuids

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        return Decoder(info)

    async def start(self, link: Link) -> StreamInfo:
        """Stop what may still run, set the mode, start the gap-free stream; see note §5."""
        await link.subscribe(NOTIFY_UUID)
        await self.stop(link)
        about = await _ask(link, GET_INFO, b"", INFO)
        rate_hz = self.rate_hz or RATE_HZ
        await _ask(link, SET_MODE, measurement_mode(fixed_hz=rate_hz, status_s=0), MODE)
        await _ask(link, START, b"", STARTED)
        return StreamInfo(
            driver=self.name,
            rate_hz=rate_hz,
            has_imu=True,
            has_quaternion=True,
            tick_hz=1e9,
            tick_bits=0,
            serial=_text(about[2:8]),
            firmware=_text(about[24:36]),
        )

    async def stop(self, link: Link) -> None:
        """Stop both kinds of streaming; one that does neither answers with an error, which is no harm."""
        await link.write(WRITE_UUID, package(STOP_REAL_TIME))
        await link.write(WRITE_UUID, package(STOP_AND_CLEAR))

    async def battery(self, link: Link) -> int | None:
        """Return the charge in percent."""
        await link.subscribe(NOTIFY_UUID)
        return read_status(await _ask(link, GET_STATUS, b"", STATUS)).battery_percent


async def _ask(link: Link, header: int, payload: bytes, answer: int) -> bytes:
    """Send a command and return the payload of the package that answers it."""
    framer = Framer()
    answers: list[bytes] = []

    def is_answer(value: bytes) -> bool:
        answers.extend(found.payload for found in framer.push(value) if found and found.header == answer)
        return bool(answers)

    await link.ask(WRITE_UUID, package(header, payload), is_answer)
    return answers[0]


def _text(characters: bytes) -> str:
    return characters.split(b"\0")[0].decode("ascii", errors="replace")


def driver() -> Capture2GoDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return Capture2GoDriver()
