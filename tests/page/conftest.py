"""The browser, once for all these tests; pages and daemons, one a test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from page.stage import Stage, Stages
from page.watching import Looks, Watched, chromium, program, watched


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium with an empty profile. Of the package, not the session: it keeps an event loop running."""
    if program() is None:
        pytest.skip("no Chromium on this computer: apt install chromium")
    with chromium() as started:
        yield started


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stages]:
    """Open daemons with a page: `stage(speed=10)`; their recordings are in `tmp_path / "recordings"`."""
    with ExitStack() as opened:

        def opens(**given: Any) -> Stage:
            return opened.enter_context(Stage(**{"folder": tmp_path / "recordings", **given}).open())

        yield opens


@pytest.fixture
def look(browser: Browser) -> Iterator[Looks]:
    """Open pages: `look(stage.url, size=PHONE, dark=True)`; what went wrong in one fails its test."""
    pages: list[Watched] = []

    def looks(url: str, **how: Any) -> Watched:
        pages.append(watched(browser, url, **how))
        return pages[-1]

    yield looks
    for each in pages:
        each.page.context.close()
    for each in pages:
        each.check()
