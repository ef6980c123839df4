"""Which words belong to which language: those of the catalogues and of the drills' texts, and no others."""

import dataclasses
import re

from hipturn import drills
from hipturn.coach import words
from hipturn.core.references import GROUPS
from hipturn.sinks import words as screen_words

SHIPPED = drills.load()
NAMES = {
    "hipturn",
    "bench",
    "tests",
    "shin",
    "internal",
    "prone",
    "person",
    "name",
    "mcap",
    "recordings",
    "x",
}
"""Names of the program, of sensors and files, of options and scales: the same in every language."""


def spoken(text: str) -> set[str]:
    """The words of a text, without figures, units and signs."""
    return {word for word in re.findall(r"[^\W\d_]+", text.casefold()) if len(word) > 1}


def vocabulary(language: str) -> set[str]:
    """Every word that coach and terminal have in a language."""
    texts = [*words.CATALOGUES[language].values(), *screen_words.CATALOGUES[language].values()]
    for drill in SHIPPED.drills.values():
        texts += dataclasses.astuple(drill.said(language))
    texts += [told[language] for each in SHIPPED.routines.values() for told in (each.title, each.about)]
    return set().union(*(spoken(re.sub(r"\{\w+\}", " ", text)) for text in texts))


GERMAN = vocabulary("de")


def foreign(text: str) -> set[str]:
    """The words that are of no German text."""
    return spoken(text) - GERMAN - NAMES - set().union(*(spoken(group.source) for group in GROUPS.values()))
