"""The catalogue's tables, and how an older one is brought up to date."""

import sqlite3
from collections.abc import Iterator

MIGRATIONS = (
    """
    CREATE TABLE sessions (
        name TEXT PRIMARY KEY,          -- of the file in the recordings folder
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,   -- of the file this was read from
        wall_time TEXT NOT NULL,        -- as recorded
        at_s REAL, day INTEGER,         -- POSIX seconds; local day, 1 = 0001-01-01
        person TEXT NOT NULL, drill TEXT, position TEXT, note TEXT NOT NULL,
        program TEXT NOT NULL, driver TEXT NOT NULL, filter TEXT NOT NULL,
        duration_s REAL NOT NULL, holds INTEGER NOT NULL, gaps INTEGER NOT NULL,
        problem TEXT                    -- what is damaged or missing in the file
    ) WITHOUT ROWID;
    CREATE INDEX sessions_of_person ON sessions (person, at_s);
    CREATE TABLE legs (
        session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE ON UPDATE CASCADE,
        side TEXT NOT NULL,
        controlled INTEGER NOT NULL, uncontrolled INTEGER NOT NULL, void INTEGER NOT NULL,
        median_deg REAL, best_deg REAL, -- ranges of the repetitions that are not void
        movement TEXT, zero TEXT, observability REAL, grade TEXT,
        heading_dependent INTEGER, warmed_up INTEGER,
        PRIMARY KEY (session, side)
    ) WITHOUT ROWID;
    CREATE TABLE trials (
        session TEXT NOT NULL, side TEXT NOT NULL, n INTEGER NOT NULL,
        direction TEXT NOT NULL, value_deg REAL NOT NULL, sd_deg REAL NOT NULL, held_s REAL NOT NULL,
        start_s REAL NOT NULL, end_s REAL NOT NULL, off_axis_deg REAL NOT NULL, lost_share REAL NOT NULL,
        PRIMARY KEY (session, side, n),
        FOREIGN KEY (session, side) REFERENCES legs ON DELETE CASCADE ON UPDATE CASCADE
    ) WITHOUT ROWID;
    CREATE TABLE sets (
        session TEXT NOT NULL, side TEXT NOT NULL, n INTEGER NOT NULL,
        reps INTEGER NOT NULL, controlled INTEGER NOT NULL,
        warm_up REAL, range_change REAL, speed_change REAL,
        PRIMARY KEY (session, side, n),
        FOREIGN KEY (session, side) REFERENCES legs ON DELETE CASCADE ON UPDATE CASCADE
    ) WITHOUT ROWID;
    CREATE TABLE people (
        name TEXT PRIMARY KEY, stretch TEXT, sessions_a_week INTEGER, note TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE unreadable (
        name TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE sessions ADD COLUMN pain INTEGER;
    ALTER TABLE sessions ADD COLUMN said TEXT NOT NULL DEFAULT '';
    ALTER TABLE sessions ADD COLUMN movement TEXT NOT NULL DEFAULT '';
    ALTER TABLE legs ADD COLUMN held_s REAL NOT NULL DEFAULT 0;
    ALTER TABLE legs ADD COLUMN gained_deg REAL NOT NULL DEFAULT 0;
    DELETE FROM sessions;   -- what is new is in the recordings: they are read again
    """,
)
"""Number n brings a database of version n to n + 1; never changed once released, only added to."""
TABLES = ("sessions", "legs", "trials", "sets", "people", "unreadable")


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script: `executescript` would end the transaction."""
    waiting = ""
    for line in script.splitlines(keepends=True):
        waiting += line
        if sqlite3.complete_statement(waiting):
            yield waiting
            waiting = ""
