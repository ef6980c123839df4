"""The coach: outputs and stream time in, prompts, what a screen shows, and marks out. Pure."""

from hipturn.coach.calibrating import ROTATIONS
from hipturn.coach.coach import Coach, marks
from hipturn.coach.drill import Drill, DrillKind, Part, Routine, Words
from hipturn.coach.phases import CALIBRATING, Phase
from hipturn.coach.prompts import Language, Prompt, Question, Show, Timer, prompt_line
from hipturn.coach.scene import Against, Before, Said

__all__ = [
    "CALIBRATING",
    "ROTATIONS",
    "Against",
    "Before",
    "Coach",
    "Drill",
    "DrillKind",
    "Language",
    "Part",
    "Phase",
    "Prompt",
    "Question",
    "Routine",
    "Said",
    "Show",
    "Timer",
    "Words",
    "marks",
    "prompt_line",
]
