"""Laws of changing what a recording says of itself: the rest stays and the old words are gone."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader

from cli_runs import bundled
from hipturn.errors import InputError
from hipturn.model import SessionStart
from hipturn.recording import Reader, Writer
from hipturn.recording.amend import amend
from recording_examples import SESSION, flat, packets, short_session, write_chunks
from test_recording import same_path


def named(name: str, note: str = "") -> SessionStart:
    return replace(SESSION, person=name, note=note)


@given(name=st.text(max_size=60), note=st.text(max_size=300))
@same_path
def test_only_the_session_changes(tmp_path: Path, name: str, note: str) -> None:
    """Any name and note: the same inputs in the same order, the same events, whole by its own account."""
    path = tmp_path / "any.mcap"
    path.unlink(missing_ok=True)
    write_chunks(path, short_session())
    before = flat(Reader(path).inputs())
    amend(path, lambda start: replace(start, person=name, note=note))
    reader = Reader(path)
    assert flat(reader.inputs())[1:] == before[1:]
    assert (reader.session, reader.problem) == (named(name, note), None)


def test_a_real_session_keeps_its_results_and_other_programs_read_it(tmp_path: Path) -> None:
    path = bundled("mishaps", tmp_path / "m.mcap")
    before = Reader(path)
    inputs, events = flat(before.inputs()), list(before.events())
    with path.open("rb") as file:
        messages = [(m.log_time, m.publish_time, m.sequence) for _, _, m in make_reader(file).iter_messages()]
    amend(path, lambda start: replace(start, person="Ärmel · 袖"))
    assert flat(Reader(path).inputs())[1:] == inputs[1:]
    assert list(Reader(path).events()) == events
    with path.open("rb") as file:
        # by the index, which the packing of the first chunk has moved
        again = [(m.log_time, m.publish_time, m.sequence) for _, _, m in make_reader(file).iter_messages()]
    assert again == messages


def test_the_old_words_are_nowhere_in_the_file(tmp_path: Path) -> None:
    """Neither in the metadata nor in any chunk, unpacked."""
    path = tmp_path / "m.mcap"
    write_chunks(path, [[named("Zaphod", "two heads"), packets(0)], [packets(1)]])
    amend(path, lambda start: replace(start, person="P-1", note=""))
    assert b"Zaphod" not in path.read_bytes()
    with path.open("rb") as file:
        assert not any(
            b"Zaphod" in m.data or b"heads" in m.data for _, _, m in make_reader(file).iter_messages()
        )


def test_a_change_shows_in_the_time_and_hardly(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "m.mcap")
    before = path.stat().st_mtime_ns
    amend(path, lambda start: start)
    assert path.stat().st_mtime_ns == before
    amend(path, lambda start: replace(start, note="x"))
    assert before < path.stat().st_mtime_ns <= before + 10_000_000


def test_one_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.mcap"
    with Writer(path) as writer:
        for item in (SESSION, packets(0)):
            writer.write(item)
        writer.close_chunk()
        before = path.read_bytes()
        with pytest.raises(InputError, match="being recorded"):
            amend(path, lambda start: replace(start, person="x"))
        assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_one_that_a_crash_left_is_finished_and_changed(tmp_path: Path) -> None:
    path = tmp_path / "m.mcap"
    writer = Writer(path)
    for item in (SESSION, packets(0)):
        writer.write(item)
    writer.close_chunk()
    writer.abandon()
    amend(path, lambda start: replace(start, person="x"))
    reader = Reader(path)
    assert len(list(reader.inputs())) == 2
    assert (reader.session.person, reader.problem) == ("x", None)


def test_a_damaged_one_is_left_as_it_is(tmp_path: Path) -> None:
    """Half of it could be saved, but what cannot be read now might be by a better tool."""
    path = bundled("clean-drill", tmp_path / "m.mcap")
    torn = bytearray(path.read_bytes())
    torn[len(torn) // 2] ^= 0xFF
    path.write_bytes(torn)
    with pytest.raises(InputError, match="left as it is"):
        amend(path, lambda start: replace(start, person="x"))
    assert path.read_bytes() == torn
    assert list(tmp_path.iterdir()) == [path]
