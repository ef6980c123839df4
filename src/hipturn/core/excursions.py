"""Movements out and back: what the detector looks for, and what it finds."""

from dataclasses import dataclass

from hipturn.model import HipAngle
from hipturn.units import RAD_PER_DEG


@dataclass(frozen=True, slots=True)
class DetectParams:
    """What makes a movement a repetition."""

    min_rom_rad: float = 4.0 * RAD_PER_DEG
    """Smallest range: below it posture sway and soft tissue look the same."""
    share_of_usual: float = 0.25
    """Smallest range as a share of the median of the last repetitions: a fidget between them is smaller,
    a tired or careful repetition is not."""
    turn_share: float = 0.15
    """Share of the range by which a movement must come back for its turn to be believed."""
    back_share: float = 0.5
    """Share of the range that must be undone for a repetition to be over without reaching home."""
    stop_s: float = 0.15
    """A stop is that long without getting anywhere."""
    max_hold_s: float = 15.0
    """Time after which an unfinished excursion is a new resting pose."""
    memory: int = 7
    """How many last repetitions make up what is usual."""


@dataclass(frozen=True, slots=True, eq=False)
class Excursion:
    """A finished movement out and back, with the samples it was made of."""

    sign: int
    """+1 out was internal, −1 external."""
    start_rad: float
    """The angle it started from."""
    turned: bool
    """It ended by going out again, not by reaching home or a stop."""
    decided_ns: int
    """Stream time of the sample by which it was known to be over."""
    samples: HipAngle
    lead: int = 0
    """How many of the samples, the first, are of the stop before it: a slow start hides there."""
    cut: bool = False
    """The stream ended before it came back."""


@dataclass(frozen=True, slots=True)
class Turned:
    """An excursion has turned; provisional."""

    sign: int
    t_ns: int
    rom_rad: float
    peak_rad: float
    decided_ns: int
    """Stream time of the sample by which it was known."""
