"""Left against right: the latest test of each leg with its error, and what was chosen to hold it against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hipturn.core import progress
from hipturn.core.progress import Of, Sides
from hipturn.core.results import Difference, Quantity, Result
from hipturn.model import Side
from hipturn.report.against import Against, spread_of
from hipturn.report.pictures import COLOUR, DEGREES, INK, WIDTH_IN
from hipturn.report.words import Say
from hipturn.units import DEG_PER_RAD

ROW_IN = 0.27
"""Height of a kind's row where there are several."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both legs' latest tests of one kind, and what lies between them."""

    sides: Sides
    results: Mapping[Side, Result]

    @property
    def position(self) -> str:
        """In which it was."""
        return self.sides.kind.position


def one(pair: Pair, against: Against, say: Say) -> Figure:
    """Return one kind of test: a row a direction, the arc on a scale of its own."""
    found = pair.sides.differences
    # the arc is about twice as large: on one scale with the ranges it would leave them no room
    scales = [of for of in ([of for of in progress.OF if of != "arc" and str(of) in found], _arc(pair)) if of]
    fig = Figure(layout="constrained", figsize=(WIDTH_IN, 0.6 + 0.4 * sum(map(len, scales))))
    grid: list[list[Axes]] = fig.subplots(
        len(scales), 1, squeeze=False, height_ratios=[len(each) for each in scales]
    ).tolist()
    for [axis], rows in zip(grid, scales):
        for y, of in enumerate(reversed(rows), 1):
            _row(axis, pair, of, y, against)
            _difference(axis, found[str(of)], y, say, short=False)
        _framed(axis, [say(str(of)) for of in reversed(rows)])
    _key(fig, against, say)
    return fig


def several(pairs: Sequence[Pair], against: Against, say: Say) -> Figure:
    """Return several kinds of tests, a row each: internal, external and arc side by side."""
    shown = [of for of in progress.OF if any(str(of) in pair.sides.differences for pair in pairs)]
    fig = Figure(layout="constrained", figsize=(WIDTH_IN, 0.75 + ROW_IN * len(pairs)))
    axes: list[Axes] = fig.subplots(1, len(shown), squeeze=False)[0].tolist()
    for of, axis in zip(shown, axes):
        for y, pair in enumerate(reversed(pairs), 1):
            if (difference := pair.sides.differences.get(str(of))) is not None:
                _row(axis, pair, of, y, against, named=pair is pairs[0])
                _difference(axis, difference, y, say, short=True)
        names = [
            f"{say.place(pair.position)}, {say(f'movement.{pair.sides.kind.movement}')}" for pair in pairs
        ]
        _framed(axis, names[::-1] if axis is axes[0] else [""] * len(pairs))
        axis.set_title(say(str(of)), loc="left", color=COLOUR[of], fontweight="bold", fontsize=7.6)
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    _key(fig, against, say)
    return fig


def _arc(pair: Pair) -> list[Of]:
    return ["arc"] if "arc" in pair.sides.differences else []


def _row(axis: Axes, pair: Pair, of: Of, y: float, against: Against, *, named: bool = True) -> None:
    for side, dy in ((Side.LEFT, 0.14), (Side.RIGHT, -0.14)):
        size = progress.value(pair.results[side], of)
        if size is not None:
            dot(axis, size, y + dy, of, side)
    behind(axis, against, pair.position, of, y, named=named)


def _framed(axis: Axes, names: Sequence[str]) -> None:
    axis.set_yticks(range(1, len(names) + 1), names)
    axis.tick_params(axis="y", length=0.0, labelsize=8.0 if len(names) < 3 else 7.4)
    axis.set_ylim(0.5, len(names) + 0.5)
    plain(axis)


def plain(axis: Axes) -> None:
    """Give an axis of angles its look."""
    axis.grid(axis="x")
    axis.set_axisbelow(True)
    axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axis.xaxis.set_major_formatter(DEGREES)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _difference(axis: Axes, difference: Difference, y: float, say: Say, *, short: bool) -> None:
    """Say beside the row what lies between the legs: bold where it is more than error."""
    key = "sides.within" if difference.within_error else "sides.beyond"
    value, limit = say.deg(difference.value_rad, signed=True), say.deg(difference.mdc_rad)
    axis.text(
        1.01,
        y,
        say("balance.of" if short else key, value=value, limit=limit),
        transform=axis.get_yaxis_transform(),
        va="center",
        fontsize=6.8 if short else 7.2,
        color="#333333",
        fontweight="normal" if difference.within_error else "bold",
        gid="difference",
    )


# --- also for one leg's test --------------------------------------------------------------------


def dot(axis: Axes, size: Quantity, y: float, of: Of, side: Side) -> None:
    """Draw a value with its error: a full dot for the left leg, an open one for the right."""
    value, error = size.value_rad * DEG_PER_RAD, size.uncertainty_rad * DEG_PER_RAD
    axis.plot([value - error, value + error], [y, y], color=COLOUR[of], linewidth=1.3, alpha=0.65)
    face = COLOUR[of] if side is Side.LEFT else "white"
    axis.plot([value], [y], "o", color=COLOUR[of], markerfacecolor=face, markersize=5.5, gid=f"{of}-{side}")


def behind(axis: Axes, against: Against, position: str, of: Of, y: float, *, named: bool = True) -> None:
    """Draw in a row what its values are held against, where it is for that position, and which it is."""
    groups = against.fitting(position)
    height = 0.84 / max(len(groups), 1)
    for n, (k, group) in enumerate(groups):
        spread = spread_of(group, of)
        if spread is None:
            continue
        mean, sd = spread.mean_rad * DEG_PER_RAD, (spread.sd_rad or 0.0) * DEG_PER_RAD
        middle = y + 0.42 - (n + 0.5) * height
        if sd:
            axis.barh(
                middle, 2.0 * sd, left=mean - sd, height=0.86 * height, color="#9a9a9a", alpha=0.22,
                zorder=0, gid="sd",
            )  # fmt: skip
        ends = [middle - 0.43 * height, middle + 0.43 * height]
        axis.plot([mean, mean], ends, color="#8a8a8a", linewidth=1.6, zorder=0, gid="mean")
        if named:
            _written(axis, mean + sd, middle, f" {k}", "center")
    for mark in against.marks_rad(position, of):
        at = mark * DEG_PER_RAD
        axis.plot([at, at], [y - 0.5, y + 0.5], color=INK, linewidth=0.9, linestyle=":", zorder=1, gid="mark")
        if named:
            _written(axis, at, y + 0.48, f" {at:.0f}°", "top")


def _written(axis: Axes, x: float, y: float, text: str, stands: str) -> None:
    axis.text(x, y, text, va=stands, fontsize=6.2, color="#555555", zorder=0)


def _key(fig: Figure, against: Against, say: Say) -> None:
    """Say which dot is which leg, and what is grey or dotted."""
    handles = [
        Line2D([], [], marker="o", color=INK, markerfacecolor=face, markersize=5.0, label=say(side.value))
        for side, face in ((Side.LEFT, INK), (Side.RIGHT, "white"))
    ]
    fig.legend(
        handles=[*handles, *beside(against, say)], loc="outside lower left", ncols=4, frameon=False,
        fontsize=7.2,
    )  # fmt: skip


def beside(against: Against, say: Say) -> list[Line2D]:
    """Return what explains groups and scale, as far as they were chosen."""
    told = []
    if against.groups:
        told.append(Line2D([], [], color="#8a8a8a", linewidth=1.6, label=say("sides.groups")))
    if against.scale is not None:
        told.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=":", label=say("sides.scale")))
    return told
