"""Laws of all drivers: what a device sends is what is read, cuts leave no trace, no bytes are an accident."""

import contextlib
import dataclasses
import importlib.util
import itertools
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fuzz_decoders
import wired
from hipturn import drivers
from hipturn.drivers import Advertisement
from hipturn.errors import LinkError, UsageError
from hipturn.model import RawSamples, StreamInfo
from hipturn.sources.virtual import devices
from hipturn.units import RAD_PER_DEG, STANDARD_GRAVITY_MPS2

DEVICES = devices.names()
WITH_CLOCK = [one for one in DEVICES if one not in ("metamotion", "witmotion", "thingy52", "adafruit")]
ROWS = 120
QUANTITIES = ("acc_mps2", "gyr_radps", "q_earth_from_sensor")
HALF_LSB = {
    # acc in m/s², gyr in rad/s, components of q; of what is sent as float32 its rounding
    "hipturn": (0.0025, 0.0006, 1e-4),
    "xsens_dot": (1e-5, 1e-5, 1e-6),
    "capture2go": (0.0024, 0.0006, 2e-6),
    "movesense": (1e-5, 1e-5, 0.0),
    "mocopi": (0.0, 0.0, 1e-4),
    "metamotion": (0.0, 0.0, 1e-6),
    "witmotion": (0.0025, 0.0006, 0.0),
    "polar": (0.0013, 0.0006, 0.0),
    "thingy52": (0.005, 0.0006, 0.0),
    "adafruit": (1e-5, 1e-5, 0.0),
}

MOST = {"thingy52": (2.0 * STANDARD_GRAVITY_MPS2, 1024.0 * RAD_PER_DEG)}
"""What a device measures at most, where that is less than the motion here has: m/s², rad/s."""


def assert_same(a: RawSamples, b: RawSamples) -> None:
    assert a.bad_before == b.bad_before
    for name in ("tick", "at_ns", *QUANTITIES):
        left, right = getattr(a, name), getattr(b, name)
        assert (left is None) == (right is None), name
        if left is not None:
            assert left.tobytes() == right.tobytes(), name


def assert_sound(info: StreamInfo, samples: RawSamples, packets: int) -> None:
    """Samples have the stream's shape, are finite, and damage lies between them."""
    n = len(samples.tick)
    assert samples.tick.dtype == samples.at_ns.dtype == np.int64 and len(samples.at_ns) == n
    for name, width, there in zip(QUANTITIES, (3, 3, 4), (info.has_imu, info.has_imu, info.has_quaternion)):
        values = getattr(samples, name)
        assert (values is not None) == there, name
        if there:
            assert values.shape == (n, width) and values.dtype == np.float64
            assert info.driver == "table" or np.isfinite(values).all()
    bad = samples.bad_before
    assert all(0 <= i <= n for i in bad) and list(bad) == sorted(bad)
    if info.driver not in ("capture2go", "mocopi", "movesense", "witmotion"):
        # those find several packages in a notification, repair a loss, or wait for a second part
        assert len(bad) <= packets


@pytest.mark.parametrize("device", DEVICES)
def test_what_a_device_measures_is_what_its_driver_reads(device: str) -> None:
    wire, info = wired.connected(device, ROWS)
    samples = wired.read(info, wire.packets)
    assert samples.bad_before == ()
    n = len(samples.tick)
    assert n >= ROWS // 2
    for name, tolerance in zip(QUANTITIES, HALF_LSB[device]):
        got = getattr(samples, name)
        if got is not None:
            sent = np.concatenate([getattr(one, name) for one in wire.taken])
            # a first part or the stream's last bytes may still wait for what follows
            sent = sent[-n:] if device == "mocopi" else sent[:n]
            if name != "q_earth_from_sensor" and device in MOST:
                most = MOST[device][QUANTITIES.index(name)]
                sent = np.clip(sent, -most, most)
            if name == "q_earth_from_sensor":
                sent = sent * np.sign(np.sum(sent * got, axis=1))[:, None]
            np.testing.assert_allclose(got, sent, rtol=1e-6, atol=tolerance)
    assert bool(info.tick_hz) == (device in WITH_CLOCK)
    if not info.tick_hz:
        return
    step_s = np.diff(samples.tick) / info.tick_hz
    np.testing.assert_allclose(
        step_s, 1.0 / info.rate_hz, atol=0.0011, err_msg="a ms where that is its clock"
    )


@pytest.mark.parametrize("device", WITH_CLOCK)
def test_the_clock_of_a_device_is_followed_through_its_wrap(device: str) -> None:
    wire, info = wired.connected(device)
    wire.clock = 2.0**32 - 5e5
    wire.play(*wired.motion(ROWS))
    tick = wired.read(info, wire.packets).tick
    step = np.diff(tick) % 2**info.tick_bits if info.tick_bits else np.diff(tick)
    assert (step > 0).all()
    np.testing.assert_allclose(step / info.tick_hz, 1.0 / info.rate_hz, atol=0.0011)


@pytest.mark.parametrize("device", DEVICES)
def test_start_can_be_repeated_and_stop_leaves_the_sensor_idle(device: str) -> None:
    driver = drivers.get(device)
    wire, info = wired.connected(device)
    assert wire.is_measuring()
    wired.now(driver.stop(wire))
    assert not wire.is_measuring()
    wired.now(driver.stop(wire))
    assert wired.now(driver.start(wire)) == info
    assert wire.is_measuring()


@pytest.mark.parametrize("device", DEVICES)
def test_a_sensor_that_somebody_left_measuring_is_started_properly(device: str) -> None:
    wire, info = wired.connected(device, ROWS, already_measuring=True)
    samples = wired.read(info, wire.packets)
    assert len(samples.tick) >= ROWS // 2 and samples.bad_before == ()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("charge", [0, 15, 100])
def test_the_charge_is_read(device: str, charge: int) -> None:
    wire = wired.Wire(device, battery_percent=charge)
    assert wired.now(drivers.get(device).battery(wire)) == charge


def damaged(data: st.DataObject, packets: list[bytes]) -> list[bytes]:
    """Return packets of which some are lost, doubled, swapped, cut, or have bytes changed."""
    out = list(packets)
    for _ in range(data.draw(st.integers(0, 6))):
        i = data.draw(st.integers(0, len(out) - 1))
        match data.draw(st.sampled_from(("lose", "double", "swap", "cut", "change", "garbage"))):
            case "lose" if len(out) > 1:
                del out[i]
            case "double":
                out.insert(i, out[i])
            case "swap":
                out[i], out[i - 1] = out[i - 1], out[i]
            case "cut":
                out[i] = out[i][: data.draw(st.integers(0, len(out[i])))]
            case "garbage":
                out[i] = data.draw(st.binary(min_size=len(out[i]), max_size=len(out[i])))
            case _ if out[i]:
                changed = bytearray(out[i])
                changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
                out[i] = bytes(changed)
    return out


@pytest.mark.parametrize("device", DEVICES)
@given(data=st.data())
def test_cuts_leave_no_trace_in_sound_and_damaged_packets(device: str, data: st.DataObject) -> None:
    """The same bytes in any groups give the same samples and the same damage, to the bit."""
    wire, info = wired.connected(device, 60)
    packets = damaged(data, wire.packets)
    expected = wired.read(info, packets)
    assert_sound(info, expected, len(packets))
    sizes = itertools.cycle(data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=5)))
    draw: Callable[[], int] = lambda: next(sizes)  # noqa: E731
    assert_same(wired.read(info, packets, draw), expected)
    assert_same(wired.read(info, packets, lambda: 1), expected)


@pytest.mark.parametrize("device", DEVICES)
@given(data=st.data())
def test_damage_does_not_last(device: str, data: st.DataObject) -> None:
    """After any bytes a sound stream is read again, at the latest after 40 packets."""
    wire, info = wired.connected(device, 20)
    anything = data.draw(st.lists(st.binary(max_size=60), max_size=5))
    before = len(wire.packets)
    wire.play(*wired.motion(400))
    sound = wired.read(info, wire.packets)
    hurt = wired.read(info, [*wire.packets[:before], *anything, *wire.packets[before:]])
    # what has no clock has no ticks that could tell samples apart
    name = "tick" if info.tick_hz else "acc_mps2" if info.has_imu else "q_earth_from_sensor"
    np.testing.assert_array_equal(getattr(hurt, name)[-50:], getattr(sound, name)[-50:])
    assert not hurt.bad_before or hurt.bad_before[-1] <= len(hurt.tick) - 50


STREAMS = st.builds(
    StreamInfo,
    driver=st.sampled_from(list(drivers.names())),
    rate_hz=st.sampled_from((13.0, 50.0, 60.0, 100.0, 104.0)),
    has_imu=st.booleans(),
    has_quaternion=st.booleans(),
)
SIZES = st.sampled_from((0, 1, 2, 20, 21, 24, 36, 40, 41, 64)) | st.integers(0, 250)


@given(info=STREAMS, data=st.data())
def test_any_bytes_to_any_decoder_give_samples_or_counted_damage(
    info: StreamInfo, data: st.DataObject
) -> None:
    size = data.draw(SIZES)
    starts = st.sampled_from((b"", b"\x02c", b"\x03c", b"\xff\x02", b"\x1a", b"\x05", b"\x15", b"\x12"))
    row = st.builds(
        lambda start, rest: (start + rest)[:size], starts, st.binary(min_size=size, max_size=size)
    )
    packets = data.draw(st.lists(row, min_size=1, max_size=5))
    assert_sound(info, wired.read(info, packets), len(packets))


@pytest.mark.parametrize("example", fuzz_decoders.examples())
def test_the_fuzz_target_reads_what_devices_send(example: bytes) -> None:
    info, packets = fuzz_decoders.stream_of(example), fuzz_decoders.packets_of(example)
    assert info.driver in DEVICES and len(packets) >= 2
    fuzz_decoders.one(example)


@given(st.binary(max_size=400))
def test_the_fuzz_target_holds_for_any_bytes(data: bytes) -> None:
    fuzz_decoders.one(data)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="the fuzzer: make fuzz")
def test_the_fuzzer_finds_nothing_in_a_short_run() -> None:
    """Led by what the decoders do with it, always from the same seed; `make fuzz` goes on for longer."""
    command = [sys.executable, fuzz_decoders.__file__, "-seed=1", "-runs=3000"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "Done 3000 runs" in ended.stderr


@pytest.mark.parametrize("name", drivers.built_in())
def test_every_driver_tells_what_it_rests_on(name: str) -> None:
    driver = drivers.get(name)
    assert driver.name == name
    for text in (driver.title, driver.trust, driver.untried):
        assert text and "\n" not in text and text.isprintable()


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_is_known_by_its_own_driver_only(device: str) -> None:
    traits = devices.get(device).TRAITS
    told = wired.Wire(device).firmware.advertised()
    seen = Advertisement(
        traits.local_name,
        "F0:00:00:00:00:01",
        tuple(wired.whole(uuid) for uuid in told.service_uuids),
        dict(told.manufacturer_data),
    )
    assert [name for name in drivers.names() if drivers.get(name).matches(seen)] == [device]
    stranger = dataclasses.replace(seen, name="Headphones", service_uuids=(), manufacturer_data={})
    assert not any(drivers.get(name).matches(stranger) for name in drivers.names())


def test_a_driver_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="no driver is called 'toaster': choose one of hipturn, xsens_dot"):
        drivers.get("toaster")
    assert not drivers.known("toaster") and drivers.known("xsens_dot")


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_without_the_characteristics_is_a_link_error(device: str) -> None:
    """A device that merely has the name must be a message, not a crash."""
    wire = wired.Wire("hipturn" if device != "hipturn" else "mocopi")
    with pytest.raises(LinkError):
        wired.now(drivers.get(device).start(wire))


@settings(max_examples=20)
@given(st.sampled_from(DEVICES), st.binary(max_size=40))
def test_whatever_is_written_to_a_device_is_done_or_refused(device: str, value: bytes) -> None:
    """So that a faulty driver shows on the virtual device and does not stop it."""
    wire = wired.Wire(device)
    for uuid in wire.writable():
        with contextlib.suppress(LinkError):
            wired.now(wire.write(uuid, value))
