"""docs/history.md is executed: its commands print what it shows, on weeks of somebody's sessions."""

from datetime import timedelta
from pathlib import Path

import pytest

from documents import ran
from histories import FIRST, session, weeks
from pages import parsed


def test_the_document_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the document's order and in one folder."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    weeks(folder, [0.0, 3.0, 7.5])
    for n in range(2):
        at = FIRST + timedelta(days=7 * n + 2)
        session(folder, drill="mishaps", called="seated-mobilisation", at=at, answers={"pain": n})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HIPTURN_RECORDINGS", "recordings")
    commands = list(ran("history.md"))
    assert len(commands) >= 12
    assert "Hip rotation over time" in parsed((tmp_path / "report.html").read_text(encoding="utf-8")).text
