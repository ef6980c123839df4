"""Off-axis motion on the simulated body: a knee that leaves its angle, a thigh that lifts, told as it was."""

import dataclasses

import numpy as np
import pytest

from builders import STREAM, guided, of
from hipturn.coach import Coach
from hipturn.model import Direction, HipAngle, Rep, Side
from hipturn.sources import simulated
from hipturn.sources.body import (
    Leg,
    Motion,
    Position,
    Repetition,
    Rest,
    Script,
    Shift,
    calibration_elements,
    simulate,
)
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

GRAVITY: tuple[Position, ...] = ("prone", "seated", "side-lying")
"""Positions in which knee and thigh move the axis up or down."""


def measured(motion: Motion) -> tuple[HipAngle, list[Rep]]:
    """Return the angle as one block and the repetitions of a whole guided session."""
    heard = guided(
        simulated.inputs(motion, samples_per_packet=10),
        Coach(STREAM, motion.leg.side, 0, motion.leg.position),
    )
    blocks = of(HipAngle, heard)
    columns = {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in ("t_ns", "angle_rad", "off_axis_rad")
    }
    return dataclasses.replace(blocks[0], **columns), of(Rep, heard)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("position", GRAVITY)
@pytest.mark.parametrize("what", ["knee", "thigh"])
def test_every_sample_tells_how_far_the_axis_left_its_elevation(
    position: Position, side: Side, what: str
) -> None:
    """The knee bending and stretching by 10°, or the thigh lifting and sinking: right to half a degree, and
    no more than a fifth of it gets into the angle. Side-lying a bending knee keeps the axis level: unseen."""
    for seed in range(3):
        leg = Leg.random(seed, side, position)
        moves = [
            Shift(1.0, **{f"{'knee' if what == 'knee' else 'elevation'}_rad": step * RAD_PER_DEG})
            for step in (10.0, -20.0, 10.0)
        ]
        elements = [part for move in moves for part in (move, Rest(1.0))]
        motion = simulate(leg, Script(tuple(elements), calibration_elements()), 100.0, seed)
        angle, reps = measured(motion)
        t_s = angle.t_ns / NS_PER_S
        true = np.interp(t_s, motion.t_s, motion.off_axis_rad)
        error_deg = (angle.off_axis_rad - true) * DEG_PER_RAD
        assert np.sqrt((error_deg**2).mean()) < 0.5
        assert np.abs(error_deg).max() < 1.5, (position, what, seed)
        if not (position == "side-lying" and what == "knee"):
            assert np.ptp(true) * DEG_PER_RAD > 15.0
            assert np.abs(angle.angle_rad).max() < 0.2 * 10.0 * RAD_PER_DEG
        assert not reps


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("knee_deg", [-15.0, 0.0, 15.0])
@pytest.mark.parametrize("thigh_deg", [0.0, 8.0])
def test_every_repetition_tells_its_off_axis_motion(side: Side, knee_deg: float, thigh_deg: float) -> None:
    """As large as the truth's within it, to 1°: knee still or bending, thigh lying or lifting."""
    elements = (
        Repetition(
            Direction.INTERNAL,
            25.0 * RAD_PER_DEG,
            knee_rad=knee_deg * RAD_PER_DEG,
            elevation_rad=thigh_deg * RAD_PER_DEG,
        ),
        Rest(1.0),
    )
    motion = simulate(Leg.random(4, side), Script(elements * 2, calibration_elements()), 100.0, 4)
    _, reps = measured(motion)
    assert len(reps) == 2
    for rep, true in zip(reps, motion.reps, strict=True):
        inside = motion.off_axis_rad[(motion.t_s >= true.start_s) & (motion.t_s <= true.end_s)]
        largest = max(inside.max() - inside[0], inside[0] - inside.min())
        assert rep.off_axis_rad * DEG_PER_RAD == pytest.approx(largest * DEG_PER_RAD, abs=1.0)
