"""The command `sensor`: tell one sensor to do something, or ask it."""

import click

from hipturn.errors import UsageError
from hipturn.plain import printable

EXAMPLE = """\b
Example: which of the two in the drawer is it
  hipturn sensor D4:CA:6E:F1:69:3D identify
"""
BATTERY = "battery"


@click.command(epilog=EXAMPLE)
@click.argument("sensor")
@click.argument("what", required=False)
@click.option("--hci", metavar="SPEC", hidden=True, help="Use this HCI transport instead of the system.")
def command(sensor: str, what: str | None, hci: str | None) -> None:
    """Have SENSOR, a name or address, do WHAT: identify itself, reset its heading, tell its battery.

    Without WHAT it tells what this sensor can do. It must not be connected to anything else meanwhile, not to
    'hipturn run' either.
    """
    import asyncio

    from hipturn import drivers
    from hipturn.drivers import Driver, Link
    from hipturn.sources.ble import Backend
    from hipturn.sources.ble.errand import command as have
    from hipturn.sources.ble.errand import errand

    every = {name for each in drivers.names() for name in drivers.get(each).commands} | {BATTERY}
    if what is not None and what not in every:
        raise UsageError(f"{what}: no sensor can do that; there is {', '.join(sorted(every))}")

    async def do(driver: Driver, link: Link) -> str:
        can = [*sorted(driver.commands), BATTERY]
        if what is None:
            return f"{driver.title}: {', '.join(can)}"
        if what not in can:
            raise UsageError(f"{what}: {driver.title} cannot do that; it can: {', '.join(can)}")
        if what == BATTERY:
            percent = await driver.battery(link)
            return "battery unknown: it does not say" if percent is None else f"battery {percent} %"
        await have(what, driver, link)
        return f"{what}: done"

    async def go() -> str:
        backend = Backend()
        if hci is not None:
            from hipturn.sources import bleak_bumble

            backend = bleak_bumble.backend(hci)
        async with backend:
            return await errand(sensor, backend, do)

    click.echo(printable(asyncio.run(go())))
