"""``hipturn drills``: what there is to do, and what is said in it."""

from typing import Any

import click

from hipturn.cli.asking import LANGUAGES
from hipturn.cli.output import echo


@click.command("drills", epilog="Example: hipturn drills show seated-mobilisation")
@click.argument("verb", required=False, type=click.Choice(["show"]))
@click.argument("name", required=False)
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the texts."
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
def command(verb: str | None, name: str | None, language: str, as_json: bool) -> None:
    """List drills, stretches, tests and routines, or show one: what it asks for and what is said in it."""
    from hipturn import lines
    from hipturn.errors import UsageError
    from hipturn.sinks.offers import offers

    told = offers(language)
    if verb is None:
        if as_json:
            click.echo(lines.dumps(told))
        else:
            _list(told)
        return
    every = [*told["drills"], *told["routines"]]
    one = next((each for each in every if each["name"] == name), None)
    if one is None:
        known = ", ".join(each["name"] for each in every)
        raise UsageError(f"drills show {name or ''}: name one of {known}")
    if as_json:
        click.echo(lines.dumps({"v": lines.VERSION, **one}))
    else:
        _show(one, language)


def _list(told: dict[str, Any]) -> None:
    from rich.table import Table

    from hipturn.sinks.console import print_table, wide

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("name", "kind", "position", "title"):
        table.add_column(column, no_wrap=column != "title")
    for each in told["drills"]:
        table.add_row(*(str(each[key] or "") for key in ("name", "kind", "position", "title")))
    for each in told["routines"]:
        table.add_row(str(each["name"]), "routine", "", str(each["title"]))
    print_table(wide(), table)


def _show(one: dict[str, Any], language: str) -> None:
    from hipturn import drills
    from hipturn.coach.words import text
    from hipturn.model import Side

    if "parts" not in one:
        for line in drills.script(drills.drill(one["name"]), Side.RIGHT, language):
            echo(line)
        return
    click.echo(f"{one['title']}\n{one['about']}\n")
    for number, part in enumerate(one["parts"], 1):
        much = f", {part['sets']} × {part['reps']}" if part["reps"] else ""
        click.echo(f"{number:>3}. {part['title']} ({part['drill']}), {text(language, part['side'])}{much}")
        for line in drills.script(drills.drill(part["drill"]), Side(part["side"]), language)[1:]:
            echo(f"     {line}".rstrip(), 5)
