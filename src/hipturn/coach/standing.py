"""Quiet standing before a test: it shows the shin's long axis, and so where the shin is plumb."""

from typing import Any

import numpy as np

from hipturn.coach.calibrating import Stillness
from hipturn.coach.scene import Said, Scene, Stage
from hipturn.core import quaternion
from hipturn.core.zero import shank_axis
from hipturn.errors import CalibrationRefused
from hipturn.model import Input, Orientation, Output
from hipturn.units import NS_PER_S

UP_NS = 5 * NS_PER_S
"""Time to get up: nobody who was lying still is taken for standing."""
HOLD_NS = 2 * NS_PER_S
AT_MOST_NS = 40 * NS_PER_S
"""Whoever cannot stand is not waited for any longer: the zero is then where they hold the shin upright."""
LEVEL = 0.7
"""Standing, a case on the shin looks about level; this steep it lies on somebody who lies."""


class Stand(Stage):
    """Waits for quiet standing, but not for ever."""

    step = "stand"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._begun_ns = 0
        self._still = Stillness()

    def begin(self) -> list[Said]:
        """Ask for it."""
        self._begun_ns = self.scene.t_ns
        return [self.scene.say("stand")]

    def shifted(self, by_ns: int) -> None:
        """Wait as long after a pause."""
        self._begun_ns += by_ns
        self._still.blocks = []

    def linked(self) -> list[Said]:
        """Begin anew: the new filter has to settle first."""
        self._begun_ns = self.scene.t_ns
        self._still.blocks = []
        return super().linked()

    def shown(self) -> dict[str, Any]:
        """Return what to do."""
        return {"text": self.scene.text("stand")}

    def push(self, item: Input | Output) -> list[Said]:
        """Watch for stillness once there was time to get up."""
        if not isinstance(item, Orientation):
            return []
        waited_ns = self.scene.t_ns - self._begun_ns
        if waited_ns >= AT_MOST_NS:
            return self.skip()
        if waited_ns < UP_NS:
            self._still.last(item)
            return []
        self._still.push(item)
        if self._still.held_ns < HOLD_NS:
            return []
        hold = self._still.take()
        if self._lying(hold):
            return []
        try:
            self.scene.shank_axis = shank_axis(hold)
        except CalibrationRefused:
            # swaying: the next two seconds may be quieter
            return []
        self.done = True
        return [self.scene.say("stood", "tare-done")]

    def skip(self) -> list[Said]:
        """Do without."""
        self.done = True
        return [self.scene.say("stand.without", "tick")]

    def _lying(self, hold: Orientation) -> bool:
        """Return whether the case looks up or down, where it is known which side looks out."""
        info = self.scene.info
        if info is None or info.outward_normal_sensor is None:
            return False
        up = quaternion.up_in_sensor(hold.q_earth_from_sensor[-1:])[0]
        return abs(float(quaternion.dot(up, np.array(info.outward_normal_sensor)))) > LEVEL
