"""What pauses and taps tell: slips of the strap, drift of the heading, commands without hands."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    RATE_HZ,
    STREAM,
    assert_same_bits,
    guided,
    inputs_of,
    joined,
    of,
    one_by_one,
    rng_of,
    run,
    split,
    whole,
)
from hipturn.coach import Coach
from hipturn.core.angle import AngleMeter
from hipturn.core.gestures import SLOWEST_NS, Taps
from hipturn.core.pauses import Pauses
from hipturn.core.quaternion import dot, from_rotation_vector, multiply, rotate, up_in_sensor
from hipturn.core.trace import part
from hipturn.model import (
    Calibration,
    Drift,
    FloatArray,
    HipAngle,
    HostNs,
    Input,
    Mark,
    MarkKind,
    Samples,
    SetDone,
    Side,
    Slip,
    Tapped,
)
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Motion, Rest, Script, drill_script, simulate
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG, STANDARD_GRAVITY_MPS2

few = settings(max_examples=12, deadline=None)


def pausing(seed: int, rest_s: float = 12.0) -> Motion:
    """Return a calibrated set of three and a pause after it."""
    script = drill_script(3, seed)
    script = Script((*script.elements, Rest(rest_s)), script.calibration)
    return simulate(Leg.random(seed), script, RATE_HZ, seed)


def coached(motion: Motion) -> list[Input]:
    """Return the inputs of the session with its coach's marks."""
    return inputs_of(guided(simulated.inputs(motion), Coach(STREAM, motion.leg.side, 0)))


def slipped(motion: Motion, at_s: float, turn: FloatArray) -> Motion:
    """Return the motion with the sensor turned in its strap by a rotation vector from `at_s` on."""
    share = np.clip((motion.t_s - at_s) / 0.4, 0.0, 1.0)
    q_new_from_old = from_rotation_vector(-share[:, None] * turn)
    turning = np.gradient(share, motion.t_s)[:, None] * turn
    return dataclasses.replace(
        motion,
        acc_mps2=rotate(q_new_from_old, motion.acc_mps2),
        gyr_radps=rotate(q_new_from_old, motion.gyr_radps) + turning,
    )


@few
@given(seed=st.integers(0, 5), size_deg=st.floats(5.0, 9.0), direction=st.integers(0, 10**6))
def test_a_slip_in_a_pause_is_found_within_three_seconds(seed: int, size_deg: float, direction: int) -> None:
    """However the strap turns: what gravity can see of it is told, its size within a degree."""
    motion = pausing(seed)
    at_s = float(motion.t_s[-1]) - 9.0
    up = up_in_sensor(motion.q_earth_from_sensor[-1])
    across = np.cross(up, rng_of(direction).standard_normal(3))
    turn = across / np.linalg.norm(across) * size_deg * RAD_PER_DEG
    outputs = run(whole(coached(slipped(motion, at_s, turn))))
    (slip,) = of(Slip, outputs)
    assert at_s < slip.t_ns / NS_PER_S < at_s + 0.4 + 3.0
    assert slip.tilt_rad * DEG_PER_RAD == pytest.approx(size_deg, abs=1.0)
    seen = up_in_sensor(multiply(motion.q_earth_from_sensor[-1], from_rotation_vector(turn)))
    assert np.arccos(dot(np.array(slip.up_sensor), seen)) * DEG_PER_RAD < 1.0


@pytest.mark.parametrize("seed", range(6))
def test_a_strap_that_stays_is_not_told(seed: int) -> None:
    outputs = run(whole(coached(pausing(seed))))
    assert of(Slip, outputs) == [] and of(Drift, outputs) == []


@pytest.mark.parametrize("seed", range(3))
def test_pauses_do_not_depend_on_packets(seed: int) -> None:
    """Slips and sets come at the same stream time and place, one packet at a time or all at once."""
    motion = pausing(seed, 30.0)
    turn = np.array([6.0, 0.0, 3.0]) * RAD_PER_DEG
    items = list(coached(slipped(motion, float(motion.t_s[-1]) - 27.0, turn)))
    one = [each for each in run(items) if isinstance(each, Slip | SetDone | Drift)]
    other = [each for each in run(whole(items)) if isinstance(each, Slip | SetDone | Drift)]
    assert one == other and any(isinstance(each, SetDone) for each in one)


def wandering(seed: int, seconds: int = 60) -> HipAngle:
    """Return a leg that rests here and there, at home or not, more and less still, some of it not trusted."""
    rng = rng_of(seed)
    n = seconds * round(RATE_HZ)
    lengths = rng.integers(20, 900, n // 20)
    places = rng.choice([0.0, 0.02, 0.1, 0.3], len(lengths)) * rng.standard_normal(len(lengths))
    noise = rng.choice([0.0, 0.001, 0.004], len(lengths))
    angle = (np.repeat(places, lengths) + np.repeat(noise, lengths) * rng.standard_normal(lengths.sum()))[:n]
    drifting = angle + np.cumsum(rng.standard_normal(n)) * 0.005
    t_ns, lost = np.arange(n) * 10_000_000, np.zeros(n, np.int64)
    return HipAngle(STREAM, t_ns, angle, angle, angle[::-1].copy(), drifting, lost, rng.random(n) > 0.002)


@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 5999), max_size=8))
@settings(max_examples=40, deadline=None)
def test_what_pauses_show_is_the_same_in_any_grouping(seed: int, cuts: list[int]) -> None:
    """Whatever the leg does: in one block, in some, and one sample at a time."""
    calibration = Calibration(
        (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "pose", "auto", 1.0, 0.05,
        "assumed", (0.0, 0.0), "good",
    )  # fmt: skip
    meter, block = AngleMeter(calibration, Side.RIGHT), wandering(seed)

    def told(edges: list[int]) -> list[Slip | Drift]:
        pauses = Pauses(calibration, meter, Side.RIGHT, RATE_HZ)
        return [
            each
            for begin, end in itertools.pairwise([0, *edges, len(block.t_ns)])
            if begin < end
            for each in pauses.push(part(block, slice(begin, end)))
        ]

    assert told([]) == told(sorted(cuts)) == told(list(range(1, len(block.t_ns))))


def tapped(
    at_s: list[float], seconds: float = 6.0, jolt_mps2: float = 15.0, shake_mps2: float = 0.0
) -> Samples:
    """Return a resting sensor, tapped."""
    n = round(seconds * RATE_HZ)
    acc = np.zeros((n, 3))
    acc[:, 2] = STANDARD_GRAVITY_MPS2 + shake_mps2 * np.sin(np.arange(n) * 0.5)
    for t in at_s:
        k = round(t * RATE_HZ)
        acc[k : k + 3, 2] += np.array([1.0, -0.7, 0.2])[: n - k] * jolt_mps2
    t_ns = np.arange(n) * 10_000_000
    return Samples(t_ns, np.zeros(n, np.int64), acc, np.zeros((n, 3)), None)


def heard(samples: Samples) -> list[Tapped]:
    return Taps(STREAM).push(samples)


def test_three_taps_after_rest_are_a_command() -> None:
    (command,) = heard(tapped([2.0, 2.3, 2.7]))
    assert command.count == 3 and command.t_ns == round(2.7 * NS_PER_S)


@pytest.mark.parametrize(
    "samples",
    [
        tapped([]),
        tapped([2.0]),
        tapped([2.0, 2.3]),
        tapped([2.0, 2.3, 2.3 + 1.1 * SLOWEST_NS / NS_PER_S]),
        tapped([0.3, 0.6, 0.9]),
        tapped([2.0, 2.04, 2.08]),
        tapped([2.0, 2.3, 2.7], jolt_mps2=4.0),
        tapped([2.0, 2.3, 2.7], shake_mps2=8.0),
    ],
    ids=["none", "one", "two", "too slow", "no rest before", "one knock", "too soft", "shaken"],
)
def test_anything_else_is_none(samples: Samples) -> None:
    assert heard(samples) == []


@few
@given(st.lists(st.floats(1.2, 5.5), max_size=8), st.data())
def test_taps_do_not_depend_on_packets(at_s: list[float], data: st.DataObject) -> None:
    samples = tapped(at_s)
    places = data.draw(st.lists(st.integers(1, 599), max_size=5, unique=True).map(sorted))
    for parts in (split(samples, places), one_by_one(samples)):
        taps = Taps(STREAM)
        assert [each for part in parts for each in taps.push(part)] == heard(samples)
    assert_same_bits(joined(split(samples, places)), joined([samples]))


def test_taps_are_heard_only_while_listened_for() -> None:
    """Through the whole pipeline: a mark switches listening on and off."""
    motion = pausing(1)
    acc = motion.acc_mps2.copy()
    end = len(acc)
    for k in (end - 700, end - 660, end - 620):
        acc[k : k + 2] *= 3.0
    items = list(coached(dataclasses.replace(motion, acc_mps2=acc)))
    on, off = (Mark(STREAM, HostNs(0), MarkKind.LISTEN, {"on": on}) for on in (True, False))
    place = len(items) - 1000
    assert of(Tapped, run(items)) == []
    assert len(of(Tapped, run([*items[:place], on, *items[place:]]))) == 1
    assert of(Tapped, run([*items[:place], on, off, *items[place:]])) == []
