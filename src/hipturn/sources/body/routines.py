"""Ready-made scripts: a good set, a bad one and a test."""

import numpy as np

from hipturn.model import Direction
from hipturn.sources.body.script import Element, Repetition, Rest, Script, Shift
from hipturn.units import RAD_PER_DEG

CALIBRATION_HOLD_S = 6.0
"""Still hold at the start: what a gyro bias is taken from needs 5 s, and people are not quite in time."""


def calibration_elements(
    both_ways: bool = False, direction: Direction = Direction.INTERNAL, rotations: int = 3
) -> tuple[Element, ...]:
    """Return a still hold of 6 s, slow rotations of 20° (one way or in turn) and 2 s of rest."""
    ways = (direction, _opposite(direction) if both_ways else direction)
    elements: list[Element] = [Rest(CALIBRATION_HOLD_S)]
    for n in range(rotations):
        turn = Repetition(
            ways[n % 2], 20.0 * RAD_PER_DEG, out_s=1.4, hold_s=0.2, return_s=1.4, kind="calibration"
        )
        elements += (turn, Rest(0.3))
    return (*elements[:-1], Rest(2.0))


def drill_script(
    reps: int, seed: int, direction: Direction = Direction.INTERNAL, both_ways: bool = False
) -> Script:
    """Return a calibration and a set whose range grows from about 20° to 35°; 5 repetitions take < 38 s."""
    rng = np.random.default_rng(seed)
    elements: list[Element] = []
    for n in range(reps):
        rom_deg = 20.0 + 15.0 * n / max(1, reps - 1) + rng.uniform(-1.0, 1.0)
        # 8 %: how much a person varies who keeps a tempo
        out_s, return_s = (1.2 * float(tempo) for tempo in rng.uniform(0.92, 1.08, 2))
        elements += (
            Repetition(direction, rom_deg * RAD_PER_DEG, out_s=out_s, return_s=return_s),
            Rest(0.6),
        )
    return Script((*elements, Rest(2.0)), calibration_elements(both_ways, direction))


def mishap_script(seed: int, direction: Direction = Direction.INTERNAL) -> Script:
    """Return a calibration and a set in which, between good repetitions, everything goes wrong once or twice.

    Fast ones, short ones, a bounce, one with the knee bending, one that stops half-way, one that does
    not come back whole, a neutral that creeps, trembling, and a pause of 20 s with a shift of pose.
    """
    rng = np.random.default_rng(seed)

    def good() -> tuple[Element, ...]:
        rom_rad = rng.uniform(28.0, 34.0) * RAD_PER_DEG
        out_s, return_s = (float(s) for s in rng.uniform(1.1, 1.4, 2))
        return Repetition(direction, rom_rad, out_s=out_s, return_s=return_s), Rest(0.6)

    full_rad = 30.0 * RAD_PER_DEG
    fast = Repetition(direction, full_rad, out_s=0.35, hold_s=0.0, return_s=0.4, kind="fast")
    elements: list[Element] = [
        *good(),
        *good(),
        fast,
        Rest(0.5),
        fast,
        Rest(0.6),
        *good(),
        Repetition(direction, 10.0 * RAD_PER_DEG, kind="short"),
        Rest(0.6),
        Repetition(direction, 12.0 * RAD_PER_DEG, kind="short"),
        Rest(0.6),
        Repetition(direction, full_rad, bounces=2, kind="bounce"),
        Rest(0.6),
        *good(),
        Repetition(direction, full_rad, knee_rad=20.0 * RAD_PER_DEG, kind="off-axis"),
        Rest(0.6),
        Repetition(direction, full_rad, pause_s=0.8, kind="paused"),
        Rest(0.6),
        Rest(17.0),
        Shift(3.0, angle_rad=3.0 * RAD_PER_DEG, heading_rad=4.0 * RAD_PER_DEG),
        Rest(1.0),
        *good(),
        Repetition(direction, full_rad, hold_s=1.0, tremor_rad=0.7 * RAD_PER_DEG),
        Rest(0.6),
        Repetition(direction, full_rad, return_error_rad=12.0 * RAD_PER_DEG, kind="no-return"),
        Rest(0.6),
        Shift(1.0, angle_rad=-10.0 * RAD_PER_DEG),
        Rest(1.0),
        *good(),
        Rest(2.0),
    ]
    return Script(tuple(elements), calibration_elements(direction=direction))


def two_way_test_script(
    seed: int = 0,
    internal_rad: float = 35.0 * RAD_PER_DEG,
    external_rad: float = 40.0 * RAD_PER_DEG,
    trials: int = 3,
    hold_s: float = 3.0,
) -> Script:
    """Return a calibration and held end ranges: first the internal trials, then the external ones.

    A trial differs from the next by about 1°, with a slight tremor in the hold.
    """
    rng = np.random.default_rng(seed)
    elements: list[Element] = []
    for direction, rom_rad in ((Direction.INTERNAL, internal_rad), (Direction.EXTERNAL, external_rad)):
        for _ in range(trials):
            trial = Repetition(
                direction,
                rom_rad + rng.uniform(-1.0, 1.0) * RAD_PER_DEG,
                out_s=1.8,
                hold_s=hold_s,
                return_s=1.8,
                tremor_rad=0.2 * RAD_PER_DEG,
                kind="trial",
            )
            elements += (trial, Rest(1.0))
    return Script((*elements, Rest(2.0)), calibration_elements(both_ways=True))


def _opposite(direction: Direction) -> Direction:
    return Direction.EXTERNAL if direction is Direction.INTERNAL else Direction.INTERNAL
