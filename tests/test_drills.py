"""Drills and routines as data: the shipped ones are complete, and a wrong file is told in one line."""

import re
import string
from pathlib import Path

import pytest

from hipturn import config, drills
from hipturn.coach import Drill, words
from hipturn.drills import reading
from hipturn.drills.reading import drill_of, parsed, routine_of
from hipturn.errors import HipturnError, InputError, UsageError
from hipturn.model import Side

SHIPPED = drills.load()


def test_what_the_practice_asks_for_is_there() -> None:
    kinds = {name: drill.kind for name, drill in SHIPPED.drills.items()}
    assert kinds == {
        "prone-rotation": "test",
        "seated-rotation": "test",
        "seated-mobilisation": "drill",
        "side-lying-activation": "drill",
        "hurdle": "stretch",
        "standing": "stretch",
        "lying-weighted": "stretch",
        "banded": "stretch",
        "roll-out": "roll-out",
    }
    routine = SHIPPED.routine("hip-internal-rotation")
    for side in Side:
        kinds_done = [SHIPPED.drill(part.drill).kind for part in routine.parts if part.side is side]
        assert kinds_done == ["roll-out", "drill", "drill", "stretch", "test"]
    assert 20 <= SHIPPED.drill("seated-mobilisation").reps <= 40
    activation = SHIPPED.drill("side-lying-activation")
    assert activation.sets >= 2 and activation.reps >= 15


@pytest.mark.parametrize("drill", SHIPPED.drills.values(), ids=lambda drill: drill.name)
def test_a_shipped_drill_speaks_every_language_whole(drill: Drill) -> None:
    """Whatever is said in English is said in the other languages too, and not in English."""
    english = drill.words["en"]
    assert set(drill.words) == set(words.LANGUAGES)
    for language, said in drill.words.items():
        for key in ("title", "about", "setup", "internal", "external", "safety"):
            assert bool(getattr(said, key)) == bool(getattr(english, key)), f"{language}: {key}"
            assert language == "en" or not getattr(said, key) or getattr(said, key) != getattr(english, key)
        assert drills.script(drill, Side.LEFT, language)
    assert english.safety and config.core_params({**config.defaults(), **drill.settings})


def test_the_coach_s_words_are_the_same_in_every_language() -> None:
    """The same keys, the same values within: a translation that forgets one would fail in a session."""
    fields = {
        language: {
            key: sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})
            for key, text in catalogue.items()
        }
        for language, catalogue in words.CATALOGUES.items()
    }
    assert all(each == fields["en"] for each in fields.values())


OWN = """
kind = "drill"
position = "prone"
directions = ["internal"]
reps = 12
[settings]
"reps.min_rep_s" = 2.0
[text.en]
title = "Mine"
setup = "Lie down."
internal = "let the foot fall outwards"
"""


def test_a_person_s_own_drill_stands_beside_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(OWN)
    (tmp_path / "morning.toml").write_text(
        'kind = "routine"\nparts = [{drill = "mine", side = "left", reps = 5}]\n[text.en]\ntitle = "Am"\n'
    )
    found = drills.load(tmp_path)
    assert found.drill("mine").reps == 12 and found.routine("morning").parts[0].reps == 5
    assert found.drill("mine").said("de").title == "Mine", "English where there is no German"
    assert set(SHIPPED.drills) < set(found.drills)


def test_own_drills_cannot_take_a_shipped_name(tmp_path: Path) -> None:
    (tmp_path / "hurdle.toml").write_text(OWN)
    with pytest.raises(InputError, match=r"there is a hurdle already: .* my-hurdle"):
        drills.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "drill"', 'kind = "dril"', "kind 'dril' is none: did you mean drill?"),
        ('kind = "drill"\n', "", "kind is missing: one of test, drill, stretch, roll-out"),
        ('position = "prone"', 'position = "pronee"', "did you mean prone?"),
        ('position = "prone"\n', "", "position is missing"),
        ('["internal"]', '["inwards"]', "directions must be a list"),
        ('["internal"]', "[]", "directions must be a list"),
        ('["internal"]', '["internal", "external"]', "text.en: external is missing"),
        ("reps = 12", "rep = 12", "'rep' is no key here: did you mean reps?"),
        ("reps = 12", "reps = 1.5", "reps must be a whole number"),
        ("reps = 12", "reps = -1", "reps must be from 0 to 200"),
        ("reps = 12", "reps = true", "reps must be a whole number"),
        ("reps = 12", "", "a drill needs reps"),
        ("reps = 12", "reps = 12\ndemonstrate = 4", "one to three repetitions show a standard"),
        ("reps.min_rep_s", "reps.min_reps", "did you mean reps.min_rep_s?"),
        ("= 2.0", '= "slow"', "settings"),
        ("[text.en]", "[text.fr]", r"\[text.en\] is missing"),
        ("internal = ", "internl = ", "did you mean internal?"),
        ('title = "Mine"', "title = 5", "title must be a text"),
        ('title = "Mine"', 'title = ""', "title is missing"),
        ("reps = 12", "reps = ", "not TOML"),
        ("reps = 12", f"reps = {10**4000}{10**4000}", "not TOML"),
        ("reps = 12", "#" * 70_000, "more than 65536 bytes"),
    ],
)
def test_a_wrong_drill_is_told_in_one_line(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert old in OWN
    (tmp_path / "mine.toml").write_text(OWN.replace(old, new))
    with pytest.raises(InputError, match=told) as error:
        drills.load(tmp_path)
    assert "mine.toml" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ("[]", "a routine needs parts"),
        ("[5]", "part 1 must be like"),
        ('[{drill = "hurdel", side = "left"}]', "did you mean hurdle?"),
        ('[{drill = "hurdle", side = "lft"}]', "did you mean left?"),
        ('[{drill = "hurdle"}]', "side is missing"),
        ('[{drill = "hurdle", side = "left", rep = 2}]', "did you mean reps?"),
    ],
)
def test_a_wrong_routine_is_told_in_one_line(parts: str, told: str) -> None:
    table = parsed(f'kind = "routine"\nparts = {parts}\n[text.en]\ntitle = "R"', "r.toml")
    with pytest.raises(HipturnError, match=told):
        routine_of("r", table, "r.toml", SHIPPED.drills)


def test_a_mistyped_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean prone-rotation?"):
        drills.drill("prone-rotatoin")
    with pytest.raises(UsageError, match=r"did you mean hip-internal-rotation?"):
        drills.routine("hip-rotation")


def test_a_test_needs_its_hold() -> None:
    table = parsed(OWN.replace('"drill"', '"test"'), "t.toml")
    with pytest.raises(InputError, match=r"a test needs reps .* and hold_s"):
        drill_of("t", table, "t.toml")


def test_the_documented_examples_are_drills(tmp_path: Path) -> None:
    """docs/drills.md shows a drill and a routine of one's own: both are taken as they stand there."""
    text = (Path(__file__).parents[1] / "docs" / "drills.md").read_text(encoding="utf-8")
    found = re.findall(r"<!-- example: ([\w-]+) -->\n```toml\n(.*?)```", text, re.S)
    assert len(found) == 2
    for name, example in found:
        (tmp_path / f"{name}.toml").write_text(example, encoding="utf-8")
    there = drills.load(tmp_path)
    drill = there.drill("my-slow-turns")
    assert (drill.sets, drill.reps, len(drill.directions)) == (2, 12, 2)
    assert [part.drill for part in there.routine("my-morning").parts][1] == "my-slow-turns"
    for key in (*reading.KEYS, *reading.WORDS):
        assert f"`{key}`" in text or f"`[{key}]`" in text or key == "text", f"{key} is not documented"
