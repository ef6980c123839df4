"""``hipturn report``: two printed pages about a person's weeks, or about one session."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipturn.cli.asking import GROUPS, SCALES
from hipturn.cli.history import folder_option

if TYPE_CHECKING:
    from hipturn.offline import Request
    from hipturn.report.against import Against
    from hipturn.report.words import Say

EXAMPLE = """\b
Example: hipturn report --person P-07 -o report.html
         hipturn report --person P-07 --reference adults-prone --scale prone-internal --pdf
         hipturn report session.mcap --language de
"""
MOST_GROUPS = 3


@click.command("report", epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--person", help="Report on all sessions of this person instead of on one recording.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="HTML file to write.  [default: report.html, or the recording's name]",
)
@click.option("--pdf", is_flag=True, help="Print it to a PDF beside it too, by the Chromium that is there.")
@click.option("--language", type=click.Choice(["en", "de"]), help="[default: the coach's]")
@click.option(
    "--reference",
    type=click.Choice(GROUPS),
    multiple=True,
    help="Published group to show results beside: data, no verdict; up to three.  [default: the settings']",
)
@click.option(
    "--scale", type=click.Choice(SCALES), help="Marks to show results on.  [default: the settings']"
)
@click.option("--deidentify", is_flag=True, help="Leave out names, dates and notes.")
@folder_option
@click.option("--calibration", help="A calibration file, or 'auto' to estimate one from the recording.")
@click.option("--side", type=click.Choice(["left", "right"]), help="The leg, where FILE does not say.")
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a setting; repeatable."
)
def command(
    file: Path | None,
    person: str | None,
    output: Path | None,
    pdf: bool,
    language: str | None,
    reference: tuple[str, ...],
    scale: str | None,
    deidentify: bool,
    recordings: Path | None,
    calibration: str | None,
    side: str | None,
    assignments: tuple[str, ...],
) -> None:
    """Write a page or two to print about a person's progress, or one recording: one HTML file, no script.

    Progress is told against the measuring error, and tests are compared only with their like.
    """
    from hipturn.cli import output as outputs
    from hipturn.cli.plot import import_matplotlib
    from hipturn.errors import UsageError
    from hipturn.report import pdf as printer

    if (file is None) == (person is None):
        raise UsageError("a report is on one recording or on a person: name a FILE, or --person NAME")
    if len(set(reference)) > MOST_GROUPS:
        raise UsageError(
            f"--reference: {len(set(reference))} groups have no room on two pages: name up to {MOST_GROUPS}"
        )
    against = _against(reference, scale)
    out = output or Path("report.html" if file is None else file.with_suffix(".html").name)
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"-o {out}: a report is HTML: end its name in .html (--pdf writes a PDF beside it)")
    beside = out.with_suffix(".pdf")
    for path in (out, beside) if pdf else (out,):
        outputs.check(path, "-o", *filter(None, [file]))
    browser = printer.browser() if pdf else ""
    import_matplotlib("report")
    if file is None:
        text, about = _of_person(str(person), recordings, against, language, deidentify=deidentify)
    else:
        from hipturn.cli.export import requested

        request = requested(calibration, None, side, assignments)
        text, about = _of_session(file, request, against, _say(language), deidentify=deidentify)
    with outputs.replacing(out) as opened:
        opened.write(text)
    told = [str(out)]
    if pdf:
        with outputs.replacing(beside) as opened:
            opened.buffer.write(printer.printed(out, browser))
        told.append(str(beside))
    click.echo(f"{', '.join(told)}: {about}")


def _of_person(
    name: str,
    recordings: Path | None,
    against: "Against",
    language: str | None,
    *,
    deidentify: bool,
) -> tuple[str, str]:
    """Return the report and what it is on, in a few words."""
    from datetime import date

    from hipturn.cli.history import opened, told
    from hipturn.report import person

    today = date.today().toordinal()
    with opened(recordings) as catalogue:
        overview = catalogue.overview(name, today)
        last = person.last_of(catalogue.folder, overview)
        told(catalogue.unreadable())
    days = [at.toordinal() for found in overview.sessions if (at := found.begun)]
    say = _say(language, min(days, default=today) if deidentify else None)
    text = person.report(overview, last, today, against, say, deidentify=deidentify)
    return text, f"{len(overview.sessions)} session{'s' * (len(overview.sessions) != 1)}"


def _of_session(
    file: Path, request: "Request", against: "Against", say: "Say", *, deidentify: bool
) -> tuple[str, str]:
    """Return the report and what it is on, in a few words."""
    from hipturn import lines, offline
    from hipturn.report import session

    analysis = offline.analyse(file, request, keep_angles=True)
    if analysis.problem:
        click.echo(f"hipturn: {file.name}: {analysis.problem}", err=True)
    text = session.report(file.name, analysis, session.answers(file), against, say, deidentify=deidentify)
    reps = len(lines.counted(analysis.events))
    return text, f"{reps} repetition{'s' * (reps != 1)}"


def _against(groups: tuple[str, ...], scale: str | None) -> "Against":
    """Return what is named, else what the settings name: as a test's own result is shown."""
    from hipturn.core import references
    from hipturn.report.against import Against

    names = dict.fromkeys(groups or filter(None, [_set("coach.reference")]))
    marks = scale or _set("coach.scale")
    return Against(
        tuple(references.group(name) for name in names), references.scale(marks) if marks else None
    )


def _say(language: str | None, first_day: int | None = None) -> "Say":
    from hipturn.report.words import Say

    return Say(language or _set("coach.language"), first_day)


def _set(key: str) -> str:
    """Return what the settings say."""
    import os

    from hipturn import config, places

    return str(config.layered(places.config_file(), os.environ)[key].value)
