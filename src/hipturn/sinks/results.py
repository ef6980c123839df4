"""The results of guided sessions as a table, and in a sentence, in the language of each session."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hipturn.coach.words import known
from hipturn.sinks.console import print_table, wide
from hipturn.sinks.words import number, text

Line = Mapping[str, Any]
WAYS = ("internal", "external")
COLUMNS = ("leg", "direction", "mean", "best", "n", "error", "change")
WORDS = 2
"""The first so many columns are words; the others are numbers."""


def print_guided(shown: Sequence[Line], folder: Path, console: Console | None = None) -> None:
    """Print what coach lines with a result say.

    Ranges by leg and direction, each with its error and its change since last time; the legs compared; scale
    and reference where somebody chose them; sets; sentences; where the recordings lie.
    """
    out = console or wide()
    for title in dict.fromkeys(line["title"] for line in shown):
        titled = [line for line in shown if line["title"] == title]
        rows = [row for line in titled for row in _rows(line)]
        if not rows:
            continue
        out.print(title, style="bold", highlight=False, markup=False)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for n, name in enumerate(COLUMNS):
            column = text(_language(titled[0]), f"column.{name}")
            table.add_column(column, justify="left" if n < WORDS else "right", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        print_table(out, table)
    whole = not out.is_terminal  # a terminal gets its lines broken between words
    for line in shown:
        for told in [*_beside(line), *_sets(line)]:
            out.print(told, soft_wrap=whole, highlight=False, markup=False)
    for line in shown:
        result = line["result"]
        if result.get("sentence"):
            where = f"{line['title']}, {_side(line)}: " if len(shown) > 1 else ""
            out.print(f"{where}{result['sentence']}", soft_wrap=whole, highlight=False, markup=False)
    for line in shown:
        if line["result"].get("recording"):
            path = folder / line["result"]["recording"]
            out.print(text(_language(line), "result.recorded", path=path), soft_wrap=True)


def _language(line: Line) -> str:
    return str(line.get("language", "en"))


def _side(line: Line) -> str:
    return text(_language(line), line["side"])


def _rows(line: Line) -> list[list[str]]:
    rows, language = [], _language(line)
    change = line["result"].get("change") or {}
    for side, leg in (line["result"].get("legs") or {}).items():
        for way in WAYS:
            if (each := leg.get(way)) is not None:
                spread = f" ± {number(language, each['sd_deg'])}" if each.get("sd_deg") is not None else ""
                mean = f"{_number(language, each.get('mean_deg'))}{spread}"
                trials = str(len(each.get("trials") or ()))
                best, error = (_number(language, each.get(key)) for key in ("best_deg", "uncertainty_deg"))
                figures = [mean, best, trials, error, _difference(language, change.get(way))]
                rows.append([text(language, side), text(language, way), *figures])
        if leg.get("arc_deg") is not None:
            arc, error = (_number(language, leg.get(key)) for key in ("arc_deg", "arc_uncertainty_deg"))
            figures = [arc, "", "", error, _difference(language, change.get("arc"))]
            rows.append([text(language, side), text(language, "arc"), *figures])
    return rows


def _beside(line: Line) -> list[str]:
    """Return the legs compared, and the result on the scale and beside the group somebody chose."""
    result, language, told = line["result"], _language(line), []
    if sides := result.get("difference"):
        parts = (f"{text(language, way)} {_difference(language, each)}" for way, each in sides.items())
        days = result.get("days_apart")
        apart = f"; {text(language, 'result.days', days=days)}" if days else ""
        told.append(text(language, "result.sides", what=", ".join(parts)) + apart)
    if result.get("error_from") == "own tests":
        told.append(text(language, "result.own", side=_side(line), tests=result["tests"]))
    if scale := result.get("scale"):
        marks = [("above", scale["reached"]), ("below", scale["next"])]
        where = ", ".join(
            text(language, f"result.{word}", deg=f"{mark['deg']:.0f}", text=mark["text"])
            for word, mark in marks
            if mark
        )
        about = {"side": _side(line), "direction": text(language, scale["direction"]), "where": where}
        told.append(text(language, "result.scale", name=scale["name"], source=scale["source"], **about))
    if group := result.get("reference"):
        standing = "; ".join(
            f"{text(language, way)} {_standing(language, group[way])}" for way in WAYS if group.get(way)
        )
        about = {"people": group["people"], "n": group["n"], "source": group["source"]}
        position = known(language, "position", group["position"])
        told.append(
            text(language, "result.beside", side=_side(line), position=position, standing=standing, **about)
        )
    return told


def _sets(line: Line) -> list[str]:
    told, language = [], _language(line)
    about = {"title": line["title"], "side": _side(line)}
    for n, each in enumerate(line["result"].get("sets") or (), 1):
        if each.get("warm_up") is None:
            continue
        changes = (
            ("warm", each["warm_up"]),
            ("range", each["range_change"]),
            ("speed", each["speed_change"]),
        )
        parts = (
            text(language, f"result.{what}", change=f"{change:+z.0%}")
            for what, change in changes
            if change is not None
        )
        told.append(text(language, "result.set", n=n, what=", ".join(parts), **about))
    for each in line["result"].get("holds") or ():
        creep = number(language, each["creep_deg"] + 0.0, "+.1f")
        wobble, seconds = number(language, each["wobble_deg"]), f"{each['seconds']:.0f}"
        told.append(text(language, "result.held", seconds=seconds, creep=creep, wobble=wobble, **about))
    return told


def _difference(language: str, each: Line | None) -> str:
    """Return a difference, never without its limit."""
    if each is None:
        return ""
    key = "within" if each["within_error"] else "beyond"
    value, limit = number(language, each["value_deg"] + 0.0, "+.1f"), number(language, each["mdc_deg"])
    return text(language, f"result.{key}", value=value, limit=limit)


def _standing(language: str, each: Line) -> str:
    spread = f" ± {number(language, each['sd_deg'])}" if each.get("sd_deg") is not None else ""
    place = ""
    if each.get("percentile") is not None:
        place = f", {text(language, 'result.percentile', n=each['percentile'])}"
    return f"{number(language, each['mean_deg'])}{spread}°{place}"


def _number(language: str, value: object) -> str:
    return number(language, value) if isinstance(value, int | float) else "–"
