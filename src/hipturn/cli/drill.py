"""``hipturn drill``: counted repetitions or held stretches, guided."""

from typing import Any

import click

from hipturn.cli import asking
from hipturn.cli.asking import MOST_REPS

EXAMPLE = "Example: hipturn drill seated-mobilisation --side left --reps 20 --sensor virtual"


@click.command("drill", epilog=EXAMPLE)
@click.argument("name", default="seated-mobilisation")
@click.option(
    "--reps", type=click.IntRange(0, MOST_REPS), default=0, help="Repetitions; 0: as the drill says."
)
@asking.options(sides=("left", "right", "both"))
def command(name: str, **asked: Any) -> None:
    """Do a drill or a stretch, led by voice: every controlled repetition is counted, the others say why not.

    NAME is one of those 'hipturn drills' lists; without it seated-mobilisation. Keys and presenter: space
    pauses, PageDown goes on, PageUp takes the last one back, r brings it back, z asks for a new zero, m
    beats time, q ends.
    """
    from hipturn.cli import guided

    if asked["side"] is None:
        asked["side"] = guided.usual_side()
    guided.start(guided.Asked(drill=guided.checked(name, ("drill", "stretch", "roll-out"), "drill"), **asked))
