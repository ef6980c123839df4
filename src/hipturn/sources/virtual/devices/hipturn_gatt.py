"""A virtual sensor with hipturn's own GATT service (firmware-notes/hipturn-gatt.md)."""

import json
from collections.abc import Sequence

from hipturn import __version__
from hipturn.drivers.hipturn_gatt import (
    ACC,
    CONTROL,
    CONTROL_UUID,
    DATA_UUID,
    FASTEST_HZ,
    GAP,
    GYR,
    HEADER,
    INFO_UUID,
    SERVICE_UUID,
    SLOWEST_HZ,
    START,
    STOP,
    VERSION,
    Batch,
    encode,
)
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

MTU = 247
"""A packet then fits one link-layer packet of 251 bytes."""
BYTES_PER_SAMPLE = 12

TRAITS = Traits(
    local_name="hipturn",
    rate_hz=100.0,
    slowest_hz=SLOWEST_HZ,
    fastest_hz=FASTEST_HZ,
    longest_name=8,
    most_samples_per_packet=(MTU - 3 - HEADER.size) // BYTES_PER_SAMPLE,
    found_measuring=False,
    tells_normal=True,
)

STOPPED = CONTROL.pack(VERSION, 0, 0, STOP)


class HipturnFirmware:
    """Does what the note says, and refuses what it says is to be refused."""

    mtu = MTU

    def __init__(self, board: Board) -> None:
        self._board = board
        self.rate_hz = board.rate_hz
        self.samples_per_packet = board.samples_per_packet
        self._state = STOPPED
        self._sequence = 0

    def advertised(self) -> Advertised:
        """Return the service, by which the driver knows it (note §2)."""
        return Advertised(service_uuids=(SERVICE_UUID,))

    def services(self) -> Sequence[Service]:
        """Return the table of note §1."""
        info = {
            "name": self._board.name,
            "serial": self._board.serial,
            "firmware": f"hipturn {__version__}",
            "rate_hz": self.rate_hz,
            "outward_normal": [round(x, 6) for x in self._board.outward_normal_sensor],
        }
        about = json.dumps(info).encode()
        own = Service(
            SERVICE_UUID,
            [
                Characteristic(DATA_UUID, notify=True),
                Characteristic(CONTROL_UUID, read=lambda: self._state, write=self._control),
                Characteristic(INFO_UUID, read=lambda: about),
            ],
        )
        return [own, devices.battery(self._board)]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return one packet (note §3); the sequence counts those that could not be sent too."""
        packet = encode(
            Batch(
                self._sequence,
                round(taken.tick_us),
                round(taken.period_us),
                taken.acc_mps2,
                taken.gyr_radps,
                flags=GAP if taken.gap else 0,
            )
        )
        self._sequence += 1
        return [(DATA_UUID, packet)]

    def unlinked(self) -> None:
        """Stop: a link that ends stops it (note §5)."""
        self._state = STOPPED

    def _control(self, value: bytes) -> None:
        """Do what note §5 says; what cannot be done is refused with an ATT error."""
        if len(value) != CONTROL.size:
            raise Refused(devices.INVALID_LENGTH)
        version, mask, _rate_hz, action = CONTROL.unpack(value)
        if version != VERSION or action not in (START, STOP) or (action == START and mask != ACC | GYR):
            raise Refused(devices.NOT_ALLOWED)
        if action == STOP:
            self._state = STOPPED
            self._board.stop()
        elif self._state == STOPPED:
            if HEADER.size + BYTES_PER_SAMPLE * self.samples_per_packet > self._board.att_mtu - 3:
                raise Refused(devices.INSUFFICIENT_RESOURCES)
            self._state = CONTROL.pack(VERSION, ACC | GYR, round(self.rate_hz), START)
            self._sequence = 0
            self._board.start()


def firmware(board: Board) -> HipturnFirmware:
    """Return the firmware, just switched on."""
    return HipturnFirmware(board)
