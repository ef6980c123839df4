"""The femur's own rotation with the heel planted: exact for a known leg, and told with its assumption."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import STREAM, guided, of
from hipturn import config, lines
from hipturn.coach import Coach
from hipturn.core import quaternion
from hipturn.core.floor import (
    ASSUMES,
    SEGMENT_RATIO,
    beta_from_knee,
    estimate,
    femoral_rotation,
    gamma_from_beta,
    geometry,
)
from hipturn.model import Calibrated, Calibration, Rep, Side, Vector
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Rest, Script, Shift, drill_script, simulate
from hipturn.sources.body.leg import SHANK_M, THIGH_M
from hipturn.units import DEG_PER_RAD, RAD_PER_DEG

knees = st.floats(60.0, 120.0).map(lambda deg: deg * RAD_PER_DEG)
turns = st.floats(-80.0, 80.0).map(lambda deg: deg * RAD_PER_DEG)
few = settings(max_examples=60)


def calibration_of(leg: Leg, shank_axis: Vector | None = None) -> Calibration:
    """Return the perfect calibration of a leg."""
    return Calibration(
        axis_sensor=leg.axis_sensor,
        up0_sensor=(0.0, 0.0, 1.0),
        q0_earth_from_sensor=(1.0, 0.0, 0.0, 0.0),
        gyr_bias_radps=(0.0, 0.0, 0.0),
        zero="pose",
        source="session",
        axis_share=1.0,
        axis_spread_rad=0.0,
        sign="normal",
        window_s=(0.0, 1.0),
        grade="good",
        shank_axis_sensor=shank_axis,
    )


def long_axis(leg: Leg) -> Vector:
    x, y, z = quaternion.rotate(
        quaternion.conjugate(np.array(leg.q_shank_from_sensor)), np.array((0.0, 1.0, 0.0))
    ).tolist()
    return x, y, z


def on_the_floor(seed: int, knee_rad: float) -> Leg:
    leg = Leg.random(seed, position="seated-floor").without_errors()
    return dataclasses.replace(leg, knee_rad=knee_rad)


@few
@given(st.integers(0, 2**32), knees, turns)
def test_the_femurs_rotation_is_that_of_the_simulated_femur(seed: int, knee_rad: float, turn: float) -> None:
    """A leg of two segments with hip and heel fixed, turned about the line between them: the twist of its
    femur about its own long axis is what the formula says, from the long axis, the knee or the case."""
    leg = on_the_floor(seed, knee_rad)
    motion = simulate(leg, Script((Shift(1.0, angle_rad=turn), Rest(0.1))))
    shank_from_femur = quaternion.multiply(
        np.array([0.5, 0.5, 0.5, -0.5]),
        quaternion.from_rotation_vector(np.array((0.0, 0.0, -knee_rad))),
    )
    q = quaternion.multiply(
        quaternion.multiply(
            motion.q_earth_from_sensor[[0, -1]], quaternion.conjugate(np.array(leg.q_shank_from_sensor))
        ),
        quaternion.conjugate(shank_from_femur),
    )
    turned = quaternion.multiply(quaternion.conjugate(q[0]), q[1])
    true_phi = leg.sign * 2.0 * math.atan2(float(turned[1]), float(turned[0]))
    true_phi = math.remainder(true_phi, 2.0 * math.pi)
    ratio = SHANK_M / THIGH_M
    for shank_axis, knee, known_from in (
        (long_axis(leg), None, "shank-axis"),
        (None, knee_rad, "knee"),
        (None, None, "mounting"),
    ):
        floor = geometry(
            "seated-floor",
            calibration_of(leg, shank_axis),
            leg.outward_normal_sensor,
            knee_rad=knee,
            ratio=ratio,
        )
        assert floor is not None and floor.known_from == known_from
        assert estimate(turn, floor)[0] == pytest.approx(true_phi, abs=1e-6)


@few
@given(knees, st.floats(0.8, 1.6))
def test_the_triangle_closes(knee_rad: float, ratio: float) -> None:
    """The flexion is the sum of the other two angles, by the law of sines, where the hip's is not obtuse."""
    beta = beta_from_knee(knee_rad, ratio)
    assert 0.0 < beta < knee_rad
    gamma = gamma_from_beta(beta, ratio)
    assert gamma == pytest.approx(min(knee_rad - beta, math.pi - (knee_rad - beta)), abs=1e-6)


@few
@given(turns, st.floats(0.0, math.pi / 2))
def test_an_estimate_is_smaller_and_turns_the_same_way(alpha: float, gamma: float) -> None:
    """A turn about an inclined line is never more rotation of the femur than the turn; odd in it; nothing for
    a line across the femur, all of it for one along it."""
    phi = femoral_rotation(alpha, gamma)
    assert abs(phi) <= abs(alpha) + 1e-12
    assert phi * alpha >= -1e-12
    assert femoral_rotation(-alpha, gamma) == pytest.approx(-phi)
    assert femoral_rotation(alpha, 0.0) == pytest.approx(alpha)
    assert femoral_rotation(alpha, math.pi / 2) == pytest.approx(0.0, abs=1e-12)


@few
@given(
    st.integers(0, 2**32),
    st.floats(75.0, 105.0),
    st.floats(-3.0, 3.0),
    st.floats(-0.05, 0.05),
    st.floats(10.0, 40.0),
)
def test_the_uncertainty_told_covers_what_is_not_known(
    seed: int, knee_deg: float, off_deg: float, ratio_off: float, alpha_deg: float
) -> None:
    """A long axis off by its 3° and a ratio off by its 5 % move the estimate by no more than both at once."""
    leg = on_the_floor(seed, knee_deg * RAD_PER_DEG)
    ratio = SHANK_M / THIGH_M
    beta = beta_from_knee(leg.knee_rad, ratio)
    true_phi = femoral_rotation(alpha_deg * RAD_PER_DEG, gamma_from_beta(beta, ratio))
    # the long axis told, turned about the knee's hinge
    off = off_deg * RAD_PER_DEG
    told = quaternion.rotate(
        quaternion.conjugate(np.array(leg.q_shank_from_sensor)),
        np.array((math.sin(off), math.cos(off), 0.0)),
    ).tolist()
    floor = geometry(
        "seated-floor",
        calibration_of(leg, (told[0], told[1], told[2])),
        None,
        knee_rad=None,
        ratio=ratio * (1 + ratio_off),
    )
    assert floor is not None
    phi, sd = estimate(alpha_deg * RAD_PER_DEG, floor)
    assert 0.0 < sd < 12.0 * RAD_PER_DEG
    assert abs(phi - true_phi) <= 2.0 * sd


def test_only_where_the_heel_is_planted_and_something_tells_the_geometry() -> None:
    leg = on_the_floor(1, 1.5)
    record = calibration_of(leg)
    normal = leg.outward_normal_sensor
    for position in ("prone", "seated", "side-lying", "standing", "elsewhere", None):
        assert geometry(position, record, normal, knee_rad=1.5, ratio=SEGMENT_RATIO) is None
    assert geometry("seated-floor", record, None, knee_rad=None, ratio=SEGMENT_RATIO) is None
    towards_the_hip: Vector = (-normal[0], -normal[1], -normal[2])
    assert geometry("seated-floor", record, towards_the_hip, knee_rad=None, ratio=SEGMENT_RATIO) is None


@pytest.mark.parametrize("side", Side)
def test_repetitions_of_the_drill_carry_it(side: Side) -> None:
    """The measured turn stays the range; beside it the estimate, its uncertainty, and in the calibration what
    is assumed. A repetition elsewhere has none of it, and the settings change it."""
    motion = simulate(Leg.random(7, side, "seated-floor"), drill_script(2, 7))

    def heard_as(position: str, **given: float) -> list[dict[str, object]]:
        chosen = {**config.defaults(), **{f"floor.{key}": value for key, value in given.items()}}
        heard = guided(
            simulated.inputs(motion),
            Coach(STREAM, side, 0, position),
            config.core_params(chosen),
            position=position,
        )
        told = [lines.line(each) for each in (*of(Calibrated, heard), *of(Rep, heard))]
        return [line for line in told if line is not None]

    head, *reps = heard_as("seated-floor")
    phi = head["phi"]
    assert isinstance(phi, dict)
    assert (phi["segment_ratio"], phi["from"], phi["assumes"]) == (1.1633, "mounting", ASSUMES)
    leg = motion.leg
    gamma_deg = math.acos(leg.axis_femur[0]) * DEG_PER_RAD
    assert phi["gamma_deg"] == pytest.approx(gamma_deg, abs=2.5)
    for rep, true in zip(reps, motion.reps, strict=True):
        assert rep["rom_deg"] == pytest.approx(true.rom_rad * DEG_PER_RAD, abs=0.6)
        expected = femoral_rotation(true.rom_rad, gamma_deg * RAD_PER_DEG) * DEG_PER_RAD
        assert rep["phi_deg"] == pytest.approx(expected, abs=1.5)
        assert isinstance(rep["phi_sd_deg"], float) and rep["phi_sd_deg"] > 0.5
    measured, *_ = heard_as("seated-floor", knee_deg=leg.knee_rad * DEG_PER_RAD)
    assert isinstance(measured["phi"], dict)
    assert (measured["phi"]["from"], measured["phi"]["gamma_deg"]) == (
        "knee",
        pytest.approx(gamma_deg, abs=0.1),
    )
    assert measured["phi"]["gamma_sd_deg"] < phi["gamma_sd_deg"]
    for line in heard_as("prone"):
        assert not {"phi", "phi_deg", "phi_sd_deg"} & line.keys()
