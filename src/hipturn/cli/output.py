"""Files that commands write: whole or not at all, and never over what they were made from."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from hipturn.errors import InputError, UsageError


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


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written ({error.strerror or error}): choose another place")
