"""A bounded way out to a thread of its own, so that no listener's network ever delays a measurement.

`put` costs microseconds and never waits. When the thread does not keep up, the oldest samples are
dropped and counted; what happens once, such as a repetition, is kept as long as that is sane.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

LIMIT = 512
"""Things that may wait: over a second of the fastest sensor, and nobody wants older samples live."""
LIMIT_KEPT = 20 * LIMIT
"""Things that may wait with those that happen once: hours of repetitions."""
CLOSE_S = 2.0
"""How long the end of a session waits for what is still to go out."""
WELL_S = 5.0
"""So long nothing must have failed to be well again: of datagrams to nobody only every other one fails."""


def nothing() -> None:
    """Do nothing."""


class Outbox(Generic[T]):
    """A queue of things to send; any thread puts, one gets."""

    def __init__(self, limit: int = LIMIT, limit_kept: int = LIMIT_KEPT) -> None:
        self._limit, self._limit_kept = limit, limit_kept
        self._waiting: deque[tuple[bool, T]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.dropped = 0
        """How many were dropped so far."""

    def put(self, item: T, *, keep: bool = False) -> None:
        """Add an item; `keep` one that happens once and is not to be dropped before any that is not."""
        with self._changed:
            self._waiting.append((keep, item))
            if len(self._waiting) > self._limit:
                self._drop()
            self._changed.notify()

    def _drop(self) -> None:
        for i, (keep, _) in enumerate(self._waiting):
            if not keep:
                del self._waiting[i]
                self.dropped += 1
                return
        if len(self._waiting) > self._limit_kept:
            self._waiting.popleft()
            self.dropped += 1

    def get(self) -> T | None:
        """Return the next item, as soon as there is one; None when the box is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.popleft()[1] if self._waiting else None

    def close(self) -> None:
        """Let `get` return None after what waits."""
        with self._changed:
            self._closed = True
            self._changed.notify()


class Postman(Generic[T]):
    """A thread that handles what is put into its box, in order.

    `on_trouble` and `on_well` are called in that thread: when something fails, and once nothing has failed
    for a while since.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[T], None],
        on_trouble: Callable[[str], None],
        limit: int = LIMIT,
        on_well: Callable[[], None] = nothing,
    ) -> None:
        self._box: Outbox[T] = Outbox(limit)
        self._handle = handle
        self._on_trouble, self._on_well = on_trouble, on_well
        self._name = name
        self._failed_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many things were dropped because the thread did not keep up."""
        return self._box.dropped

    def put(self, item: T, *, keep: bool = False) -> None:
        """Hand something over; never waits."""
        self._box.put(item, keep=keep)

    def close(self) -> None:
        """Let what waits go out, for a moment, and end."""
        self._box.close()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (item := self._box.get()) is not None:
            try:
                self._handle(item)
            except Exception as error:
                # told once: a receiver that is gone must neither end the session nor fill its screen
                if self._failed_s is None:
                    self._on_trouble(f"{self._name}: {type(error).__name__}: {error}; measuring goes on")
                self._failed_s = time.monotonic()
            else:
                if self._failed_s is not None and time.monotonic() - self._failed_s > WELL_S:
                    self._failed_s = None
                    self._on_well()
