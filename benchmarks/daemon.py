"""What the daemon costs and withstands, each figure with its aim.

Run: ``make bench`` or ``python benchmarks/daemon.py [start|latency|cpu|memory|kill] [--kills N]``. The
sensor is played inside the process or, for kill, the virtual one in its own; no radio is in any of them.

- latency: from the notification's arrival to the WebSocket message in another process' hand, with five
  viewers of which one never reads.
- cpu: share of one core at 100 Hz, live pacing, recorded, two viewers.
- start: from starting ``hipturn run`` to ``/healthz`` answering.
- memory: resident size over an accelerated long stream.
- kill: ``kill -9`` at random moments; every recording opens, a second is lost at most, and no repetition
  that a viewer was told of is missing.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from websockets.sync.client import connect

from hipturn import config
from hipturn.daemon import STREAM, Daemon, Ears, Plan
from hipturn.drivers.hipturn_gatt import Batch, encode
from hipturn.model import HostNs, LinkUp, Packets, Side
from hipturn.recording import Reader
from hipturn.sinks.hub import Hub
from hipturn.sinks.live import Nothing
from hipturn.sinks.recovery import recordings, recover
from hipturn.sources import body, simulated
from hipturn.sources.ble import LinkState
from hipturn.web.server import WebServer

RATE_HZ = 100.0


class Player:
    """A simulated leg that notifies at its rate times `speed`, over and over after its motion's end."""

    def __init__(self, ears: Ears, seconds: float, speed: float) -> None:
        self._motion = body.simulate(
            body.Leg.random(1, side=Side.RIGHT), body.drill_script(40, 1), RATE_HZ, 1
        )
        self._ears, self._count, self._speed = ears, round(seconds * RATE_HZ), speed
        self.sent_ns: dict[float, int] = {}
        self.done, self.go = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        await self.go.wait()
        up_ns = HostNs(time.monotonic_ns())
        self._ears.emit(LinkUp(STREAM, up_ns, simulated.info(self._motion)))
        self._ears.state(LinkState.MEASURING, "played")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number in range(self._count):
            due = begun + number / RATE_HZ / self._speed
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            elif number % 20 == 0:
                await asyncio.sleep(0)
            row = number % len(self._motion.t_s)
            packet = encode(
                Batch(
                    number,
                    number * 10_000,
                    10_000,
                    self._motion.acc_mps2[row : row + 1],
                    self._motion.gyr_radps[row : row + 1],
                )
            )
            now_ns = time.monotonic_ns()
            if self._speed == 1.0:
                self.sent_ns[round(number / RATE_HZ, 2)] = now_ns
            data = np.frombuffer(packet, np.uint8)[None, :]
            self._ears.emit(Packets(STREAM, np.array([now_ns], np.int64), data))
        self.done.set()
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def daemon(seconds: float, speed: float = 1.0) -> AsyncIterator[tuple[Player, Hub, str]]:
    """Run a daemon with a player and the web server; yield player, hub and where the page is."""
    with tempfile.TemporaryDirectory() as folder:
        players: list[Player] = []

        def make(_plan: Plan, ears: Ears) -> Player:
            players.append(Player(ears, seconds, speed))
            return players[0]

        hub = Hub()
        server = WebServer(hub, Path(folder), "127.0.0.1", 0, "", [])
        plan = Plan(None, Side.RIGHT, 0, config.defaults(), Path(folder))
        running = Daemon(plan, make, hub, Nothing())
        running.services = {"web": lambda: server.serve(running.tell, STREAM)}
        stop = asyncio.Event()
        task = asyncio.create_task(running.run(stop))
        while not players:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        try:
            yield players[0], hub, server.address.url
        finally:
            stop.set()
            await task


VIEWER = """
import json, sys, time
from websockets.sync.client import connect
with connect(sys.argv[1], compression=None) as socket:
    end = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        try:
            line = json.loads(socket.recv(timeout=1.0))
        except TimeoutError:
            continue
        if line["type"] == "angle":
            print(line["t_s"], time.monotonic_ns(), flush=True)
"""


async def viewers(hub: Hub, url: str, count: int, seconds: float) -> list[asyncio.subprocess.Process]:
    """Start viewers in processes of their own; the first one's frames can be read from its stdout."""
    command = [sys.executable, "-c", VIEWER, url.replace("http", "ws") + "api/v1/live", str(seconds)]
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    started = [
        await asyncio.create_subprocess_exec(*command, stdout=nothing if number else pipe)
        for number in range(count)
    ]
    while len(hub.viewers) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return started


def never_reads(url: str) -> socket.socket:
    """Connect a viewer that asks for the live stream and then takes nothing."""
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    stuck.connect(("127.0.0.1", int(url.rsplit(":", 1)[1].strip("/"))))
    head = "GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    stuck.sendall(
        (head + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()
    )
    return stuck


async def latency(seconds: float) -> None:
    async with daemon(seconds) as (player, hub, url):
        first, *others = await viewers(hub, url, 4, seconds + 2)
        with never_reads(url):
            while len(hub.viewers) < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            player.go.set()
            out, _ = await first.communicate()
            for other in others:
                await other.wait()
            frames = [line.split() for line in out.decode().splitlines()]
            took = [(int(at) - player.sent_ns[round(float(t_s), 2)]) / 1e6 for t_s, at in frames]
            print(
                f"latency    p50 {np.median(took):.2f} ms, p99 {np.percentile(took, 99):.2f} ms, "
                f"max {max(took):.2f} ms ({len(took)} frames, 5 viewers, one stuck: {hub.viewers.dropped} "
                "frames dropped; aim 5 and 20)"
            )


async def cpu(seconds: float) -> None:
    async with daemon(seconds) as (player, hub, url):
        watching = await viewers(hub, url, 2, seconds)
        player.go.set()
        begun, used = time.monotonic(), time.process_time()
        await player.done.wait()
        share = (time.process_time() - used) / (time.monotonic() - begun)
        await asyncio.gather(*(viewer.communicate() for viewer in watching))
        print(f"cpu        {share:.1%} of a core at 100 Hz over {seconds:g} s, recorded, 2 viewers (aim 10)")


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def memory(hours: float) -> None:
    async with daemon(hours * 3600, speed=1e6) as (player, hub, url):
        (viewer,) = await viewers(hub, url, 1, 3600)
        if viewer.stdout is None:
            raise SystemExit("the viewer has no stdout")
        reading = asyncio.create_task(_read_all(viewer.stdout))
        player.go.set()
        sizes: list[tuple[float, float]] = []
        while not player.done.is_set():
            await asyncio.sleep(0.5)
            sizes.append((hub.counters.samples / RATE_HZ / 3600, rss_mb()))
        viewer.kill()
        await viewer.wait()
        await reading
        late = [(at, size) for at, size in sizes if at > hours / 4]
        slope = np.polyfit([at for at, _ in late], [size for _, size in late], 1)[0]
        print(
            f"memory     {late[0][1]:.1f} MB after {late[0][0]:.2f} h, {late[-1][1]:.1f} MB after "
            f"{late[-1][0]:.2f} h of 100 Hz in one session: {slope:+.2f} MB an hour "
            f"({hub.counters.reps} repetitions, {hub.counters.overruns} overruns)"
        )


async def _read_all(stdout: asyncio.StreamReader) -> None:
    while await stdout.read(65536):
        pass


class Program:
    """``hipturn run`` as a process."""

    def __init__(self, folder: Path, *args: str) -> None:
        env = {**os.environ, "HIPTURN_CONFIG": os.devnull, "HIPTURN_STATE": str(folder / "state")}
        command = [sys.executable, "-m", "hipturn", "run", "--headless", "--port", "0", *args]
        self.recordings = folder / "recordings"
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [*command, "--recordings", str(self.recordings)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=env,
            text=True,
        )
        self.url = self.until("page: ").split()[-1]

    def until(self, words: str) -> str:
        for line in self.process.stderr or ():
            if words in line:
                return line
        raise SystemExit("hipturn run ended by itself")

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.communicate()


def start(rounds: int) -> None:
    """Without a Bluetooth adapter the search is tried and told; up to there all is the same."""
    took = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            program = Program(Path(folder))
            while True:
                with contextlib.suppress(OSError), urllib.request.urlopen(program.url + "healthz", timeout=5):
                    break
                time.sleep(0.01)
            took.append(time.monotonic() - program.begun)
            program.end(signal.SIGTERM)
    print(f"start      {min(took):.2f} to {max(took):.2f} s until it answers, {rounds} starts (aim 3 s)")


def kill(times: int) -> None:
    rng = random.Random(1)
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(killed, [rng.uniform(3.0, 40.0) for _ in range(times)]))
    sound = sum(not end.problem for end in ends)
    print(
        f"kill -9    {times} times after 3 to 40 s: {sound} open without complaint, at most "
        f"{max(end.lost_s for end in ends):.2f} s lost, {sum(end.told for end in ends)} repetitions told, "
        f"{sum(end.missing for end in ends)} of them missing (aims: all, 1 s, 0)"
    )


@dataclass(frozen=True, slots=True)
class End:
    """What a killed program left."""

    problem: bool
    lost_s: float
    told: int
    missing: int


def killed(after_s: float) -> End:
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder), "--sensor", "virtual")
        last_s, told = 0.0, set[int]()
        with connect(program.url.replace("http", "ws") + "api/v1/live", compression=None) as live:
            end = None
            while end is None or time.monotonic() < end:
                try:
                    line = json.loads(live.recv(timeout=0.05))
                except TimeoutError:
                    continue
                if end is None and line["type"] == "session":
                    end = time.monotonic() + after_s
                last_s = max(last_s, line.get("t_s", 0.0), (line.get("session") or {}).get("duration_s", 0.0))
                if line["type"] == "rep":
                    told.add(line["n"])
            program.end(signal.SIGKILL)
        recover(recordings(program.recordings))
        (path,) = program.recordings.glob("*.mcap")
        reader = Reader(path)
        arrivals = np.concatenate([item.at_ns for item in reader.inputs() if isinstance(item, Packets)])
        recorded_s = (int(arrivals[-1]) - int(arrivals[0])) / 1e9
        found = {event["n"] for event in reader.events() if event["type"] == "rep"}
        return End(reader.problem is not None, max(0.0, last_s - recorded_s), len(told), len(told - found))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    names = ("start", "latency", "cpu", "memory", "kill")
    # nothing at all is among the choices: it is what the parser looks at where nothing is named
    parser.add_argument("what", nargs="*", choices=[*names, []], default=[], help="all of them if not named")
    parser.add_argument("--seconds", type=float, default=30.0, help="of latency and cpu")
    parser.add_argument("--hours", type=float, default=0.5, help="of stream for memory")
    parser.add_argument("--kills", type=int, default=6)
    given = parser.parse_args()
    given.what = given.what or names
    if "start" in given.what:
        start(3)
    if "latency" in given.what:
        asyncio.run(latency(given.seconds))
    if "cpu" in given.what:
        asyncio.run(cpu(given.seconds))
    if "memory" in given.what:
        asyncio.run(memory(given.hours))
    if "kill" in given.what:
        kill(given.kills)


if __name__ == "__main__":
    main()
