"""What commands write: files whole or not at all, never over what they were made from; lines that fit."""

import contextlib
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click

from hipturn.errors import InputError, UsageError
from hipturn.plain import printable


def part_of(path: Path) -> Path:
    """Return where the file grows until it is whole."""
    return path.with_name(path.name + ".part")


def check(path: Path, option: str, *sources: Path) -> None:
    """Raise, before any work is done, if `path` cannot become a file or is one of the `sources`."""
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{option} {path}: that is not a file: name one that may be written")
        if not path.parent.is_dir():
            raise InputError(f"{option} {path}: there is no folder {path.parent}: make it first")
        part = part_of(path)
        if part.exists() and not part.is_file():
            raise InputError(f"{option} {path}: {part.name} is in the way: choose another name")
        for written in (path, part):
            for source in sources:
                if written.exists() and source.exists() and written.samefile(source):
                    raise UsageError(f"{option} {path}: that would overwrite {source}: choose another name")
    except OSError as error:
        raise _unwritable(path, error) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Give a text file that takes the place of `path` when all of it is written; raise `InputError`."""
    part = part_of(path)
    try:
        # half a character, of a name that came from a command line, becomes "?"
        with part.open("w", encoding="utf-8", errors="replace", newline="") as out:
            yield out
        part.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def echo(text: str, hang: int = 0, *, err: bool = False) -> None:
    """Print a line for a person; a terminal gets it broken between words, `hang` blanks before what goes on.

    What has no blank in it, such as most paths, stays whole. Into a file or pipe a line stays one line.
    """
    line = printable(text)
    if (sys.stderr if err else sys.stdout).isatty():
        width = shutil.get_terminal_size().columns
        folded = textwrap.wrap(
            line, width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False
        )
        line = "\n".join(folded)
    click.echo(line, err=err)


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written ({error.strerror or error}): choose another place")
