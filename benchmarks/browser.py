"""The page in a real browser: frames a second, what a frame costs, bytes a second, time to the first angle.

Run: ``make bench`` or ``python benchmarks/browser.py``. Chromium draws by software here, without a
screen: what a graphics card does elsewhere costs processor time, so frames are given with what they cost the
page's main thread. Daemon, browser and this program share the computer.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from playwright.sync_api import Browser

from hipturn.coach import Coach, Phase
from hipturn.config import core_params, defaults
from hipturn.model import SessionStart, Side
from hipturn.recording import Writer
from hipturn.session import Session
from hipturn.sources import simulated
from hipturn.sources.body import Leg, drill_script, simulate
from page.leading import until
from page.stage import Stage
from page.watching import DESKTOP, PHONE, Watched, chromium, program, watched

SECONDS = 6.0
LOADS = 5
HOUR_REPS = 1080
PATIENCE_S = 60.0

FRAMES = """async (seconds) => {
  const at = [];
  const begun = performance.now();
  for (let now = begun; now - begun < seconds * 1000; ) {
    now = await new Promise(requestAnimationFrame);
    at.push(now);
  }
  return at;
}"""


@dataclass
class Wire:
    """What comes over the live stream, as the browser's own tools count it."""

    page: Watched
    bytes: int = 0
    messages: int = 0
    _tools: Any = field(init=False)

    def __post_init__(self) -> None:
        self._tools = self.page.page.context.new_cdp_session(self.page.page)
        self._tools.on("Network.webSocketFrameReceived", self._came)
        self._tools.send("Network.enable")
        self._tools.send("Performance.enable")

    def _came(self, event: dict[str, Any]) -> None:
        size = len(event["response"]["payloadData"].encode())
        self.bytes += size + (2 if size < 126 else 4)  # the frame's head
        self.messages += 1

    def spent_s(self) -> dict[str, float]:
        """Return the processor time the page has used so far, by what for."""
        metrics = {one["name"]: one["value"] for one in self._tools.send("Performance.getMetrics")["metrics"]}
        return {
            "all": metrics["TaskDuration"],
            "script": metrics["ScriptDuration"],
            "layout": metrics["LayoutDuration"] + metrics["RecalcStyleDuration"],
        }


@dataclass(frozen=True)
class Drawn:
    """Some seconds of a page at work."""

    fps: float
    p95_ms: float
    p99_ms: float
    cost_ms: dict[str, float]
    bytes_s: float
    messages_s: float


def drawn(wire: Wire) -> Drawn:
    """Watch a page at work."""
    came, told, spent, begun = wire.bytes, wire.messages, wire.spent_s(), time.monotonic()
    at = np.array(wire.page.page.evaluate(FRAMES, SECONDS))
    past, now = time.monotonic() - begun, wire.spent_s()
    between = np.diff(at)
    return Drawn(
        fps=1000.0 * len(between) / float(at[-1] - at[0]),
        p95_ms=float(np.percentile(between, 95)),
        p99_ms=float(np.percentile(between, 99)),
        cost_ms={key: 1000.0 * (now[key] - spent[key]) / len(at) for key in now},
        bytes_s=(wire.bytes - came) / past,
        messages_s=(wire.messages - told) / past,
    )


@contextmanager
def looking(browser: Browser, url: str, **how: Any) -> Iterator[Watched]:
    """Give a page for the context; it must have gone well."""
    seen = watched(browser, url, **how)
    yield seen
    seen.page.context.close()
    seen.check()


def moving(stage: Stage) -> None:
    """Bring a session to its repetitions, quickly, and then go on as people do."""
    stage.command(command="start", drill="seated-mobilisation", reps=200)
    stage.until(lambda: (stage.hub.status.coach or {}).get("step") == "reps", 120.0)
    stage.source.speed = 1.0


def row(what: str, found: Drawn) -> None:
    cost = found.cost_ms
    print(
        f"{what:<18}{found.fps:.1f} frames/s, one after p95 {found.p95_ms:.1f}, p99 {found.p99_ms:.1f} ms; "
        f"a frame costs {cost['all']:.1f} ms (script {cost['script']:.1f}, layout {cost['layout']:.1f}); "
        f"{found.bytes_s / 1000:.1f} kB/s in {found.messages_s:.0f} messages"
    )


def live(browser: Browser, folder: Path) -> None:
    with Stage(folder, speed=25.0).open() as stage:
        moving(stage)
        for what, size in (("live, laptop", DESKTOP), ("live, phone", PHONE)):
            with looking(browser, stage.url, size=size) as seen:
                wire = Wire(seen)
                seen.open()
                until(seen.page, "hipturn.store.angle")
                row(what, drawn(wire))
        took = []
        for _ in range(LOADS):
            with looking(browser, stage.url) as seen:
                seen.open()
                took.append(until(seen.page, "hipturn.measures.firstAngleMs"))
        print(
            f"first angle       {min(took):.0f} to {max(took):.0f} ms after the page is asked for, {LOADS}×"
        )


def hour(folder: Path) -> str:
    """Write an hour of a drill; return its name."""
    motion = simulate(Leg.random(1, side=Side.RIGHT), drill_script(HOUR_REPS, 1), 100.0, 1)
    folder.mkdir(parents=True, exist_ok=True)
    settings = defaults()
    with Writer(folder / "hour.mcap") as writer:
        coach = Coach(simulated.STREAM, Side.RIGHT, 0)
        session = Session(core_params(settings), coach, writer, lambda _: None)
        session.push(SessionStart("benchmark", "2026-01-01T12:00:00+00:00", settings=settings))
        for item in simulated.inputs(motion):
            # measured live until it is calibrated: the rest only has to be there
            (writer.write if coach.phase is Phase.DRILL else session.push)(item)
    return "hour.mcap"


def lateness(stage: Stage, seen: Watched, come: str) -> tuple[float, float]:
    """Return how late the measuring loop was at most until something came in the page, and when that was."""
    begun, most_s = time.monotonic(), 0.0
    stage.do(lambda: setattr(stage.hub.counters, "loop_lag_s", 0.0))
    while not seen.page.evaluate(come):
        most_s = max(most_s, stage.do(lambda: stage.hub.counters.loop_lag_s))
        if time.monotonic() - begun > PATIENCE_S:
            raise SystemExit(f"never came: {come}")
    return most_s, time.monotonic() - begun


def replay(browser: Browser, folder: Path) -> None:
    name = hour(folder)
    with Stage(folder, speed=25.0).open() as stage:
        moving(stage)
        with looking(browser, stage.url) as seen:
            wire = Wire(seen)
            seen.open("#history")
            seen.page.locator(".recording").first.wait_for()
            quiet_s, _ = lateness(
                stage, seen, "performance.now() > (window.end ??= performance.now() + 3000)"
            )
            seen.page.evaluate(f"location.hash = '#history/{name}'")
            lag_s, took_s = lateness(stage, seen, "document.querySelector('.replay-angle').textContent")
            for key in (*["PageUp"] * 6, " "):
                seen.page.locator(".scrubber input").press(key)
            row("replay, an hour", drawn(wire))
        print(
            f"an hour opened    {took_s:.1f} s after it was asked for; meanwhile the loop that measures was "
            f"at most {1000 * lag_s:.0f} ms late ({1000 * quiet_s:.0f} ms in 3 s before)"
        )


def main() -> None:
    """Measure and print."""
    if program() is None:
        print("skipped: no Chromium on this computer (apt install chromium)")
        return
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        live(browser, Path(folder) / "live")
        replay(browser, Path(folder) / "replay")


if __name__ == "__main__":
    main()
