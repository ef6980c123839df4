"""What the coach gives: something to say, and what a screen shows meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hipturn.core.results import Result
from hipturn.model import Direction, Side
from hipturn.units import DEG_PER_RAD, NS_PER_S

Language = Literal["en", "de"]

Step = Literal[
    "waiting",
    "question",
    "stand",
    "setup",
    "hold",
    "rotations",
    "direction",
    "reps",
    "trial",
    "stretch",
    "rest",
    "timer",
    "switch",
    "paused",
    "done",
]
"""Where in a session the person is."""

Earcon = Literal[
    "connected",
    "lost",
    "tare-start",
    "tare-done",
    "counted",
    "rejected",
    "target",
    "tick",
    "set-done",
    "battery-low",
    "trouble",
    "metronome",
]
"""A sound with a meaning: see docs/coach.md."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something for the person: `say` in words, empty for a sound alone, and the `earcon` with it."""

    t_ns: int
    say: str
    earcon: str | None = None
    key: str = ""
    """Which of the coach's texts it is: the same in every language."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Timer:
    """Time that runs: `ends_ns` is stream time."""

    kind: Literal["hold", "rest", "roll"]
    seconds: float
    ends_ns: int


@dataclass(frozen=True, slots=True)
class Question:
    """Something the person is asked; the answer comes as a Mark."""

    id: str
    text: str
    kind: Literal["scale", "yes-no", "choice"]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Show:
    """What a screen shows; angles are sizes in `direction` where there is one."""

    t_ns: int
    step: Step
    text: str
    drill: str
    title: str
    kind: str
    side: Side
    position: str | None = None
    language: str = "en"
    direction: Direction | None = None
    count: int | None = None
    target: int | None = None
    set: int | None = None
    sets: int | None = None
    trial: int | None = None
    trials: int | None = None
    target_rad: float | None = None
    best_rad: float | None = None
    last_rad: float | None = None
    reference_rad: float | None = None
    warning: str | None = None
    """What is not as it should be now, in words, such as the knee's angle."""
    timer: Timer | None = None
    question: Question | None = None
    part: int | None = None
    parts: int | None = None
    next: str | None = None
    result: Mapping[str, Any] | None = None
    """At the end: the summary, in degrees, as in docs/coach.md."""
    tested: Result | None = None
    """At the end of a test: the same as the core has it, to be kept in the recording."""

    def line(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        timer, asked = self.timer, self.question
        return {
            "v": 1,
            "type": "coach",
            "t_s": round(self.t_ns / NS_PER_S, 3),
            "language": self.language,
            "drill": self.drill,
            "title": self.title,
            "kind": self.kind,
            "side": self.side.value,
            "position": self.position,
            "step": self.step,
            "text": self.text,
            "direction": self.direction.value if self.direction else None,
            "count": self.count,
            "target": self.target,
            "set": self.set,
            "sets": self.sets,
            "trial": self.trial,
            "trials": self.trials,
            "target_deg": _deg(self.target_rad),
            "best_deg": _deg(self.best_rad),
            "last_deg": _deg(self.last_rad),
            "reference_deg": _deg(self.reference_rad),
            "warning": self.warning,
            "timer": None
            if timer is None
            else {
                "kind": timer.kind,
                "seconds": timer.seconds,
                "ends_s": round(timer.ends_ns / NS_PER_S, 3),
            },
            "question": None
            if asked is None
            else {"id": asked.id, "text": asked.text, "kind": asked.kind, "options": list(asked.options)},
            "part": self.part,
            "parts": self.parts,
            "next": self.next,
            "result": dict(self.result) if self.result is not None else None,
        }


def prompt_line(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as a JSON object."""
    return {
        "v": 1,
        "type": "prompt",
        "t_s": round(prompt.t_ns / NS_PER_S, 3),
        "say": prompt.say,
        "earcon": prompt.earcon,
        "key": prompt.key,
        "language": prompt.language,
    }


def _deg(rad: float | None) -> float | None:
    return None if rad is None else round(rad * DEG_PER_RAD, 1)
