"""The sign table, performed by the simulated body: what a person does, and what is measured of it.

The movement is known by where foot and knee truly go, never by the simulator's own sign. Everything a real
session has is between that and the measured sign: any mounting, a strap that is not quite on the front of the
shin, noise, biases, soft tissue, the filter, a functional calibration, and the asked movement where the case
does not tell the direction.
"""

import dataclasses
import math
from typing import Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builders import HOLD_S, RATE_HZ, fused
from hipturn.core import quaternion
from hipturn.core.angle import AngleMeter
from hipturn.core.calibration import directed, functional, window
from hipturn.core.positions import PLACED
from hipturn.model import Direction, FloatArray, Side, Vector
from hipturn.sources.body import (
    Element,
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
from hipturn.sources.body.leg import SHANK_M, THIGH_M
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

Part = Literal["foot", "knee"]
Way = Literal["outwards", "inwards", "up"]


class Row(NamedTuple):
    """A row of the table."""

    position: Position
    side: Side
    part: Part
    way: Way
    sign: int


LEFT, RIGHT = Side.LEFT, Side.RIGHT
TABLE = [
    # prone, the foot falls to the person's right (right leg), to the left (left leg), across the other leg
    Row("prone", RIGHT, "foot", "outwards", +1),
    Row("prone", LEFT, "foot", "outwards", +1),
    Row("prone", RIGHT, "foot", "inwards", -1),
    Row("prone", LEFT, "foot", "inwards", -1),
    # seated on a chair, the foot swings, the knee stays
    Row("seated", RIGHT, "foot", "outwards", +1),
    Row("seated", LEFT, "foot", "outwards", +1),
    Row("seated", RIGHT, "foot", "inwards", -1),
    Row("seated", LEFT, "foot", "inwards", -1),
    # seated on the floor, heel planted, the knee drops inwards to the floor
    Row("seated-floor", RIGHT, "knee", "inwards", +1),
    Row("seated-floor", LEFT, "knee", "inwards", +1),
    Row("seated-floor", RIGHT, "knee", "outwards", -1),
    Row("seated-floor", LEFT, "knee", "outwards", -1),
    # on the other side, knees bent, roller between: the ankle of the upper leg lifts, the knee stays
    Row("side-lying", RIGHT, "foot", "up", +1),
    Row("side-lying", LEFT, "foot", "up", +1),
]


def towards(row: Row) -> FloatArray:
    """Return the direction in earth that the row's movement takes, with the leg's heading 0."""
    if row.way == "up":
        return np.array((0.0, 0.0, 1.0))
    # the axis j points from knee to hip along +x: a person on the front has the right hand at −y, one who
    # sits faces −x and has it at +y
    rightwards = -1.0 if row.position == "prone" else 1.0
    outwards = rightwards if row.side is RIGHT else -rightwards
    return np.array((0.0, outwards if row.way == "outwards" else -outwards, 0.0))


def went(motion: Motion, part: Part) -> FloatArray:
    """Return how a part moved from the first to the last sample, by the true orientation alone."""
    mounting = quaternion.conjugate(np.array(motion.leg.q_shank_from_sensor))
    q = quaternion.multiply(motion.q_earth_from_sensor[[0, -1]], mounting)
    knee_rad = motion.leg.knee_rad
    femur = quaternion.rotate(q, np.array((-math.sin(knee_rad), math.cos(knee_rad), 0.0)))
    place = -THIGH_M * femur
    if part == "foot":
        place = place + quaternion.rotate(q, np.array((0.0, -SHANK_M, 0.0)))
    return np.asarray(place[1] - place[0])


def as_told(row: Row, leg: Leg) -> Direction:
    """Return the simulator's name for the row's movement, found by trying both and looking where it goes."""
    gone = {}
    for direction, turn in ((Direction.INTERNAL, 0.35), (Direction.EXTERNAL, -0.35)):
        moved = simulate(leg.without_errors(), Script((Shift(1.0, angle_rad=turn),)))
        gone[direction] = float(went(moved, row.part) @ towards(row))
    best = max(gone, key=lambda direction: gone[direction])
    assert gone[best] > 0.05 > 0.0 > min(gone.values()), f"{row}: {gone}"
    return best


def tilted(normal: Vector, by_deg: float, about_deg: float) -> Vector:
    """Return the normal as the driver declares it, off by so much because the strap is not just in front."""
    n = np.array(normal)
    e = np.cross(n, np.eye(3)[int(np.abs(n).argmin())])
    e /= np.linalg.norm(e)
    way = math.cos(about_deg * RAD_PER_DEG) * e + math.sin(about_deg * RAD_PER_DEG) * np.cross(n, e)
    x, y, z = (math.cos(by_deg * RAD_PER_DEG) * n + math.sin(by_deg * RAD_PER_DEG) * way).tolist()
    return x, y, z


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.position}-{row.side}-{row.part}-{row.way}")
@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), off_deg=st.floats(0.0, 25.0), about_deg=st.floats(0.0, 360.0))
def test_sign_table(row: Row, seed: int, off_deg: float, about_deg: float) -> None:
    """The measured angle of each movement has the table's sign and its true size, for every mounting."""
    leg = dataclasses.replace(Leg.random(seed, row.side, row.position), heading_rad=0.0)
    assert leg.heel_planted == PLACED[row.position].heel_planted
    direction = as_told(row, leg)
    asked = Repetition(Direction.INTERNAL, 15.0 * RAD_PER_DEG)
    movement = Repetition(direction, 25.0 * RAD_PER_DEG, hold_s=1.0)
    before: tuple[Element, ...] = (*calibration_elements(both_ways=True), asked, Rest(0.6))
    motion = simulate(leg, Script((movement,), before), RATE_HZ, seed)
    block = fused(motion)
    calibrated_ns = round(Script((), calibration_elements(both_ways=True)).duration_s * NS_PER_S)
    begin_ns = round(motion.reps[0].start_s * NS_PER_S)
    hold_ns = round(HOLD_S * NS_PER_S)
    found = functional(
        window(block, 0, hold_ns),
        window(block, hold_ns, calibrated_ns),
        outward_normal_sensor=tilted(leg.outward_normal_sensor, off_deg, about_deg),
        side=row.side,
    )
    if found.sign == "assumed":
        asked_part = window(block, calibrated_ns, begin_ns)
        found = directed(found, asked_part, asked=Direction.INTERNAL, side=row.side)
    angle = AngleMeter(found, row.side).push(window(block, begin_ns, int(block.t_ns[-1]) + 1)).angle_rad
    peak = float(angle[np.abs(angle).argmax()])
    assert peak * DEG_PER_RAD == pytest.approx(row.sign * 25.0, abs=1.5)


@settings(max_examples=200)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["prone", "seated", "side-lying", "seated-floor"]),
    st.floats(0.0, 29.0),
    st.floats(0.0, 360.0),
)
def test_the_rule_of_the_normal_is_never_wrong(
    seed: int, position: Position, off_deg: float, about_deg: float
) -> None:
    """Where the case is believed, within 60° of the axis' line, it is right, with a strap 29° aside too."""
    leg = Leg.random(seed, position=position)
    declared = tilted(leg.outward_normal_sensor, off_deg, about_deg)
    along = float(np.dot(leg.axis_sensor, declared))
    assume(abs(along) > 0.5)
    assert along < 0.0
