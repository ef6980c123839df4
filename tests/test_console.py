"""What a person sees in the terminal during a session and after it."""

import io

from rich.console import Console

from hipturn import config
from hipturn.coach import Coach
from hipturn.model import SessionStart, Side
from hipturn.session import Session
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


def test_without_display_prompts_are_told_as_lines() -> None:
    told: list[str] = []
    session(Quiet(told.append))
    assert any("lie still" in line for line in told)
    assert any("further" in line for line in told), "why the first one did not count, in two words"
