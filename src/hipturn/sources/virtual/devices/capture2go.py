"""A virtual Capture2Go (firmware-notes/capture2go.md)."""

import struct
from collections.abc import Sequence

from hipturn.drivers import capture2go as c2g
from hipturn.drivers.capture2go_frames import Framer, notification, package
from hipturn.drivers.capture2go_samples import KINDS, RATES_HZ, Kind, encode
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

TRAITS = Traits(local_name="IMU_0f1e2d", rate_hz=200.0, slowest_hz=200.0, fastest_hz=200.0, longest_name=11)
"""Without the flags, which no driver looks at, UUID and name just fit an advertisement."""
FIXED_6D, PACKED_6D, QUATERNION_FIXED = 0x250, 0x230, 0x280
"""Groups of header ids; the last digit is the rate's number."""
ERROR, WRONG_STATE = 0x0001, 0xFB
"""The note knows the error's number, but not the header it comes with: this one is made up."""
IDLE, STREAMING = 1, 2


class Capture2GoFirmware:
    """Streams what the mode says; its packages follow each other with no regard for notifications."""

    mtu = 247

    def __init__(self, board: Board) -> None:
        self._board = board
        self._kind: Kind = KINDS[QUATERNION_FIXED + 3]
        self._streaming = board.already_measuring
        self._framer = Framer()
        self._fifo = bytearray()

    @property
    def rate_hz(self) -> float:
        """Samples a second."""
        return self._kind.rate_hz

    @property
    def samples_per_packet(self) -> int:
        """Samples in a package."""
        return self._kind.samples

    def advertised(self) -> Advertised:
        """Return the service, by which the driver knows it (note §1)."""
        return Advertised(service_uuids=(c2g.SERVICE_UUID,))

    def services(self) -> Sequence[Service]:
        """Return the table of note §1."""
        both = [
            Characteristic(c2g.WRITE_UUID, write=self._command),
            Characteristic(c2g.NOTIFY_UUID, notify=True),
        ]
        return [Service(c2g.SERVICE_UUID, both)]

    def packets(self, taken: Taken) -> list[Notification]:
        """Return the notifications that a package completes: as many bytes as there are, up to the MTU."""
        payload = encode(
            self._kind,
            round(taken.tick_us * 1000.0),
            taken.q_earth_from_sensor,
            taken.acc_mps2 if self._kind.has_imu else None,
            taken.gyr_radps if self._kind.has_imu else None,
        )
        self._fifo += package(self._kind.header, payload)
        most = self._board.att_mtu - 4
        sent: list[Notification] = []
        # the last bytes wait for the next package, as they do where a radio's buffer is filled in blocks
        while len(self._fifo) > 7:
            part = bytes(self._fifo[: min(most, len(self._fifo) - 7)])
            del self._fifo[: len(part)]
            sent.append((c2g.NOTIFY_UUID, notification([], part)))
        return sent

    def unlinked(self) -> None:
        """Go on streaming: the next host finds it so."""

    def _command(self, value: bytes) -> None:
        """Answer the packages of a write (note §3)."""
        found = self._framer.push(notification([], value))
        if found == [None]:
            raise Refused(devices.NOT_ALLOWED)
        for one in found:
            if one is not None:
                self._answer(one.header, one.payload)

    def _answer(self, header: int, payload: bytes) -> None:
        match header:
            case c2g.GET_INFO:
                serial, version = self._board.serial[-6:].encode(), b"1.0.0"
                self._say(c2g.INFO, struct.pack("<H6s8s8s12s11s", 1, serial, b"1", b"virtual", version, b""))
            case c2g.GET_STATUS:
                state = STREAMING if self._streaming else IDLE
                charge = self._board.battery_percent
                clock_ns = round(self._board.clock_us() * 1000.0)
                self._say(c2g.STATUS, struct.pack("<q2B3h3B", clock_ns, state, 1, 0, 0, 0, 0, charge, 95))
            case c2g.STOP_REAL_TIME:
                self._say(header + 1)
            case c2g.STOP_AND_CLEAR:
                self._streaming = False
                self._fifo.clear()
                self._board.stop()
                self._say(header + 1)
            case c2g.SET_MODE | c2g.START if self._streaming:
                self._say(ERROR, bytes([WRONG_STATE]))
            case c2g.SET_MODE if len(payload) == c2g.MEASUREMENT.size:
                self._choose(payload)
                self._say(c2g.MODE, payload)
            case c2g.START:
                self._streaming = True
                self._say(c2g.STARTED)
                self._board.start()
            case _:
                self._say(ERROR, bytes([0xFF]))

    def _choose(self, payload: bytes) -> None:
        """Stream what is asked for; with several outputs, the first that this one has."""
        _, _, fixed, packed, _, quat_fixed, *_ = c2g.MEASUREMENT.unpack(payload)
        for group, rate in ((FIXED_6D, fixed), (PACKED_6D, packed), (QUATERNION_FIXED, quat_fixed)):
            if 1 <= rate <= len(RATES_HZ):
                self._kind = KINDS[group + rate]
                return

    def _say(self, header: int, payload: bytes = b"") -> None:
        """Answer in the same stream, behind what still waits in it, in two notifications."""
        self._fifo += package(header, payload)
        half = len(self._fifo) // 2
        for part in (self._fifo[:half], self._fifo[half:]):
            self._board.notify(c2g.NOTIFY_UUID, notification([], bytes(part)))
        self._fifo.clear()


def firmware(board: Board) -> Capture2GoFirmware:
    """Return the firmware, just switched on."""
    return Capture2GoFirmware(board)
