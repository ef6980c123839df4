"""One errand at a sensor: find it, connect, do something, disconnect."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from hipturn.drivers import Driver, Link
from hipturn.errors import LinkError
from hipturn.sources.ble.air import Backend, Search
from hipturn.sources.ble.link import GattLink, Limits, connected, disconnect

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
    search, air = Search(sensor), backend.air
    try:
        with air.searching(search, search):
            async with air.turn:
                await air.listen(backend.scanner, replace(limits, scan_s=listen_s))
                if not search.found.done():
                    raise LinkError(search.result())
                device, driver = search.found.result()
                client, _ = await connected(device, backend.client, limits)
        try:
            return await do(driver, GattLink(client, lambda _packet: None, limits.call_s))
        finally:
            await disconnect(client, limits)
    finally:
        air.release(search)


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
