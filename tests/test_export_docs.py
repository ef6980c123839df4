"""docs/export.md is executed: its commands print what it shows, its Python runs on what they wrote."""

import shutil
from pathlib import Path

import pytest

from documents import ROOT, ran


def test_the_document_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the document's order and in one folder."""
    (tmp_path / "recordings").mkdir()
    for path in (ROOT / "recordings").glob("*.mcap"):
        shutil.copyfile(path, tmp_path / "recordings" / path.name)
    monkeypatch.chdir(tmp_path)
    assert len(list(ran("export.md"))) == 12
