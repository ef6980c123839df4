"""``hipturn replay``: a recording through the measurement again."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipturn.cli.history import bar, folder_option

if TYPE_CHECKING:
    from hipturn.model import Calibration, Output
    from hipturn.offline import Analysis, Request

EXAMPLE = """\b
Example: hipturn replay session.mcap
         hipturn replay session.mcap --json --set reps.max_speed_dps=90
         hipturn replay imported.mcap --calibration auto --reference imported.mcap@0:25
         hipturn replay session.mcap --diff --set reps.max_speed_dps=60
         hipturn replay --all --diff
"""


@click.command("replay", epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--all", "every", is_flag=True, help="Every recording of the folder, in place of FILE.")
@folder_option
@click.option("--jobs", type=click.IntRange(1, 512), help="--all: processes.  [default: one a processor]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of a table.")
@click.option(
    "--angles", type=click.Path(path_type=Path), help="Write the angle of every sample to this CSV."
)
@click.option("--calibration", help="A calibration file, or 'auto' to estimate one from the recording.")
@click.option("--reference", help="FILE[@from:to]: judge by the repetitions in that stretch (seconds).")
@click.option(
    "--side", type=click.Choice(["left", "right"]), help="The leg, where the recording does not say."
)
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a setting; repeatable."
)
@click.option("--speed", type=click.FloatRange(0.001, 1e6), help="Pace: 1 is real time.")
@click.option("--diff", is_flag=True, help="Compare with what the live session announced.")
def command(
    file: Path | None,
    every: bool,
    recordings: Path | None,
    jobs: int | None,
    as_json: bool,
    angles: Path | None,
    calibration: str | None,
    reference: str | None,
    side: str | None,
    assignments: tuple[str, ...],
    speed: float | None,
    diff: bool,
) -> None:
    """Run a recording through the measurement again, with any setting changed, or all there are.

    --diff tells what is not as the live session announced it, and what that comes to.
    """
    from hipturn import config, lines, offline
    from hipturn.cli import output
    from hipturn.compared import compared, in_words
    from hipturn.errors import UsageError
    from hipturn.model import Side
    from hipturn.plain import printable
    from hipturn.recording import Reader

    if (file is None) != every:
        raise UsageError("name a FILE, or --all for every recording of the folder")
    if every and (angles is not None or speed is not None):
        raise UsageError("--angles and --speed are for one recording, not for --all")

    if angles is not None and file is not None:
        sources = [file, Path(calibration or ""), offline.parse_reference(reference or "")[0]]
        output.check(angles, "--angles", *sources)
    request = offline.Request(
        settings=dict(config.parse_assignment(text) for text in assignments),
        calibration=_calibration(calibration),
        side=Side(side) if side else None,
        reference=reference,
    )
    if file is None:
        _all(recordings, request, jobs, diff=diff, as_json=as_json)
        return
    kept = angles is not None
    if speed is None:
        result = offline.analyse(file, request, keep_angles=kept)
    else:
        from hipturn.sources.replay import paced

        result = offline.analyse(
            file, request, keep_angles=kept, pace=lambda inputs: paced(inputs, speed), on_event=_echo
        )
    head, events, tail = result.lines(file.name)
    if angles is not None:
        write_angles(angles, result)
    differences = compared(Reader(file).events(), events, result.at_cut) if diff else []
    if as_json:
        for line in [head, *events, *differences, tail]:
            click.echo(lines.dumps(line))
    else:
        from hipturn.sinks import console

        console.print_results(head, events, tail)
        for words in in_words(differences) if differences else ():
            click.echo(printable(words))
    if result.problem:
        click.echo(f"hipturn: {file.name}: {result.problem}", err=True)


def _echo(output: "Output") -> None:
    """Tell an event at the moment it is decided: what pacing is for."""
    from hipturn import lines

    if (line := lines.line(output)) is not None:
        click.echo(lines.dumps(line), err=True)


def _calibration(text: str | None) -> "Calibration | str | None":
    from hipturn import offline

    return text if text in (None, offline.AUTO) else offline.read_calibration(Path(text))


def write_angles(path: Path, result: "Analysis") -> None:
    """Write one row a sample: t_s,angle_deg,rate_dps,off_axis_deg,trusted; whole or not at all."""
    from hipturn.cli.output import replacing
    from hipturn.units import DEG_PER_RAD, NS_PER_S

    with replacing(path) as out:
        out.write("t_s,angle_deg,rate_dps,off_axis_deg,trusted\n")
        for block in result.angles:
            columns = (
                (block.t_ns / NS_PER_S).tolist(),
                (block.angle_rad * DEG_PER_RAD).tolist(),
                (block.rate_radps * DEG_PER_RAD).tolist(),
                (block.off_axis_rad * DEG_PER_RAD).tolist(),
                block.trusted.astype(int).tolist(),
            )
            out.writelines(
                f"{t:.4f},{angle:.4f},{rate:.3f},{off_axis:.4f},{trusted}\n"
                for t, angle, rate, off_axis, trusted in zip(*columns)
            )


def _all(recordings: Path | None, request: "Request", jobs: int | None, *, diff: bool, as_json: bool) -> None:
    """Replay every recording of the folder, a line each; exit with 1 if none could be."""
    from hipturn import batch, lines
    from hipturn.batch.again import replay_all
    from hipturn.batch.processes import default_jobs
    from hipturn.compared import verdict
    from hipturn.places import recordings_folder
    from hipturn.plain import counted, printable

    folder = recordings_folder(recordings)
    paths = batch.recordings_in(folder)
    failed = differ = 0
    with bar("replaying") as hear:
        hear(0, len(paths))
        outcomes = replay_all(folder, paths, request, diff=diff, jobs=jobs or default_jobs())
        for n, each in enumerate(outcomes, 1):
            hear(n, len(paths))
            if each.reason:
                told = each.reason if Path(each.name).name in each.reason else f"{each.name}: {each.reason}"
                click.echo(f"hipturn: {printable(told)}", err=True)
            if each.summary is None:
                failed += 1
                continue
            differ += bool(each.comparison and each.comparison[-1]["differ"])
            if as_json:
                for line in (*each.comparison, each.summary):
                    click.echo(lines.dumps({**line, "recording": each.name}))
                continue
            counts = f"{each.summary['reps']} repetitions, {each.summary['controlled']} controlled"
            compared = f"; {verdict(each.comparison[-1])}" if each.comparison else ""
            click.echo(printable(f"{each.name}: {counts}{compared}"))
    if as_json:
        total = {"v": lines.VERSION, "type": "replayed", "recordings": len(paths), "failed": failed}
        click.echo(lines.dumps(total | ({"differ": differ} if diff else {})))
    else:
        parts = [f"{counted(len(paths), 'recording')} replayed", f"{failed} failed" if failed else ""]
        parts.append(f"{differ} not as announced live" if diff else "")
        click.echo(", ".join(filter(None, parts)))
    if failed == len(paths):
        raise click.exceptions.Exit(1)
