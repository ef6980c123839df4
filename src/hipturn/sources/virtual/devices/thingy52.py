"""A virtual Nordic Thingy:52 (firmware-notes/thingy52.md)."""

from collections.abc import Sequence

import numpy as np

from hipturn.drivers import thingy52
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
from hipturn.units import STANDARD_GRAVITY_MPS2

TRAITS = Traits(local_name="Thingy", rate_hz=200.0, slowest_hz=200.0, fastest_hz=200.0, longest_name=8)
ANOTHER_CONFIG = thingy52.CONFIG.pack(1000, 500, 500, 200, 1)
"""What another program has left in its flash."""
DEFAULT_CONFIG = thingy52.CONFIG.pack(1000, 500, 500, 10, 1)
LED_LENGTHS = {0: 1, 1: 4, 2: 5, 3: 3}
"""Bytes the LED takes by mode: off, constant, breathing, once."""
FULL_SCALE_MPS2 = 2.0 * STANDARD_GRAVITY_MPS2
"""Its accelerometer's, as far as is known."""


class Thingy52Firmware:
    """Streams what somebody subscribes to, at the rate in its configuration."""

    mtu = 247
    samples_per_packet = 1

    def __init__(self, board: Board) -> None:
        self._board = board
        self._config = ANOTHER_CONFIG if board.already_measuring else DEFAULT_CONFIG
        self._raw = self._quaternion = False
        self.led = b""
        """What the LED was last told."""

    @property
    def rate_hz(self) -> float:
        """Samples a second: a whole fraction of 200."""
        wanted = float(thingy52.CONFIG.unpack(self._config)[3])
        return self._board.rate_hz / max(1, round(self._board.rate_hz / wanted))

    def advertised(self) -> Advertised:
        """Return the configuration service, by which the driver knows it (note §1)."""
        return Advertised(service_uuids=(thingy52.SERVICE_UUID,))

    def services(self) -> Sequence[Service]:
        """Return the table of note §1."""
        version = Characteristic(thingy52.VERSION_UUID, read=lambda: bytes([2, 2, 0]))
        motion = [
            Characteristic(thingy52.CONFIG_UUID, read=lambda: self._config, write=self._configure),
            Characteristic(thingy52.RAW_UUID, notify=True, subscribed=self._listen_raw),
            Characteristic(thingy52.QUATERNION_UUID, notify=True, subscribed=self._listen_quaternion),
        ]
        return [
            Service(thingy52.SERVICE_UUID, [version]),
            Service(thingy52.MOTION_SERVICE_UUID, motion),
            Service(
                thingy52.USER_SERVICE_UUID,
                [
                    Characteristic(thingy52.LED_UUID, write=self._shine),
                    Characteristic(thingy52.BUTTON_UUID, notify=True),
                ],
            ),
            devices.battery(self._board),
        ]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return one sample of what is subscribed to (note §3)."""
        sent: list[Notification] = []
        if self._raw:
            acc = np.clip(taken.acc_mps2[0], -FULL_SCALE_MPS2, FULL_SCALE_MPS2)
            sent.append((thingy52.RAW_UUID, thingy52.encode(acc, taken.gyr_radps[0])))
        if self._quaternion:
            sent.append((thingy52.QUATERNION_UUID, thingy52.encode_quaternion(taken.q_earth_from_sensor[0])))
        return sent

    def unlinked(self) -> None:
        """Forget the subscriptions."""
        self._raw = self._quaternion = False

    def press(self) -> None:
        """Press and release the button (note §2)."""
        self._board.notify(thingy52.BUTTON_UUID, b"\x01")
        self._board.notify(thingy52.BUTTON_UUID, b"\x00")

    def _shine(self, value: bytes) -> None:
        if not value or len(value) != LED_LENGTHS.get(value[0]):
            raise Refused(devices.INVALID_LENGTH)
        self.led = value

    def _configure(self, value: bytes) -> None:
        if len(value) != thingy52.CONFIG.size:
            raise Refused(devices.INVALID_LENGTH)
        step, temperature, compass, rate_hz, _ = thingy52.CONFIG.unpack(value)
        if not (100 <= step <= 5000 and 100 <= temperature <= 5000 and 100 <= compass <= 1000):
            raise Refused(devices.NOT_ALLOWED)
        if not 5 <= rate_hz <= 200:
            raise Refused(devices.NOT_ALLOWED)
        self._config = value

    def _listen_raw(self, on: bool) -> None:
        self._raw = on
        self._go()

    def _listen_quaternion(self, on: bool) -> None:
        self._quaternion = on
        self._go()

    def _go(self) -> None:
        if self._raw or self._quaternion:
            self._board.start()
        else:
            self._board.stop()


def firmware(board: Board) -> Thingy52Firmware:
    """Return the firmware, just switched on."""
    return Thingy52Firmware(board)
