"""The steps in which nothing is measured: questions, set-up, rests, rolling, moving the strap."""

from typing import Any, Literal

import numpy as np

from hipturn.coach.prompts import Question
from hipturn.coach.scene import GENTLE_PAIN, STOP_PAIN, Said, Scene, Stage
from hipturn.core import quaternion
from hipturn.core.calibration import STILL_RADPS, angular_rate
from hipturn.model import Input, Mark, MarkKind, Orientation, Output
from hipturn.units import NS_PER_S, RAD_PER_DEG

ANSWER_NS = 20 * NS_PER_S
"""Somebody who does not answer is not waited for any longer, and not asked again."""
SETTLE_NS = 3 * NS_PER_S
"""In position: the leg has been about still for so long,"""
AT_MOST_NS = 45 * NS_PER_S
"""or nobody waits any longer: the hold that follows asks for stillness itself."""
HANDLED_RADPS, HANDLED_NS = 60.0 * RAD_PER_DEG, 3 * NS_PER_S // 2
"""A sensor that is taken off and strapped on elsewhere turns as fast as this for so long in all."""
TOLD_AGAIN_NS = 20 * NS_PER_S


def _fastest(block: Orientation, scene: Scene) -> float:
    """Return the fastest turn in a block, rad/s."""
    rate = angular_rate(block) - (scene.gyr_bias if scene.gyr_bias is not None else np.zeros(3))
    return float(np.sqrt(quaternion.dot(rate, rate)).max()) if len(rate) else 0.0


class Ask(Stage):
    """A question: no answer is one, too."""

    step = "question"

    def __init__(self, scene: Scene, what: Literal["warm", "pain"]) -> None:
        super().__init__(scene)
        self._what = what
        self._ends_ns = 0

    def begin(self) -> list[Said]:
        """Ask."""
        self._ends_ns = self.scene.t_ns + ANSWER_NS
        return [self.scene.say(f"question.{self._what}")]

    def shifted(self, by_ns: int) -> None:
        """Wait as long after a pause."""
        self._ends_ns += by_ns

    def resumed(self) -> list[Said]:
        """Ask once more after a pause."""
        return self.begin()

    def shown(self) -> dict[str, Any]:
        """Return the question."""
        text = self.scene.text(f"question.{self._what}")
        kind: Literal["scale", "yes-no"] = "scale" if self._what == "pain" else "yes-no"
        return {"text": text, "question": Question(self._what, text, kind)}

    def push(self, item: Input | Output) -> list[Said]:
        """Wait for the answer, but not for ever."""
        match item:
            case Mark(kind=MarkKind.ANSWER) if item.value.get("question") == self._what:
                self.done = True
                return self._answer(item.value.get("value"))
            case Orientation() if self.scene.t_ns >= self._ends_ns:
                self.done = True
        return []

    def _answer(self, value: object) -> list[Said]:
        scene = self.scene
        if self._what == "warm":
            scene.warmed_up = bool(value)
            return [scene.say("answer.warm", "tick")]
        if type(value) is not int:
            return []
        scene.pain = max(scene.pain, value)
        out: list[Said] = [scene.say("answer.pain", "tick", value=value)]
        if value >= STOP_PAIN:
            scene.stopped = True
            return [*out, scene.say("pain.stop", "trouble")]
        if value >= GENTLE_PAIN:
            out.append(scene.say("pain.gentle"))
        return out


class Setup(Stage):
    """Getting into position; goes on by itself once the leg is about still."""

    step = "setup"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._begun_ns = self._still_ns = 0

    def begin(self) -> list[Said]:
        """Say how."""
        scene = self.scene
        self._begun_ns = self._still_ns = scene.t_ns
        return [scene.say("setup", **self._words)]

    def shifted(self, by_ns: int) -> None:
        """Wait as long after a pause."""
        self._begun_ns, self._still_ns = self._begun_ns + by_ns, self._still_ns + by_ns

    def shown(self) -> dict[str, Any]:
        """Return how."""
        return {"text": self.scene.text("setup", **self._words)}

    @property
    def _words(self) -> dict[str, Any]:
        said = self.scene.said
        return {"title": said.title, "side": self.scene.text(self.scene.side.value), "setup": said.setup}

    def push(self, item: Input | Output) -> list[Said]:
        """Watch for stillness; a bias of some degrees a second is none of movement."""
        if isinstance(item, Orientation):
            if _fastest(item, self.scene) > 2.0 * STILL_RADPS:
                self._still_ns = self.scene.t_ns
            now = self.scene.t_ns
            self.done = now - self._still_ns >= SETTLE_NS or now - self._begun_ns >= AT_MOST_NS
        return []


class Switch(Stage):
    """Waits until the strap has really been moved to the other leg."""

    step = "switch"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._handled_ns = 0
        self._before_ns = self._told_ns = 0

    def begin(self) -> list[Said]:
        """Say which leg."""
        self._before_ns = self._told_ns = self.scene.t_ns
        return [self.scene.say("switch", "set-done", **self._words)]

    def shown(self) -> dict[str, Any]:
        """Return which leg."""
        return {"text": self.scene.text("switch", **self._words)}

    @property
    def _words(self) -> dict[str, Any]:
        return {"side": self.scene.text(self.scene.side.value), "still": self.scene.still}

    def push(self, item: Input | Output) -> list[Said]:
        """Watch for a sensor that is handled, and tell again where it belongs while it is not."""
        if not isinstance(item, Orientation):
            return []
        scene = self.scene
        if _fastest(item, scene) > HANDLED_RADPS:
            self._handled_ns += min(scene.t_ns - self._before_ns, NS_PER_S // 5)
        self._before_ns = scene.t_ns
        if self._handled_ns >= HANDLED_NS:
            self.done = True
            return [scene.say("switched", "tick")]
        if scene.t_ns - self._told_ns >= TOLD_AGAIN_NS:
            self._told_ns = scene.t_ns
            return [scene.say("switch.same", "trouble", side=scene.text(scene.side.value))]
        return []


class Wait(Stage):
    """Time that runs: a rest between sets, in which taps are commands, or a spot that is rolled."""

    def __init__(self, scene: Scene, kind: Literal["rest", "roll"], seconds: float) -> None:
        super().__init__(scene)
        self.step = "rest" if kind == "rest" else "timer"
        self._kind: Literal["rest", "roll"] = kind
        self._seconds = seconds
        self._ends_ns = 0
        self._warned = False

    def begin(self) -> list[Said]:
        """Say how long, and listen to taps."""
        scene = self.scene
        self._ends_ns = scene.t_ns + round(self._seconds * NS_PER_S)
        listen = [scene.mark(MarkKind.LISTEN, {"on": True})] if self._kind == "rest" else []
        key = "rest.taps" if listen else self._kind
        return [*listen, scene.say(key, move=scene.move(None), seconds=f"{self._seconds:.0f}")]

    def shifted(self, by_ns: int) -> None:
        """End as much later."""
        self._ends_ns += by_ns

    def shown(self) -> dict[str, Any]:
        """Return the time."""
        scene = self.scene
        text = scene.text(self._kind, move=scene.move(None), seconds=f"{self._seconds:.0f}")
        return {"text": text, "timer": (self._kind, self._seconds, self._ends_ns)}

    def push(self, item: Input | Output) -> list[Said]:
        """Wait."""
        scene = self.scene
        if not isinstance(item, Orientation):
            return []
        if scene.t_ns >= self._ends_ns:
            return self._over()
        if not self._warned and self._seconds >= 15.0 and scene.t_ns >= self._ends_ns - 5 * NS_PER_S:
            self._warned = True
            return [scene.say("rest.end", "tick")] if self._kind == "rest" else []
        return []

    def skip(self) -> list[Said]:
        """Go on at once."""
        return self._over()

    def _over(self) -> list[Said]:
        self.done = True
        scene = self.scene
        if self._kind == "rest":
            return [scene.mark(MarkKind.LISTEN, {"on": False})]
        scene.rolled_s += self._seconds
        return [scene.say("roll.end", "tick")]
