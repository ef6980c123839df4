"""The browser, once for all these tests; pages and daemons, one a test."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from page.stage import Stage, Stages
from page.watching import Looks, Watched, watched

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
"""A browser that asks nobody for anything; it could not find them if it did."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium with an empty profile. Of the package, not the session: it keeps an event loop running."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on this computer: apt install chromium")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=program, headless=True, args=QUIET)
        yield started
        started.close()


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
