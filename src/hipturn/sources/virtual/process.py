"""The virtual sensor: a simulated leg behind a real GATT server, in this process or in one of its own."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hipturn.errors import HipturnError, UsageError
from hipturn.sources.virtual.settings import VirtualSettings

Event = Mapping[str, Any]
"""A JSON line of the virtual sensor: ``type`` says what happened, ``t_s`` when in the motion."""

READY_S = 60.0
"""Limit on starting the process: imports and simulation take 1–2 s, on a busy machine many times that."""
LEAVE_S = 5.0
"""Limit on each step of ending the process: asking, terminating, killing."""
CLOSED_BY_PARENT = "--until-stdin-closes"
"""Option that ends the process with its parent, however that ends."""


async def serve(
    settings: VirtualSettings,
    host: str,
    port: int,
    tell: Callable[[Event], None],
    ears: Callable[[Callable[[Event], None]], None] | None = None,
) -> None:
    """Be a virtual sensor until cancelled; `tell` gets ``ready`` first and then what happens.

    With `ears` its person obeys a coach instead of following a script: `ears` is given what to call with
    each line of the coach.

    Raises `UsageError` if the port is taken, `HipturnError` if bumble is not installed.
    """
    try:
        from hipturn.sources.virtual.obeying import Obeying
        from hipturn.sources.virtual.peripheral import Stage, VirtualSensor
        from hipturn.sources.virtual.playback import kept_still, second, simulated
        from hipturn.sources.virtual.radio import Radio, hci_server
    except ImportError as error:
        raise HipturnError(
            f"the virtual sensor needs the package bumble ({error}): "
            "install it with  pip install 'hipturn[sim]'"
        ) from error
    motion = simulated(settings)
    obeying: Obeying | None = None
    if ears is not None:
        obeying = Obeying(motion.leg, settings.sample_rate_hz, settings.seed)
        ears(obeying.hear)
    ready: list[asyncio.Event] = []

    def happening(on: Mapping[str, str]) -> Callable[[str, float], None]:
        """Return what tells what happens to one sensor, except that it is ready."""
        is_ready = asyncio.Event()
        ready.append(is_ready)

        def happened(what: str, t_s: float) -> None:
            if what == "advertising" and not is_ready.is_set():
                is_ready.set()
            else:
                tell({"v": 1, "type": what, "t_s": round(t_s, 3), **on})

        return happened

    radio, stage = Radio(settings.interval_s), Stage()
    sensors = [VirtualSensor(radio, settings, motion, happening({}), obeying, stage)]
    told: dict[str, str] = {}
    if settings.pelvis:
        sacrum = kept_still(settings) if obeying is not None else second(settings)
        address = told["pelvis"] = settings.pelvis_address
        on = happening({"sensor": "pelvis"})
        sensors.append(VirtualSensor(radio, settings, sacrum, on, stage=stage, address=address))

    def forget() -> None:
        for sensor in sensors:
            sensor.forget()

    try:
        async with hci_server(radio, host, port, forget) as bound, asyncio.TaskGroup() as tasks:
            for sensor in sensors:
                tasks.create_task(sensor.run(), name="virtual sensor")
            for is_ready in ready:
                await is_ready.wait()
            tell(
                {
                    "v": 1,
                    "type": "ready",
                    "hci": f"tcp-client:{host}:{bound}",
                    "name": settings.local_name,
                    "address": settings.address,
                    "seed": settings.seed,
                    **told,
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
    pelvis: str | None = None
    """The address of a second sensor, on the pelvis, if there is one."""
    say: Callable[[Event], None] = lambda _: None
    """Let the person on the sensor hear a line of the coach; heeded with ``--obey``. Never waits."""


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
        stdin = process.stdin

        def say(line: Event) -> None:
            if not stdin.is_closing():
                stdin.write(json.dumps(line).encode() + b"\n")

        named = ready["hci"], ready["name"], ready["address"], ready["seed"]
        yield Spawned(*named, events, ready.get("pelvis"), say)
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
