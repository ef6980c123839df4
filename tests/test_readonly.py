"""A folder of recordings that may be read and not written: reading works, what changes is told."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_runs import bundled, done
from hipturn.history.store import FILE


@pytest.fixture(params=["never listed", "listed before"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("mishaps", "test-left"):
        bundled(name, folder / f"{name}.mcap")
    if request.param == "listed before":
        done("history", "--recordings", folder)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def limited(*args: object) -> "subprocess.CompletedProcess[str]":
    """Run hipturn bound by permissions, which root otherwise is not."""
    bound: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv (util-linux) to give that up")
        bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    command = [*bound, sys.executable, "-m", "hipturn", *map(str, args)]
    env = {**os.environ, "HIPTURN_CONFIG": os.devnull}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


def test_a_folder_that_cannot_be_written_is_listed_as_one_that_can(folder: Path, tmp_path: Path) -> None:
    there = sorted(folder.iterdir())
    told = limited("history", "--recordings", folder, "--json")
    shown = limited("history", "show", "mishaps.mcap", "--recordings", folder, "--json")
    assert (told.returncode, told.stderr, shown.returncode, shown.stderr) == (0, "", 0, "")
    assert sorted(folder.iterdir()) == there
    copy = shutil.copytree(folder, tmp_path / "copy")
    copy.chmod(0o755)
    assert told.stdout == done("history", "--recordings", copy, "--json").out
    assert shown.stdout == done("history", "show", "mishaps.mcap", "--recordings", copy, "--json").out


def test_what_would_change_it_is_refused_in_one_line(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".mcap"}
    for args in (
        ("history", "rename", "mishaps.mcap", "other"),
        ("history", "note", "mishaps.mcap", "slowly"),
        ("history", "person", "Ada", "--note", "left first"),
        ("history", "delete", "mishaps.mcap", "--yes"),
    ):
        told = limited(*args, "--recordings", folder)
        assert (told.returncode, told.stdout) == (1, ""), args
        assert told.stderr.count("\n") == 1 and "(Permission denied)" in told.stderr, told.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".mcap"} == before
    if not (folder / FILE).exists():
        told = limited("reindex", "--recordings", folder)
        assert told.returncode == 1 and "the catalogue cannot be written" in told.stderr


def test_a_session_that_could_not_be_recorded_has_failed(folder: Path) -> None:
    """It was measured to its end and told to the person; nothing of it is left, and that is not a success."""
    run = ("run", "--sensor", "virtual", "--reps", "1", "--headless", "--no-web", "--recordings", folder)
    told = limited(*run)
    last = told.stderr.splitlines()[-1]
    assert told.returncode == 1, told.stderr
    assert last.startswith(f"hipturn: nothing was recorded: no recording can be begun in {folder} (")
    assert told.stderr.count("internal repetition 1") == 1
    assert told.stderr.count("sensor ready: hipturn") == 1, "the log repeats itself while it is tried again"
