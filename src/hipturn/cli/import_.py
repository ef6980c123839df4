"""``hipturn import``: foreign recordings."""

from pathlib import Path

import click

from hipturn.errors import UsageError


def names(count: int, text: str | None, option: str) -> tuple[str, ...] | None:
    """Return the column names of a comma-separated option, or None if it was not given."""
    if text is None:
        return None
    parts = tuple(part.strip() for part in text.split(","))
    if len(parts) != count or not all(parts):
        raise UsageError(f"{option} needs {count} column names separated by commas, not {text!r}")
    return parts


EXAMPLE = """\b
Example: hipturn import session.csv -o session.mcap --format csv --rate 25 --delimiter ';' \\
           --acc acc_x,acc_y,acc_z --acc-unit mps2 --gyr gyr_x,gyr_y,gyr_z --gyr-unit radps
"""


@click.command("import", epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Recording to write.")
@click.option("--format", "kind", type=click.Choice(["csv", "auto"]), default="auto", help="What FILE is.")
@click.option("--delimiter", default=",", help="Column delimiter; \\t for a tab.", show_default=True)
@click.option("--decimal", type=click.Choice([".", ","]), default=".", help="Decimal sign.")
@click.option("--skip-rows", type=click.IntRange(0), default=0, help="Lines above the header.")
@click.option("--rate", type=float, help="Samples a second.")
@click.option("--acc", help="Acceleration columns x,y,z.")
@click.option("--acc-unit", type=click.Choice(["mps2", "g", "mg"]), default="mps2", show_default=True)
@click.option("--gyr", help="Angular rate columns x,y,z.")
@click.option("--gyr-unit", type=click.Choice(["radps", "dps"]), default="radps", show_default=True)
@click.option("--quat", help="Quaternion columns in the order of --quat-order.")
@click.option("--quat-order", type=click.Choice(["wxyz", "xyzw"]), default="wxyz", show_default=True)
@click.option(
    "--quat-direction",
    type=click.Choice(["earth-from-sensor", "sensor-from-earth"]),
    help="What the quaternion turns into what; there is no default, because the numbers cannot tell.",
)
@click.option("--time", "time_column", help="Column of sample times; gaps in it are found and reported.")
@click.option("--time-unit", type=click.Choice(["s", "ms", "us", "ns"]), default="s", show_default=True)
@click.option("--side", type=click.Choice(["left", "right"]), help="The leg the sensor was on.")
def command(
    file: Path,
    output: Path,
    kind: str,
    delimiter: str,
    decimal: str,
    skip_rows: int,
    rate: float | None,
    acc: str | None,
    acc_unit: str,
    gyr: str | None,
    gyr_unit: str,
    quat: str | None,
    quat_order: str,
    quat_direction: str | None,
    time_column: str | None,
    time_unit: str,
    side: str | None,
) -> None:
    """Turn a foreign recording into one of ours, which 'hipturn replay' reads."""
    from typing import Any, cast

    from hipturn import recording
    from hipturn.cli import output as outputs
    from hipturn.model import Side
    from hipturn.sources.importers import cells, csv

    delimiter = delimiter.replace("\\t", "\t")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(f"--delimiter must be one character, such as ; or , or \\t, not {delimiter!r}")
    layout = csv.Layout(
        acc=cast(Any, names(3, acc, "--acc")),
        gyr=cast(Any, names(3, gyr, "--gyr")),
        quat=cast(Any, names(4, quat, "--quat")),
        acc_unit=acc_unit,
        gyr_unit=gyr_unit,
        quat_order=cast(Any, quat_order),
        quat_direction=cast(Any, quat_direction),
        time=time_column,
        time_unit=time_unit,
        rate_hz=rate,
        form=cells.Form(delimiter, decimal, skip_rows),
    )
    outputs.check(output, "-o", file)
    table = csv.read(file, layout)
    recording.write(output, csv.stream(file, layout, table, Side(side) if side else None))
    gaps, missing = table.gaps
    told = [f"{len(table.t_ns)} rows at {table.rate_hz:g} Hz"]
    told += [f"{gaps} gaps with {missing} samples missing"] if gaps else []
    told += [f"{table.damaged} rows damaged"] if table.damaged else []
    told += [f"{table.late} rows late or twice, which are left out"] if table.late else []
    click.echo(f"{output}: {', '.join(told)}; next: hipturn replay {output} --calibration auto")
