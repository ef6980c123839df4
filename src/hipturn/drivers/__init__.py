"""Drivers: one file a device, knowing its bytes and its start sequence but no radio.

A driver is data and pure functions: how to recognise the device, how to turn its bytes into
samples and samples into bytes, and which GATT calls start and stop it. `get` finds one by name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

from hipturn.errors import UsageError
from hipturn.model import Packets, RawSamples, StreamInfo


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a scan heard of a device."""

    name: str
    address: str
    service_uuids: tuple[str, ...] = ()
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)
    rssi_dbm: int | None = None


class Link(Protocol):
    """The few GATT calls a driver may make; every one has a time limit and raises `LinkError`."""

    async def read(self, uuid: str) -> bytes:
        """Return a characteristic's value."""
        ...

    async def write(self, uuid: str, data: bytes, *, response: bool = True) -> None:
        """Write a characteristic."""
        ...

    async def subscribe(self, uuid: str) -> None:
        """Deliver this characteristic's notifications as the stream's packets."""
        ...


class Driver(Protocol):
    """One kind of device."""

    name: str
    title: str
    trust: str
    """The evidence its byte layout rests on."""

    def matches(self, seen: Advertisement) -> bool:
        """Return whether this driver knows the device."""
        ...

    def decode(self, packets: Packets, info: StreamInfo) -> RawSamples:
        """Turn packets into samples; whatever cannot be read is counted, never raised."""
        ...

    async def start(self, link: Link) -> StreamInfo:
        """Make the sensor stream; return what was agreed."""
        ...

    async def stop(self, link: Link) -> None:
        """Leave the sensor idle."""
        ...


_BUILT_IN: dict[str, str] = {
    "hipturn": "hipturn.drivers.hipturn_gatt",
    "table": "hipturn.drivers.table",
}


def names() -> Sequence[str]:
    """Return the names of the drivers, in the order they are tried."""
    return tuple(_BUILT_IN)


def get(name: str) -> Driver:
    """Return the driver called `name`; raise `UsageError` naming those that exist."""
    if name not in _BUILT_IN:
        raise UsageError(f"no driver is called {name!r}: choose one of {', '.join(names())}")
    make: Callable[[], Driver] = import_module(_BUILT_IN[name]).driver
    return make()


def decoder(name: str) -> Callable[[Packets, StreamInfo], RawSamples]:
    """Return the decoding function of the driver called `name`."""
    return get(name).decode
