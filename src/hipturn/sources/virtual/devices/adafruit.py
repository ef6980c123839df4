"""A virtual board with Adafruit's BLE sensor services (firmware-notes/adafruit.md)."""

from collections.abc import Sequence
from functools import partial

from hipturn.drivers import adafruit
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

TRAITS = Traits(
    local_name="Feather Sense", rate_hz=100.0, slowest_hz=100.0, fastest_hz=100.0, longest_name=20
)
PRODUCT = bytes.fromhex("0401008780")
"""The manufacturer's data: length, key 1, and the USB product id of some board."""
VALUES = {
    adafruit.ACC_SERVICE: adafruit.ACC_UUID,
    adafruit.GYR_SERVICE: adafruit.GYR_UUID,
    adafruit.QUATERNION_SERVICE: adafruit.QUATERNION_UUID,
}
USUAL_MS = 1000


class AdafruitFirmware:
    """Each service notifies by a period of its own, while somebody has subscribed to it."""

    mtu = 247
    samples_per_packet = 1

    def __init__(self, board: Board) -> None:
        self._board = board
        self.rate_hz = board.rate_hz
        self._periods_ms = dict.fromkeys(VALUES, adafruit.PERIOD_MS if board.already_measuring else USUAL_MS)
        self._subscribed = dict.fromkeys(VALUES, False)
        self._number = 0

    def advertised(self) -> Advertised:
        """Return the vendor's company number and the board's product (note §1)."""
        return Advertised(manufacturer_data={adafruit.COMPANY: PRODUCT})

    def services(self) -> Sequence[Service]:
        """Return the table of note §1, and a battery, which boards may have."""
        return [*(self._service(uuid, value) for uuid, value in VALUES.items()), devices.battery(self._board)]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return what is due of each service."""
        self._number += 1
        made = zip(VALUES, (taken.acc_mps2[0], taken.gyr_radps[0], taken.q_earth_from_sensor[0]), strict=True)
        return [(VALUES[uuid], adafruit.encode(value)) for uuid, value in made if self._due(uuid)]

    def unlinked(self) -> None:
        """Forget the subscriptions."""
        self._subscribed = dict.fromkeys(VALUES, False)

    def _service(self, uuid: str, value_uuid: str) -> Service:
        period = Characteristic(
            adafruit.PERIOD_UUID,
            read=lambda: adafruit.period(self._periods_ms[uuid]),
            write=partial(self._set, uuid),
        )
        value = Characteristic(value_uuid, notify=True, subscribed=partial(self._listen, uuid))
        return Service(uuid, [period, value])

    def _set(self, uuid: str, value: bytes) -> None:
        if len(value) != 4:
            raise Refused(devices.INVALID_LENGTH)
        self._periods_ms[uuid] = int.from_bytes(value, "little", signed=True)
        self._go()

    def _listen(self, uuid: str, on: bool) -> None:
        self._subscribed[uuid] = on
        self._go()

    def _go(self) -> None:
        """Measure while anything is to be sent."""
        if any(self._subscribed[uuid] and self._periods_ms[uuid] > 0 for uuid in VALUES):
            self._board.start()
        else:
            self._board.stop()

    def _due(self, uuid: str) -> bool:
        each = round(self._periods_ms[uuid] * self.rate_hz / 1000.0)
        return self._subscribed[uuid] and each > 0 and self._number % each == 0


def firmware(board: Board) -> AdafruitFirmware:
    """Return the firmware, just switched on."""
    return AdafruitFirmware(board)
