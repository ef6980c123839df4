"""A virtual Polar Verity Sense (firmware-notes/polar.md)."""

import struct
from collections.abc import Sequence

import numpy as np

from hipturn.drivers import polar
from hipturn.drivers.polar_frames import ACC, ACC_G_PER_LSB, GYR, GYR_DPS_PER_LSB, encode
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
from hipturn.units import DEG_PER_RAD, STANDARD_GRAVITY_MPS2

TRAITS = Traits(
    local_name="Polar Sense 0F1E2D3C",
    rate_hz=polar.RATE_HZ,
    slowest_hz=polar.RATE_HZ,
    fastest_hz=polar.RATE_HZ,
    longest_name=26,
)
SAMPLES = {ACC: 18, GYR: 14}
"""Samples in a frame: not the same for both, so that their frames end at different times."""
LSB_PER_SI = {ACC: 1.0 / (ACC_G_PER_LSB * STANDARD_GRAVITY_MPS2), GYR: DEG_PER_RAD / GYR_DPS_PER_LSB}
FACTORS = {ACC: ACC_G_PER_LSB, GYR: GYR_DPS_PER_LSB}
EPOCH_NS = 820_000_000 * 10**9
"""Its clock has been set, some day of 2025."""
OK, BAD_COMMAND, BAD_PARAMETER, ALREADY = 0, 1, 5, 6


class PolarFirmware:
    """Collects samples into compressed frames, each measurement for itself."""

    mtu = 247
    samples_per_packet = 1

    def __init__(self, board: Board) -> None:
        self._board = board
        self.rate_hz = board.rate_hz
        self._rows: dict[int, list[FloatArray]] = {}
        self._unanswered = b"\x0f\x24"
        if board.already_measuring:
            self._rows = {ACC: []}

    def advertised(self) -> Advertised:
        """Return nothing: it is known by its name (note §1)."""
        return Advertised()

    def services(self) -> Sequence[Service]:
        """Return the table of note §1; the real one indicates its answers instead of notifying them."""
        both = [
            Characteristic(
                polar.CONTROL_UUID, read=lambda: self._unanswered, write=self._command, notify=True
            ),
            Characteristic(polar.DATA_UUID, notify=True),
        ]
        return [Service(polar.SERVICE_UUID, both), devices.battery(self._board)]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return the frames that a sample completes (note §3)."""
        sent: list[Notification] = []
        for kind, rows in self._rows.items():
            rows.append((taken.acc_mps2 if kind == ACC else taken.gyr_radps)[0])
            if len(rows) == SAMPLES[kind]:
                lsb = np.clip(np.rint(np.array(rows) * LSB_PER_SI[kind]), -32768, 32767).astype(np.int64)
                last_ns = EPOCH_NS + round(taken.tick_us * 1000.0)
                sent.append((polar.DATA_UUID, encode(kind, last_ns, lsb)))
                rows.clear()
        return sent

    def unlinked(self) -> None:
        """Stop measuring."""
        self._rows.clear()

    def _command(self, value: bytes) -> None:
        """Answer a command (note §2)."""
        if len(value) < 2:
            return
        what, kind = value[0], value[1]
        error, told = BAD_COMMAND, b""
        if what == polar.STOP:
            error = OK
            self._rows.pop(kind, None)
            if not self._rows:
                self._board.stop()
        elif what == polar.START and kind in SAMPLES:
            if kind in self._rows:
                error = ALREADY
            elif value != polar.start_command(kind):
                error = BAD_PARAMETER
            else:
                error = OK
                told = bytes([polar.FACTOR, 1]) + struct.pack("<f", FACTORS[kind])
                # both begin with the same sample
                for rows in self._rows.values():
                    rows.clear()
                self._rows[kind] = []
                self._board.start()
        answer = bytes([polar.ANSWER, what, kind, error]) + (b"\0" + told if error == OK else b"")
        self._board.notify(polar.CONTROL_UUID, answer)


def firmware(board: Board) -> PolarFirmware:
    """Return the firmware, just switched on."""
    return PolarFirmware(board)
