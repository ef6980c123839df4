"""The results of guided sessions as a table, and in a sentence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hipturn.sinks.console import wide

Line = Mapping[str, Any]


def print_guided(shown: Sequence[Line], folder: Path, console: Console | None = None) -> None:
    """Print what coach lines with a result say: the ranges by leg and direction, sentences, recordings."""
    out = console or wide()
    rows = [row for line in shown for row in _rows(line)]
    if rows:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("", "leg", "direction", "mean °", "± °", "SD °", "best °", "trials"):
            table.add_column(
                name, justify="left" if name in ("", "leg", "direction") else "right", no_wrap=True
            )
        for row in rows:
            table.add_row(*row)
        out.print(table)
    for line in shown:
        result = line["result"]
        if result.get("sentence"):
            out.print(result["sentence"], soft_wrap=True)
    for line in shown:
        if line["result"].get("recording"):
            out.print(f"recorded: {folder / line['result']['recording']}", soft_wrap=True)


def _rows(line: Line) -> list[list[str]]:
    rows = []
    for side, leg in (line["result"].get("legs") or {}).items():
        rows += [
            [line["title"], side, direction, *_quantity(leg[direction])]
            for direction in ("internal", "external")
            if leg.get(direction) is not None
        ]
        if leg.get("arc_deg") is not None:
            arc = [_number(leg["arc_deg"]), _number(leg.get("arc_uncertainty_deg")), "", "", ""]
            rows.append([line["title"], side, "arc", *arc])
    return rows


def _quantity(value: Line) -> list[str]:
    trials = value.get("trials")
    count = len(trials) if isinstance(trials, Sequence) else trials
    keys = ("mean_deg", "uncertainty_deg", "sd_deg", "best_deg")
    return [*(_number(value.get(key)) for key in keys), "" if count is None else str(count)]


def _number(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, int | float) else "–"
