"""Orientation: every filter starts right, bridges losses, tells what it cannot know, and ignores cuts."""

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import assert_same_bits, cuts, one_by_one, rng_of, split, unit_quaternions
from hipturn.core.angle import gravity_angle
from hipturn.core.fusion import FILTERS, FilterName, Fusion, FusionParams
from hipturn.core.quaternion import from_rotation_vector, multiply, up_in_sensor
from hipturn.errors import UsageError
from hipturn.model import FloatArray, IntArray, Samples, StreamInfo
from hipturn.sources.body import Leg, Motion, Rest, Script, drill_script, simulate
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG, STANDARD_GRAVITY_MPS2

INFO = StreamInfo("test", 100.0, has_quaternion=True)
LONG = 31
"""Samples of a gap that is too long to bridge at 100 Hz."""
FROM_IMU: tuple[FilterName, ...] = tuple(name for name in FILTERS if name != "device")

every_filter = pytest.mark.parametrize("name", FILTERS)
every_imu_filter = pytest.mark.parametrize("name", FROM_IMU)


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None)


def make(name: FilterName = "vqf") -> Fusion:
    return Fusion(INFO, FusionParams(filter=name))


def samples(motion: Motion, numbers: IntArray) -> Samples:
    """Return the motion's samples of these numbers; the others are lost."""
    return Samples(
        t_ns=np.rint(numbers * (NS_PER_S / motion.rate_hz)).astype(np.int64),
        lost_before=np.diff(numbers, prepend=-1) - 1,
        acc_mps2=motion.acc_mps2[numbers],
        gyr_radps=motion.gyr_radps[numbers],
        q_earth_from_sensor=motion.q_earth_from_sensor[numbers],
    )


def still(q_earth_from_sensor: FloatArray, rows: int) -> Samples:
    """Return samples of a perfect sensor that lies still."""
    q = np.repeat(q_earth_from_sensor[None], rows, axis=0)
    acc = STANDARD_GRAVITY_MPS2 * up_in_sensor(q)
    return Samples(np.arange(rows) * 10_000_000, np.zeros(rows, np.int64), acc, np.zeros((rows, 3)), q)


def inclination_error_deg(q: FloatArray, true_q: FloatArray) -> FloatArray:
    up, true_up = up_in_sensor(q), up_in_sensor(true_q)
    apart = up - true_up
    return np.asarray(2.0 * np.arcsin(0.5 * np.sqrt((apart * apart).sum(axis=-1))) * DEG_PER_RAD)


def pushed(fusion: Fusion, blocks: list[Samples]) -> dict[str, FloatArray]:
    outputs = [fusion.push(block) for block in blocks]
    return {
        "q": np.concatenate([q for q, _ in outputs]),
        "trusted": np.concatenate([trusted for _, trusted in outputs]),
    }


# --- chunk invariance ---------------------------------------------------------------------------


@st.composite
def what_came(draw: st.DrawFn, length: int) -> IntArray:
    """The numbers of samples received: losses to bridge and gaps too long for it, the first one's too."""
    lost = np.zeros(length, np.bool_)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, length - 2))
        lost[at : at + draw(st.sampled_from([1, 2, 7, LONG - 1, LONG, 60]))] = True
    return np.flatnonzero(~lost)


@functools.cache
def moving() -> Motion:
    """A leg that turns out and home."""
    return simulate(Leg.random(3), Script(drill_script(1, 3).elements), 100.0, 3)


@every_filter
@few(12)
@given(st.data())
def test_chunk_invariance(name: FilterName, data: st.DataObject) -> None:
    """Losses and long gaps anywhere: the last bit of every filter is the same however the stream is cut."""
    length = 400 if name in ("vqf", "device") else 120
    block = samples(moving(), data.draw(what_came(length)) + 100)
    block = dataclasses.replace(block, lost_before=np.diff(block.t_ns // 10_000_000, prepend=99) - 1)
    whole = pushed(make(name), [block])
    assert np.isfinite(whole["q"]).all()
    for blocks in (one_by_one(block), split(block, data.draw(cuts(len(block.t_ns))))):
        assert_same_bits(pushed(make(name), blocks), whole)


# --- the start ----------------------------------------------------------------------------------


@every_filter
@few(40)
@given(q=unit_quaternions)
def test_right_from_the_first_sample_when_still(name: FilterName, q: FloatArray) -> None:
    """However the sensor lies, its inclination is known at once and stays so."""
    block = still(q, 30)
    found, trusted = make(name).push(block)
    assert inclination_error_deg(found, q).max() < 0.1
    assert trusted.all()


@every_filter
@pytest.mark.parametrize(
    "turn", [(0.0, 0.0, 0.0), (math.pi, 0.0, 0.0), (0.0, math.pi, 0.0), (0.0, 0.5 * math.pi, 0.0)]
)
def test_no_orientation_is_singular(name: FilterName, turn: tuple[float, float, float]) -> None:
    """Level, turned over either way, on its edge: the places where formulas for tilt break."""
    q = from_rotation_vector(np.array(turn))
    found, _ = make(name).push(still(q, 30))
    assert inclination_error_deg(found, q).max() < 0.1


@every_imu_filter
def test_right_from_the_first_sample_of_a_real_sensor(name: FilterName) -> None:
    """With the noise and biases of a consumer sensor on a resting leg, in any mounting: within 2°."""
    for seed in range(10):
        motion = simulate(Leg.random(seed), Script((Rest(0.5),)), seed=seed)
        found, _ = make(name).push(samples(motion, np.arange(40)))
        assert inclination_error_deg(found, motion.q_earth_from_sensor[:40]).max() < 2.0, seed


@every_imu_filter
def test_zeros_at_first_do_not_spoil_the_start(name: FilterName) -> None:
    """Some sensors send zeros before their first measurement; after it the tilt is known at once."""
    q = from_rotation_vector(np.array([1.0, -2.0, 0.5]))
    block = still(q, 30)
    assert block.acc_mps2 is not None
    block.acc_mps2[:5] = 0.0
    found, _ = make(name).push(block)
    assert np.isfinite(found).all()
    assert inclination_error_deg(found[5:], q).max() < 0.1


@every_imu_filter
def test_an_accelerometer_that_reads_nothing_for_a_while_spoils_nothing(name: FilterName) -> None:
    """Free fall, or a sensor's hiccup: no number is lost, and soon after it the tilt is as it was."""
    q = from_rotation_vector(np.array([0.4, -1.0, 0.5]))
    block = still(q, 600)
    assert block.acc_mps2 is not None
    block.acc_mps2[200:210] = 0.0
    found, _ = make(name).push(block)
    assert np.isfinite(found).all()
    assert inclination_error_deg(found, q).max() < 2.0
    assert inclination_error_deg(found[-1:], q) < 0.1


@every_imu_filter
@pytest.mark.parametrize("rate_radps", [0.0, 1e-3])
def test_a_rate_of_exactly_zero_does_not_freeze_the_correction(name: FilterName, rate_radps: float) -> None:
    """Gravity pulls a wrong inclination right whether the gyroscope reads a little or nothing at all."""
    start, now = np.array([1.0, 0.0, 0.0, 0.0]), from_rotation_vector(np.array([5.0 * RAD_PER_DEG, 0.0, 0.0]))
    begin, rest = still(start, 1), still(now, 1500)
    assert rest.gyr_radps is not None
    rest.gyr_radps[:] = rate_radps
    fusion = make(name)
    fusion.push(begin)
    found, _ = fusion.push(rest)
    assert inclination_error_deg(found[:1], now) > 0.2, "it was wrong before"
    # the slowest, Mahony, lags behind a rate that is not there by this much
    assert inclination_error_deg(found[-1:], now) < 0.1 + 300.0 * rate_radps


# --- losses -------------------------------------------------------------------------------------


def angle_error_deg(motion: Motion, numbers: IntArray, *, told: bool = True) -> float:
    """Return the RMS error of the gravity angle from the samples received, with the gyro's bias known."""
    block = samples(motion, numbers)
    if not told:
        block = dataclasses.replace(block, lost_before=np.zeros_like(numbers))
    fusion = make()
    fusion.set_bias(np.array(motion.leg.gyr_bias_radps))
    q, _ = fusion.push(block)
    up0 = up_in_sensor(motion.q_earth_from_sensor[0])
    angle = motion.leg.sign * gravity_angle(up_in_sensor(q), up0, np.array(motion.leg.axis_sensor))
    return float(np.sqrt(np.mean((angle - motion.angle_rad[numbers]) ** 2))) * DEG_PER_RAD


@pytest.mark.parametrize("seed", range(6))
def test_bridging_makes_random_losses_harmless(seed: int) -> None:
    """With 5 % lost the angle keeps within 0.15° RMS of the truth, next to what no loss gives; not bridged
    it would be several times as far off."""
    # on the bone, with the usual accelerometer: soft tissue and its bias are errors of their own
    leg = dataclasses.replace(Leg.random(seed), wobble_rad=0.0, acc_bias_mps2=Leg().acc_bias_mps2)
    motion = simulate(leg, drill_script(5, seed), seed=seed)
    every = np.arange(len(motion.t_s))
    received = every[(rng_of(seed).random(len(every)) >= 0.05) | (every == 0)]
    assert len(received) < 0.97 * len(every)
    error = angle_error_deg(motion, received)
    assert error < 0.15
    assert error < angle_error_deg(motion, every) + 0.02
    assert angle_error_deg(motion, received, told=False) > 3.0 * error


@every_imu_filter
def test_a_long_gap_is_not_trusted_until_settled(name: FilterName) -> None:
    """30 lost samples are bridged; 31 start the filter anew from the tilt it sees, and 3 s are in doubt."""
    q, other = from_rotation_vector(np.array([[0.3, 0.2, 0.1], [-1.0, 0.5, 0.8]]))
    for lost, doubtful in ((LONG - 1, 0), (LONG, 300)):
        fusion = make(name)
        assert fusion.push(still(q, 50))[1].all()
        after = still(other, 400)
        after.t_ns[:] += (50 + lost) * 10_000_000
        after.lost_before[0] = lost
        found, trusted = fusion.push(after)
        assert trusted.tolist() == [False] * doubtful + [True] * (400 - doubtful)
        assert (inclination_error_deg(found[:1], other) < 0.1) == bool(doubtful)


def test_a_second_long_gap_prolongs_the_doubt() -> None:
    fusion = make()
    block = still(np.array([1.0, 0.0, 0.0, 0.0]), 600)
    for at in (100, 250):
        block.lost_before[at] = 200
        block.t_ns[at:] += 200 * 10_000_000
    assert np.flatnonzero(~fusion.push(block)[1]).tolist() == list(range(100, 550))


@every_imu_filter
def test_a_new_filter_invents_nothing_before_its_first_sample(name: FilterName) -> None:
    """After a short loss of the link samples are known to be missing, but there is nothing to bridge from."""
    block = samples(moving(), np.arange(150, 200))
    told = dataclasses.replace(block, lost_before=np.where(np.arange(50) == 0, 20, 0))
    untold = dataclasses.replace(block, lost_before=np.zeros(50, np.int64))
    assert_same_bits(pushed(make(name), [told]), pushed(make(name), [untold]))


# --- bias ---------------------------------------------------------------------------------------


@every_imu_filter
@pytest.mark.parametrize("bias_dps", [1.0, 6.0])
def test_bias_given_is_the_bias_used_and_survives_a_long_gap(name: FilterName, bias_dps: float) -> None:
    """Told once, usual or more than VQF would believe: before and after a restart the heading stays."""
    bias = bias_dps * np.array([0.5, -0.6, 0.6]) * RAD_PER_DEG
    q = from_rotation_vector(np.array([0.4, -0.3, 0.2]))
    block = still(q, 1000)
    assert block.gyr_radps is not None
    block.gyr_radps[:] = bias
    block.lost_before[500] = LONG
    block.t_ns[500:] += LONG * 10_000_000
    fusion = make(name)
    fusion.set_bias(bias)
    found, _ = fusion.push(block)
    np.testing.assert_allclose(fusion.bias(), bias, atol=1e-5)
    for part in (found[:500], found[500:]):
        across = np.abs(multiply(part[:1] * (1.0, -1.0, -1.0, -1.0), part)[:, 1:]).max()
        assert 2.0 * across * DEG_PER_RAD < 0.1
    drifting, _ = make(name).push(split(block, [500])[0])
    across = np.abs(multiply(drifting[:1] * (1.0, -1.0, -1.0, -1.0), drifting)[:, 1:]).max()
    assert 2.0 * across * DEG_PER_RAD > 0.5, "untold it drifts"


@every_imu_filter
@pytest.mark.parametrize("seed", range(3))
def test_a_bias_told_at_rest_rights_the_tilt_at_once_and_keeps_the_heading(
    name: FilterName, seed: int
) -> None:
    """A zero taken right after the hold is good: no waiting until what the unknown bias has tilted fades."""
    leg = dataclasses.replace(Leg.random(seed), wobble_rad=0.0, acc_bias_mps2=(0.0, 0.0, 0.0))
    up = up_in_sensor(simulate(leg, Script((Rest(0.1),))).q_earth_from_sensor[0])
    across = np.cross(up, rng_of(seed).standard_normal(3))
    bias = 1.0 * RAD_PER_DEG * across / np.linalg.norm(across)
    leg = dataclasses.replace(leg, gyr_bias_radps=tuple(bias.tolist()))
    motion = simulate(leg, Script((Rest(6.0),)), seed=seed)
    hold, after = split(samples(motion, np.arange(580)), [500])
    fusion = make(name)
    before, _ = fusion.push(hold)
    fusion.set_bias(motion.gyr_radps[:500].mean(axis=0))
    found, _ = fusion.push(after)
    true_q = motion.q_earth_from_sensor
    wrong, right = (
        inclination_error_deg(q, true_q[rows]) for q, rows in ((before, slice(500)), (found, slice(500, 580)))
    )
    if name in ("vqf", "mahony"):
        assert wrong.mean() > 0.2
    assert right[20:].mean() < 0.25
    assert right.max() < 0.5, "the first shows what one noisy sample does"
    jump = multiply(before[-1] * (1.0, -1.0, -1.0, -1.0), found[0])
    turned_deg = 2.0 * math.asin(min(1.0, math.hypot(*jump[1:]))) * DEG_PER_RAD
    assert turned_deg < wrong[-1] + right[0] + 0.05


# --- what a device or an import may bring -------------------------------------------------------


@few(40)
@given(q=unit_quaternions, length=st.floats(0.6, 1.9), flip=st.booleans())
def test_the_devices_own_orientation_passes_through(q: FloatArray, length: float, flip: bool) -> None:
    """Made unit, otherwise as it came; q and −q stay the same pose; always trusted, whatever was lost."""
    block = still(q, 5)
    sent = (-length if flip else length) * np.repeat(q[None], 5, axis=0)
    block = dataclasses.replace(block, q_earth_from_sensor=sent, lost_before=np.array([0, 3, 0, 500, 0]))
    found, trusted = make("device").push(block)
    np.testing.assert_allclose(found, sent / length, atol=1e-12)
    np.testing.assert_allclose(up_in_sensor(found), up_in_sensor(np.repeat(q[None], 5, axis=0)), atol=1e-12)
    assert trusted.all()


def test_device_filter_on_a_sensor_without_orientation_is_refused() -> None:
    """One line that says what to do, at the handshake and not at the first packet."""
    with pytest.raises(UsageError, match=r"fusion\.filter device needs a sensor .*: choose vqf"):
        Fusion(StreamInfo("test", 100.0), FusionParams(filter="device"))


def test_a_stream_of_orientation_only_needs_no_filter() -> None:
    """Whatever filter is set, and its name says which one really ran."""
    fusion = Fusion(StreamInfo("test", 100.0, has_imu=False, has_quaternion=True), FusionParams())
    assert fusion.name == "device"
    fusion.set_bias(np.ones(3))
    np.testing.assert_array_equal(fusion.bias(), np.zeros(3))
    assert [make(name).name for name in FILTERS] == list(FILTERS)


@every_filter
def test_float32_and_strided_arrays_are_harmless(name: FilterName) -> None:
    """What a decoder hands over need not be what the filters want: same values, same result."""
    block = samples(moving(), np.arange(100, 150))
    acc, gyr, q = block.acc_mps2, block.gyr_radps, block.q_earth_from_sensor
    assert acc is not None and gyr is not None and q is not None
    short: list[Any] = [values.astype(np.float32) for values in (acc, gyr, q)]
    exact = [values.astype(np.float64) for values in short]
    plain = pushed(
        make(name),
        [dataclasses.replace(block, acc_mps2=exact[0], gyr_radps=exact[1], q_earth_from_sensor=exact[2])],
    )
    odd = [np.asfortranarray(exact[0]), np.repeat(exact[1], 2, axis=1)[:, ::2], exact[2][::-1][::-1]]
    for given_arrays in (short, odd):
        a, g, o = given_arrays
        other = dataclasses.replace(block, acc_mps2=a, gyr_radps=g, q_earth_from_sensor=o)
        found = pushed(make(name), [other])
        assert found["q"].dtype == np.float64
        np.testing.assert_allclose(found["q"], plain["q"], atol=1e-6)
    frozen = [values.copy() for values in exact]
    for values in frozen:
        values.flags.writeable = False
    other = dataclasses.replace(block, acc_mps2=frozen[0], gyr_radps=frozen[1], q_earth_from_sensor=frozen[2])
    assert_same_bits(pushed(make(name), [other]), plain)
