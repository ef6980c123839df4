"""Results as a table in the terminal."""

import textwrap
from collections.abc import Sequence
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from hipturn.core import pelvis
from hipturn.plain import counted, printable
from hipturn.sinks import words

Line = dict[str, Any]
PIPE_WIDTH = 132
GAP, NARROW_GAP = 2, 1
"""Blanks between the columns of a table, and where it would not fit otherwise."""
COLOURS = {"controlled": "green", "uncontrolled": "yellow", "void": "red"}


def wide() -> Console:
    """Return a console for stdout; what goes into a file or pipe is not folded at 80 columns.

    No markup: a recording may be named [red].mcap.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=PIPE_WIDTH)
    return console


def print_table(out: Console, table: Table) -> None:
    """Print a table; into a file or pipe without the blanks that fill its last column.

    Where a terminal has no room for the columns that must not be cut, each row is broken between words.
    """
    if out.is_terminal and _least_width(table) <= out.width:
        out.print(table)
        return
    paper = Console(highlight=False, markup=False, emoji=False, width=PIPE_WIDTH, color_system=None)
    with paper.capture() as drawn:
        paper.print(table)
    fold = textwrap.TextWrapper(
        out.width if out.is_terminal else PIPE_WIDTH,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in drawn.get().splitlines():
        for part in fold.wrap(line.rstrip()):
            out.print(Text(part), soft_wrap=True)


def _least_width(table: Table) -> int:
    """Return how many columns of a terminal the table needs for no cell to be cut that may not be broken."""
    for column in table.columns:
        if column.no_wrap:
            texts = [column.header, *column.cells]
            column.min_width = max(cell_len(str(text)) for text in texts)
    return Measurement.get(paper := Console(width=PIPE_WIDTH), paper.options, table).minimum


def print_results(head: Line, events: Sequence[Line], tail: Line, console: Console | None = None) -> None:
    """Print a session's repetitions and its summary."""
    out = console or wide()

    def say(text: str) -> None:
        # a terminal gets its lines broken between words; in a file a line stays one
        out.print(Text(printable(text)), soft_wrap=not out.is_terminal)

    side = f", {head['side']} leg" if head["side"] else ""
    say(
        f"{head['recording']}: {head['samples']} samples at {head['rate_hz']:g} Hz, "
        f"{head['duration_s']:.1f} s, {head['driver']}{side}"
    )
    for event in events:
        if event["type"] == "calibration":
            say(_calibration(event))
        elif event["type"] == "gap":
            of = "" if event.get("stream") != pelvis.ROLE else " of the pelvis sensor"
            say(
                f"gap{of} of {event['end_s'] - event['start_s']:.2f} s at {event['start_s']:.2f} s: "
                f"{event['lost']} samples lost ({event['cause']})"
            )
    reps = [event for event in events if event["type"] == "rep"]
    if reps:
        print_table(out, rep_table(reps, out.width))
    for event in events:
        if remark := _remark(event):
            say(remark)
    say(_summary(tail))


def rep_table(reps: Sequence[Line], room: int, language: str = "en") -> Table:
    """Return the table of repetitions, closer where `room` columns are few.

    Figures are never cut: what does not fit even so is the verdict, which goes on in the next line.
    """
    table = _rep_table(reps, GAP, language)
    fits = Measurement.get(paper := Console(width=PIPE_WIDTH), paper.options, table).maximum <= room
    return table if fits else _rep_table(reps, NARROW_GAP, language)


def _rep_table(reps: Sequence[Line], gap: int, language: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for name in ("rep", "direction", "start", "peak", "end", "rom", "angle", "speed"):
        justify: Literal["left", "right"] = "left" if name == "direction" else "right"
        table.add_column(words.text(language, f"reps.{name}"), justify=justify, no_wrap=True)
    second = any("compensation_deg" in rep for rep in reps)
    if second:
        table.add_column(words.text(language, "reps.pelvis"), justify="right", no_wrap=True)
    table.add_column(words.text(language, "reps.verdict"))
    for rep in reps:
        *figures, verdict = rep_row(rep, language)
        table.add_row(*figures, *([_pelvis(rep, language)] if second else []), verdict)
    return table


def _pelvis(rep: Line, language: str) -> str:
    """Return how far the pelvis leaned, in words where its sensor could not tell."""
    leaned = rep.get("compensation_deg")
    return words.text(language, "reps.unknown") if leaned is None else words.number(language, leaned)


def rep_row(rep: Line, language: str = "en") -> list[str | Text]:
    """Return the cells of one repetition; reasons in English are the names they have everywhere."""
    named = ", ".join(rep["reasons"]) if language == "en" else words.reasons(language, rep["reasons"])
    verdict = words.text(language, f"verdict.{rep['verdict']}")
    figures = [(rep[key], ".2f") for key in ("start_s", "peak_s", "end_s")]
    figures += [(rep["rom_deg"], ".1f"), (rep["peak_deg"], "+.1f"), (rep["peak_speed_dps"], ".0f")]
    return [
        str(rep["n"]),
        words.text(language, rep["direction"]),
        *(words.number(language, value, form) for value, form in figures),
        Text(f"{verdict} ({named})" if named else verdict, style=COLOURS[rep["verdict"]]),
    ]


def _calibration(event: Line) -> str:
    observed = "" if event["observability"] >= 0.5 else "  heading-dependent: not comparable between days"
    assumed = "; which way is internal is assumed" if event["sign"] == "assumed" else ""
    return (
        f"calibration: {event['grade']} ({event['source']}), {event['axis_share']:.0%} of the rotation "
        f"about one axis, elevation {event['axis_elevation_deg']:+.1f}°, {event['zero']} zero"
        f"{assumed}{observed}"
    )


def _remark(event: Line) -> str | None:
    """Return what else a person should know of a session, None for events shown elsewhere."""
    match event["type"]:
        case "set":
            trends = (("warm_up", "warming up"), ("range_change", "range at the end"))
            told = "".join(f", {name} {event[key]:+z.0%}" for key, name in trends if event[key] is not None)
            return (
                f"set {event['n']}: repetitions {event['first']} to {event['last']}, "
                f"{event['controlled']} controlled{told}"
            )
        case "slip":
            return (
                f"at {event['t_s']:.1f} s gravity is {event['tilt_deg']:.1f}° from where it was at the zero: "
                "the strap or the resting pose has moved; calibrate anew"
            )
        case "drift":
            return f"at {event['t_s']:.1f} s the heading has drifted by {event['drift_deg']:+.1f}°"
        case "undo" | "redo" | "restart" if event["reps"]:
            numbers = ", ".join(map(str, event["reps"]))
            return f"at {event['t_s']:.1f} s {event['type']}: repetition {numbers}"
    return None


def _summary(tail: Line) -> str:
    parts = [f"{tail[key]} {key}" for key in ("controlled", "uncontrolled", "void") if tail[key]]
    if tail["arc_deg"] is None:
        reach = "no angle"
    else:
        reach = f"from {tail['min_deg']:+.1f}° to {tail['max_deg']:+.1f}°, arc {tail['arc_deg']:.1f}°"
    more = "".join(f"; {counted(tail[f'{noun}s'], noun)}" for noun in ("hold", "gap") if tail[f"{noun}s"])
    verdicts = f": {', '.join(parts)}" if parts else ""
    return f"{counted(tail['reps'], 'repetition')}{verdicts}; {reach}{more}"
