"""``hipturn plot``: a picture of a recording."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hipturn.offline import Request

FORMATS = ("png", "svg", "pdf")
UNDATED: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""The same recording gives the same file, byte for byte."""
DPI = 150

EXAMPLE = """\b
Example: hipturn plot session.mcap --save session.png
         hipturn plot session.mcap --from 60 --to 90
         hipturn plot imported.mcap --calibration auto --reference imported.mcap@0:25 --save it.pdf
"""


@click.command("plot", epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--save",
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the picture here: .png, .svg or .pdf; else a window.",
)
@click.option("--from", "from_s", type=float, default=0.0, help="Begin at this second.")
@click.option("--to", "to_s", type=float, default=math.inf, help="End at this second.")
@click.option("--calibration", help="A calibration file, or 'auto' to estimate one from the recording.")
@click.option("--reference", help="FILE[@from:to]: judge by the repetitions in that stretch (seconds).")
@click.option(
    "--side", type=click.Choice(["left", "right"]), help="The leg, where the recording does not say."
)
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a setting; repeatable."
)
def command(
    file: Path,
    save: Path | None,
    from_s: float,
    to_s: float,
    calibration: str | None,
    reference: str | None,
    side: str | None,
    assignments: tuple[str, ...],
) -> None:
    """Draw the angle over time with the repetitions found in it, as a picture or in a window."""
    from hipturn import offline
    from hipturn.cli import output
    from hipturn.errors import UsageError
    from hipturn.plain import counted, printable

    if not (0.0 <= from_s < to_s):
        raise UsageError(f"--from {from_s:g} --to {to_s:g}: the stretch ends before it begins, or before 0")
    if save is not None:
        if save.suffix[1:].lower() not in FORMATS:
            raise UsageError(f"--save {save}: no picture is called that: end it in .png, .svg or .pdf")
        sources = [file, Path(calibration or ""), offline.parse_reference(reference or "")[0]]
        output.check(save, "--save", *sources)
    import_matplotlib("plot")
    from hipturn.report import plot

    if save is None:
        _check_display()
    result = offline.analyse(file, _requested(calibration, reference, side, assignments), keep_angles=True)
    if save is None:
        from matplotlib import pyplot

        plot.figure(result, file.name, from_s=from_s, to_s=to_s, into=pyplot.figure(file.name))
        pyplot.show()
    else:
        _save(plot.figure(result, file.name, from_s=from_s, to_s=to_s), save)
        click.echo(printable(f"{save}: {counted(len(result.reps), 'repetition')}"))
    if result.problem:
        click.echo(f"hipturn: {file.name}: {result.problem}", err=True)


def import_matplotlib(command: str) -> None:
    """Raise `UsageError` if the package that draws is missing."""
    from hipturn.errors import UsageError

    try:
        import hipturn.report.plot  # noqa: F401
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise UsageError(
            f"{command} needs the package matplotlib ({error}): "
            "install it with  pip install 'hipturn[report]'"
        ) from error


def _check_display() -> None:
    """Raise `UsageError` where no window can be opened."""
    from matplotlib import pyplot
    from matplotlib.backends.registry import BackendFilter, backend_registry

    from hipturn.errors import UsageError

    windows: list[str] = backend_registry.list_builtin(BackendFilter.INTERACTIVE)  # type: ignore[no-untyped-call]
    # being asked, matplotlib looks for a display and a toolkit
    if pyplot.get_backend().lower() not in windows:
        raise UsageError("no window can be opened here: write the picture to a file with --save OUT.png")


def _save(figure: Any, path: Path) -> None:
    """Write the picture, whole or not at all."""
    import io

    import matplotlib

    from hipturn.cli.output import replacing

    form = path.suffix[1:].lower()
    picture = io.BytesIO()
    # element names in an SVG are random without a salt
    with matplotlib.rc_context({"svg.hashsalt": "hipturn"}):
        figure.savefig(picture, format=form, dpi=DPI, metadata=UNDATED[form])
    with replacing(path) as out:
        out.buffer.write(picture.getvalue())


def _requested(
    calibration: str | None, reference: str | None, side: str | None, assignments: tuple[str, ...]
) -> "Request":
    """Return what the options ask of the analysis; raise `UsageError` or `InputError`."""
    from hipturn import config, offline
    from hipturn.model import Side

    given = calibration in (None, offline.AUTO)
    return offline.Request(
        settings=dict(config.parse_assignment(text) for text in assignments),
        calibration=calibration if given else offline.read_calibration(Path(calibration or "")),
        side=Side(side) if side else None,
        reference=reference,
    )
