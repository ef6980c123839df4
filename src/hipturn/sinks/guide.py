"""The guided session in a terminal: angle and count readable from the mat, what to do now, what was said."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hipturn.coach import Prompt, Show
from hipturn.core import pelvis
from hipturn.model import HipAngle, Orientation, Rep, Verdict
from hipturn.session import Heard
from hipturn.sinks import words
from hipturn.sinks.digits import large, width
from hipturn.units import DEG_PER_RAD, NS_PER_S

FULL_DEG = 60.0
"""End of the bar: beyond the range of nearly every hip."""
ZONE_DEG = 5.0
"""Half the width of the target zone: what one sensor on the shin is good for."""
BAR = 72
FRAME = 6
"""Columns the frame takes from its title."""
Hint = Callable[[Mapping[str, Any] | None, str], str]
"""Which keys there are, for what is asked, in a language."""
COUNTING = ("reps", "trial", "stretch")


class Guide:
    """A live display, redrawn at screen rate however fast samples come. `hint` says which keys there are.

    It speaks the language of the session, and until that says something `language`.
    """

    def __init__(self, console: Console, hint: Hint | None = None, language: str = "en") -> None:
        self._console, self._hint, self._language = console, hint, language
        self._state, self._detail = "searching", ""
        self._say = self._verdict = ""
        self._angle_deg: float | None = None
        self._trusted = True
        self._t_s, self._heard_s = 0.0, time.monotonic()
        self._show: dict[str, Any] = {}
        self._live = Live(
            console=console, refresh_per_second=15, get_renderable=self.drawn, screen=False, transient=True
        )

    def __enter__(self) -> "Guide":
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)

    def hear(self, heard: Heard) -> None:
        """Take in what is shown."""
        match heard:
            case Show():
                if heard.step != self._show.get("step"):
                    self._verdict = ""
                self._show, self._language = heard.line(), heard.language
            case Prompt() if heard.say:
                self._say = heard.say
            case Orientation(stream=pelvis.ROLE):
                # its time is its own
                pass
            case Orientation():
                self._t_s, self._heard_s = float(heard.t_ns[-1]) / NS_PER_S, time.monotonic()
            case HipAngle():
                self._angle_deg = float(heard.angle_rad[-1]) * DEG_PER_RAD
                self._trusted = bool(heard.trusted[-1])
            case Rep():
                good = heard.verdict is Verdict.CONTROLLED
                self._verdict = "✓" if good else f"✗ {words.reasons(self._language, list(heard.reasons))}"

    def state(self, state: str, detail: str) -> None:
        """Take in the sensor's state."""
        self._state, self._detail = state, detail

    def drawn(self) -> RenderableType:
        """Return the whole picture as it is now."""
        show = self._show
        parts: list[RenderableType] = [self._figures(), self._bar()]
        question = str((show.get("question") or {}).get("text", ""))
        # what is to be done or asked is often said in the same words: once is enough
        text = str(show.get("text") or "")
        if text and text != question:
            parts.append(Text(text, style="bold"))
        said = self._say if self._say not in (text, question) else ""
        parts.append(Text(said and f"“{said}”", style="cyan"))
        if warning := show.get("warning"):
            parts.append(Text(str(warning), style="bold red"))
        if question:
            parts.append(Text(question, style="bold yellow"))
        state = self._text(f"state.{self._state}")
        parts.append(Text(self._text("sensor", state=state, detail=self._detail), style="dim"))
        if self._hint is not None:
            parts.append(Text(self._hint(show.get("question"), self._language), style="dim"))
        return Panel(Group(*parts), title=self._title(), width=min(100, self._console.width))

    def _title(self) -> str:
        """Return what is done, as far as there is room: how far one is matters more than its name."""
        show = self._show
        if not show:
            return "hipturn"
        where = [self._text(f"leg.{show['side']}")]
        if show["sets"] and show["sets"] > 1:
            where.append(self._text("title.set", n=show["set"], of=show["sets"]))
        if show["trials"]:
            way = self._text(show["direction"]) if show["direction"] else ""
            trial = self._text("title.trial", direction=way, n=show["trial"] or 1, of=show["trials"])
            where.append(trial.strip())
        if show["parts"]:
            where.append(self._text("title.part", n=show["part"], of=show["parts"]))
        told = [show["title"], *where] if show["title"] else where
        title, room = " · ".join(told), min(100, self._console.width) - FRAME
        if len(title) <= room:
            return title
        of = self._text("of")
        title = title.replace(of, "/")
        return title if len(title) <= room else " · ".join(where).replace(of, "/")

    def _text(self, key: str, **values: Any) -> str:
        return words.text(self._language, key, **values)

    # --- what is read from afar -----------------------------------------------------------------

    def _figures(self) -> RenderableType:
        """Return angle, or the time that is left, and count, as large as fits."""
        left, style = self._leading()
        count = self._count()
        room = min(100, self._console.width) - 6
        grid = Table.grid(expand=True)
        grid.add_column()
        grid.add_column(justify="right")
        if width(left) + width(count) + 2 > room:
            count = count.partition("/")[0]
        if width(left) + width(count) + 2 > room:
            return Align.center(Text(f"{left}   {self._count()}", style="bold"))
        grid.add_row(
            Text("\n".join(large(left)), style=style), Text("\n".join(large(count)), style="bold green")
        )
        return grid

    def _leading(self) -> tuple[str, str]:
        timer = self._show.get("timer")
        if timer is not None:
            now_s = self._t_s + (time.monotonic() - self._heard_s)
            rest = max(0, round(timer["ends_s"] - now_s))
            return (f"{rest // 60}:{rest % 60:02}" if rest >= 60 else str(rest)), "bold yellow"
        if self._angle_deg is None:
            return "-", "dim"
        reached = self._target() and abs(self._angle_deg) >= (self._target() or 0.0)
        style = "bold green" if reached else "bold cyan"
        return f"{round(abs(self._angle_deg))}°", style if self._trusted else "dim"

    def _count(self) -> str:
        show = self._show
        if show.get("step") not in COUNTING or show.get("count") is None:
            return " "
        return f"{show['count']}/{show['target']}" if show["target"] else str(show["count"])

    def _target(self) -> float | None:
        target = self._show.get("target_deg")
        return None if target is None else abs(float(target))

    def _bar(self) -> Text:
        """Return the angle on a scale, with the target's zone and the best so far on it."""
        angle = self._angle_deg or 0.0
        bar = Text()
        target, best = self._target(), self._show.get("best_deg")
        for column in range(BAR):
            at = (column + 0.5) * FULL_DEG / BAR
            in_zone = target is not None and abs(at - target) <= ZONE_DEG
            is_best = best is not None and abs(at - abs(best)) <= 0.5 * FULL_DEG / BAR
            if is_best:
                bar.append("┃", style="bold magenta")
            elif at <= abs(angle):
                bar.append("█", style="green" if in_zone else "cyan")
            else:
                bar.append("▒" if in_zone else "·", style="green" if in_zone else "dim")
        way = "" if self._angle_deg is None else self._text("internal" if angle >= 0.0 else "external")
        bar.append(f" {way:<9}{self._verdict}", style="bold")
        return bar
