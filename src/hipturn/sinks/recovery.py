"""At the start: recordings that a crash left unfinished are finished, and told."""

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hipturn.errors import InputError
from hipturn.recording.mend import finish, is_finished

_log = logging.getLogger(__name__)


def recordings(folder: Path) -> list[Path]:
    """Return the recordings in the folder: to be listed before any new one is begun."""
    try:
        return sorted(folder.glob("*.mcap"))
    except OSError as error:
        _log.warning("%s cannot be looked through (%s)", folder, error.strerror)
        return []


def recover(paths: Iterable[Path], on_closed: Callable[[list[Path]], None] = lambda _: None) -> list[str]:
    """Finish those that are unfinished; return a line for each, and log it.

    Recordings that another program writes are left alone, and so are damaged ones. Takes milliseconds
    a recording, seconds for one of hours; may run in a thread. `on_closed` is told, in the same thread, of
    those that were finished.
    """
    whole: list[Path] = []
    told = list(_recovered(paths, whole))
    for line in told:
        _log.warning("%s", line)
    if whole:
        try:
            on_closed(whole)
        except Exception:
            _log.exception("what was finished could not be catalogued")
    return told


def _recovered(paths: Iterable[Path], whole: list[Path]) -> Iterator[str]:
    for path in paths:
        try:
            if not path.is_file() or is_finished(path):
                continue
            messages = finish(path)
            if messages:
                whole.append(path)
                yield f"{path.name} was not finished when the program last stopped: it is now"
            elif messages == 0:
                path.unlink()
                yield f"{path.name} was begun when the program last stopped and held nothing: removed"
        except (InputError, OSError) as error:
            yield str(error)
