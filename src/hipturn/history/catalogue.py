"""The recordings of a folder and their catalogue, kept together.

A recording that is new or changed is read when somebody asks, one that is gone is forgotten; a file that
cannot be read is told and skipped. Whatever changes a person or a session changes the files first and the
rows after: if it is interrupted, the next look finds what the files say.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from hipturn.errors import InputError
from hipturn.history import people
from hipturn.history.found import Found, session_results
from hipturn.history.overview import Overview, overview
from hipturn.history.people import Person
from hipturn.history.store import FILE, Store, UnusableError, UnwritableError
from hipturn.model import SessionStart, Side
from hipturn.places import simulated_hint
from hipturn.plain import NAME, is_name
from hipturn.recording.amend import amend, part_of
from hipturn.recording.append import claim

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,200}\.mcap")
"""A recording's name: no folder can be named with it, and nothing hidden."""

_Listed = tuple[str, str | None, int | None, str]
State = tuple[frozenset[tuple[str, tuple[int, int]]], tuple[_Listed, ...]]
"""The recordings with their size and time, and the people."""
Progress = Callable[[int, int], None]
"""Hears how many of how many files are read."""


def _quiet(done: int, of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sessions: all that meet every condition that is not None."""

    person: str | None = None
    side: Side | None = None
    drill: str | None = None
    since: date | None = None
    """From this local day on."""
    until: date | None = None
    """Up to this local day, itself included."""

    def sql(self) -> tuple[str, list[str | int]]:
        """Return it as a condition on the table of sessions, and its values."""
        since, until = (None if day is None else day.toordinal() for day in (self.since, self.until))
        parts: list[tuple[str, str | int | None]] = [
            ("person = ?", self.person),
            ("name IN (SELECT session FROM legs WHERE side = ?)", self.side and self.side.value),
            ("drill = ?", self.drill),
            ("day >= ?", since),
            ("day <= ?", until),
        ]
        given = [(text, value) for text, value in parts if value is not None]
        return " AND ".join(["1", *(text for text, _ in given)]), [value for _, value in given]


class Catalogue:
    """The catalogue of a folder, brought up to date when it is opened.

    Where none can be kept, on a read-only disk or a full one, it is made in memory at each opening.
    Its methods read files: call them in a thread.
    """

    def __init__(self, folder: Path, on_progress: Progress = _quiet) -> None:
        """Open it; raise `InputError` where there is no such folder or its catalogue cannot be used."""
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder of recordings yet: record something first")
        self.folder = folder
        try:
            self._open(on_progress, kept=True)
        except UnwritableError:
            self._open(on_progress, kept=False)

    def _open(self, on_progress: Progress, *, kept: bool) -> None:
        self._store = Store(self.folder / FILE, kept=kept)
        try:
            self.refresh(on_progress)
        except BaseException:
            self._store.close()
            raise

    def __enter__(self) -> "Catalogue":
        return self

    def __exit__(self, *error: object) -> None:
        self._store.close()

    # --- reading --------------------------------------------------------------------------------

    def refresh(self, on_progress: Progress = _quiet) -> None:
        """Read what is new or changed, forget what is gone."""
        there = _files(self.folder)
        known = self._store.known()
        todo = [name for name, stamp in there.items() if known.get(name) != stamp]
        found = _read_all(self.folder, {name: there[name] for name in todo}, on_progress)
        listed = _listed(self.folder)
        gone = known.keys() - there.keys()
        if not (found or gone) and listed == self._store.listed():
            return
        with self._store.transaction():
            for name in gone:
                self._store.remove(name)
            _put(self._store, found, there)
            self._store.put_people(listed)

    def sessions(self, which: Filter = Filter()) -> list[Found]:
        """Return the sessions, oldest first."""
        return self._store.sessions(*which.sql())

    def drills(self) -> list[str]:
        """Return the drills there are sessions of, in the order of names."""
        return self._store.drills()

    def session(self, name: str) -> Found:
        """Return one session; raise `InputError` if there is none of that name."""
        found = self._store.sessions("name = ?", [self._name(name)])
        if not found:
            reason = self._store.unreadable().get(name)
            raise InputError(
                reason or f"{name}: no recording in {self.folder} is called that: see 'hipturn history'"
            )
        return found[0]

    def unreadable(self) -> dict[str, str]:
        """Return the files that cannot be read, and why."""
        return self._store.unreadable()

    def people(self) -> dict[str, tuple[Person, int]]:
        """Return everybody known, with how many sessions they have."""
        return {
            row["name"]: (Person(row["stretch"], row["sessions_a_week"], row["note"]), row["sessions"])
            for row in self._store.people()
        }

    def person(self, name: str) -> Person:
        """Return what is known of a person; raise `InputError` naming those there are."""
        known = self.people()
        if name not in known:
            there = ", ".join(known) or "nobody yet"
            hint = simulated_hint(self.folder)
            raise InputError(f"nobody is called {name!r} in {self.folder}: there is {there}{hint}")
        return known[name][0]

    def overview(self, name: str, today: int) -> Overview:
        """Return what a person's sessions come to; `today` is a day's ordinal. Raises `InputError`."""
        return overview(name, self.person(name), self.sessions(Filter(person=name)), today)

    def content(self) -> dict[str, list[tuple[object, ...]]]:
        """Return everything in the catalogue, in order."""
        return self._store.content()

    # --- changing -------------------------------------------------------------------------------

    def rename_session(self, name: str, new: str) -> str:
        """Give a recording another file name; return it."""
        new = self._name(new if new.endswith(".mcap") else new + ".mcap")
        path, target = self.path(name), self.folder / new
        if target.exists():
            raise InputError(f"{new} is there already: choose another name")
        with _told(path):
            path.rename(target)
        self._changed()
        return new

    def delete_session(self, name: str) -> None:
        """Delete a recording: file and rows."""
        _delete(self.path(name))
        self._changed()

    def describe_session(
        self,
        name: str,
        *,
        person: str | None = None,
        note: str | None = None,
        movement: str | None = None,
    ) -> None:
        """Say whose a recording is, who turned the leg or what is to be known of it, in the file itself."""

        def described(start: SessionStart) -> SessionStart:
            start = start if person is None else replace(start, person=_checked(person))
            start = start if movement is None else replace(start, movement=movement)
            return start if note is None else replace(start, note=note)

        amend(self.path(name), described)
        self._changed()

    def rename_person(self, name: str, new: str) -> int:
        """Call a person otherwise in every recording; return in how many.

        Raises `InputError` for an unknown one, or a name that is somebody else's: two histories would be one.
        """
        known = self.people()
        self.person(name)
        if _checked(new) in known and people.renaming(self.folder) != (name, new):
            raise InputError(f"{new!r} is somebody already: two people's histories would become one")
        # all are looked at before the first is changed
        paths = [self.path(found.name) for found in self.sessions(Filter(person=name))]
        # if it is interrupted, the same can be asked again
        people.write(self.folder, people.read(self.folder), renaming=(name, new))
        for path in paths:
            amend(path, lambda start: replace(start, person=new))
        listed = people.read(self.folder)
        if name in listed:
            listed[new] = listed.pop(name)
        people.write(self.folder, listed)
        self._changed()
        return len(paths)

    def delete_person(self, name: str) -> int:
        """Delete a person: every recording of theirs and what else is known; return how many recordings."""
        self.person(name)
        paths = [self.path(found.name) for found in self.sessions(Filter(person=name))]
        for path in paths:
            _delete(path)
        listed = people.read(self.folder)
        if listed.pop(name, None) is not None:
            people.write(self.folder, listed)
        self._changed()
        return len(paths)

    def describe_person(
        self, name: str, *, stretch: str | None = None, plan: int | None = None, note: str | None = None
    ) -> None:
        """Keep a person's preferred stretch ("" for none), sessions a week (0 for no plan) or a note."""
        changed: dict[str, object] = {}
        if stretch is not None:
            changed["stretch"] = stretch or None
        if plan is not None:
            changed["sessions_a_week"] = plan or None
        if note is not None:
            changed["note"] = note
        people.change(self.folder, _checked(name), **changed)
        self._changed()

    def _changed(self) -> None:
        self.refresh()
        self._store.forget_traces()

    def _name(self, name: str) -> str:
        if not FILE_NAME.fullmatch(name):
            raise InputError(
                f"{name!r:.80} cannot be a recording's name: letters, digits, space . _ - and .mcap last"
            )
        return name

    def path(self, name: str) -> Path:
        """Return the file of a recording; raise `InputError` if there is none or a program writes it."""
        path = self.folder / self._name(name)
        try:
            with path.open("rb") as file:
                if claim(file.fileno()):
                    return path
        except FileNotFoundError as error:
            raise InputError(
                f"{name}: no recording in {self.folder} is called that: see 'hipturn history'"
            ) from error
        except OSError as error:
            raise InputError(f"{path} cannot be opened ({error.strerror}): check its permissions") from error
        raise InputError(f"{name} is being recorded: wait until its session is over")


def add(folder: Path, path: Path) -> None:
    """Take a recording that was just closed into its folder's catalogue; raise `InputError`."""
    try:
        stat = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    stamp = {path.name: (stat.st_size, stat.st_mtime_ns)}
    with Store(folder / FILE) as store, store.transaction():
        _put(store, _read_all(folder, stamp, _quiet), stamp)


def reindex(folder: Path, on_progress: Progress = _quiet) -> None:
    """Make the catalogue anew from the files, also in place of a damaged one or a newer program's."""
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder of recordings")
    there = _files(folder)
    found = _read_all(folder, there, on_progress)
    listed = _listed(folder)

    def fill() -> None:
        with Store(folder / FILE) as store:
            with store.transaction():
                store.clear()
                _put(store, found, there)
                store.put_people(listed)
            store.forget_traces()

    try:
        fill()
    except UnusableError:
        for ending in ("", "-wal", "-shm"):
            path = folder / (FILE + ending)
            with _told(path):
                path.unlink(missing_ok=True)
        fill()


def _listed(folder: Path) -> list[_Listed]:
    known = sorted(people.read(folder).items())
    return [(name, p.stretch, p.sessions_a_week, p.note) for name, p in known]


def state(folder: Path) -> State:
    """Return what a catalogue of the folder would be made of: while it is the same, so is the catalogue.

    Raises `InputError` for a folder that cannot be looked through or a damaged `people.json`.
    """
    return frozenset(_files(folder).items()), tuple(_listed(folder))


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of the recordings in the folder itself, by name."""
    found: dict[str, tuple[int, int]] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not FILE_NAME.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                    continue
                # deleted since the folder was opened
                with contextlib.suppress(FileNotFoundError):
                    stat = entry.stat(follow_symlinks=False)
                    found[entry.name] = (stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise InputError(f"{folder} cannot be looked through ({error.strerror}): check it") from error
    return dict(sorted(found.items()))


def _read_all(
    folder: Path, names: dict[str, tuple[int, int]], on_progress: Progress
) -> dict[str, Found | str]:
    found: dict[str, Found | str] = {}
    for n, name in enumerate(names, 1):
        try:
            found[name] = session_results(folder / name)
        except InputError as error:
            # that one recording is told and the others are listed
            found[name] = " ".join(str(error).split())
        on_progress(n, len(names))
    return found


def _put(store: Store, found: dict[str, Found | str], stamps: dict[str, tuple[int, int]]) -> None:
    for name, each in found.items():
        size, mtime_ns = stamps[name]
        if isinstance(each, str):
            store.put_unreadable(name, size, mtime_ns, each)
        else:
            # as it was before it was read: what came in between is read again
            store.put(replace(each, size=size, mtime_ns=mtime_ns))


def _delete(path: Path) -> None:
    """Delete a recording, and what a change that was interrupted has left of it."""
    with _told(path):
        part_of(path).unlink(missing_ok=True)
        path.unlink()


def _checked(person: str) -> str:
    """Return a person's name or code; raise `InputError` for none, a very long one or an unprintable one."""
    if not is_name(person):
        raise InputError(f"{person!r:.40} cannot be a person's name or code: {NAME}")
    return person


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be changed ({error.strerror}): check its permissions") from error
