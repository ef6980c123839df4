"""What displays in a terminal say beside the coach, by language: one catalogue each, with the same keys."""

from collections.abc import Mapping
from typing import Any

from hipturn.coach import words
from hipturn.sinks.words.de import TEXTS as DE
from hipturn.sinks.words.en import TEXTS as EN
from hipturn.status import Status

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": EN, "de": DE}


def text(language: str, key: str, **values: Any) -> str:
    """Return a text with its values in it; English where the language is not known."""
    return CATALOGUES.get(language, EN)[key].format(**values)


def reasons(language: str, names: list[str]) -> str:
    """Return why a repetition did not count, as the coach says it."""
    return ", ".join(words.known(language, "reject", name) for name in names)


def number(language: str, value: float, form: str = ".1f") -> str:
    """Return a number as the language writes it."""
    told = format(value, form)
    return told.replace(".", ",") if language == "de" else told


def standing(language: str, status: Status) -> str:
    """Return what is told of sensor and troubles beside the state itself.

    The program's own words, which the log has, too, are English; to whoever speaks another language their
    meaning is told, without the reasons that system and radio give.
    """
    if language == "en":
        second = [f"pelvis sensor {status.pelvis}"] if status.pelvis is not None else []
        return "; ".join([status.detail, *second, *status.troubles.values()])
    told = [text(language, f"meaning.{status.state}")]
    if status.pelvis is not None:
        told.append(text(language, "pelvis", state=text(language, f"state.{status.pelvis}")))
    return "; ".join([*told, *(trouble(language, part) for part in status.troubles)])


def trouble(language: str, part: str) -> str:
    """Return that a part does not work, without the reason."""
    key = f"trouble.{part}"
    if key in words.CATALOGUES["en"]:
        return words.text(language, key)
    return text(language, key if key in EN else "trouble", part=part)
