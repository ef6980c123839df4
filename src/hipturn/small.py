"""Small text files, as people keep them: read whole, and nothing that is far larger."""

import errno
from pathlib import Path

MOST_BYTES = 1 << 20
"""A thousand times what anybody writes by hand."""


def small_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """Return what the file says in UTF-8; raise OSError or UnicodeError, OSError also for one too large."""
    with path.open("rb") as file:
        read = file.read(most_bytes + 1)
    if len(read) > most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes} bytes", str(path))
    return read.decode("utf-8")
