"""What one sensor's leg did in a recording, as its picture shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hipturn.model import (
    BadPackets,
    BoolArray,
    Calibrated,
    FloatArray,
    Gap,
    HipAngle,
    Hold,
    IntArray,
    Rep,
)
from hipturn.offline import Analysis
from hipturn.units import DEG_PER_RAD, NS_PER_S


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """What one sensor's leg did."""

    stream: str
    t_s: FloatArray
    angle_deg: FloatArray
    trusted: BoolArray
    reps: list[Rep]
    holds: list[Hold]
    gaps: list[Gap]
    bad: list[BadPackets]
    calibrated: list[Calibrated]


def track_of(analysis: Analysis, stream: str) -> Track:
    """Return what a stream's leg did, broken where samples are missing."""
    blocks = [block for block in analysis.angles if block.stream == stream]
    t_ns, angle, trusted = (_column(blocks, name) for name in ("t_ns", "angle_rad", "trusted"))
    t_s, angle_deg = t_ns / NS_PER_S, angle * DEG_PER_RAD
    # a line from one side of a gap to the other would tell what nobody measured
    gaps = np.flatnonzero(np.diff(t_s) > max(0.1, 3.0 / analysis.info.rate_hz)) + 1
    between_s = (t_s[gaps - 1] + t_s[gaps]) / 2.0

    def of(kind: type[Any]) -> list[Any]:
        return [event for event in analysis.events if isinstance(event, kind) and event.stream == stream]

    return Track(
        stream,
        np.insert(t_s, gaps, between_s),
        np.insert(angle_deg, gaps, np.nan),
        np.insert(trusted, gaps, True),
        *(of(kind) for kind in (Rep, Hold, Gap, BadPackets, Calibrated)),
    )


def _column(blocks: Sequence[HipAngle], name: str) -> Any:
    return np.concatenate([getattr(block, name) for block in blocks])


def overlaps(event: Rep | Hold | Gap, from_s: float, to_s: float) -> bool:
    """Return whether an event is in a stretch, if only in part."""
    return event.start_ns / NS_PER_S <= to_s and event.end_ns / NS_PER_S >= from_s


def extremes(y: FloatArray, columns: int) -> IntArray:
    """Return the indices, ascending, of the lowest and the highest of `columns` equal parts of y, shape (n,).

    All of them where there are few; first and last are always among them. NaN is neither.
    """
    n = len(y)
    if n <= 4 * columns:
        return np.arange(n)
    size = -(-n // columns)
    padded = np.concatenate((y, np.full(-n % size, np.nan))).reshape(-1, size)
    starts = np.arange(len(padded)) * size
    lowest = starts + np.where(np.isnan(padded), np.inf, padded).argmin(axis=1)
    highest = starts + np.where(np.isnan(padded), -np.inf, padded).argmax(axis=1)
    return np.unique(np.concatenate(([0, n - 1], lowest, highest, np.flatnonzero(np.isnan(y)))))
