"""At the start: recordings that a crash left unfinished are finished, and told."""

import logging
from collections.abc import Collection, Iterator
from pathlib import Path

from hipturn.errors import InputError
from hipturn.recording.mend import finish, is_finished

_log = logging.getLogger(__name__)


def recover(folder: Path, ours: Collection[Path] = ()) -> list[str]:
    """Finish what is unfinished in the folder but for `ours`; return a line for each, and log it.

    Recordings that another program writes are left alone, and so are damaged ones. Takes milliseconds
    a recording, seconds for one of hours; may run in a thread.
    """
    told = list(_recovered(folder, ours))
    for line in told:
        _log.warning("%s", line)
    return told


def _recovered(folder: Path, ours: Collection[Path]) -> Iterator[str]:
    try:
        paths = sorted(folder.glob("*.mcap"))
    except OSError as error:
        yield f"{folder} cannot be looked through ({error.strerror}): unfinished recordings stay as they are"
        return
    for path in paths:
        try:
            if path in ours or not path.is_file() or is_finished(path):
                continue
            messages = finish(path)
            if messages:
                yield f"{path.name} was not finished when the program last stopped: it is now"
            elif messages == 0:
                path.unlink()
                yield f"{path.name} was begun when the program last stopped and held nothing: removed"
        except (InputError, OSError) as error:
            yield str(error)
