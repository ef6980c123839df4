"""The queue between radio and pipeline."""

import asyncio

from hipturn.commands import Told
from hipturn.model import HostNs, Input, LinkDown, Overrun, Packets

QUEUE = 4096
"""Inputs that may wait for the pipeline: over half a minute of 100 Hz; beyond that something hangs."""


class Door:
    """Never blocks the radio, never drops untold; commands queue behind what has arrived already."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Input | Told | None] = asyncio.Queue()
        self._lost: dict[str, int] = {}

    @property
    def crowded(self) -> bool:
        """Whether inputs pile up because nobody fetches them."""
        return self._queue.qsize() >= QUEUE // 2

    def put(self, item: Input | Told) -> None:
        """Take an input; packets beyond the limit are dropped, counted and told as an `Overrun`.

        It comes before the stream's next input that has room, and at the latest before the end of its link.
        """
        match item:
            case Packets() if self._queue.qsize() >= QUEUE:
                self._lost[item.stream] = self._lost.get(item.stream, 0) + len(item.at_ns)
                return
            case Packets():
                self._tell_lost(item.stream, HostNs(int(item.at_ns[0])))
            case LinkDown():
                self._tell_lost(item.stream, item.at_ns)
        self._queue.put_nowait(item)

    def _tell_lost(self, stream: str, at_ns: HostNs) -> None:
        if lost := self._lost.pop(stream, 0):
            self._queue.put_nowait(Overrun(stream, at_ns, lost))

    def close(self) -> None:
        """Let whoever waits for an input go on with none."""
        self._queue.put_nowait(None)

    async def get(self) -> Input | Told | None:
        """Return the next input, None when the door was closed."""
        return await self._queue.get()

    def drain(self) -> list[Input | Told]:
        """Return what still waits."""
        waiting = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        return [item for item in waiting if item is not None]
