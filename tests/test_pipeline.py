"""The whole core on a simulated leg: what is measured depends on the leg, not on cuts, mounting, side,
links, other streams, or whether it happens live."""

import dataclasses
import functools
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    RATE_HZ,
    START,
    STREAM,
    TILTED,
    assert_same_bits,
    calibrated,
    drill,
    guided,
    inputs_of,
    joined,
    of,
    regrouped,
    rng_of,
    run,
    table_inputs,
    unit_quaternions,
    whole,
)
from hipturn import offline
from hipturn.coach import Coach
from hipturn.config import defaults
from hipturn.core.fusion import FusionParams
from hipturn.core.pipeline import CoreParams, Pipeline
from hipturn.core.quaternion import conjugate, rotate
from hipturn.model import (
    BadPackets,
    Calibrated,
    Direction,
    FloatArray,
    Gap,
    HipAngle,
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Orientation,
    Output,
    Overrun,
    Packets,
    RawSamples,
    Rep,
    Side,
    StreamInfo,
    Turn,
    Verdict,
)
from hipturn.recording import Reader, Writer
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Motion, Position, drill_script, mishap_script, simulate
from hipturn.units import DEG_PER_RAD, NS_PER_MS, NS_PER_S

TICK = slice(4, 8)
"""Where a packet of the simulated sensor carries its device clock, µs."""


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None)


def events(outputs: Iterable[Output]) -> list[Output]:
    """Return what is no block of samples."""
    return [each for each in outputs if not isinstance(each, Orientation | HipAngle)]


def assert_same_outputs(one: list[Output], other: list[Output]) -> None:
    """The same events in the same order, the same samples to the last bit."""
    assert events(one) == events(other)
    for kind in (Orientation, HipAngle):
        assert_same_bits(joined(of(kind, one)), joined(of(kind, other)))


def measured(motion: Motion, *, rounded: bool = True) -> list[Output]:
    """Return the outputs of a guided session, ten samples at a time."""
    items = regrouped(simulated.inputs(motion), lambda: 10) if rounded else table_inputs(motion)
    heard = guided(items, Coach(STREAM, motion.leg.side, 0))
    return [each for each in heard if isinstance(each, Output)]


def with_clock(packets: Packets, earlier_us: int, later_ns: int) -> Packets:
    """Return packets of a device whose clock is behind, arriving later."""
    data = packets.data.copy()
    tick = np.ascontiguousarray(data[:, TICK]).view("<u4") - np.uint32(earlier_us)
    data[:, TICK] = tick.view(np.uint8)
    return Packets(packets.stream, packets.at_ns + later_ns, data)


def damaged(packets: Packets) -> Packets:
    """Return packets of a version nobody knows."""
    data = packets.data.copy()
    data[:, 0] = 99
    return Packets(packets.stream, packets.at_ns, data)


def after_calibration(items: Iterable[Input]) -> int:
    """Return where the inputs begin that have an angle."""
    marks = [i for i, item in enumerate(items) if isinstance(item, Mark)]
    return marks[-1] + 1


# --- chunk invariance ---------------------------------------------------------------------------


def disturbed(seed: int) -> list[Input]:
    """Return a drill with everything that can happen to it: losses, gaps, damage, marks, an overrun, and a
    new link of a device that has restarted."""
    rng = rng_of(seed)
    items = list(calibrated(seed % 3))
    begin = after_calibration(items)
    out = items[:begin]
    lost_until = 0
    restart = int(rng.integers(begin, len(items) - 100))
    for i, item in enumerate(items[begin:], begin):
        if not isinstance(item, Packets):
            out.append(item)
            continue
        at_ns = HostNs(int(item.at_ns[0]))
        draw = rng.random()
        if i == restart:
            out += [LinkDown(STREAM, at_ns, "lost"), LinkUp(STREAM, at_ns, simulated.info(drill(seed % 3)))]
            lost_until = 0
        elif draw < 0.002:
            lost_until = i + int(rng.choice([2, 25, 40, 90]))
        elif draw < 0.003:
            lost_until = i + 20
            out.append(Overrun(STREAM, at_ns, 20))
        elif draw < 0.004:
            on = bool(rng.random() < 0.7)
            out.append(Mark(STREAM, at_ns, MarkKind.COUNT, {"on": on}))
        elif draw < 0.005:
            out.append(Mark(STREAM, at_ns, MarkKind.NOTE, {"text": "ouch"}))
        elif draw < 0.006:
            out.append(Mark(STREAM, at_ns, MarkKind.BIAS, {"gyr_bias_radps": [0.001, 0.0, -0.002]}))
        if i < lost_until or draw > 0.97:
            continue
        if i > restart:
            item = with_clock(item, 10_000_000, 0)
        out.append(damaged(item) if draw > 0.965 else item)
        if draw > 0.96:
            out.append(item)
    return out


@functools.cache
def disturbed_whole(seed: int) -> tuple[list[Input], list[Output]]:
    items = disturbed(seed)
    return items, run(whole(items))


@few(12)
@given(st.integers(0, 8), st.integers(0, 2**32), st.sampled_from([2, 9, 60, 700]))
def test_chunk_invariance(seed: int, cut_seed: int, most: int) -> None:
    """Losses, gaps, damage, duplicates, an overrun, marks and a new link in between: grouped at random, the
    events are the very same and in the same order, the samples the same to the last bit."""
    items, expected = disturbed_whole(seed)
    rng = rng_of(cut_seed)
    assert_same_outputs(run(regrouped(items, lambda: int(rng.integers(1, most + 1)))), expected)


@pytest.mark.parametrize("seed", range(2))
def test_one_packet_at_a_time_is_as_good_as_all_at_once(seed: int) -> None:
    """And in all that disturbance there is something of everything."""
    items, expected = disturbed_whole(seed)
    assert_same_outputs(run(items), expected)
    assert {type(each) for each in expected} >= {Orientation, HipAngle, Turn, Rep, Gap, BadPackets, Calibrated}
    assert {gap.cause for gap in of(Gap, expected)} >= {"loss", "link"}


# --- mounting, side, filter ---------------------------------------------------------------------


def turned_in_its_case(motion: Motion, q_case_from_sensor: FloatArray) -> Motion:
    """Return the same measurement by a sensor that sits in its case another way."""
    q = np.asarray(q_case_from_sensor)
    w, x, y, z = (np.array(motion.leg.q_shank_from_sensor)[None],) + (None,) * 3 if False else (0, 0, 0, 0)
    return motion


def roms_deg(outputs: Iterable[Output]) -> FloatArray:
    return np.array([rep.rom_rad for rep in of(Rep, outputs)]) * DEG_PER_RAD


def angle_of(outputs: Iterable[Output]) -> FloatArray:
    angle: FloatArray = joined(of(HipAngle, outputs))["angle_rad"] * DEG_PER_RAD
    return angle


@functools.cache
def plain(seed: int, errors: bool) -> list[Output]:
    return measured(strapped(seed, errors, None), rounded=errors)


def strapped(seed: int, errors: bool, q_shank_from_sensor: FloatArray | None) -> Motion:
    leg = Leg.random(seed)
    if q_shank_from_sensor is not None:
        leg = dataclasses.replace(leg, q_shank_from_sensor=tuple(q_shank_from_sensor.tolist()))
    return simulate(leg if errors else leg.without_errors(), drill_script(3, seed), RATE_HZ, seed)


@few(8)
@given(st.integers(0, 2), unit_quaternions)
def test_any_mounting_gives_the_same_angle(seed: int, mounting: FloatArray) -> None:
    """However the strap was put on, a perfect sensor measures the same to a hundredth of a degree."""
    expected, found = plain(seed, False), measured(strapped(seed, False, mounting), rounded=False)
    np.testing.assert_allclose(angle_of(found), angle_of(expected), atol=0.01)
    np.testing.assert_allclose(roms_deg(found), roms_deg(expected), atol=0.01)


@few(8)
@given(st.integers(0, 2), unit_quaternions)
def test_any_mounting_of_a_real_sensor_agrees(seed: int, mounting: FloatArray) -> None:
    """Its errors stay in its case and so hit the leg otherwise; the ranges agree within 0.3°."""
    expected, found = plain(seed, True), measured(strapped(seed, True, mounting))
    np.testing.assert_allclose(roms_deg(found), roms_deg(expected), atol=0.3)
    rows = min(len(angle_of(found)), len(angle_of(expected)))
    apart = angle_of(found)[-rows:] - angle_of(expected)[-rows:]
    assert np.sqrt(np.mean(apart**2)) < 0.5
