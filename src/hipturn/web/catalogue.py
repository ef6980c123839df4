"""The recordings in the folder, by name: what they are about and what was found live."""

import re
from pathlib import Path
from typing import Any

from hipturn.errors import InputError
from hipturn.recording import Reader
from hipturn.web import angles

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,200}\.mcap")
"""A recording's name: no folder can be named with it, and nothing hidden."""
MOST = 1000
"""Recordings listed: the newest."""
MOST_HEADS = 200
"""Recordings whose beginnings are read to say who and what they are about: the newest."""
MOST_EVENTS = 50_000
"""Events of one recording that are told."""


class Catalogue:
    """The recordings of one folder. Its methods read files: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._heads: dict[tuple[str, float], dict[str, Any]] = {}
        """What was read of recordings so far, by name and time: one that is changed is read again."""
        self._angles: tuple[tuple[str, float], dict[str, Any]] | None = None
        """The picture asked for last: a page asks again."""

    def sessions(self) -> list[dict[str, Any]]:
        """Return name, size and time of the newest recordings, newest first, and what they are about."""
        found = self._listed()
        heads = {(name, at): self._head(name, at) for name, _, at in found[:MOST_HEADS]}
        self._heads = heads
        return [
            {"name": name, "bytes": size, "modified_s": round(at, 3), **heads.get((name, at), {})}
            for name, size, at in found
        ]

    def people(self) -> list[str]:
        """Return who the newest recordings are of, in the order of names."""
        return sorted({one["person"] for one in self.sessions() if one.get("person")})

    def angles(self, name: str) -> dict[str, Any] | None:
        """Return a recording's angle, thinned; None if there is none of that name.

        Raises `InputError` for one that cannot be read or is too long.
        """
        path = self._path(name)
        if path is None:
            return None
        key = (name, path.stat().st_mtime)
        if self._angles is None or self._angles[0] != key:
            self._angles = (key, angles.of(path))
        return self._angles[1]

    def _head(self, name: str, at: float) -> dict[str, Any]:
        """Return what a recording says of itself at its beginning; nothing of one that cannot be read."""
        known = self._heads.get((name, at))
        if known is not None:
            return known
        try:
            start = Reader(self.folder / name).session
        except InputError:
            return {}
        return {
            "wall_time": start.wall_time,
            "drill": start.drill,
            "position": start.position,
            "person": start.person or None,
        }

    def _listed(self) -> list[tuple[str, int, float]]:
        found: list[tuple[str, int, float]] = []
        try:
            for path in self.folder.iterdir():
                if NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                    stat = path.stat()
                    found.append((path.name, stat.st_size, stat.st_mtime))
        except OSError:
            # a folder that vanished while it was listed has no recordings to show
            found = []
        found.sort(key=lambda one: (one[2], one[0]), reverse=True)
        return found[:MOST]

    def session(self, name: str) -> dict[str, Any] | None:
        """Return what a recording is about and the events written live; None if there is none of that name.

        Raises `InputError` for one that cannot be read.
        """
        path = self._path(name)
        if path is None:
            return None
        reader = Reader(path)
        events: list[dict[str, Any]] = []
        for event in reader.events():
            events.append(event)
            if len(events) >= MOST_EVENTS:
                break
        start = reader.session
        sides = (event["side"] for event in events if event.get("side"))
        return {
            "v": 1,
            "name": name,
            "program": start.program,
            "wall_time": start.wall_time,
            "drill": start.drill,
            "position": start.position,
            "person": start.person or None,
            "side": next(sides, None),
            "note": start.note,
            "settings": dict(start.settings),
            "events": events,
        }

    def _path(self, name: str) -> Path | None:
        """Return the file of that name in the folder itself, never one elsewhere."""
        if not NAME.fullmatch(name):
            return None
        path = self.folder / name
        try:
            if path.is_symlink() or not path.is_file() or path.resolve().parent != self.folder.resolve():
                return None
        except OSError as error:
            raise InputError(f"{name} cannot be opened ({error.strerror})") from error
        return path
