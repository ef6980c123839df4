"""What the guided commands let a person say: apart from what they do, because help loads nothing."""

from collections.abc import Callable
from pathlib import Path

import click

LANGUAGES = ("en", "de")
MOST_REPS = 200
SCALES = ("prone-internal",)
GROUPS = (
    *("adults-prone", "adults-supine", "adults-seated", "men", "women", "active", "active-supine"),
    *("tennis-men", "tennis-women"),
)
"""As in `hipturn.commands` and `hipturn.core.references`, which load the core; a test holds them together."""


def options(*, sides: tuple[str, ...]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what gives a command the options they share."""
    every = (
        click.option(
            "--sensor",
            help="Name or address; 'virtual' or 'virtual:DRIVER' for one on a simulated person. "
            "Without it the first known in reach.",
        ),
        click.option(
            "--pelvis",
            help="Name or address of a second sensor, on the sacrum; 'virtual' beside --sensor virtual.",
        ),
        click.option("--side", type=click.Choice(sides), help="The leg."),
        click.option("--person", help="Whose hip it is: a name or code, kept in the recording."),
        click.option("--language", type=click.Choice(LANGUAGES), help="What is spoken.  [default: en]"),
        click.option("--recordings", type=click.Path(path_type=Path), help="Folder for the recordings."),
        click.option(
            "--speaker",
            type=click.Choice(["auto", "machine", "off"]),
            help="Whether this computer speaks; auto: where it can and a person looks on.  [default: auto]",
        ),
        click.option("--scale", type=click.Choice(SCALES), help="Marks to show a test's result on."),
        click.option(
            "--reference",
            type=click.Choice(GROUPS),
            help="Published group to show a test's result beside: data, no verdict.",
        ),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of a display."),
        click.option("--seed", default=1, type=click.IntRange(0), hidden=True),
    )

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(every):
            command = option(command)
        return command

    return add
