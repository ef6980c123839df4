"""What a person sees in the terminal during a session and after it."""

import io
import logging
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from hipturn import config, lines
from hipturn.cli import output
from hipturn.coach import Coach, Prompt
from hipturn.daemon.telling import Telling
from hipturn.model import Corrected, SessionStart, Side, StreamNs
from hipturn.session import Session
from hipturn.sinks.console import PIPE_WIDTH, print_results, rep_row
from hipturn.sinks.hub import Hub
from hipturn.sinks.live import Display, Nothing, Quiet
from hipturn.sources import body, simulated


def session(view: Display | Quiet | Telling) -> None:
    """Run a guided session of three repetitions, the second too fast, into a view."""
    leg = body.Leg.random(5, side=Side.RIGHT)
    motion = body.simulate(leg, body.drill_script(3, 5), 100.0, 5)
    params = config.core_params({"reps.target_deg": 30.0, "reps.min_fraction": 0.9})
    live = Session(params, Coach(simulated.STREAM, Side.RIGHT, 3), None, view.hear)
    live.push(SessionStart("test", "2026-01-01T12:00:00+00:00"))
    for item in simulated.inputs(motion):
        live.push(item)


def test_the_display_shows_angle_count_state_and_repetitions() -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=110, height=40, force_terminal=True)
    with Display(console, target=3) as display:
        display.state("measuring", "SHIN-1, 100 Hz")
        session(display)
    shown = screen.getvalue()
    for words in ("SHIN-1", "count", "of 3", "most", "internal", "short-range", "°"):
        assert words in shown


def test_the_display_counts_what_was_not_taken_back() -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=110, height=40)
    display = Display(console, target=9)
    session(display)
    console.print(display._draw())
    n = next(rep["n"] for rep in display._reps if rep["verdict"] == "controlled")
    for kind in ("undo", "redo"):
        display.hear(Corrected(simulated.STREAM, StreamNs(0), kind, (n,)))
        console.print(display._draw())
    assert re.findall(r"count\s+(\d+) of 9", screen.getvalue()) == ["2", "1", "2"]


WICKED = "\x1b]0;owned\x07\x1b[2J[red]\u202e"
"""A name that would set a title, clear the screen, colour what follows and turn its direction."""


def test_no_name_can_steer_the_terminal() -> None:
    """Names of sensors come from the radio: display, lines and results show them written out."""
    for kind in ("display", "results"):
        screen = io.StringIO()
        # no colours of its own: whatever escapes there are come from the name
        console = Console(file=screen, width=300, height=40, force_terminal=False)
        if kind == "display":
            display = Display(console, target=3)
            display.state("measuring", WICKED)
            display.hear(Prompt(0, WICKED))
            console.print(display._draw())
        else:
            head = {"recording": WICKED, "driver": WICKED, "samples": 1, "rate_hz": 1.0, "duration_s": 1.0}
            gap = {"type": "gap", "start_s": 0.0, "end_s": 1.0, "lost": 1, "cause": WICKED}
            print_results(
                {**head, "side": None},
                [gap],
                lines.count([]).summary(max_rad=0.0, min_rad=0.0, elapsed_s=1.0),
                console,
            )
        shown = screen.getvalue()
        assert "\\x1b]0;owned\\x07\\x1b[2J[red]\\u202e" in shown
        assert all(c.isprintable() or c == "\n" for c in shown)
    told: list[str] = []
    quiet = Quiet(told.append)
    quiet.state("lost", WICKED)
    quiet.hear(Prompt(0, WICKED))
    assert all(line.isprintable() for line in told) and len(told) == 2


def test_without_display_prompts_are_told_as_lines() -> None:
    told: list[str] = []
    session(Quiet(told.append))
    assert any("keep still" in line for line in told)
    assert any("further" in line for line in told), "why the first one did not count, in two words"


def test_the_log_says_what_a_repetition_came_to(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        session(Telling(Hub(), Nothing(), {}))
    told = [text for text in caplog.messages if " repetition " in text]
    assert len(told) == 3
    assert all(re.fullmatch(r"internal repetition \d: \d+\.\d°, (un)?controlled( \(.+\))?", t) for t in told)
    assert "short-range" in told[0]


def rep(n: int, verdict: str, *reasons: str, **more: float) -> lines.Line:
    """Return the line of a late, large, fast repetition: every figure as wide as it gets."""
    figures = {"start_s": 3599.04, "peak_s": 3601.28, "end_s": 3603.96, "rom_deg": 101.2}
    figures |= {"peak_deg": -100.9, "peak_speed_dps": 1189.0, **more}
    named = {"type": "rep", "n": n, "direction": "internal", "verdict": verdict, "reasons": reasons}
    return named | figures


REPS = [
    rep(1, "controlled"),
    rep(12, "uncontrolled", "short-range"),
    rep(100, "void", "too-fast", "off-axis"),
]


def results(width: int, *, terminal: bool, reps: list[lines.Line] = REPS) -> str:
    """Print a session's results on so many columns."""
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=terminal, color_system=None, highlight=False)
    head = {
        "recording": "r.mcap",
        "driver": "d",
        "samples": 1,
        "rate_hz": 1.0,
        "duration_s": 1.0,
        "side": None,
    }
    slip = {"type": "slip", "t_s": 1.0, "tilt_deg": 4.8}
    tail = lines.count([]).summary(max_rad=0.0, min_rad=0.0, elapsed_s=1.0)
    print_results(head, [*reps, slip], tail, console)
    return screen.getvalue()


@given(st.integers(80, PIPE_WIDTH), st.booleans())
def test_a_terminal_of_eighty_columns_cuts_no_figure_and_no_word(width: int, second: bool) -> None:
    """Whatever its width: figures stand whole in one line, words are not broken, nothing sticks out."""
    reps = [{**rep, "compensation_deg": 12.3} if second else rep for rep in REPS]
    shown = results(width, terminal=True, reps=reps).splitlines()
    assert max(map(len, shown)) <= width
    words = " ".join(shown).split()
    for each in reps:
        *figures, _ = (str(cell) for cell in rep_row(each))
        assert any(set(figures) <= set(line.split()) for line in shown)
        assert second or str(each["verdict"]) in words
    assert {"gravity", "strap", "resting", "calibrate"} <= set(words)


@given(st.integers(30, 79), st.booleans())
def test_a_narrower_one_cuts_none_either(width: int, second: bool) -> None:
    """There a repetition goes over several lines, all of it, in order, and nothing sticks out."""
    reps = [{**rep, "compensation_deg": 12.3} if second else rep for rep in REPS]
    shown = results(width, terminal=True, reps=reps).splitlines()
    assert max(map(len, shown)) <= width
    words = " ".join(" ".join(shown).split())
    for each in reps:
        *figures, verdict = (str(cell) for cell in rep_row(each))
        cells = [*figures, *(["12.3"] if second else []), verdict]
        assert set(" ".join(cells).split()) <= set(words.split())
        assert width >= 60 or " ".join(cells) in words


def test_a_pipe_gets_a_line_for_each_thing_and_no_blanks_behind() -> None:
    shown = results(PIPE_WIDTH, terminal=False).splitlines()
    assert not [line for line in shown if line != line.rstrip()]
    assert sum("calibrate anew" in line and "gravity" in line for line in shown) == 1


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_line_is_broken_between_words_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path stays whole to be copied, and what goes on is set in."""
    path = "/" + "folder/" * 12
    told = "recordings   lie where a person finds them again, " + path
    monkeypatch.setenv("COLUMNS", "40")
    for file, lines_told in ((Screen(), 3), (io.StringIO(), 1)):
        monkeypatch.setattr(sys, "stdout", file)
        output.echo(told, 13)
        shown = file.getvalue().splitlines()
        assert len(shown) == lines_told and " ".join(file.getvalue().split()) == " ".join(told.split())
        assert all(line.startswith(" " * 13) for line in shown[1:]) and path in shown[-1]
