"""Unpack chunks many at a time, and those that come next while the caller works on these.

Nothing is trusted here either: what does not read, unpack and add up as whole chunks in a row is left
to `scan`, which looks at one record after the other and comes to the same.
"""

import struct
import zlib
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import BinaryIO

import zstandard
from mcap.opcode import Opcode

from hipturn.recording.messages import RECORD_HEAD

WINDOW_BYTES = 1 << 18
"""Read at once: a minute of one 100 Hz sensor. Four times as much gains 5 % and takes 6 MB more, which a
daemon that lists its recordings keeps."""

MAX_ROW_BYTES = 1 << 20
"""The most content of a row, for it takes memory before anyone asks for it."""

MAX_IN_VAIN_BYTES = 8 << 20
"""Past this, what lies in the next window is left to the caller: where other records stand between the
chunks, reading window after window for few of them costs more than it saves."""

CHUNK, MESSAGE_INDEX = int(Opcode.CHUNK), int(Opcode.MESSAGE_INDEX)

RECORD = struct.Struct("<BQ2xI10xQI8sQ")
"""Opcode and length of any record; in an index, after its channel, the length of the rest; in a chunk,
after its times, size and CRC of the content, its compression and the length of the data that follows."""
ZSTD = struct.pack("<I4s", 4, b"zstd")

AVAILABLE = hasattr(zstandard.ZstdDecompressor, "multi_decompress_to_buffer")
"""False in builds of zstandard upon a system's own zstd: there all is left to the caller."""


@dataclass(frozen=True, slots=True)
class Row:
    """Chunks with nothing but their indexes between them, as their heads tell."""

    start: int
    """Where in the file the first begins."""
    chunks_end: int
    """Where the last ends."""
    end: int
    """Where the record behind them and their indexes begins."""
    frames: list[bytes | bytearray | memoryview]
    """What each holds, compressed."""
    sizes: list[int]
    """How large the content of each is, in bytes."""
    crcs: list[int]
    size: int
    """How large the content of all is, in bytes."""


class Ahead:
    """The rows of one file up to `size`, the next of them unpacked by `worker`.

    What it is given is one call that does without the interpreter, for the caller's filter holds that
    for milliseconds: a worker that asked for it with each chunk would wait each time.
    """

    def __init__(self, file: BinaryIO, size: int, worker: Executor) -> None:
        self._file = file
        self._size = size
        self._worker = worker
        self._next: tuple[Row, Future[bytes | None]] | None = None
        self._in_vain = 0
        self._single_until = 0

    def take(self, start: int, room: int) -> tuple[Row, bytes] | None:
        """Return the row that begins at `start`, and its content of at most `room` bytes, whole and checked.

        None leaves the chunk there to the caller. The file stays where it was read up to.
        """
        if start < self._single_until or not AVAILABLE:
            return None
        row, content = self._unpacked(start)
        sound = content is not None and row.size <= room and _adds_up(row, content)
        self._in_vain = max(0, self._in_vain + WINDOW_BYTES - 2 * (row.end - start))
        if not sound or self._in_vain > MAX_IN_VAIN_BYTES:
            self._single_until = start + WINDOW_BYTES
        if content is None or not sound:
            return None
        if row.end >= self._single_until:
            self._begin(row.end)
        return row, content

    def _unpacked(self, start: int) -> tuple[Row, bytes | None]:
        begun, self._next = self._next, None
        if begun is not None and begun[0].start == start:
            return begun[0], begun[1].result()
        row = self._row(start)
        return row, _unpack(row)

    def _begin(self, start: int) -> None:
        row = self._row(start)
        if row.frames:
            self._next = row, self._worker.submit(_unpack, row)

    def _row(self, start: int) -> Row:
        place = self._file.tell()
        try:
            self._file.seek(start)
            window = self._file.read(min(WINDOW_BYTES, self._size - start))
        except OSError:
            # whoever reads up to there meets it again
            window = b""
        self._file.seek(place)
        return row_of(window, start)


def row_of(window: bytes, start: int) -> Row:
    """Return the row that a piece of a file begins with, which is at `start` in the file."""
    view = memoryview(window)
    frames: list[bytes | bytearray | memoryview] = []
    sizes: list[int] = []
    crcs: list[int] = []
    room = MAX_ROW_BYTES
    at = chunks_end = 0
    most = len(window)
    while at + RECORD.size <= most:
        opcode, length, rest, size, crc, compression, data_length = RECORD.unpack_from(window, at)
        end = at + RECORD_HEAD + length
        if opcode == CHUNK:
            data_at = at + RECORD.size
            if compression != ZSTD or end != data_at + data_length or end > most or not 0 < size <= room:
                break
            frames.append(view[data_at:end])
            sizes.append(size)
            crcs.append(crc)
            room -= size
            chunks_end = end
        elif opcode != MESSAGE_INDEX or length != 6 + rest or end > most:
            break
        at = end
    return Row(start, start + chunks_end, start + at, frames, sizes, crcs, MAX_ROW_BYTES - room)


def _unpack(row: Row) -> bytes | None:
    """Return the content of all chunks, None if one is not what its head says."""
    if not row.frames:
        return None
    sizes = struct.pack(f"={len(row.sizes)}Q", *row.sizes)
    try:
        # The frames' own claims are checked first, for they decide how much memory is taken.
        claims = map(zstandard.frame_content_size, row.frames)
        if any(claim not in (size, -1) for claim, size in zip(claims, row.sizes)):
            return None
        contents = zstandard.ZstdDecompressor().multi_decompress_to_buffer(
            row.frames, decompressed_sizes=sizes, threads=1
        )
    except zstandard.ZstdError:
        return None
    return b"".join(contents)  # type: ignore[arg-type]


def _adds_up(row: Row, content: bytes) -> bool:
    """Return whether every chunk's content is what its CRC says."""
    view = memoryview(content)
    at = 0
    for size, crc in zip(row.sizes, row.crcs):
        if zlib.crc32(view[at : at + size]) != crc:
            return False
        at += size
    return at == len(content)
