"""Viewers: each has a bounded queue of its own that drops its oldest and counts it."""

import asyncio
from collections import deque

QUEUE = 256
"""Lines that may wait for one viewer: minutes of repetitions and prompts. Angles do not queue at all."""


class Viewer:
    """One who looks on. What it does not fetch in time is lost to it alone, counted and told."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._angle: str | None = None
        self._there = asyncio.Event()
        self._untold = 0
        self.dropped = 0
        """Frames this viewer never got."""

    def put(self, line: str) -> None:
        """Queue a line; past the limit the oldest falls away. Never waits."""
        if len(self._lines) >= QUEUE:
            self._lines.popleft()
            self._drop()
        self._lines.append(line)
        self._there.set()

    def put_angle(self, line: str) -> None:
        """Offer the newest angle: an older one still waiting is of no use to a screen."""
        if self._angle is not None:
            self._drop()
        self._angle = line
        self._there.set()

    def forget_angle(self) -> None:
        """Withdraw an angle that waits: it is not what the leg does now."""
        self._angle = None

    def _drop(self) -> None:
        self.dropped += 1
        self._untold += 1

    async def get(self) -> str:
        """Return what comes next; after a loss first of all how much is missing."""
        await self._there.wait()
        while not self._lines and self._angle is None:
            self._there.clear()  # the angle it was set for is withdrawn
            await self._there.wait()
        if self._untold and self._lines:
            count, self._untold = self._untold, 0
            return f'{{"v":1,"type":"dropped","count":{count}}}'
        if self._lines:
            line = self._lines.popleft()
        else:
            line, self._angle = self._angle or "", None
        if not self._lines and self._angle is None:
            self._there.clear()
        return line


class Viewers:
    """All who look on."""

    def __init__(self, most: int = 32) -> None:
        self._all: set[Viewer] = set()
        self._most = most
        self._dropped_before = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def full(self) -> bool:
        """Whether no more may join."""
        return len(self._all) >= self._most

    @property
    def dropped(self) -> int:
        """Frames dropped for all viewers there ever were."""
        return self._dropped_before + sum(viewer.dropped for viewer in self._all)

    def join(self) -> Viewer:
        """Return a new viewer."""
        viewer = Viewer()
        self._all.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        if viewer in self._all:
            self._all.remove(viewer)
            self._dropped_before += viewer.dropped

    def tell(self, line: str) -> None:
        """Give a line to all."""
        for viewer in self._all:
            viewer.put(line)

    def tell_angle(self, line: str) -> None:
        """Offer an angle to all."""
        for viewer in self._all:
            viewer.put_angle(line)

    def forget_angle(self) -> None:
        """Withdraw the angle that waits for anybody: another session begins."""
        for viewer in self._all:
            viewer.forget_angle()
