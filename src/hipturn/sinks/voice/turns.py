"""Who speaks next: one voice at a time, never one behind the movement. Pure: time comes with the calls."""

from dataclasses import dataclass
from enum import Enum, auto

from hipturn.units import NS_PER_S

MOST_WAITING = 4
"""Sentences that may wait: more than a person can keep in mind."""
COUNT_FRESH_NS = NS_PER_S
"""A count that could not be spoken within this time belongs to a repetition that is over."""
TOLD_FRESH_NS = 12 * NS_PER_S
"""The same for a sentence: what to do now, not what was to do."""


class Weight(Enum):
    """How a saying stands to others."""

    COUNT = auto()
    """Belongs to this moment: a newer one takes its place, spoken or waiting."""
    TELL = auto()
    """Waits its turn."""
    URGENT = auto()
    """Silences whatever is spoken, and what waits is no longer true."""


@dataclass(frozen=True, slots=True)
class Saying:
    """Something to be spoken."""

    text: str
    language: str
    weight: Weight
    key: str
    at_ns: int
    """When it was to be heard, on the caller's clock."""
    after_ns: int = 0
    """Not before this time: the earcon that goes with it sounds first."""


class Turns:
    """What waits to be spoken, and what is being spoken."""

    def __init__(self) -> None:
        self._waiting: list[Saying] = []
        self.speaking: Saying | None = None

    @property
    def waiting(self) -> tuple[Saying, ...]:
        """What waits, in order."""
        return tuple(self._waiting)

    def add(self, saying: Saying) -> bool:
        """Take something to be spoken; return whether what is being spoken has to stop for it."""
        speaking = self.speaking
        if saying.weight is Weight.URGENT:
            self._waiting = [saying]
            return speaking is not None
        if saying.weight is Weight.COUNT:
            self._waiting = [one for one in self._waiting if one.weight is not Weight.COUNT]
            self._waiting.append(saying)
            return speaking is not None and speaking.weight is Weight.COUNT
        # a count that has not been spoken yet comes before the sentence; the same sentence twice is one
        self._waiting = [one for one in self._waiting if one.key != saying.key]
        self._waiting.append(saying)
        while sum(one.weight is not Weight.COUNT for one in self._waiting) > MOST_WAITING:
            self._waiting.remove(next(one for one in self._waiting if one.weight is not Weight.COUNT))
        return False

    def next(self, now_ns: int) -> Saying | int | None:
        """Return what is to be spoken now, the time to ask again at, or None while there is nothing."""
        if self.speaking is not None:
            return None
        self._waiting = [one for one in self._waiting if now_ns - one.at_ns <= _fresh_ns(one)]
        if not self._waiting:
            return None
        first = next((one for one in self._waiting if one.weight is Weight.COUNT), self._waiting[0])
        if first.after_ns > now_ns:
            return first.after_ns
        self._waiting.remove(first)
        self.speaking = first
        return first

    def over(self) -> None:
        """Hear that what was spoken is over, or was stopped."""
        self.speaking = None

    def clear(self) -> bool:
        """Forget what waits; return whether something is being spoken that has to stop."""
        self._waiting = []
        return self.speaking is not None


def _fresh_ns(saying: Saying) -> int:
    match saying.weight:
        case Weight.COUNT:
            return COUNT_FRESH_NS
        case Weight.TELL | Weight.URGENT:
            return TOLD_FRESH_NS
