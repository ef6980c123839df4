"""What one session gave, as pictures: a test's end ranges and trials, a drill's repetitions one by one."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from hipturn.core.results import Result
from hipturn.model import Direction, Rep, Verdict
from hipturn.report.against import Against
from hipturn.report.legs import behind, beside, dot, plain
from hipturn.report.pictures import COLOUR, DEGREES, INK, WIDTH_IN
from hipturn.report.plot import LOOKS
from hipturn.report.words import Say
from hipturn.units import DEG_PER_RAD

MOST_BARS, MOST_OUTLINED = 400, 80
"""More repetitions would be narrower than a dot of the printer's, or than their outline."""


def ranges_in(result: Result) -> float:
    """Return the height of a test's picture."""
    return 0.5 + 0.36 * len(result.ranges)


def ranges(result: Result, against: Against, say: Say) -> Figure:
    """Return a test's directions, a row each: trials, their mean with its error, what was chosen beside."""
    fig = Figure(layout="constrained", figsize=(WIDTH_IN, ranges_in(result)))
    axis: Axes = fig.subplots()
    rows = list(result.ranges.values())[::-1]
    conditions = result.conditions
    for y, each in enumerate(rows, 1):
        dot(axis, each.mean, y, each.direction, conditions.side)
        axis.plot(
            [trial.value_rad * DEG_PER_RAD for trial in each.trials], [y - 0.26] * len(each.trials), "|",
            color=COLOUR[each.direction], markersize=5.0, markeredgewidth=1.0, gid=f"{each.direction}-trials",
        )  # fmt: skip
        behind(axis, against, conditions.position, each.direction, y)
    axis.set_yticks(range(1, len(rows) + 1), [say(each.direction.value) for each in rows])
    axis.tick_params(axis="y", length=0.0, labelsize=8.0)
    axis.set_ylim(0.5, len(rows) + 0.5)
    plain(axis)
    handles = [
        Line2D([], [], marker="o", color=INK, markersize=5.0, label=say("result.mean")),
        Line2D([], [], marker="|", color=INK, linewidth=0.0, markersize=6.0, label=say("result.trials")),
        *beside(against, say),
    ]
    fig.legend(handles=handles, loc="outside lower left", ncols=4, frameon=False, fontsize=7.2)
    return fig


def bars(reps: Sequence[Rep], height_in: float, say: Say) -> Figure:
    """Return the range of each repetition in turn, by verdict: how it loosened up, and how it tired."""
    shown = reps[-MOST_BARS:]
    fig = Figure(layout="constrained", figsize=(WIDTH_IN, height_in))
    axis: Axes = fig.subplots()
    # where bars are narrow, outline and hatch would be all there is of them
    narrow = len(shown) > MOST_OUTLINED
    seen = []
    for verdict in Verdict:
        chosen = [(n, rep) for n, rep in enumerate(shown) if rep.verdict is verdict]
        if not chosen:
            continue
        face, ink, hatch = LOOKS[verdict]
        look: dict[str, Any] = (
            {"facecolor": ink} if narrow else {"facecolor": face, "edgecolor": ink, "hatch": hatch}
        )
        signs = [1.0 if rep.direction is Direction.INTERNAL else -1.0 for _, rep in chosen]
        heights = [sign * rep.rom_rad * DEG_PER_RAD for sign, (_, rep) in zip(signs, chosen)]
        axis.bar(
            [n for n, _ in chosen], heights, width=0.78, linewidth=0.6 * (not narrow), gid=verdict, **look
        )
        words = say.picture(f"repetition: {verdict.value}")
        seen.append(Patch(linewidth=0.6 * (not narrow), label=words, **look))
    axis.axhline(0.0, color="#9a9a9a", linewidth=0.8)
    # few bars are as broad as they are among others
    axis.set_xlim(-0.7, max(len(shown), 12) - 0.3)
    step = next(step for step in (1, 5, 10, 50) if len(shown) <= 40 * step)
    numbered = [n for n, rep in enumerate(shown) if rep.n % step == 0]
    axis.set_xticks(numbered, [str(shown[n].n) for n in numbered])
    axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axis.yaxis.set_major_formatter(DEGREES)
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    fig.legend(handles=seen, loc="outside lower left", ncols=3, frameon=False, fontsize=7.2)
    return fig
