"""Poses as commands, for somebody whose hands are on the floor: the leg turned, kept still, and home again.

Inwards (the way of internal rotation) and outwards. Coming home within some seconds is part of it: a leg that
has dropped to a side to rest stays there, and somebody who gets up tilts the femur's axis. A pose that is
kept for longer is another one: who keeps it hears how long that is.
"""

from typing import Literal

from hipturn.coach.scene import Scene
from hipturn.core.angle import side_sign
from hipturn.model import HipAngle
from hipturn.units import NS_PER_S, RAD_PER_DEG

Pose = Literal["in", "in-long", "out"]

OUT_RAD, HOME_RAD = 12.0 * RAD_PER_DEG, 6.0 * RAD_PER_DEG
"""A pose is at least so far from home; a leg nearer than the other is home."""
STILL_RAD = 2.0 * RAD_PER_DEG
"""It is kept within this, as the end range of a test is."""
TILT_RAD = 15.0 * RAD_PER_DEG
"""With the axis tilted by more the person is getting up or lying down."""
HELD_NS, LONGEST_NS = 2 * NS_PER_S, 8 * NS_PER_S
"""Longer than anybody stops at the end of a repetition, shorter than a rest."""
HELD_S = HELD_NS / NS_PER_S
LONG_NS = 5 * NS_PER_S
"""Inwards for so long is the other pose: three seconds after the first sound, three before it is none."""
COMING_NS = 3 * NS_PER_S
"""From the end of the hold the way home takes no longer."""
NEUTRAL_RAD = 10.0 * RAD_PER_DEG
"""Taps are a command only this near to home."""


class Poses:
    """Watches the angle for a pose."""

    def __init__(self) -> None:
        self._angle_rad = self._from_rad = 0.0
        self._since_ns: int | None = None
        self._held: tuple[bool, int, int] | None = None
        """A pose that was kept: whether inwards, from when, until when."""
        self.reached = 0
        """Of the pose that is kept now: 1 from where it is one on, 2 from where it is a long one on."""
        self._armed = True

    def begin(self) -> None:
        """Begin anew: only a movement that begins at home from here on can be a pose."""
        self._since_ns, self._held, self._armed, self.reached = None, None, False, 0

    @property
    def neutral(self) -> bool:
        """Whether the leg is about at home."""
        return abs(self._angle_rad) <= NEUTRAL_RAD

    def push(self, block: HipAngle, scene: Scene) -> Pose | None:
        """Return the pose that ends within this block with the leg at home."""
        trusted = bool(block.trusted[-1]) and abs(float(block.off_axis_rad[-1])) < TILT_RAD
        if scene.heading_dependent or scene.calibration is None or not trusted:
            # what drifts or was somewhere else is no pose
            self._angle_rad, self._since_ns, self._held, self.reached = 0.0, None, None, 0
            return None
        home = side_sign(scene.side) * scene.calibration.pose_rad
        now_ns, angle = int(block.t_ns[-1]), float(block.angle_rad[-1]) - home
        self._angle_rad = angle
        if abs(angle) < HOME_RAD:
            return self._home(now_ns)
        if abs(angle) < OUT_RAD or not self._armed:
            self._since_ns, self.reached = None, 0
        elif self._since_ns is None or abs(angle - self._from_rad) > STILL_RAD:
            self._since_ns, self._from_rad, self.reached = now_ns, angle, 0
        elif (kept_ns := now_ns - self._since_ns) >= HELD_NS:
            self._held = angle > 0.0, self._since_ns, now_ns
            self.reached = 2 if angle > 0.0 and kept_ns >= LONG_NS else 1
        return None

    def _home(self, now_ns: int) -> Pose | None:
        held, self._held, self._since_ns, self._armed, self.reached = self._held, None, None, True, 0
        if held is None:
            return None
        inwards, from_ns, until_ns = held
        if now_ns - until_ns > COMING_NS or until_ns - from_ns > LONGEST_NS:
            return None
        if not inwards:
            return "out"
        return "in-long" if until_ns - from_ns >= LONG_NS else "in"
