"""Movesense over its GATT SensorData Protocol: acceleration and rate (firmware-notes/movesense.md)."""

import struct
from dataclasses import dataclass

import numpy as np

from hipturn.drivers import Advertisement, Decode, Driver, Link, nothing
from hipturn.drivers.rows import joined, kept, within
from hipturn.errors import LinkError
from hipturn.model import BoolArray, FloatArray, Packets, RawSamples, StreamInfo
from hipturn.units import RAD_PER_DEG, STANDARD_GRAVITY_MPS2

ADVERTISED_UUID = "0000fdf3-0000-1000-8000-00805f9b34fb"
SERVICE_UUID = "34802252-7185-4d5d-b431-630e7050e8f0"
WRITE_UUID = "34800001-7185-4d5d-b431-630e7050e8f0"
NOTIFY_UUID = "34800002-7185-4d5d-b431-630e7050e8f0"

SUBSCRIBE, UNSUBSCRIBE = 1, 2
RESULT, DATA, DATA_PART_2 = 1, 2, 3
"""Note §2: first byte of commands and of notifications."""
REFERENCE = 5
"""What our subscription is called; any number from 1 to 255."""
DONE = (b"\xc8\x00", b"\x00\xc8")
"""200 as HTTP has it, in either byte order: the note tells of both."""

RATE_HZ = 104.0
PACKETS_HZ = 13.0
"""Note §3: about so many measurements a second, whatever the rate."""
HEAD = struct.Struct("<BBI")
"""Note §3: kind, reference, time of the first sample in ms."""
SAMPLE = 24
"""Bytes of acceleration and rate of one sample."""
MOST_SAMPLES = 255
CLOCK = 2**32

MOST_ACC_MPS2, MOST_GYR_RADPS = 17.0 * STANDARD_GRAVITY_MPS2, 2200.0 * RAD_PER_DEG
"""Its widest ranges are ±16 g and ±2000 °/s; calibration may add a little."""


def path(rate_hz: float) -> bytes:
    """Return the resource of acceleration and rate."""
    return f"/Meas/IMU6/{rate_hz:g}".encode()


def encode(time_ms: int, acc_mps2: FloatArray, gyr_radps: FloatArray, most: int = 10**9) -> list[bytes]:
    """Return one measurement of n samples as notifications: two if it has more than `most` bytes."""
    body = np.concatenate((acc_mps2, gyr_radps / RAD_PER_DEG)).astype("<f4").tobytes()
    whole = HEAD.pack(DATA, REFERENCE, time_ms % CLOCK) + body
    if len(whole) <= most:
        return [whole]
    return [whole[:most], bytes([DATA_PART_2, REFERENCE]) + whole[most:]]


@dataclass(frozen=True, slots=True)
class _Measurement:
    """What one DATA, with its second part where there is one, holds after kind and reference."""

    payload: bytes
    at_ns: int

    @property
    def samples(self) -> int:
        """Return how many there are; 0 if the size is that of no measurement."""
        count, rest = divmod(len(self.payload) - 4, SAMPLE)
        return count if rest == 0 and 1 <= count <= MOST_SAMPLES else 0


class Decoder:
    """One link's notifications to samples; remembers a first part until its second has come.

    Nothing in a first part says that it is one. A measurement of the expected number of samples is
    whole; any other is held until the next notification shows what it was.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._expected = 4 + SAMPLE * max(1, round(info.rate_hz / PACKETS_HZ))
        self._held: _Measurement | None = None
        self._in_parts = False
        self._last_ms: int | None = None
        self._offset_ms = 0

    def __call__(self, packets: Packets) -> RawSamples:
        """See `Driver.decoder`."""
        found: list[_Measurement | None] = []
        for at_ns, row in zip(packets.at_ns.tolist(), packets.data):
            self._take(row.tobytes(), at_ns, found)
        return self._samples(found)

    def _take(self, value: bytes, at_ns: int, found: list[_Measurement | None]) -> None:
        """Put what a notification completes into `found`; None stands for damage."""
        kind, reference = (value[0], value[1]) if len(value) >= 2 else (0, 0)
        if kind == RESULT:
            return
        if kind == DATA and reference == REFERENCE and len(value) > HEAD.size:
            self._release(found)
            one = _Measurement(value[2:], at_ns)
            if len(one.payload) == self._expected:
                found.append(one)
            else:
                self._held = one
        elif kind == DATA_PART_2 and reference == REFERENCE and self._held is not None:
            whole = _Measurement(self._held.payload + value[2:], at_ns)
            self._held, self._in_parts = None, True
            found.append(whole if whole.samples else None)
        else:
            found.append(None)

    def _release(self, found: list[_Measurement | None]) -> None:
        """Decide on a measurement after which no second part came: whole, if there never are any."""
        held, self._held = self._held, None
        if held is not None:
            found.append(held if held.samples and not self._in_parts else None)

    def _samples(self, found: list[_Measurement | None]) -> RawSamples:
        pieces: list[RawSamples] = []
        run: list[_Measurement] = []
        for one in [*found, None]:
            if run and (one is None or one.samples != run[0].samples):
                pieces.append(self._decode(run))
                run = []
            if one is not None:
                run.append(one)
            else:
                pieces.append(nothing(self._info, 1))
        return joined(self._info, pieces[:-1]) if len(pieces) > 1 else nothing(self._info, 0)

    def _decode(self, run: list[_Measurement]) -> RawSamples:
        """Return the samples of measurements with the same number of them."""
        each = run[0].samples
        data = np.frombuffer(b"".join(one.payload for one in run), np.uint8).reshape(len(run), -1)
        values = np.ascontiguousarray(data[:, 4:]).view("<f4").reshape(len(run), 2, each, 3)
        with np.errstate(invalid="ignore", over="ignore"):
            acc, gyr = values[:, 0].astype(np.float64), values[:, 1].astype(np.float64) * RAD_PER_DEG
            good: BoolArray = within(acc.reshape(len(run), -1), MOST_ACC_MPS2)
            good &= within(gyr.reshape(len(run), -1), MOST_GYR_RADPS)
        # a damaged measurement must not move the clock
        first_ms = np.zeros(len(run), np.int64)
        times = np.ascontiguousarray(data[:, :4]).view("<u4")[:, 0].tolist()
        for i in np.flatnonzero(good).tolist():
            first_ms[i] = self._unwrapped(times[i])
        steps_us = np.rint(np.arange(each) * (1e6 / self._info.rate_hz)).astype(np.int64)
        return kept(
            self._info,
            good,
            (1000 * first_ms[:, None] + steps_us).reshape(-1),
            np.array([one.at_ns for one in run], np.int64),
            acc_mps2=acc.reshape(-1, 3),
            gyr_radps=gyr.reshape(-1, 3),
            per_row=each,
        )

    def _unwrapped(self, time_ms: int) -> int:
        """Return the time on a clock that never wraps; the shorter way from the last one."""
        if self._last_ms is not None:
            step = (time_ms - self._last_ms + CLOCK // 2) % CLOCK - CLOCK // 2
            self._offset_ms += self._last_ms + step - time_ms
        self._last_ms = time_ms
        return time_ms + self._offset_ms


class MovesenseDriver(Driver):
    """Movesense Medical, Active and Flash with firmware that speaks the GATT SensorData Protocol."""

    name = "movesense"
    title = "Movesense (GATT SensorData Protocol)"
    trust = "vendor's sample program, interface description and page, and independent programs; no capture"
    untried = "everything; doubtful: where a measurement is cut in two, directions of the case's axes"

    rates_hz = (RATE_HZ, 13.0, 26.0, 52.0, 208.0)

    def matches(self, seen: Advertisement) -> bool:
        """Return whether name or advertised service is that of a Movesense."""
        return seen.name.startswith("Movesense ") or ADVERTISED_UUID in seen.service_uuids

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        return Decoder(info)

    async def start(self, link: Link) -> StreamInfo:
        """Subscribe to acceleration and rate; see note §4."""
        await link.subscribe(NOTIFY_UUID)
        # in case another program left one of this name
        await self.stop(link)
        rate_hz = self.rate_hz or RATE_HZ
        command = bytes([SUBSCRIBE, REFERENCE]) + path(rate_hz)
        answer = await link.ask(WRITE_UUID, command, lambda value: value[:2] == bytes([RESULT, REFERENCE]))
        if answer[2:4] not in DONE:
            status = int.from_bytes(answer[2:4], "little")
            raise LinkError(f"the sensor refuses {path(rate_hz).decode()} with status {status}: restart it")
        return StreamInfo(driver=self.name, rate_hz=rate_hz, tick_hz=1e6, tick_bits=0)

    async def stop(self, link: Link) -> None:
        """End the subscription: without one the sensor rests."""
        await link.write(WRITE_UUID, bytes([UNSUBSCRIBE, REFERENCE]))


def driver() -> MovesenseDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return MovesenseDriver()
