"""Listening for all Bluetooth LE sensors in reach."""

import asyncio
import logging
from dataclasses import dataclass, replace

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from hipturn import drivers
from hipturn.drivers import Driver
from hipturn.errors import BluetoothUnavailable, LinkError
from hipturn.sources.ble.air import Backend, advertisement, recognise
from hipturn.sources.ble.link import GattLink, Limits, connected, disconnect, scanner, stop, within

FAINTEST_DBM = -128
"""Stands for a signal strength the stack did not tell."""
ASKED_AT_MOST = 3
"""How often, for its charge, where its link is lost meanwhile: BlueZ loses some just after connecting."""

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

    async with backend.air.turn:
        ears = scanner(backend.scanner, on_heard)
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


async def _battery(device: BLEDevice, driver: Driver, backend: Backend, limits: Limits) -> int | None:
    """Return the sensor's charge in percent, None if it does not say."""
    for _ in range(ASKED_AT_MOST):
        try:
            client, loss = await connected(device, backend.client, limits)
        except LinkError as error:
            _log.info("%s: %s", device.address, error)
            return None
        try:
            return await driver.battery(GattLink(client, lambda _packet: None, limits.call_s))
        except LinkError as error:
            _log.info("%s: %s", device.address, error)
            if not loss.happened.is_set():
                return None
        finally:
            await disconnect(client, limits)
    return None


def _usable_and_near_first(found: Found) -> tuple[bool, int, str, str]:
    rssi_dbm = FAINTEST_DBM if found.rssi_dbm is None else found.rssi_dbm
    return found.driver is None, -rssi_dbm, found.name, found.address
