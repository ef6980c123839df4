"""Laws of the catalogue: a cache of the files beside it, and what is taken back is gone."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli_runs import done, refused
from disks import full_disk
from hipturn import commands, config, lines, offline
from hipturn.core import results
from hipturn.errors import InputError, UsageError
from hipturn.history import Catalogue, Filter, Person, add, reindex, session_results
from hipturn.history import schema as schema_of
from hipturn.history.overview import results_of, session_line
from hipturn.history.store import FILE
from hipturn.model import HipAngle, Side, Verdict
from hipturn.plain import is_name
from hipturn.recording import Reader, Writer
from hipturn.recording.amend import amend, part_of
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
        assert db.execute("PRAGMA user_version").fetchone() == (len(added),)
        assert db.execute("SELECT count(*) FROM later").fetchone() == (0,)
    db.close()


def test_a_catalogue_of_the_first_version_learns_what_is_new(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it did not keep then is read from the recordings again: the rows are those of a new one."""
    before = content(folder)
    lost(folder)
    db = sqlite3.connect(folder / FILE)
    db.executescript(schema_of.MIGRATIONS[0] + "PRAGMA user_version = 1;")
    db.execute(
        "INSERT INTO sessions VALUES (?, 1, 1, '', 0, 1, '', NULL, NULL, '', '', '', '', 0, 0, 0, NULL)",
        (before["sessions"][0][0],),
    )
    db.commit()
    db.close()
    assert content(folder) == before


COURSE = st.fixed_dictionaries(
    {
        "person": st.sampled_from(["", "P-07", "Ada", "Žofie 漢字"]),
        "side": st.sampled_from(Side),
        "drill": st.sampled_from(["", "clean-drill", "mishaps"]),
        "movement": st.sampled_from(["", "passive"]),
        "position": st.sampled_from(["prone", "seated", None, "x'; DROP TABLE sessions"]),
        "more_deg": st.floats(0.0, 20.0),
        "note": st.text(max_size=10),
        "said": st.lists(st.text(max_size=10), max_size=2),
        "answers": st.fixed_dictionaries(
            {}, optional={"warm": st.booleans(), "pain": st.integers(0, 10) | st.none() | st.text(max_size=3)}
        ),
        "at": st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    }
)


@settings(max_examples=15)
@given(st.lists(COURSE, min_size=1, max_size=5), st.data())
def test_whatever_was_recorded_the_catalogue_is_made_of_the_files_alone(
    course: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Any sessions, some renamed, noted or deleted meanwhile: the same content again without it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for n, given_ in enumerate(course):
            path = session(place, name=f"{n}.mcap", **given_)
            if data.draw(st.booleans()):
                add(place, path)
        with Catalogue(place) as catalogue:
            for n in range(len(course)):
                match data.draw(st.sampled_from(["keep", "keep", "delete", "rename", "note", "person"])):
                    case "delete":
                        catalogue.delete_session(f"{n}.mcap")
                    case "rename":
                        catalogue.rename_session(f"{n}.mcap", f"renamed {n}")
                    case "note":
                        catalogue.describe_session(f"{n}.mcap", note="later", movement="passive")
                    case "person":
                        catalogue.describe_person(f"p{n}", plan=n + 1)
            grown = catalogue.content()
        lost(place)
        reindex(place)
        assert content(place) == grown


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
        for name in ("", "  ", "a\nb", "x" * 201, "\x1b[2J", "ada\u202eb", "a\u200bb"):
            with pytest.raises(InputError, match="cannot be a person's name"):
                catalogue.rename_person("Ada", name)


@pytest.mark.parametrize("name", ["👩\u200d⚕️ Ada", "עדה", "می\u200cخواهم", "Ana-María Ó", "李雷"])
def test_whoever_has_a_name_that_is_written_so_keeps_it(name: str, folder: Path) -> None:
    """In the recordings, in a list, to a program, on a printed page, and in a session that begins so."""
    (folder / "broken.mcap").unlink()
    done("history", "rename", "Ada", name, "--recordings", folder)
    assert name in done("history", "--recordings", folder).out
    assert name in done("history", "people", "--recordings", folder).out
    assert {line["person"] for line in done("history", "--recordings", folder, "--json").lines} == {
        name,
        "P-07",
    }
    page = folder.parent / f"{folder.name}.html"
    done("report", "--person", name, "--recordings", folder, "-o", page)
    assert name in page.read_text(encoding="utf-8")
    assert config.SETTINGS["coach.person"].parse(name, "--person") == name
    assert commands.COMMANDS["start"].fields["person"].check(name)


@given(st.text(max_size=6) | st.text(alphabet="a \u200d\u202e\n\x85\xa0\ufeff"))
def test_what_one_door_takes_for_a_name_every_door_does(name: str) -> None:
    """A session that could not be renamed back, or listed, is not begun."""
    try:
        set_so = config.SETTINGS["coach.person"].parse(name, "--person") == name and name != ""
    except UsageError as error:
        assert "one line of text" in str(error)
        set_so = False
    asked_so = commands.COMMANDS["start"].fields["person"].check(name)
    assert set_so == asked_so == is_name(name)


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
    analysis = offline.analyse(path, offline.Request(), keep_angles=True)
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


def test_answers_notes_and_who_turned_the_leg_are_in_the_catalogue(tmp_path: Path) -> None:
    """From the recording, through the rows, to the conditions of the test and the list."""
    session(
        tmp_path, answers={"warm": True, "pain": 2}, said=["tight today", "better"], movement="passive",
    )  # fmt: skip
    with Catalogue(tmp_path) as catalogue:
        (found,) = catalogue.sessions()
    assert (found.warmed_up, found.pain, found.said) == (True, 2, "tight today\nbetter")
    (leg,) = found.legs
    assert leg.conditions is not None and leg.conditions.movement == "passive"
    assert found.start.movement == "passive"
    (read,) = session_results(tmp_path / found.name).legs
    assert read.held_s == leg.held_s and read.gained_rad == pytest.approx(leg.gained_rad, abs=1e-4)
    holds = [e for e in Reader(tmp_path / found.name).events() if e["type"] == "hold"]
    assert leg.held_s == pytest.approx(sum(hold["end_s"] - hold["start_s"] for hold in holds))
    assert leg.held_s > 15.0


def test_drills_of_another_position_tool_or_movement_are_courses_of_their_own(tmp_path: Path) -> None:
    """And each keeps all of its sessions, in the order of time."""
    given_: list[dict[str, Any]] = [{}, {"position": "seated"}, {"movement": "passive"}, {}]
    for n, more in enumerate(given_):
        session(tmp_path, drill="mishaps", at=FIRST + timedelta(days=n), **more)
    with Catalogue(tmp_path) as catalogue:
        found = catalogue.overview("P-07", FIRST.toordinal() + 7)
    assert sorted(len(course.practice) for course in found.courses) == [1, 1, 2]
    (both,) = [course for course in found.courses if len(course.practice) == 2]
    assert [p.found.begun for p in both.practice] == [FIRST, FIRST + timedelta(days=3)]
    assert (both.reps, both.share) == (30, 18 / 30)
    assert both.practice[-1].longest is not None and both.practice[-1].longest.reps == 11


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


def unruly(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    # the head is whole: it can be opened and not read
    with (folder / FILE).open("r+b") as file:
        for page in range(2, (folder / FILE).stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xa5" * 2000)


def without_a_table(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as db:
        db.execute("DROP TABLE trials")
    db.close()


def of_a_third_side(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as db:
        db.execute("UPDATE legs SET side = 'middle' WHERE side = 'right'")
    db.close()


@pytest.mark.parametrize("harm", [unruly, without_a_table, of_a_third_side])
def test_a_catalogue_damaged_within_is_told_and_made_anew(harm: Callable[[Path], None], folder: Path) -> None:
    before = content(folder)
    harm(folder)
    damaged = r"catalogue is damaged .*'hipturn reindex' makes it anew"
    with pytest.raises(InputError, match=damaged), Catalogue(folder) as catalogue:
        catalogue.sessions()
    reindex(folder)
    assert content(folder) == before


def test_a_catalogue_on_a_full_disk_is_not_called_damaged_nor_thrown_away(folder: Path) -> None:
    """Not even made anew: there is no room for that. It is read in memory, and afterwards it is as it was."""
    before = content(folder)
    newest = max(folder.glob("*left.mcap"))
    was_ns = newest.stat().st_mtime_ns
    os.utime(newest, ns=(0, 0))
    with full_disk(0), Catalogue(folder) as catalogue:
        assert len(catalogue.sessions()) == len(before["sessions"])
    with full_disk(0), pytest.raises(InputError, match=r"cannot be written .* give it room"):
        reindex(folder)
    with full_disk(0), pytest.raises(InputError, match=r"cannot be written .* give it room"):
        add(folder, newest)
    os.utime(newest, ns=(was_ns, was_ns))
    assert content(folder) == before


def test_a_catalogue_that_another_program_keeps_is_told_and_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(folder)
    monkeypatch.setattr("hipturn.history.store.BUSY_S", 0.05)
    other = sqlite3.connect(folder / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    kept = "another program has kept the catalogue"
    with pytest.raises(InputError, match=kept):
        reindex(folder)
    with pytest.raises(InputError, match=kept):
        add(folder, next(folder.glob("*left.mcap")))
    other.execute("ROLLBACK")
    other.close()
    assert content(folder) == before


UNLIKELY = (10**30, 1e308, float("nan"), float("inf"), {"a": 1}, [1], "x", None, "\ud800")


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("rep", "rom_deg"),
        ("rep", "lost_share"),
        ("rep", "off_axis_deg"),
        ("hold", "start_s"),
        ("hold", "sd_deg"),
        ("hold", "creep_deg"),
        ("set", "reps"),
        ("set", "n"),
        ("set", "warm_up"),
        ("set", "range_change"),
        ("calibration", "observability"),
        ("calibration", "grade"),
    ],
)
def test_whatever_one_recording_says_the_others_are_listed(kind: str, key: str, tmp_path: Path) -> None:
    """A recording from elsewhere may say anything; it is told, or without what cannot be."""
    good = session(tmp_path, at=FIRST)
    source = Reader(RECORDINGS / "test-left.mcap")
    inputs, events = list(source.inputs()), list(source.events())
    for n, value in enumerate(UNLIKELY):
        with Writer(tmp_path / f"unlikely-{n}.mcap") as writer:
            for item in inputs:
                writer.write(item)
            for event in events:
                changed = {**event, key: value} if event["type"] == kind else event
                writer.write_event(event["stream"], 0, json.dumps(changed))
    with Catalogue(tmp_path) as catalogue:
        found, unreadable = catalogue.sessions(), catalogue.unreadable()
        assert {each.name for each in found} | unreadable.keys() == {p.name for p in tmp_path.glob("*.mcap")}
        assert good.name in {each.name for each in found}
        for each in found:
            lines.dumps(session_line(each))
            for test, _ in results_of(each, found):
                lines.dumps(lines.test_result(test, each.name))


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"sessions_a_week": 10**30}, "whole number up to 7"),
        ({"sessions_a_week": -5}, "whole number up to 7"),
        ({"sessions_a_week": True}, "whole number up to 7"),
        ({"note": 5}, "texts"),
    ],
)
def test_people_that_cannot_be_are_told(told: dict[str, object], wrong: str, folder: Path) -> None:
    (folder / "people.json").write_text(json.dumps({"v": 1, "people": {"P-07": told}}))
    with pytest.raises(InputError, match=wrong):
        Catalogue(folder)


def test_half_a_character_is_a_question_mark(folder: Path) -> None:
    """A command line may hold bytes that are no text, JSON half of a surrogate pair."""
    with Catalogue(folder) as catalogue:
        catalogue.describe_person("P-07", note="\udcff!", stretch="\udcff")
        assert catalogue.person("P-07") == Person("?", 3, "?!")
        assert catalogue.sessions(Filter(person="\udcff")) == []
    (folder / "people.json").write_text('{"v": 1, "people": {"\\ud800": {"note": "\\ud800"}}}')
    with Catalogue(folder) as catalogue:
        assert catalogue.person("?") == Person(note="?")


class _KilledError(Exception):
    """Stands for the end of the program in the middle."""


@pytest.mark.parametrize("done", [0, 1, 3])
def test_a_renaming_that_was_interrupted_can_be_asked_again(
    done: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks(tmp_path, [0.0, 1.0])
    with Catalogue(tmp_path) as catalogue:
        catalogue.describe_person("P-07", note="kept")
    left = done

    def dying(path: Path, change: Any) -> None:
        nonlocal left
        if left == 0:
            raise _KilledError
        left -= 1
        amend(path, change)

    with monkeypatch.context() as patch:
        patch.setattr("hipturn.history.catalogue.amend", dying)
        with pytest.raises(_KilledError), Catalogue(tmp_path) as catalogue:
            catalogue.rename_person("P-07", "P-08")
    with Catalogue(tmp_path) as catalogue:
        with pytest.raises(InputError, match="nobody is called"):
            catalogue.rename_person("P-09", "P-08")
        catalogue.describe_person("P-07", stretch="hurdle")
        catalogue.rename_person("P-07", "P-08")
        assert catalogue.people() == {"P-08": (Person("hurdle", note="kept"), 4)}
    assert not anywhere(tmp_path, "P-07")


@pytest.mark.parametrize("whose", [True, False])
def test_what_a_killed_change_left_goes_with_the_recording(whose: bool, tmp_path: Path) -> None:
    path = session(tmp_path)
    part_of(path).write_bytes(path.read_bytes())
    with Catalogue(tmp_path) as catalogue:
        if whose:
            catalogue.delete_person("P-07")
        else:
            catalogue.delete_session(path.name)
    assert not anywhere(tmp_path, "P-07") and not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("command", [["people"], ["progress", "P-07"], ["show", "NAME"]])
def test_the_folder_may_be_named_before_the_command_or_behind(command: list[str], folder: Path) -> None:
    name = next(path.name for path in sorted(folder.glob("*left.mcap")))
    args = [name if part == "NAME" else part for part in command]
    behind = done("history", *args, "--recordings", folder)
    assert behind.out == done("history", "--recordings", folder, *args).out != ""
    assert behind.out == done("history", "--recordings", folder / "none", *args, "--recordings", folder).out


def test_who_tried_a_virtual_sensor_is_told_where_its_sessions_lie(tmp_path: Path) -> None:
    """An empty history points at them, and so does a person of whom there are none but simulated ones."""
    assert done("history", "--recordings", tmp_path).out == "no sessions\n"
    simulated = tmp_path / "simulated"
    simulated.mkdir()
    session(simulated)
    assert str(simulated) in done("history", "--recordings", tmp_path).out
    assert str(simulated) in refused("history", "progress", "P-07", "--recordings", tmp_path)
    assert "internal" in done("history", "progress", "P-07", "--recordings", simulated).out
