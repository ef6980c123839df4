"""A driver on one end of a wire and a device's firmware on the other: no radio, no clock, no waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from hipturn import drivers
from hipturn.errors import LinkError
from hipturn.model import FloatArray, Packets, RawSamples, StreamInfo
from hipturn.sources.virtual import devices
from hipturn.sources.virtual.devices import Characteristic, Refused, Taken

T = TypeVar("T")
BASE = "-0000-1000-8000-00805f9b34fb"


def whole(uuid: str) -> str:
    """Return a UUID with all its 128 bits, lower case."""
    return (f"0000{uuid}{BASE}" if len(uuid) == 4 else uuid).lower()


class Wire:
    """The board a firmware runs on and the link a driver talks over, in one."""

    name, serial, outward_normal_sensor = "wired", "wired-1", (0.0, 0.0, 1.0)
    att_mtu = 247

    def __init__(self, device: str, battery_percent: int = 87, already_measuring: bool = False) -> None:
        made = devices.get(device)
        self.rate_hz = made.TRAITS.rate_hz
        self.samples_per_packet = made.TRAITS.samples_per_packet
        self.battery_percent, self.already_measuring = battery_percent, already_measuring
        self._measuring = False
        self.packets: list[bytes] = []
        self.taken: list[Taken] = []
        self.clock = 0.0
        self._tags: dict[str, bytes] = {}
        self._asked: list[tuple[Callable[[bytes], bool], list[bytes]]] = []
        self.firmware = made.firmware(self)
        services = {whole(one.uuid): one for one in self.firmware.services()}
        self._table: dict[str, Characteristic] = {
            whole(one.uuid): one for service in services.values() for one in service.characteristics
        }
        self._of_service = {
            (uuid, whole(one.uuid)): one
            for uuid, service in services.items()
            for one in service.characteristics
        }

    # --- the board ---

    def start(self) -> None:
        self._measuring = True

    def stop(self) -> None:
        self._measuring = False

    def is_measuring(self) -> bool:
        return self._measuring

    def notify(self, uuid: str, value: bytes) -> None:
        assert self._table[whole(uuid)].notify, "it has no such notification"
        if whole(uuid) not in self._tags:
            return
        packet = self._tags[whole(uuid)] + value
        self.packets.append(packet)
        for is_answer, answers in self._asked:
            if is_answer(packet):
                answers.append(packet)

    def clock_us(self) -> float:
        return self.clock

    def play(self, acc: FloatArray, gyr: FloatArray, q: FloatArray) -> None:
        """Let it measure these rows, at the rate it sends."""
        each, period_us = self.firmware.samples_per_packet, 1e6 / self.firmware.rate_hz
        for first in range(0, len(acc) - each + 1, each):
            rows = slice(first, first + each)
            if self._measuring:
                one = Taken(self.clock, period_us, acc[rows], gyr[rows], q[rows], gap=False)
                self.taken.append(one)
                for uuid, value in self.firmware.packets(one):
                    self.notify(uuid, value)
            self.clock += each * period_us

    def writable(self) -> list[str]:
        """Return what can be written."""
        return [uuid for uuid, one in self._table.items() if one.write is not None]

    # --- the link ---

    async def read(self, uuid: str) -> bytes:
        one = self._characteristic(uuid)
        if one.read is None:
            raise LinkError("it cannot be read")
        return self._try(one.read)

    async def write(
        self, uuid: str, data: bytes, *, response: bool = True, service: str | None = None
    ) -> None:
        accept = self._characteristic(uuid, service).write
        if accept is None:
            raise LinkError("it cannot be written")
        self._try(lambda: accept(data))

    async def subscribe(self, uuid: str, tag: bytes = b"") -> None:
        one = self._characteristic(uuid)
        if not one.notify:
            raise LinkError("it does not notify")
        self._tags[whole(uuid)] = tag
        if one.subscribed is not None:
            one.subscribed(True)

    async def unsubscribe(self, uuid: str) -> None:
        one = self._characteristic(uuid)
        self._tags.pop(whole(uuid), None)
        if one.subscribed is not None:
            one.subscribed(False)

    async def ask(
        self, uuid: str, data: bytes, is_answer: Callable[[bytes], bool], *, response: bool = True
    ) -> bytes:
        answers: list[bytes] = []
        self._asked.append((is_answer, answers))
        await self.write(uuid, data)
        self._asked.pop()
        if not answers:
            raise LinkError("no answer")
        return answers[0]

    def _characteristic(self, uuid: str, service: str | None = None) -> Characteristic:
        one = self._table.get(whole(uuid))
        if service is not None:
            one = self._of_service.get((whole(service), whole(uuid)))
        if one is None:
            raise LinkError(f"there is no {uuid}")
        return one

    @staticmethod
    def _try(call: Callable[[], T]) -> T:
        try:
            return call()
        except Refused as refusal:
            raise LinkError(str(refusal)) from refusal


def now(call: Awaitable[T]) -> T:
    """Run what never waits."""

    async def awaited() -> T:
        return await call

    return asyncio.run(awaited())


def motion(rows: int, seed: int = 1) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return lively acceleration, rate and orientation within every device's range."""
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(rows, 4))
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    return rng.uniform(-60.0, 60.0, (rows, 3)), rng.uniform(-20.0, 20.0, (rows, 3)), q


def connected(device: str, rows: int = 0, **faults: Any) -> tuple[Wire, StreamInfo]:
    """Start a device by its driver, let it measure, and return what the driver heard and agreed."""
    wire = Wire(device, **faults)
    info = now(drivers.get(device).start(wire))
    if rows:
        wire.play(*motion(rows))
    return wire, info


def blocks(data: Sequence[bytes], size: Callable[[], int] = lambda: 1 << 30) -> list[Packets]:
    """Return packets grouped where neighbours have one size, in groups of at most the sizes drawn.

    The arrival of a packet is its number, so that a lost or doubled one shows.
    """
    made: list[Packets] = []
    numbered = enumerate(data)
    for length, same in groupby(numbered, key=lambda one: len(one[1])):
        rows = list(same)
        while rows:
            n = max(1, size())
            part, rows = rows[:n], rows[n:]
            values = np.frombuffer(b"".join(value for _, value in part), np.uint8).reshape(len(part), length)
            made.append(Packets("s", np.array([number for number, _ in part], np.int64), values))
    return made


def read(info: StreamInfo, data: Sequence[bytes], size: Callable[[], int] = lambda: 1 << 30) -> RawSamples:
    """Return all a new decoder makes of packets, as one."""
    from hipturn.drivers.rows import joined

    decode = drivers.decoder(info)
    return joined(info, [decode(one) for one in blocks(data, size)])
