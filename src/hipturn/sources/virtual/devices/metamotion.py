"""A virtual MbientLab MetaMotion with BMI160 (firmware-notes/metamotion.md)."""

from collections.abc import Sequence

import numpy as np

from hipturn.drivers import metamotion as mm
from hipturn.model import FloatArray
from hipturn.sources.virtual import devices
from hipturn.sources.virtual.devices import (
    Advertised,
    Board,
    Characteristic,
    Notification,
    Service,
    Taken,
    Traits,
)

TRAITS = Traits(local_name="MetaWear", rate_hz=100.0, slowest_hz=100.0, fastest_hz=100.0, longest_name=8)
CONFIGURED = (bytes.fromhex("19020213"), bytes.fromhex("0303280c"), bytes.fromhex("13032800"))
"""What the fusion needs to be told before it gives anything but zeros."""
IMPLEMENTATIONS = {mm.ACC: 1, mm.GYR: 0}


class MetaMotionFirmware:
    """Module by module: configured, subscribed, enabled, started, in whatever order the host likes."""

    mtu = 247
    samples_per_packet = 1

    def __init__(self, board: Board) -> None:
        self._board = board
        self.rate_hz = board.rate_hz
        self._done: set[bytes] = set()
        self._rows: list[tuple[FloatArray, FloatArray]] = []
        if board.already_measuring:
            self._done = {bytes.fromhex(step) for step in ("031c01", "130701", "030101", "130101")}

    def advertised(self) -> Advertised:
        """Return the vendor's service (note §1)."""
        return Advertised(service_uuids=(mm.SERVICE_UUID,))

    def services(self) -> Sequence[Service]:
        """Return the table of note §1."""
        both = [
            Characteristic(mm.COMMAND_UUID, write=self._command),
            Characteristic(mm.NOTIFY_UUID, notify=True, subscribed=self._listen),
        ]
        return [Service(mm.SERVICE_UUID, both), devices.battery(self._board)]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return an orientation, or every third time two packed notifications (note §3 and §4)."""
        sent: list[Notification] = []
        if self._has("190101", "190701", "19030800"):
            ready = self._done.issuperset(CONFIGURED)
            q = taken.q_earth_from_sensor[0] if ready else np.zeros(4)
            sent.append((mm.NOTIFY_UUID, mm.encode(q)))
        if self._has("030101", "130101", "031c01", "130701"):
            self._rows.append((taken.acc_mps2[0], taken.gyr_radps[0]))
            if len(self._rows) == mm.SAMPLES:
                acc, gyr = (np.array(values) for values in zip(*self._rows, strict=True))
                sent += [(mm.NOTIFY_UUID, one) for one in mm.encode_packed(acc, gyr)]
                self._rows.clear()
        return sent

    def unlinked(self) -> None:
        """Go on: a board left streaming streams to the next host that subscribes (note §5)."""

    def press(self) -> None:
        """Press and release the button (note §6)."""
        if self._has("010101"):
            self._board.notify(mm.NOTIFY_UUID, bytes([mm.SWITCH, 1, 1]))
            self._board.notify(mm.NOTIFY_UUID, bytes([mm.SWITCH, 1, 0]))

    @property
    def blinking(self) -> bool:
        """Whether the LED was told to."""
        return self._done.issuperset((mm.BLINK, mm.PLAY))

    def _has(self, *steps: str) -> bool:
        return all(bytes.fromhex(step) in self._done for step in steps)

    def _listen(self, on: bool) -> None:
        if on:
            self._go()

    def _command(self, value: bytes) -> None:
        if len(value) == 2 and value[1] == mm.ANSWER and value[0] in IMPLEMENTATIONS:
            self._board.notify(mm.NOTIFY_UUID, value + bytes([IMPLEMENTATIONS[value[0]], 1]))
            return
        if len(value) < 3:
            return
        if value == bytes.fromhex("1903007f"):
            self._done -= {one for one in self._done if one[:2] == value[:2]}
        else:
            # a later command of a register replaces an earlier one
            self._done = {one for one in self._done if one[:2] != value[:2]} | {value}
        self._go()

    def _go(self) -> None:
        if self._has("190101") or self._has("030101", "130101"):
            self._board.start()
        else:
            self._rows.clear()
            self._board.stop()


def firmware(board: Board) -> MetaMotionFirmware:
    """Return the firmware, just switched on."""
    return MetaMotionFirmware(board)
