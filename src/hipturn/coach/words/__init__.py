"""What the coach says, by language: one catalogue each, with the same keys."""

from collections.abc import Mapping
from typing import Any

from hipturn.coach.words.de import TEXTS as DE
from hipturn.coach.words.en import TEXTS as EN

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": EN, "de": DE}
LANGUAGES = tuple(CATALOGUES)


def text(language: str, key: str, **values: Any) -> str:
    """Return a text with its values in it; English where the language is not known."""
    return CATALOGUES.get(language, EN)[key].format(**values)
