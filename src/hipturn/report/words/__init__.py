"""What a report says, by language: catalogues with the same keys; numbers and days as it writes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hipturn.coach.words import names
from hipturn.plain import printable
from hipturn.report.words.de import PICTURE as PICTURE_DE
from hipturn.report.words.de import TEXTS as DE
from hipturn.report.words.en import TEXTS as EN
from hipturn.units import DEG_PER_RAD

CATALOGUES: Mapping[str, Mapping[str, str]] = {
    language: {**names(language, "position", "group", "mark", "source"), **texts}
    for language, texts in (("en", EN), ("de", DE))
}
PICTURES: Mapping[str, Mapping[str, str]] = {"en": {}, "de": PICTURE_DE}
"""Words in the picture of a recording, by what they are in English."""


LONGEST_PLACE = 22
"""Letters of a position's name that are shown."""


def short(text: str, most: int) -> str:
    """Return a text as one line without what steers terminals, cut where it is too long."""
    one = printable(" ".join(text.split()))
    return one if len(one) <= most else one[: most - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Say:
    """A language, and how days are told."""

    language: str = "en"
    first_day: int | None = None
    """Days are told as a number from this one on, instead of as dates."""

    def __call__(self, key: str, **values: Any) -> str:
        """Return a text with its values in it."""
        return CATALOGUES[self.language][key].format(**values)

    def known(self, prefix: str, name: str) -> str:
        """Return what a name of ours is called; any other name as it is."""
        return CATALOGUES[self.language].get(f"{prefix}.{name}", name)

    def place(self, position: str) -> str:
        """Return what a position is called, never at length: anybody may name one."""
        return short(self.known("position", position), LONGEST_PLACE)

    def picture(self, words: str) -> str:
        """Return words of a recording's picture."""
        return PICTURES[self.language].get(words, words)

    def number(self, value: float, digits: int = 1, *, signed: bool = False) -> str:
        """Return a number with its true minus and the language's decimal point; no negative zero."""
        told = f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}".replace("-", "−")
        return told.replace(".", ",") if self.language == "de" else told

    def deg(self, rad: float, *, signed: bool = False) -> str:
        """Return an angle in degrees."""
        return f"{self.number(rad * DEG_PER_RAD, signed=signed)}°"

    def share(self, value: float, *, signed: bool = False) -> str:
        """Return a share in percent."""
        return f"{self.number(100.0 * value, 0, signed=signed)}\u00a0%"

    def day(self, ordinal: int, *, short: bool = False) -> str:
        """Return a day: a date, or its number where days are not to be known."""
        if self.first_day is not None:
            return self("day", n=ordinal - self.first_day + 1)
        at = date.fromordinal(ordinal)
        months = self("months").split()
        return self("date.short" if short else "date", day=at.day, month=months[at.month - 1], year=at.year)
