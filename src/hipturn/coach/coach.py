"""The coach: guides a calibration and a drill. Pure: inputs and outputs in, prompts and marks out.

It never asks what time it is: stream time comes with the samples. What it decides enters the
stream as `Mark`s, so that a replay needs no coach to come to the same results.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from hipturn.coach.prompts import Prompt, Show
from hipturn.core import calibration as calibrations
from hipturn.core import quaternion
from hipturn.core.calibration import STILL_RADPS, angular_rate
from hipturn.core.positions import placed
from hipturn.errors import CalibrationRefused
from hipturn.model import (
    Calibration,
    Corrected,
    Direction,
    FloatArray,
    Gap,
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Orientation,
    Output,
    Rep,
    Side,
    Slip,
    StreamInfo,
    Verdict,
)
from hipturn.units import NS_PER_S, RAD_PER_DEG

Said = Prompt | Show | Mark


class Phase(StrEnum):
    """Where in a session the person is, in words they understand."""

    WAITING = "waiting for the sensor"
    HOLD = "lie still"
    ROTATIONS = "turn slowly"
    DIRECTION = "show the direction"
    DRILL = "drill"
    DONE = "done"


CALIBRATING = (Phase.HOLD, Phase.ROTATIONS, Phase.DIRECTION)

REASON_WORDS = {
    "too-fast": "too fast",
    "short-range": "further",
    "no-hold": "hold it",
    "off-axis": "knee still",
    "no-return": "come back",
    "compensation": "hip down",
    "data-gap": "data lost",
}
"""Why a repetition did not count, in two words at most."""

HOLD_NS = 5 * NS_PER_S
"""The gyroscope's bias is averaged over this long: 3 s leave a third more of its noise."""
TARE_NS = 7 * NS_PER_S // 10
"""Then, with the bias known to the filter, the zero over this long: taken before, it is off by half a
degree at a bias of 1 °/s."""
OUT_RAD, HOME_RAD = 10.0 * RAD_PER_DEG, 5.0 * RAD_PER_DEG
"""A calibration rotation has gone this far out, and come home that near."""
LONG_GAP_NS = 3 * NS_PER_S // 10
"""A gap in the calibration that interpolation cannot bridge: the same as `FusionParams.max_gap_s`."""
ROTATIONS = 3
SETTLED_NS = NS_PER_S // 2
"""The calibration ends at rest: the leg has kept still this long after the last rotation."""


class Coach:
    """Guides one leg through hold, rotations and `reps` counted repetitions (0: until stopped)."""

    def __init__(self, stream: str, side: Side, reps: int, position: str | None = None) -> None:
        self._stream = stream
        self._side = side
        self._target = reps
        where = placed(position)
        self._outwards = where.outwards if where else "turn the hip inwards, which takes the foot outwards"
        self._undirected: Calibration | None = None
        self.phase = Phase.WAITING
        self._counted: list[int] = []
        self._taken: list[int] = []
        self._info: StreamInfo | None = None
        self._blocks: list[Orientation] = []
        self._hold: Orientation | None = None
        self._q0: FloatArray | None = None
        self._gyr_bias: FloatArray | None = None
        self._still_since_ns: int | None = None
        self._last: Orientation | None = None
        self._away = False
        self._turns = 0
        self._t_ns = 0

    @property
    def controlled(self) -> int:
        """How many repetitions count towards the target."""
        return len(self._counted)

    def push(self, item: Input | Output) -> list[Said]:
        """Return what to tell the person and what to put into the stream."""
        match item:
            case LinkUp() if item.stream == self._stream:
                return self._link(item)
            case LinkDown() if item.stream == self._stream and item.reason != "stopped":
                if self.phase is not Phase.DONE:
                    return [self._prompt("sensor lost, keep still, I am reconnecting", "lost")]
            case Gap() if item.stream == self._stream and self.phase in CALIBRATING:
                # after a lost link the new one has begun anew already
                if item.cause != "link" and item.end_ns - item.start_ns > LONG_GAP_NS:
                    self._restart()
                    return [self._prompt("data was lost: again, lie still", "rejected")]
            case Orientation() if item.stream == self._stream:
                self._t_ns = int(item.t_ns[-1])
                out: list[Said] = []
                if self.phase is Phase.HOLD:
                    out = self._wait_still(item)
                elif self.phase in (Phase.ROTATIONS, Phase.DIRECTION):
                    out = self._watch_rotations(item)
                self._last = calibrations.window(item, self._t_ns, self._t_ns + 1)
                return out
            case Rep() if item.stream == self._stream and self.phase is Phase.DRILL:
                return self._count(item)
            case Corrected() if item.stream == self._stream:
                return self._correct(item)
            case Slip() if item.stream == self._stream and self.phase is Phase.DRILL:
                return [
                    self._prompt("the strap or your pose has moved: the zero is no longer true", "trouble")
                ]
        return []

    def _prompt(self, say: str, earcon: str | None = None) -> Prompt:
        return Prompt(self._t_ns, say, earcon)

    def _mark(self, kind: MarkKind, value: dict[str, object]) -> Mark:
        return Mark(self._stream, HostNs(0), kind, value)

    def _link(self, up: LinkUp) -> list[Said]:
        if self.phase is Phase.DONE:
            return []
        if self.phase is Phase.DRILL:
            # the strap has not moved, and gravity is where it was: the same calibration goes on
            return [self._prompt("sensor back, go on", "connected")]
        first = self._info is None
        self._info, self._last = up.info, None
        self._restart()
        out: list[Said] = [self._prompt(f"connected, {self._side} leg: lie still", "connected")]
        if first:
            out.insert(0, self._mark(MarkKind.SIDE, {"side": self._side.value}))
        return out

    def _restart(self) -> None:
        self.phase = Phase.HOLD
        self._blocks, self._hold, self._q0, self._gyr_bias = [], None, None, None
        self._still_since_ns = None
        self._away, self._turns = False, 0
        self._undirected = None

    def _wait_still(self, block: Orientation) -> list[Said]:
        """Collect a hold, first for the bias and then for the zero; movement starts it anew."""
        if self._moving(block):
            self._blocks = []
            return []
        self._blocks.append(block)
        wanted_ns = HOLD_NS if self._gyr_bias is None else TARE_NS
        if int(block.t_ns[-1] - self._blocks[0].t_ns[0]) < wanted_ns:
            return []
        hold, self._blocks = calibrations.join(self._blocks), []
        if self._gyr_bias is None:
            self._gyr_bias = angular_rate(hold).mean(axis=0)
            return [self._mark(MarkKind.BIAS, {"gyr_bias_radps": self._gyr_bias.tolist()})]
        self._hold, self._q0 = hold, quaternion.mean(hold.q_earth_from_sensor)
        self.phase = Phase.ROTATIONS
        return [self._prompt(f"good: now turn the leg slowly, {ROTATIONS} times", "tare-done")]

    def _moving(self, block: Orientation) -> bool:
        if block.gyr_radps is None and self._last is not None:
            # without a gyroscope a single sample says nothing of movement
            block = calibrations.join([self._last, block])
        deviation = angular_rate(block) - self._bias()
        return bool((np.sqrt(quaternion.dot(deviation, deviation)) > STILL_RADPS).any())

    def _bias(self) -> FloatArray:
        """Return the mean rate of the hold so far: a bias of 1 °/s must not look like movement."""
        if self._gyr_bias is not None:
            return self._gyr_bias
        if not self._blocks:
            return np.zeros(3)
        return np.asarray(angular_rate(self._blocks[0]).mean(axis=0))

    def _watch_rotations(self, block: Orientation) -> list[Said]:
        """Count rotations out and home; go on when there are enough and the leg is at rest."""
        if self._q0 is None or self._hold is None:
            return []
        self._blocks.append(block)
        relative = quaternion.multiply(quaternion.conjugate(self._q0), block.q_earth_from_sensor)
        turn = quaternion.to_rotation_vector(relative)
        out: list[Said] = []
        for angle in np.sqrt(quaternion.dot(turn, turn)).tolist():
            if not self._away and angle > OUT_RAD:
                self._away = True
            elif self._away and angle < HOME_RAD:
                self._away = False
                self._turns += 1
                out.append(self._prompt(str(self._turns), "tick"))
        wanted = 1 if self.phase is Phase.DIRECTION else ROTATIONS
        if self._turns < wanted or self._away or self._moving(block):
            self._still_since_ns = None
            return out
        self._still_since_ns = self._still_since_ns or int(block.t_ns[0])
        if int(block.t_ns[-1]) - self._still_since_ns < SETTLED_NS:
            return out
        moved, self._blocks = calibrations.join(self._blocks), []
        self._turns, self._still_since_ns = 0, None
        try:
            if self._undirected is not None:
                found = calibrations.directed(
                    self._undirected, moved, asked=Direction.INTERNAL, side=self._side
                )
                return out + self._begin(found)
            return out + self._calibrate(self._hold, moved)
        except CalibrationRefused as refusal:
            self._restart()
            return [*out, self._prompt(f"again, please: {refusal}", "rejected")]

    def _calibrate(self, hold: Orientation, rotations: Orientation) -> list[Said]:
        """Begin, or ask for the direction first where the sensor's case does not tell it."""
        calibration = calibrations.functional(
            hold,
            rotations,
            outward_normal_sensor=self._info.outward_normal_sensor if self._info else None,
            side=self._side,
            gyr_bias_radps=self._bias(),
        )
        if calibration.sign == "assumed":
            self._undirected, self.phase = calibration, Phase.DIRECTION
            return [
                self._prompt(f"once more, to show which way: {self._outwards}, and come back", "tare-done")
            ]
        return self._begin(calibration)

    def _begin(self, calibration: Calibration) -> list[Said]:
        self.phase = Phase.DRILL
        goal = f"{self._target} repetitions" if self._target else "begin"
        return [
            self._mark(MarkKind.CALIBRATION, calibrations.to_dict(calibration)),
            self._prompt(f"calibrated, {calibration.grade}: {goal}, slow and controlled", "tare-done"),
        ]

    def _count(self, rep: Rep) -> list[Said]:
        if rep.verdict is not Verdict.CONTROLLED:
            return [self._prompt(REASON_WORDS.get(rep.reasons[0], rep.reasons[0]), "rejected")]
        self._counted.append(rep.n)
        if self._target and self.controlled >= self._target:
            self.phase = Phase.DONE
            return [self._prompt(f"{self.controlled}, done", "target")]
        return [self._prompt(str(self.controlled), "counted")]

    def _correct(self, corrected: Corrected) -> list[Said]:
        """Follow what a person took back or brought back, and say the count there is now."""
        if not corrected.reps:
            return [self._prompt(f"nothing to {corrected.kind}", "rejected")]
        there, gone = (
            (self._counted, self._taken) if corrected.kind != "redo" else (self._taken, self._counted)
        )
        for n in corrected.reps:
            if n in there:
                there.remove(n)
                gone.append(n)
        return [self._prompt(f"{corrected.kind}: {self.controlled} count", "tick")]


def marks(said: Sequence[Said], at_ns: HostNs) -> list[Mark]:
    """Return the marks among what the coach said, stamped with the arrival that led to them."""
    return [Mark(m.stream, at_ns, m.kind, m.value) for m in said if isinstance(m, Mark)]
