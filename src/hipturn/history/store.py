"""The catalogue's database: tables, migrations, rows in and out. It knows no recording's format.

A cache: whatever is in it can be had again from the recordings beside it and from `people.json`.
"""

import contextlib
import errno
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hipturn.errors import InputError
from hipturn.history import rows, schema
from hipturn.history.found import Found, Leg
from hipturn.units import DEG_PER_RAD, NS_PER_S

FILE = "catalogue.sqlite"
BUSY_S = 30.0
"""How long to wait for another program that writes."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
"""What is wrong is the disk or the folder: a catalogue made anew there would have the same trouble."""
_TORN = (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)


class UnusableError(InputError):
    """A catalogue that is damaged or a newer program's: it has to be made anew."""


class UnwritableError(InputError):
    """No catalogue can be kept there: its folder is read-only or its disk full."""


class Store:
    """An open catalogue. Each method that writes does all of it or nothing.

    Whatever the database refuses is an `InputError`: `UnusableError` where only making it anew helps,
    `UnwritableError` where there is no place for one.
    """

    def __init__(self, path: Path, *, kept: bool = True) -> None:
        """Open or create it; raise as above. One that is not kept is in memory, and empty at first."""
        self.path = path
        try:
            if kept:
                # only its owner reads it: it tells who does what
                path.touch(0o600)
            self._db = sqlite3.connect(path if kept else ":memory:", timeout=BUSY_S, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise _explained(path, error) from error

    def _all(self, statement: str, values: Iterable[Any] = ()) -> list[Any]:
        """Execute a statement; return all its rows."""
        try:
            return self._db.execute(statement, [_storable(value) for value in values]).fetchall()
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        for pragma in (
            "journal_mode = wal",
            "synchronous = normal",
            "secure_delete = on",
            "foreign_keys = on",
        ):
            self._all(f"PRAGMA {pragma}")
        self._migrate()

    def _version(self) -> int:
        ((version,),) = self._all("PRAGMA user_version")
        return int(version)

    def _migrate(self) -> None:
        if self._version() == len(schema.MIGRATIONS):
            return
        with self.transaction():
            # asked again: another program may have done it in between
            version = self._version()
            if version > len(schema.MIGRATIONS):
                raise UnusableError(
                    f"{self.path}: the catalogue is a newer hipturn's: update it, "
                    "or make the catalogue anew with 'hipturn reindex'"
                )
            for script in schema.MIGRATIONS[version:]:
                for statement in schema.statements(script):
                    self._all(statement)
            self._all(f"PRAGMA user_version = {len(schema.MIGRATIONS)}")

    def close(self) -> None:
        """Release it."""
        self._db.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all writes in the block one."""
        self._all("BEGIN IMMEDIATE")
        try:
            yield
            self._all("COMMIT")
        except BaseException:
            # of some failures the database has rolled back by itself
            with contextlib.suppress(sqlite3.Error):
                self._db.rollback()
            raise

    def forget_traces(self) -> None:
        """Empty the write-ahead log, where what was deleted would still be readable."""
        self._all("PRAGMA wal_checkpoint(TRUNCATE)")

    # --- in -------------------------------------------------------------------------------------

    def put(self, found: Found) -> None:
        """Keep what a recording says, in place of what is there under its name."""
        self.remove(found.name)
        start, at = found.start, found.begun
        self._insert(
            "sessions",
            found.name,
            found.size,
            found.mtime_ns,
            start.wall_time,
            at and at.timestamp(),
            at and at.toordinal(),
            *(start.person, start.drill, start.position, start.note),
            *(start.program, found.driver, found.filter),
            found.duration_s,
            found.holds,
            found.gaps,
            found.problem,
            found.pain,
            found.said,
            start.movement,
        )
        for leg in found.legs:
            c = leg.conditions
            under = (
                (c.movement, c.zero, c.observability, c.grade, c.heading_dependent, c.warmed_up)
                if c
                else (None,) * 6
            )
            self._insert(
                "legs",
                found.name,
                leg.side,
                leg.controlled,
                leg.uncontrolled,
                leg.void,
                _deg(leg.median_rad),
                _deg(leg.best_rad),
                *under,
                leg.held_s,
                _deg(leg.gained_rad),
            )
            for n, t in enumerate(leg.trials, 1):
                self._insert(
                    "trials",
                    found.name,
                    leg.side,
                    n,
                    t.direction,
                    _deg(t.value_rad),
                    _deg(t.sd_rad),
                    t.held_s,
                    t.start_ns / NS_PER_S,
                    t.end_ns / NS_PER_S,
                    _deg(t.off_axis_rad),
                    t.lost_share,
                )
            for n, each in enumerate(leg.sets, 1):
                self._insert(
                    "sets",
                    found.name,
                    leg.side,
                    n,
                    each.reps,
                    each.controlled,
                    each.warm_up,
                    each.range_change,
                    each.speed_change,
                )

    def put_unreadable(self, name: str, size: int, mtime_ns: int, reason: str) -> None:
        """Keep why a file cannot be read, so that it is not tried again until it changes."""
        self.remove(name)
        self._insert("unreadable", name, size, mtime_ns, reason)

    def put_people(self, people: Iterable[tuple[str, str | None, int | None, str]]) -> None:
        """Keep name, preferred stretch, plan and note of everybody, in place of all there are."""
        self._all("DELETE FROM people")
        for each in people:
            self._insert("people", *each)

    def remove(self, name: str) -> None:
        """Forget a file."""
        self._all("DELETE FROM sessions WHERE name = ?", (name,))
        self._all("DELETE FROM unreadable WHERE name = ?", (name,))

    def clear(self) -> None:
        """Forget everything."""
        for table in reversed(schema.TABLES):
            self._all(f"DELETE FROM {table}")

    def _insert(self, table: str, *values: Any) -> None:
        places = ", ".join("?" * len(values))
        self._all(f"INSERT INTO {table} VALUES ({places})", values)

    def listed(self) -> list[tuple[str, str | None, int | None, str]]:
        """Return the people as `put_people` took them."""
        rows = self._all("SELECT name, stretch, sessions_a_week, note FROM people ORDER BY name")
        return [(name, stretch, plan, note) for name, stretch, plan, note in rows]

    # --- out ------------------------------------------------------------------------------------

    def known(self) -> dict[str, tuple[int, int]]:
        """Return size and time of every file read, by name."""
        stamps = self._all(
            "SELECT name, size, mtime_ns FROM sessions UNION ALL SELECT name, size, mtime_ns FROM unreadable"
        )
        return {name: (size, mtime_ns) for name, size, mtime_ns in stamps}

    def unreadable(self) -> dict[str, str]:
        """Return why files cannot be read, by name."""
        return dict(map(tuple, self._all("SELECT name, reason FROM unreadable ORDER BY name")))

    def people(self) -> list[sqlite3.Row]:
        """Return everybody who has a session or is in `people.json`, with how many sessions."""
        return self._all(
            "SELECT name, stretch, sessions_a_week, note, "
            "(SELECT count(*) FROM sessions WHERE person = people.name) AS sessions FROM people UNION ALL "
            "SELECT person, NULL, NULL, '', count(*) FROM sessions WHERE person <> '' "
            "AND person NOT IN (SELECT name FROM people) GROUP BY person ORDER BY 1"
        )

    def drills(self) -> list[str]:
        """Return the drills that sessions name."""
        return [
            name for (name,) in self._all("SELECT DISTINCT drill FROM sessions WHERE drill <> '' ORDER BY 1")
        ]

    def sessions(self, where: str = "1", values: Iterable[Any] = ()) -> list[Found]:
        """Return the sessions that a condition on the table selects, oldest first, undated ones before."""
        values = tuple(values)
        chosen = f"SELECT name FROM sessions WHERE {where}"
        legs: dict[str, list[Leg]] = {}
        try:
            trials = self._grouped("trials", chosen, values, rows.trial)
            sets = self._grouped("sets", chosen, values, rows.set_of)
            chosen_rows = self._all(f"SELECT * FROM sessions WHERE {where} ORDER BY at_s, name", values)
            positions = {row["name"]: row["position"] for row in chosen_rows}
            for row in self._all(f"SELECT * FROM legs WHERE session IN ({chosen}) ORDER BY side", values):
                key = (row["session"], row["side"])
                leg = rows.leg(row, positions[row["session"]], trials.get(key, ()), sets.get(key, ()))
                legs.setdefault(row["session"], []).append(leg)
            return [rows.found(row, legs.get(row["name"], ())) for row in chosen_rows]
        except (ValueError, TypeError, LookupError) as error:
            # another program has written here: it holds what no recording gave
            raise _explained(self.path, error) from error

    def _grouped(
        self, table: str, chosen: str, values: tuple[Any, ...], read: Any
    ) -> dict[tuple[str, str], list[Any]]:
        found: dict[tuple[str, str], list[Any]] = {}
        for row in self._all(f"SELECT * FROM {table} WHERE session IN ({chosen}) ORDER BY n", values):
            found.setdefault((row["session"], row["side"]), []).append(read(row))
        return found

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return everything in it, in order: what must be the same after a reindex."""
        return {
            t: [tuple(row) for row in self._all(f"SELECT * FROM {t} ORDER BY 1, 2, 3")] for t in schema.TABLES
        }


def _explained(path: Path, error: Exception) -> InputError:
    """Return what an error of the database or the system means to a person."""
    where = getattr(error, "sqlite_errorcode", 0)
    code = where & 0xFF if where not in _TORN else 0
    if code in _BUSY:
        return InputError(f"{path}: another program has kept the catalogue for {BUSY_S:.0f} s: try again")
    if code in _UNWRITABLE or (isinstance(error, OSError) and error.errno in _REFUSED):
        why = error.strerror if isinstance(error, OSError) else error
        return UnwritableError(
            f"{path}: the catalogue cannot be written ({why}): give it room and permission, or name a "
            "copy of the folder with --recordings"
        )
    return UnusableError(f"{path}: the catalogue is damaged ({error}): 'hipturn reindex' makes it anew")


def _storable(value: Any) -> Any:
    """Return text as SQLite takes it: half a character from a file name or command line becomes "?"."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _deg(rad: float | None) -> float | None:
    return None if rad is None else round(rad * DEG_PER_RAD, 3)
