"""Rows of the catalogue as records again: degrees become radians here."""

import sqlite3
from collections.abc import Iterable
from typing import cast

from hipturn.core.results import Conditions, Movement, Trial
from hipturn.history.found import Found, Leg, SetOf
from hipturn.model import Direction, SessionStart, Side, Zero
from hipturn.units import NS_PER_S, RAD_PER_DEG


def found(row: sqlite3.Row, legs: Iterable[Leg]) -> Found:
    """Return a session."""
    start = SessionStart(
        row["program"],
        row["wall_time"],
        drill=row["drill"],
        position=row["position"],
        note=row["note"],
        person=row["person"],
        movement=row["movement"],
    )
    return Found(
        **{key: row[key] for key in ("name", "size", "mtime_ns", "driver", "filter")},
        **{key: row[key] for key in ("duration_s", "holds", "gaps", "problem", "pain", "said")},
        start=start,
        legs=tuple(legs),
    )


def leg(row: sqlite3.Row, position: str | None, trials: Iterable[Trial], sets: Iterable[SetOf]) -> Leg:
    """Return a leg of a session in that position."""
    side, conditions = Side(row["side"]), None
    if row["zero"] is not None:
        conditions = Conditions(
            side,
            position or "",
            cast(Movement, row["movement"]),
            cast(Zero, row["zero"]),
            row["observability"],
            row["grade"],
            bool(row["heading_dependent"]),
            None if row["warmed_up"] is None else bool(row["warmed_up"]),
        )
    return Leg(
        side,
        row["controlled"],
        row["uncontrolled"],
        row["void"],
        _rad(row["median_deg"]),
        _rad(row["best_deg"]),
        conditions,
        row["held_s"],
        row["gained_deg"] * RAD_PER_DEG,
        tuple(trials),
        tuple(sets),
    )


def trial(row: sqlite3.Row) -> Trial:
    """Return a trial."""
    return Trial(
        Direction(row["direction"]),
        row["value_deg"] * RAD_PER_DEG,
        row["sd_deg"] * RAD_PER_DEG,
        row["held_s"],
        round(row["start_s"] * NS_PER_S),
        round(row["end_s"] * NS_PER_S),
        row["off_axis_deg"] * RAD_PER_DEG,
        0,
        row["lost_share"],
    )


def set_of(row: sqlite3.Row) -> SetOf:
    """Return a set."""
    return SetOf(*(row[k] for k in ("n", "reps", "controlled", "warm_up", "range_change", "speed_change")))


def _rad(deg: float | None) -> float | None:
    return None if deg is None else deg * RAD_PER_DEG
