"""Find what is whole in an MCAP file, be it cut off or damaged, without trusting a byte of it."""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BufferedRandom, BufferedReader, BytesIO

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Metadata
from mcap.writer import MCAP0_MAGIC

from hipturn.recording.messages import RECORD_HEAD

MAX_CHUNK_BYTES = 64 << 20
"""The largest chunk that is decompressed; a file that claims more is damaged or wants harm."""

MAX_RECORD_BYTES = 1 << 20
"""The largest channel or metadata record that is believed; ours have a few thousand bytes."""

MAX_SWELL = 200
"""A whole file may decompress to this many times its size, and one largest chunk more: ours come
to 1 or 2, equal rows of an imported table to some 100; what claims more wants to fill memory or time."""

MAX_DAMAGED = 10_000
"""Places of damage after which the rest is given up: each costs a search."""

HEADER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, METADATA, DATA_END, FOOTER, ATTACHMENT = (
    int(opcode)
    for opcode in (
        Opcode.HEADER,
        Opcode.SCHEMA,
        Opcode.CHANNEL,
        Opcode.MESSAGE,
        Opcode.CHUNK,
        Opcode.MESSAGE_INDEX,
        Opcode.METADATA,
        Opcode.DATA_END,
        Opcode.FOOTER,
        Opcode.ATTACHMENT,
    )
)
"""Plain integers: records are many, and looking up an enumeration is slow."""

LARGEST = {CHUNK: MAX_CHUNK_BYTES, METADATA: MAX_RECORD_BYTES, CHANNEL: MAX_RECORD_BYTES}
"""The records whose content is looked at, and how much of it is believed."""

HEAD = struct.Struct("<BQ")
"""Opcode and length of every record."""
BEGINNING = struct.Struct("<BQHI")
"""The same, and of a message index its channel and the size of what follows."""

CHUNK_HEAD = struct.Struct("<QQQII")
"""First and last log time, size and CRC of the content, length of the compression's name."""
ZSTD_HEAD = struct.Struct("<QQQII4sQ")
"""The same, the name and the length of the data, where it is compressed."""

CHUNK_SIGN = struct.pack("<I4s", 4, b"zstd")
"""Found at `CHUNK_SIGN_AT` in every compressed chunk record: the landmark to look for after damage."""
CHUNK_SIGN_AT = RECORD_HEAD + CHUNK_HEAD.size - 4

READ_BYTES = 1 << 17
"""Read at once: many of the small records that a chunk and its index are."""

SEARCH_BYTES = 1 << 16
FOOTER_BYTES = RECORD_HEAD + 8 + 8 + 4

MAGIC = bytes(MCAP0_MAGIC)


class Scan:
    """One pass over an open file that begins with `MAGIC`.

    Iterating gives what is whole, in the order of the file: the contents of chunks as bytes, with
    `Metadata` and `Channel` records from between them. Afterwards `damaged` is the number of places
    that something was left out at, and `closed` tells whether the closing records are there.
    """

    def __init__(self, file: BufferedReader | BufferedRandom) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        self._decompress = zstandard.ZstdDecompressor().decompress
        self._search_from = len(MAGIC)
        self._swell = MAX_CHUNK_BYTES + MAX_SWELL * self._size
        self.damaged = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes | Metadata | Channel]:
        """Yield what is whole; raise OSError only."""
        position = len(MAGIC)
        window, begin = memoryview(b""), position
        in_damage = False
        while self.damaged < MAX_DAMAGED:
            at = position - begin
            if not 0 <= at <= len(window) - BEGINNING.size:
                window, begin, at = self._read(position, BEGINNING.size), position, 0
            # nothing that matters is shorter at the end of a file
            enough = len(window) - at >= BEGINNING.size
            opcode, length, _, indexed = BEGINNING.unpack_from(window, at) if enough else (0, 0, 0, 0)
            end = position + RECORD_HEAD + length
            if end > self._size:
                opcode = 0
            believed = length <= LARGEST.get(opcode, 0)
            if believed and begin + len(window) < end:
                window, begin, at = self._read(position, end - position), position, 0
            body = window[at + RECORD_HEAD : end - begin] if believed else b""
            if opcode == CHUNK:
                content = chunk_content(body, self._decompress)
                self._search_from = position + 1 if content is None else end
                self._swell -= len(content) if content is not None else 0
                if self._swell < 0:
                    content = None
                self.damaged += content is None and not in_damage
                in_damage = content is None
                if content is not None:
                    yield content
            elif opcode == MESSAGE_INDEX and length == BEGINNING.size - RECORD_HEAD + indexed:
                pass
            elif opcode == DATA_END and self._is_closed(end):
                self.closed = True
                return
            elif opcode in (METADATA, CHANNEL) and (record := parse_record(opcode, bytes(body))):
                yield record
            elif opcode not in (HEADER, SCHEMA, ATTACHMENT):
                # Nothing that stands here: the end of a file cut off, or damage.
                position = self._next_chunk()
                self.closed = position < 0 and self._is_closed(None)
                self.damaged += not in_damage and (position >= 0 or self.closed)
                if position < 0:
                    return
                in_damage = True
                end = position
            position = end

    def _read(self, position: int, count: int) -> memoryview:
        """Return what stands at a position: so many bytes at least, fewer only where the file ends."""
        self._file.seek(position)
        # not more than the disk gives at once: where it fails, what was before must not be lost with it
        data = self._file.read1(max(count, READ_BYTES))
        while len(data) < count and (more := self._file.read1(count - len(data))):
            data += more
        return memoryview(data)

    def _next_chunk(self) -> int:
        """Return the position of the next compressed chunk record that could be whole, or -1."""
        base = self._search_from
        while True:
            self._file.seek(base)
            window = self._file.read(SEARCH_BYTES)
            hit = window.find(CHUNK_SIGN, CHUNK_SIGN_AT)
            while hit >= 0:
                if self._could_be_chunk(base + hit - CHUNK_SIGN_AT):
                    return base + hit - CHUNK_SIGN_AT
                hit = window.find(CHUNK_SIGN, hit + 1)
            if len(window) < SEARCH_BYTES:
                return -1
            base += SEARCH_BYTES - CHUNK_SIGN_AT - len(CHUNK_SIGN)

    def _could_be_chunk(self, position: int) -> bool:
        self._file.seek(position)
        opcode, length = HEAD.unpack(self._file.read(RECORD_HEAD))
        if opcode != CHUNK or position + RECORD_HEAD + length > self._size:
            return False
        before_data = CHUNK_SIGN_AT + len(CHUNK_SIGN) + 8 - RECORD_HEAD
        head = self._file.read(before_data)
        return bool(length == before_data + int.from_bytes(head[-8:], "little"))

    def _is_closed(self, data_end: int | None) -> bool:
        """Return whether the file ends as it should, after a data section that ends there, if given."""
        footer = self._size - FOOTER_BYTES - len(MAGIC)
        self._file.seek(max(0, footer))
        tail = self._file.read()
        summary = int.from_bytes(tail[RECORD_HEAD : RECORD_HEAD + 8], "little") or footer
        return tail[:1] == bytes([FOOTER]) and tail.endswith(MAGIC) and data_end in (None, summary)


def chunk_content(body: bytes | memoryview, decompress: Callable[..., bytes]) -> bytes | None:
    """Return what a chunk record holds, or None if anything about it is wrong.

    Content that zstd's own checksum shows to be whole is taken whatever the CRC beside it says.
    """
    if len(body) < ZSTD_HEAD.size:
        return None
    _, _, size, crc, name_length, name, length = ZSTD_HEAD.unpack_from(body)
    data = body[ZSTD_HEAD.size :]
    if (name_length, name) != (4, b"zstd"):
        # the one other compression that is known is none, and has no name
        name, data = b"", body[CHUNK_HEAD.size + 8 :]
        length = int.from_bytes(body[CHUNK_HEAD.size : CHUNK_HEAD.size + 8], "little")
    if size > MAX_CHUNK_BYTES or len(data) != length or name_length != len(name):
        return None
    try:
        # The frame's own claim is checked first, for it decides how much memory is taken.
        frame = zstandard.get_frame_parameters(data) if name else None
        if frame is None:
            content = bytes(data)
        elif frame.content_size in (size, zstandard.CONTENTSIZE_UNKNOWN):
            content = decompress(data, max_output_size=size)
        else:
            return None
    except zstandard.ZstdError:
        return None
    # a frame with a checksum of its own has been compared with that, in a fourth of the time
    sound = (frame is not None and frame.has_checksum) or zlib.crc32(content) == crc
    return content if sound and len(content) == size else None


def parse_record(opcode: int, body: bytes) -> Metadata | Channel | None:
    """Return the content of a metadata or channel record, or None if it cannot be one."""
    stream = ReadDataStream(BytesIO(body))
    try:
        record: Metadata | Channel
        record = Metadata.read(stream) if opcode == METADATA else Channel.read(stream)
    except (McapError, struct.error, UnicodeDecodeError):
        return None
    return record
