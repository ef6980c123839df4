"""docs/export.md is executed: its commands print what it shows, its Python runs on what they wrote."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from cli_runs import done

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(python)?\n(.*?)^```", re.S | re.M)


def test_the_document_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the document's order and in one folder; … stands for what differs each time."""
    (tmp_path / "recordings").mkdir()
    for path in (ROOT / "recordings").glob("*.mcap"):
        shutil.copyfile(path, tmp_path / "recordings" / path.name)
    monkeypatch.chdir(tmp_path)
    ran = 0
    for found in BLOCK.finditer((ROOT / "docs" / "export.md").read_text(encoding="utf-8")):
        if found[1]:
            exec(compile(found[2], "docs/export.md", "exec"), {})
            ran += 1
        for command, shown in re.findall(r"^\$ hipturn ([^\n]+)\n((?:[^$][^\n]*\n)*)", found[2], re.M):
            printed = done(*shlex.split(command)).out
            assert re.fullmatch(re.escape(shown).replace("…", ".*?"), printed), (command, printed)
            ran += 1
    assert ran == 12
