"""A set of repetitions: counted in step, rejected in two words."""

from typing import Any

from hipturn.coach.scene import GENTLE_PAIN, Said, Scene, Stage
from hipturn.model import Corrected, Direction, Input, MarkKind, Output, Rep, Verdict

URGING = "short-range"
"""The reason that asks for more: not said so to somebody in pain."""


class Reps(Stage):
    """So many controlled repetitions; without a target it goes on until stopped."""

    step = "reps"

    def __init__(self, scene: Scene, target: int, set_: int = 1, sets: int = 1) -> None:
        super().__init__(scene)
        self._target, self._set, self._sets = target, set_, sets
        self._taken: list[int] = []
        self._before = 0
        self._last_rad: float | None = None
        self._direction = scene.drill.directions[0] if len(scene.drill.directions) == 1 else None

    @property
    def count(self) -> int:
        """How many of this set count."""
        return len(self.scene.counted) - self._before

    def begin(self) -> list[Said]:
        """Say what to do."""
        scene = self.scene
        self._before = len(scene.counted)
        if scene.free:
            return []
        move = scene.move(self._direction)
        out: list[Said] = [] if self._set == 1 else [scene.mark(MarkKind.COUNT, {"on": True})]
        return [*out, scene.say("reps.begin", set=self._set, sets=self._sets, n=self._target, move=move)]

    def shown(self) -> dict[str, Any]:
        """Return the count, and how far the best and the last went."""
        scene = self.scene
        ways = [self._direction] if self._direction else list(Direction)
        best = [scene.best[way] for way in ways if way in scene.best]
        return {
            "text": scene.text("reps.show", move=scene.move(self._direction)),
            "direction": self._direction,
            "count": self.count,
            "target": self._target or None,
            "set": self._set,
            "sets": self._sets,
            # whoever is in pain is shown nothing to beat
            "best_rad": max(best) if best and scene.pain < GENTLE_PAIN else None,
            "last_rad": self._last_rad,
        }

    def push(self, item: Input | Output) -> list[Said]:
        """Count, or say why not."""
        match item:
            case Rep():
                return self._count(item)
            case Corrected():
                return self._correct(item)
        return []

    def _count(self, rep: Rep) -> list[Said]:
        scene = self.scene
        scene.reps.append(rep)
        if rep.verdict is not Verdict.CONTROLLED:
            reason = rep.reasons[0]
            gentle = ".gentle" if reason == URGING and scene.pain >= GENTLE_PAIN else ""
            return [scene.say(f"reject.{reason}{gentle}", "rejected")]
        if self._direction is not None and rep.direction is not self._direction:
            return [scene.say("reject.direction", "rejected")]
        self._last_rad = abs(rep.peak_rad)
        scene.reached(rep.direction, rep.peak_rad)
        scene.counted.append(rep.n)
        return [*self._reference(), *self._told()]

    def _reference(self) -> list[Said]:
        """Take the first controlled ones as the person's own standard, once."""
        shown = self.scene.drill.demonstrate
        if shown and len(self.scene.counted) == shown:
            return [self.scene.mark(MarkKind.REFERENCE, {"last": shown})]
        return []

    def _told(self) -> list[Said]:
        scene, n = self.scene, self.count
        left = self._target - n
        if not self._target or left > 3 or (left > 0 and scene.free):
            return [scene.say("count", "counted", n=n)]
        if left > 1:
            return [scene.say("count.left" if left == 3 else "count", "counted", n=n, left=left)]
        if left == 1:
            return [scene.say("count.last", "counted", n=n)]
        self.done = True
        if self._set < self._sets:
            return [scene.say("set-done", "set-done", n=n), scene.mark(MarkKind.COUNT, {"on": False})]
        return [scene.say("count.done", "target", n=n)]

    def _correct(self, corrected: Corrected) -> list[Said]:
        """Follow what a person took back or brought back, and say the count there is now."""
        scene = self.scene
        if not corrected.reps:
            return [scene.say(f"{corrected.kind}.nothing", "rejected")]
        there, gone = (
            (scene.counted, self._taken) if corrected.kind != "redo" else (self._taken, scene.counted)
        )
        for n in corrected.reps:
            if n in there:
                there.remove(n)
                gone.append(n)
        return [scene.say(corrected.kind, "tick", n=self.count)]
