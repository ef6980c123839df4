"""The whole job, as a new user starts it: virtual sensor, real GATT stack, guided drill, recording."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

LIMIT_S = 170


def start(folder: Path, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hipturn", "demo", "--json", "--recordings", str(folder), *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Run:
    """A demo that has ended: its JSON lines by type, and what it told the person."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        out, self.told = process.communicate(timeout=LIMIT_S)
        self.status = process.returncode
        self.lines = [json.loads(line) for line in out.splitlines()]
        self.recordings = sorted(folder.glob("*.mcap"))

    def of(self, kind: str) -> list[dict[str, object]]:
        return [line for line in self.lines if line["type"] == kind]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Run]]:
    """A smooth session and one with a lost link, at the same time: both take as long as a person would."""
    smooth, dropped = tmp_path_factory.mktemp("smooth"), tmp_path_factory.mktemp("dropped")
    first = start(smooth, "--reps", "2", "--seed", "3", "--side", "left")
    second = start(dropped, "--reps", "2", "--seed", "4", "--faults", "drop@18s:1s,loss:0.02")
    try:
        yield Run(first, smooth), Run(second, dropped)
    finally:
        first.kill()
        second.kill()


def test_a_smooth_demo_counts_everything_near_the_truth(runs: tuple[Run, Run]) -> None:
    run, _ = runs
    assert run.status == 0, run.told
    assert [rep["verdict"] for rep in run.of("rep")] == ["controlled"] * 2
    assert {rep["side"] for rep in run.of("rep")} == {"left"}
    assert not run.of("gap")
    (truth,) = run.of("truth")
    assert truth["counted"] == truth["reps"] == 2
    assert isinstance(truth["rom_error_max_deg"], float)
    assert truth["rom_error_max_deg"] <= 0.7
    for words in ("sit still", "turn the leg slowly", "calibrated, good", "2, done"):
        assert words in run.told


def test_a_lost_link_is_told_and_the_count_goes_on(runs: tuple[Run, Run]) -> None:
    _, run = runs
    assert run.status == 0, run.told
    reps = run.of("rep")
    assert [gap for gap in run.of("gap") if gap["cause"] == "link"], "the gap of the lost link"
    assert [gap for gap in run.of("gap") if gap["cause"] == "loss"], "the samples lost on the air"
    assert [rep for rep in reps if rep["verdict"] == "void" and rep["reasons"] == ["data-gap"]]
    assert sum(rep["verdict"] == "controlled" for rep in reps) == 2
    assert "sensor lost" in run.told
    assert "sensor back" in run.told


@pytest.mark.parametrize("which", [0, 1], ids=["smooth", "dropped"])
def test_a_replay_gives_the_very_events_of_the_live_session(runs: tuple[Run, Run], which: int) -> None:
    """live == replay: --diff compares with what was written into the recording while it happened."""
    (recording,) = runs[which].recordings
    command = [sys.executable, "-m", "hipturn", "replay", str(recording), "--diff"]
    replay = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert replay.stdout.splitlines()[-1] == "as announced live"


def test_the_page_shows_the_session_that_the_terminal_shows(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hipturn", "demo", "--no-browser", "--recordings", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        url = (
            next(line for line in process.stderr if line.startswith("page: ")).removeprefix("page: ").strip()
        )
        # it listens from the start and answers when the session runs
        with urllib.request.urlopen(f"{url}api/v1/state", timeout=LIMIT_S) as answer:
            assert json.load(answer)["state"] in ("searching", "connecting", "settling", "ready")
        with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
            assert "<title>hipturn</title>" in answer.read().decode()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
        assert process.returncode == 1, "the repetitions were not done"
    finally:
        process.kill()
