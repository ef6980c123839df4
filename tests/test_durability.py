"""What a full disk, a vanished folder, a crash or a hostile file costs, and that it is told."""

import io
import os
import shutil
import stat
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, Metadata

from cli_runs import RATE_HZ, done, drill
from disks import full_disk
from hipturn.coach import Coach
from hipturn.config import core_params, defaults
from hipturn.core import pelvis
from hipturn.errors import InputError, RecordingError
from hipturn.model import HostNs, Input, LinkDown, LinkUp, SessionStart, Side
from hipturn.offline import Request, analyse
from hipturn.recording import Reader, Writer, scan, write
from hipturn.recording.container import encode
from hipturn.recording.mend import finish, is_finished
from hipturn.session import Session
from hipturn.sinks.keeper import Keeper
from hipturn.sinks.recovery import recordings, recover
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Rest, drill_script, simulate
from recording_examples import LINK_UP, SESSION, STREAM, flat, packets, short_session, write_chunks

SECOND = 1_000_000_000


class Told:
    """What a keeper told."""

    def __init__(self) -> None:
        self.lines: list[str | None] = []

    def __call__(self, text: str | None) -> None:
        if not self.lines or self.lines[-1] != text:
            self.lines.append(text)


def keeper_in(folder: Path) -> tuple[Keeper, Told]:
    told = Told()
    keeper = Keeper(folder, "drill", Side.LEFT, told)
    keeper.write(SESSION)
    keeper.write(LINK_UP)
    return keeper, told


# --- while it is written ------------------------------------------------------------------------


def test_a_disk_that_was_full_for_a_while_costs_nothing(tmp_path: Path) -> None:
    """Told at the next chunk; everything is in the one file once there is room; that is told too."""
    keeper, told = keeper_in(tmp_path)
    for number in range(50):
        keeper.write(packets(number))
    keeper.tick(SECOND)
    with full_disk(keeper.path.stat().st_size if keeper.path else 0):
        for number in range(50, 400):
            keeper.write(packets(number))
            keeper.tick(SECOND + number * 10_000_000)
            if number == 150:
                assert [bool(line) for line in told.lines] == [True], "told within the second"
    keeper.tick(100 * SECOND)
    assert told.lines[-1] is None and "make room" in (told.lines[0] or "")
    (path,) = keeper.close()
    reader = Reader(path)
    assert flat(reader.inputs()) == flat([SESSION, LINK_UP, *map(packets, range(400))])
    assert reader.problem is None


def remove_file(keeper: Keeper) -> None:
    assert keeper.path is not None
    keeper.path.unlink()


def remove_folder(keeper: Keeper) -> None:
    assert keeper.path is not None
    shutil.rmtree(keeper.path.parent)


@pytest.mark.parametrize("vanish", [remove_file, remove_folder])
@pytest.mark.parametrize("second", [False, True])
def test_a_recording_that_vanished_goes_on_in_a_new_file(
    tmp_path: Path, vanish: Callable[[Keeper], None], second: bool
) -> None:
    """The new file tells the gap, and measures by itself: link and marks are in it.

    Also with a second sensor, whose link stands before that of the leg.
    """
    motion = drill(reps=4)
    told = Told()
    keeper = Keeper(tmp_path / "folder", "drill", motion.leg.side, told)
    session = Session(core_params(defaults()), Coach(STREAM, motion.leg.side, 0), keeper, lambda _: None)
    session.push(SessionStart("test", "2026-01-01T12:00:00+00:00", settings=defaults()))
    if second:
        session.push(LinkUp(pelvis.ROLE, HostNs(0), simulated.info(motion)))
    gone = int(20.0 * RATE_HZ)
    for number, item in enumerate(simulated.inputs(motion, stream=STREAM)):
        session.push(item)
        keeper.tick(number * 10_000_000)
        if number == gone:
            vanish(keeper)
    session.finish()
    (path,) = keeper.close()
    assert [bool(line) for line in told.lines] == [True, False]
    assert "deleted" in (told.lines[0] or "")
    start = Reader(path).session
    assert "are in no file" in start.note
    result = analyse(path, Request())
    assert result.side is motion.leg.side
    assert result.samples > len(motion.t_s) - gone - 3 * RATE_HZ
    assert result.reps, "calibration and side were carried over"


def test_what_goes_on_without_a_link_carries_its_marks_to_the_next(tmp_path: Path) -> None:
    """The file vanishes while the sensor is away; the new one has the marks behind the new link."""
    motion = drill(reps=3)
    keeper = Keeper(tmp_path, None, motion.leg.side, lambda _: None)
    session = Session(core_params(defaults()), Coach(STREAM, motion.leg.side, 0), keeper, lambda _: None)
    session.push(SessionStart("test", "2026-01-01T12:00:00+00:00", settings=defaults()))
    items = list(simulated.inputs(motion, stream=STREAM))
    half = int(18.0 * RATE_HZ)
    for item in items[:half]:
        session.push(item)
    session.push(LinkDown(STREAM, HostNs(half * 10_000_000), "lost"))
    keeper.tick(SECOND)
    remove_file(keeper)
    session.push(LinkUp(STREAM, HostNs(half * 10_000_000), simulated.info(motion)))
    keeper.tick(3 * SECOND)
    session.push(LinkDown(STREAM, HostNs(half * 10_000_000), "lost"))
    keeper.tick(5 * SECOND)
    session.push(LinkUp(STREAM, HostNs(half * 10_000_000), simulated.info(motion)))
    for item in items[half:-1]:
        session.push(item)
    (path,) = keeper.close()
    assert analyse(path, Request()).reps


def test_a_folder_that_cannot_be_used_yet_is_told_and_used_once_it_can(tmp_path: Path) -> None:
    blocked = tmp_path / "folder"
    blocked.touch()
    keeper, told = keeper_in(blocked)
    keeper.write(packets(0))
    keeper.tick(SECOND)
    assert "cannot be made" in (told.lines[0] or "") and keeper.path is None
    blocked.unlink()
    keeper.tick(3 * SECOND)
    assert told.lines[-1] is None
    keeper.write(packets(1))
    (path,) = keeper.close()
    assert flat([packets(1)])[0] in flat(Reader(path).inputs())


def test_a_recording_without_a_sample_is_not_left_behind(tmp_path: Path) -> None:
    keeper, _ = keeper_in(tmp_path)
    keeper.tick(SECOND)
    assert keeper.close() == []
    assert list(tmp_path.iterdir()) == []


def test_recordings_are_for_their_owner_only(tmp_path: Path) -> None:
    keeper, _ = keeper_in(tmp_path / "folder")
    keeper.write(packets(0))
    (path,) = keeper.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_whole_recording_whose_part_is_in_the_way_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "x.mcap.part").mkdir()
    with pytest.raises(RecordingError, match="cannot be written"):
        write(tmp_path / "x.mcap", [SESSION])


# --- after a crash ------------------------------------------------------------------------------


def crashed(path: Path) -> list[tuple[int, int]]:
    """Leave a recording as a killed program does; return for each chunk the size after it and its rows."""
    marks, rows = [], 0
    writer = Writer(path)
    for items in short_session():
        for item in items:
            writer.write(item)
        writer.close_chunk()
        rows += len(flat(items))
        marks.append((path.stat().st_size, rows))
    writer.abandon()
    return marks


@given(st.data())
@settings(max_examples=60)
def test_a_recording_cut_anywhere_is_finished_with_all_that_is_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Finished it reads without complaint, gives the inputs it gave before, and any viewer opens it."""
    path = tmp_path_factory.mktemp("cut") / "x.mcap"
    marks = crashed(path)
    first = marks[0][0]
    os.truncate(path, data.draw(st.integers(first, marks[-1][0])))
    tail = data.draw(st.sampled_from([b"", b"\0" * 100, b"\x06\xff\xff"]))
    with path.open("ab") as file:
        file.write(tail)
    before = flat(Reader(path).inputs())
    assert not is_finished(path)
    messages = finish(path)
    assert is_finished(path)
    reader = Reader(path)
    assert flat(reader.inputs()) == before
    assert reader.problem is None
    with path.open("rb") as file:
        told = make_reader(file).get_summary()
        assert told is not None and told.statistics is not None
        assert told.statistics.message_count == messages
        file.seek(0)
        assert len(list(make_reader(file).iter_messages())) == messages
    content = path.read_bytes()
    assert recover(recordings(path.parent)) == [], "a second look finds nothing to do"
    assert path.read_bytes() == content


def test_recovery_finishes_tells_and_removes_the_empty(tmp_path: Path) -> None:
    marks = crashed(tmp_path / "cut.mcap")
    whole = tmp_path / "whole.mcap"
    write_chunks(whole, short_session())
    sound = whole.read_bytes()
    (tmp_path / "empty.mcap").touch()
    (tmp_path / "opening.mcap").write_bytes((tmp_path / "cut.mcap").read_bytes()[:60])
    (tmp_path / "foreign.mcap").write_bytes(b"something else")
    damaged = bytearray((tmp_path / "cut.mcap").read_bytes())
    damaged[damaged.index(b"zstd", marks[0][0]) + 30] ^= 0xFF
    (tmp_path / "damaged.mcap").write_bytes(damaged)
    told = "\n".join(recover(recordings(tmp_path)))
    assert "cut.mcap was not finished" in told
    assert "opening.mcap was begun" in told and not (tmp_path / "opening.mcap").exists()
    assert "damaged.mcap is damaged within" in told
    assert (tmp_path / "damaged.mcap").read_bytes() == damaged, "nothing that can be read is cut off"
    assert (tmp_path / "foreign.mcap").read_bytes() == b"something else"
    assert whole.read_bytes() == sound


def test_a_recording_being_written_is_left_alone(tmp_path: Path) -> None:
    keeper, _ = keeper_in(tmp_path)
    keeper.write(packets(0))
    keeper.tick(SECOND)
    assert recover(recordings(tmp_path)) == []
    (path,) = keeper.close()
    assert Reader(path).problem is None


def test_results_survive_the_finishing(tmp_path: Path) -> None:
    """live == replay holds for a recording that a crash cut off, here in the rest behind a set."""
    script = drill_script(3, 1)
    rested = replace(script, elements=(*script.elements, Rest(25.0)))
    motion = simulate(Leg.random(1, side=Side.RIGHT), rested, RATE_HZ, 1)
    writer = Writer(tmp_path / "x.mcap")
    session = Session(core_params(defaults()), Coach(STREAM, motion.leg.side, 0), writer, lambda _: None)
    session.push(SessionStart("test", "2026-01-01T12:00:00+00:00", settings=defaults()))
    for number, item in enumerate(simulated.inputs(motion, stream=STREAM)):
        session.push(item)
        if number % 90 == 0:
            writer.close_chunk()
    writer.abandon()
    recover(recordings(tmp_path))
    shown = done("replay", tmp_path / "x.mcap", "--diff").out
    assert shown.splitlines()[-1] == "as announced live"


# --- files that want harm -----------------------------------------------------------------------


def chunk(content: bytes, claims: int | None = None) -> bytes:
    return encode(
        Chunk(
            compression="zstd",
            data=zstandard.ZstdCompressor().compress(content),
            message_start_time=0,
            message_end_time=0,
            uncompressed_crc=zlib.crc32(content),
            uncompressed_size=len(content) if claims is None else claims,
        )
    )


def hostile(path: Path, *records: bytes) -> Path:
    with Writer(path) as writer:
        writer.write(SESSION)
        writer.close_chunk()
        writer.abandon()
    with path.open("ab") as file:
        file.write(b"".join(records))
    return path


def test_a_file_cannot_swell_without_end(tmp_path: Path) -> None:
    """However many chunks of zeros there are, the content looked at is bounded by the file's size."""
    bomb = chunk(bytes(16 << 20))
    path = hostile(tmp_path / "x.mcap", *[bomb] * 200)
    with path.open("rb") as file:
        taken = sum(len(item) for item in scan.Scan(file) if isinstance(item, bytes))
    assert taken <= scan.MAX_CHUNK_BYTES + scan.MAX_SWELL * path.stat().st_size
    assert taken < 200 * (16 << 20) / 2
    assert list(Reader(path).inputs()) == [SESSION]


def test_a_chunk_that_claims_more_than_allowed_is_not_decompressed(tmp_path: Path) -> None:
    path = hostile(tmp_path / "x.mcap", chunk(b"x", claims=scan.MAX_CHUNK_BYTES + 1))
    reader = Reader(path)
    assert list(reader.inputs()) == [SESSION] and reader.problem is not None


def test_json_of_absurd_length_is_not_parsed(tmp_path: Path) -> None:
    """A mark of a megabyte, and a metadata record of two, are left out; the rest is read."""
    path = tmp_path / "x.mcap"
    with Writer(path) as writer:
        writer.write(SESSION)
        writer.write(LINK_UP)
        for number in range(3):
            writer.write(packets(number))
        writer.write_event(STREAM, 0, '{"type":"rep","x":"' + "x" * (1 << 20) + '"}')
        writer.write_event(STREAM, 0, '{"type":"rep"}')
    assert list(Reader(path).events()) == [{"type": "rep"}]
    big = hostile(
        tmp_path / "y.mcap", encode(Metadata(name="hipturn", metadata={"settings": "x" * (2 << 20)}))
    )
    assert next(iter(Reader(big).inputs())) == SESSION


def test_channels_without_end_are_not_kept(tmp_path: Path) -> None:
    many = b"".join(
        encode(Channel(id=number, topic="/events/x", message_encoding="json", metadata={}, schema_id=0))
        for number in range(1, 60_000)
    )
    path = hostile(tmp_path / "x.mcap", chunk(many))
    assert list(Reader(path).inputs()) == [SESSION]


def test_places_of_damage_are_not_searched_for_ever(tmp_path: Path) -> None:
    """A file made of beginnings of chunks: each looks like one and none is."""
    head = struct.pack("<BQQQQII4sQ", scan.CHUNK, 44 + 4, 0, 0, 9, 7, 4, b"zstd", 4) + b"\0\0\0\0\xee"
    path = hostile(tmp_path / "x.mcap", *[head] * 30_000)
    with path.open("rb") as file:
        look = scan.Scan(file)
        assert sum(isinstance(item, bytes) for item in look) == 1
    assert look.damaged <= scan.MAX_DAMAGED


@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(0, 2**32))
@settings(max_examples=60)
def test_any_bytes_behind_the_session_are_read_or_left_out(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], seed: int
) -> None:
    """Neither reading nor finishing raises anything but one line, nor loses the session."""
    noise = np.random.default_rng(seed).bytes(300)
    path = hostile(tmp_path_factory.mktemp("any") / "x.mcap", *pieces, chunk(noise), chunk(bytes(500)))
    items: list[Input] = list(Reader(path).inputs())
    assert items[0] == SESSION
    try:
        finish(path)
    except InputError as error:
        assert "\n" not in str(error)
    assert next(iter(Reader(path).inputs())) == SESSION
    assert io.BytesIO(path.read_bytes()).read(8) == scan.MAGIC
