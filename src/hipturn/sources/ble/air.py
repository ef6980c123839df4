"""What the sources of one adapter share: turns, one scanner that listens for all, who has which sensor."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

from hipturn import drivers
from hipturn.drivers import Advertisement, Driver
from hipturn.errors import BluetoothUnavailable
from hipturn.sources.ble.link import Limits, scanner, stop, within


class Search:
    """What one source looks for: a sensor by name or address, None for any that a driver knows."""

    def __init__(self, wanted: str | None) -> None:
        self.found: asyncio.Future[tuple[BLEDevice, Driver]] = asyncio.get_running_loop().create_future()
        self._wanted = wanted
        self._usable: dict[str, str] = {}
        self._unknown = False
        self.rssi_dbm: int | None = None
        """Signal of the sensor that was found."""

    def heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        """Take one advertisement into account."""
        seen = advertisement(device, data)
        names = (seen.name.casefold(), seen.address.casefold())
        wanted = self._wanted is None or self._wanted.casefold() in names
        driver = recognise(seen)
        if driver is None:
            self._unknown |= wanted and self._wanted is not None
            return
        self._usable[seen.address] = seen.name or seen.address
        if wanted and not self.found.done():
            self.rssi_dbm = seen.rssi_dbm
            self.found.set_result((device, drivers.get(driver)))

    def result(self) -> str:
        """Return what to tell the user of a search that has not found the sensor yet."""
        if self._unknown:
            return f"{self._wanted} is in reach, but no driver knows it: see 'hipturn drivers'"
        if self._usable:
            others = ", ".join(sorted(self._usable.values()))
            return f"{self._wanted} is not in reach; sensors heard: {others}"
        return f"{self._wanted or 'no sensor'} is not in reach: switch it on, close to this computer"


class Air:
    """The air around one adapter, in which several sources look for their sensors.

    An adapter does one thing at a time: who has `turn` listens or connects. Whoever listens does so for
    all that search, and ends it as soon as one of them has found its sensor: one that is away does not
    keep the others waiting.
    """

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._scanner: BleakScanner | None = None
        self._searches: dict[object, Search] = {}
        self._owners: dict[str, object] = {}
        self._success = asyncio.Event()

    @contextlib.contextmanager
    def searching(self, owner: object, search: Search) -> Iterator[None]:
        """Let `search` hear what comes in while the context lasts; what it finds is its owner's."""
        self._searches[owner] = search
        try:
            yield
        finally:
            del self._searches[owner]

    async def listen(self, kind: type[BaseBleakScanner] | None, limits: Limits) -> bool:
        """Listen for one round, with the turn held; return whether any search has found its sensor.

        A scan that does not start is this computer's trouble, not the sensor's: `BluetoothUnavailable`.
        """
        if any(search.found.done() for search in self._searches.values()):
            return True
        self._success.clear()
        if self._scanner is None:
            # One for life: stacks keep something for each scanner ever made.
            self._scanner = scanner(kind, self._heard)
        await within(limits.call_s, "scanning", self._scanner.start(), BluetoothUnavailable)
        try:
            async with asyncio.timeout(limits.scan_s):
                return await self._success.wait()
        except TimeoutError:
            return False
        finally:
            await stop(self._scanner, limits)

    def release(self, owner: object) -> None:
        """Let others have what was found for this owner."""
        self._owners = {address: one for address, one in self._owners.items() if one is not owner}

    def _heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        for owner, search in self._searches.items():
            if search.found.done() or self._owners.get(device.address, owner) is not owner:
                continue
            search.heard(device, data)
            if search.found.done():
                self.release(owner)
                self._owners[device.address] = owner
                self._success.set()


async def _nothing() -> None:
    """Stand for a stack that needs no closing."""


@dataclass(frozen=True, slots=True)
class Backend:
    """The Bluetooth stack bleak talks to; the default is bleak's own for this platform.

    Sources that share an adapter share its `Backend`. Entering it as a context manager closes what the
    stack has opened in the end.
    """

    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None
    close: Callable[[], Awaitable[None]] = _nothing
    air: Air = field(default_factory=Air, compare=False, repr=False)

    async def __aenter__(self) -> "Backend":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def advertisement(device: BLEDevice, data: AdvertisementData) -> Advertisement:
    """Return what bleak heard in the words of the drivers."""
    return Advertisement(
        name=data.local_name or device.name or "",
        address=device.address,
        service_uuids=tuple(data.service_uuids),
        manufacturer_data=dict(data.manufacturer_data),
        rssi_dbm=data.rssi,
    )


def recognise(seen: Advertisement) -> str | None:
    """Return the name of the first driver that knows the device."""
    return next((name for name in drivers.names() if drivers.get(name).matches(seen)), None)
