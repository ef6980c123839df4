"""A browser page that lets nothing pass: console errors, failing scripts, requests to anywhere else.

Speech and tones are spied on: what the page would have said and played is in `Watched.heard`. The spy answers
as a browser does, with start and end, because headless ones have no voices.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, WebSocket, sync_playwright

PICTURES = Path(__file__).parents[2] / "build" / "page"
"""Where screenshots are left for people to look at."""
PHONE, DESKTOP = (390, 844), (1280, 800)
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
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

SPIES = Path(__file__).with_name("spies.js")


@dataclass
class Watched:
    """One page and what went wrong in it."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    _allowed: list[re.Pattern[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        context = self.page.context
        # of the context, not the page: whatever window is opened is seen too
        context.on("console", self._console)
        context.on("weberror", lambda error: self.wrong.append(f"error: {error.error}"))
        context.on("request", self._requested)
        self.page.on("websocket", self._connected)

    # --- what a test does -----------------------------------------------------------------------

    def open(self, path: str = "") -> Page:
        """Go to a path of the daemon's, as `#/history` or none."""
        self.page.goto(self.url + path)
        return self.page

    def allow(self, pattern: str) -> None:
        """Expect this in the console from now on, as of a connection that a test cuts."""
        self._allowed.append(re.compile(pattern))

    @property
    def heard(self) -> list[dict[str, Any]]:
        """What was said and played: dicts with kind (speak, cancel, tone, sound) and at_ms."""
        return list(self.page.evaluate("window.__heard"))

    @property
    def said(self) -> list[str]:
        """The texts that were spoken."""
        return [each["text"] for each in self.heard if each["kind"] == "speak"]

    def until(self, script: str) -> None:
        """Wait until an expression is true in the page; Playwright waits by eval, which the page forbids."""
        for _ in range(500):
            if self.page.evaluate(f"() => Boolean({script})"):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"never came: {script}")

    def picture(self, name: str, *, whole: bool = True) -> Path:
        """Leave a screenshot."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path, full_page=whole)
        return path

    def accessible(self) -> None:
        """Fail with what axe-core finds wrong in what is shown now, in light and in dark.

        Only contrast depends on the theme: the rest is looked at once.
        """
        self._axe({"type": "tag", "values": RULES})
        with self.other_theme():
            self._axe({"type": "rule", "values": ["color-contrast"]})

    @contextmanager
    def other_theme(self) -> Iterator[None]:
        """Let what is dark be light, and the other way round, for the context."""
        turn = """() => {
            const { dataset } = document.documentElement;
            dataset.theme = dataset.theme === "dark" ? "light" : "dark";
            // colours on their way are neither
            for (const each of document.getAnimations()) if (each instanceof CSSTransition) each.finish();
        }"""
        self.page.evaluate(turn)
        yield
        self.page.evaluate(turn)

    def _axe(self, rules: dict[str, Any]) -> None:
        found = Axe().run(self.page, options={"runOnly": rules, "resultTypes": ["violations"]})
        told = [
            f"{one['id']} ({one['impact']}): {one['help']}\n" + "".join(_node(node) for node in one["nodes"])
            for one in found.response["violations"]
        ]
        assert not told, "\n".join(told)

    def fits(self) -> None:
        """Fail if anything sticks out to the side."""
        wide = self.page.evaluate(
            """() => [...document.querySelectorAll("body *")]
            .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
              && !e.closest("[data-scrolls], .scrolls, .visually-hidden"))
            .map((e) => e.outerHTML.slice(0, 120)).slice(0, 5)"""
        )
        over = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert over <= 0, f"{over} px too wide: {wide}"

    def check(self) -> None:
        """Fail with everything that went wrong."""
        wrong = [each for each in self.wrong if not any(one.search(each) for one in self._allowed)]
        assert not wrong, "\n".join(wrong)

    def noticed(self, told: str) -> None:
        """Wait until this went wrong, and forgive it."""
        for _ in range(100):
            if any(told in each for each in self.wrong):
                break
            self.page.wait_for_timeout(20)  # the browser tells while this waits
        else:
            raise AssertionError(f"{told!r} was not noticed, but {self.wrong}")
        self.wrong.clear()

    # --- what the browser tells -----------------------------------------------------------------

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.wrong.append(f"asked elsewhere: {request.url}")

    def _connected(self, socket: WebSocket) -> None:
        if not socket.url.startswith(self.url.replace("http", "ws")):
            self.wrong.append(f"connected elsewhere: {socket.url}")


def _node(node: dict[str, Any]) -> str:
    why = [each["message"] for kind in ("any", "all", "none") for each in node[kind]]
    return f"  {node['html'][:160]}\n    {'; '.join(why)}\n"


def program() -> str | None:
    """Return where Chromium is, None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium with an empty profile; the computer has it."""
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=program(), headless=True, args=QUIET)
        yield started
        started.close()


def watched(
    browser: Browser,
    url: str,
    *,
    size: tuple[int, int] = DESKTOP,
    dark: bool = False,
    language: str = "en",
    calm: bool = False,
) -> Watched:
    """Return a page of its own context; `calm` is somebody who asked for less motion."""
    width, height = size
    phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2 if phone else 1,
        has_touch=phone,
        is_mobile=phone,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce" if calm else "no-preference",
        locale={"en": "en-GB", "de": "de-DE"}[language],
        timezone_id="Europe/Berlin",
    )
    context.add_init_script(path=SPIES)
    page = context.new_page()
    # of the page, too: a context's colours are forgotten for a moment while axe-core looks
    page.emulate_media(
        color_scheme="dark" if dark else "light", reduced_motion="reduce" if calm else "no-preference"
    )
    page.set_default_timeout(15_000)
    return Watched(page, url)


Looks = Callable[..., Watched]
"""The fixture `look`."""
