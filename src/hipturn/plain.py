"""Text for people: it cannot steer a terminal, and one is one."""

import re

JOINERS = "\u200c\u200d"
"""What joins letters or emoji, or keeps letters apart: 👩‍⚕️ and many Persian and Indian names hold one."""
MOST_NAME = 200
"""Letters in a person's name or code."""


def is_printable(text: str) -> bool:
    """Return whether the text is one line that cannot steer a terminal, nor turn the order of its letters."""
    return all(c.isprintable() or c in JOINERS for c in text)


INVISIBLE = (
    r"\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb"
)
"""Controls, marks that only turn or break a line, halves of letters: for a regular expression's brackets."""
SPACES = r"\x20\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
NAME = f"one line of text, up to {MOST_NAME} letters, nothing invisible in it"
"""What a person's name or code has to be."""
NAME_PATTERN = f"^[^{SPACES}{INVISIBLE}][^{INVISIBLE}]*$"
"""The same as a regular expression."""


def is_name(text: str) -> bool:
    """Return whether the text is what `NAME` says."""
    return len(text) <= MOST_NAME and re.fullmatch(NAME_PATTERN, text) is not None


def printable(text: str) -> str:
    """Return the text with what could steer a terminal written out: names come from disks and the radio."""
    return "".join(c if is_printable(c) else repr(c)[1:-1] for c in text)


def counted(count: int, noun: str) -> str:
    """Return how many there are, in words: 1 gap, 2 gaps."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
