"""One errand at a sensor: find it, connect, do something, disconnect."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from hipturn import drivers
from hipturn.drivers import Driver, Link
from hipturn.errors import BluetoothUnavailable, LinkError
from hipturn.sources.ble.link import Backend, GattLink, Limits, disconnect, scanner, within
from hipturn.sources.ble.scan import advertisement, recognise, stop

T = TypeVar("T")
LISTEN_S = 10.0
"""How long the sensor is listened for: most advertise several times a second, savers every second or two."""


async def errand(
    sensor: str,
    backend: Backend,
    do: Callable[[Driver, Link], Awaitable[T]],
    *,
    listen_s: float = LISTEN_S,
    limits: Limits | None = None,
) -> T:
    """Return what `do` returns for the sensor of this name or address, which is connected meanwhile.

    Raises `LinkError` where it is not in reach, no driver knows it, or a call fails; `BluetoothUnavailable`.
    """
    limits = limits or Limits()
    device, driver = await _found(sensor, backend, listen_s, limits)
    # a new client is in nobody's way: this program does nothing else meanwhile
    client = BleakClient(device, timeout=limits.connect_s, backend=backend.client)
    try:
        await within(limits.connect_s, f"connecting to {device.name or device.address}", client.connect())
        return await do(driver, GattLink(client, lambda _packet: None, limits.call_s))
    finally:
        await disconnect(client, limits)


async def command(name: str, driver: Driver, link: Link) -> None:
    """Have a connected device do one of its driver's commands; it measures meanwhile where it must."""
    if name not in driver.measuring_only:
        await driver.commands[name](link)
        return
    await driver.start(link)
    try:
        await driver.commands[name](link)
    finally:
        await driver.stop(link)


async def _found(sensor: str, backend: Backend, listen_s: float, limits: Limits) -> tuple[BLEDevice, Driver]:
    found: asyncio.Future[tuple[BLEDevice, str | None]] = asyncio.get_running_loop().create_future()
    others: set[str] = set()

    def heard(device: BLEDevice, data: AdvertisementData) -> None:
        seen = advertisement(device, data)
        known = recognise(seen)
        if sensor.casefold() not in (seen.name.casefold(), seen.address.casefold()):
            others.update([seen.name or seen.address] if known else [])
        elif not found.done():
            found.set_result((device, known))

    ears = scanner(backend, heard)
    await within(limits.call_s, "scanning", ears.start(), BluetoothUnavailable)
    try:
        async with asyncio.timeout(listen_s):
            device, known = await found
    except TimeoutError as error:
        heard_of = f"sensors heard: {', '.join(sorted(others))}"
        told = heard_of if others else "switch it on, close to this computer"
        raise LinkError(f"{sensor} is not in reach; {told}") from error
    finally:
        await stop(ears, limits)
    if known is None:
        raise LinkError(f"{sensor} is in reach, but no driver knows it: see 'hipturn drivers'")
    return device, drivers.get(known)
