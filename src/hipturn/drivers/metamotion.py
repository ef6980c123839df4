"""MbientLab MetaMotion: its own orientation, or acceleration and rate (firmware-notes/metamotion.md)."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from hipturn.drivers import Advertisement, Command, Decode, Driver, Link, nothing
from hipturn.drivers.pairing import Pairing
from hipturn.drivers.rows import kept, unit, within
from hipturn.errors import LinkError
from hipturn.model import BoolArray, ByteArray, FloatArray, Packets, RawSamples, StreamInfo
from hipturn.units import RAD_PER_DEG, STANDARD_GRAVITY_MPS2


def _uuid(short: int) -> str:
    return f"326a{short:04x}-85cb-9195-d9dd-464cfbbae75a"


SERVICE_UUID, COMMAND_UUID, NOTIFY_UUID = _uuid(0x9000), _uuid(0x9001), _uuid(0x9006)

SWITCH, ACC, GYR, FUSION = 0x01, 0x03, 0x13, 0x19
"""Modules."""
QUATERNION = 0x07
ANSWER = 0x80
"""Note §2: set in the register of what answers a read."""
PACKED_ACC = {1: 0x1C, 4: 0x05}
PACKED_GYR = {0: 0x07, 1: 0x05}
"""Note §4: register of three samples in one notification, by what the module says it is."""
SAMPLES = 3
PACKED_SIZE, QUATERNION_SIZE, SWITCH_SIZE = 2 + 6 * SAMPLES, 18, 3
BLINK, PLAY = bytes.fromhex("020302021f00 0000 fa00 0000 f401 0000 0a"), bytes.fromhex("020101")
"""Note §6: blue, on for 250 of 500 ms, ten times."""

RATE_HZ = 100.0
RANGE_G, RANGE_DPS = 16, 2000
ACC_MPS2_PER_LSB = RANGE_G * STANDARD_GRAVITY_MPS2 / 32768.0
GYR_RADPS_PER_LSB = RAD_PER_DEG / 16.4
UNIT_WITHIN = 0.02


def encode(q_earth_from_sensor: FloatArray) -> bytes:
    """Return the notification of one orientation (note §3)."""
    return bytes([FUSION, QUATERNION]) + np.asarray(q_earth_from_sensor, "<f4").tobytes()


def encode_packed(acc_mps2: FloatArray, gyr_radps: FloatArray, bmi270: bool = False) -> list[bytes]:
    """Return the two notifications of three samples (note §4); values beyond the range saturate."""
    heads = (ACC, PACKED_ACC[4 if bmi270 else 1]), (GYR, PACKED_GYR[1 if bmi270 else 0])
    scaled = acc_mps2 / ACC_MPS2_PER_LSB, gyr_radps / GYR_RADPS_PER_LSB
    return [
        bytes(head) + np.clip(np.rint(lsb), -32768, 32767).astype("<i2").tobytes()
        for head, lsb in zip(heads, scaled, strict=True)
    ]


def counts(data: ByteArray) -> FloatArray:
    """Return the samples of raw notifications of n packets, one or three in each; shape (n, samples, 3)."""
    body = np.ascontiguousarray(data[:, 2:]).view("<i2").astype(np.float64)
    return body.reshape(len(data), -1, 3)


def _aside(packets: Packets) -> BoolArray:
    """Return which packets answer a read, or tell of the button: they hold no samples."""
    data = packets.data
    if data.shape[1] < 2:
        return np.zeros(len(data), np.bool_)
    answers = (data[:, 1] >= ANSWER) & (data[:, 0] <= FUSION)
    return np.asarray(answers | ((data[:, 0] == SWITCH) & (data.shape[1] == SWITCH_SIZE)))


def _pressed(packets: Packets) -> BoolArray:
    """Return which packets tell that the button went down."""
    data = packets.data
    if data.shape[1] != SWITCH_SIZE:
        return np.zeros(len(data), np.bool_)
    return np.asarray((data[:, 0] == SWITCH) & (data[:, 1] == 1) & (data[:, 2] == 1))


def _orientations(packets: Packets, info: StreamInfo) -> RawSamples:
    """Turn notifications of the fusion module into samples; what cannot be read is counted."""
    data, aside = packets.data, _aside(packets)
    q, good = np.zeros((len(data), 4)), np.zeros(len(data), np.bool_)
    if data.shape[1] == QUATERNION_SIZE:
        with np.errstate(invalid="ignore"):
            q = np.ascontiguousarray(data[:, 2:]).view("<f4").astype(np.float64)
        sound = within(q, 2.0) & (data[:, 0] == FUSION) & (data[:, 1] == QUATERNION)
        q, good = unit(np.where(sound[:, None], q, 0.0), UNIT_WITHIN)
    tick = np.zeros(len(data), np.int64)
    pressed = _pressed(packets)
    return kept(info, good, tick, packets.at_ns, q_earth_from_sensor=q, aside=aside, pressed=pressed)


class _Imu:
    """Acceleration and rate of one link."""

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._pairing = Pairing(info, SAMPLES)

    def __call__(self, packets: Packets) -> RawSamples:
        """See `Driver.decoder`."""
        data, aside = packets.data, _aside(packets)
        if data.shape[1] != PACKED_SIZE:
            told = nothing(self._info, int((~aside).sum()))
            return replace(told, pressed_before=(0,) * int(_pressed(packets).sum()))
        module, register = data[:, 0], data[:, 1]
        is_acc = (module == ACC) & np.isin(register, list(PACKED_ACC.values()))
        is_gyr = (module == GYR) & np.isin(register, list(PACKED_GYR.values()))
        scale = np.where(is_acc, ACC_MPS2_PER_LSB, GYR_RADPS_PER_LSB)[:, None, None]
        return self._pairing.push(packets.at_ns, counts(data) * scale, is_acc, is_gyr, aside)


STOP: Sequence[bytes] = tuple(
    map(
        bytes.fromhex,
        (
            "190100", "1903007f", "030100", "130100", "03020001", "13020001",
            "010100", "190700", "031c00", "030500", "130700", "130500",
        ),
    )
)  # fmt: skip
"""Note §5: fusion, accelerometer and gyroscope at rest, and nothing notified."""


class MetaMotionDriver(Driver):
    """MetaMotion R, RL, C and S: on-board fusion by default, or raw acceleration and rate."""

    name = "metamotion"
    title = "MbientLab MetaMotion"
    trust = (
        "vendor's SDK and its tests, two independent libraries; one captured packet, of acceleration; "
        "commands of boards with BMI270 from the SDK's source alone"
    )
    untried = "everything; doubtful: directions of the case's axes, boards with BMI270"

    def __init__(self, raw: bool = False) -> None:
        self._raw = raw

    def matches(self, seen: Advertisement) -> bool:
        """Return whether the device advertises the vendor's service or has its usual name."""
        return SERVICE_UUID in seen.service_uuids or seen.name == "MetaWear"

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        if info.has_imu == info.has_quaternion:
            return lambda packets: nothing(info, len(packets.at_ns))
        return _Imu(info) if info.has_imu else partial(_orientations, info=info)

    async def start(self, link: Link) -> StreamInfo:
        """Stop what may still run, ask what the board has, configure, start; see note §5."""
        await link.subscribe(NOTIFY_UUID)
        await self.stop(link)
        acc, gyr = await _implementation(link, ACC), await _implementation(link, GYR)
        if acc not in PACKED_ACC or gyr not in PACKED_GYR:
            raise LinkError(
                f"the board has an accelerometer of kind {acc} and a gyroscope of kind {gyr}: "
                "this driver knows boards with BMI160 or BMI270"
            )
        acc_config = "0303280c" if acc == 1 else "0303a803"
        notify = [bytes([ACC, PACKED_ACC[acc], 1]).hex(), bytes([GYR, PACKED_GYR[gyr], 1]).hex()]
        modules = ["03020100", "13020100", "030101", "130101"]
        if self._raw:
            sequence = [acc_config, "13032800", *notify, *modules]
        else:
            # mode 2: without the compass, which iron in the room would pull at
            sequence = ["19020213", acc_config, "13032800", "190701", *modules, "19030800", "190101"]
        for step in ["010101", *sequence]:
            await link.write(COMMAND_UUID, bytes.fromhex(step))
        return StreamInfo(self.name, RATE_HZ, self._raw, not self._raw, tick_hz=0.0, tick_bits=0)

    async def stop(self, link: Link) -> None:
        """Leave everything at rest: a board left streaming goes on for ever."""
        for step in STOP:
            await link.write(COMMAND_UUID, step)

    measuring_only = frozenset({"reset-heading"})
    commands: Mapping[str, Command] = {
        "identify": lambda link: _blink(link),
        "reset-heading": lambda link: link.write(COMMAND_UUID, bytes.fromhex("190f01")),
    }


async def _blink(link: Link) -> None:
    await link.write(COMMAND_UUID, BLINK)
    await link.write(COMMAND_UUID, PLAY)


async def _implementation(link: Link, module: int) -> int | None:
    """Return what a module says it is (note §2), None if it is not there."""
    head = bytes([module, ANSWER])
    answer = b""
    with contextlib.suppress(LinkError):
        answer = await link.ask(COMMAND_UUID, head, lambda value: value[:2] == head)
    return answer[2] if len(answer) > 2 else None


def driver() -> MetaMotionDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return MetaMotionDriver()
