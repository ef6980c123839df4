"""What a virtual sensor can be: one small file a device, with its GATT table and its answers, no radio.

A device is a module with `TRAITS`, what it is before it is switched on, and `firmware(board)`, which
returns its `Firmware`. `VirtualSensor` owns radio, schedule and faults; a firmware turns writes into
calls on its `Board`, and samples into notifications through the driver's own encoder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol, cast

from hipturn.errors import UsageError
from hipturn.model import FloatArray, Vector

BATTERY_SERVICE_UUID, BATTERY_LEVEL_UUID = "180F", "2A19"
"""Bluetooth SIG Battery Service and Battery Level: one byte, percent."""

INVALID_LENGTH, NOT_ALLOWED, INSUFFICIENT_RESOURCES = 0x0D, 0x13, 0x11
"""ATT error codes (Core 5.4 Vol 3 Part F 3.4.1.1)."""


class Refused(Exception):
    """A firmware answers a read or write with this ATT error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02X}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One characteristic; what it can do follows from what it has."""

    uuid: str
    read: Callable[[], bytes] | None = None
    write: Callable[[bytes], None] | None = None
    """May raise `Refused`."""
    notify: bool = False
    subscribed: Callable[[bool], None] | None = None
    """Told when the host turns notifications on or off: some devices stream from then on."""


@dataclass(frozen=True, slots=True)
class Service:
    """One GATT service."""

    uuid: str
    characteristics: Sequence[Characteristic]


@dataclass(frozen=True, slots=True)
class Advertised:
    """What a device advertises beside its name; all of it must fit 31 bytes."""

    service_uuids: Sequence[str] = ()
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traits:
    """What a device is before it is switched on."""

    local_name: str
    rate_hz: float
    """Samples a second it takes inside; its firmware may send a whole fraction of them."""
    slowest_hz: float
    fastest_hz: float
    """What `rate_hz` can be set to; the same as it for most devices."""
    longest_name: int
    """Bytes the name may have, so that the advertisement keeps to 31."""
    samples_per_packet: int = 1
    most_samples_per_packet: int = 1
    settling_s: float = 0.0
    """How long after a start it measures nothing of use: the person waits for it."""
    outward_normal_sensor: Vector | None = None
    """How it is strapped on, where its driver relies on that; None for anyhow."""
    found_measuring: bool = True
    """Another host can leave it measuring or set otherwise; False for one that forgets with its link."""
    tells_normal: bool = False
    """It says itself which way its case faces; where nobody knows, the person shows a direction."""


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """Samples that have just been taken: n rows of what a perfect strapdown IMU in the case measures."""

    tick_us: float
    """The device's clock at the first of them, µs; a firmware wraps it as its device does."""
    period_us: float
    acc_mps2: FloatArray
    """Specific force in sensor axes, with the sensor's noise and bias, shape (n, 3)."""
    gyr_radps: FloatArray
    """Angular rate in sensor axes, with the sensor's noise and bias, shape (n, 3)."""
    q_earth_from_sensor: FloatArray
    """True orientation, shape (n, 4)."""
    gap: bool
    """Samples had to be dropped just before these: the radio was behind."""


Notification = tuple[str, bytes]
"""A characteristic's UUID and a value."""


class Board(Protocol):
    """What a firmware finds on its board."""

    name: str
    """The name it advertises."""
    serial: str
    rate_hz: float
    """Samples taken a second."""
    samples_per_packet: int
    """Wanted by whoever started the virtual sensor."""
    outward_normal_sensor: Vector
    """How it is strapped on, for devices that can tell."""
    battery_percent: int
    already_measuring: bool
    """A fault: it is found measuring in another mode than the host will ask for, until it is stopped."""

    @property
    def att_mtu(self) -> int:
        """The link's ATT MTU."""
        ...

    def start(self) -> None:
        """Begin to measure, or go on: `Firmware.packets` gets samples. Does nothing if it does already.

        The first start begins the motion.
        """
        ...

    def stop(self) -> None:
        """Measure no more. What was started over this link was a session: the motion is over with it."""
        ...

    def notify(self, uuid: str, value: bytes) -> None:
        """Send a value to the host if it has subscribed: for answers; samples are returned by `packets`."""
        ...

    def clock_us(self) -> float:
        """Return the device's clock."""
        ...


class Firmware(Protocol):
    """What makes a virtual sensor a certain device; made anew at each switching on."""

    rate_hz: float
    """Samples a second it sends: a whole fraction of what the board takes."""
    samples_per_packet: int
    """Rows it wants in each `Taken`; both are asked when measuring starts."""
    mtu: int
    """The largest ATT MTU it agrees to."""

    def advertised(self) -> Advertised:
        """Return what it advertises beside the board's name."""
        ...

    def services(self) -> Sequence[Service]:
        """Return its GATT table; called once."""
        ...

    def packets(self, taken: Taken) -> list[Notification]:
        """Return the notifications for some samples, in order; none if it has nothing to send yet."""
        ...

    def unlinked(self) -> None:
        """Hear that the link has ended; measuring has stopped with it."""
        ...


class Device(Protocol):
    """The module of a device."""

    TRAITS: Traits

    def firmware(self, board: Board) -> Firmware:
        """Return the device's firmware, just switched on."""
        ...


_DEVICES: dict[str, str] = {
    "hipturn": "hipturn.sources.virtual.devices.hipturn_gatt",
    "xsens_dot": "hipturn.sources.virtual.devices.xsens_dot",
    "capture2go": "hipturn.sources.virtual.devices.capture2go",
    "movesense": "hipturn.sources.virtual.devices.movesense",
    "mocopi": "hipturn.sources.virtual.devices.mocopi",
    "metamotion": "hipturn.sources.virtual.devices.metamotion",
    "witmotion": "hipturn.sources.virtual.devices.witmotion",
    "polar": "hipturn.sources.virtual.devices.polar",
    "thingy52": "hipturn.sources.virtual.devices.thingy52",
    "adafruit": "hipturn.sources.virtual.devices.adafruit",
}


def names() -> tuple[str, ...]:
    """Return what a virtual sensor can be: names of drivers."""
    return tuple(_DEVICES)


def get(name: str, asked_by: str = "--as ") -> Device:
    """Return a device by the name of its driver; raise `UsageError` naming those that exist."""
    module = _DEVICES.get(name.replace("-", "_"))
    if module is None:
        raise UsageError(f"{asked_by}{name}: the virtual sensor can be: {', '.join(names())}")
    return cast(Device, import_module(module))


def battery(board: Board) -> Service:
    """Return the Bluetooth SIG's battery service, which most devices have."""
    return Service(
        BATTERY_SERVICE_UUID,
        [Characteristic(BATTERY_LEVEL_UUID, read=lambda: bytes([board.battery_percent]))],
    )
