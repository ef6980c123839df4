"""Write a whole recording at once: all of it or nothing."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from hipturn.errors import RecordingError
from hipturn.model import Input
from hipturn.recording.writer import Writer


def write(path: Path, inputs: Iterable[Input]) -> None:
    """Write the inputs as a recording at `path`, replacing what is there only when all is written.

    Raises `RecordingError`; whatever the inputs raise passes through.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        with Writer(part) as writer:
            for item in inputs:
                writer.write(item)
        part.replace(path)
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be written ({error.strerror or error}): choose another place"
        ) from error
    finally:
        # a part that cannot be removed must not hide why the writing failed
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
