"""Polar Verity Sense: acceleration and rate of its measurement data service (firmware-notes/polar.md)."""

import contextlib
import math
import struct
from collections.abc import Callable

import numpy as np

from hipturn.drivers import Advertisement, Decode, Driver, Link, nothing
from hipturn.drivers import polar_frames as frames
from hipturn.drivers.polar_frames import ACC, GYR, Frame, Times
from hipturn.drivers.rows import joined
from hipturn.errors import LinkError
from hipturn.model import FloatArray, IntArray, Packets, RawSamples, StreamInfo
from hipturn.units import NS_PER_S

SERVICE_UUID = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL_UUID = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA_UUID = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

START, STOP, ANSWER = 0x02, 0x03, 0xF0
"""Note §2: first byte of commands and of answers."""
RATE, RESOLUTION, RANGE, CHANNELS, FACTOR = 0, 1, 2, 4, 5
"""Note §2: settings."""
WIDTHS = {RATE: 2, RESOLUTION: 2, RANGE: 2, 3: 2, CHANNELS: 1, FACTOR: 4}

RATE_HZ = 52.0
RANGES = {ACC: 8, GYR: 2000}
"""Note §2: what it measures with outside its SDK mode; g and °/s."""
LONGEST_WAIT = 256
"""Rates that may wait for acceleration: five seconds. Then the stream of acceleration has ended."""
FARTHEST = 2.5
"""Periods between two accelerations across which none is interpolated."""


def start_command(kind: int) -> bytes:
    """Return the command that starts a measurement."""
    settings = ((RATE, int(RATE_HZ)), (RESOLUTION, 16), (RANGE, RANGES[kind]), (CHANNELS, 3))
    told = b"".join(bytes([one, 1]) + value.to_bytes(WIDTHS[one], "little") for one, value in settings)
    return bytes([START, kind]) + told


def _answers(command: int, kind: int) -> Callable[[bytes], bool]:
    head = bytes([ANSWER, command, kind])
    return lambda value: value[:3] == head


def factor(answer: bytes) -> float | None:
    """Return the factor that the answer to a start tells, None if there is none in it."""
    at = 5
    while at + 2 <= len(answer):
        setting, count = answer[at], answer[at + 1]
        width = WIDTHS.get(setting)
        if width is None or at + 2 + width * count > len(answer):
            return None
        if setting == FACTOR and count:
            (value,) = struct.unpack_from("<f", answer, at + 2)
            return float(value) if math.isfinite(value) and value > 0.0 else None
        at += 2 + width * count
    return None


class Decoder:
    """One link's frames to samples at the times of the rates; acceleration is interpolated to them.

    A rate waits until acceleration of its time or later has come, so a sample depends on nothing that
    came after it, nor on how the frames were grouped.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._farthest_ns = FARTHEST * NS_PER_S / info.rate_hz
        self._factors: dict[int, float] = {}
        self._times = {ACC: Times(info.rate_hz), GYR: Times(info.rate_hz)}
        self._known_ns: IntArray = np.empty(0, np.int64)
        self._known: FloatArray = np.empty((0, 3))
        self._waiting_ns: IntArray = np.empty(0, np.int64)
        self._waiting: FloatArray = np.empty((0, 3))

    def __call__(self, packets: Packets) -> RawSamples:
        """See `Driver.decoder`."""
        if not self._info.has_imu or self._info.has_quaternion:
            return nothing(self._info, len(packets.at_ns))
        pieces = []
        for at_ns, row in zip(packets.at_ns.tolist(), packets.data):
            value = row.tobytes()
            if value[:1] == bytes([ANSWER]):
                self._answer(value)
                continue
            frame = frames.decode(value, self._factors)
            pieces.append(nothing(self._info, 1) if frame is None else self._samples(frame, at_ns))
        return joined(self._info, pieces)

    def _answer(self, value: bytes) -> None:
        if len(value) > 3 and value[1] == START and value[2] in RANGES and value[3] == 0:
            told = factor(value)
            if told is not None:
                self._factors[value[2]] = told

    def _samples(self, frame: Frame, at_ns: int) -> RawSamples:
        """Take a frame in; return the samples it completes."""
        times = self._times[frame.kind].of(frame)
        if times is None:
            return nothing(self._info, 0)
        t_ns, follows = times
        if frame.kind == ACC:
            keep = follows and len(self._known_ns) > 0 and t_ns[0] > self._known_ns[-1]
            self._known_ns = np.concatenate((self._known_ns, t_ns)) if keep else t_ns
            self._known = np.concatenate((self._known, frame.values)) if keep else frame.values
        else:
            keep = follows and len(self._waiting_ns) > 0 and t_ns[0] > self._waiting_ns[-1]
            self._waiting_ns = np.concatenate((self._waiting_ns, t_ns)) if keep else t_ns
            self._waiting = np.concatenate((self._waiting, frame.values)) if keep else frame.values
        return self._ready(at_ns)

    def _ready(self, at_ns: int) -> RawSamples:
        """Return the rates for whose times there is acceleration; those it has gone past are dropped."""
        if len(self._known_ns) == 0:
            self._forget()
            return nothing(self._info, 0)
        ready = int(np.searchsorted(self._waiting_ns, self._known_ns[-1], side="right"))
        t_ns, gyr = self._waiting_ns[:ready], self._waiting[:ready]
        self._waiting_ns, self._waiting = self._waiting_ns[ready:], self._waiting[ready:]
        self._forget()
        # the acceleration at or before, and the one at or after; the first rates have none before
        after = np.searchsorted(self._known_ns, t_ns)
        there = (after > 0) | (self._known_ns[after] == t_ns)
        before = np.maximum(after - 1, 0)
        span = self._known_ns[after] - self._known_ns[before]
        there &= (span <= self._farthest_ns) | (self._known_ns[after] == t_ns)
        share = np.where(span > 0, (t_ns - self._known_ns[before]) / np.maximum(span, 1), 0.0)[:, None]
        acc = (1.0 - share) * self._known[before] + share * self._known[after]
        if len(t_ns):
            first = max(0, int(before[-1]) - 1)
            self._known_ns, self._known = self._known_ns[first:], self._known[first:]
        return RawSamples(
            tick=t_ns[there],
            at_ns=np.full(int(there.sum()), at_ns, np.int64),
            acc_mps2=acc[there],
            gyr_radps=gyr[there],
            q_earth_from_sensor=None,
        )

    def _forget(self) -> None:
        """Keep no more than could still be needed."""
        self._waiting_ns, self._waiting = self._waiting_ns[-LONGEST_WAIT:], self._waiting[-LONGEST_WAIT:]
        self._known_ns, self._known = self._known_ns[-LONGEST_WAIT:], self._known[-LONGEST_WAIT:]


class PolarDriver(Driver):
    """Polar Verity Sense; the chest straps have no gyroscope."""

    name = "polar"
    title = "Polar Verity Sense"
    trust = "vendor's specification and the tests of its SDK, two independent programs; no capture"
    untried = "everything; doubtful: directions of the case's axes, how many samples a packet holds"

    def matches(self, seen: Advertisement) -> bool:
        """Return whether the name is that of a Polar sensor for the arm."""
        return seen.name.startswith(("Polar Sense", "Polar Verity"))

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        return Decoder(info)

    async def start(self, link: Link) -> StreamInfo:
        """Subscribe, end what may still run, start both measurements; see note §5."""
        # the answers tell the factors, so they are packets of the stream
        await link.subscribe(CONTROL_UUID)
        await link.subscribe(DATA_UUID)
        await self.stop(link)
        for kind, what in ((ACC, "acceleration"), (GYR, "angular rate")):
            answer = await link.ask(CONTROL_UUID, start_command(kind), _answers(START, kind))
            if len(answer) < 4 or answer[3] != 0:
                raise LinkError(
                    f"the sensor refuses to measure {what} (error {answer[3:4].hex() or 'not told'}): "
                    "it must be switched on in its sensor mode, and be a Verity Sense"
                )
        return StreamInfo(self.name, RATE_HZ, tick_hz=float(NS_PER_S), tick_bits=0)

    async def stop(self, link: Link) -> None:
        """End both measurements, whether or not they run."""
        for kind in (ACC, GYR):
            with contextlib.suppress(LinkError):
                await link.write(CONTROL_UUID, bytes([STOP, kind]))


def driver() -> PolarDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return PolarDriver()
