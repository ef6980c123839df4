"""Which key means which command: on a keyboard within reach, or on a presenter's remote. Pure."""

from collections.abc import Mapping
from typing import Any

from hipturn.sinks import words

Command = dict[str, Any]

ALWAYS: Mapping[str, Command] = {
    "page-up": {"command": "undo"},
    "left": {"command": "undo"},
    "page-down": {"command": "skip"},
    "right": {"command": "skip"},
    "u": {"command": "undo"},
    "r": {"command": "redo"},
    "z": {"command": "tare"},
    "q": {"command": "stop"},
}
"""A presenter has PageUp, PageDown and perhaps a third key, which sends a space, a dot or a b."""
PAUSES = ("space", "p", "b", ".")
SCALE_TEN = "x"
"""No key says 10."""
METRONOME_BPM = 40
"""A repetition of three seconds: out on one beat, back on the next."""


def command(key: str, show: Mapping[str, Any], metronome: bool = False) -> Command | None:
    """Return the command of a key, given what is shown; None for a key that means nothing now.

    A question is answered first: digits (x for 10) on a scale, y (or j) and n, digits from 1 for a choice.
    """
    if (question := show.get("question")) is not None:
        answer = _answer(key, question)
        if answer is not None:
            return {"command": "answer", "question": question["id"], "value": answer}
    if key in PAUSES:
        return {"command": "resume" if show.get("step") == "paused" else "pause"}
    if key == "enter":
        return {"command": "skip"}
    if key == "m":
        return {"command": "metronome", "bpm": 0 if metronome else METRONOME_BPM}
    return ALWAYS.get(key)


def hint(question: Mapping[str, Any] | None, language: str = "en") -> str:
    """Return which keys there are now, in words."""
    always = words.text(language, "keys")
    match question:
        case None:
            return always
        case {"kind": "scale"}:
            return f"{words.text(language, 'keys.scale', ten=SCALE_TEN)} · {always}"
        case {"kind": "yes-no"}:
            return f"{words.text(language, 'keys.yes-no')} · {always}"
        case _:
            options = list(enumerate(question.get("options") or (), 1))
            return " · ".join([*(f"{number} {_text(option)}" for number, option in options), always])


def _answer(key: str, question: Mapping[str, Any]) -> int | bool | str | None:
    match question["kind"]:
        case "scale" if key == SCALE_TEN:
            return 10
        case "scale" if key in "0123456789":
            return int(key)
        case "yes-no" if key in ("y", "j", "n"):
            return key != "n"
        case "choice" if key.isdecimal() and 1 <= int(key) <= len(question.get("options") or ()):
            option = question["options"][int(key) - 1]
            return str(option["value"] if isinstance(option, Mapping) else option)
    return None


def _text(option: Any) -> str:
    return str(option["text"] if isinstance(option, Mapping) else option)
