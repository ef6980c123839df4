"""The recordings in the folder, by name: what they are about and what was found live."""

import re
from pathlib import Path
from typing import Any

from hipturn.errors import InputError
from hipturn.recording import Reader

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,200}\.mcap")
"""A recording's name: no folder can be named with it, and nothing hidden."""
MOST = 1000
"""Recordings listed: the newest."""
MOST_EVENTS = 50_000
"""Events of one recording that are told."""


class Catalogue:
    """The recordings of one folder. Its methods read files: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sessions(self) -> list[dict[str, Any]]:
        """Return name, size and time of the newest recordings, newest first."""
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
        return [{"name": name, "bytes": size, "modified_s": round(at, 3)} for name, size, at in found[:MOST]]

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
        return {
            "v": 1,
            "name": name,
            "program": start.program,
            "wall_time": start.wall_time,
            "drill": start.drill,
            "position": start.position,
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
