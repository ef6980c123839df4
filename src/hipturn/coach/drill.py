"""A drill as data: what is done, in what position, how often, and what is said about it.

Nothing is read here; `hipturn.drills` makes these records from TOML files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hipturn.core.positions import Position
from hipturn.model import Direction, Side, Zero

DrillKind = Literal["test", "drill", "stretch", "roll-out"]


@dataclass(frozen=True, slots=True)
class Words:
    """What is said about a drill, in one language."""

    title: str
    about: str
    """What it is for, in a sentence."""
    setup: str
    """How to sit or lie, where the sensor is."""
    internal: str
    """What to do for internal rotation, as one says it: "let the foot fall outwards"."""
    external: str = ""
    safety: str = ""


@dataclass(frozen=True, slots=True)
class Drill:
    """One exercise on one leg."""

    name: str
    kind: DrillKind
    words: Mapping[str, Words]
    """By language; "en" is always there."""
    position: Position | None = None
    zero: Zero = "pose"
    directions: tuple[Direction, ...] = (Direction.INTERNAL,)
    sets: int = 1
    reps: int = 0
    """Repetitions of a drill's set; trials in each direction of a test; holds of a stretch."""
    hold_s: float = 0.0
    """How long an end range is held in a test or a stretch, or one spot is rolled."""
    rest_s: float = 0.0
    """Between sets, holds or spots."""
    demonstrate: int = 0
    """The first so many controlled repetitions are the person's own standard for the others."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the measurement that belong to it, such as ``reps.min_rep_s``."""

    @property
    def measured(self) -> bool:
        """Whether a sensor has anything to measure."""
        return self.kind != "roll-out"

    def said(self, language: str) -> Words:
        """Return its words in the language, in English where there are none."""
        return self.words.get(language, self.words["en"])


@dataclass(frozen=True, slots=True)
class Part:
    """A place in a routine: one drill on one leg."""

    drill: str
    side: Side
    sets: int | None = None
    reps: int | None = None


@dataclass(frozen=True, slots=True)
class Routine:
    """Drills one after the other."""

    name: str
    title: Mapping[str, str]
    about: Mapping[str, str]
    parts: tuple[Part, ...]
