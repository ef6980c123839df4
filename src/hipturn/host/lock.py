"""One program a recordings folder: the second is told who runs already.

The system releases the lock with the process, however that ends, so that none is ever stale; the
note beside it only tells who holds it.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from hipturn import places
from hipturn.errors import HipturnError


@contextlib.contextmanager
def only_one(folder: Path, **about: object) -> Iterator[None]:
    """Hold the lock of a recordings folder; raise `HipturnError` naming the program that does already.

    `about` is what a second program is told, besides the process id.
    """
    path = _lock_path(folder)
    lock = FileLock(path, mode=0o600)
    note = path.with_suffix(".json")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise HipturnError(
            f"hipturn runs already with {folder} ({_told(note)}): stop it first, or name another folder "
            "with --recordings"
        ) from error
    try:
        note.write_text(json.dumps({"pid": os.getpid(), **about}), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def holder(folder: Path) -> dict[str, object] | None:
    """Return what the program that runs with this folder says of itself, None if none runs."""
    path = _lock_path(folder)
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        try:
            told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            told = {}
        return told if isinstance(told, dict) else {}
    lock.release()
    return None


def _lock_path(folder: Path) -> Path:
    """Return the lock's file, in the state folder: the recordings may lie where nothing can be locked."""
    name = f"run-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]}.lock"
    for place in (places.state_folder(), Path(tempfile.gettempdir()) / f"hipturn-{_user()}"):
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.access(place, os.W_OK):
                return place / name
        except OSError:
            continue
    raise HipturnError(f"no lock can be made in {places.state_folder()}: make it writable")


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _told(note: Path) -> str:
    try:
        about = json.loads(note.read_text(encoding="utf-8"))
        return ", ".join(f"{key} {value}" for key, value in about.items())
    except (OSError, ValueError, AttributeError):
        return "it says nothing of itself"
