"""``hipturn export``: results for the rest of the world."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hipturn.export import Measured
    from hipturn.offline import Request

FORMATS = ("csv", "parquet", "json", "sto", "mot", "bids", "fhir")

EXAMPLE = """\b
Example: hipturn export session.mcap --to csv -o session.csv
         hipturn export session.mcap --to sto -o session.sto --side right
         hipturn export session.mcap --to bids -o dataset --subject 07 --deidentify
"""


@click.command("export", epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--to", "form", type=click.Choice(FORMATS), required=True, help="The format.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File to write; a folder for bids.",
)
@click.option("--calibration", help="A calibration file, or 'auto' to estimate one from the recording.")
@click.option("--reference", help="FILE[@from:to]: judge by the repetitions in that stretch (seconds).")
@click.option(
    "--side", type=click.Choice(["left", "right"]), help="The leg, where the recording does not say."
)
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a setting; repeatable."
)
@click.option("--stream", help="The sensor, where the format holds one and the recording several.")
@click.option("--subject", default="01", show_default=True, help="bids: label of the participant.")
@click.option("--session", help="bids: label of the participant's session.")
@click.option(
    "--deidentify", is_flag=True, help="Leave out names, serial numbers, date and time of day, notes."
)
def command(
    file: Path,
    form: str,
    output: Path,
    calibration: str | None,
    reference: str | None,
    side: str | None,
    assignments: tuple[str, ...],
    stream: str | None,
    subject: str,
    session: str | None,
    deidentify: bool,
) -> None:
    """Write what a recording gives in a format that other programs read.

    csv, parquet and json hold every sample and repetition, sto and mot are OpenSim's orientations and
    angles, bids is a Motion-BIDS folder, fhir a bundle of observations.
    """
    from hipturn import export, offline
    from hipturn.cli.output import check
    from hipturn.export import bids, csv, fhir, json, opensim, parquet

    entry = bids.Entry(subject, session)
    writers: dict[str, Callable[[Measured], list[Path]]] = {
        "csv": lambda measured: csv.write(measured, output),
        "parquet": lambda measured: parquet.write(measured, output),
        "json": lambda measured: json.write(measured, output),
        "sto": lambda measured: opensim.write_sto(measured, output, stream),
        "mot": lambda measured: opensim.write_mot(measured, output, stream),
        "bids": lambda measured: bids.write(measured, output, entry, stream),
        "fhir": lambda measured: fhir.write(measured, output),
    }
    if form == "bids":
        bids.check(output, entry)
    else:
        module = {"csv": csv, "parquet": parquet}.get(form, json)
        sources = [file, Path(calibration or ""), offline.parse_reference(reference or "")[0]]
        for target in module.targets(output):
            check(target, "-o", *sources)
    if form == "parquet":
        parquet.import_pyarrow()
    measured = export.measure(file, requested(calibration, reference, side, assignments))
    paths = writers[form](export.deidentified(measured) if deidentify else measured)
    click.echo(f"{', '.join(map(str, paths))}: {told(measured)}")
    if measured.heading_dependent:
        click.echo(
            f"hipturn: {file.name}: the angle is heading-dependent and drifts: "
            "in this position gravity shows too little of it",
            err=True,
        )
    if measured.problem:
        click.echo(f"hipturn: {file.name}: {measured.problem}", err=True)


def requested(
    calibration: str | None, reference: str | None, side: str | None, assignments: tuple[str, ...]
) -> "Request":
    """Return what the options ask of a recording's analysis; raise `UsageError` or `InputError`."""
    from hipturn import config, offline
    from hipturn.model import Side

    given = calibration in (None, offline.AUTO)
    return offline.Request(
        settings=dict(config.parse_assignment(text) for text in assignments),
        calibration=calibration if given else offline.read_calibration(Path(calibration or "")),
        side=Side(side) if side else None,
        reference=reference,
    )


def told(measured: "Measured") -> str:
    """Return what was exported, in a few words."""
    samples = sum(len(stream.t_ns) for stream in measured.streams.values())
    return f"{samples} samples, {len(measured.reps)} repetitions"
