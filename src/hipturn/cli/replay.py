"""``hipturn replay``: a recording through the measurement again."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
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
@click.option("--speed", type=click.FloatRange(0.0, min_open=True), help="Pace: 1 is real time.")
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
    from hipturn.model import Side

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
    if as_json:
        for line in [head, *events, tail]:
            click.echo(lines.dumps(line))
    else:
        from hipturn.sinks import console

        console.print_results(head, events, tail)
    if result.problem:
        click.echo(f"hipturn: {file.name}: {result.problem}", err=True)
    if diff:
        _print_diff(file, events)


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
    from hipturn.errors import InputError
    from hipturn.units import DEG_PER_RAD, NS_PER_S

    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="ascii", newline="") as out:
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
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}): choose another place"
        ) from error


def _print_diff(file: Path, events: "list[dict[str, object]]") -> None:
    """Print what the live session announced otherwise."""
    from hipturn.recording import Reader

    kinds = ("rep", "hold", "gap", "calibration")
    announced = [event for event in Reader(file).events() if event.get("type") in kinds]
    now = [event for event in events if event.get("type") in kinds]
    if not announced:
        click.echo("no announced results are in the recording to compare with")
        return
    changed = 0
    for kind in kinds:
        before = [e for e in announced if e["type"] == kind]
        after = [e for e in now if e["type"] == kind]
        for i in range(max(len(before), len(after))):
            a, b = (before[i] if i < len(before) else None), (after[i] if i < len(after) else None)
            if a == b:
                continue
            changed += 1
            if a is None or b is None:
                click.echo(f"{kind} {i + 1}: {'only now' if a is None else 'only live'}")
            else:
                keys = [k for k in b if a.get(k) != b[k]]
                click.echo(f"{kind} {i + 1}: " + ", ".join(f"{k} {a.get(k)} → {b[k]}" for k in keys))
    click.echo(f"{changed} of {len(announced)} announced results differ" if changed else "as announced live")
