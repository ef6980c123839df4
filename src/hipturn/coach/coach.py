"""The coach: leads through one session. Pure: inputs and outputs in; prompts, what is shown and marks out.

It never asks what time it is: stream time comes with the samples. What it decides enters the
stream as `Mark`s, so that a replay needs no coach to come to the same results.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from hipturn.coach.calibrating import Calibrate, Tare
from hipturn.coach.counting import Reps
from hipturn.coach.drill import Drill
from hipturn.coach.holding import Stretch, Trial
from hipturn.coach.phases import PHASES, Phase
from hipturn.coach.posing import Pose, Poses
from hipturn.coach.prompts import Show, Step, Timer
from hipturn.coach.scene import AFRESH, NOTHING, Against, Before, Said, Scene, Slipped, Stage
from hipturn.coach.steps import counting, steps
from hipturn.coach.summary import summary, tested
from hipturn.coach.waiting import Ask, Wait
from hipturn.core import results
from hipturn.core.progress import Tested
from hipturn.model import (
    Calibrated,
    Corrected,
    HipAngle,
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Orientation,
    Output,
    SessionStart,
    SetDone,
    Side,
    Slip,
    Tapped,
)
from hipturn.units import NS_PER_S, RAD_PER_DEG


class Coach:
    """Leads one leg through a drill, or through calibration and `reps` repetitions (0: until stopped)."""

    def __init__(
        self,
        stream: str,
        side: Side,
        reps: int = 0,
        position: str | None = None,
        *,
        drill: Drill | None = None,
        language: str = "en",
        other_leg: bool = False,
        safety: bool = False,
        against: Against = NOTHING,
        before: Before = AFRESH,
        at_turn: bool = False,
    ) -> None:
        """Lead through `drill` with `reps` in place of its own number where that is not 0.

        `other_leg`: the strap was on the other leg before. `safety`: say the safety words first. `against`:
        what the person chose to see a result against. `before`: how they came out of what they did before.
        `at_turn`: a repetition is counted aloud at its turn; otherwise at its end.
        """
        free = drill is None
        drill = counting(reps, position) if drill is None else replace(drill, reps=reps or drill.reps)
        self._scene = Scene(stream, side, drill, language, free, against.of(drill.position), at_turn)
        self._scene.warmed_up, self._scene.pain = before.warmed_up, before.pain
        target_deg = float(drill.settings.get("reps.target_deg") or 0.0)
        self._scene.target_rad = target_deg * RAD_PER_DEG or None
        self._poses = Poses()
        self._kept = 0
        """How far a pose is kept that the person has heard a sound for."""
        self._told_poses = self._undone = False
        self._told_battery = False
        self._trials: dict[int, tuple[Trial, results.Trial]] = {}
        """By the number of the repetition: the step, and what came out."""
        self._taken: results.Trial | None = None
        """The trial that was taken back last."""
        self._safety, self._other_leg = safety, other_leg
        self._stages: Iterator[Stage] = iter(())
        self._stage: Stage | None = None
        self._aside: Stage | None = None
        self._paused_ns: int | None = None
        self._bpm = 0
        self._beat_ns = 0
        self._result: dict[str, Any] | None = None
        self._shown: Show | None = None

    @property
    def phase(self) -> Phase:
        """Where the person is."""
        return PHASES.get(self.step, Phase.DRILL)

    @property
    def step(self) -> Step:
        """Where the person is, as a screen needs to know it."""
        if self._result is not None:
            return "done"
        if self._paused_ns is not None:
            return "paused"
        stage = self._aside or self._stage
        return "waiting" if stage is None else stage.step

    @property
    def completed(self) -> bool:
        """Whether the session came to its own end: nobody and no pain ended it before."""
        return self._result is not None and not self._scene.stopped

    @property
    def pain(self) -> int:
        """The strongest pain that was told."""
        return self._scene.pain

    def remember(self, past: Sequence[Tested], today: int) -> None:
        """Take in this person's earlier tests with the same sensor and filter, to tell what changed."""
        self._scene.past, self._scene.today = tuple(past), today

    def renumbered(self) -> None:
        """Know that the session goes on in another recording, in which the first repetition is 1 again."""
        self._scene.settle()
        self._scene.shown.clear()
        self._trials.clear()

    @property
    def controlled(self) -> int:
        """How many repetitions count towards the target."""
        return self._scene.controlled

    @property
    def result(self) -> dict[str, Any] | None:
        """What came out, once the session is done."""
        return self._result

    def push(self, item: Input | Output) -> list[Said]:
        """Return what to tell the person, what to show, and what to put into the stream."""
        if getattr(item, "stream", self._scene.stream) != self._scene.stream:
            return []
        if isinstance(item, Orientation):
            self._scene.t_ns = int(item.t_ns[-1])
        said = self._heard(item)
        said += self._go_on()
        # what is shown changes only with something that is said
        return said + self._show() if said else said

    # --- what everything listens to ---------------------------------------------------------------

    def _heard(self, item: Input | Output) -> list[Said]:
        scene = self._scene
        match item:
            case SessionStart():
                scene.movement = "passive" if item.movement == "passive" else "active"
            case LinkUp():
                return self._linked(item)
            case LinkDown() if item.reason != "stopped" and self._result is None:
                return [scene.say("lost", "lost")]
            case Calibrated():
                scene.observability = item.observability
                scene.heading_dependent = item.heading_dependent
            case Mark():
                return self._told(item)
            case HipAngle():
                if posed := self._pose(item):
                    return posed
            case Tapped(button=True) if self._result is None:
                resting = self._paused_ns is not None or isinstance(self._stage, Wait)
                return self._on() if resting else self._pause()
            case Tapped() if self._result is None and self._poses.neutral:
                # listened to only in rests and pauses: on to the next, or on after a pause
                return self._on()
            case SetDone():
                # corrections reach back into the set before and no further
                scene.settle(item.first)
            case Slip() if self._result is None and self._aside is None and self._paused_ns is None:
                if scene.free:
                    return [scene.say("slip.free", "trouble")]
                if isinstance(self._stage, Reps | Trial | Stretch | Wait):
                    tried, done = len(scene.trials), scene.controlled
                    scene.slips.append(Slipped(scene.t_ns, item.tilt_rad, tried, done))
                    return self._step_aside(Tare(scene, "slip"))
        if isinstance(item, Corrected):
            self._undone = item.kind == "undo" and bool(item.reps)
            if not scene.free and not isinstance(self._stage, Reps):
                return self._corrected(item)
        if self._paused_ns is not None or self._result is not None:
            return self._late(item)
        stage = self._aside or self._stage
        out = [] if stage is None else stage.push(item)
        return out + self._beat(item)

    def _late(self, item: Input | Output) -> list[Said]:
        """Corrections are possible in a pause and at the end, too."""
        if isinstance(item, Corrected) and isinstance(self._stage, Reps):
            return self._stage.push(item)
        return []

    def _corrected(self, corrected: Corrected) -> list[Said]:
        """Take back the last trial, which is then done once more, or bring it back."""
        scene = self._scene
        if self._result is not None:
            return []
        stage = self._stage
        if stage is None:
            return []
        if corrected.kind == "undo" and (done := self._trial_of(corrected.reps)) is not None:
            first, trial = done
            scene.take_back(trial)
            self._taken = trial
            # the one in progress is begun anew after it
            self._stages = chain([stage.anew if isinstance(stage, Trial) else stage], self._stages)
            self._stage = first.anew
            return [scene.say("undo.trial", "tick"), *self._asked()]
        if corrected.kind == "redo" and corrected.reps and self._taken is not None:
            trial, self._taken = self._taken, None
            scene.trials.append(trial)
            scene.reached(trial.direction, trial.value_rad)
            self._stage = next(self._stages)
            return [scene.say("redo.trial", "tick"), *self._asked()]
        if scene.corrected(corrected):
            # of the set before, in the rest after it
            return [scene.say(corrected.kind, "tick", n=scene.controlled)]
        return [scene.say(f"{corrected.kind}.nothing", "rejected")]

    def _asked(self) -> list[Said]:
        """Ask for what is to be done now; in a pause that is done when it is over."""
        return [] if self._stage is None or self._paused_ns is not None else self._stage.begin()

    def _trial_of(self, reps: Sequence[int]) -> tuple[Trial, results.Trial] | None:
        """Return the step and the value of a trial that was one of these repetitions."""
        if not isinstance(self._stage, Trial | Ask):
            return None
        return next((self._trials.pop(n) for n in reps if n in self._trials), None)

    def _linked(self, up: LinkUp) -> list[Said]:
        if self._result is not None:
            return []
        scene, first = self._scene, self._stage is None
        scene.info = up.info
        if not first:
            stage = self._aside or self._stage
            back = [] if stage is None else stage.linked()
            if scene.heading_dependent and not isinstance(stage, Calibrate):
                # the new filter faces another way, and nothing but a new zero tells it which
                back += self._step_aside(Tare(scene, "tare.back"))
            return back
        self._stages = steps(scene, self._other_leg)
        out: list[Said] = [scene.mark(MarkKind.SIDE, {"side": scene.side.value})]
        if not scene.free:
            out.append(scene.say("connected", "connected"))
            if self._safety:
                out.append(scene.say("safety"))
        return out + self._next()

    def _told(self, mark: Mark) -> list[Said]:
        """Do what a person asked for, by page, key, button or tap."""
        if self._result is not None:
            return []
        match mark.kind:
            case MarkKind.PAUSE if self._paused_ns is None:
                return self._pause()
            case MarkKind.STOP:
                return self._stop()
            case MarkKind.BATTERY if not self._told_battery:
                self._told_battery = True
                return [self._scene.say("battery-low", "battery-low")]
            case MarkKind.RESUME if self._paused_ns is not None:
                return self._resume()
            case MarkKind.SKIP:
                return self._on()
            case MarkKind.TARE if self._scene.calibration is not None and self._aside is None:
                return self._step_aside(Tare(self._scene, "tare"))
            case MarkKind.METRONOME:
                self._bpm, self._beat_ns = int(mark.value.get("bpm", 0)), self._scene.t_ns
                return [self._scene.say(f"metronome.{'on' if self._bpm else 'off'}", bpm=self._bpm)]
            case MarkKind.ANSWER if isinstance(self._stage, Ask):
                return self._stage.push(mark)
        return []

    def _pose(self, block: HipAngle) -> list[Said]:
        """Watch for a pose; in a pause one hears how long it is kept, which decides what it means."""
        pose = self._poses.push(block, self._scene)
        before, self._kept = self._kept, self._poses.reached
        if pose is not None:
            return self._posed(pose)
        heard = self._kept > before and self._paused_ns is not None and not self._scene.free
        return [self._scene.sound("tick")] if heard else []

    def _posed(self, pose: Pose) -> list[Said]:
        """Do what a pose means now: inwards goes on, outwards pauses.

        In a pause outwards ends the session, and inwards for long takes the last one back, or brings it back.
        """
        stage, paused = self._stage, self._paused_ns is not None
        if self._result is not None or self._aside is not None or self._scene.free:
            return []
        match pose:
            case "in-long" if paused:
                return [self._scene.mark(MarkKind.REDO if self._undone else MarkKind.UNDO)]
            case "in" | "in-long" if paused or (isinstance(stage, Wait) and stage.step == "rest"):
                return self._on()
            case "out" if paused:
                return self._stop()
            case "out" if isinstance(stage, Wait) or (isinstance(stage, Reps) and stage.one_way):
                told, self._told_poses = self._told_poses, True
                return self._pause("paused" if told else "paused.pose")
        return []

    def _on(self) -> list[Said]:
        return self._resume() if self._paused_ns is not None else self._skip()

    def _pause(self, key: str = "paused") -> list[Said]:
        scene = self._scene
        self._paused_ns = scene.t_ns
        self._poses.begin()
        off, listen = scene.mark(MarkKind.COUNT, {"on": False}), scene.mark(MarkKind.LISTEN, {"on": True})
        return [off, listen, scene.say(key, "tick")]

    def _stop(self) -> list[Said]:
        """End the session: what was done until now is its result."""
        self._scene.stopped = True
        self._paused_ns = self._aside = None
        return self._next()

    def _resume(self) -> list[Said]:
        """Go on after a pause; the time of the pause does not count."""
        scene = self._scene
        paused_ns, self._paused_ns = self._paused_ns or scene.t_ns, None
        self._undone = False
        for stage in (self._stage, self._aside):
            if stage is not None:
                stage.shifted(scene.t_ns - paused_ns)
        stage = self._stage
        count = [] if isinstance(stage, Wait | Ask) else [scene.mark(MarkKind.COUNT, {"on": True})]
        resting = isinstance(stage, Wait) and stage.step == "rest"
        listen = [] if resting else [scene.mark(MarkKind.LISTEN, {"on": False})]
        again = [] if stage is None or self._aside is not None else stage.resumed()
        return [*count, *listen, scene.say("resumed", "tick"), *again]

    def _skip(self) -> list[Said]:
        stage = self._aside or self._stage
        return [] if stage is None else stage.skip()

    def _step_aside(self, stage: Stage) -> list[Said]:
        """Do something else first and then go on where it was."""
        self._aside = stage
        return stage.begin()

    def _beat(self, item: Input | Output) -> list[Said]:
        """Keep the tempo, where one was asked for."""
        if not self._bpm or not isinstance(item, Orientation) or not isinstance(self._stage, Reps):
            return []
        every_ns = 60 * NS_PER_S // self._bpm
        if self._scene.t_ns - self._beat_ns < every_ns:
            return []
        self._beat_ns += (self._scene.t_ns - self._beat_ns) // every_ns * every_ns
        return [self._scene.sound("metronome")]

    # --- from step to step ------------------------------------------------------------------------

    def _go_on(self) -> list[Said]:
        """Begin the next step where this one is done."""
        out: list[Said] = []
        if self._aside is not None and self._aside.done:
            self._aside = None
            out += [] if self._stage is None else self._stage.zeroed()
        while self._result is None and self._aside is None and self._stage is not None and self._stage.done:
            out += self._next()
        return out

    def _next(self) -> list[Said]:
        scene = self._scene
        if isinstance(self._stage, Trial) and self._stage.value is not None:
            n, trial = self._stage.value
            self._trials[n] = self._stage, trial
            self._taken = None
        following = None if scene.stopped else next(self._stages, None)
        self._poses.begin()
        if following is not None:
            self._stage = following
            return following.begin()
        self._result = summary(scene)
        if scene.free:
            return []
        return [scene.say("done", "target", sentence=self._result["sentence"])]

    # --- what a screen shows ----------------------------------------------------------------------

    def _show(self) -> list[Said]:
        if self._scene.free and self._stage is None:
            return []
        now = self._now()
        before = self._shown
        if before is not None and replace(before, t_ns=now.t_ns) == now:
            return []
        self._shown = now
        return [now]

    def _now(self) -> Show:
        scene = self._scene
        stage = self._aside or self._stage
        step = self.step
        fields = {} if stage is None or step in ("done", "waiting") else stage.shown()
        if step in ("paused", "waiting"):
            fields["text"] = scene.text(step)
        if step == "done" and self._result is not None:
            fields["text"] = self._result["sentence"]
            fields["result"] = self._result
            found = tested(scene)
            fields["tested"] = None if found is None else found.result
        if (timer := fields.get("timer")) is not None:
            fields["timer"] = Timer(*timer)
        return Show(
            t_ns=scene.t_ns,
            step=step,
            drill=scene.drill.name,
            title=scene.said.title,
            kind=scene.drill.kind,
            side=scene.side,
            position=scene.drill.position,
            language=scene.language,
            **fields,
        )


def marks(said: Sequence[Said], at_ns: HostNs) -> list[Mark]:
    """Return the marks among what the coach said, stamped with the arrival that led to them."""
    return [Mark(m.stream, at_ns, m.kind, m.value) for m in said if isinstance(m, Mark)]
