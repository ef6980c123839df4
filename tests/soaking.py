"""A daemon that streams for hours with a fault every few minutes, in warped or in real time; see `warped`.

The disk is full now and then, pages are opened and closed and some hang, and every recording is taken into
the history when it is closed, as by ``hipturn run``.
"""

import asyncio
import contextlib
import gc
import os
import random
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from disks import full_disk
from hipturn import config, history
from hipturn.daemon import STREAM, Daemon, Ears, Plan
from hipturn.drivers.hipturn_gatt import Batch, encode
from hipturn.model import Gap, HostNs, LinkDown, LinkUp, Packets, Side, StreamInfo
from hipturn.session import Heard
from hipturn.sinks.hub import Hub
from hipturn.sources import body, simulated
from hipturn.sources.ble import LinkState
from onlookers import VISITING, Onlookers

RATE_HZ = 100.0
FAULT_EVERY_S = (60.0, 240.0)
"""A fault comes after a time between these."""
LAST_S = 60.0
"""None comes so late: a gap is told by the sample after it."""
ASLEEP_S = (10, 60)
"""How long the computer sleeps with the link it loses by it, on a clock that goes on meanwhile."""
TOLD_S = 2.0
"""Within this what is wrong is told, and that it is right again."""
FULL_EVERY_S, FULL_S = (300.0, 1500.0), (5.0, 60.0)
"""After a time between the first two the disk is full for one between the others."""
SAMPLE_EVERY_S = 60.0
"""How often what the process holds is counted."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What the process holds at one moment of the session."""

    at_s: float
    rss_mb: float
    tasks: int
    files: int
    threads: int


@dataclass(slots=True)
class Soak:
    """A leg that moves for `seconds`, `batch` samples a notification, and what was made of it."""

    seconds: float
    batch: int = 1
    seed: int = 1
    faults: list[tuple[str, int]] = field(default_factory=list)
    """What was done to the link, and how many samples were lost by it."""
    gaps: list[Gap] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    samples: int = 0
    sent: int = 0
    overruns: int = 0
    sessions: int = 0
    full: list[tuple[bool, bool]] = field(default_factory=list)
    """Of each time the disk was full: whether that was told, and afterwards that it is well again."""
    onlookers: Onlookers | None = None
    _done: asyncio.Event = field(default_factory=asyncio.Event)

    # --- the source -----------------------------------------------------------------------------

    async def run(self, ears: Ears) -> None:
        """Notify at the sensor's rate; now and then lose the link or some, or damage one."""
        rng = random.Random(self.seed)
        motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), body.drill_script(40, 1), RATE_HZ, 1)
        info = simulated.info(motion)
        begun_s = time.monotonic()
        fault_at = rng.uniform(*FAULT_EVERY_S)
        self._link(ears, LinkUp(STREAM, _now(), info))
        number = self.batch
        while number / RATE_HZ < self.seconds:
            wait_s = begun_s + number / RATE_HZ - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if fault_at <= number / RATE_HZ < self.seconds - LAST_S:
                fault_at += rng.uniform(*FAULT_EVERY_S)
                number = await self._fault(rng, ears, number, info)
                continue
            rows = np.arange(number - self.batch, number) % len(motion.t_s)
            packet = encode(
                Batch(
                    (number // self.batch) & 0xFFFF,
                    ((number - self.batch) * 10_000) & 0xFFFFFFFF,
                    10_000,
                    motion.acc_mps2[rows],
                    motion.gyr_radps[rows],
                )
            )
            self._send(ears, packet)
            self.sent += self.batch
            number += self.batch
        ears.emit(LinkDown(STREAM, _now(), "stopped"))
        self._done.set()
        await asyncio.Event().wait()

    async def _fault(self, rng: random.Random, ears: Ears, number: int, info: StreamInfo) -> int:
        """Do something bad; return the number of the sample that comes after it."""
        kind = rng.choice(["link", "loss", "damage", "sleep"])
        match kind:
            case "link":
                lost = rng.randrange(20, 200)
            case "loss":
                lost = rng.randrange(1, 12)
            case "damage":
                lost = 1
            case _:
                lost = rng.randrange(*ASLEEP_S) * round(RATE_HZ) // self.batch
        self.faults.append((kind, lost * self.batch))
        if kind == "damage":
            self._send(ears, b"\xff\x00\x13")
        elif kind == "sleep":
            # the whole program stands still; that the link is gone is the first it hears afterwards
            time.sleep(lost * self.batch / RATE_HZ)  # noqa: ASYNC251
        if kind in ("link", "sleep"):
            ears.emit(LinkDown(STREAM, _now(), "lost"))
            ears.state(LinkState.LOST, "the link was lost, connecting again")
            if kind == "link":
                await asyncio.sleep(lost * self.batch / RATE_HZ)
            self._link(ears, LinkUp(STREAM, _now(), info))
        return number + lost * self.batch

    def _link(self, ears: Ears, up: LinkUp) -> None:
        ears.emit(up)
        ears.state(LinkState.MEASURING, "played")

    def _send(self, ears: Ears, packet: bytes) -> None:
        data = np.frombuffer(packet, np.uint8)[None, :]
        ears.emit(Packets(STREAM, np.array([_now()], np.int64), data))

    # --- the daemon -----------------------------------------------------------------------------

    async def measure(self, folder: Path, part_after_s: float = 7200.0) -> "Soak":
        """Run a daemon with this source and viewers of every kind until it is through."""
        hub = Hub()
        soak = self

        class View:
            def hear(self, heard: Heard) -> None:
                if isinstance(heard, Gap):
                    soak.gaps.append(heard)

            def state(self, state: str, detail: str) -> None:
                pass

        class Played:
            def __init__(self, ears: Ears) -> None:
                self._ears = ears

            async def run(self) -> None:
                await soak.run(self._ears)

        plan = Plan(None, Side.RIGHT, 0, config.defaults(), folder, part_after_s=part_after_s)
        daemon = Daemon(plan, lambda _, ears: Played(ears), hub, View())

        def closed(paths: list[Path]) -> None:
            for path in paths:
                history.add(folder, path)

        daemon.on_closed = closed
        stop = asyncio.Event()
        hub.viewers.join()
        self.onlookers = Onlookers(hub, daemon.tell, folder, self.seed)
        everything = (self._fill_disk(hub), self.onlookers.come_and_go(), _read(hub), self._count())
        filling, looking, *beside = [asyncio.create_task(each) for each in everything]
        running = asyncio.create_task(daemon.run(stop))
        await self._done.wait()
        await _over(filling, looking)
        # nobody looks on any more: what is left of whoever did is left over
        self.holdings.append(holding(self.seconds))
        stop.set()
        await running
        await _over(*beside)
        self.samples, self.overruns = hub.counters.samples, hub.counters.overruns
        self.sessions = hub.counters.sessions
        return self

    async def _fill_disk(self, hub: Hub) -> None:
        """Leave no room now and then, for as long as that takes to be told and longer."""
        rng = random.Random(self.seed)
        while True:
            await asyncio.sleep(rng.uniform(*FULL_EVERY_S))
            with full_disk(0):
                await asyncio.sleep(rng.uniform(*FULL_S))
                told = "recording" in hub.status.troubles
            await asyncio.sleep(TOLD_S)
            self.full.append((told, "recording" not in hub.status.troubles))

    async def _count(self) -> None:
        begun_s = time.monotonic()
        while True:
            await asyncio.sleep(SAMPLE_EVERY_S)
            self.holdings.append(holding(time.monotonic() - begun_s, VISITING))

    # --- what is to be told of it ---------------------------------------------------------------

    def growth_mb(self, after_s: float) -> float:
        """Return how much more memory is held at the end than at most until `after_s`."""
        early = max(one.rss_mb for one in self.holdings if one.at_s <= after_s)
        return self.holdings[-1].rss_mb - early

    def leaks(self, after_s: float) -> list[str]:
        """Return what there is more of at the end than ever until `after_s`."""
        last = self.holdings[-1]
        return [
            f"{name}: {getattr(last, name)}"
            for name in ("tasks", "files", "threads")
            if getattr(last, name) > max(getattr(one, name) for one in self.holdings if one.at_s <= after_s)
        ]


async def _over(*tasks: "asyncio.Task[None]") -> None:
    """End what runs until it is ended; raise what ended it before."""
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _read(hub: Hub) -> None:
    viewer = hub.viewers.join()
    while True:
        await viewer.get()


def holding(at_s: float, but: Collection[str] = ()) -> Holding:
    """Count what this process holds, tasks called one of `but` aside."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Holding(
        at_s,
        pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        sum(task.get_name() not in but for task in asyncio.all_tasks()),
        len(list(Path("/proc/self/fd").iterdir())),
        threading.active_count(),
    )


def _now() -> HostNs:
    return HostNs(time.monotonic_ns())
