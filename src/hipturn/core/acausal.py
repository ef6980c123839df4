"""Orientation with hindsight, for recordings: what is needed around a filter that sees the future too.

Such a filter takes a whole stretch of samples at once and cannot run live. Stretches are those of the online
filter: a new one begins with a new link and after a gap too long to bridge; the lost samples of shorter gaps
are interpolated. What the online filter gave besides, the heading and which samples are in doubt, is kept, so
that a calibration made live still fits.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hipturn.core import quaternion
from hipturn.model import BoolArray, FloatArray, Samples


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Samples at a fixed rate with nothing missing in between, shapes (m, 3)."""

    acc_mps2: FloatArray
    gyr_radps: FloatArray
    real: BoolArray
    """Which of them came, shape (m,); the others were interpolated."""


def stretches(samples: Samples, max_lost: int) -> list[Stretch]:
    """Return the stretches of one link's samples, bridged; a block must have acceleration and rate."""
    acc, gyr = samples.acc_mps2, samples.gyr_radps
    if acc is None or gyr is None:
        raise ValueError("a stream with IMU needs acceleration and rate")
    lost = samples.lost_before.copy()
    # there is nothing to bridge from before the first sample
    lost[0] = 0
    edges = [0, *np.flatnonzero(lost > max_lost).tolist(), len(acc)]
    out = []
    for start, stop in pairwise(edges):
        missing = lost[start:stop].copy()
        missing[0] = 0
        at = np.cumsum(missing + 1) - 1
        every = np.arange(at[-1] + 1)
        full = [
            np.stack([np.interp(every, at, values[start:stop, i]) for i in range(3)], axis=1)
            for values in (acc, gyr)
        ]
        real: BoolArray = np.zeros(len(every), np.bool_)
        real[at] = True
        out.append(Stretch(full[0], full[1], real))
    return out


def with_heading_of(q: FloatArray, row: int, q_online: FloatArray) -> FloatArray:
    """Return orientations, shape (n, 4), turned about the vertical so that one row's heading is another's.

    Without a magnetometer each filter has a heading of its own; a zero taken live has the online filter's.
    """
    turn = quaternion.multiply(q_online, quaternion.conjugate(q[row]))
    length = math.hypot(turn[0], turn[3])
    if length < 1e-6:
        # upside down to each other: there is no heading in common
        return q
    return quaternion.multiply(np.array([turn[0] / length, 0.0, 0.0, turn[3] / length]), q)
