"""The MCAP file around the messages: its opening, chunks and closing records.

The package's own writer compresses at a fixed level and takes 20 µs a message; a chunk laid out
here in arrays costs a tenth of that to write and half to decompress. The records themselves are
encoded by the package.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
)
from mcap.writer import LIBRARY_IDENTIFIER, MCAP0_MAGIC
from numpy.typing import NDArray

from hipturn.model import ByteArray
from hipturn.recording.append import AppendFile
from hipturn.recording.messages import RECORD_HEAD, record_dtype

COMPRESSION_LEVEL = -1
"""A second of packets is too short for stronger levels to find more; this one is read twice as fast
and makes the file 7 % larger (hipturn packets of 32 bytes)."""

INDEX_BLOCK_BYTES = 1 << 14
"""The index of all chunks waits for the end of the file compressed, in blocks of this size: 36 bytes a
chunk instead of 120, and no buffer that grows with the hours."""

MESSAGE_INDEX = struct.Struct("<BQHI")
"""Opcode, length, channel, bytes of the (log time, offset) pairs that follow."""

UnsignedArray = NDArray[np.uint64]


def compressor() -> zstandard.ZstdCompressor:
    """Return what chunks are compressed with.

    The checksum of zstd's own is made sure of by whoever decompresses, in a fourth of the time of the
    CRC that MCAP has beside it for other readers.
    """
    return zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Messages of one channel and size: `n` rows that become neighbours in a chunk."""

    channel: int
    sequence: NDArray[np.uint32]
    log_time: UnsignedArray
    publish_time: UnsignedArray
    data: ByteArray
    """Shape (n, size)."""

    def records(self) -> NDArray[np.void]:
        """Return the Message records, shape (n,)."""
        count, size = self.data.shape
        records = np.empty(count, record_dtype(size))
        records["opcode"] = Opcode.MESSAGE
        records["length"] = records.itemsize - RECORD_HEAD
        records["channel"] = self.channel
        records["sequence"] = self.sequence
        records["log_time"] = self.log_time
        records["publish_time"] = self.publish_time.view(np.int64)
        records["data"] = self.data
        return records


class Container:
    """Appends MCAP records to a file and remembers what the closing records must tell."""

    def __init__(self, file: AppendFile) -> None:
        self._file = file
        self._schemas: list[Schema] = []
        self._channels: list[Channel] = []
        self._fresh = bytearray()
        self._metadata_index = b""
        self._chunk_indexes = bytearray()
        self._earlier_indexes: list[bytes] = []
        # compressed, each a block
        self._chunks = 0
        self._counts: Counter[int] = Counter()
        self._start = 0
        self._end = 0
        self._compress = compressor().compress

    def begin(self, name: str, metadata: Mapping[str, str]) -> None:
        """Append the opening and one metadata record."""
        self._file.append(MCAP0_MAGIC + encode(Header(profile="", library=LIBRARY_IDENTIFIER)))
        record = encode(Metadata(name=name, metadata=dict(metadata)))
        self._metadata_index = encode(MetadataIndex(offset=self._file.end, length=len(record), name=name))
        self._file.append(record)

    def schema(self, name: str, text: bytes) -> int:
        """Append a JSON schema and return its number."""
        schema = Schema(id=len(self._schemas) + 1, data=text, encoding="jsonschema", name=name)
        self._announce(schema)
        self._schemas.append(schema)
        return schema.id

    def channel(self, topic: str, encoding: str, schema: int, metadata: Mapping[str, str]) -> int:
        """Append a channel and return its number."""
        channel = Channel(
            id=len(self._channels) + 1,
            topic=topic,
            message_encoding=encoding,
            metadata=dict(metadata),
            schema_id=schema,
        )
        self._announce(channel)
        self._channels.append(channel)
        return channel.id

    def _announce(self, record: Schema | Channel) -> None:
        """Append a record twice: in the open, and where the checksum of the next chunk guards it.

        So neither damage to the one nor to the other costs the messages of all later chunks.
        """
        piece = encode(record)
        self._file.append(piece)
        self._fresh += piece

    def chunk(self, runs: Sequence[Run]) -> None:
        """Append a chunk of at least one message, and its index."""
        content, self._fresh = self._fresh, bytearray()
        index: dict[int, list[UnsignedArray]] = {}
        for run in runs:
            records = run.records()
            pairs = np.empty((len(records), 2), np.uint64)
            pairs[:, 0] = run.log_time
            pairs[:, 1] = np.arange(len(records)) * records.itemsize + len(content)
            index.setdefault(run.channel, []).append(pairs)
            content += records.tobytes()
            self._counts[run.channel] += len(records)
        start = min(int(run.log_time.min()) for run in runs)
        end = max(int(run.log_time.max()) for run in runs)
        compressed = self._compress(content)
        chunk = encode(
            Chunk(
                compression="zstd",
                data=compressed,
                message_start_time=start,
                message_end_time=end,
                uncompressed_crc=zlib.crc32(content),
                uncompressed_size=len(content),
            )
        )
        at = self._file.end
        self._file.append(chunk)
        offsets = self._append_index(index)
        self._remember(
            ChunkIndex(
                chunk_start_offset=at,
                chunk_length=len(chunk),
                message_index_offsets=offsets,
                message_index_length=self._file.end - at - len(chunk),
                message_start_time=start,
                message_end_time=end,
                compression="zstd",
                compressed_size=len(compressed),
                uncompressed_size=len(content),
            )
        )
        self._start = min(self._start, start) if self._chunks else start
        self._end = max(self._end, end)
        self._chunks += 1

    def _remember(self, index: ChunkIndex) -> None:
        """Keep a chunk's index for the end of the file."""
        self._chunk_indexes += encode(index)
        if len(self._chunk_indexes) >= INDEX_BLOCK_BYTES:
            # copied: what the compressor returns goes on taking as much as it might have needed
            self._earlier_indexes.append(bytes(memoryview(self._compress(self._chunk_indexes))))
            self._chunk_indexes = bytearray()

    def _append_index(self, index: Mapping[int, list[UnsignedArray]]) -> dict[int, int]:
        """Append the message index, which some viewers cannot do without, and return where it is."""
        offsets = {}
        for channel, parts in index.items():
            pairs = np.concatenate(parts).astype("<u8").tobytes()
            offsets[channel] = self._file.end
            length = MESSAGE_INDEX.size - RECORD_HEAD + len(pairs)
            self._file.append(MESSAGE_INDEX.pack(Opcode.MESSAGE_INDEX, length, channel, len(pairs)) + pairs)
        return offsets

    def end(self) -> None:
        """Append the closing records."""
        self._file.append(encode(DataEnd(data_section_crc=0)))
        start = self._file.end
        statistics = Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=dict(self._counts),
            chunk_count=self._chunks,
            message_count=self._counts.total(),
            message_start_time=self._start,
            message_end_time=self._end,
            metadata_count=1,
            schema_count=len(self._schemas),
        )
        decompress = zstandard.ZstdDecompressor().decompress
        summary = b"".join(
            [
                encode(*self._schemas, *self._channels, statistics),
                *map(decompress, self._earlier_indexes),
                self._chunk_indexes,
                self._metadata_index,
            ]
        )
        footer = encode(Footer(summary_start=start, summary_offset_start=0, summary_crc=0))[:-4]
        crc = zlib.crc32(footer, zlib.crc32(summary))
        self._file.append(summary + footer + struct.pack("<I", crc) + MCAP0_MAGIC)


def encode(*records: McapRecord) -> bytes:
    """Return records as bytes."""
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    return bytes(builder.end())  # type: ignore[no-untyped-call]
