"""``hipturn import``: foreign recordings."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipturn.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def names(count: int, text: str | None, option: str) -> tuple[str, ...] | None:
    """Return the column names of a comma-separated option, or None if it was not given."""
    if text is None:
        return None
    parts = tuple(part.strip() for part in text.split(","))
    if len(parts) != count or not all(parts):
        raise UsageError(f"{option} needs {count} column names separated by commas, not {text!r}")
    return parts


EXAMPLE = """\b
Example: hipturn import Shank_20210820.csv -o dot.mcap --format xsens-dot
         hipturn import log.csv -o wit.mcap --format witmotion --device F3:89:79:49:6C:B3
         hipturn import logged/ -o xio.mcap --format xio --device "Right Lower Leg"
         hipturn import anything -o out.mcap --side right
         hipturn import session.csv -o session.mcap --format csv --rate 25 --delimiter ';' \\
           --acc acc_x,acc_y,acc_z --acc-unit mps2 --gyr gyr_x,gyr_y,gyr_z --gyr-unit radps
"""
FORMATS = ("xsens-dot", "witmotion", "xio", "csv", "auto")
ONLY_CSV = (
    *("delimiter", "decimal", "skip_rows", "rate", "acc", "acc_unit", "gyr", "gyr_unit"),
    *("quat", "quat_order", "quat_direction", "time_column", "time_unit"),
)
"""Options that say what the other formats say themselves."""
BAR_AFTER_S = 1.0


@click.command("import", epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Recording to write.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="auto",
    show_default=True,
    help="What FILE is; xio is a folder. auto looks into it, or takes the options below for csv.",
)
@click.option("--device", help="Which of several devices in FILE (witmotion, xio): its name or part of it.")
@click.option("--delimiter", default=",", help="Column delimiter; \\t for a tab.", show_default=True)
@click.option("--decimal", type=click.Choice([".", ","]), default=".", help="Decimal sign.")
@click.option("--skip-rows", type=click.IntRange(0), default=0, help="Lines above the header.")
@click.option(
    "--rate", type=float, help="Samples a second; for other formats than csv where FILE has no times."
)
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
@click.pass_context
def command(
    context: click.Context,
    file: Path,
    output: Path,
    kind: str,
    device: str | None,
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
    from hipturn.plain import printable
    from hipturn.sources.importers import cells, csv, detect, witmotion, xio, xsens_dot

    given = [
        name
        for name in ONLY_CSV
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if kind == "auto":
        kind = "csv" if given else detect.kind(file)
    _check_options(kind, given, device, rate)
    if kind == "csv":
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
    outputs.check(output, "-o", file, *(xio.files(file) if kind == "xio" else ()))
    with _bar() as watch:
        match kind:
            case "xsens-dot":
                found = xsens_dot.read(file, rate, watch)
            case "witmotion":
                found = witmotion.read(file, device, rate, watch)
            case "xio":
                found = xio.read(file, device, watch)
            case _:
                found = csv.read(file, layout, watch)
    recording.write(output, found.inputs(Side(side) if side else None))
    for doubt in found.doubts():
        click.echo(printable(f"hipturn: {file.name}: warning: {doubt}"), err=True)
    told = printable(", ".join(found.told()))
    click.echo(f"{output}: {told}; next: hipturn replay {output} --calibration auto")


def _check_options(kind: str, given: list[str], device: str | None, rate: float | None) -> None:
    """Raise `UsageError` for an option that the format has no use for."""
    if device is not None and kind in ("csv", "xsens-dot"):
        raise UsageError(f"--device is for --format witmotion and xio: a {kind} file is of one device")
    wrong = [] if kind == "csv" else [name for name in given if name != "rate" or kind == "xio"]
    if wrong:
        option = {"time_column": "time"}.get(wrong[0], wrong[0]).replace("_", "-")
        raise UsageError(f"--{option} is for --format csv: {kind} files say it themselves")
    if kind != "csv" and rate is not None and not 1.0 <= rate <= 4000.0:
        raise UsageError(f"--rate must be from 1 to 4000 Hz, not {rate:g}")


@contextlib.contextmanager
def _bar() -> "Iterator[Callable[[float], None]]":
    """Give what hears the share that was read, and shows it on a terminal if reading takes longer."""
    import time

    from rich.console import Console
    from rich.progress import Progress

    begun = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("reading", total=1.0, visible=False)

        def watch(share: float) -> None:
            progress.update(task, completed=share, visible=time.monotonic() - begun > BAR_AFTER_S)

        yield watch
