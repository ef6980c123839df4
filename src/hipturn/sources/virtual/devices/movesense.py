"""A virtual Movesense (firmware-notes/movesense.md)."""

from collections.abc import Sequence

from hipturn.drivers import movesense as gsp
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
    local_name="Movesense 0042", rate_hz=208.0, slowest_hz=208.0, fastest_hz=208.0, longest_name=22
)
RATES_HZ = (13, 26, 52, 104, 208)
MOST_BYTES = 150
"""A measurement with more is sent in two parts."""
OK, NOT_FOUND, CONFLICT = 200, 404, 409


class MovesenseFirmware:
    """Answers commands and sends about 13 measurements a second; a lost link ends its subscription."""

    mtu = 161

    def __init__(self, board: Board) -> None:
        self._board = board
        # another program's subscription, as one host may leave it to the next over the same link
        self._subscribed = board.already_measuring
        self.rate_hz = 13.0 if board.already_measuring else 104.0

    @property
    def samples_per_packet(self) -> int:
        """Samples in a measurement."""
        return max(1, round(self.rate_hz / gsp.PACKETS_HZ))

    def advertised(self) -> Advertised:
        """Return the vendor's 16-bit service (note §1)."""
        return Advertised(service_uuids=(gsp.ADVERTISED_UUID[4:8],))

    def services(self) -> Sequence[Service]:
        """Return the table of note §1."""
        both = [
            Characteristic(gsp.WRITE_UUID, write=self._command),
            Characteristic(gsp.NOTIFY_UUID, notify=True),
        ]
        return [Service(gsp.SERVICE_UUID, both), devices.battery(self._board)]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return one measurement in one or two notifications (note §3)."""
        parts = gsp.encode(int(taken.tick_us / 1000.0), taken.acc_mps2, taken.gyr_radps, MOST_BYTES)
        return [(gsp.NOTIFY_UUID, part) for part in parts]

    def unlinked(self) -> None:
        """Forget the subscription (note §4)."""
        self._subscribed = False

    def _command(self, value: bytes) -> None:
        """Answer with a result (note §2)."""
        if len(value) < 2:
            return
        command, reference = value[0], value[1]
        status = NOT_FOUND
        if command == gsp.UNSUBSCRIBE:
            status = OK if self._subscribed else NOT_FOUND
            self._subscribed = False
            self._board.stop()
        elif command == gsp.SUBSCRIBE:
            rate_hz = next((hz for hz in RATES_HZ if gsp.path(hz) == value[2:]), None)
            if self._subscribed:
                status = CONFLICT
            elif rate_hz is not None:
                status = OK
                self.rate_hz, self._subscribed = float(rate_hz), True
                self._board.start()
        self._board.notify(gsp.NOTIFY_UUID, bytes([gsp.RESULT, reference]) + status.to_bytes(2, "little"))


def firmware(board: Board) -> MovesenseFirmware:
    """Return the firmware, just switched on."""
    return MovesenseFirmware(board)
