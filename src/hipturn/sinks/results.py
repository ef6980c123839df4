"""The results of guided sessions as a table, and in a sentence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hipturn.sinks.console import print_table, wide

Line = Mapping[str, Any]
WAYS = ("internal", "external")
COLUMNS = ("leg", "direction", "mean ± SD °", "best °", "n", "error ± °", "change °")
WORDS = 2
"""The first so many columns are words; the others are numbers."""


def print_guided(shown: Sequence[Line], folder: Path, console: Console | None = None) -> None:
    """Print what coach lines with a result say.

    Ranges by leg and direction, each with its error and its change since last time; the legs compared; scale
    and reference where somebody chose them; sets; sentences; where the recordings lie.
    """
    out = console or wide()
    for title in dict.fromkeys(line["title"] for line in shown):
        rows = [row for line in shown if line["title"] == title for row in _rows(line)]
        if not rows:
            continue
        out.print(title, style="bold", highlight=False, markup=False)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for n, name in enumerate(COLUMNS):
            table.add_column(name, justify="left" if n < WORDS else "right", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        print_table(out, table)
    whole = not out.is_terminal  # a terminal gets its lines broken between words
    for line in shown:
        for text in [*_beside(line), *_sets(line)]:
            out.print(text, soft_wrap=whole, highlight=False, markup=False)
    for line in shown:
        result = line["result"]
        if result.get("sentence"):
            where = f"{line['title']}, {line['side']}: " if len(shown) > 1 else ""
            out.print(f"{where}{result['sentence']}", soft_wrap=whole, highlight=False, markup=False)
    for line in shown:
        if line["result"].get("recording"):
            out.print(f"recorded: {folder / line['result']['recording']}", soft_wrap=True)


def _rows(line: Line) -> list[list[str]]:
    rows = []
    change = line["result"].get("change") or {}
    for side, leg in (line["result"].get("legs") or {}).items():
        for way in WAYS:
            if (each := leg.get(way)) is not None:
                spread = f" ± {_number(each['sd_deg'])}" if each.get("sd_deg") is not None else ""
                mean = f"{_number(each.get('mean_deg'))}{spread}"
                trials = str(len(each.get("trials") or ()))
                figures = [mean, _number(each.get("best_deg")), trials, _number(each.get("uncertainty_deg"))]
                rows.append([side, way, *figures, _difference(change.get(way))])
        if leg.get("arc_deg") is not None:
            figures = [_number(leg["arc_deg"]), "", "", _number(leg.get("arc_uncertainty_deg"))]
            rows.append([side, "arc", *figures, _difference(change.get("arc"))])
    return rows


def _beside(line: Line) -> list[str]:
    """Return the legs compared, and the result on the scale and beside the group somebody chose."""
    result, told = line["result"], []
    if sides := result.get("difference"):
        parts = ", ".join(f"{way} {_difference(each)}" for way, each in sides.items())
        days = result.get("days_apart")
        told.append(f"left minus right °: {parts}" + (f"; tested {days} days apart" if days else ""))
    if result.get("error_from") == "own tests":
        told.append(f"{line['side']}: the error is your own, from {result['tests']} tests")
    if scale := result.get("scale"):
        marks = [("above", scale["reached"]), ("below", scale["next"])]
        where = ", ".join(f"{word} {mark['deg']:.0f}° “{mark['text']}”" for word, mark in marks if mark)
        about = f"{line['side']} {scale['direction']} rotation on the scale {scale['name']}"
        told.append(f"{about}: {where} ({scale['source']})")
    if group := result.get("reference"):
        standing = "; ".join(f"{way} {_standing(group[way])}" for way in WAYS if group.get(way))
        people = f"n = {group['n']}, position {group['position']}"
        told.append(f"{line['side']} beside {group['people']} ({people}): {standing} ({group['source']})")
    return told


def _sets(line: Line) -> list[str]:
    told = []
    for n, each in enumerate(line["result"].get("sets") or (), 1):
        if each.get("warm_up") is None:
            continue
        changes = (
            ("range while warming up", each["warm_up"]),
            ("range at the end", each["range_change"]),
            ("speed at the end", each["speed_change"]),
        )
        parts = ", ".join(f"{what} {change:+z.0%}" for what, change in changes if change is not None)
        told.append(f"{line['title']}, {line['side']}, set {n}: {parts}")
    for each in line["result"].get("holds") or ():
        figures = f"creep {each['creep_deg'] + 0.0:+.1f}°, steady within {each['wobble_deg']:.1f}°"
        told.append(f"{line['title']}, {line['side']}: held {each['seconds']:.0f} s, {figures}")
    return told


def _difference(each: Line | None) -> str:
    """Return a difference, never without its limit."""
    if each is None:
        return ""
    verb = "within error" if each["within_error"] else "beyond error"
    return f"{each['value_deg'] + 0.0:+.1f}, {verb} ({each['mdc_deg']:.1f})"


def _standing(each: Line) -> str:
    spread = f" ± {each['sd_deg']:.1f}" if each.get("sd_deg") is not None else ""
    place = f", percentile {each['percentile']}" if each.get("percentile") is not None else ""
    return f"{each['mean_deg']:.1f}{spread}°{place}"


def _number(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, int | float) else "–"
