"""What the steps of a session share: who, what, how far, and a way to speak."""

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from hipturn.coach import words
from hipturn.coach.drill import Drill, Words
from hipturn.coach.prompts import Earcon, Prompt, Show, Step
from hipturn.core import results
from hipturn.core.progress import Tested
from hipturn.core.references import Group, Scale
from hipturn.model import (
    Calibration,
    Corrected,
    Direction,
    FloatArray,
    HipAngle,
    Hold,
    HostNs,
    Input,
    Mark,
    MarkKind,
    Orientation,
    Output,
    Rep,
    SetDone,
    Side,
    StreamInfo,
    Vector,
    Verdict,
)
from hipturn.units import NS_PER_S

Said = Prompt | Show | Mark
"""What the coach gives."""

GENTLE_PAIN, STOP_PAIN = 1, 7
"""From the first on nothing is urged any more; from the second on the session ends."""

LATELY_NS = 300 * NS_PER_S
"""What a step that waits for a movement looks back on: longer than the slowest takes. A sensor that is left
lying in the middle of a session goes on sending for hours."""

WRONG_LEG = 3
"""So many movements in a row the other way are no slip of a person: the strap is on the other leg."""


@dataclass(frozen=True, slots=True)
class Against:
    """What a person chose to see a result against: data, never a verdict."""

    scale: Scale | None = None
    group: Group | None = None

    def of(self, position: str | None) -> "Against":
        """Return what of it was measured in this position: the same hip has another range in another."""
        scale = self.scale if self.scale is not None and self.scale.position == position else None
        return Against(scale, self.group if self.group is not None and self.group.fits(position) else None)


NOTHING = Against()


@dataclass(frozen=True, slots=True)
class Before:
    """How a person came out of what they did before, in a routine."""

    warmed_up: bool | None = None
    pain: int = 0


AFRESH = Before()


@dataclass(frozen=True, slots=True)
class Slipped:
    """A slip, and what had been done until then, which is kept as it was measured."""

    t_ns: int
    tilt_rad: float
    trials: int
    reps: int


@dataclass(slots=True)
class Scene:
    """One session: one drill on one leg."""

    stream: str
    side: Side
    drill: Drill
    language: str = "en"
    free: bool = False
    """Only counting: no questions, no set-up."""
    against: Against = NOTHING
    at_turn: bool = False
    """Repetitions are counted aloud at their turn, before they are judged."""
    past: tuple[Tested, ...] = ()
    """Earlier tests of this person with the same sensor and filter, either leg."""
    today: int = 0
    """The local day, as `core.progress.Tested` counts them."""
    t_ns: int = 0
    info: StreamInfo | None = None
    gyr_bias: FloatArray | None = None
    shank_axis: Vector | None = None
    """The shin's long axis in the sensor, where quiet standing showed it."""
    knee_rad: float | None = None
    """Flexion of the knee in the pose of the calibration, where that is known."""
    calibration: Calibration | None = None
    observability: float = 1.0
    heading_dependent: bool = False
    pain: int = 0
    warmed_up: bool | None = None
    movement: results.Movement = "active"
    reps: Counter[Verdict] = field(default_factory=Counter)
    """How many repetitions there were, by verdict."""
    shown: list[Rep] = field(default_factory=list)
    """Those that counted while a person showed their own standard, taken back ones included."""
    settled: int = 0
    """How many count and can no longer be taken back."""
    counted: list[int] = field(default_factory=list)
    """Numbers of the others that count."""
    taken: list[int] = field(default_factory=list)
    """Numbers of those that counted until a person took them back."""
    trials: list[results.Trial] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    sets: list[SetDone] = field(default_factory=list)
    slips: list[Slipped] = field(default_factory=list)
    best: dict[Direction, float] = field(default_factory=dict)
    """Furthest so far, by direction, rad."""
    target_rad: float | None = None
    """Range to reach: of the settings, or as the person has shown it."""
    rolled_s: float = 0.0
    other_way: int = 0
    """Movements in a row that went the other way."""
    stopped: bool = False
    """The person has had enough: what is left is not begun."""

    @property
    def said(self) -> Words:
        """The drill's words in the language of the session."""
        return self.drill.said(self.language)

    @property
    def outwards(self) -> str:
        """How to show internal rotation, in words."""
        if self.said.internal:
            return self.said.internal
        where = self.drill.position
        return self.text(f"outwards.{where}" if where else "outwards")

    def move(self, direction: Direction | None) -> str:
        """Return what to do for a direction, in words."""
        return self.said.external if direction is Direction.EXTERNAL else self.outwards

    @property
    def still(self) -> str:
        """How to keep still in the position of the drill, in words."""
        return words.still(self.language, self.drill.position)

    def text(self, key: str, **values: Any) -> str:
        """Return a text of the coach's catalogue."""
        return words.text(self.language, key, **values)

    def say(self, key: str, earcon: Earcon | None = None, **values: Any) -> Prompt:
        """Return a prompt."""
        return Prompt(self.t_ns, self.text(key, **values), earcon, key, self.language)

    def degrees(self, value: int) -> str:
        """Return so many degrees, in words."""
        return self.text("degree" if value == 1 else "degrees", n=value)

    def sound(self, earcon: Earcon) -> Prompt:
        """Return a sound without words."""
        return Prompt(self.t_ns, "", earcon, earcon, self.language)

    def mark(self, kind: MarkKind, value: Mapping[str, Any] | None = None) -> Mark:
        """Return a mark for the stream."""
        return Mark(self.stream, HostNs(0), kind, value or {})

    @property
    def controlled(self) -> int:
        """How many repetitions count."""
        return self.settled + len(self.counted)

    def settle(self, before: float = math.inf) -> None:
        """Know that repetitions numbered below `before` cannot be taken or brought back any more.

        So a session of days holds the numbers of two sets, not of all repetitions there ever were.
        """
        gone = [n for n in self.taken if n < before]
        self.shown = [rep for rep in self.shown if rep.n not in gone]
        still = [n for n in self.counted if n >= before]
        self.settled += len(self.counted) - len(still)
        self.counted, self.taken = still, [n for n in self.taken if n >= before]

    def corrected(self, correction: Corrected) -> bool:
        """Take back or bring back what counted; return whether any of it did."""
        there, gone = (self.counted, self.taken) if correction.kind != "redo" else (self.taken, self.counted)
        moved = [n for n in correction.reps if n in there]
        for n in moved:
            there.remove(n)
            gone.append(n)
        return bool(moved)

    def take_back(self, trial: results.Trial) -> None:
        """Forget a trial."""
        self.trials.remove(trial)
        others = [each.value_rad for each in self.trials if each.direction is trial.direction]
        self.best[trial.direction] = max(others, default=0.0)

    def wrong_way(self) -> list[Prompt]:
        """Tell that a movement went the other way; several in a row may mean the other leg."""
        self.other_way += 1
        out = [self.say("reject.direction", "rejected")]
        if self.other_way % WRONG_LEG == 0:
            out.append(self.say("wrong-leg", "trouble", side=self.text(self.side.value)))
        return out

    def reached(self, direction: Direction, angle_rad: float) -> None:
        """Note how far it went."""
        self.other_way = 0
        self.best[direction] = max(self.best.get(direction, 0.0), abs(angle_rad))


Block = TypeVar("Block", Orientation, HipAngle)


class Lately(Generic[Block]):
    """The samples of the last minutes: push blocks."""

    def __init__(self) -> None:
        self._blocks: deque[Block] = deque()

    def push(self, block: Block) -> None:
        """Take the next samples; a block must not be empty."""
        self._blocks.append(block)
        while block.t_ns[-1] - self._blocks[0].t_ns[-1] > LATELY_NS:
            self._blocks.popleft()

    def take(self) -> list[Block]:
        """Return the blocks, oldest first, and begin anew."""
        taken = list(self._blocks)
        self._blocks.clear()
        return taken


class Stage:
    """One step of a session. Subclasses say what happens in it."""

    step: Step = "setup"

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.done = False

    def begin(self) -> list[Said]:
        """Return what is said as it begins."""
        return []

    def push(self, item: Input | Output) -> list[Said]:
        """Return what an input or output leads to."""
        return []

    def linked(self) -> list[Said]:
        """Return what a link that came back leads to."""
        return [self.scene.say("back", "connected")]

    def zeroed(self) -> list[Said]:
        """Return what a new zero leads to: what was seen by the old one is of no use."""
        return []

    def shifted(self, by_ns: int) -> None:
        """Let everything that is timed be later: there was a pause."""

    def resumed(self) -> list[Said]:
        """Return what is said once more after a pause."""
        return []

    def skip(self) -> list[Said]:
        """End it because the person wants to go on."""
        self.done = True
        return [self.scene.say("skipped", "tick")]

    def shown(self) -> dict[str, Any]:
        """Return the fields of `Show` that are this step's."""
        return {}
