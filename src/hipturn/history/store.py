"""The catalogue's database: tables, migrations, rows in and out. It knows no recording's format.

A cache: whatever is in it can be had again from the recordings beside it and from `people.json`.
"""

import contextlib
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


class Store:
    """An open catalogue. Each method that writes does all of it or nothing."""

    def __init__(self, path: Path) -> None:
        """Open or create it; raise `InputError` for one that is damaged or a newer program's."""
        self.path = path
        try:
            # only its owner reads it: it tells who does what
            path.touch(0o600)
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise InputError(
                f"{path}: the catalogue cannot be opened ({error}): 'hipturn reindex' makes it anew"
            ) from error

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        for pragma in (
            "journal_mode = wal",
            "synchronous = normal",
            "secure_delete = on",
            "foreign_keys = on",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        self._migrate()

    def _version(self) -> int:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _migrate(self) -> None:
        if self._version() == len(schema.MIGRATIONS):
            return
        with self.transaction():
            # asked again: another program may have done it in between
            version = self._version()
            if version > len(schema.MIGRATIONS):
                raise InputError(
                    f"{self.path}: the catalogue is a newer hipturn's: update it, "
                    "or make the catalogue anew with 'hipturn reindex'"
                )
            for script in schema.MIGRATIONS[version:]:
                for statement in schema.statements(script):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS)}")

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
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def forget_traces(self) -> None:
        """Empty the write-ahead log, where what was deleted would still be readable."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

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
            *map(_text, (start.person, start.drill, start.position, start.note)),
            _text(start.program),
            _text(found.driver),
            _text(found.filter),
            found.duration_s,
            found.holds,
            found.gaps,
            found.problem,
            found.pain,
            _text(found.said),
            _text(start.movement),
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
        self._db.execute("DELETE FROM people")
        for each in people:
            self._insert("people", *each)

    def remove(self, name: str) -> None:
        """Forget a file."""
        self._db.execute("DELETE FROM sessions WHERE name = ?", (name,))
        self._db.execute("DELETE FROM unreadable WHERE name = ?", (name,))

    def clear(self) -> None:
        """Forget everything."""
        for table in reversed(schema.TABLES):
            self._db.execute(f"DELETE FROM {table}")

    def _insert(self, table: str, *values: Any) -> None:
        places = ", ".join("?" * len(values))
        self._db.execute(f"INSERT INTO {table} VALUES ({places})", values)

    def listed(self) -> list[tuple[str, str | None, int | None, str]]:
        """Return the people as `put_people` took them."""
        rows = self._db.execute("SELECT name, stretch, sessions_a_week, note FROM people ORDER BY name")
        return [(name, stretch, plan, note) for name, stretch, plan, note in rows]

    # --- out ------------------------------------------------------------------------------------

    def known(self) -> dict[str, tuple[int, int]]:
        """Return size and time of every file read, by name."""
        stamps = self._db.execute(
            "SELECT name, size, mtime_ns FROM sessions UNION ALL SELECT name, size, mtime_ns FROM unreadable"
        )
        return {name: (size, mtime_ns) for name, size, mtime_ns in stamps}

    def unreadable(self) -> dict[str, str]:
        """Return why files cannot be read, by name."""
        return dict(map(tuple, self._db.execute("SELECT name, reason FROM unreadable ORDER BY name")))

    def people(self) -> list[sqlite3.Row]:
        """Return everybody who has a session or is in `people.json`, with how many sessions."""
        return self._db.execute(
            "SELECT name, stretch, sessions_a_week, note, "
            "(SELECT count(*) FROM sessions WHERE person = people.name) AS sessions FROM people UNION ALL "
            "SELECT person, NULL, NULL, '', count(*) FROM sessions WHERE person <> '' "
            "AND person NOT IN (SELECT name FROM people) GROUP BY person ORDER BY 1"
        ).fetchall()

    def sessions(self, where: str = "1", values: Iterable[Any] = ()) -> list[Found]:
        """Return the sessions that a condition on the table selects, oldest first, undated ones before."""
        values = tuple(values)
        chosen = f"SELECT name FROM sessions WHERE {where}"
        legs: dict[str, list[Leg]] = {}
        trials = self._grouped("trials", chosen, values, rows.trial)
        sets = self._grouped("sets", chosen, values, rows.set_of)
        chosen_rows = self._db.execute(
            f"SELECT * FROM sessions WHERE {where} ORDER BY at_s, name", values
        ).fetchall()
        positions = {row["name"]: row["position"] for row in chosen_rows}
        for row in self._db.execute(f"SELECT * FROM legs WHERE session IN ({chosen}) ORDER BY side", values):
            key = (row["session"], row["side"])
            leg = rows.leg(row, positions[row["session"]], trials.get(key, ()), sets.get(key, ()))
            legs.setdefault(row["session"], []).append(leg)
        return [rows.found(row, legs.get(row["name"], ())) for row in chosen_rows]

    def _grouped(
        self, table: str, chosen: str, values: tuple[Any, ...], read: Any
    ) -> dict[tuple[str, str], list[Any]]:
        found: dict[tuple[str, str], list[Any]] = {}
        for row in self._db.execute(f"SELECT * FROM {table} WHERE session IN ({chosen}) ORDER BY n", values):
            found.setdefault((row["session"], row["side"]), []).append(read(row))
        return found

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return everything in it, in order: what must be the same after a reindex."""
        return {
            t: [tuple(row) for row in self._db.execute(f"SELECT * FROM {t} ORDER BY 1, 2, 3")]
            for t in schema.TABLES
        }


def _text(text: str | None) -> str | None:
    """Return text as SQLite takes it: half a character from a file name or command line becomes "?"."""
    return None if text is None else text.encode(errors="replace").decode()


def _deg(rad: float | None) -> float | None:
    return None if rad is None else round(rad * DEG_PER_RAD, 3)
