"""The page on importing is executed: each command in it, and what it prints."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from cli_runs import imu_columns, run, write_csv
from foreign import Dot, Wit, truth, write_xio
from hipturn.units import DEG_PER_RAD, STANDARD_GRAVITY_MPS2

PAGE = Path(__file__).parents[1] / "docs" / "import.md"
BLOCK = re.compile(r"```\n(\$ hipturn import .*?)```", re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files the page speaks of."""
    samples = truth(3000, 0)
    kept = [i for i in range(3000) if not (1000 <= i < 1100 or 2000 <= i < 2040)]
    Dot(content=("imu", "quat")).write(tmp_path / "Shank_20210820_202113_811.csv", samples, kept)
    devices = ("F3:89:79:49:6C:B3", "C3:16:82:EF:1B:48")
    at_s = np.arange(3000) / 100.0
    Wit(style="own", device=True).write(
        tmp_path / "two_sensors.csv", [(name, samples, at_s + 0.001 * i) for i, name in enumerate(devices)]
    )
    us = np.arange(3000) * 20_000
    xio_kept = [i for i in range(3000) if not 500 <= i < 550]
    for name in ("Left Lower Leg 64F61CB3 (UDP)", "Right Lower Leg 64F61B2A (UDP)"):
        write_xio(tmp_path / "logged" / name, samples, us, xio_kept)
    columns = imu_columns(samples.acc_mps2 / STANDARD_GRAVITY_MPS2, samples.gyr_radps * DEG_PER_RAD)
    columns |= dict(zip(("hx", "hy", "hz"), samples.gyr_radps.T)) | {"t": np.arange(3000) * 10.0}
    write_csv(tmp_path / "session.csv", columns)
    write_csv(tmp_path / "poses.csv", dict(zip("wxyz", samples.q.T)), ";")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_command_prints_what_the_page_shows(folder: Path) -> None:
    """Results of stdout first, then what stderr says."""
    shown = [block for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8")) for block in split(found[1])]
    assert len(shown) == 8 and folder.is_dir()
    for command, output in shown:
        result = run(*shlex.split(command)[1:])
        assert result.out + result.err == output, command


def split(block: str) -> list[tuple[str, str]]:
    """Return the commands of a block with their outputs."""
    parts = re.split(r"^\$ ", block, flags=re.M)[1:]
    return [(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in parts]


def test_the_help_has_an_example_of_each_format() -> None:
    text = run("import", "--help").out
    examples = text.split("Example:")[1]
    for format in ("xsens-dot", "witmotion", "xio", "csv"):
        assert f"--format {format}" in examples
    for name in re.findall(r"--[a-z-]+", examples):
        assert name in text.split("Example:")[0]
