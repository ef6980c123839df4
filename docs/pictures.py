"""Make the pictures of docs/measurement.md anew: ``python docs/pictures.py``. Drawn from the simulated leg.

SVG without date or random names, so that the same program gives the same bytes. ``--png FOLDER`` writes PNGs
there instead, for looking at.
"""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from hipturn import config
from hipturn.coach import Coach
from hipturn.core import quaternion
from hipturn.core.angle import HEADING_DRIFT_RADPS, MIN_OBSERVABILITY, drift_budget, gravity_angle
from hipturn.core.floor import SEGMENT_RATIO, beta_from_knee, femoral_rotation, gamma_from_beta
from hipturn.core.positions import Position
from hipturn.model import Direction, FloatArray, HipAngle, SessionStart, Side
from hipturn.session import Heard, Session
from hipturn.sources import body, simulated
from hipturn.sources.body.leg import SHANK_M, THIGH_M, Leg
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

HERE = Path(__file__).parent / "pictures"
INTERNAL, EXTERNAL, NEUTRAL, QUIET = "#0060a8", "#c25a00", "#444444", "#999999"
STYLE: dict[str, Any] = {
    "svg.hashsalt": "hipturn",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "path.simplify_threshold": 0.5,
}


# --- signs ----------------------------------------------------------------------------------------


class View(NamedTuple):
    """A position seen along the thigh, from the knee to the hip: earth −y goes right, up goes up."""

    title: str
    position: Position
    internal: str
    external: str
    moves: int
    """What is seen to move: 1 the knee, 2 the heel."""


VIEWS = (
    View("prone\nfrom the feet", "prone", "foot outwards", "foot inwards", 2),
    View("seated\nfrom the front", "seated", "foot outwards", "foot inwards", 2),
    View("on the floor, heel planted\nfrom the front", "seated-floor", "knee inwards", "knee outwards", 1),
    View("side-lying, upper leg\nfrom the knees", "side-lying", "ankle up", "ankle down", 2),
)
RIGHT, UP = np.array((0.0, -1.0, 0.0)), np.array((0.0, 0.0, 1.0))


def places(leg: Leg, angle_rad: float) -> FloatArray:
    """Return hip, knee and heel in earth axes, shape (3, 3), of a leg turned by this."""
    turned = body.simulate(leg.without_errors(), body.Script((body.Shift(1.0, angle_rad=angle_rad),)))
    mounting = quaternion.conjugate(np.array(leg.q_shank_from_sensor))
    q = quaternion.multiply(turned.q_earth_from_sensor[-1], mounting)
    femur = quaternion.rotate(q, np.array((-math.sin(leg.knee_rad), math.cos(leg.knee_rad), 0.0)))
    knee = -THIGH_M * femur
    return np.array([np.zeros(3), knee, knee + quaternion.rotate(q, np.array((0.0, -SHANK_M, 0.0)))])


def signs() -> Figure:
    """Draw the right leg in each position: neutral, turned internally by 30°, turned externally by 30°."""
    figure, every = plt.subplots(1, 4, figsize=(10.0, 3.6))
    for axes, view in zip(every, VIEWS, strict=True):
        leg = Leg(Side.RIGHT, view.position)
        turned = {deg: places(leg, deg * RAD_PER_DEG) @ np.stack((RIGHT, UP), axis=1) for deg in (0, 30, -30)}
        middle = 0.5 * (turned[0].min(axis=0) + turned[0].max(axis=0))
        for deg, colour, what in (
            (0, NEUTRAL, ""),
            (30, INTERNAL, f"internal +\n{view.internal}"),
            (-30, EXTERNAL, f"external −\n{view.external}"),
        ):
            x, y = (turned[deg] - middle).T
            axes.plot(x[:2], y[:2], color=colour, lw=6, alpha=0.35, solid_capstyle="round")
            axes.plot(x[1:], y[1:], color=colour, lw=3, solid_capstyle="round")
            moving = np.array((x[view.moves], y[view.moves]))
            axes.plot(*moving, "o", color=colour, ms=7)
            if what:
                sideways = 0.0 if view.position == "side-lying" else 0.08
                beside = moving + np.sign(moving) * (sideways, 0.15)
                axes.annotate(what, beside, color=colour, ha="center", va="center", fontsize=8.5)
        axes.plot(*(turned[0][0] - middle), "s", color=NEUTRAL, ms=8)
        axes.set_title(view.title, fontsize=9.5)
        axes.set(xlim=(-0.5, 0.5), ylim=(-0.55, 0.55), aspect="equal")
        axes.axis("off")
    figure.suptitle(
        "A right leg, seen along the thigh; a left leg is the mirror image. "
        "Square: hip. Dot: what moves. Full line: shin.",
        fontsize=9,
        y=0.04,
    )
    figure.tight_layout(rect=(0.0, 0.06, 1.0, 1.0))
    return figure


# --- a session and its error ------------------------------------------------------------------------


def session() -> Figure:
    """Draw a guided session of the simulated leg: the true angle, the measured one, and their difference."""
    leg = Leg.random(3, Side.RIGHT, "prone")
    motion = body.simulate(leg, body.two_way_test_script(3), seed=3)
    heard: list[Heard] = []
    coach = Coach(simulated.STREAM, leg.side, 0, leg.position)
    guided = Session(config.core_params(config.defaults()), coach, None, heard.append)
    guided.push(SessionStart("docs", "2026-01-01T12:00:00+00:00", position=leg.position))
    for item in simulated.inputs(motion, samples_per_packet=10):
        guided.push(item)
    guided.finish()
    blocks = [each for each in heard if isinstance(each, HipAngle)]
    t_s = np.concatenate([block.t_ns for block in blocks]) / NS_PER_S
    measured = np.concatenate([block.angle_rad for block in blocks]) * DEG_PER_RAD
    true = np.interp(t_s, motion.t_s, motion.angle_rad) * DEG_PER_RAD
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(8.0, 3.8), sharex=True, gridspec_kw={"height_ratios": (3, 1)}
    )
    rows = slice(None, None, 6)
    above.plot(t_s[rows], true[rows], color=QUIET, lw=5, label="what the hip did", solid_capstyle="round")
    above.plot(t_s[rows], measured[rows], color=INTERNAL, lw=1.4, label="what was measured")
    above.axhline(0.0, color=NEUTRAL, lw=0.6)
    above.set_ylabel("angle, °\n− external   internal +")
    above.legend(frameon=False, loc="lower left", fontsize=9)
    below.plot(t_s[rows], (measured - true)[rows], color=EXTERNAL, lw=1.0)
    below.axhline(0.0, color=NEUTRAL, lw=0.6)
    below.set(ylabel="error, °", xlabel="time, s", ylim=(-1.0, 1.0))
    figure.align_ylabels()
    figure.tight_layout()
    return figure


# --- heading ----------------------------------------------------------------------------------------


def heading() -> Figure:
    """Draw how fast heading drift may move the result, over the elevation of the axis."""
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    elevation = np.linspace(0.0, 90.0, 91)
    budget = np.array(
        [drift_budget(e * RAD_PER_DEG, HEADING_DRIFT_RADPS) * 60.0 * DEG_PER_RAD for e in elevation]
    )
    limit = math.acos(MIN_OBSERVABILITY) * DEG_PER_RAD
    beyond = elevation >= limit
    axes.plot(elevation, budget, color=QUIET, lw=1.4, ls="--")
    axes.plot(elevation[beyond], budget[beyond], color=EXTERNAL, lw=3)
    axes.plot([0.0, limit], [0.0, 0.0], color=INTERNAL, lw=3)
    axes.axvline(limit, color=NEUTRAL, lw=0.8, ls=":")
    axes.text(12.0, 0.12, "the angle, by gravity: no drift", color=INTERNAL, va="bottom")
    axes.text(30.0, 2.15, "the twist beside it", color="#777777", rotation=24, ha="center", va="center")
    axes.text(limit + 1.5, 1.9, "heading-dependent:\nthe angle is the twist", color=EXTERNAL, va="center")
    axes.text(1.0, 3.75, "prone, seated, side-lying,\non the floor", va="top", fontsize=9, color=NEUTRAL)
    axes.text(89.0, 0.6, "standing,\nsupine 90/90", ha="right", va="top", fontsize=9, color=NEUTRAL)
    axes.set(
        xlabel="elevation of the axis, °", ylabel="drift, at most, °/min", xlim=(0, 90), ylim=(-0.1, 3.9)
    )
    figure.tight_layout()
    return figure


# --- the floor --------------------------------------------------------------------------------------


def floor() -> Figure:
    """Draw the leg on the floor as a triangle, and what a measured turn means for the femur."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.3), gridspec_kw={"width_ratios": (1.2, 1.0)})
    knee_rad = 90.0 * RAD_PER_DEG
    beta = beta_from_knee(knee_rad, SEGMENT_RATIO)
    gamma = gamma_from_beta(beta, SEGMENT_RATIO)
    line = THIGH_M * math.cos(gamma) + SHANK_M * math.cos(beta)
    hip, heel = np.zeros(2), np.array((line, 0.0))
    knee = THIGH_M * np.array((math.cos(gamma), math.sin(gamma)))
    left.plot(*zip(hip, heel), color=INTERNAL, lw=1.6, ls="--")
    left.plot(*zip(hip, knee), color=NEUTRAL, lw=6, alpha=0.4, solid_capstyle="round")
    left.plot(*zip(knee, heel), color=NEUTRAL, lw=4, solid_capstyle="round")
    sensor = knee + 0.6 * (heel - knee)
    left.plot(*sensor, "s", color=EXTERNAL, ms=11)
    for text, place, colour in (
        ("hip", hip + np.array((-0.02, -0.05)), NEUTRAL),
        ("heel", heel + np.array((0.02, -0.05)), NEUTRAL),
        ("knee", knee + np.array((0.0, 0.045)), NEUTRAL),
        ("γ", hip + np.array((0.1, 0.045)), NEUTRAL),
        ("β", heel + np.array((-0.1, 0.035)), NEUTRAL),
        ("sensor", sensor + np.array((0.1, 0.03)), EXTERNAL),
        ("turns about this line: α", (0.5 * line, -0.045), INTERNAL),
    ):
        left.text(*place, text, color=colour, ha="center", va="center")
    left.set_aspect("equal")
    left.margins(0.12)
    left.axis("off")
    alpha = np.linspace(0.0, 50.0, 26)
    right.plot(alpha, alpha, color=QUIET, lw=1.0, ls=":", label="φ = α")
    for knee_deg, style in ((70, "--"), (90, "-"), (110, "-.")):
        hip_angle = gamma_from_beta(beta_from_knee(knee_deg * RAD_PER_DEG, SEGMENT_RATIO), SEGMENT_RATIO)
        phi = [femoral_rotation(a * RAD_PER_DEG, hip_angle) * DEG_PER_RAD for a in alpha]
        right.plot(alpha, phi, style, color=INTERNAL, lw=1.6, label=f"knee {knee_deg}°")
    right.set(
        xlabel="measured turn α, °", ylabel="estimated femoral rotation φ, °", xlim=(0, 50), ylim=(0, 50)
    )
    right.legend(frameon=False, loc="upper left", fontsize=9)
    figure.tight_layout()
    return figure


# --- what one sensor cannot see ----------------------------------------------------------------------


def knee() -> Figure:
    """Draw a hip that turns by 30° while the knee bends too: the range measured, the off-axis motion told."""
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    bends = np.linspace(-20.0, 20.0, 17)
    axis_leg = Leg(Side.RIGHT, "prone").without_errors()
    range_error, off_axis = [], []
    for bend in bends:
        movement = body.Repetition(Direction.INTERNAL, 30.0 * RAD_PER_DEG, knee_rad=bend * RAD_PER_DEG)
        motion = body.simulate(axis_leg, body.Script((movement,)))
        up = quaternion.up_in_sensor(motion.q_earth_from_sensor)
        angle = gravity_angle(up, up[0], np.array(axis_leg.axis_sensor)) * DEG_PER_RAD
        range_error.append(float(angle.max()) - 30.0)
        off_axis.append(float(np.abs(motion.off_axis_rad).max()) * DEG_PER_RAD)
    axes.axhline(10.0, color="#777777", lw=0.8, ls=":")
    axes.plot(bends, off_axis, color=EXTERNAL, lw=2.4)
    axes.plot(bends, range_error, color=INTERNAL, lw=2.4)
    axes.text(0.0, 16.0, "off-axis motion,\ntold with each repetition", color=EXTERNAL, ha="center")
    axes.text(0.0, -2.0, "error of the measured range", color=INTERNAL, ha="center", va="top")
    axes.text(0.0, 11.6, "limit of the drill: 10°", color="#777777", ha="center", va="top", fontsize=8.5)
    axes.axhline(0.0, color=NEUTRAL, lw=0.6)
    axes.set(
        xlabel="knee bending during a true rotation of 30°, °", ylabel="°", ylim=(-5, 21), xlim=(-20, 20)
    )
    figure.tight_layout()
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "signs": signs,
    "session": session,
    "heading": heading,
    "floor": floor,
    "knee": knee,
}


def make(folder: Path, kind: str = "svg") -> list[Path]:
    """Write every picture into the folder; return their paths."""
    out = []
    with mpl.rc_context(rc=STYLE):  # type: ignore[arg-type, unused-ignore]
        for name, draw in PICTURES.items():
            figure = draw()
            path = folder / f"{name}.{kind}"
            figure.savefig(path, metadata={"Date": None} if kind == "svg" else None, dpi=90)
            plt.close(figure)
            out.append(path)
    return out


if __name__ == "__main__":
    if sys.argv[1:2] == ["--png"]:
        make(Path(sys.argv[2]), "png")
    else:
        make(HERE)
