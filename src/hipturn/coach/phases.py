"""Where in a session a person is, in words they understand."""

from enum import StrEnum

from hipturn.coach.prompts import Step


class Phase(StrEnum):
    """Where in a session the person is, in words they understand."""

    WAITING = "waiting for the sensor"
    READY = "getting ready"
    HOLD = "hold still"
    ROTATIONS = "turn slowly"
    DIRECTION = "show the direction"
    DRILL = "drill"
    DONE = "done"


CALIBRATING = (Phase.HOLD, Phase.ROTATIONS, Phase.DIRECTION)

PHASES: dict[Step, Phase] = {
    "waiting": Phase.WAITING,
    "question": Phase.READY,
    "stand": Phase.READY,
    "setup": Phase.READY,
    "switch": Phase.READY,
    "hold": Phase.HOLD,
    "rotations": Phase.ROTATIONS,
    "direction": Phase.DIRECTION,
    "done": Phase.DONE,
}
"""Any other step is the drill itself."""
