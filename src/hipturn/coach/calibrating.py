"""The calibration, guided: a still hold, slow rotations, and where nothing else tells it the direction."""

from typing import Any, Literal

import numpy as np

from hipturn.coach.scene import Lately, Said, Scene, Stage
from hipturn.core import calibration as calibrations
from hipturn.core import quaternion
from hipturn.core.calibration import STILL_RADPS, angular_rate
from hipturn.core.carry import carried
from hipturn.core.zero import (
    NO_KNEE_RAD,
    RIGHT_ANGLE_RAD,
    held_plumb,
    knee_flexion,
    knee_off,
    with_gravity_zero,
)
from hipturn.errors import CalibrationRefused
from hipturn.model import (
    Calibration,
    Direction,
    FloatArray,
    Gap,
    Input,
    MarkKind,
    Orientation,
    Output,
)
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

HOLD_NS = 5 * NS_PER_S
"""The gyroscope's bias is averaged over this long: 3 s leave a third more of its noise."""
TARE_NS = 7 * NS_PER_S // 10
"""Then, with the bias known to the filter, the zero over this long: taken before, it is off by half a
degree at a bias of 1 °/s."""
BEEPS_NS = tuple(n * NS_PER_S for n in (2, 3, 4))
"""Three beeps in the hold, and at the next one the zero is taken."""
NUDGE_NS = 12 * NS_PER_S
"""Somebody who has not been still for so long is told again what to do."""
OUT_RAD, HOME_RAD = 10.0 * RAD_PER_DEG, 5.0 * RAD_PER_DEG
"""A calibration rotation has gone this far out, and come home that near."""
LONG_GAP_NS = 3 * NS_PER_S // 10
"""A gap in the calibration that interpolation cannot bridge: the same as `FusionParams.max_gap_s`."""
ROTATIONS = 3
SETTLED_NS = NS_PER_S // 2
"""The calibration ends at rest: the leg has kept still this long after the last rotation."""


class Stillness:
    """Collects a hold: movement begins it anew."""

    def __init__(self, gyr_bias: FloatArray | None = None) -> None:
        self.gyr_bias = gyr_bias
        self.blocks: list[Orientation] = []
        self._last: Orientation | None = None

    @property
    def held_ns(self) -> int:
        """How long it has lasted."""
        return int(self.blocks[-1].t_ns[-1] - self.blocks[0].t_ns[0]) if self.blocks else 0

    def push(self, block: Orientation) -> None:
        """Take the next samples."""
        if self.moving(block):
            self.blocks = []
        else:
            self.blocks.append(block)
        self.last(block)

    def last(self, block: Orientation) -> None:
        """Note the newest sample, which the next is compared with."""
        newest = int(block.t_ns[-1])
        self._last = calibrations.window(block, newest, newest + 1)

    def moving(self, block: Orientation) -> bool:
        """Return whether any of it is faster than a still leg."""
        if block.gyr_radps is None and self._last is not None:
            # without a gyroscope a single sample says nothing of movement
            block = calibrations.join([self._last, block])
        deviation = angular_rate(block) - self._bias()
        return bool((np.sqrt(quaternion.dot(deviation, deviation)) > STILL_RADPS).any())

    def _bias(self) -> FloatArray:
        """Return the mean rate of the hold so far: a bias of 1 °/s must not look like movement."""
        if self.gyr_bias is not None:
            return self.gyr_bias
        if not self.blocks:
            return np.zeros(3)
        return np.asarray(angular_rate(self.blocks[0]).mean(axis=0))

    def take(self) -> Orientation:
        """Return the hold and begin anew."""
        hold, self.blocks = calibrations.join(self.blocks), []
        return hold


class Calibrate(Stage):
    """Hold, rotations, direction."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._knee_told = False
        self.restart()

    def restart(self) -> None:
        """Begin anew with the hold."""
        self.step: Literal["hold", "rotations", "direction"] = "hold"
        self._still = Stillness()
        self._moved: Lately[Orientation] = Lately()
        self._hold: Orientation | None = None
        self._q0: FloatArray | None = None
        self._undirected: Calibration | None = None
        self._still_since_ns: int | None = None
        self._nudged_ns: int | None = None
        self._beeps = 0
        self._away = False
        self._turns = 0

    def begin(self) -> list[Said]:
        """Ask for the hold."""
        scene = self.scene
        if scene.free:
            return [
                scene.say("connected.hold", "connected", side=scene.text(scene.side.value), still=scene.still)
            ]
        return [scene.say("hold", still=scene.still)]

    def linked(self) -> list[Said]:
        """Begin anew: what was held before the link broke is of another chain."""
        self.restart()
        scene = self.scene
        return [
            scene.say("connected.hold", "connected", side=scene.text(scene.side.value), still=scene.still)
        ]

    def shifted(self, by_ns: int) -> None:
        """After a pause the hold begins anew."""
        self.restart()

    def skip(self) -> list[Said]:
        """Say again what to do: a calibration cannot be left out."""
        return [self.scene.say(self.step, **self._words)]

    def shown(self) -> dict[str, Any]:
        """Return what to do."""
        shown: dict[str, Any] = {"text": self.scene.text(self.step, **self._words)}
        if self.step != "hold":
            wanted = 1 if self.step == "direction" else ROTATIONS
            shown |= {"count": self._turns, "target": wanted, "direction": Direction.INTERNAL}
        return shown

    @property
    def _words(self) -> dict[str, Any]:
        """What stands in the words of the steps."""
        return {"n": ROTATIONS, "outwards": self.scene.outwards, "still": self.scene.still}

    def push(self, item: Input | Output) -> list[Said]:
        """Watch the hold and the rotations."""
        match item:
            case Gap() if item.cause != "link" and item.end_ns - item.start_ns > LONG_GAP_NS:
                # after a lost link the new one has begun anew already
                self.restart()
                return [self.scene.say("gap", "rejected", still=self.scene.still)]
            case Orientation():
                said = self._wait_still(item) if self.step == "hold" else self._watch_rotations(item)
                self._still.last(item)
                return said
        return []

    def _wait_still(self, block: Orientation) -> list[Said]:
        """Collect a hold, first for the bias and then for the zero; movement starts it anew."""
        still, scene = self._still, self.scene
        still.push(block)
        if not still.blocks:
            self._beeps = 0
            self._nudged_ns = self._nudged_ns or scene.t_ns
            if not scene.free and scene.t_ns - self._nudged_ns > NUDGE_NS:
                self._nudged_ns = scene.t_ns
                return [scene.say("hold.moving")]
            return []
        if still.gyr_bias is None:
            out: list[Said] = []
            if not scene.free and self._beeps < len(BEEPS_NS) and still.held_ns >= BEEPS_NS[self._beeps]:
                self._beeps += 1
                out.append(scene.sound("tick"))
            if still.held_ns < HOLD_NS:
                return out
            still.gyr_bias = scene.gyr_bias = angular_rate(still.take()).mean(axis=0)
            if not scene.free:
                out.append(scene.sound("tare-start"))
            return [*out, scene.mark(MarkKind.BIAS, {"gyr_bias_radps": still.gyr_bias.tolist()})]
        if still.held_ns < TARE_NS:
            return []
        self._hold = still.take()
        self._q0 = quaternion.mean(self._hold.q_earth_from_sensor)
        self.step = "rotations"
        return [scene.say("rotations", "tare-done", n=ROTATIONS)]

    def _watch_rotations(self, block: Orientation) -> list[Said]:
        """Count rotations out and home; go on when there are enough and the leg is at rest."""
        if self._q0 is None or self._hold is None:
            return []
        scene = self.scene
        self._moved.push(block)
        relative = quaternion.multiply(quaternion.conjugate(self._q0), block.q_earth_from_sensor)
        turn = quaternion.to_rotation_vector(relative)
        out: list[Said] = []
        for angle in np.sqrt(quaternion.dot(turn, turn)).tolist():
            if not self._away and angle > OUT_RAD:
                self._away = True
            elif self._away and angle < HOME_RAD:
                self._away = False
                self._turns += 1
                out.append(scene.say("tick", "tick", n=self._turns))
        wanted = 1 if self.step == "direction" else ROTATIONS
        if self._turns < wanted or self._away or self._still.moving(block):
            self._still_since_ns = None
            return out
        self._still_since_ns = self._still_since_ns or int(block.t_ns[0])
        if int(block.t_ns[-1]) - self._still_since_ns < SETTLED_NS:
            return out
        moved = calibrations.join(self._moved.take())
        self._turns, self._still_since_ns = 0, None
        try:
            if self._undirected is not None:
                asked = Direction.INTERNAL
                return out + self._end(
                    calibrations.directed(self._undirected, moved, asked=asked, side=scene.side)
                )
            return out + self._calibrate(self._hold, moved)
        except CalibrationRefused as refusal:
            self.restart()
            why = scene.text(f"refused.{refusal.why}", **refusal.values)
            return [*out, scene.say("again", "rejected", why=why)]

    def _calibrate(self, hold: Orientation, rotations: Orientation) -> list[Said]:
        """Finish, or ask for the direction first where the sensor's case does not tell it."""
        scene = self.scene
        calibration = calibrations.functional(
            hold,
            rotations,
            outward_normal_sensor=scene.info.outward_normal_sensor if scene.info else None,
            side=scene.side,
            gyr_bias_radps=self._still.gyr_bias if self._still.gyr_bias is not None else np.zeros(3),
        )
        if calibration.sign == "assumed":
            self._undirected, self.step = calibration, "direction"
            return [scene.say("direction", "tare-done", outwards=scene.outwards)]
        return self._end(calibration)

    def _zeroed(self, calibration: Calibration) -> Calibration:
        """Return the calibration with the zero that the drill asks for."""
        scene = self.scene
        if scene.drill.zero != "gravity":
            return calibration
        if scene.shank_axis is not None:
            try:
                plumb = with_gravity_zero(calibration, scene.shank_axis)
            except CalibrationRefused:
                plumb = None
            knee = None if plumb is None else knee_flexion(plumb)
            if plumb is not None and knee is not None and abs(knee - RIGHT_ANGLE_RAD) < NO_KNEE_RAD:
                scene.knee_rad = knee
                return plumb
            # what was taken for standing was none
            scene.shank_axis = None
        return held_plumb(calibration)

    def _end(self, calibration: Calibration) -> list[Said]:
        scene = self.scene
        calibration = self._zeroed(calibration)
        if scene.knee_rad is not None and knee_off(scene.knee_rad) and not self._knee_told:
            self.restart()
            self._knee_told = True
            return [
                scene.say(
                    "knee.first", "rejected", knee=f"{scene.knee_rad * DEG_PER_RAD:.0f}", still=scene.still
                )
            ]
        scene.calibration, self.done = calibration, True
        mark = scene.mark(MarkKind.CALIBRATION, calibrations.to_dict(calibration))
        grade = scene.text(calibration.grade)
        if scene.drill.kind != "drill":
            return [mark, scene.say("calibrated.test", "tare-done", grade=grade)]
        if scene.drill.reps:
            return [mark, scene.say("calibrated", "tare-done", grade=grade, n=scene.drill.reps)]
        return [mark, scene.say("calibrated.begin", "tare-done", grade=grade)]


class Tare(Stage):
    """A new zero after the strap has moved: the axis is carried over, because the leg is the same."""

    step = "hold"

    def __init__(self, scene: Scene, key: Literal["slip", "tare", "tare.back"]) -> None:
        super().__init__(scene)
        self._key = key
        # whoever has to come back first needs longer to be there
        self._wanted_ns = 4 * TARE_NS if key == "tare.back" else TARE_NS
        self._still = Stillness(scene.gyr_bias)

    def begin(self) -> list[Said]:
        """Ask for stillness."""
        return [self.scene.say(self._key, "trouble" if self._key == "slip" else "tare-start")]

    def shown(self) -> dict[str, Any]:
        """Return what to do."""
        return {"text": self.scene.text(self._key)}

    def push(self, item: Input | Output) -> list[Said]:
        """Take the zero once the leg has been still."""
        scene = self.scene
        match item:
            case Gap() if item.end_ns - item.start_ns > LONG_GAP_NS:
                self._still.blocks = []
            case Orientation() if scene.calibration is not None:
                self._still.push(item)
                if self._still.held_ns >= self._wanted_ns:
                    self.done = True
                    scene.calibration = carried(scene.calibration, self._still.take())
                    value = calibrations.to_dict(scene.calibration)
                    return [scene.mark(MarkKind.CALIBRATION, value), scene.say("tared", "tare-done")]
        return []
