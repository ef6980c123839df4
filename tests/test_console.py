"""What a person sees in the terminal during a session and after it."""

import io

from rich.console import Console

from hipturn import config, lines
from hipturn.coach import Coach, Prompt
from hipturn.model import SessionStart, Side
from hipturn.session import Session
from hipturn.sinks.console import print_results
from hipturn.sinks.live import Display, Quiet
from hipturn.sources import body, simulated


def session(view: Display | Quiet) -> None:
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
                lines.summary([], max_rad=0.0, min_rad=0.0, elapsed_s=1.0),
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
    assert any("lie still" in line for line in told)
    assert any("further" in line for line in told), "why the first one did not count, in two words"
