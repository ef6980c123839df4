"""The recorder at the door: what a crash, a full disk or a vanished file costs; and the pace of replay."""

import asyncio
import os
import random
import resource
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from hipturn.errors import InputError, RecordingError, UsageError
from hipturn.model import HostNs, Input, LinkDown, Packets, Side
from hipturn.recording import Reader, writer
from hipturn.sinks.recorder import Recorder, file_name
from hipturn.sources import replay
from recording_examples import LINK_UP, SESSION, START_NS, flat, packets, write_chunks

NOON = datetime(2026, 3, 1, 12, 0, 5)
SECOND = 1_000_000_000

LIVE = """
import os, struct, time
from pathlib import Path
import sys
sys.path.insert(0, sys.argv[2])
from recording_examples import LINK_UP, SESSION, packets
from hipturn.sinks.recorder import Recorder

recorder = Recorder.open(Path(sys.argv[1]), "mobilise", None)
recorder.write(SESSION)
recorder.write(LINK_UP)
for number in range(10_000):
    recorder.write(packets(number))
    recorder.tick(time.monotonic_ns())
    os.write(1, struct.pack("<qq", number, time.monotonic_ns()))
    time.sleep(0.01)
"""


def test_a_killed_program_loses_a_second_at_most(tmp_path: Path) -> None:
    rng = random.Random(3)
    children = []
    for run in range(5):
        folder = tmp_path / str(run)
        command = [sys.executable, "-c", LIVE, str(folder), str(Path(__file__).parent)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        children.append((folder, child, rng.uniform(0.3, 2.5)))
    for folder, child, lifetime_s in sorted(children, key=lambda each: each[2]):
        assert child.stdout is not None
        told = child.stdout.read(16)
        (begun,) = struct.unpack_from("<q", told, 8)
        time.sleep(max(0.0, lifetime_s - (time.monotonic_ns() - begun) / SECOND))
        os.kill(child.pid, signal.SIGKILL)
        told += child.stdout.read()
        child.stdout.close()
        child.wait()
        written = list(struct.iter_unpack("<qq", told[: len(told) // 16 * 16]))
        last_ns = written[-1][1]
        safe = sum(at_ns <= last_ns - SECOND for _, at_ns in written)
        (path,) = folder.iterdir()
        reader = Reader(path)
        got = flat(reader.inputs())
        everything = flat([SESSION, LINK_UP, *map(packets, range(len(written) + 1))])
        assert got == everything[: len(got)]
        assert len(got) >= 2 + safe
        assert reader.problem is not None and "read up to" in reader.problem


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Let no file of this process grow beyond `room` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 4, 700, 6000, 6001, 7500])
def test_a_full_disk_is_told_and_costs_nothing_once_there_is_room(tmp_path: Path, room: int) -> None:
    recorder = Recorder.open(tmp_path, None, Side.LEFT, NOON)
    items: list[Input] = [SESSION, LINK_UP, *map(packets, range(300))]
    refused = 0
    with full_disk(room):
        for second, item in enumerate(items):
            recorder.write(item)
            try:
                recorder.tick(second * SECOND)
            except RecordingError as error:
                refused += 1
                assert str(recorder.path) in str(error) and "\n" not in str(error)
        assert recorder.path.stat().st_size <= room
        try:
            got = flat(Reader(recorder.path).inputs())
        except InputError:
            assert room < 1000
        else:
            assert got == flat(items)[: len(got)]
            assert got == [SESSION] or room > 1000
    assert refused > 100
    recorder.tick(1000 * SECOND)
    recorder.close()
    reader = Reader(recorder.path)
    assert flat(reader.inputs()) == flat(items)
    assert reader.problem is None


def test_what_finds_no_room_in_memory_is_dropped_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 2000)
    recorder = Recorder.open(tmp_path, None, None, NOON)
    recorder.write(SESSION)
    with full_disk(0):
        for number in range(100):
            recorder.write(packets(number))
            with pytest.raises(RecordingError):
                recorder.tick(number * SECOND)
    recorder.write(packets(100))
    recorder.tick(200 * SECOND)
    recorder.write(packets(101))
    recorder.close()
    reader = Reader(recorder.path)
    got = flat(reader.inputs())
    assert got[-1] == flat([packets(101)])[0]
    lost = len(flat([SESSION, *map(packets, range(102))])) - len(got)
    assert lost > 50
    assert reader.problem == f"{lost} inputs are lost: they were never written, as when a disk is full"


def test_a_file_deleted_under_the_recorder_is_told(tmp_path: Path) -> None:
    recorder = Recorder.open(tmp_path / "folder", None, None, NOON)
    recorder.write(SESSION)
    recorder.tick(0)
    recorder.path.unlink()
    recorder.path.parent.rmdir()
    recorder.write(packets(0))
    with pytest.raises(RecordingError, match="deleted"):
        recorder.tick(SECOND)
    with pytest.raises(RecordingError, match="deleted"):
        recorder.close()
    recorder.close()


def test_a_disk_that_is_full_at_the_end_leaves_what_it_took(tmp_path: Path) -> None:
    recorder = Recorder.open(tmp_path, None, None, NOON)
    recorder.write(SESSION)
    recorder.tick(0)
    recorder.write(packets(0))
    with full_disk(recorder.path.stat().st_size + 100), pytest.raises(RecordingError, match="make room"):
        recorder.close()
    reader = Reader(recorder.path)
    assert list(reader.inputs()) == [SESSION]
    assert reader.problem is not None


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="--recordings"):
        Recorder.open(tmp_path / "file" / "folder", None, None)


def test_names_tell_the_session_and_never_collide(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    recorders = [Recorder.open(folder, "Seated: Rotation/2", Side.RIGHT, NOON) for _ in range(3)]
    for recorder in recorders:
        recorder.write(SESSION)
        recorder.close()
    assert sorted(path.name for path in folder.iterdir()) == [
        "2026-03-01_120005_seated-rotation-2_right-2.mcap",
        "2026-03-01_120005_seated-rotation-2_right-3.mcap",
        "2026-03-01_120005_seated-rotation-2_right.mcap",
    ]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert file_name(NOON, None, None) == "2026-03-01_120005_session"


def test_a_chunk_is_on_disk_within_a_second_and_not_at_every_tick(tmp_path: Path) -> None:
    recorder = Recorder.open(tmp_path, None, None, NOON)
    recorder.write(SESSION)
    sizes = []
    for tick in range(200):
        recorder.write(packets(tick))
        recorder.tick(tick * SECOND // 100)
        sizes.append(recorder.path.stat().st_size)
    recorder.close()
    assert len(set(sizes)) == 3
    assert list(map(len, map(flat, [Reader(recorder.path).inputs()]))) == [201]


def test_events_are_kept_beside(tmp_path: Path) -> None:
    recorder = Recorder.open(tmp_path, None, None, NOON)
    recorder.write(SESSION)
    recorder.write_event("shin-left", 5, '{"v":1,"type":"rep"}')
    recorder.close()
    recorder.close()
    assert list(Reader(recorder.path).events()) == [{"v": 1, "type": "rep"}]


# --- replay -------------------------------------------------------------------------------------


def recorded(path: Path) -> list[Input]:
    items: list[Input] = [SESSION, LINK_UP, packets(0, count=100), packets(100, count=50, size=20)]
    items.append(LinkDown("shin-left", HostNs(START_NS + 1_600_000_000), "stopped"))
    write_chunks(path, [items])
    return items


def test_replay_gives_the_inputs(tmp_path: Path) -> None:
    items = recorded(tmp_path / "m")
    assert flat(replay.inputs(tmp_path / "m")) == flat(items)


def test_paced_replay_gives_them_when_they_came(tmp_path: Path) -> None:
    items = recorded(tmp_path / "m")
    got: list[Input] = []
    begun = time.monotonic()
    for item in replay.paced(replay.inputs(tmp_path / "m"), 4):
        got.append(item)
        if isinstance(item, Packets):
            due_s = (int(item.at_ns[-1]) - START_NS) / 4 / SECOND
            assert time.monotonic() - begun >= due_s - 0.01
    assert 0.39 <= time.monotonic() - begun < 2.0
    assert flat(got) == flat(items)
    assert sum(isinstance(item, Packets) for item in got) > 20


def test_paced_replay_lets_other_tasks_run(tmp_path: Path) -> None:
    items = recorded(tmp_path / "m")

    async def main() -> tuple[list[Input], int]:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.001)
                turns += 1

        task = asyncio.create_task(other())
        got = [item async for item in replay.paced_async(replay.inputs(tmp_path / "m"), 8)]
        task.cancel()
        return got, turns

    got, turns = asyncio.run(main())
    assert flat(got) == flat(items)
    assert turns > 20


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(UsageError, match="--speed"):
        next(replay.paced([SESSION], speed))
