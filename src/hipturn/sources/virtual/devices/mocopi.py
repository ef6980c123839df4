"""A virtual Sony mocopi sensor (firmware-notes/mocopi.md)."""

from collections.abc import Sequence

import numpy as np

from hipturn.drivers import mocopi
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

TRAITS = Traits(
    local_name="QM-SS1 0F1E2",
    rate_hz=mocopi.RATE_HZ,
    slowest_hz=mocopi.RATE_HZ,
    fastest_hz=mocopi.RATE_HZ,
    longest_name=26,
    found_measuring=False,
    settling_s=mocopi.SETTLING / mocopi.RATE_HZ,
)

SETTLING_Q: FloatArray = np.array((1.0, 0.0, 0.0, 0.0))
"""What it says while it settles."""


class MocopiFirmware:
    """Sends its orientation and the one before; both are still wrong in the first packets after a start."""

    mtu = 247
    samples_per_packet = 1

    def __init__(self, board: Board) -> None:
        self._board = board
        self.rate_hz = board.rate_hz
        self._before = SETTLING_Q
        self._sent = 0

    def advertised(self) -> Advertised:
        """Return nothing: in some states it advertises its name only (note §1)."""
        return Advertised()

    def services(self) -> Sequence[Service]:
        """Return the table of note §1."""
        return [
            Service(mocopi.SERVICE_UUID, [Characteristic(mocopi.DATA_UUID, notify=True)]),
            Service(mocopi.COMMAND_SERVICE_UUID, [Characteristic(mocopi.COMMAND_UUID, write=self._command)]),
            devices.battery(self._board),
        ]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return one packet (note §2)."""
        settled = self._sent >= mocopi.SETTLING - 1
        q = taken.q_earth_from_sensor[-1] if settled else SETTLING_Q
        packet = mocopi.encode(round(taken.tick_us * 1000.0), q, self._before)
        self._before, self._sent = q, self._sent + 1
        return [(mocopi.DATA_UUID, packet)]

    def unlinked(self) -> None:
        """Stop measuring."""

    def _command(self, value: bytes) -> None:
        if value == mocopi.START:
            self._before, self._sent = SETTLING_Q, 0
            self._board.start()
        elif value == mocopi.STOP:
            self._board.stop()


def firmware(board: Board) -> MocopiFirmware:
    """Return the firmware, just switched on."""
    return MocopiFirmware(board)
