"""Poses as commands: what is kept for how long is which, and nothing is taken back by one outside a pause."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import of
from guided_runs import Guided
from hipturn import drills
from hipturn.coach.posing import HELD_NS, LONG_NS, LONGEST_NS, Pose, Poses
from hipturn.coach.scene import Scene
from hipturn.model import Calibration, Direction, HipAngle, Mark, MarkKind, Side
from hipturn.sources.body import Repetition, Rest
from hipturn.units import NS_PER_S, RAD_PER_DEG

STEP_NS = NS_PER_S // 20
SHIPPED = drills.load().drills
CALIBRATION = Calibration(
    (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "pose", "session",
    1.0, 0.0, "normal", (0.0, 1.0), "good",
)  # fmt: skip


def kept(deg: float, for_s: float) -> tuple[list[Pose], list[int]]:
    """Turn to an angle within 0.6 s, keep it, come home: which poses that was, and what was heard when."""
    scene = Scene("shin", Side.LEFT, SHIPPED["seated-mobilisation"])
    scene.calibration = CALIBRATION
    poses, found, reached = Poses(), [], [0]
    way = np.linspace(0.0, deg, 12)
    angles = [0.0] * 20 + [*way] + [deg] * round(for_s * NS_PER_S / STEP_NS) + [*way[::-1]] + [0.0] * 20
    for n, angle in enumerate(angles):
        one, none = np.array([angle * RAD_PER_DEG]), np.zeros(1)
        t, true = np.array([n * STEP_NS], np.int64), np.array([True])
        block = HipAngle("shin", t, one, none, none, none, np.zeros(1, np.int64), true)
        if (pose := poses.push(block, scene)) is not None:
            found.append(pose)
        if poses.reached != reached[-1]:
            reached.append(poses.reached)
    return found, reached


@given(st.floats(14.0, 60.0), st.floats(0.0, 12.0), st.sampled_from([1.0, -1.0]))
def test_how_long_it_is_kept_decides_which_pose_it_is(deg: float, for_s: float, way: float) -> None:
    """Short is none, then one and, inwards, the other, heard as it begins; too long is somebody who rests."""
    found, reached = kept(way * deg, for_s)
    # coming and going may each add what is within the tolerance of being still
    about = 3.5 * STEP_NS
    limits = [each for each in (HELD_NS, LONG_NS, LONGEST_NS) if abs(for_s * NS_PER_S - each) <= about]
    if limits:
        return
    ns = for_s * NS_PER_S
    wanted: list[Pose] = []
    if HELD_NS <= ns <= LONGEST_NS:
        wanted = ["out"] if way < 0.0 else ["in"] if ns < LONG_NS else ["in-long"]
    assert found == wanted
    assert max(reached) == (0 if ns < HELD_NS else 2 if way > 0.0 and ns >= LONG_NS else 1)
    assert reached[-1] == 0


@given(st.floats(-11.0, 11.0), st.floats(0.0, 12.0))
def test_a_small_turn_is_none(deg: float, for_s: float) -> None:
    assert kept(deg, for_s) == ([], [0])


@pytest.mark.parametrize("held_s", [3.0, 6.0])
def test_in_a_rest_a_pose_takes_nothing_back(held_s: float) -> None:
    """However long it is kept there, inwards goes on: a leg that lies turned in is no correction."""
    drill = SHIPPED["side-lying-activation"]
    pose = (Repetition(Direction.INTERNAL, 30.0 * RAD_PER_DEG, 1.8, held_s, 1.8), Rest(1.0))
    guided = Guided(drill, reps=3, together=2, instead={"rest": [(Rest(1.0),), pose]}).run()
    kinds = {mark.kind for mark in of(Mark, guided.heard)}
    assert not kinds & {MarkKind.UNDO, MarkKind.REDO}
    assert guided.summary["controlled"] == 6
    without = Guided(drill, reps=3, together=2).run()
    assert guided.t_s < without.t_s - 20.0
