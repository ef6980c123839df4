"""Listening for Bluetooth LE sensors: all that are in reach, or the one that is wanted."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from hipturn import drivers
from hipturn.drivers import Advertisement, Driver
from hipturn.errors import BluetoothUnavailable, LinkError
from hipturn.sources.ble.link import Backend, GattLink, Limits, disconnect, scanner, within

FAINTEST_DBM = -128
"""Stands for a signal strength the stack did not tell."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A device in reach; `driver` names the one that can measure with it."""

    name: str
    address: str
    driver: str | None
    rssi_dbm: int | None
    battery_percent: int | None = None


async def scan(
    seconds: float, backend: Backend, *, ask_battery: bool = False, limits: Limits | None = None
) -> list[Found]:
    """Listen for `seconds` and return what was heard: usable sensors first, then the strongest.

    With `ask_battery` each usable sensor is connected to for its charge, which stays None where it
    does not say. Raises `BluetoothUnavailable`.
    """
    limits = limits or Limits()
    heard: dict[str, tuple[BLEDevice, Found]] = {}

    def on_heard(device: BLEDevice, data: AdvertisementData) -> None:
        seen = advertisement(device, data)
        found = Found(seen.name, seen.address, recognise(seen), seen.rssi_dbm)
        if device.address in heard:
            # Not every report repeats the name and services of the one before.
            known = heard[device.address][1]
            found = replace(found, name=found.name or known.name, driver=found.driver or known.driver)
        heard[device.address] = device, found

    async with backend.radio:
        ears = scanner(backend, on_heard)
        await within(limits.call_s, "scanning", ears.start(), BluetoothUnavailable)
        try:
            await asyncio.sleep(seconds)
        finally:
            await stop(ears, limits)
        if ask_battery:
            for address, (device, found) in heard.items():
                if found.driver is not None:
                    battery = await _battery(device, drivers.get(found.driver), backend, limits)
                    heard[address] = device, replace(found, battery_percent=battery)
    return sorted((found for _, found in heard.values()), key=_usable_and_near_first)


async def stop(ears: BleakScanner, limits: Limits) -> None:
    """Stop a scan; never raises: where it fails, the next call to the stack will say so."""
    with contextlib.suppress(LinkError):
        await within(limits.call_s, "ending the scan", ears.stop())


class Search:
    """One round of listening for a sensor by name or address, None for any that a driver knows."""

    def __init__(self, wanted: str | None) -> None:
        self.found: asyncio.Future[tuple[BLEDevice, Driver]] = asyncio.get_running_loop().create_future()
        self._wanted = wanted
        self._usable: dict[str, str] = {}
        self._unknown = False

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
            self.found.set_result((device, drivers.get(driver)))

    def result(self) -> str:
        """Return what to tell the user of a round that did not find the sensor."""
        if self._unknown:
            return f"{self._wanted} is in reach, but no driver knows it: see 'hipturn drivers'"
        if self._usable:
            others = ", ".join(sorted(self._usable.values()))
            return f"{self._wanted} is not in reach; sensors heard: {others}"
        return f"{self._wanted or 'no sensor'} is not in reach: switch it on, close to this computer"


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


async def _battery(device: BLEDevice, driver: Driver, backend: Backend, limits: Limits) -> int | None:
    """Return the sensor's charge in percent, None if it does not say."""
    client = BleakClient(device, timeout=limits.connect_s, backend=backend.client)
    try:
        await within(limits.connect_s, "connecting", client.connect())
        return await driver.battery(GattLink(client, lambda _packet: None, limits.call_s))
    except LinkError as error:
        _log.info("%s: %s", device.address, error)
        return None
    finally:
        await disconnect(client, limits)


def _usable_and_near_first(found: Found) -> tuple[bool, int, str, str]:
    rssi_dbm = FAINTEST_DBM if found.rssi_dbm is None else found.rssi_dbm
    return found.driver is None, -rssi_dbm, found.name, found.address
