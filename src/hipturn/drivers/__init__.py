"""Drivers: one file a device, knowing its bytes and its start sequence but no radio.

A driver is data and pure functions: how to recognise the device, how to turn its bytes into
samples and samples into bytes, and which GATT calls start and stop it. `get` finds one by name, its own
or one that another package brings (docs/drivers.md).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol, Self

import numpy as np

from hipturn.errors import LinkError, UsageError
from hipturn.model import Packets, RawSamples, StreamInfo

BATTERY_LEVEL_UUID = "00002a19-0000-1000-8000-00805f9b34fb"
"""Bluetooth SIG Battery Level characteristic: one byte, percent."""


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a scan heard of a device."""

    name: str
    address: str
    service_uuids: tuple[str, ...] = ()
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)
    rssi_dbm: int | None = None


Decode = Callable[[Packets], RawSamples]
"""Turns the packets of one link into samples."""


class Link(Protocol):
    """The few GATT calls of a driver; each has a time limit and raises `LinkError` if it fails."""

    async def read(self, uuid: str) -> bytes:
        """Return a characteristic's value."""
        ...

    async def write(
        self, uuid: str, data: bytes, *, response: bool = True, service: str | None = None
    ) -> None:
        """Write a characteristic; where several services have one of this UUID, that of `service`."""
        ...

    async def subscribe(self, uuid: str, tag: bytes = b"") -> None:
        """Deliver this characteristic's notifications as the stream's packets, each with `tag` before it.

        A device that sends several kinds of packets on several characteristics needs the tags to tell
        them apart, live and in the recording.
        """
        ...

    async def unsubscribe(self, uuid: str) -> None:
        """End what `subscribe` began: for devices that stream while somebody listens."""
        ...

    async def ask(
        self, uuid: str, data: bytes, is_answer: Callable[[bytes], bool], *, response: bool = True
    ) -> bytes:
        """Write a characteristic and return the first notification, with its tag, that `is_answer` accepts.

        For devices that answer by notification: of a characteristic that has been subscribed to. The
        answer is one of the stream's packets all the same.
        """
        ...


Command = Callable[[Link], Awaitable[None]]
"""Something a connected device can be told to do."""


class Driver(Protocol):
    """One kind of device. Derive from it to get what most devices have in common."""

    name: str
    title: str
    trust: str
    """The evidence its byte layout rests on."""
    untried: str = "everything: it has never been connected to the real device"
    """What was never tried on hardware."""
    commands: Mapping[str, Command] = {}
    """What the device can be told to do, by name; raises `LinkError` where it cannot."""
    measuring_only: frozenset[str] = frozenset()
    """Those of the commands that a device heeds only while it measures."""

    rates_hz: tuple[float, ...] = ()
    """What the sample rate can be set to, the usual one first; empty where there is one only."""
    rate_hz: float | None = None
    """The rate `start` asks for; None for the usual one."""

    def at(self, rate_hz: float) -> Self:
        """Return the driver that starts devices at this rate; raise `LinkError` naming those they have."""
        if rate_hz not in self.rates_hz:
            have = ", ".join(f"{each:g}" for each in sorted(self.rates_hz)) or "one rate of their own"
            raise LinkError(f"{self.title} sensors do not measure at {rate_hz:g} Hz: they have {have}")
        other = copy(self)
        other.rate_hz = rate_hz
        return other

    def matches(self, seen: Advertisement) -> bool:
        """Return whether this driver knows the device."""
        ...

    def decoder(self, info: StreamInfo) -> Decode:
        """Return what turns the packets of one link into samples; it may remember earlier ones.

        Whatever cannot be read is counted, never raised, and results do not depend on how many packets
        come at once.
        """
        ...

    async def start(self, link: Link) -> StreamInfo:
        """Make the sensor stream; return what was agreed."""
        ...

    async def stop(self, link: Link) -> None:
        """Leave the sensor idle."""
        ...

    async def battery(self, link: Link) -> int | None:
        """Return the charge in percent, None if the device does not say; raise `LinkError`."""
        return percent(await link.read(BATTERY_LEVEL_UUID))


_BUILT_IN: dict[str, str] = {
    "hipturn": "hipturn.drivers.hipturn_gatt",
    "xsens_dot": "hipturn.drivers.xsens_dot",
    "capture2go": "hipturn.drivers.capture2go",
    "movesense": "hipturn.drivers.movesense",
    "mocopi": "hipturn.drivers.mocopi",
    "metamotion": "hipturn.drivers.metamotion",
    "witmotion": "hipturn.drivers.witmotion",
    "polar": "hipturn.drivers.polar",
    "thingy52": "hipturn.drivers.thingy52",
    "adafruit": "hipturn.drivers.adafruit",
    "table": "hipturn.drivers.table",
}


def built_in() -> Sequence[str]:
    """Return the names of hipturn's own drivers."""
    return tuple(_BUILT_IN)


def names() -> Sequence[str]:
    """Return the names of the drivers, in the order they are tried: hipturn's own come first."""
    from hipturn.drivers import others

    return (*_BUILT_IN, *others.found())


def known(name: str) -> bool:
    """Return whether there is a driver of this name; quick where it is one of hipturn's own."""
    return name in _BUILT_IN or name in names()


def get(name: str) -> Driver:
    """Return the driver called `name`; raise `UsageError` naming those that exist."""
    if name in _BUILT_IN:
        make: Callable[[], Driver] = import_module(_BUILT_IN[name]).driver
        return make()
    from hipturn.drivers import others

    driver = others.found().get(name)
    if driver is None:
        raise UsageError(f"no driver is called {name!r}: choose one of {', '.join(names())}")
    return driver


def decoder(info: StreamInfo) -> Decode:
    """Return a new decoder for a link of which the handshake agreed `info`."""
    return get(info.driver).decoder(info)


def nothing(info: StreamInfo, bad_packets: int) -> RawSamples:
    """Return no samples, in the shape the stream's samples have, and the number of packets that held none."""
    return RawSamples(
        tick=np.empty(0, np.int64),
        at_ns=np.empty(0, np.int64),
        acc_mps2=np.empty((0, 3)) if info.has_imu else None,
        gyr_radps=np.empty((0, 3)) if info.has_imu else None,
        q_earth_from_sensor=np.empty((0, 4)) if info.has_quaternion else None,
        bad_before=(0,) * bad_packets,
    )


def percent(value: bytes) -> int | None:
    """Return the charge a Battery Level characteristic tells, None if it is no percentage."""
    return value[0] if value and value[0] <= 100 else None
