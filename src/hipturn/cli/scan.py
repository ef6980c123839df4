"""The command `scan`: sensors in reach."""

import asyncio
from dataclasses import asdict

import click

from hipturn.plain import printable

EXAMPLE = "Example: hipturn scan --seconds 10"


@click.command(epilog=EXAMPLE)
@click.option(
    "--seconds", default=5.0, show_default=True, type=click.FloatRange(0.1, 300), help="How long to listen."
)
@click.option("--all", "show_all", is_flag=True, help="Also devices that no driver knows.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--hci", metavar="SPEC", hidden=True, help="Use this HCI transport instead of the system.")
def command(seconds: float, show_all: bool, as_json: bool, hci: str | None) -> None:
    """List the sensors in reach: name, address, driver, signal and battery."""
    from hipturn import lines
    from hipturn.sources.ble import Backend, Found, scan

    async def look() -> list[Found]:
        backend = Backend()
        if hci is not None:
            from hipturn.sources import bleak_bumble

            backend = bleak_bumble.backend(hci)
        async with backend:
            return await scan(seconds, backend, ask_battery=True)

    everything = asyncio.run(look())
    found = [one for one in everything if show_all or one.driver is not None]
    for one in found:
        if as_json:
            click.echo(lines.dumps({"v": lines.VERSION, "type": "sensor", **asdict(one)}))
        else:
            click.echo(_line(one.name, one.address, one.driver, one.rssi_dbm, one.battery_percent))
    if not found:
        click.echo(
            f"no sensor in reach, {len(everything)} other devices heard: "
            "switch it on, close to this computer",
            err=True,
        )


def _line(name: str, address: str, driver: str | None, rssi_dbm: int | None, battery: int | None) -> str:
    signal = "" if rssi_dbm is None else f"{rssi_dbm} dBm"
    charge = "" if battery is None else f"battery {battery} %"
    shown = printable(name) or "(no name)"
    return f"{shown:<20} {address:<36} {driver or '-':<12} {signal:>8}  {charge}".rstrip()
