"""The recordings in the folder: what they are about, what was found in them, what they come to over weeks."""

from collections.abc import Callable, Hashable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from hipturn import history, lines
from hipturn.core import results
from hipturn.errors import InputError
from hipturn.history.catalogue import FILE_NAME
from hipturn.history.found import begun
from hipturn.history.overview import progress_lines, session_line
from hipturn.model import Mark, MarkKind, Packets
from hipturn.recording import Reader
from hipturn.units import NS_PER_S
from hipturn.web import angles
from hipturn.web.angles import Measured, Window

Answer = TypeVar("Answer")
EVERY = history.Filter()
MOST = 1000
"""Recordings listed: the newest."""
MOST_ANSWERS = 64
"""Answers kept while no recording changes."""
MOST_EVENTS = 50_000
"""Events of one recording that are told."""
MOST_MARKS = 1000
TOLD = (
    MarkKind.NOTE,
    MarkKind.ANSWER,
    MarkKind.PAUSE,
    MarkKind.RESUME,
    MarkKind.SKIP,
    MarkKind.COUNT,
)
"""Marks that a person who looks back would know of; the others are told by their effect."""


class Catalogue:
    """The recordings of one folder. Its methods read files: call them in a thread.

    What was answered is answered again without a look into the catalogue, as long as no file has changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._answered: tuple[history.State, dict[Hashable, list[Any]]] | None = None
        """What was answered while the folder was in that state: no longer, for people may be deleted."""
        self._measured: tuple[tuple[str, float], Measured] | None = None
        """The recording drawn last: a page asks again, for another stretch of it."""

    def sessions(self, which: history.Filter = EVERY) -> dict[str, Any]:
        """Return the newest recordings, newest first, and by what they can be chosen.

        What cannot be read is listed with its name alone, where everything is asked for.
        """

        def found(catalogue: history.Catalogue) -> dict[str, Any]:
            broken = catalogue.unreadable() if which == EVERY else {}
            listed = [self._listed(each) for each in catalogue.sessions(which)]
            listed += filter(None, map(self._file, broken))
            listed.sort(key=_when, reverse=True)
            people = list(catalogue.people())
            return {"sessions": listed[:MOST], "people": people, "drills": catalogue.drills()}

        return self._answer(("sessions", which), found) or {"sessions": [], "people": [], "drills": []}

    def people(self) -> list[str]:
        """Return everybody with a recording or something kept of them, in the order of names."""
        return self._answer("people", lambda catalogue: list(catalogue.people())) or []

    def progress(self, person: str) -> dict[str, Any] | None:
        """Return what a person's sessions come to; None for somebody unknown."""
        today = date.today().toordinal()

        def found(catalogue: history.Catalogue) -> dict[str, Any] | None:
            if not person or person not in catalogue.people():
                return None
            overview = catalogue.overview(person, today)
            return {"v": 1, "person": person, "lines": progress_lines(overview)}

        return self._answer(("progress", person, today), found)

    def session(self, name: str) -> dict[str, Any] | None:
        """Return what a recording is about and the events written live; None if there is none of that name.

        Raises `InputError` for one that cannot be read.
        """
        path = self._path(name)
        if path is None:
            return None
        found = self._answer(("session", name), lambda catalogue: catalogue.session(name))
        if found is None:
            return None
        reader = Reader(path)
        events: list[dict[str, Any]] = []
        for event in reader.events():
            events.append(event)
            if len(events) >= MOST_EVENTS:
                break
        start = reader.session
        sides = (event["side"] for event in events if event.get("side"))
        tests = [
            results.result(leg.conditions, leg.trials) for leg in found.legs if leg.conditions and leg.trials
        ]
        return {
            "v": 1,
            **self._listed(found),
            "program": start.program,
            "side": next(sides, None),
            "settings": dict(start.settings),
            "tests": [lines.test_result(each, name) for each in tests],
            "marks": list(_marks(reader)),
            "events": events,
        }

    def angles(self, name: str, window: Window) -> dict[str, Any] | None:
        """Return a recording's angle, thinned; None if there is none of that name.

        Raises `InputError` for one that cannot be read or is too long.
        """
        path = self._path(name)
        if path is None:
            return None
        key = (name, path.stat().st_mtime)
        if self._measured is None or self._measured[0] != key:
            self._measured = (key, angles.of(path))
        return self._measured[1].drawn(window)

    # --- inside ---------------------------------------------------------------------------------

    def _answer(self, question: Hashable, ask: Callable[[history.Catalogue], Answer]) -> Answer | None:
        """Return what the history of the folder says to a question; None before there is one.

        The state is looked at first: what changes while it is asked makes the next answer a new one.
        """
        if not self.folder.is_dir():
            return None
        state = history.state(self.folder)
        if self._answered is None or self._answered[0] != state:
            self._answered = (state, {})
        _, known = self._answered
        # one answer may be None; and another thread may clear them
        kept: list[Answer] = known.get(question, [])
        if not kept:
            with history.Catalogue(self.folder) as catalogue:
                kept = [ask(catalogue)]
            if len(known) >= MOST_ANSWERS:
                known.clear()
            known[question] = kept
        return kept[0]

    def _listed(self, found: history.Found) -> dict[str, Any]:
        """Return a recording as a list tells it."""
        about = {
            key: value for key, value in session_line(found).items() if key not in ("v", "type", "recording")
        }
        size = {"name": found.name, "bytes": found.size, "modified_s": round(found.mtime_ns / NS_PER_S, 3)}
        return {**size, **about, "person": found.start.person or None}

    def _file(self, name: str) -> dict[str, Any] | None:
        """Return what is known of a file that cannot be read."""
        try:
            stat = (self.folder / name).stat()
        except OSError:
            return None
        return {"name": name, "bytes": stat.st_size, "modified_s": round(stat.st_mtime, 3)}

    def _path(self, name: str) -> Path | None:
        """Return the file of that name in the folder itself, never one elsewhere."""
        if not FILE_NAME.fullmatch(name):
            return None
        path = self.folder / name
        try:
            if path.is_symlink() or not path.is_file() or path.resolve().parent != self.folder.resolve():
                return None
        except OSError as error:
            raise InputError(f"{name} cannot be opened ({error.strerror})") from error
        return path


def _when(listed: dict[str, Any]) -> tuple[float, str]:
    """Return when a recording began, as far as it says: a note added later makes it no newer."""
    at = begun(listed.get("wall_time", ""))
    return (at.timestamp() if at else listed["modified_s"], listed["name"])


def _marks(reader: Reader) -> Iterator[dict[str, Any]]:
    """Yield what was told from outside, at the time of the packet before it."""
    first_ns: int | None = None
    now_ns = told = 0
    for item in reader.inputs():
        match item:
            case Packets():
                first_ns = int(item.at_ns[0]) if first_ns is None else first_ns
                now_ns = int(item.at_ns[-1])
            case Mark() if item.kind in TOLD and told < MOST_MARKS:
                told += 1
                at_s = 0.0 if first_ns is None else (now_ns - first_ns) / NS_PER_S
                yield {"t_s": round(at_s, 2), "kind": item.kind, "value": dict(item.value)}
