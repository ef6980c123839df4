"""A file that grows by whole pieces: a piece is on disk completely, or waits and is tried again."""

import errno
import os
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path

if sys.platform == "win32":

    def claim(descriptor: int) -> bool:
        """Return True: here an open file cannot be claimed."""
        return True

else:
    import fcntl

    def claim(descriptor: int) -> bool:
        """Claim an open file as long as it is open; return False if another program holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # network file systems may know no locks
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
        return True


class AppendFile:
    """A new file, readable by its owner only, that never overwrites one.

    What was appended waits in memory until `commit`. A commit that fails leaves the file as it was
    before it, and everything not yet on disk waits for the next.
    """

    def __init__(self, path: Path) -> None:
        """Create the file; raise OSError, FileExistsError if there is one."""
        self.path = path
        self._raw = FileIO(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))
        # so that no other program takes it for one that a crash left behind
        claim(self._raw.fileno())
        self._committed = 0
        self._waiting: list[bytes] = []
        self.waiting_bytes = 0
        # Some file systems count no links at all: only a count that falls to zero tells of a deletion.
        self._counts_links = os.fstat(self._raw.fileno()).st_nlink > 0

    @property
    def end(self) -> int:
        """The size of the file once everything is committed, in bytes."""
        return self._committed + self.waiting_bytes

    def append(self, piece: bytes) -> None:
        """Add a piece to what waits; never fails."""
        self._waiting.append(piece)
        self.waiting_bytes += len(piece)

    def commit(self) -> None:
        """Give everything that waits to the operating system; raise OSError with the file as it was."""
        if not self._waiting:
            return
        if self._counts_links and os.fstat(self._raw.fileno()).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "the file was deleted", str(self.path))
        pieces = b"".join(self._waiting)
        self._raw.seek(self._committed)
        rest = memoryview(pieces)
        try:
            while rest:
                # A disk that fills up may take a part before it refuses the rest.
                rest = rest[self._raw.write(rest) or 0 :]
        except OSError:
            with suppress(OSError):
                self._raw.truncate(self._committed)
            raise
        self._committed += len(pieces)
        self._waiting = []
        self.waiting_bytes = 0

    def sync(self) -> None:
        """Wait until what is committed would survive a power cut; raise OSError."""
        os.fsync(self._raw.fileno())

    def close(self) -> None:
        """Release the file; what waits is lost."""
        self._raw.close()
