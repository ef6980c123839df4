"""Laws of the catalogue: a cache of the files beside it, and what is taken back is gone."""

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from hipturn import offline
from hipturn.core import results
from hipturn.errors import InputError
from hipturn.history import Catalogue, Filter, Person, add, reindex, session_results
from hipturn.history import schema as schema_of
from hipturn.history.store import FILE
from hipturn.model import HipAngle, Side, Verdict
from hipturn.recording import Reader, Writer
from hipturn.units import DEG_PER_RAD
from histories import FIRST, RECORDINGS, anywhere, session, weeks
from recording_examples import SESSION, packets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people, both legs, a test and drills, a stretch and a plan, and a file that is none."""
    weeks(tmp_path, [0.0, 3.0])
    session(tmp_path, person="Ada", drill="mishaps", at=FIRST + timedelta(days=30))
    (tmp_path / "broken.mcap").write_bytes(b"no recording")
    with Catalogue(tmp_path) as catalogue:
        catalogue.describe_person("P-07", stretch="hurdle", plan=3)
    return tmp_path


def content(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with Catalogue(folder) as catalogue:
        return catalogue.content()


def lost(folder: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        (folder / (FILE + ending)).unlink(missing_ok=True)


def torn(folder: Path) -> None:
    lost(folder)
    (folder / FILE).write_bytes(b"SQLite format 3\0 and then nothing of the kind" * 50)


def newer(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def untouched(folder: Path) -> None:
    pass


@pytest.mark.parametrize("harm", [lost, torn, newer, untouched])
def test_reindex_gives_the_same_catalogue_from_the_files_alone(
    harm: Callable[[Path], None], folder: Path
) -> None:
    before = content(folder)
    assert [len(before[t]) for t in ("sessions", "legs", "trials", "people", "unreadable")] == [
        5,
        5,
        24,
        1,
        1,
    ]
    harm(folder)
    reindex(folder)
    assert content(folder) == before


def test_what_grew_piece_by_piece_is_what_reindex_makes(tmp_path: Path) -> None:
    """Added one by one, changed, renamed, deleted: the same rows as reading what is left at once."""
    for path in weeks(tmp_path, [0.0, 1.0, 2.0]):
        add(tmp_path, path)
    session(tmp_path, person="Ada", at=FIRST + timedelta(days=90))
    with Catalogue(tmp_path) as catalogue:
        first, second, third, *_ = catalogue.sessions()
        catalogue.delete_session(first.name)
        catalogue.rename_session(second.name, "the second")
        catalogue.describe_session(third.name, note="after a hot shower")
        catalogue.rename_person("Ada", "A-1")
        grown = catalogue.content()
    reindex(tmp_path)
    assert content(tmp_path) == grown


def test_a_damaged_catalogue_says_how_to_have_it_back(folder: Path) -> None:
    torn(folder)
    with pytest.raises(InputError, match="hipturn reindex"):
        Catalogue(folder)


def test_an_older_catalogue_is_brought_up_to_date(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(folder)
    added = (*schema_of.MIGRATIONS, "CREATE TABLE later (x);")
    monkeypatch.setattr(schema_of, "MIGRATIONS", added)
    with Catalogue(folder) as catalogue:
        assert catalogue.content()["sessions"] == before["sessions"]
    with sqlite3.connect(folder / FILE) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        assert db.execute("SELECT count(*) FROM later").fetchone() == (0,)
    db.close()


def test_only_what_changed_is_read_again(folder: Path) -> None:
    heard: list[tuple[int, int]] = []
    with Catalogue(folder, lambda n, of: heard.append((n, of))):
        assert heard == []
    added = session(folder, at=FIRST + timedelta(days=60))
    with Catalogue(folder, lambda n, of: heard.append((n, of))) as catalogue:
        assert heard == [(1, 1)]
        added.unlink()
        catalogue.refresh()
        assert added.name not in [found.name for found in catalogue.sessions()]


def test_files_that_cannot_be_read_are_told_and_skipped(folder: Path) -> None:
    with Writer(folder / "says-anything.mcap") as writer:
        writer.write(replace(SESSION, settings={"fusion.filter": ["a", 1]}, wall_time="yesterday"))
        writer.write(packets(0))
        for line in ('{"type":"rep","n":"x"}', '{"type":"hold"}', "[1]", '{"type":"undo","reps":[[]]}', "{"):
            writer.write_event("s", 0, line)
    with Catalogue(folder) as catalogue:
        assert len(catalogue.sessions()) >= 5
        told = catalogue.unreadable()
        assert "no recording of hipturn" in told["broken.mcap"]
        with pytest.raises(InputError, match="no recording of hipturn"):
            catalogue.session("broken.mcap")


@pytest.mark.parametrize(
    ("which", "count"),
    [
        (Filter(), 5),
        (Filter(person="P-07"), 4),
        (Filter(person="P-07", side=Side.LEFT), 2),
        (Filter(drill="seated-mobilisation"), 1),
        (Filter(since=FIRST.date() + timedelta(days=7)), 3),
        (Filter(until=FIRST.date()), 2),
        (Filter(since=FIRST.date(), until=FIRST.date(), side=Side.RIGHT), 1),
        (Filter(person="' OR 1 --"), 0),
    ],
)
def test_filters_choose(which: Filter, count: int, folder: Path) -> None:
    with Catalogue(folder) as catalogue:
        assert len(catalogue.sessions(which)) == count


def test_a_renamed_person_is_nowhere_left(folder: Path) -> None:
    """In no recording, not in people.json, not in the catalogue or its log."""
    session(folder, person="Zaphod Beeblebrox", at=FIRST + timedelta(days=40))
    with Catalogue(folder) as catalogue:
        catalogue.describe_person("Zaphod Beeblebrox", stretch="hurdle")
        assert catalogue.rename_person("Zaphod Beeblebrox", "P-08") == 1
        assert anywhere(folder, "Zaphod") == []
        assert catalogue.person("P-08") == Person(stretch="hurdle")
        assert len(catalogue.sessions(Filter(person="P-08"))) == 1


def test_a_deleted_person_is_gone_and_nobody_else(folder: Path) -> None:
    with Catalogue(folder) as catalogue:
        assert catalogue.delete_person("P-07") == 4
        assert [found.start.person for found in catalogue.sessions()] == ["Ada"]
        assert "P-07" not in catalogue.people()
    assert anywhere(folder, "P-07") == []


def test_a_deleted_session_is_gone(folder: Path) -> None:
    with Catalogue(folder) as catalogue:
        name = catalogue.sessions(Filter(person="Ada"))[0].name
        catalogue.delete_session(name)
        assert len(catalogue.sessions()) == 4
    assert anywhere(folder, name) == []


def test_people_are_not_merged_by_mistake_nor_named_unreadably(folder: Path) -> None:
    with Catalogue(folder) as catalogue:
        with pytest.raises(InputError, match="somebody already"):
            catalogue.rename_person("Ada", "P-07")
        with pytest.raises(InputError, match="there is Ada, P-07"):
            catalogue.rename_person("Bob", "x")
        for name in ("", "  ", "a\nb", "x" * 201, "\x1b[2J"):
            with pytest.raises(InputError, match="cannot be a person's name"):
                catalogue.rename_person("Ada", name)


@pytest.mark.parametrize("name", ["../x", "x/../../y", ".hidden", "a" * 250, "", "con\n"])
def test_no_session_is_named_out_of_the_folder(name: str, folder: Path) -> None:
    with Catalogue(folder) as catalogue, pytest.raises(InputError, match="cannot be a recording's name"):
        catalogue.rename_session(catalogue.sessions()[0].name, name)


def test_a_session_being_recorded_is_neither_deleted_nor_renamed(folder: Path) -> None:
    with Writer(folder / "now.mcap") as writer:
        writer.write(replace(SESSION, person="Ada"))
        writer.write(packets(0))
        writer.close_chunk()
        with Catalogue(folder) as catalogue:
            for change in (
                lambda: catalogue.delete_session("now.mcap"),
                lambda: catalogue.rename_session("now.mcap", "then"),
                lambda: catalogue.delete_person("Ada"),
                lambda: catalogue.rename_person("Ada", "B"),
            ):
                with pytest.raises(InputError, match="being recorded"):
                    change()
            assert len(catalogue.sessions(Filter(person="Ada"))) == 2


def test_people_json_is_for_people_and_guarded(folder: Path) -> None:
    path = folder / "people.json"
    assert path.stat().st_mode & 0o077 == 0 or os.name == "nt"
    path.write_text('{"v":1,"people":{"Ada":{"stretch":7}}}')
    with pytest.raises(InputError, match=r"people\.json is no list of people"):
        Catalogue(folder)


# --- what a recording says ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["test-left", "test-right"])
def test_trials_from_lines_are_the_trials_of_the_samples(name: str) -> None:
    """By `core.results` from every sample: the same trials, within half a degree."""
    path = RECORDINGS / f"{name}.mcap"
    analysis = offline.analyse(path, offline.Request())
    blocks = analysis.angles
    columns = {f.name: [getattr(block, f.name) for block in blocks] for f in fields(HipAngle)}
    joined = HipAngle(blocks[0].stream, *map(np.concatenate, list(columns.values())[1:]))
    exact = results.trials(joined, analysis.reps)
    (leg,) = session_results(path).legs
    assert len(leg.trials) == len(exact) == 6
    for mine, true in zip(leg.trials, exact):
        assert mine.direction is true.direction
        assert abs(mine.value_rad - true.value_rad) * DEG_PER_RAD < 0.5


def test_counts_are_those_of_replay() -> None:
    (leg,) = session_results(RECORDINGS / "mishaps.mcap").legs
    reps = offline.analyse(RECORDINGS / "mishaps.mcap", offline.Request()).reps
    assert leg.controlled == sum(rep.verdict is Verdict.CONTROLLED for rep in reps)
    assert leg.reps == len(reps)


def test_repetitions_taken_back_do_not_count(tmp_path: Path) -> None:
    """Undo, undo, redo of one: one less."""
    path = tmp_path / "s.mcap"
    reader = Reader(RECORDINGS / "clean-drill.mcap")
    with Writer(path) as writer:
        for item in reader.inputs():
            writer.write(item)
        events = list(reader.events())
        stream = events[-1]["stream"]
        events += [
            {"type": k, "stream": stream, "reps": [n]} for k, n in (("undo", 8), ("undo", 7), ("redo", 7))
        ]
        for event in events:
            writer.write_event(stream, 0, json.dumps(event))
    (leg,) = session_results(path).legs
    assert (leg.reps, leg.controlled) == (7, 7)


def test_only_a_test_has_trials(tmp_path: Path) -> None:
    """A drill is stopped short of the end range, however well it is held there."""
    (leg,) = session_results(session(tmp_path, name="a.mcap")).legs
    assert len(leg.trials) == 6
    reader = Reader(tmp_path / "a.mcap")
    with Writer(tmp_path / "b.mcap") as writer:
        for item in reader.inputs():
            writer.write(replace(reader.session, drill="prone-drill") if item is reader.session else item)
        for event in reader.events():
            writer.write_event(event["stream"], 0, json.dumps(event))
    (leg,) = session_results(tmp_path / "b.mcap").legs
    assert leg.trials == ()
