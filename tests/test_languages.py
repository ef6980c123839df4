"""A session is led in one language: what coach and terminal say and show is of its catalogues, whole.

The catalogues give the vocabulary: a word of a German session that stands in no German text is English. What
the page shows is looked at in `page/test_live_language.py`.
"""

import ast
import dataclasses
import io
import re
import string
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from builders import STREAM, guided, of
from guided_runs import Guided
from hipturn import core
from hipturn.cli import remote
from hipturn.coach import Against, Coach, Prompt, Show, words
from hipturn.core.positions import Position
from hipturn.core.references import GROUPS, SCALES
from hipturn.daemon.telling import SPOKEN, Telling
from hipturn.model import Calibrated, Direction, HipAngle, LinkUp, Rep, Side
from hipturn.report import words as report_words
from hipturn.session import Heard
from hipturn.sinks import words as screen_words
from hipturn.sinks.guide import Guide
from hipturn.sinks.hub import Hub
from hipturn.sinks.live import Display, Quiet
from hipturn.sinks.offers import references
from hipturn.sinks.results import print_guided
from hipturn.sources import simulated
from hipturn.sources.ble import LinkState
from hipturn.sources.body import Element, Leg, Repetition, Rest, drill_script, simulate
from hipturn.status import State
from hipturn.units import NS_PER_S, RAD_PER_DEG
from vocabulary import SHIPPED, foreign, spoken

CATALOGUES = {
    "coach": words.CATALOGUES,
    "terminal": screen_words.CATALOGUES,
    "report": report_words.CATALOGUES,
}
TRANSCRIPTS = Path(__file__).parent / "transcripts"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_key_is_there_in_both_languages(name: str) -> None:
    """With the same values in it, and in other words."""
    english, german = CATALOGUES[name]["en"], CATALOGUES[name]["de"]
    assert english.keys() == german.keys()
    for key, text in english.items():
        assert text and german[key] and fields(text) == fields(german[key]), key


def test_an_english_text_would_be_noticed() -> None:
    """The vocabulary tells the languages apart: nearly every English text holds a word that is foreign."""
    english = [text for texts in CATALOGUES.values() for text in texts["en"].values()]
    told = [re.sub(r"\{\w+\}", " ", text) for text in english if len(spoken(text)) > 2]
    assert len(told) > 100
    # a leg is a German imperative as well
    assert sum(not foreign(text) for text in told) < 0.05 * len(told)


def test_why_a_calibration_is_refused_is_said_in_every_language() -> None:
    """Whatever the core refuses while a coach leads has a name, and the coach a text for it."""
    named: dict[str, set[str]] = {}
    for path in Path(str(core.__file__)).parent.glob("calibration.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "CalibrationRefused":
                why = node.args[1]
                assert isinstance(why, ast.Constant) and isinstance(why.value, str)
                named[f"refused.{why.value}"] = {str(keyword.arg) for keyword in node.keywords}
    assert len(named) > 5
    for language in words.LANGUAGES:
        assert named == {key: fields(text) for key, text in words.names(language, "refused").items()}, (
            language
        )


@pytest.mark.parametrize("path", sorted(TRANSCRIPTS.glob("*-de.txt")), ids=lambda path: path.stem)
def test_nothing_said_in_a_german_session_is_english(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    said = [line for line in lines if "→" not in line]
    assert len(said) > 3
    for line in said:
        assert foreign(re.sub(r"\[[a-z-]+\]$", "", line)) == set(), line


WILD: tuple[tuple[Element, ...], ...] = tuple(
    (Repetition(Direction.INTERNAL, rom, 1.4, 0.2, 1.4, knee_rad=knee, kind="calibration"), Rest(0.8))
    for rom, knee in ((0.35, 0.5), (0.35, -0.4), (0.35, 0.5))
)


def led(name: str, **options: Any) -> Guided:
    """A short session in German, with whatever the screen would show beside it."""
    drill = SHIPPED.drill(name)
    short = {"reps": 3} if drill.kind == "drill" else {"reps": 1, "hold_s": 2.0}
    return Guided(dataclasses.replace(drill, sets=1, **short), language="de", together=2, **options).run()


@pytest.mark.parametrize("name", ["seated-mobilisation", "banded"])
def test_what_is_refused_and_shown_is_german(name: str) -> None:
    """A calibration that is refused says why; what a screen shows is looked at, too."""
    session = led(name, instead={"rotations": list(WILD)})
    assert "again" in session.keys
    told = [each.say for each in session.heard if isinstance(each, Prompt)]
    told += [each.text for each in session.heard if isinstance(each, Show)]
    assert {word for text in told for word in foreign(text)} == set()


def free(language: str, position: Position | None) -> list[Prompt]:
    """A session without a drill, on a sensor whose case does not tell the direction."""
    motion = simulate(Leg.random(2, Side.LEFT, position or "prone"), drill_script(3, 2, both_ways=True))
    inputs = [
        dataclasses.replace(item, info=dataclasses.replace(item.info, outward_normal_sensor=None))
        if isinstance(item, LinkUp)
        else item
        for item in simulated.inputs(motion)
    ]
    heard = guided(inputs, Coach(STREAM, Side.LEFT, 2, position, language=language))
    assert of(Calibrated, heard)
    return [each for each in heard if isinstance(each, Prompt)]


@pytest.mark.parametrize("position", [None, "prone", "seated-floor"])
def test_counting_without_a_drill_is_german_too(position: Position | None) -> None:
    prompts = free("de", position)
    assert any(each.key == "direction" for each in prompts)
    assert {word for each in prompts for word in foreign(each.say)} == set()


# --- what does not work ----------------------------------------------------------------------------


class Screen:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.told: list[str] = []

    def hear(self, heard: Heard) -> None:
        self.heard.append(heard)

    def state(self, state: str, detail: str) -> None:
        self.told.append(f"{screen_words.text('de', f'state.{state}')}: {detail}")


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("part", SPOKEN)
def test_troubles_are_spoken_in_the_language_of_the_session(part: str, language: str) -> None:
    """Told and mended; the language is asked for when there is something to say."""
    screen, hub, now = Screen(), Hub(), "en"
    telling = Telling(hub, screen, {}, lambda: now)
    now = language
    telling.trouble(part, "No space left on device")
    telling.trouble(part, None)
    said = [each for each in screen.heard if isinstance(each, Prompt)]
    assert [(each.key, each.language) for each in said] == [
        (f"{kind}.{part}", language) for kind in ("trouble", "works")
    ]
    assert [each.say for each in said] == [words.text(language, each.key) for each in said]


def test_where_the_sensor_stands_is_told_in_german_in_the_terminal() -> None:
    """Every state, the second sensor, and every part that may fail, without the program's own English."""
    screen, hub = Screen(), Hub()
    telling = Telling(hub, screen, {}, lambda: "de")
    for state in State:
        hub._standing._set(state, "SHIN: the link was lost, connecting again")
    telling.pelvis(LinkState.LOST, "lost")
    for part in (*SPOKEN, "voice", "catalogue", "shin"):
        telling.trouble(part, "it failed, trying again")
    assert len(screen.told) >= len(State) + 4
    assert {word for text in screen.told for word in foreign(text)} == set()
    assert "No space" in screen_words.standing("en", dataclasses.replace(hub.status, detail="No space left"))


# --- the terminal ----------------------------------------------------------------------------------


def drawn(draw: Callable[[Console], None]) -> str:
    console = Console(width=120, record=True, file=io.StringIO(), force_terminal=False)
    draw(console)
    return console.export_text()


def angle(deg: float) -> HipAngle:
    one, none = np.array([deg * RAD_PER_DEG]), np.array([0], np.int64)
    return HipAngle("shin", np.array([NS_PER_S], np.int64), one, one, one, one, none, np.array([True]))


def pictures(session: Iterable[Heard]) -> Iterable[str]:
    """Everything a terminal shows of a session: guide, display and lines."""
    for make in (lambda c: Guide(c, remote.hint, "de"), lambda c: Display(c, 3, "de")):
        console = Console(width=120, file=io.StringIO(), force_terminal=False)
        view: Any = make(console)
        for each in [angle(20.0), *session, angle(-20.0)]:
            view.hear(each)
            if isinstance(each, Show | Prompt | Rep):
                view.state("measuring", screen_words.text("de", "meaning.measuring"))
                picture = view.drawn() if isinstance(view, Guide) else view._draw()
                yield drawn(lambda console, shown=picture: console.print(shown))  # type: ignore[misc]
    lines: list[str] = []
    quiet = Quiet(lines.append, "de")
    for state in State:
        quiet.state(state.value, screen_words.text("de", f"meaning.{state.value}"))
    for each in session:
        quiet.hear(each)
    yield "\n".join(lines)


@pytest.mark.parametrize("name", ["prone-rotation", "seated-mobilisation"])
def test_the_terminal_is_german(name: str) -> None:
    """From the first state to the table of results, with a repetition that does not count in it."""
    fast = (Repetition(Direction.INTERNAL, 31.0 * RAD_PER_DEG, 0.35, 0.0, 0.4), Rest(0.8))
    against = Against(SCALES["prone-internal"], GROUPS["adults-prone"])
    session = led(name, instead={"reps": [fast]}, options={"against": against})
    shown = [each for each in session.heard if isinstance(each, Show | Prompt | Rep)]
    found = {word: text for text in pictures(shown) for word in foreign(text)}
    assert found == {}
    result = {
        **session.summary,
        "recording": "x.mcap",
        "error_from": "own tests",
        "tests": 6,
        "days_apart": 3,
    }
    part = {"value_deg": 4.2, "mdc_deg": 5.4, "within_error": True}
    change = {"internal": part, "external": {**part, "within_error": False}, "arc": part}
    trends = {"warm_up": 0.1, "range_change": -0.1, "speed_change": 0.0}
    held = {"seconds": 30.0, "creep_deg": 2.0, "wobble_deg": 1.0}
    result |= {"change": change, "difference": change, "sets": [trends], "holds": [held]}
    assert session.show is not None
    line = {**session.show.line(), "result": result}
    table = drawn(lambda console: print_guided([line, line], Path("/recordings"), console))
    assert foreign(table) == set(), table


@pytest.mark.parametrize("question", [None, {"kind": "scale"}, {"kind": "yes-no"}])
def test_the_keys_are_told_in_german(question: Any) -> None:
    assert foreign(remote.hint(question, "de")) == set()


def test_what_a_result_is_shown_beside_is_german() -> None:
    """Groups and scales; the English texts are those that the core quotes."""
    german, english = references("de"), references("en")
    for group in german["groups"]:
        assert foreign(group["people"]) == set()
    for scale in german["scales"]:
        assert {word for mark in scale["marks"] for word in foreign(mark["text"])} == set()
        assert foreign(scale["source"]) == set()
    for told, scale in zip(english["scales"], SCALES.values(), strict=True):
        assert [mark["text"] for mark in told["marks"]] == [text for _, text in scale.marks]
        assert told["source"] == scale.source
