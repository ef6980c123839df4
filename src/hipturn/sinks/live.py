"""What a person sees during a session: angle, count, sensor state, prompts, progress."""

from collections.abc import Callable
from typing import Any

from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hipturn import lines
from hipturn.coach import Prompt
from hipturn.model import Corrected, HipAngle, Rep, Verdict
from hipturn.plain import printable
from hipturn.session import Heard
from hipturn.sinks import words
from hipturn.sinks.console import rep_table
from hipturn.units import DEG_PER_RAD, NS_PER_S

SCALE_DEG = 60.0
"""End of the angle bar: beyond the range of nearly every hip."""
SHOWN_REPS = 6
WIDTH = 100
FRAME = 4
"""Of the width, for the frame."""


class Quiet:
    """No display: prompts and the sensor's state as lines, in a language."""

    def __init__(self, tell: Callable[[str], None], language: str = "en") -> None:
        self._tell, self._language = tell, language
        self._state = ("", "")

    def hear(self, heard: Heard) -> None:
        """Tell what the coach says."""
        if isinstance(heard, Prompt) and heard.say:
            self._tell(printable(f"{heard.t_ns / NS_PER_S:7.2f} s  {heard.say}"))

    def state(self, state: str, detail: str) -> None:
        """Tell a change of the sensor's state; the same again is none."""
        if self._state == (state, detail):
            return
        self._state = (state, detail)
        named = words.text(self._language, f"state.{state}")
        told = words.text(self._language, "sensor", state=named, detail=detail)
        self._tell(printable(f"           {told}"))


class Nothing:
    """No display at all: the log tells."""

    def hear(self, heard: Heard) -> None:
        """Leave it."""

    def state(self, state: str, detail: str) -> None:
        """Leave it."""


class Display:
    """A live display in the terminal, redrawn at screen rate however fast samples come.

    It speaks the language of the session, and until that says something `language`.
    """

    def __init__(self, console: Console, target: int, language: str = "en") -> None:
        self._target, self._language = target, language
        self._state, self._detail = "searching", ""
        self._say = ""
        self._angle_deg: float | None = None
        self._most_deg = 0.0
        self._trusted = True
        self._count = lines.Count()
        self._reps: list[dict[str, Any]] = []
        """The last ones."""
        self._console = console
        self._live = Live(console=console, refresh_per_second=15, get_renderable=self._draw)

    def __enter__(self) -> "Display":
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)

    def hear(self, heard: Heard) -> None:
        """Take in what is shown."""
        match heard:
            case Prompt():
                self._say, self._language = heard.say or self._say, heard.language
            case HipAngle():
                self._angle_deg = float(heard.angle_rad[-1]) * DEG_PER_RAD
                self._most_deg = max(self._most_deg, self._angle_deg)
                self._trusted = bool(heard.trusted[-1])
            case Corrected():
                self._count.push(heard)
            case Rep():
                self._count.push(heard)
                # a new list: another thread draws the old one
                self._reps = [*self._reps, lines.line(heard) or {}][-SHOWN_REPS:]

    def state(self, state: str, detail: str) -> None:
        """Take in the sensor's state."""
        self._state, self._detail = state, detail

    def _draw(self) -> RenderableType:
        counted = self._count.verdicts[Verdict.CONTROLLED]
        goal = f" {self._text('display.of', target=self._target)}" if self._target else ""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(justify="right", style="dim")
        grid.add_column()
        state = self._text(f"state.{self._state}")
        grid.add_row(self._text("display.sensor"), Text(printable(f"{state}  {self._detail}")))
        grid.add_row(self._text("display.angle"), self._angle())
        grid.add_row("", self._bar())
        grid.add_row(self._text("display.count"), Text(f"{counted}{goal}", style="bold"))
        if self._target:
            grid.add_row("", Bar(self._target, 0, min(counted, self._target), width=40, color="green"))
        width = min(WIDTH, self._console.width)
        parts: list[RenderableType] = [Text(printable(self._say), style="bold cyan"), grid]
        if reps := self._reps:
            parts.append(rep_table(reps, width - FRAME, self._language))
        return Panel(Group(*parts), title="hipturn", width=width)

    def _angle(self) -> Text:
        if self._angle_deg is None:
            return Text("–")
        note = "" if self._trusted else f"  {self._text('display.settling')}"
        now, most = (words.number(self._language, x, form) for x, form in self._figures())
        return Text(f"{now}°   {self._text('display.most', deg=most)}{note}", style="bold")

    def _figures(self) -> tuple[tuple[float, str], tuple[float, str]]:
        return (self._angle_deg or 0.0, "+6.1f"), (self._most_deg, ".1f")

    def _text(self, key: str, **values: Any) -> str:
        return words.text(self._language, key, **values)

    def _bar(self) -> Bar:
        """Return the angle on a scale with zero in the middle: left external, right internal."""
        at = max(-SCALE_DEG, min(SCALE_DEG, self._angle_deg or 0.0))
        return Bar(2 * SCALE_DEG, SCALE_DEG + min(at, 0.0), SCALE_DEG + max(at, 0.0), width=60, color="cyan")
