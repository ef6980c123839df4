"""Several virtual sensors at once over one adapter: is a packet lost, and what does it cost?

Run: ``python benchmarks/sensors.py [--sensors 6] [--seconds 60]``. The sensors and their radio
are a process of their own, reached over bumble; this one has a `BleSource` for each, and makes orientation of
their packets.

Aims: no packet lost or doubled; the processor's share told.
"""

import argparse
import asyncio
import contextlib
import resource
import sys
import time
from collections.abc import AsyncIterator

import numpy as np

from hipturn import drivers
from hipturn.core.fusion import FusionParams
from hipturn.core.pipeline import Front
from hipturn.drivers.hipturn_gatt import HEADER
from hipturn.model import BadPackets, FloatArray, Gap, Input, LinkUp, Packets, Samples
from hipturn.sources import bleak_bumble
from hipturn.sources.ble import Backend, BleSource, Limits, LinkState
from hipturn.sources.virtual import VirtualSettings
from hipturn.sources.virtual.peripheral import VirtualSensor
from hipturn.sources.virtual.playback import simulated
from hipturn.sources.virtual.radio import Radio, hci_server

RATE_HZ = 100.0
TICKS_MS = 2**32 * 1e-3
"""The device clock wraps after this."""


class Stream:
    """What one sensor sent, from LinkUp on."""

    def __init__(self, sensor: VirtualSettings) -> None:
        self.sensor = sensor
        self.links = self.packets = self.samples = self.lost = self.bad = 0
        self.at_ms: list[float] = []
        self.tick_ms: list[float] = []
        self.up = asyncio.Event()
        self._front = Front(FusionParams(), drivers.decoder, self._tap)

    def emit(self, item: Input) -> None:
        """Take in what the source says."""
        match item:
            case LinkUp():
                self.links += 1
                self.up.set()
            case Packets():
                self.packets += 1
                self.at_ms.append(int(item.at_ns[0]) * 1e-6)
                self.tick_ms.append(HEADER.unpack_from(item.data.tobytes())[3] * 1e-3)
        for seen in self._front.push(item):
            match seen:
                case Gap():
                    self.lost += seen.lost
                case BadPackets():
                    self.bad += seen.count

    def late_ms(self) -> FloatArray:
        """Return how much later than the fastest each packet came."""
        taken_ms = np.cumsum(np.diff(self.tick_ms, prepend=self.tick_ms[0]) % TICKS_MS)
        behind_ms = np.array(self.at_ms) - taken_ms
        late_ms: FloatArray = behind_ms - behind_ms.min()
        return late_ms

    def _tap(self, _stream: str, block: Samples) -> None:
        self.samples += len(block.t_ns)


def sensors(count: int) -> list[VirtualSettings]:
    """Return sensors with names and addresses of their own."""
    return [VirtualSettings(seed=100 + number, name=f"Leg {number}", reps=20) for number in range(count)]


async def be_sensors(count: int) -> None:
    """Be the process with the sensors; says where it is reached once it is."""
    radio = Radio(VirtualSettings().interval_s)
    made = [VirtualSensor(radio, each, simulated(each), lambda *_: None) for each in sensors(count)]
    async with hci_server(radio, "127.0.0.1", 0, lambda: None) as port, asyncio.TaskGroup() as tasks:
        for each in made:
            tasks.create_task(each.run())
        print(port, flush=True)


@contextlib.asynccontextmanager
async def reached(count: int) -> AsyncIterator[Backend]:
    """Have the sensors' process while the context lasts."""
    command = [sys.executable, __file__, "--be", "--sensors", str(count)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        async with bleak_bumble.backend(f"tcp-client:127.0.0.1:{port}") as backend:
            yield backend
    finally:
        process.terminate()
        await process.wait()


async def measure(count: int, seconds: float) -> tuple[list[Stream], float, float]:
    """Return the streams, how long all were measured together, and the processor's share of it."""
    streams = [Stream(each) for each in sensors(count)]
    async with reached(count) as backend, asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_source(each, backend).run()) for each in streams]
        begun_s = time.perf_counter()
        await asyncio.gather(*(each.up.wait() for each in streams))
        took_s = time.perf_counter() - begun_s
        used_s = time.process_time()
        await asyncio.sleep(seconds)
        share = (time.process_time() - used_s) / seconds
        for task in running:
            task.cancel()
    return streams, took_s, share


def _source(stream: Stream, backend: Backend) -> BleSource:
    def on_state(state: LinkState, text: str) -> None:
        if state is LinkState.LOST:
            print(f"{stream.sensor.local_name}: {text}")

    # a machine that others use too may stop any process for a second: that is not what is measured here
    limits = Limits(silence_s=10.0)
    return BleSource(stream.sensor.local_name, "shin", stream.emit, on_state, backend, limits)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sensors", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--be", action="store_true", help="be the sensors")
    given = parser.parse_args()
    if given.be:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(be_sensors(given.sensors))
        return
    streams, took_s, share = asyncio.run(measure(given.sensors, given.seconds))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    theirs = (used.ru_utime + used.ru_stime) / (given.seconds + took_s)
    late = np.concatenate([each.late_ms() for each in streams])
    packets, samples = sum(each.packets for each in streams), sum(each.samples for each in streams)
    print(
        f"sensors    {given.sensors} at {RATE_HZ:g} Hz for {given.seconds:g} s, "
        f"found and started one after the other within {took_s:.1f} s"
    )
    print(
        f"           {packets} packets, {sum(each.lost for each in streams)} lost, "
        f"{sum(each.bad for each in streams)} bad, {packets - samples} doubled, "
        f"{sum(each.links for each in streams) - given.sensors} reconnects (aim: none of these)"
    )
    print(
        f"           late by p50 {np.median(late):.1f} ms, p99 {np.percentile(late, 99):.1f} ms, "
        f"worst {late.max():.1f} ms"
    )
    print(f"           {share:.1%} of a core here, {theirs:.1%} for the sensors and their radio")


if __name__ == "__main__":
    main()
