"""``hipturn routine``: the whole guided sequence."""

from typing import Any

import click

from hipturn.cli import asking

EXAMPLE = "Example: hipturn routine hip-internal-rotation --sensor virtual"


@click.command("routine", epilog=EXAMPLE)
@click.argument("name", default="hip-internal-rotation")
@asking.options(sides=("left", "right"))
def command(name: str, **asked: Any) -> None:
    """Do a whole routine, led by voice: one drill after the other, both legs, a recording of each.

    NAME is a routine that 'hipturn drills' lists; without it hip-internal-rotation, about twenty minutes.
    --side is the leg to begin with. Keys and presenter as in 'hipturn drill'.
    """
    from hipturn import drills
    from hipturn.cli import guided

    drills.routine(name)
    guided.start(guided.Asked(routine=name, **asked))
