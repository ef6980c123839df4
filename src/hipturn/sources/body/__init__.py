"""A simulated leg with known truth: what a sensor on the shin would measure, and what the hip really did.

`Leg` says who and how (anatomy, pose, mounting, the sensor's errors), `Script` what is done,
`simulate` gives the samples and the truth as a `Motion`::

    motion = simulate(Leg.random(seed=1), drill_script(reps=5, seed=1))
"""

from hipturn.core.positions import Position
from hipturn.sources.body.leg import Leg
from hipturn.sources.body.motion import Motion, drop, lose, simulate
from hipturn.sources.body.routines import (
    calibration_elements,
    drill_script,
    mishap_script,
    two_way_test_script,
)
from hipturn.sources.body.sacrum import on_sacrum
from hipturn.sources.body.script import Element, Kind, Repetition, Rest, Script, Shift, TrueRep

__all__ = [
    "Element",
    "Kind",
    "Leg",
    "Motion",
    "Position",
    "Repetition",
    "Rest",
    "Script",
    "Shift",
    "TrueRep",
    "calibration_elements",
    "drill_script",
    "drop",
    "lose",
    "mishap_script",
    "on_sacrum",
    "simulate",
    "two_way_test_script",
]
