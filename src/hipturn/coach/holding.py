"""End ranges that are held: the trials of a test, and stretches."""

from collections import deque
from typing import Any

import numpy as np

from hipturn.coach.scene import GENTLE_PAIN, Lately, Said, Scene, Stage
from hipturn.core import results
from hipturn.core.trace import joined
from hipturn.core.zero import knee_now, knee_off
from hipturn.model import Direction, Gap, HipAngle, Hold, Input, Output, Rep, StreamNs, Verdict
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

LEAST_RAD = 5.0 * RAD_PER_DEG
"""A hold nearer to neutral is rest."""
KNEE_NS = NS_PER_S // 2
"""A knee is told of when it is off for so long: at the turn it swings for a moment."""
LOST_NS = NS_PER_S // 2
"""A longer gap within a hold leaves nobody knowing where the leg was."""
TICK_S = 5.0
"""A stretch is told to be still held this often."""
STRETCH_RAD = 5.0 * RAD_PER_DEG
"""In a stretch the leg may sink and settle by this much from second to second."""


class Held:
    """Watches for the leg to stay out: seconds held, in `direction`."""

    def __init__(self, direction: Direction, within_rad: float) -> None:
        self._sign = 1.0 if direction is Direction.INTERNAL else -1.0
        self._within = within_rad
        self._last: deque[tuple[int, float]] = deque()
        self._since_ns: int | None = None
        self.angle_rad = 0.0
        self.best_rad = 0.0

    def restart(self) -> None:
        """Begin anew: data were lost."""
        self._last.clear()
        self._since_ns = None

    def push(self, block: HipAngle) -> float:
        """Return for how many seconds the leg has been held out, 0 while it is not."""
        for t_ns, angle in zip(block.t_ns.tolist(), block.angle_rad.tolist(), strict=True):
            self.angle_rad = self._sign * angle
            self._last.append((t_ns, self.angle_rad))
            while t_ns - self._last[0][0] > NS_PER_S:
                self._last.popleft()
        low, high = min(a for _, a in self._last), max(a for _, a in self._last)
        whole = self._last[-1][0] - self._last[0][0] > 0.9 * NS_PER_S
        if not whole or high - low > self._within or low < LEAST_RAD:
            self._since_ns = None
            return 0.0
        self.best_rad = max(self.best_rad, (low + high) / 2.0)
        if self._since_ns is None:
            self._since_ns = self._last[0][0]
        return (self._last[-1][0] - self._since_ns) / NS_PER_S


class Trial(Stage):
    """One end range of a test, held for some seconds, told in degrees; not held, it is repeated."""

    step = "trial"

    def __init__(self, scene: Scene, direction: Direction, n: int, of: int) -> None:
        super().__init__(scene)
        self._direction, self._n, self._of = direction, n, of
        self._held = Held(direction, 2.0 * results.HELD_RAD)
        self._blocks: Lately[HipAngle] = Lately()
        self._ticks = 0
        self._back = False
        self._last_rad: float | None = None
        self.value: tuple[int, results.Trial] | None = None
        """What came out, and the number of the repetition it was."""
        self._knee_since_ns: int | None = None
        self._warning: str | None = None

    def begin(self) -> list[Said]:
        """Ask for the movement."""
        self._held.restart()
        self._blocks, self._ticks, self._back = Lately(), 0, False
        return [self.scene.say("trial.go", move=self.scene.move(self._direction))]

    def zeroed(self) -> list[Said]:
        """By a new zero the trial is begun anew."""
        return self.begin()

    def resumed(self) -> list[Said]:
        """After a pause as well."""
        return self.begin()

    @property
    def anew(self) -> "Trial":
        """The same trial once more."""
        return Trial(self.scene, self._direction, self._n, self._of)

    def linked(self) -> list[Said]:
        """After a lost link the trial is repeated."""
        return [self.scene.say("back", "connected"), *self.begin()]

    def shown(self) -> dict[str, Any]:
        """Return which trial it is, and how far the others went."""
        scene = self.scene
        best = scene.best.get(self._direction)
        return {
            "text": scene.text(
                "trial.show",
                direction=scene.text(self._direction.value),
                n=self._n,
                of=self._of,
                move=scene.move(self._direction),
            ),
            "direction": self._direction,
            "trial": self._n,
            "trials": self._of,
            "best_rad": best if scene.pain < GENTLE_PAIN else None,
            "last_rad": self._last_rad,
            "reference_rad": self._reference(),
            "warning": self._warning,
        }

    def _reference(self) -> float | None:
        """Return the mean of the group the person chose to see; nothing to beat for whoever is in pain."""
        group = self.scene.against.group
        if group is None or self.scene.pain >= GENTLE_PAIN:
            return None
        spread = group.internal if self._direction is Direction.INTERNAL else group.external
        return None if spread is None else spread.mean_rad

    def push(self, item: Input | Output) -> list[Said]:
        """Watch the hold; the repetition that ends with the return gives the value."""
        match item:
            case HipAngle():
                self._blocks.push(item)
                return [*self._knee(item), *self._watch(item)]
            case Gap() if item.cause != "link" and item.end_ns - item.start_ns > LOST_NS:
                return [self.scene.say("trial.lost", "rejected"), *self.begin()]
            case Rep() if item.direction is not self._direction:
                return [*self.scene.wrong_way()]
            case Rep():
                return self._over(item)
        return []

    def _watch(self, block: HipAngle) -> list[Said]:
        held_s = self._held.push(block)
        if self._back or held_s < results.HELD_S:
            return []
        if held_s >= self.scene.drill.hold_s:
            self._back = True
            return [self.scene.say("trial.back", "target")]
        if int(held_s) > self._ticks:
            self._ticks = int(held_s)
            return [self.scene.sound("tick")]
        return []

    def _knee(self, block: HipAngle) -> list[Said]:
        """Warn, once a trial, of a knee that has left the right angle: it must be one in a test."""
        scene, now_ns = self.scene, int(block.t_ns[-1])
        if scene.calibration is None or scene.heading_dependent:
            return []
        off = knee_off(knee_now(scene.calibration, scene.knee_rad, float(block.off_axis_rad[-1])))
        if not off:
            self._knee_since_ns = None
            return []
        self._knee_since_ns = self._knee_since_ns or now_ns
        if self._warning is not None or now_ns - self._knee_since_ns < KNEE_NS:
            return []
        self._warning = scene.text("knee")
        return [scene.say("knee", "trouble")]

    def _over(self, rep: Rep) -> list[Said]:
        scene = self.scene
        if rep.verdict is Verdict.VOID:
            return [scene.say("trial.lost", "rejected"), *self.begin()]
        found = results.trials(joined(self._blocks.take()), [rep])
        if not self._back or not found:
            return [scene.say("trial.again", "rejected"), *self.begin()]
        (trial,) = found
        scene.trials.append(trial)
        scene.reps[rep.verdict] += 1
        scene.reached(self._direction, trial.value_rad)
        self._last_rad, self.done, self.value = trial.value_rad, True, (rep.n, trial)
        return [scene.say("trial.value", "counted", value=f"{trial.value_rad * DEG_PER_RAD:.0f}")]


class Stretch(Stage):
    """A stretch held for its time, with what was gained; leaving it early ends it."""

    step = "stretch"

    def __init__(self, scene: Scene, n: int, of: int) -> None:
        super().__init__(scene)
        self._direction = scene.drill.directions[0]
        self._n, self._of = n, of
        self._held = Held(self._direction, STRETCH_RAD)
        self._from_rad: float | None = None
        self._half = self._back = False
        self._ticks = 0
        self._ends_ns: int | None = None
        self._held_s = 0.0
        self._angles: list[tuple[int, float]] = []

    def begin(self) -> list[Said]:
        """Ask for the stretch."""
        return [self.scene.say("stretch.go", move=self.scene.move(self._direction))]

    def shifted(self, by_ns: int) -> None:
        """After a pause it is taken up anew."""
        self._held.restart()
        self._from_rad, self._ends_ns, self._half, self._ticks = None, None, False, 0
        self._angles.clear()

    def zeroed(self) -> list[Said]:
        """By a new zero the stretch is begun anew, unless it was over."""
        if self._back:
            return []
        self.shifted(0)
        return self.begin()

    def resumed(self) -> list[Said]:
        """After a pause it is asked for once more."""
        return [] if self._back else self.begin()

    def linked(self) -> list[Said]:
        """Begin anew: the time in which nobody saw the leg does not count."""
        self.shifted(0)
        return super().linked()

    def shown(self) -> dict[str, Any]:
        """Return the time that is left and the range."""
        scene, hold_s = self.scene, self.scene.drill.hold_s
        text = scene.text("stretch.show", n=self._n, of=self._of, move=scene.move(self._direction))
        return {
            "text": text,
            "direction": self._direction,
            "trial": self._n,
            "trials": self._of,
            "best_rad": scene.best.get(self._direction) if scene.pain < GENTLE_PAIN else None,
            "timer": ("hold", hold_s, self._ends_ns) if self._ends_ns is not None else None,
        }

    def push(self, item: Input | Output) -> list[Said]:
        """Watch the hold."""
        match item:
            case HipAngle():
                return self._watch(item)
        return []

    def _watch(self, block: HipAngle) -> list[Said]:
        scene, wanted_s = self.scene, self.scene.drill.hold_s
        held_s = self._held.push(block)
        if self._back:
            self.done = abs(self._held.angle_rad) < LEAST_RAD
            return []
        if held_s < results.HELD_S:
            if self._from_rad is not None and self._held.angle_rad < LEAST_RAD:
                self._finish()
                return [scene.say("stretch.short", "rejected", seconds=f"{self._held_s:.0f}")]
            return []
        self._angles.append((scene.t_ns, self._held.angle_rad))
        if self._from_rad is None:
            self._from_rad = self._held.angle_rad
            self._ends_ns = scene.t_ns + round((wanted_s - held_s) * NS_PER_S)
            return [scene.sound("tick")]
        self._held_s = held_s
        tick = int(held_s / TICK_S) > self._ticks
        self._ticks = int(held_s / TICK_S)
        scene.reached(self._direction, self._held.best_rad)
        if held_s >= wanted_s:
            return [scene.say("stretch.back", "target"), self._told(self._finish())]
        if not self._half and held_s >= wanted_s / 2.0:
            self._half = True
            return [scene.say("stretch.half", "tick")]
        return [scene.sound("tick")] if tick else []

    def _told(self, hold: Hold) -> Said:
        """Tell what the hold brought and how steady it was."""
        creep, wobble = (round(x * DEG_PER_RAD) for x in (hold.creep_rad, hold.wobble_rad))
        key = "gained" if creep >= 1 else "lost" if creep <= -1 else "kept"
        steady = self.scene.degrees(max(1, wobble))
        return self.scene.say(f"stretch.{key}", value=self.scene.degrees(abs(creep)), steady=steady)

    def _finish(self) -> Hold:
        """Note the hold, by the same formulas as `core.figures.held`."""
        self._back = True
        t_ns, angle = (np.array(each) for each in zip(*self._angles, strict=True))
        t_s = (t_ns - t_ns[0]) / NS_PER_S
        centred = t_s - t_s.mean()
        slope = float(centred @ angle / max(centred @ centred, 1e-9))
        sign = 1.0 if self._direction is Direction.INTERNAL else -1.0
        hold = Hold(
            stream=self.scene.stream,
            start_ns=StreamNs(int(t_ns[0])),
            end_ns=StreamNs(int(t_ns[-1])),
            mean_rad=sign * float(angle.mean()),
            sd_rad=float(angle.std()),
            creep_rad=slope * float(t_s[-1]),
            wobble_rad=float((angle - angle.mean() - slope * centred).std()),
        )
        self.scene.holds.append(hold)
        return hold
