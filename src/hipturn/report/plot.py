"""The angle over time with everything that was found in it, as a picture to be understood at a glance.

A long recording is folded into strips one below the other, as a heart's is on paper, and what is
narrower than the ink is drawn by its extremes: an hour is as readable and as quick as a minute.
Verdicts differ in colour, in hatch and in words; the colours are those of Okabe & Ito (2008), which
people with any colour vision tell apart.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from hipturn.errors import InputError
from hipturn.model import (
    Rep,
    Side,
    Verdict,
)
from hipturn.offline import Analysis
from hipturn.report.track import Track, extremes, overlaps, track_of
from hipturn.units import DEG_PER_RAD, NS_PER_S


class _Look(NamedTuple):
    face: str
    ink: str
    hatch: str


LOOKS = {
    Verdict.CONTROLLED: _Look("#cfe6f5", "#0072b2", ""),
    Verdict.UNCONTROLLED: _Look("#fbe3c0", "#b35400", "///"),
    Verdict.VOID: _Look("#e4e4e4", "#5a5a5a", "xxx"),
}
ANGLE, HOLD, LOST, MARK = "#1a1a1a", "#007a5a", "#c0007a", "#5a5a5a"

STRIP_S, STRIP_REPS = 150.0, 20
"""What one strip holds and stays readable, where the page has room for more strips."""
MOST_STRIPS = 10
COLUMNS = 1500
"""Parts a strip's width is drawn in: about the dots it has on a screen."""
BAND = 0.045
"""Height of the band at the bottom that tells what was lost, as a share of the strip's."""
MOST_NUMBERS = 45
"""So many repetitions of a strip get their number; of more, every fifth or tenth."""
MOST_REASONS = 24
"""Above so many in a strip the reasons are left to the hatch."""
WIDTH_IN = 12.0
"""Width that these numbers are for."""

Say = Callable[[str], str]
"""Gives words in another language."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Room in somebody else's page, which has its own heading."""

    width_in: float
    heights_in: tuple[float, ...]
    """Of one strip, of two, and so on to as many as there may be."""


def figure(
    analysis: Analysis,
    title: str,
    *,
    from_s: float = 0.0,
    to_s: float = math.inf,
    into: Figure | None = None,
    sheet: Sheet | None = None,
    say: Say = str,
) -> Figure:
    """Return the picture of a stretch of a recording, drawn into a figure that is there or a new one.

    With a `sheet` it has that size and no heading.
    Raises `InputError` if no angle was measured in the stretch.
    """
    tracks = [track_of(analysis, stream) for stream in dict.fromkeys(b.stream for b in analysis.angles)]
    if not tracks:
        raise InputError(f"{title}: no angle was measured: the calibration came with the last of its samples")
    ends_s = [float(t) for track in tracks for t in (track.t_s[0], track.t_s[-1])]
    first_s, last_s = max(from_s, min(ends_s)), min(to_s, max(ends_s))
    shown = [track for track in tracks if ((track.t_s >= first_s) & (track.t_s <= last_s)).sum() > 1]
    if not shown:
        raise InputError(
            f"{title}: nothing was measured between {from_s:g} and {to_s:g} s: "
            f"angles are there from {min(ends_s):.1f} to {max(ends_s):.1f} s"
        )
    most = max(sum(overlaps(rep, first_s, last_s) for rep in track.reps) for track in shown)
    at_most = len(sheet.heights_in) if sheet else MOST_STRIPS
    strips = max(1, min(at_most, math.ceil(max((last_s - first_s) / STRIP_S, most / STRIP_REPS) - 0.1)))
    edges_s = np.linspace(first_s, last_s, strips + 1)
    rows = strips * len(shown)
    fig = into or Figure()
    fig.set_layout_engine("constrained", h_pad=0.06 if sheet is None else 0.03)
    height_in = 1.7 + max(1.75, 3.6 / strips**0.5) * rows
    width_in, height_in = (
        (WIDTH_IN, height_in) if sheet is None else (sheet.width_in, sheet.heights_in[strips - 1])
    )
    fig.set_size_inches(width_in, height_in)
    grid: list[list[Axes]] = fig.subplots(rows, 1, squeeze=False).tolist()
    axes = [row[0] for row in grid]
    for k, track in enumerate(shown):
        limits = _limits(track, first_s, last_s)
        for n in range(strips):
            axis = axes[n * len(shown) + k]
            _strip(axis, track, float(edges_s[n]), float(edges_s[n + 1]), limits, width_in, say)
            if len(shown) > 1:
                axis.set_title(track.stream, fontsize=9, loc="left")
    axes[-1].set_xlabel(say("time, s"), fontsize=10 if sheet is None else 8)
    if sheet is None:
        _head(fig, analysis, shown, title, (first_s, last_s), (min(ends_s), max(ends_s)))
    across = "← external      hip rotation, °      internal →"
    fig.supylabel(
        say(across if sheet is None else "← ext.    °    int. →"), fontsize=10 if sheet is None else 8
    )
    handles, words = _legend(shown, first_s, last_s)
    fig.legend(
        handles,
        list(map(say, words)),
        loc="outside lower center",
        ncols=len(words),
        frameon=False,
        fontsize=9 if sheet is None else 7.5,
        handler_map={tuple: HandlerTuple(ndivide=1)},
    )
    return fig


def _head(
    fig: Figure,
    analysis: Analysis,
    shown: Sequence[Track],
    title: str,
    part_s: tuple[float, float],
    all_s: tuple[float, float],
) -> None:
    first_s, last_s = part_s
    reps = [rep for track in shown for rep in track.reps if overlaps(rep, first_s, last_s)]
    part = f", {first_s:.0f} to {last_s:.0f} s" if part_s != all_s else ""
    fig.suptitle(f"{_plain(title)}{_leg(analysis.side)}{part}\n{counted(reps)}", fontsize=12)


def counted(reps: Sequence[Rep]) -> str:
    """Return the count in words: repetitions, how many of each verdict, and why those that do not count."""
    if not reps:
        return "no repetitions"
    parts = []
    for verdict in Verdict:
        found = [rep for rep in reps if rep.verdict is verdict]
        if found:
            why = {
                reason: sum(reason in rep.reasons for rep in found) for rep in found for reason in rep.reasons
            }
            told = ", ".join(f"{n} {_words(reason)}" for reason, n in why.items())
            parts.append(f"{len(found)} {verdict.value}" + (f" ({told})" if told else ""))
    return f"{len(reps)} repetition{'s' * (len(reps) > 1)}: {', '.join(parts)}"


# --- one strip ----------------------------------------------------------------------------------


def _strip(
    axis: Axes,
    track: Track,
    from_s: float,
    to_s: float,
    limits: tuple[float, float],
    width_in: float,
    say: Say,
) -> None:
    axis.set_xlim(from_s, to_s)
    axis.set_ylim(*limits)
    axis.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 3, 5, 6, 10]))
    axis.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 3, 5, 10]))
    axis.spines[["top", "right"]].set_visible(False)
    axis.axhline(0.0, color="#9a9a9a", linewidth=0.8, zorder=1)
    reps = [rep for rep in track.reps if overlaps(rep, from_s, to_s)]
    for rep in reps:
        look = LOOKS[rep.verdict]
        axis.axvspan(
            rep.start_ns / NS_PER_S,
            rep.end_ns / NS_PER_S,
            facecolor=look.face,
            edgecolor=look.ink if look.hatch else look.face,
            hatch=look.hatch,
            hatch_linewidth=0.5,
            linewidth=0.0,
            zorder=0,
            gid=f"rep-{rep.n}",
        )
    _numbers(axis, reps, from_s, to_s, width_in, say)
    first, last = np.searchsorted(track.t_s, (from_s, to_s)).tolist()
    _line(axis, track, slice(first, last + 1))
    for hold in track.holds:
        if overlaps(hold, from_s, to_s):
            axis.plot(
                (hold.start_ns / NS_PER_S, hold.end_ns / NS_PER_S),
                (hold.mean_rad * DEG_PER_RAD,) * 2,
                color=HOLD,
                linewidth=5.0,
                alpha=0.55,
                solid_capstyle="butt",
                zorder=2,
                gid="hold",
            )
    _lost(axis, track, from_s, to_s)
    _marks(axis, track, from_s, to_s, say)


def _line(axis: Axes, track: Track, rows: slice) -> None:
    """Draw the angle: broken where samples are missing, dotted where it is not to be trusted."""
    t_s, angle_deg, trusted = track.t_s[rows], track.angle_deg[rows], track.trusted[rows]
    kept = extremes(angle_deg, COLUMNS)
    t_s, angle_deg, trusted = t_s[kept], angle_deg[kept], trusted[kept]
    axis.plot(t_s, np.where(trusted, angle_deg, np.nan), color=ANGLE, linewidth=1.2, zorder=3, gid="angle")
    if not trusted.all():
        axis.plot(
            t_s,
            np.where(trusted, np.nan, angle_deg),
            color=LOST,
            linewidth=1.0,
            linestyle=":",
            zorder=3,
            gid="untrusted",
        )


def _numbers(axis: Axes, reps: Sequence[Rep], from_s: float, to_s: float, width_in: float, say: Say) -> None:
    """Write each repetition's number over it, what was wrong with it at its foot, and mark its peak."""
    room = width_in / WIDTH_IN
    numbers, reasons = room * MOST_NUMBERS, room * MOST_REASONS
    every = next(step for step in (1, 5, 10, 50, 1_000_000) if len(reps) <= step * numbers)
    upright = blended_transform_factory(axis.transData, axis.transAxes)
    for rep in reps:
        at_s = (rep.start_ns + rep.end_ns) / 2 / NS_PER_S
        if not from_s <= at_s <= to_s:
            continue
        look = LOOKS[rep.verdict]
        if len(reps) <= numbers:
            axis.plot(
                rep.peak_ns / NS_PER_S, rep.peak_rad * DEG_PER_RAD, "o", markersize=4.5, color=look.ink,
                zorder=4, gid=f"peak-{rep.n}",
            )  # fmt: skip
        if rep.n % every == 0 or every == 1:
            axis.text(
                at_s, 1.01, str(rep.n), transform=upright, ha="center", va="bottom", fontsize=9,
                fontweight="bold", color=look.ink, gid=f"number-{rep.n}",
            )  # fmt: skip
        if rep.reasons and len(reps) <= reasons:
            axis.text(
                at_s, BAND + 0.02, "\n".join(say(_words(reason)) for reason in rep.reasons),
                transform=upright, ha="center", va="bottom", fontsize=8, color=look.ink, rotation=90,
                linespacing=1.0, zorder=4, gid=f"reasons-{rep.n}",
                # the hatch would run through the words
                bbox={"facecolor": look.face, "edgecolor": "none", "pad": 1.0},
            )  # fmt: skip


def _lost(axis: Axes, track: Track, from_s: float, to_s: float) -> None:
    """Fill a band at the bottom where samples never came, at least as wide as can be seen."""
    least_s = (to_s - from_s) / 600.0
    spans = [
        (gap.start_ns / NS_PER_S, max((gap.end_ns - gap.start_ns) / NS_PER_S, least_s))
        for gap in track.gaps
        if overlaps(gap, from_s, to_s)
    ]
    spans += [(bad.t_ns / NS_PER_S, least_s) for bad in track.bad if from_s <= bad.t_ns / NS_PER_S <= to_s]
    if spans:
        band = PatchCollection(
            [Rectangle((start_s, 0.0), width_s, BAND) for start_s, width_s in spans],
            facecolor=LOST,
            edgecolor="none",
            transform=blended_transform_factory(axis.transData, axis.transAxes),
            zorder=5,
            gid="lost",
        )
        axis.add_collection(band, autolim=False)


def _marks(axis: Axes, track: Track, from_s: float, to_s: float, say: Say) -> None:
    """Draw a line where a calibration came into force."""
    upright = blended_transform_factory(axis.transData, axis.transAxes)
    for each in track.calibrated:
        at_s = each.t_ns / NS_PER_S
        if from_s <= at_s <= to_s:
            axis.axvline(at_s, color=MARK, linewidth=1.2, linestyle="--", zorder=2, gid="calibrated")
            axis.text(
                at_s, 0.97, f" {say('calibrated')} ({say(each.calibration.grade)})", transform=upright,
                ha="left", va="top", fontsize=8, color=MARK,
            )  # fmt: skip


# --- what can be seen ---------------------------------------------------------------------------


def _limits(track: Track, from_s: float, to_s: float) -> tuple[float, float]:
    """Return the lower and upper edge of the strips, °: the same in all, with neutral and air in them."""
    shown = track.angle_deg[(track.t_s >= from_s) & (track.t_s <= to_s)]
    low, high = min(float(np.nanmin(shown)), 0.0), max(float(np.nanmax(shown)), 0.0)
    air = max(0.08 * (high - low), 2.0)
    explained = any(rep.reasons and overlaps(rep, from_s, to_s) for rep in track.reps)
    # the words at the foot need a quarter of the height
    return low - (4.0 if explained else 1.5) * air, high + air


def _legend(tracks: Sequence[Track], from_s: float, to_s: float) -> tuple[list[Any], list[str]]:
    """Return handles and words for what can be seen, and for nothing else."""
    seen: dict[str, Any] = {"angle": Line2D([], [], color=ANGLE, linewidth=1.2)}
    for verdict, look in LOOKS.items():
        if any(rep.verdict is verdict and overlaps(rep, from_s, to_s) for t in tracks for rep in t.reps):
            edge = look.ink if look.hatch else look.face
            seen[f"repetition: {verdict.value}"] = Patch(
                facecolor=look.face, edgecolor=edge, hatch=look.hatch, linewidth=0.0
            )
    if any(overlaps(hold, from_s, to_s) for track in tracks for hold in track.holds):
        seen["held still"] = Line2D([], [], color=HOLD, linewidth=5.0, alpha=0.55)
    if any(overlaps(gap, from_s, to_s) for track in tracks for gap in track.gaps):
        seen["samples lost"] = Patch(facecolor=LOST)
    if any(not t.trusted[(t.t_s >= from_s) & (t.t_s <= to_s)].all() for t in tracks):
        seen["not to be trusted yet"] = Line2D([], [], color=LOST, linestyle=":")
    return list(seen.values()), list(seen)


def _words(reason: str) -> str:
    return reason.replace("-", " ")


def _leg(side: Side | None) -> str:
    return f", {side.value} leg" if side else ""


def _plain(text: str) -> str:
    """Return a name without what matplotlib would read as mathematics."""
    return text.replace("$", r"\$")
