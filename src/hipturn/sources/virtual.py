"""The virtual sensor: a simulated leg behind a real GATT server, in this process or in one of its own."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hipturn.drivers.hipturn_gatt import FASTEST_HZ, HEADER, SLOWEST_HZ
from hipturn.errors import HipturnError, UsageError
from hipturn.model import Side
from hipturn.sources.faults import Faults

Event = Mapping[str, Any]
"""A JSON line of the virtual sensor: ``type`` says what happened, ``t_s`` when in the motion."""

MTU = 247
"""ATT MTU the sensor offers: a packet then fits one link-layer packet of 251 bytes."""
BYTES_PER_SAMPLE = 12
MOST_SAMPLES_PER_PACKET = (MTU - 3 - HEADER.size) // BYTES_PER_SAMPLE

LONGEST_NAME = 8
"""Name and a 128-bit UUID share the 31 bytes of an advertisement."""

NEAR_WRAP_US = 2**32 - 10_000_000
"""The device clock wraps after some 10 s of life, so that every use also tries the wrap."""

READY_S = 60.0
"""Limit on starting the process: imports and simulation take 1–2 s, on a busy machine many times that."""
LEAVE_S = 5.0
"""Limit on each step of ending the process: asking, terminating, killing."""
CLOSED_BY_PARENT = "--until-stdin-closes"
"""Option that ends the process with its parent, however that ends."""


@dataclass(frozen=True, slots=True)
class VirtualSettings:
    """What the virtual sensor is and how it behaves."""

    seed: int = 1
    """Decides leg, mounting, motion, noise and address."""
    reps: int = 10
    rate_hz: float = 100.0
    side: Side = Side.RIGHT
    name: str = "hipturn"
    interval_s: float = 0.015
    """Connection interval of the radio; 0 delivers at once."""
    samples_per_packet: int = 1
    clock_start_us: int = NEAR_WRAP_US
    """The device clock at power-on."""
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        """Raise `UsageError` for what no sensor could do."""
        if not 1 <= len(self.name.encode()) <= LONGEST_NAME:
            raise UsageError(
                f"the name {self.name!r} does not fit an advertisement: 1 to {LONGEST_NAME} bytes"
            )
        if not 1 <= self.samples_per_packet <= MOST_SAMPLES_PER_PACKET:
            raise UsageError(f"a packet holds 1 to {MOST_SAMPLES_PER_PACKET} samples")
        if not SLOWEST_HZ <= self.rate_hz <= FASTEST_HZ:
            raise UsageError(
                f"a sensor samples at {SLOWEST_HZ:g} to {FASTEST_HZ:g} Hz, not {self.rate_hz:g} Hz"
            )

    @property
    def address(self) -> str:
        """The sensor's static random address, its own for each seed."""
        tail = (self.seed & 0xFFFFFFFF).to_bytes(4, "big")
        return "F0:01:" + tail.hex(":").upper()


async def serve(settings: VirtualSettings, host: str, port: int, tell: Callable[[Event], None]) -> None:
    """Be a virtual sensor until cancelled; `tell` gets ``ready`` first and then what happens.

    Raises `UsageError` if the port is taken, `HipturnError` if bumble is not installed.
    """
    try:
        from hipturn.sources.peripheral import VirtualSensor
        from hipturn.sources.radio import Radio, hci_server
    except ImportError as error:
        raise HipturnError(
            f"the virtual sensor needs the package bumble ({error}): "
            "install it with  pip install 'hipturn[sim]'"
        ) from error
    from hipturn.sources import body

    motion = body.simulate(
        body.Leg.random(settings.seed, side=settings.side),
        body.drill_script(settings.reps, settings.seed),
        settings.rate_hz,
        settings.seed,
    )
    ready = asyncio.Event()

    def happened(what: str, t_s: float) -> None:
        if what == "advertising" and not ready.is_set():
            ready.set()
        else:
            tell({"v": 1, "type": what, "t_s": round(t_s, 3)})

    radio = Radio(settings.interval_s)
    sensor = VirtualSensor(radio, settings, motion, happened)
    try:
        async with hci_server(radio, host, port, sensor.forget) as bound, asyncio.TaskGroup() as tasks:
            tasks.create_task(sensor.run(), name="virtual sensor")
            await ready.wait()
            tell(
                {
                    "v": 1,
                    "type": "ready",
                    "hci": f"tcp-client:{host}:{bound}",
                    "name": settings.name,
                    "address": settings.address,
                    "seed": settings.seed,
                }
            )
    except OSError as error:
        what = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"cannot listen on {host}:{port}: {what}, use port 0 for a free one") from error


@dataclass(frozen=True, slots=True)
class Spawned:
    """A virtual sensor in a process of its own."""

    hci: str
    """The HCI transport to reach it by, for `bleak_bumble.backend`."""
    name: str
    address: str
    seed: int
    events: asyncio.Queue[Event]
    """What happens to it, as it happens; lines nobody takes do no harm."""


@contextlib.asynccontextmanager
async def spawned(args: Sequence[str]) -> AsyncIterator[Spawned]:
    """Run ``hipturn virtual`` with `args` as a process while the context lasts.

    Raises `HipturnError` with the process's last words if it ends before it is ready.
    """
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "hipturn", "virtual", CLOSED_BY_PARENT, *args)
    # A session of its own, because Ctrl-C is for the parent: it ends this process when it is done with it.
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    )
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise HipturnError("the virtual sensor's process has no pipes")
    words: list[str] = []
    events: asyncio.Queue[Event] = asyncio.Queue()
    readers: list[asyncio.Task[None]] = [asyncio.create_task(_listen(process.stderr, words), name="stderr")]
    try:
        ready = await _ready(process.stdout)
        if ready is None:
            await readers[0]
            last = words[-1].removeprefix("hipturn: ") if words else "it said nothing"
            raise HipturnError(f"the virtual sensor did not start: {last}")
        readers.append(asyncio.create_task(_follow(process.stdout, events), name="events"))
        yield Spawned(ready["hci"], ready["name"], ready["address"], ready["seed"], events)
    finally:
        await _end(process, process.stdin)
        await asyncio.gather(*readers)


async def _ready(stdout: asyncio.StreamReader) -> Event | None:
    """Return the ready line, None if the process ended instead."""
    try:
        async with asyncio.timeout(READY_S):
            line = await stdout.readline()
    except TimeoutError as error:
        raise HipturnError(f"the virtual sensor was not ready within {READY_S:g} s") from error
    if not line:
        return None
    try:
        event: Event = json.loads(line)
    except ValueError as error:
        raise HipturnError(f"the virtual sensor said {line!r} instead of being ready") from error
    return event


async def _listen(stderr: asyncio.StreamReader, words: list[str]) -> None:
    """Keep the last line: a full pipe would stop the process."""
    async for line in stderr:
        words[:] = [line.decode(errors="replace").strip()]


async def _follow(stdout: asyncio.StreamReader, events: asyncio.Queue[Event]) -> None:
    async for line in stdout:
        events.put_nowait(json.loads(line))


async def _end(process: asyncio.subprocess.Process, stdin: asyncio.StreamWriter) -> None:
    """End the process: it leaves by itself when its stdin closes; force follows where that fails."""
    stdin.close()
    for force in (process.terminate, process.kill, lambda: None):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await process.wait()
                return
        with contextlib.suppress(ProcessLookupError):
            force()
