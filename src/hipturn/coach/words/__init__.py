"""What the coach says, by language: one catalogue each, with the same keys."""

from collections.abc import Mapping
from typing import Any

from hipturn.coach.words.de import TEXTS as DE
from hipturn.coach.words.en import TEXTS as EN
from hipturn.core.positions import Position

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": EN, "de": DE}
LANGUAGES = tuple(CATALOGUES)
POSTURES: Mapping[Position, str] = {
    "prone": "lying",
    "side-lying": "lying",
    "supine-90-90": "lying",
    "seated": "sitting",
    "seated-floor": "sitting",
    "standing": "standing",
}
"""How somebody is who keeps still in a position."""


def names(language: str, *kinds: str) -> dict[str, str]:
    """Return what is called what: the texts whose keys begin with one of these words."""
    return {key: text for key, text in CATALOGUES[language].items() if key.partition(".")[0] in kinds}


def known(language: str, kind: str, name: str) -> str:
    """Return what a name of ours is called in the language; any other name as it is."""
    return CATALOGUES.get(language, EN).get(f"{kind}.{name}", name)


def still(language: str, position: Position | None) -> str:
    """Return how to keep still in a position, in words: who sits is not told to lie."""
    return text(language, f"still.{POSTURES[position]}" if position else "still")


def text(language: str, key: str, **values: Any) -> str:
    """Return a text with its values in it; English where the language is not known."""
    return CATALOGUES.get(language, EN)[key].format(**values)
