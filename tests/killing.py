"""Recordings of a daemon that is killed: each in a process of its own, forked so that it starts at once."""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from cli_runs import RATE_HZ, drill
from daemons import packets_of
from hipturn import config
from hipturn.daemon import STREAM, Daemon, Ears, Plan
from hipturn.model import HostNs, LinkUp, Packets, Rep
from hipturn.recording import Reader
from hipturn.session import Heard
from hipturn.sinks.hub import Hub
from hipturn.sinks.recovery import recordings, recover
from hipturn.sources import simulated
from hipturn.sources.ble import LinkState

SPEED = 20.0
"""The leg moves so many times as fast: a calibration and a dozen repetitions within four seconds."""
REPS = 14
WINDOW_S = (0.0, 4.0)
"""A kill comes so long after the first sample."""
AT_ONCE = 4

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["killing"])


@dataclass(frozen=True, slots=True)
class End:
    """What a killed recording came to."""

    problem: str | None
    """Why it could not be read without complaint once finished."""
    lost_s: float
    """From the newest sample that is in the file to the moment of the kill."""
    whole: bool
    """It holds all packets up to that one, as they were sent."""
    told: int
    missing: int
    """Repetitions announced, and those of them that are not in the file."""


def killed(folder: Path, after_s: float) -> End:
    """Record into the folder, kill the recorder, look what is left."""
    here, there = _processes.Pipe(duplex=False)
    process = _processes.Process(target=_record, args=(folder, there))
    process.start()
    there.close()
    told: set[int] = set()
    while (word := here.recv()) != "begun":
        told.add(word)
    end_s = time.monotonic() + after_s
    while (left_s := end_s - time.monotonic()) > 0:
        if here.poll(left_s):
            told.add(here.recv())
    process.kill()
    killed_ns = time.monotonic_ns()
    process.join()
    while True:
        try:
            told.add(here.recv())
        except EOFError:
            break
    recover(recordings(folder))
    (path,) = folder.glob("*.mcap")
    reader = Reader(path)
    packets = [item for item in reader.inputs() if isinstance(item, Packets)]
    begun_ns = killed_ns - round(after_s * 1e9)
    newest_ns = int(packets[-1].at_ns[-1]) if packets else begun_ns
    rows = np.concatenate([item.data for item in packets]) if packets else np.empty((0, 0), np.uint8)
    sent = np.concatenate([item.data for item in packets_of(drill(reps=REPS))])
    found = {event["n"] for event in reader.events() if event["type"] == "rep"}
    return End(
        reader.problem,
        (killed_ns - newest_ns) / 1e9,
        not packets or np.array_equal(rows, sent[: len(rows)]),
        len(told),
        len(told - found),
    )


def many(folder: Path, moments_s: Sequence[float]) -> list[End]:
    """Kill as many recorders, several at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(killed, [folder / str(i) for i in range(len(moments_s))], moments_s))


def _record(folder: Path, told: Connection) -> None:
    """Run a daemon whose sensor notifies many times as fast as a real one, until it is killed."""
    motion = drill(reps=REPS)

    class View:
        def hear(self, heard: Heard) -> None:
            if isinstance(heard, Rep):
                told.send(heard.n)

        def state(self, state: str, detail: str) -> None:
            pass

    class Played:
        def __init__(self, ears: Ears) -> None:
            self._ears = ears

        async def run(self) -> None:
            ears, loop = self._ears, asyncio.get_running_loop()
            ears.emit(LinkUp(STREAM, HostNs(time.monotonic_ns()), simulated.info(motion)))
            ears.state(LinkState.MEASURING, "played")
            packets = packets_of(motion)
            begun_s = loop.time()
            for number, item in enumerate(packets):
                due_s = begun_s + number / RATE_HZ / SPEED
                await asyncio.sleep(max(0.0, due_s - loop.time()))
                ears.emit(Packets(STREAM, np.array([time.monotonic_ns()], np.int64), item.data))
                if number == 0:
                    told.send("begun")
            await asyncio.Event().wait()

    plan = Plan(None, motion.leg.side, 0, config.defaults(), folder)
    daemon = Daemon(plan, lambda _, ears: Played(ears), Hub(), View())
    asyncio.run(_until_killed(daemon))


async def _until_killed(daemon: Daemon) -> None:
    await daemon.run(asyncio.Event())
