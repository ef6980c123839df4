"""A virtual WitMotion sensor with Bluetooth 5 (firmware-notes/witmotion.md)."""

from collections.abc import Sequence

from hipturn.drivers import witmotion as wit
from hipturn.sources.virtual.devices import (
    Advertised,
    Board,
    Characteristic,
    Notification,
    Service,
    Taken,
    Traits,
)

TRAITS = Traits(
    local_name="WT901BLE67",
    rate_hz=100.0,
    slowest_hz=100.0,
    fastest_hz=100.0,
    longest_name=26,
    outward_normal_sensor=(0.0, 0.0, 1.0),
)
USUAL_RATE, FASTEST = 6, 9
"""Codes: 10 Hz after it is switched on, and 100 Hz, which this one samples at."""


class WitMotionFirmware:
    """Streams to whoever has subscribed; takes a new rate only when unlocked."""

    mtu = 247
    samples_per_packet = 1

    def __init__(self, board: Board) -> None:
        self._board = board
        self.rate_hz = board.rate_hz
        self._unlocked = False
        self._code = 5 if board.already_measuring else USUAL_RATE
        self._number = 0

    def advertised(self) -> Advertised:
        """Return nothing: it is known by its name (note §1)."""
        return Advertised()

    def services(self) -> Sequence[Service]:
        """Return the table of note §1."""
        both = [
            Characteristic(wit.NOTIFY_UUID, notify=True, subscribed=self._listen),
            Characteristic(wit.WRITE_UUID, write=self._command),
        ]
        return [Service(wit.SERVICE_UUID, both)]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return a frame if one is due at the rate set (note §2)."""
        self._number += 1
        if self._number % round(self.rate_hz / wit.RATES[self._code]):
            return []
        return [(wit.NOTIFY_UUID, wit.encode(taken.acc_mps2[0], taken.gyr_radps[0]))]

    def unlinked(self) -> None:
        """Lock again."""
        self._unlocked = False

    def _listen(self, on: bool) -> None:
        if on:
            self._board.start()
        else:
            self._board.stop()

    def _command(self, value: bytes) -> None:
        """Do what note §3 says; whatever else is ignored, as the device does."""
        if value == wit.UNLOCK:
            self._unlocked = True
        elif len(value) == 5 and value[:3] == wit.command(wit.RATE, 0)[:3]:
            code = int.from_bytes(value[3:], "little")
            if self._unlocked and code in wit.RATES and code <= FASTEST:
                self._code = code
        elif len(value) == 5 and value[:3] == wit.read_command(0)[:3]:
            self._board.notify(wit.NOTIFY_UUID, self._answer(int.from_bytes(value[3:], "little")))

    def _answer(self, register: int) -> bytes:
        match register:
            case wit.RATE:
                return wit.encode_registers(register, self._code)
            case wit.BATTERY:
                charge = self._board.battery_percent
                levels = (*wit.CHARGES, (330, 0))
                _, centivolt = min((abs(percent - charge), least) for least, percent in levels)
                return wit.encode_registers(register, centivolt)
        return wit.encode_registers(register)


def firmware(board: Board) -> WitMotionFirmware:
    """Return the firmware, just switched on."""
    return WitMotionFirmware(board)
