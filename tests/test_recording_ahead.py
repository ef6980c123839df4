"""Chunks are unpacked many at a time and ahead; what is read is what one record after the other gives."""

import errno
import io
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.records import Channel, Chunk, Metadata, Schema

from hipturn.errors import InputError
from hipturn.model import Input
from hipturn.recording import Reader, ahead, scan
from hipturn.recording.container import encode
from recording_examples import LINK_UP, SESSION, flat, packets, write_chunks

if TYPE_CHECKING:
    from typing_extensions import Buffer

Seen = tuple[list[object], int, int, bool]

CHUNKS = 40


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A recording of 40 chunks of some 600 bytes each."""
    path = tmp_path_factory.mktemp("whole") / "m"
    chunks: list[list[Input]] = [[SESSION, LINK_UP]]
    rng = np.random.default_rng(3)
    for second in range(CHUNKS - 1):
        block = packets(second * 12, count=12)
        block.data[:, 4:] = rng.integers(0, 256, block.data[:, 4:].shape)
        chunks.append([block])
    write_chunks(path, chunks)
    return path.read_bytes()


@contextmanager
def windows(size: int) -> Iterator[None]:
    """Read so many bytes at once; with none every record is looked at alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ahead, "WINDOW_BYTES", size)
        yield


def seen(file: bytes, window: int) -> Seen:
    """All that a pass tells: what is whole, chunks joined where nothing is between, and the counts."""
    with windows(window):
        look = scan.Scan(BytesIO(file))
        items: list[object] = []
        for item in look:
            if isinstance(item, bytes) and items and isinstance(items[-1], bytes):
                items[-1] += item
            else:
                items.append(item)
    return items, look.chunks, look.damaged, look.closed


def odd_chunk(kind: str, content: bytes) -> bytes:
    """A chunk as no recording of ours has it, though some of them are sound."""
    compress = zstandard.ZstdCompressor(write_checksum=kind == "checksum").compress
    data = compress(content)
    match kind:
        case "stream":
            stream = zstandard.ZstdCompressor().compressobj()
            data = stream.compress(content) + stream.flush()
        case "trailing":
            data += b"trailing"
        case "twice":
            data = compress(content) + compress(content)
            content *= 2
        case "skippable":
            data = struct.pack("<II", 0x184D2A50, 4) + b"skip" + data
        case "nothing":
            data, content = compress(b""), b""
        case "no frame":
            data = b""
        case "torn":
            data = data[:-1]
        case "claims more":
            data = compress(content + bytes(1 << 20))
    return encode(
        Chunk(
            compression="zstd",
            data=data,
            message_start_time=0,
            message_end_time=0,
            uncompressed_crc=zlib.crc32(content) ^ (kind == "wrong sum"),
            uncompressed_size=len(content),
        )
    )


KINDS = ["plain", "checksum", "stream", "trailing", "twice", "skippable", "nothing", "no frame", "torn"]
KINDS += ["claims more", "wrong sum"]
others = st.sampled_from(
    [
        encode(Schema(id=9, data=b"{}", encoding="jsonschema", name="x")),
        encode(Channel(id=9, topic="/mark", message_encoding="json", metadata={}, schema_id=0)),
        encode(Metadata(name="note", metadata={"of": "another"})),
        struct.pack("<BQHI", scan.MESSAGE_INDEX, 6, 9, 0),
        struct.pack("<BQHI", scan.MESSAGE_INDEX, 600, 9, 594),
        struct.pack("<BQHI", scan.MESSAGE_INDEX, 6, 9, 1),
        b"\0",
    ]
)
pieces = others | st.builds(odd_chunk, st.sampled_from(KINDS), st.binary(max_size=300))


def chunk_starts(file: bytes) -> list[int]:
    starts, at = [], file.find(scan.CHUNK_SIGN)
    while at >= 0:
        starts.append(at - scan.CHUNK_SIGN_AT)
        at = file.find(scan.CHUNK_SIGN, at + 1)
    return starts


@given(
    damage=st.lists(st.tuples(st.integers(0), st.binary(min_size=1, max_size=20)), max_size=6),
    inserted=st.lists(st.tuples(st.integers(0, CHUNKS - 1), pieces), max_size=6),
    cut=st.integers(0) | st.none(),
    window=st.integers(500, 20_000),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400)
def test_a_pass_with_windows_gives_what_one_without_gives(
    whole: bytes,
    damage: list[tuple[int, bytes]],
    inserted: list[tuple[int, bytes]],
    cut: int | None,
    window: int,
) -> None:
    """Whatever is damaged, put between the chunks or cut off, and however much is read at once."""
    starts = [*chunk_starts(whole), len(whole)]
    cuts = [whole[: starts[0]], *(whole[start:end] for start, end in pairwise(starts))]
    for number, piece in inserted:
        cuts[number] += piece
    file = bytearray(b"".join(cuts))
    for at, junk in damage:
        at = len(scan.MAGIC) + at % len(file)
        file[at : at + len(junk)] = junk
    broken = bytes(file[: None if cut is None else len(scan.MAGIC) + cut % len(file)])
    assert seen(broken, window) == seen(broken, 0)


@pytest.mark.parametrize("window", [500, 5_000, 1 << 20])
def test_what_is_whole_is_taken_in_rows(whole: bytes, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the first chunk, which says what the recording is and is not to wait for others."""
    alone: list[int] = []

    def counted(self: scan.Scan, body: bytes) -> bytes | None:
        alone.append(len(body))
        return content(self, body)

    content = scan.Scan._content
    monkeypatch.setattr(scan.Scan, "_content", counted)
    monkeypatch.setattr(ahead, "MAX_IN_VAIN_BYTES", 1 << 30)
    assert seen(whole, window)[1:] == (CHUNKS, 0, True)
    # what a window of 500 bytes cannot hold is not in it
    assert len(alone) == (1 if window > 500 else CHUNKS)


def test_without_the_call_for_many_chunks_each_is_taken_alone(
    whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a build of zstandard upon a system's own zstd makes it."""
    both = seen(whole, 5_000)
    monkeypatch.setattr(ahead, "AVAILABLE", False)
    assert seen(whole, 5_000) == both


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("unpack")]


@pytest.mark.parametrize("leave", [False, True])
def test_the_thread_ends_with_the_pass_be_it_left_midway(tmp_path: Path, whole: bytes, leave: bool) -> None:
    path = tmp_path / "m"
    path.write_bytes(whole)
    with windows(3_000):
        inputs = Reader(path).inputs()
        # the first block is what a batch holds, here all
        assert next(inputs) == SESSION
        assert not workers()
        look = iter(scan.Scan(BytesIO(whole)))
        while not workers():
            next(look)
        if leave:
            del look
        else:
            assert list(look)
        assert not workers()


class FailingDisk(io.FileIO):
    """A file whose disk fails from a place on."""

    fails_at = 1 << 62

    def readinto(self, buffer: "Buffer", /) -> int | None:
        sound = self.fails_at - self.tell()
        if sound <= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().readinto(memoryview(buffer)[:sound])


def test_a_disk_that_fails_costs_nothing_that_was_before(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is told in the same words, wherever it fails and however much is read at once."""
    path = tmp_path / "m"
    path.write_bytes(whole)

    def opened(self: Reader) -> io.BufferedReader:
        return io.BufferedReader(FailingDisk(self.path), 64)

    monkeypatch.setattr(Reader, "_open", opened)
    reader = Reader(path)
    data_end = chunk_starts(whole)[CHUNKS - 1]
    for fails_at in range(len(whole) // 5, data_end, 1_237):
        monkeypatch.setattr(FailingDisk, "fails_at", fails_at)
        told = []
        for window in (0, 3_000, 1 << 20):
            with windows(window):
                told.append((flat(reader.inputs()), reader.problem))
        assert told[0] == told[1] == told[2]
        assert len(told[0][0]) > 12 * sum(start < fails_at for start in chunk_starts(whole)) - 24
        assert told[0][1] is not None and "cannot be read further" in told[0][1]
        with pytest.raises(InputError, match="check its disk"), windows(3_000):
            list(reader.events())


class CountingFile(BytesIO):
    """Counts what is read from it."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        self.count += len(piece)
        return piece


@pytest.mark.parametrize("between", [b"", encode(Metadata(name="x", metadata={}))])
@pytest.mark.parametrize("kind", ["plain", "wrong sum", "nothing"])
def test_chunks_that_make_no_row_are_not_read_over_and_over(whole: bytes, kind: str, between: bytes) -> None:
    end = chunk_starts(whole)[1]
    file = CountingFile(whole[:end] + (odd_chunk(kind, b"x" * 99) + between) * 30_000)
    look = scan.Scan(file)
    for _ in look:
        pass
    assert file.count < 3 * len(file.getvalue()) + 2 * ahead.MAX_IN_VAIN_BYTES
    assert look.chunks == (30_001 if kind != "wrong sum" else 1)


def test_a_row_takes_little_memory_whatever_its_chunks_claim() -> None:
    zeros = odd_chunk("plain", bytes(ahead.MAX_ROW_BYTES // 4))
    row = ahead.row_of(zeros * 100, 7)
    assert len(row.frames) == 4 and row.size == ahead.MAX_ROW_BYTES
    assert (row.start, row.chunks_end, row.end) == (7, 7 + 4 * len(zeros), 7 + 4 * len(zeros))
