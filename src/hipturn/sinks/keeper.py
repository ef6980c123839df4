"""One session's recording, kept up through full disks, vanished folders and broken media.

What happens, and what it costs:

======================  ==========================================================================
disk full, quota,       told; inputs wait in memory (`recording.writer.MAX_WAITING_BYTES`, hours of
mounted read-only       one sensor) and all are written into the same file once there is room
file or folder gone,    told; a new file is begun as soon as one can be, with a note of what the gap
medium broken           is; what the old file had not put on disk is lost
======================  ==========================================================================

Measuring never waits and never stops for any of it.
"""

import contextlib
import errno
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hipturn.errors import RecordingError
from hipturn.model import HostNs, Input, LinkDown, LinkUp, Mark, MarkKind, Packets, SessionStart, Side
from hipturn.sinks.recorder import Recorder
from hipturn.units import NS_PER_S

_log = logging.getLogger(__name__)

_PASSING = (errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))
"""What mends itself when somebody makes room: the same file goes on then."""
MOST_FLUSHES = 4
"""Results put on disk at once between two ticks; more, as from a storm of damaged packets, wait a second."""
RETRY_NS = NS_PER_S
"""How often a new file is tried."""
_CARRIED = (MarkKind.SIDE, MarkKind.BIAS, MarkKind.CALIBRATION, MarkKind.COUNT, MarkKind.LISTEN)
"""Marks a continued recording needs to be measured like the session."""

Tell = Callable[[str | None], None]


class Keeper:
    """Where a session is kept; never raises. `tell` hears what is wrong, and None once all is well again."""

    def __init__(self, folder: Path, drill: str | None, side: Side | None, tell: Tell) -> None:
        self._folder, self._drill, self._side, self._tell = folder, drill, side, tell
        self._recorder: Recorder | None = None
        self._parts: list[tuple[Path, int]] = []
        self._packets = 0
        self.packet_bytes = 0
        """What all packets so far are together."""
        self._session: SessionStart | None = None
        self._links: dict[str, LinkUp] = {}
        self._marks: dict[tuple[str, MarkKind], Mark] = {}
        self._owed: set[str] = set()
        """Streams whose marks the file has not got yet: they count behind the stream's link only."""
        self._flushes = 0
        self._now_ns = self._tried_ns = 0
        self._broken_since_ns: int | None = None
        self.trouble: str | None = None
        """What was wrong last, also when it is right again."""
        self._open()

    @property
    def path(self) -> Path | None:
        """The file now written to, or the last one."""
        if self._recorder is not None:
            return self._recorder.path
        return self._parts[-1][0] if self._parts else None

    @property
    def well(self) -> bool:
        """Nothing is wrong and nothing waits for room."""
        return self._recorder is not None and self._broken_since_ns is None

    @property
    def carried(self) -> list[Mark]:
        """The marks that whoever measures on from here needs to know."""
        return list(self._marks.values())

    def write(self, item: Input) -> None:
        """Take an input."""
        match item:
            case Packets():
                self.packet_bytes += item.data.nbytes
            case SessionStart():
                self._session = item
            case LinkUp():
                self._links[item.stream] = item
            case LinkDown():
                self._links.pop(item.stream, None)
            case Mark() if item.kind in _CARRIED:
                self._marks[item.stream, item.kind] = item
        recorder = self._recorder
        if recorder is None:
            return
        self._packets += len(item.at_ns) if isinstance(item, Packets) else 0
        self._try(lambda: recorder.write(item))
        if isinstance(item, LinkUp):
            if item.stream in self._owed:
                self._owed.discard(item.stream)
                self._write_marks(item.stream)
            # before the first sample: what a crash leaves is a recording from its first moment on
            self._try(recorder.flush)

    def write_event(self, stream: str, t_ns: int, line: str) -> None:
        """Take a result; it outlives the program from here on, with all that led to it."""
        if (recorder := self._recorder) is None:
            return
        self._try(lambda: recorder.write_event(stream, t_ns, line))
        if self._flushes < MOST_FLUSHES:
            self._flushes += 1
            self._try(recorder.flush)

    def tick(self, now_ns: int) -> None:
        """Put on disk what is due, or try to begin a new file; to be called several times a second."""
        self._now_ns = now_ns
        self._flushes = 0
        recorder = self._recorder
        if recorder is None:
            if now_ns - self._tried_ns >= RETRY_NS:
                self._open()
        elif self._try(lambda: recorder.tick(now_ns)):
            self._well()

    def close(self) -> list[Path]:
        """Finish; return the files that hold samples, remove one without. Waits for the disk."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            try:
                recorder.close()
            except RecordingError as error:
                self._wrong(str(error))
            self._parts.append((recorder.path, self._packets))
        return [path for path, packets in self._parts if packets or not _removed(path)]

    def _try(self, action: Callable[[], bool | None]) -> bool:
        """Return what the action returns; a refusal is told, and False."""
        try:
            return bool(action())
        except RecordingError as error:
            self._wrong(str(error))
            cause = error.__cause__
            if not (isinstance(cause, OSError) and cause.errno in _PASSING):
                self._give_up()
            return False

    def _give_up(self) -> None:
        """Leave a file that will never take another byte; a later tick begins another."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        with contextlib.suppress(OSError, RecordingError):
            recorder.abandon()
        if recorder.path.exists():
            self._parts.append((recorder.path, self._packets))
        self._packets, self._tried_ns = 0, self._now_ns

    def _open(self) -> None:
        self._tried_ns = self._now_ns
        try:
            recorder = Recorder.open(self._folder, self._drill, self._side)
        except RecordingError as error:
            self._wrong(str(error))
            return
        self._recorder, self._packets = recorder, 0
        if self._session is not None:
            self._go_on(self._session)

    def _go_on(self, session: SessionStart) -> None:
        """Begin a further file of the same session with all that measuring it needs."""
        lost_s = (self._now_ns - (self._broken_since_ns or self._now_ns)) / NS_PER_S
        note = f"continues a recording that broke off; about {lost_s:.0f} s before this are in no file"
        self.write(replace(session, note="; ".join(filter(None, [session.note, note]))))
        self._session = session
        self._owed = {mark.stream for mark in self.carried}
        for link in list(self._links.values()):
            self.write(replace(link, at_ns=HostNs(self._now_ns)))
        self._well()

    def _write_marks(self, stream: str) -> None:
        for mark in [mark for mark in self.carried if mark.stream == stream]:
            self.write(replace(mark, at_ns=HostNs(self._now_ns)))

    def _wrong(self, text: str) -> None:
        if self._broken_since_ns is None:
            self._broken_since_ns = self._now_ns
            _log.error("recording: %s", text)
        self.trouble = text
        self._tell(text)

    def _well(self) -> None:
        if self._broken_since_ns is not None:
            _log.warning("recording goes on in %s", self.path)
            self._broken_since_ns = None
            self._tell(None)


def _removed(path: Path) -> bool:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        _log.info("%s held no sample and was removed", path.name)
        return True
    return False
