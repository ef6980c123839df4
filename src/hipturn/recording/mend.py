"""Finish a recording that a crash left without its closing records.

Nothing that can be read is rewritten: a torn piece at the end, which cannot be read, is cut off, and
the closing records that `Container.end` would have written are put behind. Killed in the midst of
that, the recording is unfinished as before.
"""

import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.records import (
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
)

from hipturn.errors import InputError
from hipturn.recording import scan
from hipturn.recording.append import claim
from hipturn.recording.container import encode
from hipturn.recording.messages import RECORD_HEAD


@dataclass(slots=True)
class Found:
    """What a walk over the records of an unfinished recording has seen."""

    end: int = len(scan.MAGIC)
    """Where the last whole record ends."""
    schemas: list[Schema] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    chunks: list[ChunkIndex] = field(default_factory=list)
    metadata: list[MetadataIndex] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)


def is_finished(path: Path) -> bool:
    """Return whether the file ends with a closing magic; raise InputError if it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(scan.MAGIC)))
            return size > 2 * len(scan.MAGIC) and file.read() == scan.MAGIC
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check its permissions") from error


def finish(path: Path) -> int | None:
    """Finish an unfinished recording; return how many messages it holds, None if a program writes it still.

    Raises InputError for what is no recording, is damaged within, or cannot be written.
    """
    try:
        with path.open("r+b") as file:
            if not claim(file.fileno()):
                return None
            if file.read(len(scan.MAGIC)) != scan.MAGIC:
                raise InputError(f"{path} breaks off before the session begins: nothing is in it")
            found = _walk(file)
            if len(found.chunks) < sum(isinstance(item, bytes) for item in scan.Scan(file)):
                # something whole comes after something that is not: cutting that off would lose it
                raise InputError(f"{path} is damaged within: left as it is, what is whole can be read")
            if not found.chunks:
                return 0
            file.truncate(found.end)
            file.seek(found.end)
            file.write(_closing(found))
            file.flush()
            os.fsync(file.fileno())
            return found.counts.total()
    except OSError as error:
        raise InputError(f"{path} cannot be finished ({error.strerror}): it can be read as it is") from error


def _walk(file: BinaryIO) -> Found:
    """Return what the whole records from the start on are."""
    found = Found()
    for opcode, at, body in records(file):
        try:
            match opcode:
                case scan.SCHEMA:
                    found.schemas.append(Schema.read(_stream(body)))
                case scan.CHANNEL:
                    found.channels.append(Channel.read(_stream(body)))
                case scan.METADATA:
                    name = Metadata.read(_stream(body)).name
                    length = RECORD_HEAD + len(body)
                    found.metadata.append(MetadataIndex(offset=at, length=length, name=name))
                case scan.CHUNK:
                    _chunk(found, at, body)
                case scan.MESSAGE_INDEX:
                    _index(found, at, body)
                case scan.HEADER:
                    pass
                case _:
                    return found
        except (McapError, struct.error, ValueError):
            return found
        found.end = at + RECORD_HEAD + len(body)
    return found


def records(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield opcode, position and content of each record that is there to its last byte."""
    size = file.seek(0, os.SEEK_END)
    at = file.seek(len(scan.MAGIC))
    while at + RECORD_HEAD <= size:
        file.seek(at)
        opcode, length = scan.HEAD.unpack(file.read(RECORD_HEAD))
        if length > scan.MAX_CHUNK_BYTES or at + RECORD_HEAD + length > size:
            return
        yield opcode, at, file.read(length)
        at += RECORD_HEAD + length


def _chunk(found: Found, at: int, body: bytes) -> None:
    content = scan.chunk_content(body, zstandard.ZstdDecompressor().decompress)
    if content is None:
        raise ValueError("torn")
    start, end, size, _, name_length = scan.CHUNK_HEAD.unpack_from(body)
    found.chunks.append(
        ChunkIndex(
            chunk_start_offset=at,
            chunk_length=RECORD_HEAD + len(body),
            message_index_offsets={},
            message_index_length=0,
            message_start_time=start,
            message_end_time=end,
            compression=body[scan.CHUNK_HEAD.size :][:name_length].decode(),
            compressed_size=len(body) - scan.CHUNK_HEAD.size - name_length - 8,
            uncompressed_size=size,
        )
    )
    position = 0
    while position + RECORD_HEAD + 2 <= len(content):
        opcode, length = scan.HEAD.unpack_from(content, position)
        if opcode == scan.MESSAGE:
            (channel,) = struct.unpack_from("<H", content, position + RECORD_HEAD)
            found.counts[channel] += 1
        position += RECORD_HEAD + length


def _index(found: Found, at: int, body: bytes) -> None:
    if len(body) < 6 or len(body) != 6 + int.from_bytes(body[2:6], "little") or not found.chunks:
        raise ValueError("an index without its chunk")
    index = found.chunks[-1]
    index.message_index_offsets[int.from_bytes(body[:2], "little")] = at
    index.message_index_length += RECORD_HEAD + len(body)


def _closing(found: Found) -> bytes:
    times = found.chunks
    statistics = Statistics(
        attachment_count=0,
        channel_count=len(found.channels),
        channel_message_counts=dict(found.counts),
        chunk_count=len(found.chunks),
        message_count=found.counts.total(),
        message_start_time=min((c.message_start_time for c in times), default=0),
        message_end_time=max((c.message_end_time for c in times), default=0),
        metadata_count=len(found.metadata),
        schema_count=len(found.schemas),
    )
    end = encode(DataEnd(data_section_crc=0))
    summary = encode(*found.schemas, *found.channels, statistics, *found.chunks, *found.metadata)
    footer = encode(Footer(summary_start=found.end + len(end), summary_offset_start=0, summary_crc=0))[:-4]
    crc = zlib.crc32(footer, zlib.crc32(summary))
    return end + summary + footer + struct.pack("<I", crc) + scan.MAGIC


def _stream(body: bytes) -> ReadDataStream:
    return ReadDataStream(BytesIO(body))
