"""The recorder at the door: every input of a live session on disk within a second."""

import re
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Self

from hipturn.errors import RecordingError
from hipturn.model import Input, Side
from hipturn.recording import Writer
from hipturn.units import NS_PER_MS

CHUNK_NS = 900 * NS_PER_MS
"""Age at which a chunk is put on disk: with ticks ten times a second a crash costs a second at most."""


class Recorder:
    """A live session's recording.

    Nothing here waits for a disk to become safe: that happens in a thread of its own, so that a
    slow card delays no packet. Every method may raise `RecordingError`; what was given is kept and
    tried again by later ticks, and the file can be read up to where it got.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.path = writer.path
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recording sync")
        self._sync: Future[None] | None = None
        self._tried_ns: int | None = None

    @classmethod
    def open(cls, folder: Path, drill: str | None, side: Side | None, at: datetime | None = None) -> Self:
        """Start a recording in the folder, which is made if missing, named after the time `at`, or now.

        A file that exists is never touched: the name gets a number instead.
        """
        name = file_name(at or datetime.now(), drill, side)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(
                f"the folder {folder} cannot be made ({error.strerror}): choose another with --recordings"
            ) from error
        number = 1
        while True:
            ending = f"-{number}.mcap" if number > 1 else ".mcap"
            try:
                return cls(Writer(folder / (name + ending)))
            except RecordingError as error:
                if not isinstance(error.__cause__, FileExistsError):
                    why = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
                    # names the folder: the same words each time it is tried again
                    raise RecordingError(
                        f"no recording can be begun in {folder} ({why}): choose another folder or make it "
                        "writable"
                    ) from error.__cause__
                number += 1

    def write(self, item: Input) -> None:
        """Take one input; the first is `SessionStart`."""
        self._writer.write(item)

    def write_event(self, stream: str, t_ns: int, line: str) -> None:
        """Take one result as a JSON line, at stream time `t_ns`; `stream` is "" for the whole session."""
        self._writer.write_event(stream, t_ns, line)

    def tick(self, now_ns: int) -> bool:
        """Put the chunk on disk when it is old enough; return whether that was tried, and done.

        To be called often, whether inputs come or not.
        """
        if self._tried_ns is not None and now_ns - self._tried_ns < CHUNK_NS:
            return False
        self._tried_ns = now_ns
        self._writer.close_chunk()
        # While the disk is still busy with an earlier one, the next second's covers this one too.
        if self._sync is None or self._sync.done():
            earlier, self._sync = self._sync, self._pool.submit(self._writer.sync)
            if earlier is not None:
                earlier.result()
        return True

    def flush(self) -> None:
        """Give all there is to the operating system now: a killed program loses nothing of it."""
        self._writer.close_chunk()

    def close(self) -> None:
        """Finish the recording and release its file; what the disk refuses now is lost."""
        self._pool.shutdown()
        try:
            self._writer.close()
        finally:
            self._writer.abandon()

    def abandon(self) -> None:
        """Release the file as it is, without waiting for its disk: it may be gone."""
        self._pool.shutdown(wait=False)
        self._writer.abandon()


def file_name(at: datetime, drill: str | None, side: Side | None) -> str:
    """Return the name of a recording without its ending, safe on every file system."""
    what = re.sub(r"[^a-z0-9]+", "-", (drill or "").lower()).strip("-") or "session"
    return "_".join([f"{at:%Y-%m-%d_%H%M%S}", what, *([side.value] if side else [])])
