"""From TOML to a drill, checked key by key: what is wrong is told with file, key and what would be right."""

import tomllib
from collections.abc import Collection, Mapping
from typing import Any, get_args

from hipturn import config
from hipturn.coach.drill import Drill, DrillKind, Part, Routine, Words
from hipturn.core.positions import POSITIONS
from hipturn.drills.nearest import nearest
from hipturn.errors import HipturnError, InputError
from hipturn.model import Direction, Side, Zero

KINDS: tuple[DrillKind, ...] = get_args(DrillKind)
ZEROS: tuple[Zero, ...] = get_args(Zero)
DIRECTIONS = tuple(each.value for each in Direction)
SIDES = tuple(each.value for each in Side)
KEYS = (
    *("kind", "position", "zero", "directions", "sets", "reps", "hold_s", "rest_s", "demonstrate"),
    *("settings", "text"),
)
WORDS = ("title", "about", "setup", "internal", "external", "safety")
MOST: dict[str, float] = {"sets": 20, "reps": 200, "hold_s": 600.0, "rest_s": 600.0, "demonstrate": 10}
"""More than anybody does."""


def parsed(text: str, where: str) -> dict[str, Any]:
    """Return what a TOML file holds; raise `InputError`."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # TOMLDecodeError, or a number of thousands of digits
        raise InputError(f"{where}: not TOML ({error})") from error


def drill_of(name: str, table: Mapping[str, Any], where: str) -> Drill:
    """Return the drill a table describes; raise `InputError`."""
    _known(table, KEYS, where)
    kind = _one_of(table, "kind", KINDS, where, needed=True)
    position = _one_of(table, "position", POSITIONS, where, needed=kind != "roll-out")
    directions = table.get("directions", ["internal"])
    if not (isinstance(directions, list) and directions and all(d in DIRECTIONS for d in directions)):
        raise InputError(f'{where}: directions must be a list of "internal" and "external"')
    numbers = {key: _number(table, key, where) for key in MOST}
    if kind in ("test", "stretch", "roll-out") and not (numbers["hold_s"] and numbers["reps"]):
        raise InputError(f"{where}: a {kind} needs reps (how often) and hold_s (how long), like reps = 3")
    if kind == "drill" and not numbers["reps"]:
        raise InputError(f"{where}: a drill needs reps, how many make a set, like reps = 20")
    if numbers["demonstrate"] > 3:
        raise InputError(f"{where}: demonstrate: one to three repetitions show a standard; 0 for none")
    return Drill(
        name=name,
        kind=kind,
        words=_words(table, where, ("title", "setup", "internal"), "external" in directions),
        position=position,
        zero=_one_of(table, "zero", ZEROS, where) or "pose",
        directions=tuple(Direction(each) for each in directions),
        sets=int(numbers["sets"]) or 1,
        reps=int(numbers["reps"]),
        hold_s=numbers["hold_s"],
        rest_s=numbers["rest_s"],
        demonstrate=int(numbers["demonstrate"]),
        settings=_settings(table.get("settings", {}), where),
    )


def routine_of(name: str, table: Mapping[str, Any], where: str, drills: Collection[str]) -> Routine:
    """Return the routine a table describes, a chain of these drills; raise `InputError`."""
    _known(table, ("kind", "parts", "text"), where)
    parts = table.get("parts")
    if not isinstance(parts, list) or not parts:
        raise InputError(f'{where}: a routine needs parts, like [{{ drill = "roll-out", side = "left" }}]')
    words = _words(table, where, ("title",), external=False)
    return Routine(
        name=name,
        title={language: each.title for language, each in words.items()},
        about={language: each.about for language, each in words.items()},
        parts=tuple(_part(part, f"{where}: part {n}", drills) for n, part in enumerate(parts, 1)),
    )


def _part(part: object, where: str, drills: Collection[str]) -> Part:
    if not isinstance(part, dict):
        raise InputError(f'{where} must be like {{ drill = "roll-out", side = "left" }}')
    _known(part, ("drill", "side", "sets", "reps"), where)
    drill = part.get("drill")
    if drill not in drills:
        raise InputError(f"{where}: no drill is called {drill!r:.40}{nearest(str(drill), drills)}")
    side = Side(_one_of(part, "side", SIDES, where, needed=True))
    sets, reps = (int(_number(part, key, where)) or None for key in ("sets", "reps"))
    return Part(str(drill), side, sets, reps)


def _known(table: Mapping[str, Any], keys: Collection[str], where: str) -> None:
    for key in table:
        if key not in keys:
            raise InputError(f"{where}: {key!r:.40} is no key here{nearest(key, keys)}")


def _one_of(
    table: Mapping[str, Any], key: str, among: tuple[Any, ...], where: str, *, needed: bool = False
) -> Any:
    if key not in table:
        if needed:
            raise InputError(f"{where}: {key} is missing: one of {', '.join(among)}")
        return None
    value = table[key]
    if not isinstance(value, str) or value not in among:
        raise InputError(f"{where}: {key} {value!r:.40} is none{nearest(str(value), among)}")
    return value


def _number(table: Mapping[str, Any], key: str, where: str) -> float:
    value = table.get(key, 0)
    whole = key not in ("hold_s", "rest_s")
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise InputError(f"{where}: {key} must be a {'whole number' if whole else 'number of seconds'}")
    if not 0 <= value <= MOST[key]:
        raise InputError(f"{where}: {key} must be from 0 to {MOST[key]:g}, not {value}")
    return float(value)


def _settings(table: object, where: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise InputError(f'{where}: settings is a table, like [settings] with "reps.min_rep_s" = 1.5')
    try:
        return dict(config.parse(table, f"{where}: settings"))
    except HipturnError as error:
        raise InputError(str(error)) from error


def _words(table: Mapping[str, Any], where: str, needed: tuple[str, ...], external: bool) -> dict[str, Words]:
    text = table.get("text")
    if not isinstance(text, dict) or "en" not in text:
        raise InputError(f"{where}: [text.en] is missing: what is said, in English at least")
    if external and "external" not in needed:
        needed = (*needed, "external")
    words = {}
    for language, each in text.items():
        place = f"{where}: text.{language}"
        if not isinstance(each, dict):
            raise InputError(f"{place} is a table: [text.{language}]")
        _known(each, WORDS, place)
        for key in needed:
            if not each.get(key):
                raise InputError(f"{place}: {key} is missing")
        for key, value in each.items():
            if not isinstance(value, str) or len(value) > 500:
                raise InputError(f"{place}: {key} must be a text of at most 500 characters")
        words[language] = Words(**{key: str(each.get(key, "")) for key in WORDS})
    return words
