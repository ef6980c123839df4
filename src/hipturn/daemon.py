"""The only wiring: source, recorder, session and listeners in one task group."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import hipturn
from hipturn import config
from hipturn.coach import Coach, Phase
from hipturn.errors import RecordingError
from hipturn.model import HostNs, Input, Overrun, Packets, SessionStart, Side
from hipturn.session import Heard, Session
from hipturn.sinks.recorder import Recorder
from hipturn.sources.ble import Backend, BleSource, LinkState

QUEUE = 4096
"""Inputs that may wait for the pipeline: over half a minute of 100 Hz; beyond that something hangs."""
TICK_S = 0.25
"""How often the recorder may close a chunk and the listener hears that time passes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a live session is about."""

    sensor: str | None
    side: Side
    reps: int
    """Controlled repetitions to reach; 0 to go on until stopped."""
    settings: config.Settings
    recordings: Path
    drill: str = "seated-mobilisation"
    position: str = "seated-floor"
    limit_s: float | None = None
    """Longest time the session may take."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a session ended."""

    recording: Path
    finished: bool
    """The coach reached its target."""
    trouble: str | None
    """Why something could not be recorded."""


STREAM = "shin"


class _Door:
    """The queue between radio and pipeline: never blocks the radio, never drops untold."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Input | None] = asyncio.Queue()
        self._lost: dict[str, int] = {}

    def put(self, item: Input) -> None:
        """Take an input; packets beyond the limit are dropped, counted and told as an `Overrun`."""
        if isinstance(item, Packets):
            if self._queue.qsize() >= QUEUE:
                self._lost[item.stream] = self._lost.get(item.stream, 0) + len(item.at_ns)
                return
            if lost := self._lost.pop(item.stream, 0):
                self._queue.put_nowait(Overrun(item.stream, HostNs(int(item.at_ns[0])), lost))
        self._queue.put_nowait(item)

    def close(self) -> None:
        """Let whoever waits for an input go on with none."""
        self._queue.put_nowait(None)

    async def get(self) -> Input | None:
        """Return the next input, None when the door was closed."""
        return await self._queue.get()

    def drain(self) -> list[Input]:
        """Return what still waits."""
        waiting = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        return [item for item in waiting if item is not None]


async def measure(
    plan: Plan,
    backend: Backend,
    listen: Callable[[Heard], None],
    on_state: Callable[[LinkState, str], None],
    on_trouble: Callable[[str], None],
    stop: asyncio.Event,
) -> Ended:
    """Run a session until its target or limit is reached or `stop` is set; the recording is closed.

    `listen` hears inputs, outputs and prompts in order. A recording that cannot be written is told
    through `on_trouble` and does not stop the measurement.
    """
    keeper = _Keeper(Recorder.open(plan.recordings, plan.drill, plan.side), on_trouble)
    coach = Coach(STREAM, plan.side, plan.reps, plan.position)
    session = Session(config.core_params(plan.settings), coach, keeper, listen)
    session.push(
        SessionStart(
            program=f"hipturn {hipturn.__version__}",
            wall_time=datetime.now().astimezone().isoformat(timespec="milliseconds"),
            settings=dict(plan.settings),
            drill=plan.drill,
            position=plan.position,
        )
    )
    door = _Door()
    source = BleSource(plan.sensor, STREAM, door.put, on_state, backend)
    try:
        async with asyncio.timeout(plan.limit_s), asyncio.TaskGroup() as tasks:
            radio = tasks.create_task(source.run(), name="radio")
            ticking = tasks.create_task(_tick(keeper), name="recorder tick")
            stopping = tasks.create_task(_close_when(stop, door), name="stop")
            while coach.phase is not Phase.DONE and (item := await door.get()) is not None:
                session.push(item)
            for task in (radio, ticking, stopping):
                task.cancel()
    except TimeoutError:
        pass
    finally:
        # what the radio still said while it was being stopped belongs to the session
        for item in door.drain():
            session.push(item)
        session.finish()
        keeper.close()
    return Ended(keeper.path, coach.phase is Phase.DONE, keeper.trouble)


async def _close_when(stop: asyncio.Event, door: _Door) -> None:
    await stop.wait()
    door.close()


async def _tick(keeper: "_Keeper") -> None:
    while True:
        await asyncio.sleep(TICK_S)
        keeper.tick()


class _Keeper:
    """The recorder with its troubles told once, so that a full disk never stops a measurement."""

    def __init__(self, recorder: Recorder, on_trouble: Callable[[str], None]) -> None:
        self._recorder = recorder
        self._on_trouble = on_trouble
        self.trouble: str | None = None
        self.path = recorder.path

    def write(self, item: Input) -> None:
        self._try(lambda: self._recorder.write(item))
        self.tick()

    def write_event(self, stream: str, t_ns: int, line: str) -> None:
        self._try(lambda: self._recorder.write_event(stream, t_ns, line))

    def tick(self) -> None:
        self._try(lambda: self._recorder.tick(time.monotonic_ns()))

    def close(self) -> None:
        self._try(self._recorder.close)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except RecordingError as error:
            if self.trouble is None:
                self._on_trouble(str(error))
            self.trouble = str(error)
