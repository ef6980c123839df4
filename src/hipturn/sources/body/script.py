"""What the leg does: rests, shifts and repetitions, laid out in time as minimum-jerk movements."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from hipturn.model import Direction, FloatArray
from hipturn.units import RAD_PER_DEG

Kind = Literal[
    "controlled", "fast", "short", "bounce", "off-axis", "paused", "no-return", "trial", "calibration"
]
"""What a repetition was meant to be."""

BOUNCE_S = 0.35
"""Time of one way of a bounce."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Keep the pose, perhaps trembling."""

    seconds: float
    tremor_rad: float = 0.0
    tremor_hz: float = 6.0


@dataclass(frozen=True, slots=True)
class Shift:
    """Move to another pose and stay there: slowly a creeping neutral, quickly a change of place."""

    seconds: float
    angle_rad: float = 0.0
    """Change of the hip angle."""
    knee_rad: float = 0.0
    """Change of knee flexion."""
    elevation_rad: float = 0.0
    """Change of the elevation of the femur's axis."""
    heading_rad: float = 0.0
    """Change of the femur's heading: the whole person turns on the mat."""
    pelvis_rad: float = 0.0
    """Change of the pelvis' roll about the leg's axis, which carries the leg along; positive adds to IR."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """Out, hold, back: one repetition, well done or not."""

    direction: Direction
    rom_rad: float
    """Range from where it starts, positive for both directions."""
    out_s: float = 1.2
    hold_s: float = 0.3
    return_s: float = 1.2
    return_error_rad: float = 0.0
    """How far short of its start it ends, positive towards the peak."""
    knee_rad: float = 0.0
    """Knee flexion that goes with it, full at the peak."""
    elevation_rad: float = 0.0
    """Change of the femur's elevation (the thigh lifting) that goes with it, full at the peak."""
    pelvis_rad: float = 0.0
    """Roll of the pelvis that goes with it, full at the peak, in the direction that adds to IR."""
    pause_s: float = 0.0
    """A stop half-way out."""
    bounces: int = 0
    """Times it springs part of the way back and out again before the hold."""
    bounce_rad: float = 10.0 * RAD_PER_DEG
    tremor_rad: float = 0.0
    """Amplitude of trembling in the hold."""
    tremor_hz: float = 6.0
    kind: Kind = "controlled"


Element = Rest | Shift | Repetition


@dataclass(frozen=True, slots=True)
class TrueRep:
    """A repetition as it really was; times from the first sample."""

    direction: Direction
    start_s: float
    peak_s: float
    """When the largest angle is first reached; a hold follows."""
    end_s: float
    rom_rad: float
    """Range from its start to the peak, never negative."""
    peak_rad: float
    """Hip angle at the peak, signed."""
    kind: Kind
    pelvis_rad: float = 0.0
    """Roll of the pelvis at the peak against its start, signed."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is done, in order; the calibration comes first and its rotations are not repetitions."""

    elements: tuple[Element, ...]
    calibration: tuple[Element, ...] = ()

    @property
    def duration_s(self) -> float:
        """How long it takes."""
        return lay_out(self).duration_s


class Course(NamedTuple):
    """A quantity over time with its exact first and second derivative, each of shape (n,)."""

    value: FloatArray
    rate: FloatArray
    acceleration: FloatArray


class _Move(NamedTuple):
    start_s: float
    seconds: float
    change: float


class _Tremor(NamedTuple):
    start_s: float
    seconds: float
    amplitude: float
    frequency_hz: float


@dataclass(slots=True)
class Channel:
    """One degree of freedom: movements one after the other, from 0."""

    moves: list[_Move] = dataclasses.field(default_factory=list)
    now: float = 0.0

    def move(self, start_s: float, seconds: float, change: float) -> None:
        """Append a movement."""
        if change != 0.0:
            self.moves.append(_Move(start_s, seconds, change))
            self.now += change

    def course(self, t_s: FloatArray) -> Course:
        """Return the channel over time: minimum jerk (Flash & Hogan 1985, J Neurosci 5:1688)."""
        if not self.moves:
            return Course(*np.zeros((3, t_s.size)))
        start, seconds, change = np.array(self.moves).T
        before = np.cumsum(change) - change
        i = np.maximum(np.searchsorted(start, t_s, side="right") - 1, 0)
        x = np.clip((t_s - start[i]) / seconds[i], 0.0, 1.0)
        return Course(
            before[i] + change[i] * (x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)),
            change[i] / seconds[i] * (30.0 * x * x * (1.0 - x) * (1.0 - x)),
            change[i] / seconds[i] ** 2 * (60.0 * x * (1.0 - x) * (1.0 - 2.0 * x)),
        )


@dataclass(slots=True)
class Timeline:
    """A script laid out in time."""

    duration_s: float = 0.0
    calibration_window_s: tuple[float, float] = (0.0, 0.0)
    angle: Channel = dataclasses.field(default_factory=Channel)
    knee: Channel = dataclasses.field(default_factory=Channel)
    elevation: Channel = dataclasses.field(default_factory=Channel)
    heading: Channel = dataclasses.field(default_factory=Channel)
    pelvis: Channel = dataclasses.field(default_factory=Channel)
    tremors: list[_Tremor] = dataclasses.field(default_factory=list)
    reps: list[TrueRep] = dataclasses.field(default_factory=list)

    def wait(self, seconds: float, tremor_rad: float = 0.0, tremor_hz: float = 0.0) -> None:
        """Stay, perhaps trembling."""
        if seconds < 0.0:
            raise ValueError(f"a rest cannot take {seconds} s")
        if tremor_rad != 0.0 and seconds > 0.0:
            self.tremors.append(_Tremor(self.duration_s, seconds, tremor_rad, tremor_hz))
        self.duration_s += seconds

    def move(
        self,
        seconds: float,
        angle: float,
        knee: float = 0.0,
        elevation: float = 0.0,
        heading: float = 0.0,
        pelvis: float = 0.0,
    ) -> None:
        """Change what is asked for together."""
        if seconds <= 0.0:
            raise ValueError(f"a movement needs time, not {seconds} s")
        self.angle.move(self.duration_s, seconds, angle)
        self.knee.move(self.duration_s, seconds, knee)
        self.elevation.move(self.duration_s, seconds, elevation)
        self.heading.move(self.duration_s, seconds, heading)
        self.pelvis.move(self.duration_s, seconds, pelvis)
        self.duration_s += seconds

    def tremor(self, t_s: FloatArray) -> Course:
        """Return the trembling on the angle: sines that swell and fade as sin³, smooth at both ends."""
        value, rate, acceleration = np.zeros((3, t_s.size))
        for start_s, seconds, amplitude, frequency_hz in self.tremors:
            first, last = np.searchsorted(t_s, (start_s, start_s + seconds))
            rows = slice(int(first), int(last))
            t = t_s[rows] - start_s
            swell, shake = math.pi / seconds, 2.0 * math.pi * frequency_hz
            rise, fall = np.sin(swell * t), np.cos(swell * t)
            sine, cosine = amplitude * np.sin(shake * t), amplitude * shake * np.cos(shake * t)
            size, size_rate = rise**3, 3.0 * swell * rise**2 * fall
            size_acceleration = swell**2 * (6.0 * rise * fall**2 - 3.0 * rise**3)
            value[rows] += size * sine
            rate[rows] += size_rate * sine + size * cosine
            acceleration[rows] += size_acceleration * sine + 2.0 * size_rate * cosine - size * shake**2 * sine
        return Course(value, rate, acceleration)

    def play(self, element: Element) -> None:
        """Append one element."""
        match element:
            case Rest():
                self.wait(element.seconds, element.tremor_rad, element.tremor_hz)
            case Shift():
                self.move(
                    element.seconds,
                    element.angle_rad,
                    element.knee_rad,
                    element.elevation_rad,
                    element.heading_rad,
                    element.pelvis_rad,
                )
            case Repetition():
                self.reps.append(self._repeat(element))

    def _repeat(self, rep: Repetition) -> TrueRep:
        sign = 1.0 if rep.direction is Direction.INTERNAL else -1.0
        start_s, out = self.duration_s, sign * rep.rom_rad
        if rep.pause_s > 0.0:
            for pause_s in (rep.pause_s, 0.0):
                self.move(
                    0.5 * rep.out_s,
                    0.5 * out,
                    0.5 * rep.knee_rad,
                    0.5 * rep.elevation_rad,
                    pelvis=0.5 * rep.pelvis_rad,
                )
                self.wait(pause_s)
        else:
            self.move(rep.out_s, out, rep.knee_rad, rep.elevation_rad, pelvis=rep.pelvis_rad)
        peak_s, peak_rad = self.duration_s, self.angle.now
        for _ in range(rep.bounces):
            self.move(BOUNCE_S, -sign * rep.bounce_rad)
            self.move(BOUNCE_S, sign * rep.bounce_rad)
        self.wait(rep.hold_s, rep.tremor_rad, rep.tremor_hz)
        back = sign * rep.return_error_rad - out
        self.move(rep.return_s, back, -rep.knee_rad, -rep.elevation_rad, pelvis=-rep.pelvis_rad)
        end_s, kind, pelvis_rad = self.duration_s, rep.kind, rep.pelvis_rad
        return TrueRep(rep.direction, start_s, peak_s, end_s, rep.rom_rad, peak_rad, kind, pelvis_rad)


def lay_out(script: Script) -> Timeline:
    """Return the script in time."""
    timeline = Timeline()
    for element in script.calibration:
        timeline.play(element)
    timeline.calibration_window_s = (0.0, timeline.duration_s)
    timeline.reps.clear()
    for element in script.elements:
        timeline.play(element)
    return timeline
