"""What is asked of the recordings, from the query of an address."""

from collections.abc import Mapping

from hipturn.errors import UsageError
from hipturn.history import Filter
from hipturn.model import Side
from hipturn.web.angles import MOST_ROWS, Window

LONGEST_S = 1e6
"""Later than any recording ends."""


def which(query: Mapping[str, str]) -> Filter:
    """Return which recordings are asked for; raise `UsageError`."""
    side = query.get("side")
    if side not in (None, "left", "right"):
        raise UsageError("side must be left or right")
    return Filter(
        person=query.get("person"), side=None if side is None else Side(side), drill=query.get("drill")
    )


def window(query: Mapping[str, str]) -> Window:
    """Return which stretch of a recording is asked for; raise `UsageError`."""
    from_s = _number(query, "from_s", 0.0, 0.0, LONGEST_S)
    to_s = _number(query, "to_s", LONGEST_S, 0.0, LONGEST_S)
    rows = _number(query, "rows", MOST_ROWS, 1, MOST_ROWS)
    if not rows.is_integer():
        raise UsageError(f"rows must be a whole number from 1 to {MOST_ROWS}")
    return Window(from_s, to_s, int(rows))


def _number(query: Mapping[str, str], name: str, usual: float, least: float, most: float) -> float:
    try:
        value = float(query.get(name, usual))
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise UsageError(f"{name} must be a number from {least:g} to {most:g}")
    return value
