"""A virtual Xsens DOT (firmware-notes/xsens-dot.md)."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

from hipturn.core import quaternion
from hipturn.drivers import xsens_dot as dot
from hipturn.drivers.xsens_dot_modes import MEDIUM, MODES, SHORT, encode
from hipturn.model import FloatArray
from hipturn.sources.virtual import devices
from hipturn.sources.virtual.devices import (
    Advertised,
    Board,
    Characteristic,
    Notification,
    Refused,
    Service,
    Taken,
    Traits,
)
from hipturn.units import DEG_PER_RAD, STANDARD_GRAVITY_MPS2

TRAITS = Traits(
    local_name="Movella DOT",
    rate_hz=dot.RATE_HZ,
    slowest_hz=dot.RATE_HZ,
    fastest_hz=dot.RATE_HZ,
    longest_name=20,
    outward_normal_sensor=(0.0, 0.0, 1.0),
)
RATES_HZ = (1, 4, 10, 12, 15, 20, 30, 60)
CONFIGURATION_UUID, MEASUREMENT_SERVICE_UUID, BATTERY_SERVICE_UUID, MESSAGE_SERVICE_UUID = (
    dot.INFO_UUID.replace("15171001", f"1517{short}") for short in ("1000", "2000", "3000", "7000")
)
FIRMWARE = (3, 0, 0)
SERIAL = 0xD0_7000_0000
FOUND_IN_MODE = 4
"""The mode another program has left it in, if it is found measuring: Euler angles."""
ORIENTATION_MODES = [number for number, mode in MODES.items() if mode.has_quaternion]


class XsensDotFirmware:
    """Measures in every mode that can be read; goes on measuring when the link is lost."""

    mtu = 247
    samples_per_packet = 1

    def __init__(self, board: Board) -> None:
        self._board = board
        self.rate_hz = board.rate_hz
        self._mode = FOUND_IN_MODE
        self._measuring = board.already_measuring
        self._heading = quaternion.from_rotation_vector(np.zeros(3))
        self._heading_done = False
        self._last_q: FloatArray | None = None
        tag = board.name.encode()[:16]
        self._control = bytearray(struct.pack("<8B16sHB5x", 0, 0, 0, 10, 0, 30, 0, len(tag), tag, 60, 0))

    def advertised(self) -> Advertised:
        """Return the vendor's company number (note §1)."""
        return Advertised(manufacturer_data={dot.COMPANY: b""})

    def services(self) -> Sequence[Service]:
        """Return the table of note §1."""
        charge = Characteristic(
            dot.BATTERY_UUID, read=lambda: bytes([self._board.battery_percent, 0]), notify=True
        )
        return [
            Service(
                CONFIGURATION_UUID,
                [
                    Characteristic(dot.INFO_UUID, read=self._about),
                    Characteristic(
                        dot.CONTROL_UUID, read=lambda: bytes(self._control), write=self._configure
                    ),
                    Characteristic(dot.REPORT_UUID, notify=True),
                ],
            ),
            Service(
                MEASUREMENT_SERVICE_UUID,
                [
                    Characteristic(dot.MEASUREMENT_UUID, read=self._state, write=self._measure),
                    *(Characteristic(uuid, notify=True) for uuid in dot.PAYLOAD_UUIDS.values()),
                    Characteristic(dot.HEADING_UUID, read=lambda: bytes(2), write=self._set_heading),
                    Characteristic(dot.HEADING_STATUS_UUID, read=lambda: bytes([self._heading_done])),
                ],
            ),
            Service(BATTERY_SERVICE_UUID, [charge]),
            Service(MESSAGE_SERVICE_UUID, [Characteristic(dot.MESSAGE_UUID, write=lambda _message: None)]),
        ]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return one notification in the mode that was asked for."""
        mode = MODES[self._mode]
        self._last_q = taken.q_earth_from_sensor[-1]
        q = quaternion.multiply(self._heading, self._last_q)
        acc = taken.acc_mps2[-1]
        step = taken.gyr_radps[-1] / self.rate_hz
        values: Mapping[str, FloatArray] = {
            "quat": q,
            "euler": to_euler(q) * DEG_PER_RAD,
            "free_acc": quaternion.rotate(q, acc) - np.array((0.0, 0.0, STANDARD_GRAVITY_MPS2)),
            "acc": acc,
            "gyr": taken.gyr_radps[-1] * DEG_PER_RAD,
            "dq": quaternion.from_rotation_vector(step),
            "dv": acc / self.rate_hz,
        }
        return [(dot.PAYLOAD_UUIDS[mode.length], encode(self._mode, round(taken.tick_us), values))]

    def unlinked(self) -> None:
        """Go on measuring (note §6): the next host finds it so."""

    def press(self) -> None:
        """Report the button (note §2)."""
        clock_ms = int(self._board.clock_us() / 1000.0) & 0xFFFFFFFF
        self._board.notify(dot.REPORT_UUID, struct.pack("<BBI", 5, 4, clock_ms))

    def _about(self) -> bytes:
        return struct.pack("<6s3BH5BIQ6s", bytes(6), *FIRMWARE, 2024, 1, 1, 0, 0, 0, 0, SERIAL, b"XS-T02")

    def _state(self) -> bytes:
        return bytes([1, self._measuring, self._mode])

    def _measure(self, value: bytes) -> None:
        """Start or stop (note §6): a mode can be changed only when stopped."""
        if len(value) != 3:
            raise Refused(devices.INVALID_LENGTH)
        _, action, mode = value
        if action == dot.STOP:
            self._measuring = False
            self._board.stop()
        elif mode not in MODES:
            raise Refused(devices.NOT_ALLOWED)
        elif not self._measuring:
            if MODES[mode].length not in (SHORT, MEDIUM) and self._board.att_mtu < MODES[mode].length + 3:
                raise Refused(devices.INSUFFICIENT_RESOURCES)
            self._measuring, self._mode = True, mode
            self._board.start()
        elif mode == self._mode:
            self._board.start()

    def _configure(self, value: bytes) -> None:
        """Take what the visit mask names (note §5)."""
        if len(value) != len(self._control):
            raise Refused(devices.INVALID_LENGTH)
        (rate_hz,) = struct.unpack_from("<H", value, dot.RATE_AT)
        if value[0] & dot.SET_RATE:
            if self._measuring or rate_hz not in RATES_HZ:
                raise Refused(devices.NOT_ALLOWED)
            self.rate_hz = float(rate_hz)
            self._control[dot.RATE_AT : dot.RATE_AT + 2] = value[dot.RATE_AT : dot.RATE_AT + 2]
        if value[0] & dot.IDENTIFY:
            self._control[1] = value[1]

    def _set_heading(self, value: bytes) -> None:
        """Turn the heading to 0 as it is now, or back (note §5)."""
        if len(value) != 2:
            raise Refused(devices.INVALID_LENGTH)
        self._heading_done = self._measuring and self._mode in ORIENTATION_MODES and self._last_q is not None
        if self._heading_done and self._last_q is not None:
            yaw = to_euler(self._last_q)[2] if value[0] == 1 else 0.0
            self._heading = quaternion.from_rotation_vector(np.array((0.0, 0.0, -yaw)))


def to_euler(q: FloatArray) -> FloatArray:
    """Return roll, pitch and yaw, rad, shape (3,), of one quaternion; see `xsens_dot.from_euler`."""
    w, x, y, z = q.tolist()
    return np.array(
        (
            np.arctan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y)),
            np.arcsin(np.clip(2.0 * (w * y - z * x), -1.0, 1.0)),
            np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)),
        )
    )


def firmware(board: Board) -> XsensDotFirmware:
    """Return the firmware, just switched on."""
    return XsensDotFirmware(board)
