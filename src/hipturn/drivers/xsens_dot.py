"""Xsens DOT, today Movella DOT: orientation, acceleration and rate at 60 Hz (firmware-notes/xsens-dot.md)."""

import contextlib
import struct
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hipturn.core import quaternion
from hipturn.drivers import Advertisement, Decode, Driver, Link, percent
from hipturn.drivers import xsens_dot_sync as sync
from hipturn.drivers.rows import kept, unit, within
from hipturn.drivers.xsens_dot_modes import LONG, MEDIUM, MODES, SHORT, layout
from hipturn.errors import LinkError
from hipturn.model import BoolArray, ByteArray, FloatArray, Packets, RawSamples, StreamInfo
from hipturn.units import RAD_PER_DEG, STANDARD_GRAVITY_MPS2


def _uuid(short: int) -> str:
    return f"1517{short:04x}-4947-11e9-8646-d663bd873d93"


INFO_UUID, CONTROL_UUID, REPORT_UUID = _uuid(0x1001), _uuid(0x1002), _uuid(0x1004)
MEASUREMENT_UUID = _uuid(0x2001)
PAYLOAD_UUIDS = {LONG: _uuid(0x2002), MEDIUM: _uuid(0x2003), SHORT: _uuid(0x2004)}
HEADING_UUID, HEADING_STATUS_UUID = _uuid(0x2006), _uuid(0x2007)
BATTERY_UUID = _uuid(0x3001)
MESSAGE_UUID = _uuid(0x7001)

NAMES = ("Xsens DOT", "Movella DOT")
COMPANY = 0x0886
RATE_HZ = 60.0
"""Note §5: the fastest it streams."""
REPORT_TAG, BATTERY_TAG = 0xF1, 0xF2
"""Tags of packets that hold no samples; those that do are tagged with their mode."""

PRESSED = 5
"""Note §2: the type of a report about the button."""
START, STOP = 1, 0
IDENTIFY, POWER_OFF, SET_RATE = 0x01, 0x02, 0x10
"""Note §5: bits of the control's first byte."""
RATE_AT = 24
CONTROL_LENGTH, INFO_LENGTH = 32, 34

MOST_ACC_MPS2, MOST_GYR_RADPS = 17.0 * STANDARD_GRAVITY_MPS2, 2200.0 * RAD_PER_DEG
"""Its ranges are ±16 g and ±2000 °/s; calibration may add a little."""
UNIT_WITHIN = 0.01


def decode(packets: Packets, info: StreamInfo) -> RawSamples:
    """Turn tagged notifications into samples; what cannot be read is counted. Layout: note §3 and §4."""
    count, size = packets.data.shape
    tick = np.zeros(count, np.int64)
    acc, gyr, q = np.zeros((count, 3)), np.zeros((count, 3)), np.zeros((count, 4))
    good, aside, pressed = np.zeros((3, count), np.bool_)
    tags = packets.data[:, 0] if size else np.empty(0, np.uint8)
    for tag in np.unique(tags).tolist():
        there = tags == tag
        if tag in (REPORT_TAG, BATTERY_TAG):
            aside |= there
            if tag == REPORT_TAG and size > 1:
                pressed |= there & (packets.data[:, 1] == PRESSED)
        elif _carries(tag, size, info):
            rows = _rows(packets.data[there], tag)
            tick[there] = rows["tick"]
            good[there] = True
            if info.has_imu:
                acc[there], gyr[there], sound = _imu(rows, info.rate_hz)
                good[there] &= sound
            if info.has_quaternion:
                q[there], sound = _orientation(rows)
                good[there] &= sound
    return kept(
        info,
        good,
        tick,
        packets.at_ns,
        acc_mps2=acc,
        gyr_radps=gyr,
        q_earth_from_sensor=q,
        aside=aside,
        pressed=pressed,
    )


def _carries(mode: int, size: int, info: StreamInfo) -> bool:
    """Return whether packets of this mode and size hold what was agreed."""
    return (
        mode in MODES
        and size >= layout(mode).itemsize
        and MODES[mode].has_imu >= info.has_imu
        and MODES[mode].has_quaternion >= info.has_quaternion
    )


def _rows(data: ByteArray, mode: int) -> NDArray[np.void]:
    used = np.ascontiguousarray(data[:, : layout(mode).itemsize])
    return used.view(layout(mode))[:, 0]


def _imu(rows: NDArray[np.void], rate_hz: float) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return acceleration, rate, and which rows a sensor can have sent."""
    with np.errstate(invalid="ignore", over="ignore"):
        if "acc" in (rows.dtype.names or ()):
            acc, gyr = rows["acc"].astype(np.float64), rows["gyr"].astype(np.float64) * RAD_PER_DEG
            whole: BoolArray = np.ones(len(rows), np.bool_)
        else:
            # strapdown increments over one sample's time
            dq, whole = unit(rows["dq"].astype(np.float64), UNIT_WITHIN)
            acc = rows["dv"].astype(np.float64) * rate_hz
            gyr = quaternion.to_rotation_vector(np.where(whole[:, None], dq, [1.0, 0.0, 0.0, 0.0])) * rate_hz
        return acc, gyr, whole & within(acc, MOST_ACC_MPS2) & within(gyr, MOST_GYR_RADPS)


def _orientation(rows: NDArray[np.void]) -> tuple[FloatArray, BoolArray]:
    """Return q_earth_from_sensor and which rows have one."""
    with np.errstate(invalid="ignore", over="ignore"):
        if "quat" in (rows.dtype.names or ()):
            return unit(rows["quat"].astype(np.float64), UNIT_WITHIN)
        euler = rows["euler"].astype(np.float64)
        good = within(euler, 180.01)
        return from_euler(np.where(good[:, None], euler, 0.0) * RAD_PER_DEG), good


def from_euler(euler_rad: FloatArray) -> FloatArray:
    """Return the quaternions of roll, pitch and yaw about x, y and z: yaw first, then pitch, then roll."""

    def about(axis: int) -> FloatArray:
        q = np.zeros((len(euler_rad), 4))
        q[:, 0], q[:, 1 + axis] = np.cos(0.5 * euler_rad[:, axis]), np.sin(0.5 * euler_rad[:, axis])
        return q

    return quaternion.multiply(about(2), quaternion.multiply(about(1), about(0)))


@dataclass(frozen=True, slots=True)
class About:
    """What the device info tells (note §2)."""

    serial: str
    firmware: str
    product: str


def read_about(value: bytes) -> About:
    """Return the device info; raise `LinkError` if it is too short."""
    if len(value) < INFO_LENGTH:
        raise LinkError(
            f"the sensor's device info has {len(value)} bytes, not {INFO_LENGTH}: update its firmware"
        )
    (serial,) = struct.unpack_from("<Q", value, 20)
    product = value[28:34].decode("ascii", errors="replace").rstrip("\0")
    return About(f"{serial:X}", ".".join(map(str, value[6:9])), product)


def read_report(value: bytes) -> tuple[int, int | None]:
    """Return a report's type (1 power off, 4 power saving, 5 button) and the clock in ms, if it has one."""
    time_ms = int.from_bytes(value[2:6], "little") if len(value) >= 6 and value[1] >= 4 else None
    return (value[0] if value else 0), time_ms


class XsensDotDriver(Driver):
    """Xsens DOT and Movella DOT, both versions."""

    name = "xsens_dot"
    title = "Xsens DOT / Movella DOT"
    trust = (
        "vendor's BLE specification; captured packets of modes 4 and 22; layout of mode 26 from three "
        "independent programs"
    )
    untried = (
        "everything; doubtful: layout of mode 26, unit of the rate (°/s by specification), which side of "
        "the case z points out of"
    )
    rates_hz = (RATE_HZ, 30.0, 20.0)
    preferred = (26, 21)
    """Modes in the order they are tried: all there is in one packet, then what older firmware has."""

    def matches(self, seen: Advertisement) -> bool:
        """Return whether name or manufacturer is that of a DOT."""
        return seen.name.startswith(NAMES) or COMPANY in seen.manufacturer_data

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        return partial(decode, info=info)

    async def start(self, link: Link) -> StreamInfo:
        """Stop what may still run, set the rate, subscribe, start; see note §5 and §6."""
        about = read_about(await link.read(INFO_UUID))
        # it goes on measuring after a lost link, and takes no other mode meanwhile
        await self._stop_running(link)
        control = await _control(link)
        rate_hz = self.rate_hz or RATE_HZ
        if control[RATE_AT : RATE_AT + 2] != int(rate_hz).to_bytes(2, "little"):
            control[RATE_AT : RATE_AT + 2] = int(rate_hz).to_bytes(2, "little")
            await _write_control(link, control, SET_RATE)
        mode = await self._start_a_mode(link)
        # not needed to measure, but worth a place in the recording
        with contextlib.suppress(LinkError):
            await link.subscribe(REPORT_UUID, bytes([REPORT_TAG]))
            await link.subscribe(BATTERY_UUID, bytes([BATTERY_TAG]))
        return StreamInfo(
            driver=self.name,
            rate_hz=rate_hz,
            has_imu=MODES[mode].has_imu,
            has_quaternion=MODES[mode].has_quaternion,
            outward_normal_sensor=(0.0, 0.0, 1.0),
            name=bytes(control[8:24][: control[7]]).decode("utf-8", errors="replace").rstrip("\0"),
            serial=about.serial,
            firmware=about.firmware,
        )

    async def stop(self, link: Link) -> None:
        """Leave the sensor connected but not measuring."""
        await self._stop_running(link)

    async def battery(self, link: Link) -> int | None:
        """Return the charge in percent: the DOT has a battery service of its own."""
        return percent(await link.read(BATTERY_UUID))

    async def _stop_running(self, link: Link) -> None:
        state = await link.read(MEASUREMENT_UUID)
        if len(state) == 3 and state[1] == START:
            await link.write(MEASUREMENT_UUID, bytes([1, STOP, state[2]]))

    async def _start_a_mode(self, link: Link) -> int:
        """Return the first preferred mode that the sensor says it measures in."""
        why = "it stays in another mode"
        for mode in self.preferred:
            wanted = bytes([1, START, mode])
            try:
                await link.subscribe(PAYLOAD_UUIDS[MODES[mode].length], bytes([mode]))
                await link.write(MEASUREMENT_UUID, wanted)
                if await link.read(MEASUREMENT_UUID) == wanted:
                    return mode
            except LinkError as error:
                why = str(error)
        modes = " nor ".join(map(str, self.preferred))
        raise LinkError(f"the sensor measures neither in mode {modes} ({why}): switch it off and on")

    measuring_only = frozenset({"reset-heading", "revert-heading", "default-heading"})
    commands = {  # noqa: RUF012  typed in Driver
        "identify": lambda link: _tell(link, IDENTIFY, at=1),
        "power-off": lambda link: _tell(link, POWER_OFF, at=2),
        "reset-heading": lambda link: _heading(link, 1),
        "revert-heading": lambda link: _heading(link, 7),
        "default-heading": lambda link: _heading(link, 8),
        "stop-sync": lambda link: link.write(MESSAGE_UUID, sync.message(sync.STOP_SYNC)),
    }


async def _control(link: Link) -> bytearray:
    control = bytearray(await link.read(CONTROL_UUID))
    if len(control) < CONTROL_LENGTH:
        raise LinkError(
            f"the sensor's control has {len(control)} bytes, not {CONTROL_LENGTH}: update its firmware"
        )
    return control


async def _write_control(link: Link, control: bytearray, changed: int) -> None:
    control[0] = changed
    await link.write(CONTROL_UUID, bytes(control))


async def _tell(link: Link, changed: int, at: int) -> None:
    """Set the lowest bit of one of the control's bytes."""
    control = await _control(link)
    control[at] |= 1
    await _write_control(link, control, changed)


async def _heading(link: Link, what: int) -> None:
    """Reset, revert or default the heading; only while an orientation is measured."""
    await link.write(HEADING_UUID, what.to_bytes(2, "little"))
    if await link.read(HEADING_STATUS_UUID) != b"\1":
        raise LinkError(
            "the sensor has not changed its heading: it must be measuring, and reverted before a reset"
        )


def driver() -> XsensDotDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return XsensDotDriver()
