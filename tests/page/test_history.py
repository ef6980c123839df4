"""History and replay in the browser: found, chosen, compared with the measuring error, moved through."""

from pathlib import Path

import pytest

import histories
from page.stage import Stages
from page.watching import DESKTOP, PHONE, Looks, Watched


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight weeks of a person who gets better on one leg, and a drill of somebody else."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    histories.weeks(folder, [0.0, 2.0, 3.0, 5.0, 6.5, 8.0, 10.0, 11.5])
    histories.session(folder, person="B2", drill="mishaps", name="mishaps.mcap", note="after a run")
    return folder


def test_look(stage: Stages, look: Looks, folder: Path) -> None:
    one = stage(folder=folder, linked=False)
    for name, how in (("desktop-dark", {"dark": True}), ("phone-light", {"size": PHONE}), ("phone-de", {"size": PHONE, "language": "de", "dark": True})):
        seen: Watched = look(one.url, **how)
        page = seen.open("#history")
        page.locator(".recording").first.wait_for()
        seen.picture(f"history-list-{name}")
        page.goto(one.url + "#history/person/P-07")
        page.locator(".trend").first.wait_for()
        seen.picture(f"history-progress-{name}")
        page.goto(one.url + "#history/mishaps.mcap")
        page.locator(".reps tbody tr").first.wait_for()
        page.wait_for_timeout(500)
        seen.picture(f"history-replay-{name}")
