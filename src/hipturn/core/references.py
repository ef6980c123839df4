"""Scales and reference values from the literature: data a person may choose to look at, never a verdict.

Published means of internal rotation run from 29° to 50° by group and position, so each value names its data
set, and a percentile without that name does not exist here.
"""

import math
from dataclasses import dataclass

from hipturn.errors import UsageError
from hipturn.model import Direction
from hipturn.units import RAD_PER_DEG


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation of a group, rad; the latter None where it was not published."""

    mean_rad: float
    sd_rad: float | None


UNTOLD = "not told"
"""The position of a group whose publication names none."""


@dataclass(frozen=True, slots=True)
class Group:
    """People whose rotation somebody measured and published."""

    name: str
    people: str
    n: int
    position: str
    """As hipturn names it, or `UNTOLD`."""
    internal: Spread
    external: Spread | None
    source: str

    def fits(self, position: str | None) -> bool:
        """Return whether a range in this position may be held against it."""
        return self.position in (position, UNTOLD)


@dataclass(frozen=True, slots=True)
class Scale:
    """Marks on one direction's range, as their source words them."""

    name: str
    position: str
    """The one it is for: in another the same hip has another range."""
    direction: Direction
    marks: tuple[tuple[float, str], ...]
    """From small to large: angle in rad, wording."""
    source: str


@dataclass(frozen=True, slots=True)
class Percentile:
    """Where a range stands in a group, taking the group for normally distributed."""

    percent: float
    group: Group


def _deg(mean: float, sd: float | None = None) -> Spread:
    return Spread(mean * RAD_PER_DEG, None if sd is None else sd * RAD_PER_DEG)


_TABLE = "in PMC6089031, table 1"
_KOUYOUMDJIAN = "Kouyoumdjian 2012, Orthop Traumatol Surg Res 98:17"
GROUPS: dict[str, Group] = {
    g.name: g
    for g in (
        Group("adults-prone", "adults 20-60", 120, "prone", _deg(35.2), _deg(41.8), _KOUYOUMDJIAN),
        Group("adults-supine", "adults 20-60", 120, "supine-90-90", _deg(29.6), _deg(38.5), _KOUYOUMDJIAN),
        Group("adults-seated", "adults 20-60", 120, "seated", _deg(37.9), None, _KOUYOUMDJIAN),
        Group("men", "men", 16, UNTOLD, _deg(35.1, 4.7), _deg(41.9, 6.6), f"Fan 2014, {_TABLE}"),
        Group("women", "women", 16, UNTOLD, _deg(42.7, 10.3), _deg(41.1, 6.4), f"Fan 2014, {_TABLE}"),
        Group("active", "active people", 45, UNTOLD, _deg(29, 11), _deg(35, 7), f"Howard 2011, {_TABLE}"),
        Group(
            "active-supine",
            "active people",
            123,
            "supine-90-90",
            _deg(50.2, 7.2),
            _deg(56.3, 6.8),
            f"Tainaka, {_TABLE}",
        ),
        Group(
            "tennis-men",
            "tennis players, men",
            81,
            UNTOLD,
            _deg(30.0, 9.6),
            _deg(50.6, 8.0),
            f"Moreno-Pérez, {_TABLE}",
        ),
        Group(
            "tennis-women",
            "tennis players, women",
            28,
            UNTOLD,
            _deg(35.6, 8.2),
            _deg(49.3, 6.8),
            f"Moreno-Pérez, {_TABLE}",
        ),
    )
}
"""By the name a person chooses one with."""

SCALES: dict[str, Scale] = {
    "prone-internal": Scale(
        "prone-internal",
        "prone",
        Direction.INTERNAL,
        (
            (5.0 * RAD_PER_DEG, "hardly any: lacking internal rotation"),
            (30.0 * RAD_PER_DEG, "good for the average person"),
            (45.0 * RAD_PER_DEG, "what athletes should look for"),
        ),
        "the scale that comes with the prone test, a coach's and no study's",
    )
}


def group(name: str) -> Group:
    """Return the group of that name; raise `UsageError` naming those there are."""
    if name not in GROUPS:
        raise UsageError(f"no reference group is called {name!r}: choose one of {', '.join(GROUPS)}")
    return GROUPS[name]


def scale(name: str) -> Scale:
    """Return the scale of that name; raise `UsageError` naming those there are."""
    if name not in SCALES:
        raise UsageError(f"no scale is called {name!r}: choose one of {', '.join(SCALES)}")
    return SCALES[name]


def percentile(value_rad: float, direction: Direction, of: Group) -> Percentile | None:
    """Return the share of the group with a smaller range; None where no spread was published."""
    spread = of.internal if direction is Direction.INTERNAL else of.external
    if spread is None or spread.sd_rad is None:
        return None
    z = (value_rad - spread.mean_rad) / spread.sd_rad
    return Percentile(50.0 * math.erfc(-z / math.sqrt(2.0)), of)


def next_mark(value_rad: float, scale: Scale) -> tuple[tuple[float, str] | None, tuple[float, str] | None]:
    """Return the last mark reached and the first that is not, None where there is none."""
    reached = [mark for mark in scale.marks if mark[0] <= value_rad]
    beyond = [mark for mark in scale.marks if mark[0] > value_rad]
    return (reached[-1] if reached else None), (beyond[0] if beyond else None)
