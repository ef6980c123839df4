"""What is particular to one device: its commands, its answers, published bytes, quirks."""

import dataclasses
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import wired
from fake_link import FakeLink
from hipturn.drivers import capture2go as c2g
from hipturn.drivers import mocopi, movesense
from hipturn.drivers import xsens_dot as dot
from hipturn.drivers import xsens_dot_sync as sync
from hipturn.drivers.capture2go_frames import Framer, Package, notification, package
from hipturn.drivers.capture2go_samples import KINDS, encode, pack_quaternions, unpack_quaternions
from hipturn.drivers.xsens_dot_modes import MODES, layout
from hipturn.drivers.xsens_dot_modes import encode as encode_dot
from hipturn.errors import LinkError
from hipturn.model import FloatArray, StreamInfo
from hipturn.sources.virtual.devices.xsens_dot import XsensDotFirmware, to_euler
from hipturn.units import DEG_PER_RAD

unit_quaternions = hnp.arrays(np.float64, (4,), elements=st.floats(-1, 1)).filter(
    lambda q: float(np.linalg.norm(q)) > 0.1
)


def assert_close(got: Any, sent: Any, rtol: float = 0.0, atol: float = 0.0) -> None:
    np.testing.assert_allclose(got, sent, rtol=rtol, atol=atol)


# --- Xsens DOT ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_dot_every_mode_gives_what_it_carries(mode: int) -> None:
    has_imu, has_quaternion = MODES[mode].has_imu, MODES[mode].has_quaternion
    info = StreamInfo("xsens_dot", 60.0, has_imu=has_imu, has_quaternion=has_quaternion)
    q = np.array([0.5, -0.5, 0.5, 0.5])
    gyr_radps = np.array([0.3, -0.2, 0.1])
    half = 0.5 * gyr_radps / 60.0
    dq = np.array([np.sqrt(1.0 - half @ half), *half])
    acc = np.array([1.0, 2.0, 9.0])
    values = {
        "quat": q,
        "euler": np.array([30.0, -40.0, 120.0]),
        "acc": acc,
        "gyr": gyr_radps * DEG_PER_RAD,
        "dq": dq,
        "dv": acc / 60.0,
    }
    value = encode_dot(mode, 77, values)
    assert len(value) == MODES[mode].length
    samples = wired.read(info, [bytes([mode]) + value])
    assert samples.tick.tolist() == [77] and samples.bad_before == ()
    if has_imu:
        assert_close(samples.acc_mps2, [acc], rtol=1e-6)
        assert_close(samples.gyr_radps, [gyr_radps], rtol=1e-4)
    if has_quaternion and "quat" in MODES[mode].fields:
        assert_close(samples.q_earth_from_sensor, [q], rtol=1e-6)
    elif has_quaternion:
        assert samples.q_earth_from_sensor is not None
        back = to_euler(samples.q_earth_from_sensor[0]) * DEG_PER_RAD
        np.testing.assert_allclose(back, values["euler"], atol=1e-4)
    more = (dataclasses.replace(info, has_imu=True), dataclasses.replace(info, has_quaternion=True))
    for other in more:
        if other != info:
            assert wired.read(other, [bytes([mode]) + value]).bad_before == (0,), "it lacks what was agreed"


@given(unit_quaternions)
def test_dot_euler_angles_and_quaternions_are_one_orientation(q: FloatArray) -> None:
    q = q / np.linalg.norm(q)
    if abs(2.0 * (q[0] * q[2] - q[3] * q[1])) < 0.999:  # beside the singularity, where they are not one
        back = dot.from_euler(to_euler(q)[None, :])[0]
        assert abs(float(back @ q)) == pytest.approx(1.0, abs=1e-9)


def test_dot_fields_lie_where_the_specification_has_them() -> None:
    """Offsets from the notification's start; a byte later with the mode before it."""
    offsets = {
        (2, "quat"): 4, (2, "free_acc"): 20, (2, "status"): 32, (2, "clip_acc"): 34, (2, "clip_gyr"): 35,
        (4, "euler"): 4, (7, "status"): 28, (16, "free_acc"): 16, (18, "dq"): 4, (18, "dv"): 20,
        (18, "mag"): 32, (20, "acc"): 4, (20, "gyr"): 16, (20, "mag"): 28, (21, "gyr"): 16,
        (22, "gyr"): 28, (23, "mag"): 28, (24, "gyr"): 20, (26, "acc"): 20, (26, "gyr"): 32,
    }  # fmt: skip
    for (mode, name), offset in offsets.items():
        fields = layout(mode).fields
        assert fields is not None and fields[name][1] == offset + 1, (mode, name)
    used = {2: 36, 3: 32, 4: 16, 5: 20, 6: 16, 7: 32, 16: 28, 18: 38, 19: 32, 20: 34, 21: 28, 22: 40, 23: 34}
    assert {mode: layout(mode).itemsize - 1 for mode in MODES} == used | {24: 32, 26: 44}


def test_dot_older_firmware_is_asked_for_the_mode_it_has() -> None:
    class Older(wired.Wire):
        async def write(
            self, uuid: str, data: bytes, *, response: bool = True, service: str | None = None
        ) -> None:
            if uuid == dot.MEASUREMENT_UUID and data[2] == 26:
                raise LinkError("ATT error 0x13")
            await super().write(uuid, data, service=service)

    info = wired.now(dot.XsensDotDriver().start(Older("xsens_dot")))
    assert info.has_imu and not info.has_quaternion

    class Ignoring(wired.Wire):
        async def write(
            self, uuid: str, data: bytes, *, response: bool = True, service: str | None = None
        ) -> None:
            if uuid != dot.MEASUREMENT_UUID:
                await super().write(uuid, data, service=service)

    with pytest.raises(LinkError, match="neither in mode 26 nor 21"):
        wired.now(dot.XsensDotDriver().start(Ignoring("xsens_dot")))


def test_dot_rate_is_set_only_where_it_differs_and_before_the_start() -> None:
    wire = wired.Wire("xsens_dot")
    control = bytearray(wired.now(wire.read(dot.CONTROL_UUID)))
    control[0], control[dot.RATE_AT] = dot.SET_RATE, 20
    wired.now(wire.write(dot.CONTROL_UUID, bytes(control)))
    assert wire.firmware.rate_hz == 20.0
    info = wired.now(dot.XsensDotDriver().start(wire))
    assert wire.firmware.rate_hz == info.rate_hz == 60.0
    assert info.serial == "D070000000" and info.firmware == "3.0.0" and info.name == "wired"
    with pytest.raises(LinkError):
        wired.now(wire.write(dot.CONTROL_UUID, bytes(control)))


def test_dot_heading_is_reset_and_reverted() -> None:
    driver = dot.XsensDotDriver()
    wire, info = wired.connected("xsens_dot")
    still = np.zeros((1, 3))
    turned = dot.from_euler(np.array([[0.1, 0.2, 1.0]]))

    def heading_deg() -> float:
        wire.play(still, still, turned)
        q = wired.read(info, wire.packets).q_earth_from_sensor
        assert q is not None
        return float(to_euler(q[-1])[2] * DEG_PER_RAD)

    before = heading_deg()
    wired.now(driver.commands["reset-heading"](wire))
    assert heading_deg() == pytest.approx(0.0, abs=1e-3)
    wired.now(driver.commands["revert-heading"](wire))
    assert heading_deg() == pytest.approx(before, abs=1e-3)
    wired.now(driver.stop(wire))
    with pytest.raises(LinkError, match="it must be measuring"):
        wired.now(driver.commands["reset-heading"](wire))


def test_dot_commands_change_only_what_they_name() -> None:
    control = bytes(range(100, 132))
    for name, mask, at in (("identify", 1, 1), ("power-off", 2, 2)):
        link = FakeLink({dot.CONTROL_UUID: control})
        wired.now(dot.XsensDotDriver().commands[name](link))
        expected = bytearray(control)
        expected[0], expected[at] = mask, expected[at] | 1
        assert link.done[-1] == ("write", dot.CONTROL_UUID, bytes(expected))
    link = FakeLink()
    wired.now(dot.XsensDotDriver().commands["stop-sync"](link))
    assert link.done == [("write", dot.MESSAGE_UUID, bytes.fromhex("020102fb"))]


def test_dot_button_and_battery_are_no_samples_and_no_damage() -> None:
    wire, info = wired.connected("xsens_dot", 3)
    assert isinstance(wire.firmware, XsensDotFirmware)
    wire.clock = 2.5e6
    wire.firmware.press()
    wire.notify(dot.BATTERY_UUID, bytes([50, 0]))
    *_, report, battery = wire.packets
    assert report[0] == dot.REPORT_TAG and dot.read_report(report[1:]) == (5, 2500)
    assert battery == bytes([dot.BATTERY_TAG, 50, 0])
    assert dot.read_report(b"") == (0, None) and dot.read_report(b"\x04") == (4, None)
    samples = wired.read(info, wire.packets)
    assert len(samples.tick) == 3 and samples.bad_before == ()


SYNC_MESSAGES = {
    "0207013d69f16ecad453": (sync.START_SYNC, "3d69f16ecad4"),
    "0207 01c97a283ff0db81": (sync.START_SYNC, "c97a283ff0db"),
    "02020300f9": (sync.START_RESULT, "00"),
    "020102fb": (sync.STOP_SYNC, ""),
    "02025000ac": (sync.STOP_RESULT, "00"),
    "020108f5": (sync.GET_STATUS, ""),
    "02025104a7": (sync.STATUS, "04"),
    "02025109a2": (sync.STATUS, "09"),
}
"""Worked examples of the vendor's specification, the second of the vendor's server."""


@pytest.mark.parametrize("value", SYNC_MESSAGES)
def test_dot_worked_examples_of_synchronisation(value: str) -> None:
    kind, data = SYNC_MESSAGES[value]
    assert sync.read_message(bytes.fromhex(value)) == (kind, bytes.fromhex(data))
    assert sync.message(kind, bytes.fromhex(data)) == bytes.fromhex(value)


def test_dot_synchronisation_names_the_root_and_notices_damage() -> None:
    assert sync.start_sync("D4:CA:6E:F1:69:3D").hex() == "0207013d69f16ecad453"
    assert sync.read_message(bytes.fromhex("020102fa")) is None
    assert sync.read_message(bytes.fromhex("0207013d69")) is None
    assert sync.read_message(b"") is None


def test_dot_published_state_is_that_of_a_stopped_sensor() -> None:
    """A captured read of the measurement control: type 1, stopped, mode 4."""
    link = FakeLink({dot.MEASUREMENT_UUID: bytes.fromhex("010004")})
    wired.now(dot.XsensDotDriver().stop(link))
    assert link.done == [("read", dot.MEASUREMENT_UUID)], "nothing to stop"


@given(st.binary(max_size=40))
def test_dot_any_device_info_is_read_or_a_link_error(value: bytes) -> None:
    try:
        about = dot.read_about(value)
    except LinkError:
        assert len(value) < 34
        return
    assert about.serial and about.firmware.count(".") == 2


# --- Capture2Go ---------------------------------------------------------------------------------


def test_c2g_commands_are_those_of_the_vendors_own_packer() -> None:
    assert package(0x0160, b"\1\0").hex() == "026973bb020260010100"
    assert package(c2g.STOP_REAL_TIME).hex() == "020d1a0e78006301"
    assert package(c2g.GET_INFO).hex() == "02096be66e007000"
    assert package(c2g.START).hex() == "023d7f658c005001"
    assert package(0x0152).hex() == "02bf1d53be005201"
    now_ns = struct.pack("<q", 1_700_000_000 * 10**9)
    assert package(c2g.SET_TIME, now_ns).hex() == "02c12b8da508700100002a36fe9c9717"
    mode = package(c2g.SET_MODE, c2g.measurement_mode(packed_hz=100.0, status_s=1))
    assert mode.hex() == ("0225b7fe3e1e2001000000000000000000000200000001000000000000000000000000000001")


def test_c2g_status_is_read_as_the_vendor_reads_it() -> None:
    value = bytes.fromhex("ff02b7e6cf0913010200002a36fe9c9717020200000000000001cd5f")
    (found,) = Framer().push(value)
    assert found is not None and found.header == c2g.STATUS
    assert c2g.read_status(found.payload) == c2g.Status(streaming=True, battery_percent=77, charging=True)
    with pytest.raises(LinkError, match="status has 18 bytes"):
        c2g.read_status(found.payload[:18])


@given(unit_quaternions)
def test_c2g_orientation_comes_back(q: FloatArray) -> None:
    q = (q / np.linalg.norm(q)).reshape(1, 4)
    back, good = unpack_quaternions(pack_quaternions(q))
    assert good.all() and abs(float(np.sum(back * q))) == pytest.approx(1.0, abs=1e-10)


@given(hnp.arrays(np.uint64, (20,)))
def test_c2g_any_word_is_an_orientation_or_none(words: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> None:
    q, good = unpack_quaternions(words)
    np.testing.assert_allclose(np.linalg.norm(q[good], axis=1), 1.0, atol=1e-9)


@pytest.mark.parametrize("header", KINDS)
def test_c2g_every_kind_of_package_is_read(header: int) -> None:
    kind = KINDS[header]
    info = StreamInfo(
        "capture2go",
        kind.rate_hz or 50.0,
        has_imu=kind.has_imu,
        has_quaternion=kind.has_quaternion,
        tick_hz=1e9,
        tick_bits=0,
    )
    acc, gyr, q = wired.motion(kind.samples)
    payload = encode(kind, 10**18, q, acc if kind.has_imu else None, gyr if kind.has_imu else None)
    whole = package(header, payload)
    assert len(payload) == {0x22: 163, 0x23: 115, 0x24: 37, 0x25: 31, 0x27: 228, 0x28: 19}[header >> 4]
    real_time = header & 0xF == 7
    value = notification([whole]) if real_time else notification([], whole)
    samples = wired.read(info, [value])
    assert samples.bad_before == () and len(samples.tick) == kind.samples
    if kind.samples > 1:
        assert samples.tick.tolist() == [10**18 + round(i * 1e9 / kind.rate_hz) for i in range(kind.samples)]
    if kind.has_imu:
        assert_close(samples.acc_mps2, acc, atol=0.0025)
        assert_close(samples.gyr_radps, gyr, atol=0.0006)


@given(
    st.lists(st.binary(max_size=60), max_size=8),
    st.lists(st.integers(1, 70), min_size=1, max_size=6),
    st.binary(max_size=30),
)
def test_c2g_packages_are_found_however_the_stream_is_cut(
    payloads: list[bytes], lengths: list[int], noise: bytes
) -> None:
    """Also behind bytes that are none; and what is found does not depend on the cuts."""
    stream = noise + b"".join(package(0x0999, payload) for payload in payloads) + bytes(300)
    whole = Framer().push(notification([], stream))
    framer, pieces, at, turn = Framer(), list[Package | None](), 0, 0
    while at < len(stream):
        n = lengths[turn % len(lengths)]
        pieces += framer.push(notification([], stream[at : at + n]))
        at, turn = at + n, turn + 1
    assert pieces == whole
    found = [one.payload for one in whole if one is not None]
    assert found[-len(payloads) :] == payloads if payloads else True


def test_c2g_real_time_packages_come_before_the_stream() -> None:
    first, second = package(0x0999, b"a"), package(0x0999, b"bb")
    framer = Framer()
    found = framer.push(notification([first, second], package(0x0999, b"ccc")[:5]))
    assert [one.payload for one in found if one] == [b"a", b"bb"]
    assert framer.push(notification([], package(0x0999, b"ccc")[5:])) == [Package(0x0999, b"ccc")]
    assert framer.push(b"") == framer.push(b"\x10abc") == framer.push(b"\xfe" + first[:-1]) == [None]


# --- Movesense ----------------------------------------------------------------------------------

GSP = StreamInfo("movesense", 104.0, tick_bits=0)


def measurement(time_ms: int, samples: int = 8, most: int = 10**9) -> list[bytes]:
    acc, gyr, _ = wired.motion(samples, seed=time_ms)
    return movesense.encode(time_ms, acc, gyr, most)


def test_gsp_subscription_is_the_documented_one() -> None:
    link = FakeLink(answers=lambda _uuid, _data: [b"\x02\x05", b"\x01\x06\xc8\x00", b"\x01\x05\xc8\x00"])
    info = wired.now(movesense.MovesenseDriver().start(link))
    assert info.rate_hz == 104.0
    writes = [entry[2].hex() for entry in link.done if entry[0] == "write"]
    assert writes == ["0205", "01052f4d6561732f494d55362f313034"]


@pytest.mark.parametrize("answer", ["0105f701", "010501fb", "0105", "01059001"])
def test_gsp_a_refusal_is_told(answer: str) -> None:
    link = FakeLink(answers=lambda _uuid, _data: [bytes.fromhex(answer)])
    with pytest.raises(LinkError, match="refuses /Meas/IMU6/104"):
        wired.now(movesense.MovesenseDriver().start(link))


@given(st.lists(st.sampled_from((50, 100, 150, 151, 10**9)), min_size=3, max_size=6))
def test_gsp_it_does_not_matter_where_a_measurement_is_cut_in_two(cuts: list[int]) -> None:
    sent = [measurement(1000 + 77 * i, most=most) for i, most in enumerate(cuts)]
    plain = [measurement(1000 + 77 * i) for i in range(len(cuts))]
    got = wired.read(GSP, [part for parts in sent for part in parts])
    expected = wired.read(GSP, [part for parts in plain for part in parts])
    assert got.bad_before == () and got.tick.tolist() == expected.tick.tolist()
    assert got.acc_mps2 is not None and expected.acc_mps2 is not None
    assert got.acc_mps2.tobytes() == expected.acc_mps2.tobytes()


def test_gsp_measurements_of_another_size_are_read_when_the_next_has_come() -> None:
    packets = [part for i in range(4) for part in measurement(1000 + 58 * i, samples=6)]
    assert len(wired.read(GSP, packets).tick) == 18
    assert len(wired.read(GSP, [*packets, b"\x01\x05\xc8\x00"]).tick) == 18


def test_gsp_half_a_measurement_is_damage_and_never_read_as_a_shorter_one() -> None:
    """A first part of 148 bytes looks like 6 whole samples, its accelerations taken for rates."""
    first, second = measurement(1000, most=150)
    assert (len(first) - 6) % 24 == 0
    again = measurement(1077, most=150)
    samples = wired.read(GSP, [first, second, first, *again])
    assert len(samples.tick) == 16 and samples.bad_before == (8,)
    assert wired.read(GSP, [second, first, second]).bad_before == (0,)


def test_gsp_clock_of_32_bits_in_ms_never_wraps_for_the_core() -> None:
    times = [2**32 - 100, 2**32 - 23, 54, 131]
    samples = wired.read(GSP, [part for ms in times for part in measurement(ms)])
    assert (np.diff(samples.tick) > 0).all()
    assert samples.tick[24] - samples.tick[0] == 231_000


# --- mocopi -------------------------------------------------------------------------------------

MOCOPI = StreamInfo("mocopi", 50.0, has_imu=False, has_quaternion=True, tick_hz=1e9, tick_bits=0)


def orientations(n: int) -> FloatArray:
    angle = 0.01 * np.arange(n)
    return np.stack((np.cos(angle), np.sin(angle), 0.0 * angle, 0.0 * angle), axis=1)


def test_mocopi_commands_are_the_captured_ones() -> None:
    link = FakeLink()
    wired.now(mocopi.MocopiDriver().start(link))
    wired.now(mocopi.MocopiDriver().stop(link))
    writes = [entry[2].hex() for entry in link.done if entry[0] == "write"]
    assert writes == ["7e0318d6010000", "7e0318d6000000"]


@given(st.sets(st.integers(45, 95), max_size=20))
def test_mocopi_single_losses_are_repaired_and_longer_ones_shortened(lost: set[int]) -> None:
    q = orientations(100)
    packets = [
        mocopi.encode(mocopi.PERIOD_NS * i, q[i], q[max(0, i - 1)]) for i in range(100) if i not in lost
    ]
    samples = wired.read(MOCOPI, packets)
    number = (samples.tick // mocopi.PERIOD_NS).tolist()
    missing = {i for i in lost if i + 1 in lost}
    assert number == [i for i in range(40, 100) if i not in missing]
    assert samples.bad_before == () and samples.q_earth_from_sensor is not None
    assert_close(samples.q_earth_from_sensor, q[number], atol=1.3e-4)


def test_mocopi_what_is_sent_while_it_settles_is_neither_sample_nor_damage() -> None:
    q = orientations(50)
    samples = wired.read(MOCOPI, [mocopi.encode(mocopi.PERIOD_NS * i, q[i], q[i]) for i in range(50)])
    assert len(samples.tick) == 10 and samples.bad_before == ()
