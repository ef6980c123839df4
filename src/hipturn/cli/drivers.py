"""``hipturn drivers``: the devices hipturn knows."""

import click


@click.command("drivers", epilog="Example: hipturn drivers --json")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(as_json: bool) -> None:
    """List the devices hipturn knows, and the evidence each one's byte layout rests on."""
    from hipturn import drivers, lines

    for name in drivers.names():
        if name == "table":  # rows of an import, no device
            continue
        driver = drivers.get(name)
        if as_json:
            click.echo(
                lines.dumps(
                    {"v": 1, "type": "driver", "name": name, "title": driver.title, "trust": driver.trust}
                )
            )
        else:
            click.echo(f"{name:<12}{driver.title}\n{'':<12}{driver.trust}")
