"""A batch gives what each recording gives alone, once, however often it is stopped and called again."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli_runs import ENV, done, drill, record, refused, run
from ducks import rows
from hipturn import batch, offline
from hipturn.batch import Dataset, Job, Outcome, Plan, Status
from hipturn.batch.processes import in_processes
from hipturn.batch.work import failed, work
from hipturn.export import parquet
from hipturn.export.tables import Table

COUNT = 5
PLAIN = Plan(offline.Request())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few recordings of different people, one of them in a folder of its own."""
    place = tmp_path_factory.mktemp("recordings")
    (place / "more").mkdir()
    for seed in range(1, COUNT):
        record(place / f"{seed}.mcap", drill(seed, reps=2))
    record(place / "more" / "1.mcap", drill(COUNT, reps=2))
    return place


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(folder, tmp_path / "recordings"))


def here(jobs: Iterable[Job]) -> Iterator[Outcome]:
    return map(work, jobs)


def go(folder: Path, out: Path, plan: Plan = PLAIN) -> list[Outcome]:
    return batch.run(folder, out, plan, here, lambda _: None)


def table(dataset: Path, name: str) -> list[tuple[Any, ...]]:
    """The rows of a table, in a fixed order; none where it has no file yet."""
    if not list(dataset.glob(f"{name}/**/*.parquet")):
        return []
    read = f"read_parquet('{dataset}/{name}/**/*.parquet', hive_partitioning=true)"
    return rows(f"select * from {read} order by all")


def everything(dataset: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {name: table(dataset, name) for name in ("recordings", "reps", "holds", "gaps", "samples")}


def contents(place: Path) -> dict[str, bytes]:
    return {str(p.relative_to(place)): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """What an undisturbed run gives."""
    out = tmp_path_factory.mktemp("whole") / "dataset"
    go(folder, out)
    return everything(out)


def test_processes_give_what_each_recording_gives_alone(folder: Path, tmp_path: Path) -> None:
    done("batch", folder, "-o", tmp_path / "d", "--jobs", 2)
    read = f"read_parquet('{tmp_path}/d/{{}}/**/*.parquet')"
    found = rows(
        f"select recording, n, rom_deg from {read.format('reps')} reps join {read.format('recordings')} "
        "using (key) order by recording, n"
    )
    want = []
    for path in sorted(folder.rglob("*.mcap"), key=lambda p: p.relative_to(folder).as_posix()):
        name = path.relative_to(folder).as_posix()
        want += [(name, line["n"], line["rom_deg"]) for line in run("replay", path, "--json").of("rep")]
    assert [(name, n, round(rom, 3)) for name, n, rom in found] == want
    assert len(want) == 2 * COUNT


def test_a_second_run_does_and_changes_nothing(folder: Path, tmp_path: Path) -> None:
    assert {o.status for o in go(folder, tmp_path / "d")} == {Status.DONE}
    before = contents(tmp_path / "d")
    assert {o.status for o in go(folder, tmp_path / "d")} == {Status.THERE}
    assert contents(tmp_path / "d") == before


def test_bad_files_are_told_and_the_others_done(own: Path, tmp_path: Path) -> None:
    (own / "empty.mcap").write_bytes(b"")
    (own / "other.mcap").write_bytes(b"nonsense")
    record(own / "plain.mcap", drill(9), coached=False)
    result = run("batch", own, "-o", tmp_path / "d", "--jobs", 1)
    assert result.code == 0
    assert f"{COUNT + 3} recordings: {COUNT} analysed, 3 failed" in result.out
    told = result.err.splitlines()
    assert len(told) == 3 and all(line.startswith("hipturn: ") for line in told)
    kept = [json.loads(line) for line in (tmp_path / "d" / "failed.jsonl").read_text().splitlines()]
    assert [line["recording"] for line in kept] == ["empty.mcap", "other.mcap", "plain.mcap"]
    for path in own.rglob("[0-9].mcap"):
        path.unlink()
    assert run("batch", own, "-o", tmp_path / "none", "--jobs", 1).code == 1


def test_a_batch_that_is_killed_goes_on_where_it_was(
    folder: Path, tmp_path: Path, whole: dict[str, list[tuple[Any, ...]]]
) -> None:
    """SIGKILL after the first recording: nothing is lost or doubled, and no process is left behind."""
    call = [sys.executable, "-m", "hipturn", "batch", str(folder), "-o", str(tmp_path / "d")]
    call += ["--jobs", "1", "--json"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, env={**os.environ, **ENV}) as running:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["status"] == "done"
        running.kill()
        # the end of the pipe comes when the workers, which have it too, are gone
        running.communicate(timeout=60)
    lines = run("batch", folder, "-o", tmp_path / "d", "--jobs", 1, "--json").lines
    states = [line["status"] for line in lines if line["type"] == "recording"]
    assert set(states) <= {"done", "there"} and "there" in states and len(states) == COUNT
    assert everything(tmp_path / "d") == whole


class Killed(BaseException):
    """The process ends here and now."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
def test_a_batch_that_is_interrupted_says_that_it_goes_on(
    folder: Path, tmp_path: Path, whole: dict[str, list[tuple[Any, ...]]]
) -> None:
    """Ctrl-C after the first recording: two lines, the status a shell knows, and the rest the next time."""
    call = [sys.executable, "-m", "hipturn", "batch", str(folder), "-o", str(tmp_path / "d")]
    pipe, env = subprocess.PIPE, {**os.environ, **ENV}
    with subprocess.Popen([*call, "--jobs", "1", "--json"], stdout=pipe, stderr=pipe, env=env) as running:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["status"] == "done"
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    kept, stopped = err.decode().splitlines()
    assert kept.endswith("keeps what is done: call it again to go on")
    assert stopped == "hipturn: stopped before it was done"
    states = [line["status"] for line in run(*call[3:], "--json").lines if line["type"] == "recording"]
    assert set(states) <= {"done", "there"} and "there" in states and len(states) == COUNT
    assert everything(tmp_path / "d") == whole


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("half", [True, False], ids=["in", "before"])
def test_killed_at_any_file_it_goes_on(
    after: int, half: bool, folder: Path, tmp_path: Path,
    whole: dict[str, list[tuple[Any, ...]]], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Wherever between or within the files of a recording the end comes, a second run mends it."""
    written = 0
    write = parquet.write_table

    def dying(table: Table, path: Path, metadata: Any) -> None:
        nonlocal written
        if written == after:
            if half:
                path.write_bytes(b"half a file")
                # what a power cut leaves: nobody tidies up
                monkeypatch.setattr(Path, "unlink", lambda *args, **options: None)
            raise Killed
        written += 1
        write(table, path, metadata)

    with monkeypatch.context() as patched:
        patched.setattr("hipturn.batch.work.write_table", dying)
        with pytest.raises(Killed):
            go(folder, tmp_path / "d")
    monkeypatch.undo()
    assert bool(list(tmp_path.rglob("*.part"))) == half
    go(folder, tmp_path / "d")
    assert everything(tmp_path / "d") == whole
    assert not list(tmp_path.rglob("*.part"))


def deadly(job: Job) -> Outcome:
    """Do a job, but one of them takes its process with it."""
    if job.name == "2.mcap":
        os.kill(os.getpid(), signal.SIGKILL)
    return work(job)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_recording_that_kills_its_process_is_told_and_the_others_are_done(
    folder: Path, tmp_path: Path
) -> None:
    outcomes = batch.run(
        folder,
        tmp_path / "d",
        Plan(offline.Request()),
        lambda jobs: in_processes(jobs, 2, deadly, failed),
        lambda _: None,
    )
    assert [o.name for o in outcomes if o.status is Status.FAILED] == ["2.mcap"]
    assert [o.status for o in outcomes].count(Status.DONE) == COUNT - 1
    assert len(table(tmp_path / "d", "recordings")) == COUNT - 1


def test_what_is_moved_or_copied_is_not_doubled(own: Path, tmp_path: Path) -> None:
    go(own, tmp_path / "d")
    before = everything(tmp_path / "d")
    (own / "1.mcap").rename(own / "renamed.mcap")
    shutil.copyfile(own / "2.mcap", own / "copy.mcap")
    outcomes = {o.name: o.status for o in go(own, tmp_path / "d")}
    assert outcomes["renamed.mcap"] is Status.THERE
    assert outcomes["copy.mcap"] is Status.COPY or outcomes["2.mcap"] is Status.COPY
    assert everything(tmp_path / "d") == before


def test_another_recording_in_the_place_of_one_replaces_it(own: Path, tmp_path: Path) -> None:
    go(own, tmp_path / "d")
    (own / "1.mcap").unlink()
    record(own / "1.mcap", drill(7, reps=3))
    go(own, tmp_path / "d")
    fresh = tmp_path / "fresh"
    go(own, fresh)
    assert everything(tmp_path / "d") == everything(fresh)


def test_a_place_of_the_same_name_in_another_folder_replaces_nothing(folder: Path, tmp_path: Path) -> None:
    go(folder, tmp_path / "d")
    (tmp_path / "other").mkdir()
    record(tmp_path / "other" / "1.mcap", drill(7, reps=3))
    go(tmp_path / "other", tmp_path / "d")
    assert len(table(tmp_path / "d", "recordings")) == COUNT + 1


def test_other_settings_lie_beside(folder: Path, tmp_path: Path) -> None:
    go(folder, tmp_path / "d")
    go(folder, tmp_path / "d", Plan(offline.Request(settings={"reps.max_speed_dps": 5.0})))
    found = table(tmp_path / "d", "recordings")
    assert len(found) == 2 * COUNT
    controlled = rows(
        f"select sum(controlled) from read_parquet('{tmp_path}/d/recordings/**/*.parquet', "
        "hive_partitioning=true) group by config order by 1"
    )
    assert controlled == [(0,), (2 * COUNT,)]


def test_samples_can_be_added_later(
    folder: Path, tmp_path: Path, whole: dict[str, list[tuple[Any, ...]]]
) -> None:
    go(folder, tmp_path / "d")
    go(folder, tmp_path / "d", Plan(offline.Request(), samples=True))
    found = everything(tmp_path / "d")
    samples = found.pop("samples")
    assert found == {name: values for name, values in whole.items() if name != "samples"}
    assert len(samples) == sum(len(drill(seed, reps=2).t_s) for seed in range(1, COUNT + 1))
    assert {o.status for o in go(folder, tmp_path / "d", Plan(offline.Request(), samples=True))} == {
        Status.THERE
    }


def test_nothing_telling_is_left_when_deidentified(own: Path, tmp_path: Path) -> None:
    (own / "1.mcap").rename(own / "zaphod.mcap")
    (own / "zaphod-broken.mcap").write_bytes(b"nonsense")
    go(own, tmp_path / "d", Plan(offline.Request(), samples=True, deidentify=True))
    told = repr(everything(tmp_path / "d")) + repr(contents(tmp_path / "d"))
    assert "zaphod" not in told and "2026-01-01" not in told and "simulated" not in told
    go(own, tmp_path / "open")
    told = repr(everything(tmp_path / "open"))
    assert "zaphod" in told and "2026-01-01" in told and "simulated" in told


def test_two_batches_do_not_write_to_one_dataset(folder: Path, tmp_path: Path) -> None:
    with Dataset(tmp_path / "d").locked():
        assert "another batch" in refused("batch", folder, "-o", tmp_path / "d", "--jobs", 1)
    done("batch", folder, "-o", tmp_path / "d", "--jobs", 1)


def test_a_worker_with_other_settings_gives_no_results(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another computer the settings file may say something else: better no result than another one."""

    def elsewhere(jobs: Iterable[Job]) -> Iterator[Outcome]:
        for job in jobs:
            with monkeypatch.context() as patched:
                (tmp_path / "config.toml").write_text("[reps]\nmin_rom_deg = 9\n")
                patched.setenv("HIPTURN_CONFIG", str(tmp_path / "config.toml"))
                yield work(job)

    monkeypatch.setenv("HIPTURN_CONFIG", os.devnull)
    outcomes = batch.run(folder, tmp_path / "d", Plan(offline.Request()), elsewhere, lambda _: None)
    assert {o.status for o in outcomes} == {Status.FAILED}
    assert all("settings" in (o.reason or "") for o in outcomes)


def test_what_cannot_be_is_told_in_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    assert "no recording" in refused("batch", tmp_path / "empty", "-o", tmp_path / "d")
    assert "not a folder" in refused("batch", tmp_path / "none", "-o", tmp_path / "d")
    assert "something else" in refused("batch", folder, "-o", tmp_path / "full")
    assert "not a folder" in refused("batch", folder, "-o", tmp_path / "full" / "letter.txt")
    assert "no folder" in refused("batch", folder, "-o", tmp_path / "a" / "b")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "full"]
