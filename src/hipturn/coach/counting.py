"""A set of repetitions: counted in step, rejected in two words."""

from statistics import median
from typing import Any

from hipturn.coach import posing
from hipturn.coach.scene import GENTLE_PAIN, Said, Scene, Stage
from hipturn.model import (
    Corrected,
    Direction,
    Gap,
    Input,
    MarkKind,
    Orientation,
    Output,
    Rep,
    SetDone,
    Turn,
    Verdict,
)
from hipturn.units import NS_PER_S

URGING = "short-range"
"""The reason that asks for more: not said so to somebody in pain."""
CHANGED = 0.05
"""A range that changed by a smaller share within a set is called the same: people vary by as much."""


class Reps(Stage):
    """So many controlled repetitions; without a target it goes on until stopped."""

    step = "reps"

    def __init__(self, scene: Scene, target: int, set_: int = 1, sets: int = 1) -> None:
        super().__init__(scene)
        self._target, self._set, self._sets = target, set_, sets
        self._before = 0
        self._last_rad: float | None = None
        self._early: int | None = None
        """What was said at the turn of the movement in progress."""
        self._over, self._over_ns = False, 0
        self._direction = scene.drill.directions[0] if len(scene.drill.directions) == 1 else None

    @property
    def count(self) -> int:
        """How many of this set count."""
        return self.scene.controlled - self._before

    @property
    def one_way(self) -> bool:
        """Whether only one direction belongs to it: the other is free for a pose."""
        return self._direction is not None

    def begin(self) -> list[Said]:
        """Say what to do."""
        scene = self.scene
        self._before = scene.controlled
        if scene.free:
            return []
        move = scene.move(self._direction)
        out: list[Said] = [] if self._set == 1 else [scene.mark(MarkKind.COUNT, {"on": True})]
        out.append(scene.say("reps.begin", set=self._set, sets=self._sets, n=self._target, move=move))
        if self._demonstrating:
            out.append(scene.say("demonstrate", n=min(scene.drill.demonstrate, self._target)))
        return out

    @property
    def _demonstrating(self) -> bool:
        """Whether the repetitions now are those the others will be judged by."""
        shown = self.scene.drill.demonstrate
        return bool(shown) and self._set == 1 and self.scene.controlled < shown <= self._target

    def shown(self) -> dict[str, Any]:
        """Return the count, and how far the best and the last went."""
        scene = self.scene
        ways = [self._direction] if self._direction else list(Direction)
        best = [scene.best[way] for way in ways if way in scene.best]
        gentle = scene.pain >= GENTLE_PAIN
        text = scene.text("reps.show", move=scene.move(self._direction))
        if self._demonstrating:
            text = f"{scene.text('demonstrate', n=scene.drill.demonstrate)}: {text}"
        return {
            "text": text,
            "direction": self._direction,
            "count": self.count,
            "target": self._target or None,
            "set": self._set,
            "sets": self._sets,
            # whoever is in pain is shown nothing to beat or to reach
            "best_rad": max(best) if best and not gentle else None,
            "target_rad": None if gentle else scene.target_rad,
            "last_rad": self._last_rad,
        }

    def push(self, item: Input | Output) -> list[Said]:
        """Count, or say why not."""
        match item:
            case SetDone() if not self.scene.free:
                self.scene.sets.append(item)
                self.done = self._over
                return self._figures(item) if self._over else []
            case Orientation() if self._over:
                # the set's end is told at once; without one nobody waits for it
                self.done = self.scene.t_ns - self._over_ns > NS_PER_S
            case Turn() if self.scene.at_turn and not self._over:
                return self._turned(item)
            case Gap():
                self._early = None
            case Rep() if not self._over:
                said = self._count(item)
                self._early = None
                return said
            case Corrected():
                return self._correct(item)
        return []

    def _turned(self, turn: Turn) -> list[Said]:
        """Count in step with the movement, before it is judged; a bounce out there is no second turn."""
        if self._early is not None or self._direction not in (None, turn.direction):
            return []
        self._early = self.count + 1
        left = self._target - self._early
        key = "count.left" if left == 3 else "count.last" if left == 1 else "count"
        if not self._target or self.scene.free:
            key = "count"
        return [self.scene.say(key, "counted", n=self._early, left=left)]

    def _count(self, rep: Rep) -> list[Said]:
        scene = self.scene
        if self.one_way and rep.direction is not self._direction and rep.hold_s >= posing.HELD_S:
            # a pose, which says something else
            return []
        scene.reps[rep.verdict] += 1
        if rep.verdict is not Verdict.CONTROLLED:
            reason = rep.reasons[0]
            gentle = ".gentle" if reason == URGING and scene.pain >= GENTLE_PAIN else ""
            return [scene.say(f"reject.{reason}{gentle}", "rejected")]
        if self._direction is not None and rep.direction is not self._direction:
            return [*scene.wrong_way()]
        self._last_rad = abs(rep.peak_rad)
        scene.reached(rep.direction, rep.peak_rad)
        if self._demonstrating:
            scene.shown.append(rep)
        scene.counted.append(rep.n)
        return [*self._told(), *self._reference()]

    def _reference(self) -> list[Said]:
        """Take the first controlled ones as the person's own standard, once."""
        scene, shown = self.scene, self.scene.drill.demonstrate
        if not shown or self._set > 1 or scene.controlled != shown:
            return []
        own = [rep for rep in scene.shown if rep.n not in scene.taken]
        scene.target_rad = scene.target_rad or median(abs(rep.peak_rad) for rep in own)
        mark = scene.mark(MarkKind.REFERENCE, {"reps": [rep.n for rep in own]})
        return [mark, scene.say("reference")] if self.count < self._target else [mark]

    def _figures(self, done: SetDone) -> list[Said]:
        """Tell warming up and fatigue, where the set was long enough to show them."""
        scene = self.scene
        changes = (("warm", done.warm_up), ("tired", done.range_change))
        told = [
            scene.text(f"set.{name}.{'more' if change > 0.0 else 'less'}", percent=f"{abs(change):.0%}")
            for name, change in changes
            if change is not None and abs(change) >= CHANGED
        ]
        if done.warm_up is None:
            return []
        return [scene.say("set.figures", what=", ".join(told) or scene.text("set.same"))]

    def _told(self) -> list[Said]:
        scene, n = self.scene, self.count
        left = self._target - n
        if n == self._early and left != 0:
            return []
        if not self._target or left > 3 or (left > 0 and scene.free):
            return [scene.say("count", "counted", n=n)]
        if left > 1:
            return [scene.say("count.left" if left == 3 else "count", "counted", n=n, left=left)]
        if left == 1:
            return [scene.say("count.last", "counted", n=n)]
        if scene.free:
            self.done = True
            return [scene.say("count.done", "target", n=n)]
        # what the set was like is known once it is closed, which the mark does
        self._over, self._over_ns = True, scene.t_ns
        last = self._set == self._sets
        said = scene.say("count.done", "target", n=n) if last else scene.say("set-done", "set-done", n=n)
        return [said, scene.mark(MarkKind.COUNT, {"on": False})]

    def _correct(self, corrected: Corrected) -> list[Said]:
        """Follow what a person took back or brought back, and say the count there is now."""
        scene = self.scene
        if not corrected.reps:
            return [scene.say(f"{corrected.kind}.nothing", "rejected")]
        scene.corrected(corrected)
        return [scene.say(corrected.kind, "tick", n=self.count)]
