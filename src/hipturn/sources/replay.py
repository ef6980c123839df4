"""A recording is just another source."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import numpy as np

from hipturn.errors import UsageError
from hipturn.model import Input, Packets, SessionStart
from hipturn.recording import Reader
from hipturn.units import NS_PER_S


def inputs(path: Path | str) -> Iterator[Input]:
    """Yield the inputs of a recording as fast as it goes, in large blocks; raise InputError."""
    yield from Reader(path).inputs()


def paced(items: Iterable[Input], speed: float) -> Iterator[Input]:
    """Yield inputs at the pace they arrived with, `speed` times as fast, sleeping between them.

    What has become due together comes as one block. Raises UsageError for a speed that is none.
    """
    pace = Pace(speed)
    for item in items:
        rest: Input | None = item
        while rest is not None:
            time.sleep(pace.wait_s(rest, time.monotonic_ns()))
            due, rest = pace.split(rest, time.monotonic_ns())
            yield due


async def paced_async(items: Iterable[Input], speed: float) -> AsyncIterator[Input]:
    """Yield inputs as `paced` does, without holding up other tasks."""
    pace = Pace(speed)
    source = iter(items)
    # The file is read in a thread, because a block of it takes milliseconds.
    while (item := await asyncio.to_thread(next, source, None)) is not None:
        rest: Input | None = item
        while rest is not None:
            await asyncio.sleep(pace.wait_s(rest, time.monotonic_ns()))
            due, rest = pace.split(rest, time.monotonic_ns())
            yield due


class Pace:
    """Arrival times of the recording against the clock of now; the first arrival is due at once."""

    def __init__(self, speed: float) -> None:
        if not (speed > 0 and math.isfinite(speed)):
            raise UsageError(f"--speed {speed:g} is no pace: give a number above 0, such as 1 or 10")
        self._speed = speed
        self._recorded_ns: int | None = None
        self._now_ns = 0

    def wait_s(self, item: Input, now_ns: int) -> float:
        """Return how long to wait, in seconds, until the item, or its first packet, is due."""
        if isinstance(item, SessionStart):
            # Its computer may have been restarted since the last, and its clock with it.
            self._recorded_ns = None
            return 0.0
        at_ns = int(item.at_ns[0]) if isinstance(item, Packets) else item.at_ns
        if self._recorded_ns is None:
            self._recorded_ns, self._now_ns = at_ns, now_ns
        due_ns = (at_ns - self._recorded_ns) / self._speed
        return max(0.0, (due_ns - (now_ns - self._now_ns)) / NS_PER_S)

    def split(self, item: Input, now_ns: int) -> tuple[Input, Input | None]:
        """Return the item, or as many of its packets as are due, at least one, and what is left."""
        if not isinstance(item, Packets) or self._recorded_ns is None:
            return item, None
        until_ns = self._recorded_ns + (now_ns - self._now_ns) * self._speed
        due = max(1, int(np.searchsorted(item.at_ns, until_ns, side="right")))
        if due >= len(item.at_ns):
            return item, None
        return (
            Packets(item.stream, item.at_ns[:due], item.data[:due]),
            Packets(item.stream, item.at_ns[due:], item.data[due:]),
        )
