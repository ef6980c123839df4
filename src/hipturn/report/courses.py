"""How ranges went over weeks: each kind of test, leg and direction in a panel of its own.

Tests of other kinds are in other rows, each with an axis of its own; the legs stand side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from hipturn.core import progress
from hipturn.core.progress import Kind, Track, Trend
from hipturn.model import Direction, Side
from hipturn.report.pictures import COLOUR, DEGREES, WIDTH_IN
from hipturn.report.words import Say, short
from hipturn.units import DEG_PER_RAD

S_PER_DAY = 24 * 3600.0
ROW_IN: Mapping[int, float] = {1: 2.0, 2: 1.85, 3: 1.35, 4: 0.98, 5: 1.04, 6: 0.84}
"""Height of a row of panels, by how many there are: from five on the weeks stand on the other page."""
ALONE_IN: Mapping[int, float] = {1: 3.0, 2: 2.4, 3: 1.8, 4: 1.4, 5: 1.3, 6: 1.15}
"""The same where no picture of the legs compared stands below."""
SMALL_IN = 1.2
"""What is below that has smaller letters and fewer of them."""


@dataclass(frozen=True, slots=True)
class _Panel:
    track: Track
    trend: Trend


def progressing(tracks: Sequence[Track], shown: Sequence[Kind], say: Say, *, alone: bool = False) -> Figure:
    """Return the course of each leg and direction: a row a kind, or two for a single one tested on both legs.

    `alone`: no other picture shares the page. What nobody tested gets no column.
    """
    panels = {
        (track.kind, track.side, of): _Panel(track, trend)
        for track in tracks
        for of in Direction
        if track.kind in shown and (trend := progress.trend(track, of)) is not None
    }
    columns = [(side, of) for side in Side for of in Direction if any((k, side, of) in panels for k in shown)]
    rows = [[panels.get((kind, *column)) for column in columns] for kind in shown]
    if len(shown) == 1 and len(columns) > 2:
        rows = [[panels.get((shown[0], side, of)) for side in Side] for of in Direction]
    height_in = (ALONE_IN if alone else ROW_IN)[len(rows)]
    fig = Figure(
        layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.05), figsize=(WIDTH_IN, height_in * len(rows))
    )
    grid: list[list[Axes]] = fig.subplots(len(rows), len(rows[0]), squeeze=False).tolist()
    for kind, row, axes in zip(shown if len(shown) == len(rows) else [*shown, *shown], rows, grid):
        limits = _limits([panel.trend for panel in row if panel], 0.36 if height_in < SMALL_IN else 0.2)
        for panel, axis in zip(row, axes):
            if panel is None:
                axis.set_axis_off()
            else:
                _course(axis, panel, limits, height_in < SMALL_IN, say)
        if len(shown) > 1:
            first = next(axis for panel, axis in zip(row, axes) if panel)
            place, movement = say.place(kind.position), say(f"movement.{kind.movement}")
            words = f"{short(place, 14)},\n{movement}" if height_in < SMALL_IN else f"{place}, {movement}"
            first.set_ylabel(words, fontsize=7.0 if height_in < SMALL_IN else 7.6)
    return fig


def _limits(trends: Sequence[Trend], above: float) -> tuple[float, float]:
    """Return the lower and upper end of the axis, °: the same for all that stand side by side.

    What is said stands `above`, as a share of what is below it.
    """
    ends = [
        value * DEG_PER_RAD
        for trend in trends
        for point in trend.points
        for value in (
            point.value.value_rad - point.value.uncertainty_rad,
            point.value.value_rad + point.value.uncertainty_rad,
        )
    ]
    low, high = min(ends), max(ends)
    air = max(2.0, 0.08 * (high - low))
    return low - air, high + above * (high - low + 2.0 * air)


def _course(axis: Axes, panel: _Panel, limits: tuple[float, float], small: bool, say: Say) -> None:
    """Draw one leg's one direction: tests, trend, and the measuring error as a band about it."""
    trend, side = panel.trend, panel.track.side
    colour = COLOUR[trend.of]
    days = np.array([point.at_s / S_PER_DAY for point in trend.points])
    values = np.array([point.value.value_rad for point in trend.points]) * DEG_PER_RAD
    first, last = float(days[0]), float(days[-1])
    air = max(1.0, 0.04 * (last - first)) if last > first else 1.0
    at = np.array([first - air, last + air])
    line = np.array([trend.line_rad(day * S_PER_DAY) for day in at]) * DEG_PER_RAD
    error = trend.latest.value.uncertainty_rad * DEG_PER_RAD
    axis.fill_between(at, line - error, line + error, color=colour, alpha=0.13, linewidth=0.0, gid="band")
    axis.plot(
        at, line, color=colour, linewidth=1.4, linestyle="-" if trend.real else (0, (4, 2)), gid="trend"
    )
    many = len(days) > (24 if small else 60)
    axis.plot(
        days,
        values,
        "o",
        color=colour,
        markersize=1.8 if many else 3.2 if small else 4.0,
        markerfacecolor=colour if side is Side.LEFT else "white",
        markeredgewidth=0.4 if many else 1.0,
        gid="tests",
    )
    axis.set_xlim(float(at[0]), float(at[1]))
    axis.set_ylim(*limits)
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.yaxis.set_major_locator(MaxNLocator(3 if small else 5, integer=True))
    axis.yaxis.set_major_formatter(DEGREES)
    _days(axis, panel, first, last, say)
    latest = trend.latest.value
    what = f"{say(side.value)}, {say(f'{trend.of}.short')}: "
    axis.set_title(
        what + say("value", value=say.deg(latest.value_rad), error=say.deg(latest.uncertainty_rad)),
        loc="left",
        color=colour,
        fontweight="bold",
        fontsize=7.0 if small else 7.6,
        pad=2.5 if small else None,
    )
    axis.text(
        0.015, 0.98, _short(trend, say), transform=axis.transAxes, va="top", fontsize=6.4 if small else 7.0,
        color="#333333", gid="change",
    )  # fmt: skip


def _days(axis: Axes, panel: _Panel, first: float, last: float, say: Say) -> None:
    """Write the first and the last day beneath, one where they are the same."""
    ticks = [first] if last - first < 1.0 else [first, last]
    day = {tested.at_s: tested.day for tested in panel.track.tested}
    ends = (panel.trend.points[0], panel.trend.points[-1])
    axis.set_xticks(ticks, [say.day(day[end.at_s], short=True) for end, _ in zip(ends, ticks)])
    if len(ticks) > 1:
        axis.get_xticklabels()[0].set_horizontalalignment("left")
        axis.get_xticklabels()[1].set_horizontalalignment("right")


def _short(trend: Trend, say: Say) -> str:
    if trend.change is None:
        return say("change.one.short")
    if not trend.real:
        return say("change.none.short")
    return say("change.real.short", value=say.deg(trend.change.value_rad, signed=True))
