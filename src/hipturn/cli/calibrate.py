"""``hipturn calibrate``: axes and zero from part of a recording."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hipturn.model import Calibration

EXAMPLE = """\b
Example: hipturn calibrate session.mcap --from 0 --to 20 -o session.json
         hipturn replay session.mcap --calibration session.json
"""


@click.command("calibrate", epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from", "from_s", type=click.FloatRange(0.0, 1e9), default=0.0, help="Begin here, s.", show_default=True
)
@click.option("--to", "to_s", type=click.FloatRange(0.0, 1e9), help="End here, s.  [default: the end]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Calibration file to write.  [default: FILE with the ending .calibration.json]",
)
@click.option(
    "--side", type=click.Choice(["left", "right"]), help="The leg, where the recording does not say."
)
@click.option(
    "--standing", metavar="FROM:TO", help="Quiet standing in it, s: the zero is then where the shin is plumb."
)
def command(
    file: Path,
    from_s: float,
    to_s: float | None,
    output: Path | None,
    side: str | None,
    standing: str | None,
) -> None:
    """Calibrate from part of a recording: lie still for 2 s or more, then turn the leg slowly 3 times.

    Finds the first still hold of the part and takes axis and zero from it and the rotations after it.
    """
    import math

    from hipturn import calibrate
    from hipturn.cli.output import check, replacing
    from hipturn.errors import UsageError
    from hipturn.model import Side

    end_s = math.inf if to_s is None else to_s
    if not from_s < end_s:
        raise UsageError(f"--from {from_s:g} --to {end_s:g}: the part ends before it begins")
    found = calibrate.calibrate(
        file,
        from_s=from_s,
        to_s=end_s,
        side=Side(side) if side else None,
        standing_s=_stretch(standing) if standing else None,
    )
    place = output if output is not None else file.parent / f"{file.stem}.calibration.json"
    check(place, "-o", file)
    with replacing(place) as out:
        out.write(calibrate.to_json(found))
    click.echo(f"{place}: {summary(found)}")


def _stretch(text: str) -> tuple[float, float]:
    """Return the seconds of ``FROM:TO``."""
    from hipturn.errors import UsageError

    begin, _, end = text.partition(":")
    try:
        from_s, to_s = float(begin), float(end)
    except ValueError:
        from_s = to_s = -1.0
    if not 0.0 <= from_s < to_s < 1e9:
        raise UsageError(f"--standing {text:.40}: write it as FROM:TO in seconds, like 2:6")
    return from_s, to_s


def summary(calibration: "Calibration") -> str:
    """Return the figures that tell whether a calibration is good, in one line."""
    from hipturn.core.angle import observability
    from hipturn.units import DEG_PER_RAD

    observed, elevation = observability(calibration)
    start_s, end_s = calibration.window_s
    parts = [
        f"{calibration.grade} calibration from {start_s:.1f} to {end_s:.1f} s",
        f"{calibration.axis_share:.0%} of the rotation about one axis",
        f"spread {calibration.axis_spread_rad * DEG_PER_RAD:.1f}°",
        f"elevation {elevation * DEG_PER_RAD:+.1f}°",
    ]
    if calibration.zero == "gravity":
        parts.append(f"gravity zero, the pose held is {abs(calibration.pose_rad) * DEG_PER_RAD:.1f}° from it")
    if calibration.sign == "assumed":
        parts.append("which way is internal is assumed from the larger side")
    if observed < 0.5:
        parts.append("heading-dependent: not comparable between days")
    return ", ".join(parts)
