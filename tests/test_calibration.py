"""A strap put on anyhow becomes anatomical axes, or a refusal that says what to do."""

import dataclasses
import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import HOLD_S, RATE_HZ, TILTED, drill, fused, rng_of, unit_vectors
from hipturn.core import calibration as calibrations
from hipturn.core.angle import gravity_angle
from hipturn.core.calibration import auto, from_dict, functional, to_dict, window
from hipturn.core.positions import POSITIONS
from hipturn.core.quaternion import up_in_sensor
from hipturn.errors import CalibrationRefused, InputError
from hipturn.model import Calibration, Direction, Orientation, Side, Vector
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
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

IR, ER = Direction.INTERNAL, Direction.EXTERNAL
SEEDS = range(8)
PLACED: list[tuple[Position, bool]] = [
    ("prone", False),
    ("seated", False),
    ("seated-floor", False),
    ("seated-floor", True),
    ("side-lying", False),
]
"""Every position in which gravity shows the rotation, on the floor with the heel free and planted."""


def performed(leg: Leg, *elements: Element, seed: int = 0) -> Motion:
    """Return a leg that keeps still for 6 s and then does this."""
    return simulate(leg, Script((Rest(6.0), *elements)), RATE_HZ, seed)


def turns(*roms_deg: float, knee_deg: tuple[float, ...] = (0.0,)) -> list[Element]:
    """Return slow rotations, negative ones external, the knee bending with each as told in turn."""
    rotations = [
        Repetition(
            IR if rom > 0.0 else ER,
            abs(rom) * RAD_PER_DEG,
            out_s=1.4,
            return_s=1.4,
            knee_rad=knee_deg[n % len(knee_deg)] * RAD_PER_DEG,
        )
        for n, rom in enumerate(roms_deg)
    ]
    return [*rotations, Rest(1.0)]


def calibrate(motion: Motion, *, normal: bool = True) -> Calibration:
    """Return the calibration from the hold and everything after it."""
    return functional(
        *parts(fused(motion)),
        outward_normal_sensor=motion.leg.outward_normal_sensor if normal else None,
        side=motion.leg.side,
    )


def parts(block: Orientation) -> tuple[Orientation, Orientation]:
    end_ns, hold_ns = int(block.t_ns[-1]) + 1, round(HOLD_S * NS_PER_S)
    return window(block, 0, hold_ns), window(block, hold_ns, end_ns)


def axis_error_deg(found: Calibration, leg: Leg) -> float:
    """Return the angle between the axis found and the true one: near 180 for a wrong sign."""
    cosine = float(np.dot(found.axis_sensor, leg.axis_sensor))
    return math.acos(max(-1.0, min(1.0, cosine))) * DEG_PER_RAD


def zero_error_deg(found: Calibration, motion: Motion) -> float:
    """Return how far the zero turned away from where the leg truly rested, about the axis."""
    up = up_in_sensor(motion.q_earth_from_sensor[:1])
    return (
        abs(float(gravity_angle(up, np.array(found.up0_sensor), np.array(motion.leg.axis_sensor))[0]))
        * DEG_PER_RAD
    )


# --- axis and sign ------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("position", "heel_planted"), PLACED)
def test_axis_and_its_sign_are_found(
    position: Position, heel_planted: bool, side: Side, direction: Direction
) -> None:
    """In every observable position, for both legs, whichever way is turned, in any mounting, with gyro and
    accelerometer biases, soft tissue and noise: median error within 2°, and the direction by the case."""
    errors = []
    for seed in SEEDS:
        leg = dataclasses.replace(Leg.random(seed, side, position), heel_planted=heel_planted)
        found = calibrate(simulate(leg, Script((), calibration_elements(direction=direction)), seed=seed))
        assert found.sign == "normal", seed
        assert found.grade == "good", seed
        errors.append(axis_error_deg(found, leg))
    assert np.median(errors) <= 2.0
    assert max(errors) <= 4.0


@pytest.mark.parametrize("side", Side)
def test_without_a_normal_the_larger_rotations_are_taken_for_internal(side: Side) -> None:
    """And it says that it assumed so: turned externally only, the axis comes out the wrong way round."""
    leg = Leg.random(3, side)
    for direction, right in ((IR, True), (ER, False)):
        found = calibrate(simulate(leg, Script((), calibration_elements(direction=direction))), normal=False)
        assert found.sign == "assumed"
        assert (axis_error_deg(found, leg) < 4.0) == right
        assert (axis_error_deg(found, leg) > 176.0) == (not right)


@pytest.mark.parametrize("side", Side)
def test_a_normal_nearly_along_no_direction_of_the_axis_is_not_used(side: Side) -> None:
    """A case whose outward axis lies across the femur (knee all but straight) cannot tell its direction."""
    leg = dataclasses.replace(Leg.random(3, side), knee_rad=25.0 * RAD_PER_DEG)
    assert abs(float(np.dot(leg.axis_sensor, leg.outward_normal_sensor))) < 0.5
    found = calibrate(performed(leg, *turns(20.0, 20.0, 20.0)))
    assert found.sign == "assumed" and axis_error_deg(found, leg) < 4.0


# --- the direction from a movement that was asked for ---------------------------------------------


def asked_for(leg: Leg, *elements: Element, asked: Direction = IR) -> Calibration:
    """Return the calibration of a leg that turns both ways and is then asked for one movement."""
    motion = performed(leg, *turns(20.0, -20.0, 20.0, -20.0), Rest(1.0), *elements)
    block = fused(motion)
    began_ns = round(performed(leg, *turns(20.0, -20.0, 20.0, -20.0)).t_s[-1] * NS_PER_S)
    end_ns = int(block.t_ns[-1]) + 1
    hold, moved = window(block, 0, round(HOLD_S * NS_PER_S)), window(block, began_ns, end_ns)
    rotations = window(block, round(HOLD_S * NS_PER_S), began_ns)
    found = functional(hold, rotations, outward_normal_sensor=None, side=leg.side)
    assert found.sign == "assumed"
    return calibrations.directed(found, moved, asked=asked, side=leg.side)


@pytest.mark.parametrize("asked", Direction)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("position", POSITIONS)
def test_one_asked_movement_gives_the_direction(position: Position, side: Side, asked: Direction) -> None:
    """In every position, a vertical axis too, where nothing is known of the case."""
    for seed in range(4):
        leg = Leg.random(seed, side, position)
        rom_deg = 15.0 if asked is IR else -15.0
        found = asked_for(leg, *turns(rom_deg), asked=asked)
        assert found.sign == "movement" and axis_error_deg(found, leg) < 4.0, seed


def test_an_asked_movement_that_shows_no_direction_is_refused() -> None:
    """Too small, or as far one way as the other: with the reason and what to do."""
    with pytest.raises(
        CalibrationRefused, match=r"^the movement reached only 5°: go further, .* and repeat$"
    ):
        asked_for(Leg(), *turns(5.0))
    with pytest.raises(CalibrationRefused, match=r"^the movement went both ways: go one way only"):
        asked_for(Leg(), *turns(15.0, -15.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_bias_and_zero_are_those_of_the_hold(seed: int) -> None:
    """The gyro's bias to 0.03 °/s, the zero to 0.5° of the pose held; the record tells its window."""
    leg = Leg.random(seed)
    motion = simulate(leg, Script((), calibration_elements()), seed=seed)
    found = calibrate(motion)
    np.testing.assert_allclose(found.gyr_bias_radps, leg.gyr_bias_radps, atol=0.03 * RAD_PER_DEG)
    assert zero_error_deg(found, motion) < 0.5
    assert (found.zero, found.source, found.version) == ("pose", "session", 1)
    assert found.window_s == pytest.approx((0.0, motion.t_s[-1]))
    assert math.hypot(*found.axis_sensor) == pytest.approx(1.0)


def test_perfect_samples_give_the_perfect_axis() -> None:
    """With no error in the sensor and none in the leg only the filter's lag is left."""
    for seed in SEEDS:
        leg = Leg.random(seed).without_errors()
        found = calibrate(simulate(leg, Script((), calibration_elements(both_ways=True))))
        assert axis_error_deg(found, leg) < 0.1
        assert found.axis_share > 0.9999 and found.axis_spread_rad < 0.1 * RAD_PER_DEG


# --- refusals -----------------------------------------------------------------------------------


def test_moving_during_the_hold_is_refused() -> None:
    restless = Shift(2.0, angle_rad=15.0 * RAD_PER_DEG), Shift(2.0, angle_rad=-15.0 * RAD_PER_DEG), Rest(2.0)
    motion = simulate(Leg(), Script((*restless, *turns(20.0, 20.0, 20.0))))
    with pytest.raises(CalibrationRefused, match=r"^the leg moved during the hold: keep still and repeat$"):
        calibrate(motion)


@pytest.mark.parametrize(("rom_deg", "enough"), [(6.0, False), (10.0, True)])
def test_rotations_too_small_are_refused(rom_deg: float, enough: bool) -> None:
    motion = performed(Leg(), *turns(rom_deg, rom_deg, rom_deg))
    if enough:
        assert calibrate(motion).grade != "poor"
        return
    with pytest.raises(CalibrationRefused, match=r"reached only 6°: turn further, 20° is good, and repeat$"):
        calibrate(motion)


def test_wobbly_rotations_are_refused_and_slightly_wobbly_ones_are_fair() -> None:
    """The knee bending to and fro with each turn: the single rotations' axes differ, and it says how much."""
    grades = []
    for knee_deg in (0.0, 2.5):
        wobbly = turns(20.0, 20.0, 20.0, 20.0, knee_deg=(knee_deg, -knee_deg))
        grades.append(calibrate(performed(Leg(), *wobbly)).grade)
    assert grades == ["good", "fair"]
    wobbly = turns(20.0, 20.0, 20.0, 20.0, knee_deg=(8.0, -8.0))
    refusal = (
        r"^the rotations differ by (\d+)° and \d+% of the movement was about one axis: keep the knee still"
    )
    with pytest.raises(CalibrationRefused, match=refusal) as refused:
        calibrate(performed(Leg(), *wobbly))
    told = re.match(refusal, str(refused.value))
    assert told is not None
    # the knee turns 8° where the hip turns 20°
    assert float(told[1]) == pytest.approx(math.atan2(8.0, 20.0) * DEG_PER_RAD, abs=3.0)


def test_too_few_samples_are_refused() -> None:
    block = fused(drill(1))
    nothing = window(block, 0, 0)
    for hold, rotations in ((nothing, block), (block, nothing)):
        with pytest.raises(CalibrationRefused, match="too few samples came during the calibration"):
            functional(hold, rotations, outward_normal_sensor=None, side=None)


def test_a_grade_needs_both_share_and_spread() -> None:
    """One axis in most of the movement, and the same one in each rotation."""
    grade_of = calibrations.grade
    assert grade_of(0.96, 4.0 * RAD_PER_DEG) == "good"
    assert grade_of(0.96, 6.0 * RAD_PER_DEG) == grade_of(0.9, 4.0 * RAD_PER_DEG) == "fair"
    assert grade_of(0.8, 0.0) == grade_of(1.0, 11.0 * RAD_PER_DEG) == "poor"


# --- from a whole recording ---------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("position", TILTED)
def test_auto_on_a_drill_finds_axis_and_zero(position: Position, side: Side) -> None:
    """Nobody said when anything happened: axis within 4° and by the case's direction, zero within 1.5°."""
    for seed in SEEDS:
        motion = drill(seed, side, position)
        found = auto(fused(motion), outward_normal_sensor=motion.leg.outward_normal_sensor, side=side)
        assert axis_error_deg(found, motion.leg) < 4.0, seed
        assert zero_error_deg(found, motion) < 1.5, seed
        assert (found.source, found.zero, found.sign) == ("auto", "pose", "normal")
        np.testing.assert_allclose(found.gyr_bias_radps, motion.leg.gyr_bias_radps, atol=0.1 * RAD_PER_DEG)


@pytest.mark.parametrize("side", Side)
def test_auto_without_a_normal_takes_where_the_leg_went_for_internal(side: Side) -> None:
    motion = drill(4, side)
    found = auto(fused(motion), outward_normal_sensor=None, side=side)
    assert found.sign == "assumed" and axis_error_deg(found, motion.leg) < 4.0


def test_auto_from_orientation_alone() -> None:
    """A device that sends no rate: the same axis, and no bias is invented."""
    motion = drill(2)
    block = dataclasses.replace(fused(motion), gyr_radps=None)
    found = auto(block, outward_normal_sensor=motion.leg.outward_normal_sensor, side=motion.leg.side)
    assert axis_error_deg(found, motion.leg) < 4.0 and zero_error_deg(found, motion) < 1.5
    assert found.gyr_bias_radps == (0.0, 0.0, 0.0)


def test_auto_without_rest_starts_from_a_turning_point() -> None:
    """Out and home without a stop: the axis is found all the same, and the zero is an end of the range."""
    leg = Leg.random(6)
    swings = tuple(Repetition(IR, 30.0 * RAD_PER_DEG, hold_s=0.0, out_s=0.8, return_s=0.8) for _ in range(12))
    motion = simulate(leg, Script(swings), seed=6)
    found = auto(fused(motion), outward_normal_sensor=leg.outward_normal_sensor, side=leg.side)
    assert axis_error_deg(found, leg) < 4.0
    ends = np.abs(zero_error_deg(found, motion) - np.array([0.0, 30.0]))
    assert ends.min() < 3.0


@pytest.mark.parametrize("seed", SEEDS)
def test_auto_without_rotation_is_refused(seed: int) -> None:
    """Rest only, with all the noise of a sensor and the sway of a leg."""
    motion = simulate(Leg.random(seed), Script((Rest(20.0),)), seed=seed)
    with pytest.raises(InputError, match=r"^the recording shows no rotation to calibrate from$"):
        auto(fused(motion), outward_normal_sensor=None, side=None)


def test_auto_on_a_glimpse_is_refused() -> None:
    block = fused(drill(1))
    for end_ns in (0, 10_000_000, 2 * NS_PER_S):
        with pytest.raises(InputError, match="shorter than 2 s"):
            auto(window(block, 0, end_ns), outward_normal_sensor=None, side=None)


# --- small laws ---------------------------------------------------------------------------------


@given(st.lists(st.booleans(), max_size=30))
def test_longest_run(mask: list[bool]) -> None:
    """Found as one would by looking: the first of the longest runs of true."""
    runs = [
        (start, stop)
        for start in range(len(mask))
        for stop in range(start + 1, len(mask) + 1)
        if all(mask[start:stop])
    ]
    best = max(runs, key=lambda run: (run[1] - run[0], -run[0]), default=(0, 0))
    assert calibrations.longest_run(np.array(mask, np.bool_)) == best


@settings(max_examples=40, deadline=None)
@given(unit_vectors, st.integers(0, 2**32))
def test_principal_axis_is_the_line_rotations_share(axis: Any, seed: int) -> None:
    """Found whichever way each turned; the share is that of the squares."""
    rng = rng_of(seed)
    along, across = rng.uniform(-1.0, 1.0, 200)[:, None] * axis, 0.01 * rng.standard_normal((200, 3))
    found, share = calibrations.principal_axis(along + across)
    assert abs(float(found @ axis)) > 0.999
    assert 0.99 < share <= 1.0 + 1e-12


# --- the record ---------------------------------------------------------------------------------

numbers = st.floats(-10.0, 10.0)
vectors = st.tuples(numbers, numbers, numbers)
unit: st.SearchStrategy[Vector] = unit_vectors.map(lambda v: (float(v[0]), float(v[1]), float(v[2])))
records = st.builds(
    Calibration,
    axis_sensor=unit,
    up0_sensor=unit,
    q0_earth_from_sensor=unit.map(lambda v: (0.6, *(0.8 * x for x in v))),
    gyr_bias_radps=vectors,
    zero=st.sampled_from(["gravity", "pose"]),
    source=st.sampled_from(["session", "file", "auto"]),
    axis_share=st.floats(0.0, 1.0),
    axis_spread_rad=st.floats(0.0, 3.0),
    sign=st.sampled_from(["normal", "movement", "assumed"]),
    window_s=st.tuples(numbers, numbers),
    grade=st.sampled_from(["good", "fair", "poor"]),
    version=st.just(1),
    shank_axis_sensor=st.none() | unit,
    pose_rad=st.floats(-3.0, 3.0),
)


@given(records)
def test_json_round_trip(record: Calibration) -> None:
    """Through text and back, equal to the last bit."""
    assert from_dict(to_dict(record)) == record
    assert from_dict(json.loads(json.dumps(to_dict(record)))) == record


FOUND = to_dict(calibrate(drill(1)))
WRONG: dict[str, list[Any]] = {
    "axis_sensor": [None, "x", [1.0, 0.0], [1.0, 0.0, math.nan], [2.0, 0.0, 0.0], ["1", 0, 0]],
    "up0_sensor": [1.0, [0.0, 0.0, 0.0], [0.0, 0.0, math.inf], [True, 0.0, 0.0]],
    "q0_earth_from_sensor": [[1.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0], {}],
    "gyr_bias_radps": [[0.0, 0.0], [0.0, 0.0, None]],
    "window_s": [3.0, [0.0], [0.0, math.nan]],
    "axis_share": [None, "0.9", math.nan, True, [0.9]],
    "axis_spread_rad": [None, math.inf],
    "zero": [None, "level", 0, ["pose"]],
    "source": ["", "guess", 1],
    "sign": ["+", 1, None],
    "grade": ["best", "", 3],
    "shank_axis_sensor": ["x", [1.0, 0.0], [2.0, 0.0, 0.0]],
    "pose_rad": [None, "0", math.nan],
}


@pytest.mark.parametrize("name", [name for name in FOUND if name != "version"])
def test_a_missing_or_wrong_field_is_named(name: str) -> None:
    """Each of them, for every kind of wrong value, in a sentence that names it; what early records had not
    yet may be missing."""
    without = {key: value for key, value in FOUND.items() if key != name}
    if name in calibrations.OPTIONAL:
        assert from_dict(without) == from_dict(FOUND)
    else:
        with pytest.raises(InputError, match=rf"^the calibration lacks {name}$"):
            from_dict(without)
    for value in WRONG[name]:
        with pytest.raises(InputError, match=rf"^the calibration's {name} must "):
            from_dict({**FOUND, name: value})


def test_all_missing_fields_are_named_together() -> None:
    with pytest.raises(InputError, match=r"^the calibration lacks axis_sensor, axis_share, .*, zero$"):
        from_dict({"version": 1})


@pytest.mark.parametrize("version", [None, 0, 2, "1"])
def test_another_version_is_refused_first(version: object) -> None:
    with pytest.raises(InputError, match=r"^calibration version .* is not 1"):
        from_dict({"version": version})
