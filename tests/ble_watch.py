"""Watching a BLE source: collects what it says, waits for conditions, checks the order of its inputs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from hipturn.model import Input, LinkDown, LinkUp, Packets
from hipturn.sources.ble import Backend, BleSource, Limits, LinkState

PATIENCE_S = 30.0
"""Limit on waiting for what normally takes a second; a busy machine may need much of it."""


class Watcher:
    """What a source has said so far."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.states: list[tuple[LinkState, str]] = []
        self._changed = asyncio.Event()

    def emit(self, one: Input) -> None:
        self.inputs.append(one)
        self._changed.set()

    def on_state(self, state: LinkState, text: str) -> None:
        self.states.append((state, text))
        self._changed.set()

    @property
    def packets(self) -> list[Packets]:
        return [one for one in self.inputs if isinstance(one, Packets)]

    @property
    def ups(self) -> int:
        return sum(isinstance(one, LinkUp) for one in self.inputs)

    @property
    def downs(self) -> list[str]:
        return [one.reason for one in self.inputs if isinstance(one, LinkDown)]

    def said(self, words: str) -> bool:
        return any(words in text for _, text in self.states)

    async def until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"still waiting after {self.states}, {self.downs}") from None

    async def more(self, packets: int) -> None:
        """Wait for so many more packets."""
        goal = len(self.packets) + packets
        await self.until(lambda: len(self.packets) >= goal)

    async def linked(self, times: int) -> None:
        """Wait until so many links have come up since the beginning."""
        await self.until(lambda: self.ups == times)

    def assert_order(self) -> None:
        """Packets lie between LinkUp and LinkDown only, and time never goes back."""
        is_up, last_ns, this_ns = False, 0, 0
        for one in self.inputs:
            match one:
                case LinkUp():
                    assert not is_up
                    is_up, this_ns = True, one.at_ns
                case LinkDown():
                    assert is_up
                    is_up, this_ns = False, one.at_ns
                case Packets():
                    assert is_up and len(one.at_ns) == 1
                    this_ns = int(one.at_ns[0])
                case _:
                    raise AssertionError(f"a source does not say {one}")
            assert this_ns >= last_ns
            last_ns = this_ns
        assert not is_up, "a source that has ended leaves no link open"


@contextlib.asynccontextmanager
async def measuring(
    backend: Backend, sensor: str | None = None, limits: Limits | None = None
) -> AsyncIterator[Watcher]:
    """Run a source for the context and check the order of all it said."""
    watcher = Watcher()
    source = BleSource(sensor, "shin-right", watcher.emit, watcher.on_state, backend, limits)
    task = asyncio.create_task(source.run())
    try:
        yield watcher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    watcher.assert_order()
