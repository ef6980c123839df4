"""Files that exports write: whole or not at all."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from hipturn.errors import InputError


def part_of(path: Path) -> Path:
    """Return where a file or folder grows until it is whole."""
    return path.with_name(path.name + ".part")


@contextlib.contextmanager
def files(*paths: Path) -> Iterator[list[Path]]:
    """Give a place to write for each path; all take their paths' places when the block ends well.

    Raise `InputError` when a place cannot be written; then, as after any error, nothing is left.
    """
    parts = [part_of(path) for path in paths]
    try:
        yield parts
        for part, path in zip(parts, paths):
            part.replace(path)
    except OSError as error:
        raise unwritable(paths[0], error) from error
    finally:
        for part in parts:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


@contextlib.contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Give a new folder to fill, which the block moves out of; it is removed in any case."""
    part = part_of(path)
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        yield part
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def unwritable(path: Path, error: OSError) -> InputError:
    """Return the error that says so in one line."""
    return InputError(f"{path}: cannot be written ({error.strerror or error}): choose another place")


def replace_text(path: Path, text: str) -> None:
    """Write a small text file so that a reader sees the old one or the new one, never a part."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", errors="replace", newline="")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
