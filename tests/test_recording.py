"""Laws of the file format: what goes in comes out, for us and for other programs."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from mcap.reader import NonSeekingReader, SeekingReader, make_reader
from mcap.writer import Writer as PackageWriter

from hipturn import recording
from hipturn.errors import InputError, RecordingError
from hipturn.model import HostNs, Input, LinkDown, Mark, MarkKind, Packets, SessionStart
from hipturn.recording import Reader, Writer, messages
from recording_examples import (
    LINK_UP,
    SESSION,
    START_NS,
    STREAM,
    chunked_sessions,
    flat,
    packets,
    short_session,
    write_chunks,
)

ChunkedSession = tuple[SessionStart, list[list[Input]]]
same_path = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@given(session=chunked_sessions)
@same_path
def test_every_input_comes_back_exactly_and_in_order(tmp_path: Path, session: ChunkedSession) -> None:
    path = tmp_path / "any.mcap"
    path.unlink(missing_ok=True)
    start, chunks = session
    write_chunks(path, [[start], *chunks])
    reader = Reader(path)
    assert flat(reader.inputs()) == flat([start, *(item for chunk in chunks for item in chunk)])
    assert reader.session == start
    assert reader.problem is None


@given(session=chunked_sessions)
@same_path
def test_where_chunks_are_closed_makes_no_difference(tmp_path: Path, session: ChunkedSession) -> None:
    start, chunks = session
    items = [start, *(item for chunk in chunks for item in chunk)]
    for name, cut in (("one", [items]), ("each", [[item] for item in items])):
        path = tmp_path / name
        path.unlink(missing_ok=True)
        write_chunks(path, cut)
        assert flat(recording.read(path)) == flat(items)


def test_numbers_of_json_keep_their_kind_and_every_bit(tmp_path: Path) -> None:
    value = {"a": 1, "b": 1.0, "c": 0.1 + 0.2, "d": [5e-324, -0.0], "e": {"f": True}, "g": 2**70}
    mark = Mark(STREAM, HostNs(2**62 + 1), MarkKind.NOTE, value)
    write_chunks(tmp_path / "m", [[SESSION, mark]])
    *_, back = recording.read(tmp_path / "m")
    assert isinstance(back, Mark)
    assert repr(back) == repr(mark)


def test_numpy_numbers_and_read_only_tables_can_be_written(tmp_path: Path) -> None:
    down = LinkDown(STREAM, packets(0).at_ns[0], "lost")
    mark = Mark(STREAM, HostNs(1), MarkKind.BIAS, {"gyr_bias_radps": np.array([0.5, 1.0, 2.0])})
    write_chunks(tmp_path / "m", [[SESSION, down, mark]])
    assert list(recording.read(tmp_path / "m"))[1:] == [
        down,
        Mark(STREAM, HostNs(1), MarkKind.BIAS, {"gyr_bias_radps": [0.5, 1.0, 2.0]}),
    ]


def test_text_that_is_no_unicode_does_not_stop_a_recording(tmp_path: Path) -> None:
    session = SessionStart("hipturn", "", note=os.fsdecode(b"caf\xe9"))
    write_chunks(tmp_path / "m", [[session, packets(0)]])
    assert next(recording.read(tmp_path / "m")) == session


def test_a_recording_from_before_people_were_told_names_nobody() -> None:
    told = json.loads(messages.to_json(SESSION))
    metadata = messages.describe(SESSION)
    assert (told.pop("person"), metadata.pop("person")) == ("P-07", "P-07")
    assert messages.from_json(SessionStart, json.dumps(told)) == replace(SESSION, person="")
    assert messages.described(metadata) == replace(SESSION, person="")


def test_packets_with_nothing_between_come_as_one_block(tmp_path: Path) -> None:
    chunks: list[list[Input]] = [[SESSION, LINK_UP]]
    chunks += [[packets(i) for i in range(s * 100, s * 100 + 100)] for s in range(120)]
    write_chunks(tmp_path / "m", chunks)
    blocks = [item for item in recording.read(tmp_path / "m") if isinstance(item, Packets)]
    assert len(blocks) == 1
    assert blocks[0].data.shape == (12_000, 24)
    assert blocks[0].data.flags.c_contiguous and blocks[0].at_ns.flags.aligned


def test_a_block_larger_than_a_chunk_is_cut_and_comes_back(tmp_path: Path) -> None:
    large = packets(0, count=50_000)
    write_chunks(tmp_path / "m", [[SESSION, packets(0), large]])
    assert flat(recording.read(tmp_path / "m")) == flat([SESSION, packets(0), large])


def test_two_streams_keep_their_order(tmp_path: Path) -> None:
    items: list[Input] = [SESSION]
    for i in range(300):
        items += [packets(i), packets(i, stream="shin-right", size=20)]
    write_chunks(tmp_path / "m", [items[:301], items[301:]])
    assert flat(recording.read(tmp_path / "m")) == flat(items)


def test_events_come_back_beside_and_never_as_input(tmp_path: Path) -> None:
    events = [{"v": 1, "type": "rep", "n": n, "rom_deg": 30.1 + n} for n in range(5)]
    with Writer(tmp_path / "m") as writer:
        writer.write(SESSION)
        for n, event in enumerate(events):
            writer.write(packets(n))
            writer.write_event(STREAM if n else "", n * 10**9, json.dumps(event))
            if n % 2:
                writer.close_chunk()
    reader = Reader(tmp_path / "m")
    assert list(reader.events()) == events
    assert flat(reader.inputs()) == flat([SESSION, *map(packets, range(5))])
    assert reader.problem is None


# --- for other programs -------------------------------------------------------------------------


def test_the_official_reader_reads_all_and_finds_every_crc_right(tmp_path: Path) -> None:
    path = tmp_path / "m"
    chunks = short_session()
    write_chunks(path, chunks)
    count = len(flat(item for chunk in chunks for item in chunk))
    for kind in (SeekingReader, NonSeekingReader):
        with path.open("rb") as file:
            messages = list(kind(file, validate_crcs=True).iter_messages())
        assert len(messages) == count
        assert {message.sequence for _, _, message in messages} == set(range(count))
    for schema, channel, message in messages:
        if channel.message_encoding == "json":
            assert schema is not None and schema.encoding == "jsonschema"
            told = json.loads(message.data)
            described = json.loads(schema.data)
            assert described["type"] == "object" and told.keys() <= described["properties"].keys()


def test_viewers_see_the_wall_clock_and_find_messages_by_the_index(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_chunks(path, short_session())
    wall_ns = 1_772_386_205_250_000_000  # 2026-03-01 17:30:05.250 UTC
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        assert summary.statistics.message_start_time == wall_ns
        assert summary.statistics.chunk_count == len(summary.chunk_indexes) == 4
        sixth = wall_ns + 50_000_000
        packets_seen = reader.iter_messages(f"/packets/{STREAM}")
        found = [each for each in packets_seen if each[2].log_time == sixth]
        assert [message.publish_time for _, _, message in found] == [START_NS + 50_000_000]
        assert found[0][2].data == packets(5).data.tobytes()
        (metadata,) = reader.iter_metadata()
        channels = {channel.topic: channel.metadata for channel in summary.channels.values()}
    assert metadata.name == "hipturn"
    assert metadata.metadata["format"] == "1" and metadata.metadata["drill"] == "mobilise"
    assert json.loads(metadata.metadata["settings"]) == {"reps.target_deg": 30.5}
    assert channels[f"/packets/{STREAM}"]["driver"] == "hipturn"


# --- what cannot be read or written -------------------------------------------------------------


def foreign(path: Path) -> None:
    with path.open("wb") as file:
        writer = PackageWriter(file)
        writer.start()
        channel = writer.register_channel("/session", "json", 0)
        writer.add_message(channel, 0, b'{"program": 5}', 0)
        writer.finish()  # type: ignore[no-untyped-call]


def newer(path: Path) -> None:
    write_chunks(path, [[SESSION]])
    whole = path.read_bytes()
    at = whole.index(b"format") + len(b"format") + 4
    path.write_bytes(whole[:at] + b"9" + whole[at + 1 :])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "is not a file"),
        (os.mkfifo, "is not a file"),
        (lambda path: path.touch(), "is empty"),
        (lambda path: path.write_bytes(b"\x89MCAP"), "breaks off"),
        (lambda path: path.write_bytes(b"\x89MCAP0\r\n"), "breaks off"),
        (lambda path: path.write_bytes(b"time,acc_x\n1,2\n"), "is no recording of hipturn"),
        (foreign, "no recording of hipturn"),
        (newer, "update hipturn"),
    ],
)
def test_what_is_no_recording_is_told_in_one_line(tmp_path: Path, make, says: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "thing.mcap"
    make(path)
    with pytest.raises(InputError, match=says) as caught:
        Reader(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@contextmanager
def nobody() -> Iterator[None]:
    """Be someone to whom things can be forbidden, for nothing is forbidden to root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_file_one_may_not_read_is_told(tmp_path: Path) -> None:
    write_chunks(tmp_path / "m", [[SESSION]])
    (tmp_path / "m").chmod(0)
    with nobody(), pytest.raises(InputError, match="permissions"):
        Reader(tmp_path / "m")


def test_the_file_is_for_its_owner_only_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_chunks(path, [[SESSION]])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(RecordingError, match="exists already"):
        Writer(path)
    assert path.read_bytes() == before
    with pytest.raises(RecordingError, match="cannot be created"):
        Writer(tmp_path / "nowhere" / "m")


def test_a_recording_begins_with_its_session(tmp_path: Path) -> None:
    with Writer(tmp_path / "m") as writer:
        with pytest.raises(ValueError, match="SessionStart"):
            writer.write(packets(0))
        with pytest.raises(ValueError, match="SessionStart"):
            writer.write_event("", 0, "{}")


def test_an_input_that_cannot_be_written_harms_no_other(tmp_path: Path) -> None:
    with Writer(tmp_path / "m") as writer:
        writer.write(SESSION)
        with pytest.raises(ValueError, match="surrogates"):
            writer.write(packets(0, stream="\udc80"))
        with pytest.raises(TypeError, match="cannot be recorded"):
            writer.write(Mark(STREAM, HostNs(1), MarkKind.NOTE, {"text": object()}))
        with pytest.raises(ValueError, match="is the most"):
            writer.write(packets(0, size=20 << 20))
        writer.write(packets(0))
    reader = Reader(tmp_path / "m")
    assert flat(reader.inputs()) == flat([SESSION, packets(0)])
    assert reader.problem is None


@pytest.mark.parametrize(
    "wall_time", ["", "half past ten", "0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00"]
)
def test_a_wrong_wall_clock_stops_no_recording(tmp_path: Path, wall_time: str) -> None:
    session = SessionStart("hipturn", wall_time)
    write_chunks(tmp_path / "m", [[session, packets(0)]])
    assert flat(recording.read(tmp_path / "m")) == flat([session, packets(0)])


def test_the_file_describes_itself_before_the_first_second_is_over(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "m")
    writer.write(SESSION)
    writer.close_chunk()
    writer.write(packets(0))
    reader = Reader(tmp_path / "m")
    assert list(reader.inputs()) == [SESSION]
    assert reader.problem is not None and "closing record" in reader.problem
    writer.close()
    assert flat(reader.inputs()) == flat([SESSION, packets(0)])
    assert reader.problem is None
