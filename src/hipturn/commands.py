"""What a person can tell a running session from outside: one table, from words to what enters the stream.

A new command is a row here: its fields are checked, described in the API and offered by it from this
table alone.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from hipturn import drills
from hipturn.coach import Language
from hipturn.core.results import Movement
from hipturn.errors import InputError, UsageError
from hipturn.model import HostNs, Mark, MarkKind, Side
from hipturn.plain import MOST_NAME, NAME_PATTERN

LONGEST_TEXT = 1000
"""Characters in a note."""
MOST_REPS = 200
"""Repetitions in a session: five times what a set asks for."""
SLOWEST_BPM, FASTEST_BPM = 20, 120
LANGUAGES: tuple[Language, ...] = get_args(Language)
"""What the coach speaks."""


@dataclass(frozen=True, slots=True)
class Begin:
    """End the running session, if any, and begin a new one: what is not given is as before."""

    side: Side | None = None
    drill: str | None = None
    reps: int | None = None
    """Repetitions; None for the drill's own where a drill is given."""
    person: str | None = None
    language: Language | None = None
    routine: str | None = None
    """A chain of sessions, instead of one with a drill."""
    passive: bool | None = None
    """Somebody else turns the leg."""


@dataclass(frozen=True, slots=True)
class End:
    """End the running session and its routine; the next begins on command or when the sensor comes back."""


@dataclass(frozen=True, slots=True)
class Speak:
    """Who speaks from now on: a page, this computer, or nobody."""

    where: Literal["page", "machine", "off"]
    page: str | None = None


Told = Mark | Begin | End | Speak


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a command needs to be told, as JSON schema."""

    schema: Mapping[str, Any]
    required: bool = True
    among: Callable[[], list[str]] | None = None
    """The texts there are to choose from, where those are known only now."""

    def described(self) -> dict[str, Any]:
        """Return the schema with the choice there is now."""
        return {**self.schema, "enum": self.among()} if self.among else dict(self.schema)

    def check(self, value: object) -> bool:
        """Return whether the value is what the schema says; the few words used here are known."""
        if "oneOf" in self.schema:
            return any(Field(one).check(value) for one in self.schema["oneOf"])
        if self.among is not None:
            return value in self.among()
        kinds = {"string": str, "boolean": bool, "integer": int}
        if type(value) is not kinds[self.schema["type"]]:
            return False
        if isinstance(value, str):
            return (
                value in self.schema.get("enum", [value])
                and self.schema.get("minLength", 0)
                <= len(value)
                <= self.schema.get("maxLength", LONGEST_TEXT)
                and ("pattern" not in self.schema or re.fullmatch(self.schema["pattern"], value) is not None)
            )
        if isinstance(value, int) and "enum" in self.schema:
            return value in self.schema["enum"]
        if isinstance(value, int):
            return bool(self.schema.get("minimum", value) <= value <= self.schema.get("maximum", value))
        return True


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it means, what it needs, and what it becomes."""

    meaning: str
    make: Callable[[Mapping[str, Any], str, HostNs], Told]
    fields: Mapping[str, Field] = field(default_factory=dict)

    def schema(self, name: str) -> dict[str, Any]:
        """Return the JSON schema of the whole command."""
        return {
            "type": "object",
            "description": self.meaning,
            "properties": {
                "command": {"type": "string", "enum": [name]},
                **{key: one.described() for key, one in self.fields.items()},
            },
            "required": ["command", *(key for key, one in self.fields.items() if one.required)],
            "additionalProperties": False,
        }


def _mark(kind: MarkKind) -> Callable[[Mapping[str, Any], str, HostNs], Told]:
    return lambda values, stream, at_ns: Mark(stream, at_ns, kind, dict(values))


def _begin(values: Mapping[str, Any], _stream: str, _at_ns: HostNs) -> Told:
    side = Side(values["side"]) if "side" in values else None
    passive = values["movement"] == "passive" if "movement" in values else None
    given = {key: value for key, value in values.items() if key != "movement"}
    return Begin(**{**given, "side": side, "passive": passive})


def _speak(values: Mapping[str, Any], _stream: str, _at_ns: HostNs) -> Told:
    return Speak(values["where"], values.get("page"))


def _names(names: Callable[[], list[str]], shipped: Callable[[], Iterable[str]]) -> Callable[[], list[str]]:
    """Return what gives the names there are: the program's own only, while a person's own cannot be read."""

    def there() -> list[str]:
        try:
            return names()
        except InputError:
            return list(shipped())

    return there


DRILL_NAMES = _names(drills.names, lambda: drills.load().drills)
ROUTINE_NAMES = _names(drills.routine_names, lambda: drills.load().routines)

_SIDE = {"type": "string", "enum": [side.value for side in Side]}
_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
_NAME = {"type": "string", "minLength": 1, "maxLength": 64}
_PERSON = {"type": "string", "minLength": 1, "maxLength": MOST_NAME, "pattern": NAME_PATTERN}
"""One line: a name is shown in lists and printed."""
_BPM = {"type": "integer", "minimum": SLOWEST_BPM, "maximum": FASTEST_BPM}

COMMANDS: Mapping[str, Command] = {
    "start": Command(
        "Begin a new session, with a new calibration, or a routine; the running one ends.",
        _begin,
        {
            "side": Field(_SIDE, required=False),
            "drill": Field({"type": "string"}, required=False, among=DRILL_NAMES),
            "reps": Field({"type": "integer", "minimum": 0, "maximum": MOST_REPS}, required=False),
            "person": Field(_PERSON, required=False),
            "language": Field({"type": "string", "enum": list(LANGUAGES)}, required=False),
            "routine": Field({"type": "string"}, required=False, among=ROUTINE_NAMES),
            "movement": Field({"type": "string", "enum": list(get_args(Movement))}, required=False),
        },
    ),
    "stop": Command("End the session and close its recording; the sensor stays connected.", lambda *_: End()),
    "pause": Command("Pause: nothing is counted, no time runs.", _mark(MarkKind.PAUSE)),
    "resume": Command("Go on after a pause.", _mark(MarkKind.RESUME)),
    "skip": Command("Go on to the next step.", _mark(MarkKind.SKIP)),
    "answer": Command(
        "Answer the question that is asked: a whole number from 0 to 10, true or false, or a text.",
        _mark(MarkKind.ANSWER),
        {
            "question": Field(_NAME),
            "value": Field(
                {
                    "oneOf": [
                        {"type": "integer", "minimum": 0, "maximum": 10},
                        {"type": "boolean"},
                        {"type": "string", "minLength": 1, "maxLength": 200},
                    ]
                }
            ),
        },
    ),
    "tare": Command("Hold still: the zero is taken anew.", _mark(MarkKind.TARE)),
    "metronome": Command(
        "A beat to move in, in beats a minute; 0 for none.",
        _mark(MarkKind.METRONOME),
        {"bpm": Field({"oneOf": [{"type": "integer", "enum": [0]}, _BPM]})},
    ),
    "side": Command(
        "The other leg: a new session of this side begins, because it needs its own calibration.",
        _begin,
        {"side": Field(_SIDE)},
    ),
    "count": Command(
        "Count repetitions or leave them uncounted from here on.",
        _mark(MarkKind.COUNT),
        {"on": Field({"type": "boolean"})},
    ),
    "undo": Command("The last repetition of the set that still counts was none.", _mark(MarkKind.UNDO)),
    "redo": Command("The last repetition taken back was one after all.", _mark(MarkKind.REDO)),
    "restart": Command("Begin the set anew: its repetitions do not count.", _mark(MarkKind.RESTART)),
    "reference": Command(
        "The last repetitions were done well: judge by them from here on; 0 forgets them.",
        _mark(MarkKind.REFERENCE),
        {"last": Field({"type": "integer", "minimum": 0, "maximum": 10})},
    ),
    "listen": Command(
        "Take three taps on the sensor as a command, or do not.",
        _mark(MarkKind.LISTEN),
        {"on": Field({"type": "boolean"})},
    ),
    "speaker": Command(
        "Who speaks from now on: the page (the one named), the computer hipturn runs on, or nobody.",
        _speak,
        {
            "where": Field({"type": "string", "enum": ["page", "machine", "off"]}),
            "page": Field({"type": "string", "minLength": 1, "maxLength": 64}, required=False),
        },
    ),
    "note": Command("Write a note into the recording.", _mark(MarkKind.NOTE), {"text": Field(_TEXT)}),
}


def parse(given: object, stream: str, at_ns: HostNs) -> Told:
    """Return what a command given as JSON becomes; raise `UsageError` saying what would be right."""
    if not isinstance(given, dict) or not isinstance(given.get("command"), str):
        raise UsageError('a command is an object such as {"command": "stop"}')
    name = given["command"]
    if name not in COMMANDS:
        raise UsageError(f"no command is called {name!r:.40}: there are {', '.join(COMMANDS)}")
    command = COMMANDS[name]
    values = {key: _whole(value) for key, value in given.items() if key != "command"}
    for key, value in values.items():
        if key not in command.fields:
            known = ", ".join(command.fields) or "nothing more"
            raise UsageError(f"{name} takes {known}, not {key!r:.40}")
        if not command.fields[key].check(value):
            raise UsageError(f"{name}: {key} must be {_words(command.fields[key].described())}")
    if missing := [key for key, one in command.fields.items() if one.required and key not in values]:
        raise UsageError(f"{name} needs {missing[0]}: {_words(command.fields[missing[0]].described())}")
    return command.make(values, stream, at_ns)


def _whole(value: object) -> object:
    """Return 5 for 5.0: JSON knows no difference, and no command takes a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _words(schema: Mapping[str, Any]) -> str:
    if "oneOf" in schema:
        return ", or ".join(map(_words, schema["oneOf"]))
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if schema["type"] == "boolean":
        return "true or false"
    if schema["type"] == "integer":
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    what = "one line of text" if "pattern" in schema else "a text"
    return f"{what} of 1 to {schema['maxLength']} characters"
