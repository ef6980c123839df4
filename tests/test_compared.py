"""Laws of the comparison of a replay with the live session, and the replay of a whole folder."""

import copy
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cli_runs import bundled, done, drill, record, refused, run
from hipturn.batch.again import Replayed, Task, lost, replay, replay_all
from hipturn.batch.processes import in_processes
from hipturn.compared import KINDS, compared, in_words
from hipturn.offline import Request, analyse
from hipturn.recording import Reader
from hipturn.recording.mend import finish
from histories import RECORDINGS

Event = dict[str, Any]
VERDICTS = ("controlled", "uncontrolled", "void")


def rep(start_s: float, n: int = 1, **more: Any) -> Event:
    given_ = {"verdict": "controlled", "reasons": [], "rom_deg": 30.0, **more}
    return {"type": "rep", "stream": "shin", "n": n, "start_s": start_s, "end_s": start_s + 2.0, **given_}


spaced = st.lists(st.integers(0, 40), unique=True, max_size=12).map(
    lambda found: [rep(3.0 * at, n) for n, at in enumerate(sorted(found), 1)]
)


def diffs(lines: Sequence[Event]) -> list[Event]:
    return [line for line in lines if line["type"] == "diff"]


@given(spaced)
def test_the_same_is_the_same(events: list[Event]) -> None:
    *differences, total = compared(events, copy.deepcopy(events))
    assert differences == [] and total["differ"] == 0 and total["announced"] == len(events)
    assert in_words([total])[-1].startswith("as announced" if events else "no announced")


@given(spaced, st.data())
def test_one_that_is_gone_or_changed_is_told_and_no_other(events: list[Event], data: st.DataObject) -> None:
    """Whatever comes after it has another number and is still the same."""
    fates = [data.draw(st.sampled_from(["kept", "kept", "gone", "changed"])) for _ in events]
    now = [
        {**event, "rom_deg": 20.0} if fate == "changed" else dict(event)
        for event, fate in zip(events, fates)
        if fate != "gone"
    ]
    for n, event in enumerate(now, 1):
        event["n"] = n
    told = diffs(compared(events, now))
    assert [line["n"] for line in told] == [e["n"] for e, fate in zip(events, fates) if fate != "kept"]
    for line in told:
        fate = fates[line["n"] - 1]
        assert (line["now"] is None) == (fate == "gone")
        if fate == "changed":
            assert (line["live"], line["now"]) == ({"rom_deg": 30.0}, {"rom_deg": 20.0})
    # the other way round: what was gone is only there now
    back = diffs(compared(now, events))
    assert [line["at_s"] for line in back] == [line["at_s"] for line in told]
    assert [line["live"] is None for line in back] == [line["now"] is None for line in told]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "stream", "start_s", "t_s", "n"]),
            st.none() | st.text() | st.floats(-1, 1) | st.sampled_from(["rep", "hold"]),
        )
    )
)
def test_whatever_a_recording_says_is_compared(events: list[Event]) -> None:
    """Lines of any content give lines, and equal ones no difference."""
    found = compared(events, copy.deepcopy(events))
    assert found[-1]["differ"] == 0
    assert all(isinstance(words, str) for words in in_words(compared(events, [])))


def test_what_it_comes_to_is_told_in_words_and_json(tmp_path: Path) -> None:
    path = bundled("mishaps", tmp_path / "x.mcap")
    told = done("replay", path, "--diff", "--set", "reps.max_speed_dps=50").out.splitlines()
    assert told[-1] == "5 of 22 announced results differ: controlled 9 → 5, uncontrolled 6 → 10"
    assert "rep 5 at 27.0 s: verdict controlled → uncontrolled, reasons – → too-fast" in told
    lines = done("replay", path, "--diff", "--json", "--set", "reps.max_speed_dps=50").of("compared")
    assert lines[0]["live"]["controlled"] == 9 and lines[0]["now"]["controlled"] == 5
    fewer = done("replay", path, "--diff", "--set", "reps.min_rom_deg=15").out.splitlines()
    assert [line for line in fewer if line.endswith("only live")] == [
        "rep 6 at 30.4 s: only live",
        "hold 1 at 31.1 s: only live",
        "rep 7 at 33.7 s: only live",
        "hold 2 at 34.5 s: only live",
    ]


# --- all there are ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in RECORDINGS.glob("*.mcap"):
        bundled(path.stem, tmp_path / path.name)
    return tmp_path


def test_all_recordings_are_replayed_as_each_alone(folder: Path) -> None:
    """In order, with the results of a replay of each, whatever the number of processes."""
    names = sorted(path.name for path in folder.iterdir())
    for jobs in (1, 3):
        told = done("replay", "--all", "--recordings", folder, "--json", "--diff", "--jobs", jobs)
        summaries = told.of("summary")
        assert [line["recording"] for line in summaries] == names
        for line in summaries:
            (alone,) = done("replay", folder / line["recording"], "--json").of("summary")
            assert all(line[key] == alone[key] for key in alone if key != "elapsed_s")
        assert [line["differ"] for line in told.of("compared")] == [0] * len(names)
        assert told.lines[-1] == {"v": 1, "type": "replayed", "recordings": 4, "failed": 0, "differ": 0}


def test_all_are_compared_in_words(folder: Path) -> None:
    told = done("replay", "--all", "--recordings", folder, "--diff").out.splitlines()
    assert told[0] == "clean-drill.mcap: 8 repetitions, 8 controlled; as announced live"
    assert told[-1] == "4 recordings replayed, 0 not as announced live"
    words = done("replay", "--all", "--recordings", folder, "--diff", "--set", "reps.max_speed_dps=50").out
    assert (
        "mishaps.mcap: 15 repetitions, 5 controlled; 5 of 22 announced results differ: controlled 9 → 5"
        in words
    )


def test_one_that_cannot_be_replayed_is_told_and_the_others_are(folder: Path) -> None:
    (folder / "broken.mcap").write_bytes(b"nothing")
    told = run("replay", "--all", "--recordings", folder)
    assert told.code == 0 and told.out.endswith("5 recordings replayed, 1 failed\n")
    assert told.err.count("\n") == 1 and "broken.mcap is no recording of hipturn" in told.err
    for path in folder.glob("*.mcap"):
        if path.name != "broken.mcap":
            path.unlink()
    assert run("replay", "--all", "--recordings", folder).code == 1


def deadly(task: Task) -> Replayed:
    """Replay, but one of them takes its process with it."""
    if task.name == "mishaps.mcap":
        os.kill(os.getpid(), signal.SIGKILL)
    return replay(task)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_one_that_kills_its_process_is_told_and_the_others_are_replayed(folder: Path) -> None:
    tasks = [Task(path, path.name, Request(), diff=False) for path in sorted(folder.glob("*.mcap"))]
    found = {each.name: each for each in in_processes(tasks, 2, deadly, lost)}
    assert len(found) == 4
    assert [each.name for each in found.values() if each.summary is None] == ["mishaps.mcap"]
    assert "died" in str(found["mishaps.mcap"].reason)


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A session that nobody ended, a chunk a second."""
    return record(tmp_path_factory.mktemp("session") / "it.mcap", drill(), broken_off=True).read_bytes()


@given(share=st.floats(0.6, 1.0))
@example(share=1.0)
@settings(max_examples=20)
def test_wherever_a_session_broke_off_it_is_as_announced_until_there(
    tmp_path_factory: pytest.TempPathFactory, broken_off: bytes, share: float
) -> None:
    """What its end alone gives is told apart, also when a later start has finished the file."""
    path = tmp_path_factory.mktemp("cut") / "cut.mcap"
    path.write_bytes(broken_off[: int(share * len(broken_off))])
    for mended in (False, True):
        if mended:
            finish(path)
        result = analyse(path, Request())
        _, events, tail = result.lines(path.name)
        total = compared(Reader(path).events(), events, result.at_cut)[-1]
        assert total["differ"] == 0 and total["live"] == total["now"], (mended, total)
        assert total.get("at_cut", 0) == len([line for line in result.at_cut if line["type"] in KINDS])
        assert sum(total["now"][each] for each in VERDICTS) <= tail["reps"]


def test_what_the_end_of_a_broken_session_gives_is_told_and_its_other_changes_too(
    broken_off: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "cut.mcap"
    path.write_bytes(broken_off)
    told = run("replay", path, "--diff").out.splitlines()[-1]
    assert told == "as announced live; where it broke off 1 result could be told to nobody"
    changed = run("replay", path, "--diff", "--set", "reps.max_speed_dps=30").out.splitlines()[-1]
    assert "announced results differ: controlled" in changed and changed.endswith("told to nobody")


def test_a_recording_without_events_has_nothing_to_compare(folder: Path) -> None:
    names = [each.name for each in replay_all(folder, [], Request(), diff=True, jobs=2)]
    assert names == []
    events = list(Reader(folder / "mishaps.mcap").events())
    assert compared([], events)[-1]["announced"] == 0
    json.dumps(compared([], events))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a FILE, or --all"),
        (["x.mcap", "--all"], "name a FILE, or --all"),
        (["--all", "--speed", "2"], "for one recording"),
        (["--all", "--angles", "x.csv"], "for one recording"),
    ],
)
def test_all_or_one(arguments: list[str], words: str) -> None:
    assert words in refused("replay", *arguments, code=2)
