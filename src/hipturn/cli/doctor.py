"""``hipturn doctor``: whether this computer is fit to measure."""

import click


@click.command("doctor", epilog="Example: hipturn doctor --json")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(as_json: bool) -> None:
    """Look at Python, packages, settings, disk, clock, Bluetooth, port and speech; say what mends what.

    The exit status is 1 if something keeps hipturn from measuring with a sensor.
    """
    import sys
    from dataclasses import asdict

    from hipturn import lines
    from hipturn.cli.output import echo
    from hipturn.doctor import look

    blocked = False
    for finding in look():
        blocked |= finding.grade == "blocks"
        if as_json:
            click.echo(lines.dumps({"v": lines.VERSION, "type": "finding", **asdict(finding)}))
            continue
        sign = {"good": "✓", "note": "·", "blocks": "✗"}[finding.grade]
        echo(f"{sign} {finding.what:<12} {finding.text}", 15)
        if finding.mend:
            echo(f"{'':<15}→ {finding.mend}", 17)
    sys.exit(1 if blocked else 0)
