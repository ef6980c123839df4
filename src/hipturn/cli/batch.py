"""``hipturn batch``: a folder of recordings analysed anew, in parallel."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hipturn.batch import Job, Outcome

EXAMPLE = """\b
Example: hipturn batch recordings -o dataset
         hipturn batch recordings -o dataset --samples --set reps.max_speed_dps=90
         hipturn batch /shared/recordings -o /shared/dataset --dask tcp://127.0.0.1:8786
"""


@click.command("batch", epilog=EXAMPLE)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder of the dataset to write."
)
@click.option("--jobs", type=click.IntRange(1, 512), help="Processes.  [default: one a processor]")
@click.option("--dask", metavar="ADDRESS", help="Let an existing Dask cluster do it.")
@click.option("--samples", is_flag=True, help="Keep every sample, not only what was found in them.")
@click.option("--calibration", help="A calibration file, or 'auto' to estimate one from each recording.")
@click.option("--reference", help="FILE[@from:to]: judge by the repetitions in that stretch (seconds).")
@click.option("--side", type=click.Choice(["left", "right"]), help="The leg, where a recording does not say.")
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a setting; repeatable."
)
@click.option(
    "--deidentify", is_flag=True, help="Leave out names, serial numbers, date and time of day, notes."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    folder: Path,
    output: Path,
    jobs: int | None,
    dask: str | None,
    samples: bool,
    calibration: str | None,
    reference: str | None,
    side: str | None,
    assignments: tuple[str, ...],
    deidentify: bool,
    as_json: bool,
) -> None:
    """Analyse all recordings of a folder anew, in parallel, into a dataset of Parquet files.

    What is in the dataset already is not done again, so it can be stopped and called again at any time;
    a recording that cannot be analysed is told and ends nothing.
    """
    import time

    from hipturn import batch, lines
    from hipturn.batch.cluster import on_cluster
    from hipturn.batch.processes import default_jobs, in_processes
    from hipturn.batch.work import failed, work
    from hipturn.cli.export import requested
    from hipturn.export.parquet import import_pyarrow
    from hipturn.plain import printable

    import_pyarrow()
    plan = batch.Plan(requested(calibration, reference, side, assignments), samples, deidentify)
    begun = time.perf_counter()

    def spread(todo: "Iterable[Job]") -> "Iterator[Outcome]":
        return on_cluster(todo, dask) if dask else in_processes(todo, jobs or default_jobs(), work, failed)

    try:
        with _Told(len(batch.recordings_in(folder)), as_json=as_json) as told:
            outcomes = batch.run(folder, output, plan, spread, told.hear)
    except KeyboardInterrupt:
        click.echo(f"hipturn: {printable(str(output))} keeps what is done: call it again to go on", err=True)
        raise
    elapsed_s = time.perf_counter() - begun
    for outcome in outcomes:
        if outcome.reason:
            named = Path(outcome.name).name in outcome.reason
            line = outcome.reason if named else f"{outcome.name}: {outcome.reason}"
            click.echo(f"hipturn: {printable(line)}", err=True)
    counts = {status.value: sum(o.status is status for o in outcomes) for status in batch.Status}
    # what each took in its process, whatever ran beside it
    took_s = [outcome.elapsed_s for outcome in outcomes if outcome.status is batch.Status.DONE]
    each_s = sum(took_s) / len(took_s) if took_s else None
    if as_json:
        tail = {"v": 1, "type": "batch", **counts, "elapsed_s": round(elapsed_s, 3)}
        tail["each_s"] = None if each_s is None else round(each_s, 4)
        click.echo(lines.dumps(tail))
    else:
        words = {"done": "analysed", "there": "there already", "copy": "copies", "failed": "failed"}
        cost = "" if each_s is None else f", {each_s:.2f} s a recording"
        parts = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
        click.echo(f"{output}: {len(outcomes)} recordings: {', '.join(parts)}; {elapsed_s:.1f} s{cost}")
    if counts["failed"] == len(outcomes):
        raise click.exceptions.Exit(1)


class _Told:
    """Progress as it happens: JSON lines, or a bar where stderr is a terminal."""

    def __init__(self, count: int, *, as_json: bool) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._as_json = as_json
        self._bar = Progress(console=console, transient=True, disable=as_json or not console.is_terminal)
        self._task = self._bar.add_task("recordings", total=count)

    def __enter__(self) -> "_Told":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def hear(self, outcome: "Outcome") -> None:
        """Tell what became of a recording."""
        from hipturn import lines

        self._bar.advance(self._task)
        if self._as_json:
            click.echo(lines.dumps(outcome.line()))
