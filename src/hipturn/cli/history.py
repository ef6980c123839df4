"""``hipturn history``: sessions and people over time, listed, renamed, deleted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hipturn.cli.output import echo

if TYPE_CHECKING:
    from hipturn.core.results import Difference, Quantity
    from hipturn.history import Catalogue, Found

EXAMPLE = """\b
Example: hipturn history
         hipturn history --person P-07 --side left --since 2026-01-01
         hipturn history progress P-07
         hipturn history rename P-07 P-08
"""
LONG_S = 10.0
"""Held for so long in all is worth telling."""
DAY = click.DateTime(["%Y-%m-%d"])

folder_option = click.option(
    "--recordings",
    type=click.Path(path_type=Path),
    help="Folder of the recordings.  [default: HIPTURN_RECORDINGS, or the platform's place]",
)


def _instead(ctx: click.Context, _: click.Parameter, given: Path | None) -> None:
    """Take the folder named behind the subcommand in place of the one before it."""
    if given is not None:
        ctx.obj = given


def in_folder(function: Callable[..., None]) -> Callable[..., None]:
    """Give a subcommand the folder as its first argument, wherever on the line it was named."""
    option = click.option(
        "--recordings", type=click.Path(path_type=Path), expose_value=False, callback=_instead,
        help="Folder of the recordings.",
    )  # fmt: skip
    return option(click.pass_obj(function))


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@contextmanager
def opened(recordings: Path | None) -> "Iterator[Catalogue]":
    """Give the catalogue of the folder, with a bar while new recordings are read."""
    from hipturn.history import Catalogue
    from hipturn.places import recordings_folder

    with bar("reading recordings") as hear, Catalogue(recordings_folder(recordings), hear) as catalogue:
        yield catalogue


@contextmanager
def bar(words: str) -> Iterator[Any]:
    """Give what shows progress, a call with how many of how many, where stderr is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(words, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


@click.group("history", invoke_without_command=True, epilog=EXAMPLE)
@folder_option
@click.option("--person", help="Only this person's.")
@click.option("--side", type=click.Choice(["left", "right"]), help="Only with this leg in them.")
@click.option("--drill", help="Only this drill or test.")
@click.option("--since", type=DAY, help="From this day on, YYYY-MM-DD.")
@click.option("--until", type=DAY, help="Up to this day.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    recordings: Path | None,
    person: str | None,
    side: str | None,
    drill: str | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> None:
    """List the recorded sessions, newest last; the commands below show, correct and delete."""
    ctx.obj = recordings
    if ctx.invoked_subcommand is not None:
        return
    from hipturn import lines
    from hipturn.history import Filter
    from hipturn.history.overview import session_line
    from hipturn.model import Side
    from hipturn.places import recordings_folder, simulated_hint

    def day(at: datetime | None) -> date | None:
        return at and at.date()

    which = Filter(person, Side(side) if side else None, drill, day(since), day(until))
    with opened(recordings) as catalogue:
        found, unreadable = catalogue.sessions(which), catalogue.unreadable()
    if as_json:
        for each in found:
            click.echo(lines.dumps(session_line(each)))
    else:
        _table(found, "" if which != Filter() else simulated_hint(recordings_folder(recordings)))
    told(unreadable)


def told(unreadable: dict[str, str]) -> None:
    """Tell the files that cannot be read, a line each."""
    from hipturn.plain import printable

    for name, reason in unreadable.items():
        line = reason if name in reason else f"{name}: {reason}"
        click.echo(f"hipturn: {printable(line)}", err=True)


def _table(found: "list[Found]", hint: str) -> None:
    from hipturn.plain import printable

    if not found:
        echo(f"no sessions{hint}")
        return
    rows: list[tuple[str, ...]] = [
        ("day", "time", "person", "drill", "leg", "reps", "controlled", "range °", "recording")
    ]
    for each in found:
        at = each.begun
        first = (f"{at:%Y-%m-%d}", f"{at:%H:%M}") if at else ("?", "?")
        for leg in each.legs or (None,):
            best = "" if leg is None or leg.best_rad is None else f"{_deg(leg.best_rad):.1f}"
            counts = (leg.side.value, str(leg.reps), str(leg.controlled)) if leg else ("", "0", "0")
            names = (each.start.person or "-", each.start.drill or "-")
            rows.append((*first, *map(printable, names), *counts, best, printable(each.name)))
    widths = [max(map(len, column)) for column in zip(*rows)]
    numbers = (5, 6, 7)
    for row in rows:
        cells = (
            text.rjust(w) if i in numbers else text.ljust(w) for i, (text, w) in enumerate(zip(row, widths))
        )
        echo("  ".join(cells).rstrip(), 2)
    click.echo(f"{len(found)} session{'s' * (len(found) > 1)}")


def _deg(rad: float) -> float:
    from hipturn.units import DEG_PER_RAD

    return rad * DEG_PER_RAD


@command.command("show", epilog="Example: hipturn history show 2026-01-05_180000_prone-rotation_left.mcap")
@click.argument("name")
@json_option
@in_folder
def show(recordings: Path | None, name: str, as_json: bool) -> None:
    """Show one session: what it is about, its repetitions, sets and held end ranges."""
    from hipturn import lines
    from hipturn.history import Filter
    from hipturn.history.overview import results_of, session_line
    from hipturn.plain import counted

    with opened(recordings) as catalogue:
        found = catalogue.session(name)
        person = found.start.person
        tests = results_of(found, catalogue.sessions(Filter(person=person)) if person else ())
    if as_json:
        click.echo(lines.dumps(session_line(found)))
        for test, changes in tests:
            click.echo(lines.dumps(lines.test_result(test, found.name)))
            if changes:
                click.echo(lines.dumps(lines.comparison("change", changes)))
        return
    start = found.start
    echo(f"{found.name}: {start.drill or 'session'}, {start.wall_time or 'no time'}", 2)
    facts = [
        ("person", start.person), ("position", start.position), ("sensor", found.driver),
        ("filter", found.filter), ("movement", start.movement), ("note", start.note),
        ("said", "; ".join(found.said.splitlines())), ("problem", found.problem),
        ("pain", "" if found.pain is None else f"{found.pain} of 10"),
    ]  # fmt: skip
    for key, text in facts:
        if text:
            echo(f"  {key}: {text}", 4)
    click.echo(f"  {found.duration_s:.0f} s, {counted(found.holds, 'hold')}, {counted(found.gaps, 'gap')}")
    for leg in found.legs:
        best = "" if leg.best_rad is None else f", best range {_deg(leg.best_rad):.1f}°"
        count = counted(leg.reps, "repetition")
        click.echo(f"  {leg.side.value}: {count}, {leg.controlled} controlled{best}")
    for test, changes in tests:
        side = test.conditions.side.value
        for direction, each in test.ranges.items():
            sd = "" if each.sd_rad is None else f", SD {_deg(each.sd_rad):.1f}°"
            about = f"{len(each.trials)} trials{sd}, best {_deg(each.best_rad):.1f}°"
            value = f"{_value(each.mean)} ({about}){_since(changes.get(direction.value))}"
            echo(f"  {side} {direction.value} rotation: {value}", 4)
        if test.arc is not None:
            echo(f"  {side} arc: {_value(test.arc)}{_since(changes.get('arc'))}", 4)


def _value(quantity: "Quantity") -> str:
    return f"{_deg(quantity.value_rad):.1f}° ± {_deg(quantity.uncertainty_rad):.1f}°"


def _since(change: "Difference | None") -> str:
    from hipturn.core.results import in_words

    return "" if change is None else f"; since last time {in_words(change)}"


@command.command("people", epilog="Example: hipturn history people")
@json_option
@in_folder
def people(recordings: Path | None, as_json: bool) -> None:
    """List the people, with their sessions, preferred stretch and plan."""
    from hipturn import lines
    from hipturn.plain import counted, printable

    with opened(recordings) as catalogue:
        known = catalogue.people()
    for name, (person, sessions) in known.items():
        if as_json:
            line = {"v": lines.VERSION, "type": "person", "name": name, "sessions": sessions}
            extra = {
                "stretch": person.stretch,
                "sessions_a_week": person.sessions_a_week,
                "note": person.note,
            }
            click.echo(lines.dumps(line | extra))
            continue
        plan = f"{counted(person.sessions_a_week, 'session')} a week" if person.sessions_a_week else ""
        stretch = person.stretch and f"stretch: {person.stretch}"
        parts = [counted(sessions, "session"), stretch, plan, person.note]
        click.echo(printable(f"{name}: {', '.join(part for part in parts if part)}"))
    if not known and not as_json:
        click.echo("nobody yet: sessions say whose they are after 'hipturn history note FILE --person NAME'")


@command.command("person", epilog="Example: hipturn history person P-07 --stretch hurdle --sessions-a-week 3")
@click.argument("name")
@click.option("--stretch", help='The stretch that works for them; "" for none.')
@click.option("--sessions-a-week", "plan", type=click.IntRange(0, 7), help="What they plan; 0 for no plan.")
@click.option("--note", help="What else is to be known of them.")
@in_folder
def person(
    recordings: Path | None, name: str, stretch: str | None, plan: int | None, note: str | None
) -> None:
    """Keep what a person prefers and plans."""
    with opened(recordings) as catalogue:
        catalogue.describe_person(name, stretch=stretch, plan=plan, note=note)


@command.command("progress", epilog="Example: hipturn history progress P-07")
@click.argument("name")
@json_option
@in_folder
def progress(recordings: Path | None, name: str, as_json: bool) -> None:
    """Tell how a person's ranges went, against the measuring error: each position and tool by itself."""
    from hipturn import lines
    from hipturn.history.overview import progress_lines

    with opened(recordings) as catalogue:
        found = progress_lines(catalogue.overview(name, date.today().toordinal()))
    if as_json:
        for line in found:
            click.echo(lines.dumps(line))
        return
    for line in found:
        echo(_in_words(line), 2)
    if not found:
        click.echo("no test yet: a test is recorded with a drill whose name ends in -rotation")


def _in_words(line: dict[str, Any]) -> str:
    where = f"{line.get('position')}, {line.get('movement')}, {line.get('tool')}, {line.get('zero')} zero"
    match line["type"]:
        case "trend":
            last = line["tests"][-1]
            what = "arc" if line["of"] == "arc" else f"{line['of']} rotation"
            value = f"{last['value_deg']:.1f}° ± {last['uncertainty_deg']:.1f}°"
            tests = f"{len(line['tests'])} test{'s' * (len(line['tests']) > 1)}"
            return f"{line['side']} {what} ({where}): {value}, {tests}; {line['text']}"
        case "comparison" if line["of"] == "internal-external":
            return f"{line['side']} internal minus external ({where}): {line['balance']['text']}"
        case "practice":
            return _trained(line)
        case "comparison":
            parts = [f"{of} {line[of]['text']}" for of in ("internal", "external", "arc") if of in line]
            return f"left minus right ({where}): {'; '.join(parts)}"
        case _:
            return f"plan of {line['planned']} a week reached in {line['reached']} of {line['of']} weeks"


def _trained(line: dict[str, Any]) -> str:
    sessions = line["sessions"]
    count = f"{len(sessions)} session{'s' * (len(sessions) > 1)}, {line['reps']} repetitions"
    parts = [
        count if line["controlled_share"] is None else f"{count}, {line['controlled_share']:.0%} controlled"
    ]
    longest = sessions[-1]["longest_set"] or {}
    for key, words in (("warm_up", "warming up"), ("range_change", "range at the end")):
        if longest.get(key) is not None:
            parts.append(f"{words} {longest[key]:+z.0%}")
    if line["held_s"] >= LONG_S:
        parts.append(f"held {line['held_s']:.0f} s in all")
    where = ", ".join(filter(None, (line["position"], line["movement"], line["tool"])))
    return f"{line['side']} {line['drill'] or 'session'} ({where}): {', '.join(parts)}"


@command.command("rename", epilog="Example: hipturn history rename P-07 P-08")
@click.argument("name")
@click.argument("new")
@in_folder
def rename(recordings: Path | None, name: str, new: str) -> None:
    """Rename a recording (a NAME that ends in .mcap) or a person, in every recording of theirs."""
    with opened(recordings) as catalogue:
        if name.endswith(".mcap"):
            click.echo(f"{name} is now {catalogue.rename_session(name, new)}")
        else:
            count = catalogue.rename_person(name, new)
            click.echo(f"{name} is now {new}, in {count} recording{'s' * (count != 1)}")


@command.command("delete", epilog="Example: hipturn history delete 2026-01-05_180000_session.mcap --yes")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_folder
def delete(recordings: Path | None, name: str, yes: bool) -> None:
    """Delete a recording (a NAME that ends in .mcap) or a person with every recording of theirs, for good."""
    from hipturn.history import Filter

    with opened(recordings) as catalogue:
        if name.endswith(".mcap"):
            catalogue.path(name)
            what = name
        else:
            catalogue.person(name)
            count = len(catalogue.sessions(Filter(person=name)))
            what = f"{name} and {count} recording{'s' * (count != 1)}"
        if not yes:
            click.confirm(f"Delete {what} for good?", abort=True, err=True)
        if name.endswith(".mcap"):
            catalogue.delete_session(name)
        else:
            catalogue.delete_person(name)
    click.echo(f"deleted: {what}")


@command.command(
    "note", epilog='Example: hipturn history note 2026-01-05_180000_session.mcap "after a hot shower"'
)
@click.argument("name")
@click.argument("text", required=False)
@click.option("--person", help="Say whose recording it is.")
@click.option("--movement", type=click.Choice(["active", "passive"]), help="Who turned the leg.")
@in_folder
def note(
    recordings: Path | None, name: str, text: str | None, person: str | None, movement: str | None
) -> None:
    """Write a note into a recording, in place of the one there, or whose it is, or who turned the leg."""
    from hipturn.errors import UsageError

    if text is None and person is None and movement is None:
        raise UsageError("nothing to write: give a text, --person or --movement")
    with opened(recordings) as catalogue:
        catalogue.describe_session(name, person=person, note=text, movement=movement)
