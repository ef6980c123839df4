"""``hipturn replay``: a recording through the measurement again."""

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hipturn.lines import Line
    from hipturn.model import Calibration, Output
    from hipturn.offline import Analysis

EXAMPLE = """\b
Example: hipturn replay session.mcap
         hipturn replay session.mcap --json --set reps.max_speed_dps=90
         hipturn replay imported.mcap --calibration auto --reference imported.mcap@0:25
"""


@click.command("replay", epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
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
    file: Path,
    as_json: bool,
    angles: Path | None,
    calibration: str | None,
    reference: str | None,
    side: str | None,
    assignments: tuple[str, ...],
    speed: float | None,
    diff: bool,
) -> None:
    """Run a recording through the measurement again, with any setting changed."""
    from hipturn import config, lines, offline
    from hipturn.cli import output
    from hipturn.model import Side

    if angles is not None:
        sources = [file, Path(calibration or ""), offline.parse_reference(reference or "")[0]]
        output.check(angles, "--angles", *sources)
    request = offline.Request(
        settings=dict(config.parse_assignment(text) for text in assignments),
        calibration=_calibration(calibration),
        side=Side(side) if side else None,
        reference=reference,
    )
    if speed is None:
        result = offline.analyse(file, request)
    else:
        from hipturn.sources.replay import paced

        result = offline.analyse(file, request, pace=lambda inputs: paced(inputs, speed), on_event=_echo)
    head, events, tail = result.lines(file.name)
    if angles is not None:
        write_angles(angles, result)
    differences = compared(file, events) if diff else []
    if as_json:
        for line in [head, *events, *differences, tail]:
            click.echo(lines.dumps(line))
    else:
        from hipturn.sinks import console

        console.print_results(head, events, tail)
        if differences:
            _print_diff(differences)
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


def compared(file: Path, events: "list[Line]") -> "list[Line]":
    """Return a line for each result that is not as the live session announced it, and their count."""
    from hipturn.lines import VERSION
    from hipturn.recording import Reader

    kinds = ("rep", "hold", "gap", "calibration")
    announced = [event for event in Reader(file).events() if event.get("type") in kinds]
    found: list[Line] = []
    for kind in kinds:
        before = [event for event in announced if event["type"] == kind]
        after = [event for event in events if event["type"] == kind]
        for n, (live, now) in enumerate(zip_longest(before, after), 1):
            if live == now:
                continue
            keys = [
                key
                for key in {**(live or {}), **(now or {})}
                if (live or {}).get(key) != (now or {}).get(key)
            ]
            found.append(
                {
                    "v": VERSION,
                    "type": "diff",
                    "of": kind,
                    "n": n,
                    "live": live and {key: live.get(key) for key in keys},
                    "now": now and {key: now.get(key) for key in keys},
                }
            )
    return [*found, {"v": VERSION, "type": "compared", "announced": len(announced), "differ": len(found)}]


def _print_diff(found: "list[Line]") -> None:
    """Print what the live session announced otherwise."""
    *differences, total = found
    if not total["announced"]:
        click.echo("no announced results are in the recording to compare with")
        return
    for each in differences:
        live, now = each["live"], each["now"]
        if live is None or now is None:
            what = "only now" if live is None else "only live"
        else:
            what = ", ".join(f"{key} {live[key]} → {now[key]}" for key in now)
        click.echo(f"{each['of']} {each['n']}: {what}")
    if differences:
        click.echo(f"{len(differences)} of {total['announced']} announced results differ")
    else:
        click.echo("as announced live")
