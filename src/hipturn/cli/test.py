"""``hipturn test``: the range of both rotations, guided."""

from typing import Any

import click

from hipturn.cli import asking

EXAMPLE = "Example: hipturn test prone-rotation --side left --sensor virtual"


@click.command("test", epilog=EXAMPLE)
@click.argument("name", default="prone-rotation")
@asking.options(sides=("left", "right", "both"))
@click.option("--passive", is_flag=True, help="Somebody else turns the leg: never compared with one's own.")
def command(name: str, **asked: Any) -> None:
    """Measure the range of hip rotation, led by voice: three trials in and out, one leg or both.

    NAME is one of the tests that 'hipturn drills' lists; without it prone-rotation, lying on the front.
    Without --side both legs, the strap is moved in between. Keys and presenter: space pauses, PageDown goes
    on, PageUp takes back; digits answer how much it hurts.
    """
    from hipturn.cli import guided

    guided.start(guided.Asked(drill=guided.checked(name, ("test",), "test"), **asked))
