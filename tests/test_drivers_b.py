"""Adafruit, Thingy:52, WitMotion, MetaMotion and Polar: what is special about each of them."""

import dataclasses
import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wired
from builders import STREAM, assert_same_bits, joined, rng_of, whole
from fake_link import FakeLink
from hipturn import drivers
from hipturn.core.hosttime import TimeMap
from hipturn.core.pipeline import CoreParams, Pipeline
from hipturn.drivers import adafruit, metamotion, polar, polar_frames, thingy52, witmotion
from hipturn.errors import LinkError
from hipturn.model import (
    FloatArray,
    Gap,
    HostNs,
    Input,
    IntArray,
    LinkUp,
    Orientation,
    Packets,
    RawSamples,
    StreamInfo,
)
from hipturn.units import RAD_PER_DEG, STANDARD_GRAVITY_MPS2
from radio_model import arrivals

UNTIMED = StreamInfo("", 100.0, tick_hz=0.0, tick_bits=0)


def info_of(driver: str) -> StreamInfo:
    return dataclasses.replace(UNTIMED, driver=driver)


def some(driver: str, packets: list[bytes]) -> RawSamples:
    return wired.read(info_of(driver), packets)


def acc_of(samples: RawSamples) -> FloatArray:
    assert samples.acc_mps2 is not None
    return samples.acc_mps2


def gyr_of(samples: RawSamples) -> FloatArray:
    assert samples.gyr_radps is not None
    return samples.gyr_radps


@pytest.mark.parametrize("device", ["adafruit", "metamotion", "polar", "thingy52", "witmotion"])
def test_live_is_replay_down_to_orientation_gaps_and_the_map(device: str) -> None:
    """Each packet by itself, and as many at once as have one size, over a minute with losses."""
    wire, info = wired.connected(device)
    rng = rng_of(5)
    for block in np.array_split(np.arange(6000), 300):
        acc, gyr, q = wired.motion(len(block), int(block[0]))
        wire.play(0.1 * acc, 0.1 * gyr, q)
    sent_s = 3.0 + np.linspace(0.0, 60.0, len(wire.packets))
    at_ns = arrivals(sent_s, 30.0, rng)
    items: list[Input] = [LinkUp(STREAM, HostNs(0), info)]
    for packet, at in zip(wire.packets, at_ns.tolist(), strict=True):
        if rng.random() > 0.02:
            data = np.frombuffer(packet, np.uint8)[None]
            items.append(Packets(STREAM, np.array([at], np.int64), data))

    def seen(inputs: list[Input]) -> tuple[dict[str, Any], list[Gap], TimeMap | None]:
        pipeline = Pipeline(CoreParams(), drivers.decoder)
        out = [output for item in inputs for output in pipeline.push(item)]
        orientation = joined([one for one in out if isinstance(one, Orientation)])
        return orientation, [one for one in out if isinstance(one, Gap)], pipeline.time_map(STREAM)

    live, replayed = seen(items), seen(whole(items))
    assert len(live[0]["t_ns"]) > 2000 and live[1] and live[2] is not None
    assert_same_bits(replayed[0], live[0])
    assert replayed[1:] == live[1:]


# --- Adafruit -----------------------------------------------------------------------------------


def acc(number: float) -> bytes:
    return b"\2" + adafruit.encode([number, 0.0, 0.0])


def gyr(number: float) -> bytes:
    return b"\4" + adafruit.encode([number, 0.0, 0.0])


def test_a_rate_takes_the_newest_acceleration_and_none_that_has_ceased() -> None:
    packets = [
        gyr(1),
        acc(1),
        gyr(2),
        acc(2),
        acc(3),
        gyr(3),
        *(gyr(4 + i) for i in range(7)),
        acc(4),
        gyr(20),
    ]
    samples = some("adafruit", packets)
    assert gyr_of(samples)[:, 0].tolist() == [2, 3, 4, 5, 6, 7, 20]
    assert acc_of(samples)[:, 0].tolist() == [1, 3, 3, 3, 3, 3, 4]
    assert samples.bad_before == ()


def test_adafruit_periods_are_written_to_the_service_they_belong_to() -> None:
    link = FakeLink()
    driver = drivers.get("adafruit")
    info = wired.now(driver.start(link))
    period = ("write", adafruit.PERIOD_UUID, b"\x0a\0\0\0")
    assert [one for one in link.done if one[0] == "write"] == [
        (*period, adafruit.ACC_SERVICE),
        (*period, adafruit.GYR_SERVICE),
    ]
    assert info.has_imu and not info.has_quaternion and info.rate_hz == 100.0


def test_adafruit_boards_with_only_a_quaternion_give_that() -> None:
    class Fewer(wired.Wire):
        async def subscribe(self, uuid: str, tag: bytes = b"") -> None:
            if uuid in (adafruit.ACC_UUID, adafruit.GYR_UUID):
                raise LinkError("there is none")
            await super().subscribe(uuid, tag)

    wire = Fewer("adafruit")
    info = wired.now(drivers.get("adafruit").start(wire))
    assert info.has_quaternion and not info.has_imu
    acc, gyr, q = wired.motion(50)
    wire.play(acc, gyr, q)
    got = wired.read(info, wire.packets).q_earth_from_sensor
    assert got is not None
    np.testing.assert_allclose(got, q, atol=1e-6)


# --- Thingy:52 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate_hz", "writes"), [(100, 0), (10, 1), (200, 1)])
def test_thingy_configuration_is_written_only_where_it_differs(rate_hz: int, writes: int) -> None:
    """It is kept in flash; what else is in it stays."""
    link = FakeLink({thingy52.CONFIG_UUID: struct.pack("<HHHHB", 700, 600, 500, rate_hz, 0)})
    info = wired.now(drivers.get("thingy52").start(link))
    written = [one[2] for one in link.done if one[0] == "write"]
    assert written == [struct.pack("<HHHHB", 700, 600, 500, 100, 0)] * writes
    assert info.rate_hz == 100.0


def test_thingy_with_an_unknown_configuration_is_told() -> None:
    with pytest.raises(LinkError, match="has 4 bytes, not 9: update"):
        wired.now(drivers.get("thingy52").start(FakeLink({thingy52.CONFIG_UUID: bytes(4)})))


# --- WitMotion ----------------------------------------------------------------------------------


def frames(count: int) -> list[bytes]:
    """Frames that carry their number as rate, with no byte that looks like a head."""
    rate = witmotion.GYR_RADPS_PER_LSB
    return [witmotion.encode(np.array([0.0, 0.0, 9.8]), np.array([i * rate, 0.0, 0.0])) for i in range(count)]


def numbers_of(samples: RawSamples) -> list[int]:
    return [round(x) for x in gyr_of(samples)[:, 0] / witmotion.GYR_RADPS_PER_LSB]


@settings(max_examples=60)
@given(st.integers(1, 30), st.lists(st.integers(1, 600), max_size=20))
def test_witmotion_frames_may_be_cut_and_joined_anywhere(count: int, cuts: list[int]) -> None:
    """As long as no notification begins with what looks like a head and is none."""
    stream = b"".join(frames(count))
    edges = sorted({0, len(stream), *(c for c in cuts if c < len(stream))})
    samples = some("witmotion", [stream[a:b] for a, b in pairwise(edges)])
    assert numbers_of(samples) == list(range(count)) and samples.bad_before == ()


def test_witmotion_frames_with_a_date_behind_them_are_sound_and_other_bytes_are_not() -> None:
    dated = [one + bytes(range(8)) for one in frames(5)]
    assert numbers_of(some("witmotion", dated)) == list(range(5))
    assert some("witmotion", dated).bad_before == ()
    odd = [frames(2)[0] + b"\1\2\3" + frames(2)[1]]
    assert some("witmotion", odd).bad_before == (1,)
    lost_half = [frames(1)[0][:9], *frames(3)]
    samples = some("witmotion", lost_half)
    assert numbers_of(samples) == [0, 1, 2] and len(samples.bad_before) == 1


def test_witmotion_rate_is_set_and_read_back() -> None:
    wire, info = wired.connected("witmotion")
    assert info.rate_hz == 100.0
    slow = witmotion.WitMotionDriver(50.0)
    wire = wired.Wire("witmotion")
    assert wired.now(slow.start(wire)).rate_hz == 50.0
    wire.play(*wired.motion(100))
    assert len(wired.read(info, wire.packets).tick) == 50


def test_witmotion_that_keeps_a_slow_rate_is_told_and_a_silent_one_is_trusted() -> None:
    def keeps(_uuid: str, value: bytes) -> list[bytes]:
        return [witmotion.encode_registers(witmotion.RATE, 6)] if value == b"\xff\xaa\x27\3\0" else []

    with pytest.raises(LinkError, match="keeps its rate number 6"):
        wired.now(drivers.get("witmotion").start(FakeLink(answers=keeps)))
    link = FakeLink()
    assert wired.now(drivers.get("witmotion").start(link)).rate_hz == 100.0
    written = [one[2].hex() for one in link.done if one[0] == "write"]
    assert written == ["ffaa6988b5", "ffaa030900", "ffaa270300"]


@pytest.mark.parametrize(("centivolt", "percent"), [(420, 100), (397, 100), (396, 90), (370, 20), (339, 0)])
def test_witmotion_charge(centivolt: int, percent: int) -> None:
    assert witmotion.charge_percent(centivolt) == percent


def test_witmotion_commands_are_those_of_the_note() -> None:
    for name, expected in (
        ("zero-heading", "ffaa010400"),
        ("calibrate-acc", "ffaa010100"),
        ("save", "ffaa000000"),
    ):
        link = FakeLink()
        wired.now(drivers.get("witmotion").commands[name](link))
        assert [one[2].hex() for one in link.done] == ["ffaa6988b5", expected]


# --- MetaMotion ---------------------------------------------------------------------------------


def test_metamotion_raw_acceleration_and_rate() -> None:
    wire = wired.Wire("metamotion", already_measuring=True)
    info = wired.now(metamotion.MetaMotionDriver(raw=True).start(wire))
    acc, gyr, q = wired.motion(61)
    wire.play(acc, gyr, q)
    samples = wired.read(info, wire.packets)
    assert samples.bad_before == () and len(samples.tick) == 60
    np.testing.assert_allclose(acc_of(samples), acc[:60], atol=0.0025)
    np.testing.assert_allclose(gyr_of(samples), gyr[:60], atol=0.0006)


def test_metamotion_captured_acceleration() -> None:
    """Quoted by a user of a library for it; at the range of ±2 g that was set there."""
    data = np.frombuffer(bytes.fromhex("0304e8059cfe7342"), np.uint8)[None]
    np.testing.assert_allclose(
        metamotion.counts(data)[0, 0] / 16384.0, [0.092285, -0.021729, 1.038269], atol=1e-6
    )


def test_metamotion_without_the_chips_it_knows_is_told() -> None:
    with pytest.raises(LinkError, match="an accelerometer of kind None"):
        wired.now(drivers.get("metamotion").start(FakeLink()))

    def bmi270(_uuid: str, value: bytes) -> list[bytes]:
        return [value + {0x03: b"\4\0", 0x13: b"\1\0"}[value[0]]] if value[1:] == b"\x80" else []

    link = FakeLink(answers=bmi270)
    wired.now(drivers.get("metamotion").start(link))
    assert ("write", metamotion.COMMAND_UUID, bytes.fromhex("0303a803")) in link.done


def test_metamotion_start_stops_first_and_configures_before_it_starts() -> None:
    wire, _ = wired.connected("metamotion", 10, already_measuring=True)
    assert all(len(one) != metamotion.PACKED_SIZE for one in wire.packets), "it still streams what it did"


# --- Polar --------------------------------------------------------------------------------------

POLAR = StreamInfo("polar", polar.RATE_HZ, tick_hz=1e9, tick_bits=0)
PERIOD_NS = 1e9 / polar.RATE_HZ


@settings(max_examples=80)
@given(
    st.lists(st.tuples(*[st.integers(-5000, 5000)] * 3), min_size=1, max_size=60),
    st.integers(0, 2**63 - 1),
)
def test_polar_frames_are_read_as_they_were_packed(rows: list[tuple[int, int, int]], last_ns: int) -> None:
    lsb = np.array(rows, np.int64)
    frame = polar_frames.decode(polar_frames.encode(polar_frames.GYR, last_ns, lsb), {polar_frames.GYR: 0.01})
    assert frame is not None and frame.last_ns == last_ns
    np.testing.assert_allclose(frame.values, lsb * 0.01 * RAD_PER_DEG, rtol=1e-12)


@settings(max_examples=200)
@given(st.binary(max_size=80), st.sampled_from([b"", b"\2" + bytes(8) + b"\x80", b"\5" + bytes(8) + b"\x80"]))
def test_any_bytes_are_a_polar_frame_or_damage(rest: bytes, head: bytes) -> None:
    frame = polar_frames.decode(head + rest, {})
    assert frame is None or (np.isfinite(frame.values).all() and len(frame.values) >= 1)


def wave(t_ns: IntArray) -> FloatArray:
    """Half g at 1 Hz on three axes: linear interpolation over a period is good to 0.01 m/s²."""
    phase = 2.0 * np.pi * t_ns * 1e-9
    return 0.5 * STANDARD_GRAVITY_MPS2 * np.stack((np.sin(phase), np.cos(phase), np.sin(phase + 1.0)), axis=1)


def recorded(seconds: float, acc_start_ns: int, acc_rate: float = 1.0) -> list[bytes]:
    """Frames of both measurements in the order of their ends, each on times of its own."""
    made: list[tuple[int, bytes]] = []
    starts = {polar_frames.ACC: (acc_start_ns, 18, acc_rate), polar_frames.GYR: (0, 14, 1.0)}
    for kind, (start_ns, each, rate) in starts.items():
        n = int(seconds * polar.RATE_HZ) // each * each
        t_ns = 10**18 + start_ns + np.rint(np.arange(n) * PERIOD_NS * rate).astype(np.int64)
        for rows in np.arange(n).reshape(-1, each):
            last_ns = int(t_ns[rows[-1]])
            if kind == polar_frames.ACC:
                made.append((last_ns, polar_frames.encode_plain(last_ns, wave(t_ns[rows] - 10**18))))
            else:
                counts = np.repeat(rows[:, None], 3, axis=1)
                made.append((last_ns, polar_frames.encode(kind, last_ns, counts)))
    return [packet for _, packet in sorted(made)]


def rates_of(samples: RawSamples) -> list[int]:
    lsb = polar_frames.GYR_DPS_PER_LSB * RAD_PER_DEG
    return [round(x) for x in gyr_of(samples)[:, 0] / lsb]


@pytest.mark.parametrize("acc_start_ns", [-7_000_000, 0, 5_000_000, 12_345_678])
@pytest.mark.parametrize("acc_rate", [1.0, 1.01])
def test_polar_acceleration_is_interpolated_to_the_times_of_the_rates(
    acc_start_ns: int, acc_rate: float
) -> None:
    samples = wired.read(POLAR, recorded(20.0, acc_start_ns, acc_rate))
    numbers = np.array(rates_of(samples))
    assert (np.diff(numbers) == 1).all() and numbers[0] <= 1 and numbers[-1] > 950
    np.testing.assert_allclose(samples.tick - 10**18, np.rint(numbers * PERIOD_NS), atol=2)
    # the period of the first frame is the nominal one
    np.testing.assert_allclose(acc_of(samples)[20:], wave(samples.tick[20:] - 10**18), atol=0.03)


def test_polar_gives_nothing_across_a_gap_and_goes_on_behind_it() -> None:
    packets = recorded(20.0, 3_000_000)
    first_acc = next(i for i, one in enumerate(packets) if i > 20 and one[0] == polar_frames.ACC)
    samples = wired.read(POLAR, [*packets[:first_acc], *packets[first_acc + 1 :]])
    missing = np.diff(rates_of(samples)) - 1
    assert missing.sum() in (18, 19) and (missing > 0).sum() == 1
    np.testing.assert_allclose(acc_of(samples), wave(samples.tick - 10**18), atol=0.03)


def test_polar_frames_that_come_twice_or_late_change_nothing() -> None:
    packets = recorded(10.0, 3_000_000)
    sound = wired.read(POLAR, packets)
    odd = wired.read(POLAR, [*packets[:20], packets[19], packets[10], *packets[20:]])
    assert rates_of(odd) == rates_of(sound) and odd.bad_before == ()
    np.testing.assert_array_equal(acc_of(odd), acc_of(sound))


def test_polar_clock_that_was_set_meanwhile_begins_anew() -> None:
    packets = recorded(10.0, 0)
    later = [
        one[:1] + struct.pack("<Q", struct.unpack_from("<Q", one, 1)[0] // 2) + one[9:] for one in packets
    ]
    samples = wired.read(POLAR, packets + later)
    assert len(samples.tick) > 1.9 * len(wired.read(POLAR, packets).tick)


def test_polar_that_refuses_is_told() -> None:
    def refuses(_uuid: str, value: bytes) -> list[bytes]:
        return [bytes([0xF0, *value[:2], 5])]

    with pytest.raises(LinkError, match="refuses to measure acceleration"):
        wired.now(drivers.get("polar").start(FakeLink(answers=refuses)))


def test_polar_commands_and_factors_are_those_of_the_note() -> None:
    assert polar.start_command(2).hex() == "0202000134000101100002010800040103"
    assert polar.factor(bytes.fromhex("f00205000005010000803f")) == 1.0
    for odd in ("", "f002050000", "f0020500000501", "f00205000005010000c07f", "f002050000090101"):
        assert polar.factor(bytes.fromhex(odd)) is None
