"""Whatever happens to a recording's file, what is whole in it is read, and what is missing is told."""

import errno
import io
import os
import random
import struct
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.stream_reader import StreamReader

from hipturn.errors import InputError
from hipturn.model import Input, LinkUp, Packets
from hipturn.recording import Reader
from recording_examples import LINK_UP, SESSION, flat, packets, short_session, write_chunks

if TYPE_CHECKING:
    from typing_extensions import Buffer

CHUNK = b"\x04\x00\x00\x00zstd"
DATA_END = b"\x0f\x04\0\0\0\0\0\0\0"
CHUNK_HEAD = 9 + 8 + 8 + 8 + 4
"""Bytes of a chunk record before the name of its compression."""


def chunk_starts(whole: bytes | bytearray) -> list[int]:
    """The positions of the chunk records in a file."""
    starts, at = [], whole.find(CHUNK)
    while at >= 0 and whole[at - CHUNK_HEAD] == 6:
        starts.append(at - CHUNK_HEAD)
        at = whole.find(CHUNK, at + 1)
    return starts


def offsets(whole: bytes) -> list[int]:
    """Every position among the data, and some in the closing records, which hold none."""
    summary = whole.index(DATA_END) + 30
    return [*range(summary), *range(summary, len(whole), 11), len(whole) - 1]


def read_all(path: Path) -> tuple[list[object], str | None]:
    """What is read and what is told to be missing."""
    reader = Reader(path)
    return flat(reader.inputs()), reader.problem


def is_part(part: list[object], whole: list[object]) -> bool:
    """Whether the first is the second with some left out; links that were told again count as there."""
    rest = iter(whole)
    return all(any(item == other for other in rest) for item in part if not isinstance(item, LinkUp))


def test_a_file_cut_off_anywhere_is_read_up_to_its_last_whole_chunk(tmp_path: Path) -> None:
    path, cut = tmp_path / "m", tmp_path / "cut"
    chunks = short_session()
    marks = write_chunks(path, chunks)
    everything = flat(item for chunk in chunks for item in chunk)
    whole = path.read_bytes()
    described = whole.index(CHUNK) - CHUNK_HEAD
    for size in offsets(whole):
        cut.write_bytes(whole[:size])
        try:
            got, problem = read_all(cut)
        except InputError:
            assert size < described
            continue
        safe = max((rows for end, rows in marks if end <= size), default=0)
        assert got == everything[: len(got)]
        assert len(got) >= safe
        assert problem is not None and "closing record" in problem and "\n" not in problem


def test_no_single_damaged_byte_changes_a_result_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "m"
    chunks = short_session(chunks=3, per_chunk=2)
    write_chunks(path, chunks)
    everything = flat(item for chunk in chunks for item in chunk)
    whole = path.read_bytes()
    rng = random.Random(1)
    for at in offsets(whole):
        flip = rng.choice([0x01, 0x08, 0x80, 0xFF])
        path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
        try:
            got, problem = read_all(path)
        except InputError:
            # only the few bytes that say what the file is at all
            assert at < whole.index(CHUNK)
            continue
        if problem is None:
            assert got == everything, at
        else:
            assert is_part(got, everything), at
            assert len(got) >= len(everything) - max(len(flat(chunk)) for chunk in chunks), at


@given(
    damage=st.lists(
        st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=40)), min_size=1, max_size=8
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_random_damage_never_does_more_than_cost_inputs(
    tmp_path: Path, damage: list[tuple[int, bytes]]
) -> None:
    path = tmp_path / "m"
    if not (tmp_path / "whole").exists():
        write_chunks(tmp_path / "whole", short_session())
    content = bytearray((tmp_path / "whole").read_bytes())
    for at, junk in damage:
        at %= len(content)
        content[at : at + len(junk)] = junk
    path.write_bytes(content)
    try:
        read_all(path)
        list(Reader(path).events())
    except InputError as error:
        assert "\n" not in str(error)


@given(junk=st.binary(max_size=2000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_junk_after_the_end_costs_nothing(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "m"
    path.unlink(missing_ok=True)
    chunks = short_session()
    write_chunks(path, chunks)
    with path.open("ab") as file:
        file.write(junk)
    assert read_all(path)[0] == flat(item for chunk in chunks for item in chunk)


def long_session() -> list[list[Input]]:
    chunks: list[list[Input]] = [[SESSION, LINK_UP]]
    chunks += [[packets(i) for i in range(second * 50, second * 50 + 50)] for second in range(30)]
    return chunks


def test_a_dead_sector_costs_the_chunks_it_touches(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_chunks(path, long_session())
    everything = flat(item for chunk in long_session() for item in chunk)
    whole = path.read_bytes()
    for at in range(len(whole) // 4, len(whole) // 2, 997):
        path.write_bytes(whole[:at] + bytes(512) + whole[at + 512 :])
        got, problem = read_all(path)
        assert is_part(got, everything)
        assert got[0] == everything[0] and got[-1] == everything[-1]
        assert len(got) >= len(everything) - 100
        # what a message index holds is of no importance here
        assert got == everything or (problem is not None and "damaged in 1 place" in problem)


def test_a_chunk_with_a_wrong_checksum_is_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_chunks(path, long_session())
    whole = bytearray(path.read_bytes())
    whole[chunk_starts(whole)[10] + 100] ^= 1
    path.write_bytes(whole)
    got, problem = read_all(path)
    everything = flat(item for chunk in long_session() for item in chunk)
    assert got == everything[:452] + everything[502:]
    assert problem == "the recording is damaged in 1 place: 50 inputs are lost, the rest was read"


def test_the_link_that_was_lost_with_its_chunk_is_told_again(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_chunks(path, long_session())
    whole = bytearray(path.read_bytes())
    whole[chunk_starts(whole)[0] + 100] ^= 1
    path.write_bytes(whole)
    session, link, first, *_ = Reader(path).inputs()
    assert session == SESSION
    assert isinstance(link, LinkUp) and link.info == LINK_UP.info and link.stream == LINK_UP.stream
    assert isinstance(first, Packets) and first.data.shape == (1500, 24)


def test_a_whole_file_whose_first_chunk_is_damaged_still_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_chunks(path, [[SESSION, packets(0)]])
    whole = bytearray(path.read_bytes())
    whole[chunk_starts(whole)[0] + 100] ^= 1
    path.write_bytes(whole)
    reader = Reader(path)
    assert list(reader.inputs()) == [reader.session] == [SESSION]
    assert reader.problem is not None and "damaged in 1 place" in reader.problem


@pytest.mark.parametrize("claim", [128 << 20, 2**40, 2**63])
def test_a_chunk_that_claims_or_has_a_monstrous_size_takes_no_memory(tmp_path: Path, claim: int) -> None:
    path = tmp_path / "m"
    write_chunks(path, [[SESSION, packets(0)]])
    whole = path.read_bytes()
    bomb = zstandard.ZstdCompressor().compress(bytes(min(claim, 128 << 20)))
    for told in (claim, 1000):
        body = struct.pack("<QQQI", 0, 0, told, 0) + CHUNK + struct.pack("<Q", len(bomb)) + bomb
        at = chunk_starts(whole)[0]
        path.write_bytes(whole[:at] + struct.pack("<BQ", 6, len(body)) + body + whole[at:])
        tracemalloc.start()
        got, problem = read_all(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 80 << 20
        assert got == flat([SESSION, packets(0)])
        assert problem is not None and "no inputs are lost" in problem


def test_a_foreign_tool_may_write_the_file_anew(tmp_path: Path) -> None:
    """As programs that cut or compress do: channels inside the chunks, other chunks, other order."""
    path, other = tmp_path / "m", tmp_path / "other"
    write_chunks(path, short_session())
    rewrite(path, other)
    assert read_all(other) == read_all(path)


def rewrite(path: Path, other: Path) -> None:
    from mcap.records import Channel, Message, Metadata, Schema
    from mcap.writer import CompressionType, Writer

    schemas, channels = {0: 0}, {}
    with path.open("rb") as source, other.open("wb") as target:
        writer = Writer(target, chunk_size=300, compression=CompressionType.NONE)
        writer.start()
        for record in StreamReader(source).records:
            match record:
                case Schema(id=number) if number not in schemas:
                    schemas[number] = writer.register_schema(record.name, record.encoding, record.data)
                case Channel(id=number) if number not in channels:
                    channels[number] = writer.register_channel(
                        record.topic, record.message_encoding, schemas[record.schema_id], record.metadata
                    )
                case Message():
                    writer.add_message(
                        channels[record.channel_id],
                        record.log_time,
                        record.data,
                        record.publish_time,
                        record.sequence,
                    )
                case Metadata():
                    writer.add_metadata(record.name, record.metadata)
                case _:
                    pass
        writer.finish()  # type: ignore[no-untyped-call]


def test_a_chunk_compressed_as_a_stream_is_read(tmp_path: Path) -> None:
    """As other languages' writers do: the compressed frame does not tell its size."""
    path = tmp_path / "m"
    write_chunks(path, [[SESSION, packets(0, count=30)]])
    everything, _ = read_all(path)
    whole = path.read_bytes()
    at = chunk_starts(whole)[0]
    length = int.from_bytes(whole[at + 1 : at + 9], "little")
    data_at = at + CHUNK_HEAD + 16
    stream = zstandard.ZstdCompressor().compressobj()
    content = zstandard.ZstdDecompressor().decompress(whole[data_at : at + 9 + length])
    data = stream.compress(content) + stream.flush()
    assert zstandard.frame_content_size(data) == -1
    body = whole[at + 9 : data_at - 8] + struct.pack("<Q", len(data)) + data
    path.write_bytes(whole[:at] + struct.pack("<BQ", 6, len(body)) + body + whole[at + 9 + length :])
    assert read_all(path)[0] == everything


def test_a_file_of_nothing_but_landmarks_is_done_with_quickly(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_chunks(path, [[SESSION, packets(0)]])
    whole = path.read_bytes()
    end = whole.index(DATA_END)
    path.write_bytes(whole[:end] + CHUNK * 20_000 + os.urandom(5000))
    got, problem = read_all(path)
    assert got == flat([SESSION, packets(0)])
    assert problem is not None and "closing record" in problem


def test_random_files_with_the_right_beginning_end(tmp_path: Path) -> None:
    path = tmp_path / "m"
    rng = random.Random(5)
    for _ in range(300):
        records = b"".join(
            struct.pack("<BQ", rng.randrange(17), size) + rng.randbytes(size)
            for size in (rng.choice([0, 4, 20, 60]) for _ in range(20))
        )
        path.write_bytes(b"\x89MCAP0\r\n" + records)
        with pytest.raises(InputError):
            read_all(path)


class FailingDisk(io.FileIO):
    """A file whose disk fails from a place on."""

    fails_at = 1 << 62

    def readinto(self, buffer: "Buffer", /) -> int | None:
        sound = self.fails_at - self.tell()
        if sound <= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().readinto(memoryview(buffer)[:sound])


def test_a_disk_that_fails_costs_nothing_that_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it fails; and that is told."""
    path = tmp_path / "m"
    write_chunks(path, [[SESSION, LINK_UP], *([packets(second * 12, count=12)] for second in range(20))])
    whole = path.read_bytes()
    starts = chunk_starts(whole)

    def opened(self: Reader) -> io.BufferedReader:
        return io.BufferedReader(FailingDisk(self.path), 64)

    monkeypatch.setattr(Reader, "_open", opened)
    reader = Reader(path)
    for fails_at in range(starts[2], starts[-1], 97):
        monkeypatch.setattr(FailingDisk, "fails_at", fails_at)
        before = sum(start < fails_at for start in starts) - 2  # the first is the session's, the last is cut
        read = flat(reader.inputs())
        assert sum(isinstance(item, tuple) for item in read) >= 12 * before, fails_at
        assert reader.problem is not None and "cannot be read further" in reader.problem
        with pytest.raises(InputError, match="check its disk"):
            list(reader.events())
