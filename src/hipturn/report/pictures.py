"""The pictures of a person's report: progress against the measuring error, left against right, the weeks.

Blue is internal and brown external rotation, of Okabe & Ito's colours (2008); a full dot is the left leg and
an open one the right: nothing is told by colour alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hipturn.core import progress
from hipturn.core.progress import Adherence, Kind, Sides, Track, Trend
from hipturn.core.references import Group
from hipturn.core.results import Difference, Quantity
from hipturn.model import Direction, Side
from hipturn.report.words import Say
from hipturn.units import DEG_PER_RAD

WIDTH_IN = 7.28
"""185 mm: an A4 page between its margins."""
COLOUR = {Direction.INTERNAL: "#0072b2", Direction.EXTERNAL: "#b35400", "arc": "#3d3d3d"}
S_PER_DAY = 24 * 3600.0
MOST_KINDS = 3
"""So many kinds of tests have pictures, those with the most tests; the others are in the table."""
ROW_IN = {1: 1.75, 2: 1.75, 3: 1.25}
"""Height of a row of panels, by how many kinds there are."""
MOST_WEEKS = 26
DEGREES = FuncFormatter(lambda value, _: f"{value:.0f}°".replace("-", "−"))


@dataclass(frozen=True, slots=True)
class _Panel:
    track: Track
    trend: Trend


def kinds(tracks: Sequence[Track]) -> list[Kind]:
    """Return the kinds of tests there are, that with the most tests first."""
    counts = {
        kind: sum(len(track.tested) for track in group)
        for kind, group in groupby(sorted(tracks, key=lambda t: t.kind), key=lambda t: t.kind)
    }
    return sorted(counts, key=lambda kind: (-counts[kind], kind))


def progressing(tracks: Sequence[Track], say: Say) -> Figure:
    """Return the course of each leg and direction, each kind of test in a row or two of its own."""
    shown = kinds(tracks)[:MOST_KINDS]
    per_row = 2 if len(shown) == 1 else 4
    rows: list[list[_Panel | None]] = []
    for kind in shown:
        panels = [_panel(tracks, kind, side, of) for of, side in _order(per_row)]
        rows += [panels[i : i + per_row] for i in range(0, len(panels), per_row)]
    rows = [row for row in rows if any(row)]
    fig = Figure(
        layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.05),
        figsize=(WIDTH_IN, ROW_IN[len(shown)] * len(rows)),
    )
    grid: list[list[Axes]] = fig.subplots(len(rows), per_row, squeeze=False).tolist()
    for kind, row, axes in zip([k for k in shown for _ in range(4 // per_row)], rows, grid):
        limits = _limits([panel.trend for panel in row if panel])
        for n, (panel, axis) in enumerate(zip(row, axes)):
            if panel is None:
                axis.set_axis_off()
                continue
            _course(axis, panel, limits, say)
            if n == 0 and len(shown) > 1:
                where = say.place(kind.position)
                axis.set_ylabel(f"{where}, {say(f'movement.{kind.movement}')}", fontsize=7.6)
    return fig


def _order(per_row: int) -> list[tuple[Direction, Side]]:
    """Return directions and legs: a row a direction where there is room, else a row with both legs' both."""
    if per_row == 2:
        return [(of, side) for of in Direction for side in Side]
    return [(of, side) for side in Side for of in Direction]


def _panel(tracks: Sequence[Track], kind: Kind, side: Side, of: Direction) -> _Panel | None:
    for track in tracks:
        if track.kind == kind and track.side is side:
            trend = progress.trend(track, of)
            return None if trend is None else _Panel(track, trend)
    return None


def _limits(trends: Sequence[Trend]) -> tuple[float, float]:
    """Return the lower and upper end of the axis, °: the same for all that stand side by side."""
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
    # what is said stands above
    return low - air, high + 2.5 * air


def _course(axis: Axes, panel: _Panel, limits: tuple[float, float], say: Say) -> None:
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
    many = len(days) > 60
    axis.plot(
        days,
        values,
        "o",
        color=colour,
        markersize=1.8 if many else 4.0,
        markerfacecolor=colour if side is Side.LEFT else "white",
        markeredgewidth=0.4 if many else 1.0,
        gid="tests",
    )
    axis.set_xlim(float(at[0]), float(at[1]))
    axis.set_ylim(*limits)
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.yaxis.set_major_formatter(DEGREES)
    ticks = [first] if last - first < 1.0 else [first, last]
    day = {tested.at_s: tested.day for tested in panel.track.tested}
    ends = (trend.points[0], trend.points[-1])
    axis.set_xticks(ticks, [say.day(day[end.at_s], short=True) for end, _ in zip(ends, ticks)])
    if len(ticks) > 1:
        axis.get_xticklabels()[0].set_horizontalalignment("left")
        axis.get_xticklabels()[1].set_horizontalalignment("right")
    latest = trend.latest.value
    what = f"{say(side.value)}, {say(f'{trend.of}.short')}: "
    axis.set_title(
        what + say("value", value=say.deg(latest.value_rad), error=say.deg(latest.uncertainty_rad)),
        loc="left",
        color=colour,
        fontweight="bold",
        fontsize=7.6,
    )
    axis.text(
        0.015, 0.98, _short(trend, say), transform=axis.transAxes, va="top", fontsize=7.0, color="#333333"
    )


def _short(trend: Trend, say: Say) -> str:
    if trend.change is None:
        return say("change.one.short")
    if not trend.real:
        return say("change.none.short")
    return say("change.real.short", value=say.deg(trend.change.value_rad, signed=True))


# --- the legs compared --------------------------------------------------------------------------


def legs(sides: Sides, left: Track, right: Track, groups: Sequence[Group], say: Say) -> Figure:
    """Return the latest test of each leg beside each other, with what groups of people have where asked."""
    # the arc is about twice as large: on one scale with the ranges it would leave them no room
    ranges = [of for of in progress.OF if of != "arc" and str(of) in sides.differences]
    arc: list[progress.Of] = ["arc"] if "arc" in sides.differences else []
    scales = [each for each in (ranges, arc) if each]
    fig = Figure(layout="constrained", figsize=(WIDTH_IN, 0.6 + 0.4 * (len(ranges) + len(arc))))
    grid: list[list[Axes]] = fig.subplots(
        len(scales), 1, squeeze=False, height_ratios=[len(each) for each in scales]
    ).tolist()
    for [axis], rows in zip(grid, scales):
        for n, of in enumerate(reversed(rows), 1):
            for side, track, dy in ((Side.LEFT, left, 0.14), (Side.RIGHT, right, -0.14)):
                size = progress.value(track.results[-1], of)
                if size is not None:
                    _dot(axis, size, n + dy, of, side)
            for k, group in enumerate(groups):
                _published(axis, group, k, len(groups), n, of)
            _difference(axis, sides.differences[str(of)], n, say)
        axis.set_yticks(range(1, len(rows) + 1), [say(str(of)) for of in reversed(rows)])
        axis.tick_params(axis="y", length=0.0, labelsize=8.0)
        axis.set_ylim(0.5, len(rows) + 0.5)
        axis.grid(axis="x")
        axis.set_axisbelow(True)
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axis.xaxis.set_major_formatter(DEGREES)
        axis.spines[["top", "right", "left"]].set_visible(False)
    _key(fig, groups, say)
    return fig


def _difference(axis: Axes, difference: Difference, y: float, say: Say) -> None:
    key = "sides.within" if difference.within_error else "sides.beyond"
    axis.text(
        1.01,
        y,
        say(key, value=say.deg(difference.value_rad, signed=True), limit=say.deg(difference.mdc_rad)),
        transform=axis.get_yaxis_transform(),
        va="center",
        fontsize=7.2,
        color="#333333",
        fontweight="normal" if difference.within_error else "bold",
        gid="difference",
    )


def _published(axis: Axes, group: Group, k: int, count: int, y: float, of: progress.Of) -> None:
    """Draw a group's mean as a line and its standard deviation as a band, one beneath the other."""
    spread = None if of == "arc" else group.internal if of is Direction.INTERNAL else group.external
    if spread is None:
        return
    mean, sd = spread.mean_rad * DEG_PER_RAD, (spread.sd_rad or 0.0) * DEG_PER_RAD
    height = 0.84 / count
    middle = y + 0.42 - (k + 0.5) * height
    if sd:
        axis.barh(
            middle,
            2.0 * sd,
            left=mean - sd,
            height=0.86 * height,
            color="#9a9a9a",
            alpha=0.22,
            zorder=0,
            gid="sd",
        )
    ends = [middle - 0.43 * height, middle + 0.43 * height]
    axis.plot([mean, mean], ends, color="#8a8a8a", linewidth=1.6, zorder=0, gid="mean")
    axis.text(mean + sd, middle, f" {k + 1}", va="center", fontsize=6.2, color="#666666", zorder=0)


def _key(fig: Figure, groups: Sequence[Group], say: Say) -> None:
    """Say which dot is which leg, and what the grey is."""
    ink = "#3d3d3d"
    handles = [
        Line2D([], [], marker="o", color=ink, markerfacecolor=face, markersize=5.0, label=say(side.value))
        for side, face in ((Side.LEFT, ink), (Side.RIGHT, "white"))
    ]
    if groups:
        handles.append(Line2D([], [], color="#8a8a8a", linewidth=1.6, label=say("sides.groups")))
    fig.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=7.2)


def _dot(axis: Axes, size: Quantity, y: float, of: progress.Of, side: Side) -> None:
    value, error = size.value_rad * DEG_PER_RAD, size.uncertainty_rad * DEG_PER_RAD
    axis.plot([value - error, value + error], [y, y], color=COLOUR[of], linewidth=1.3, alpha=0.65)
    face = COLOUR[of] if side is Side.LEFT else "white"
    axis.plot([value], [y], "o", color=COLOUR[of], markerfacecolor=face, markersize=5.5, gid=f"{of}-{side}")


# --- the weeks ----------------------------------------------------------------------------------


def weeks(done: Adherence, planned: int | None, say: Say) -> Figure:
    """Return the days with a session in each of the last weeks, against the plan where there is one."""
    shown = done.weeks[-MOST_WEEKS:]
    fig = Figure(layout="constrained", figsize=(WIDTH_IN / 2 - 0.1, 1.05))
    axis: Axes = fig.subplots()
    for n, week in enumerate(shown):
        reached = planned is not None and week.days >= planned
        axis.bar(
            n, week.days, width=0.72, color="#0072b2" if reached else "#cfe6f5", edgecolor="#0072b2",
            linewidth=0.6, gid="week",
        )  # fmt: skip
    if planned is not None:
        axis.axhline(planned, color="#3d3d3d", linewidth=0.9, linestyle=(0, (4, 2)))
        axis.text(
            1.005, planned, say("adherence.line", planned=planned), transform=axis.get_yaxis_transform(),
            va="center", fontsize=7.0,
        )  # fmt: skip
    axis.set_xlim(-0.7, max(len(shown), 8) - 0.3)
    axis.set_ylim(0.0, 7.2)
    axis.set_yticks([0, 2, 4, 6])
    axis.spines[["top", "right"]].set_visible(False)
    ends = sorted({0, len(shown) - 1})
    axis.set_xticks(ends, [say.day(shown[n].first_day, short=True) for n in ends])
    return fig
