"""The page on what the number means says what the program does: its tables, pictures and limits."""

import importlib.util
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

from hipturn.core import floor, results
from hipturn.core.angle import HEADING_DRIFT_RADPS, MIN_OBSERVABILITY, UNAIDED_DRIFT_RADPS
from hipturn.core.positions import PLACED
from hipturn.units import DEG_PER_RAD

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "measurement.md").read_text(encoding="utf-8")


def loaded(path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def between(name: str) -> list[str]:
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", PAGE, re.S)
    assert found is not None, name
    return found[1].splitlines()


def test_the_table_of_the_floor_is_what_its_script_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert between("floor") == loaded(ROOT / "benchmarks" / "floor.py", monkeypatch).table()


def test_the_table_of_errors_is_filled_and_nothing_in_it_is_over_its_limit() -> None:
    """Made by the benchmark; the numbers themselves take minutes and are not computed here."""
    rows = between("accuracy")
    assert len(rows) > 40 and rows[1] == "|---|---|---|"
    assert "**over**" not in PAGE
    for position in ("prone", "seated", "seated-floor", "side-lying"):
        assert any(row.startswith(f"| {position}: angle") for row in rows)


def test_pictures_are_those_of_their_script_and_come_out_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small, well-formed, all of them used, none missing; drawn twice they are the same bytes."""
    pytest.importorskip("matplotlib")
    module = loaded(ROOT / "docs" / "pictures.py", monkeypatch)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        module.make(folder)
    committed = {path.name for path in (ROOT / "docs" / "pictures").iterdir()}
    used = set(re.findall(r"\(pictures/([a-z]+\.svg)\)", PAGE))
    assert {path.name for path in folders[0].iterdir()} == committed == used
    for name in committed:
        one, two = (folder / name for folder in folders)
        assert one.read_bytes() == two.read_bytes()
        kept = ROOT / "docs" / "pictures" / name
        assert kept.stat().st_size < 60_000
        assert ET.parse(kept).getroot().tag.endswith("svg")


def test_the_constants_told_are_those_of_the_program() -> None:
    """A limit that is changed in one place only makes the page wrong."""
    assert "From 0.5 on" in PAGE and MIN_OBSERVABILITY == 0.5
    assert round(HEADING_DRIFT_RADPS * 60.0 * DEG_PER_RAD, 1) == 3.4 and "at most 3.4 °/min" in PAGE
    assert round(UNAIDED_DRIFT_RADPS * 60.0 * DEG_PER_RAD) == 10 and "without a hold: 10 °/min" in PAGE
    assert round(floor.SEGMENT_RATIO, 3) == 1.163 and "(1.163," in PAGE
    assert f"SEM) of {results.SEM_RAD * DEG_PER_RAD:.1f}°" in PAGE
    for ranges, limit in ((2, "5.5°"), (4, "7.8°")):
        assert f"{results.mdc95(results.SEM_RAD, ranges) * DEG_PER_RAD:.1f}°" == limit
        assert f"| {ranges} ranges | {limit} |" in PAGE
    assert (results.HELD_S, round(results.HELD_RAD * DEG_PER_RAD, 9), results.OWN_SEM_SESSIONS) == (
        1.0,
        2.0,
        5,
    )
    assert PAGE.count("| heading-dependent |") == sum(p.observability[1] < 0.5 for p in PLACED.values())
    for placed in PLACED.values():
        least, most = placed.observability
        told = f"below {most:g}" if most < MIN_OBSERVABILITY else f"{least:g} to {most:g}"
        assert f"| {told} |" in PAGE
