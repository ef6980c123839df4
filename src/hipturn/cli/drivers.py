"""``hipturn drivers``: the devices hipturn knows."""

import click


@click.command("drivers", epilog="Example: hipturn drivers --json")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(as_json: bool) -> None:
    """List the devices hipturn knows, what each one's byte layout rests on, and what was never tried."""
    from hipturn import drivers, lines
    from hipturn.cli.output import echo
    from hipturn.sources.virtual import devices

    for name in drivers.names():
        if name == "table":  # rows of an import, no device
            continue
        driver = drivers.get(name)
        if as_json:
            row: lines.Line = {"v": 1, "type": "driver", "name": name}
            row |= {"title": driver.title, "trust": driver.trust, "untried": driver.untried}
            row |= {"commands": sorted(driver.commands), "virtual": name in devices.names()}
            row["rates_hz"] = list(driver.rates_hz)
            row["own"] = name in drivers.built_in()
            click.echo(lines.dumps(row))
        else:
            about = [driver.title, f"evidence: {driver.trust}", f"never tried on hardware: {driver.untried}"]
            if name not in drivers.built_in():
                about.append("brought by another package")
            for column, text in zip([name, "", "", ""], about):
                echo(f"{column:<12}{text}", 12)
