"""When samples were taken, of which only their arrival over the radio is known.

Bluetooth delivers in bursts: a sample waits for the next connection event or for a repeated
transmission, so it arrives late, never early, and none is left out while the link holds. The samples
of a sensor that ticks evenly therefore lie on a line below all arrivals: the lower edge of arrival
over count. A step of that edge upwards is time in which samples were lost, and only that.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hipturn.model import FloatArray, IntArray

SPAN_S = 1.0
"""How long the edge is looked for on each side of a step: longer than a link stalls as a rule."""
KNOT_S = 2.0
"""The edge may bend this often, for clocks that run unlike."""
LEAST_LOSS_S = 0.25
LEAST_LOSS_PERIODS = 3.0
"""Steps smaller than either are jitter of the delivery: stalls of 0.15 s without loss are common."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Samples on an even time base."""

    t_s: FloatArray
    """Time of each sample from the first, strictly increasing, shape (n,)."""
    rate_hz: float
    lost_before: IntArray
    """Samples lost just before each, shape (n,)."""


def placed(at_s: FloatArray) -> Placed | None:
    """Return the times of samples that arrived at `at_s`, in the order sent; None if they tell no rate."""
    n = len(at_s)
    at = np.maximum.accumulate(at_s) - at_s[0]
    if n < 3 or not float(at[-1]) > 0.0:
        return None
    period = _period(at)
    if not period > 0.0:
        return None
    late = at - np.arange(n) * period
    lost = _losses(at, late, period)
    if lost.any():
        # how many were lost in a long gap needs the period more exactly than stretches of a second show it
        period = _within(at, np.flatnonzero(lost), period)
        late = at - np.arange(n) * period
        lost = _losses(at, late, period)
    late = late - np.cumsum(lost) * period
    edge = _edge(late, max(1, round(KNOT_S / period)))
    t = (np.arange(n) + np.cumsum(lost)) * period + edge
    # a bend of the edge may slow time, never stop it
    steps = np.maximum(np.diff(t), 0.5 * period)
    t = np.concatenate(([0.0], np.cumsum(steps)))
    return Placed(t, 1.0 / period, lost)


def _period(at: FloatArray) -> float:
    """Return the time between samples: the median over stretches of a second, so that losses do not count."""
    n = len(at)
    mean = float(at[-1]) / (n - 1)
    for _ in range(2):
        lag = min(max(1, round(SPAN_S / mean)), max(1, n // 2))
        found = float(np.median(at[lag:] - at[:-lag])) / lag
        if not found > 0.0:
            return mean
        mean = found
    return mean


def _within(at: FloatArray, starts: IntArray, period: float) -> float:
    """Return the time between samples by the lower edges at both ends of the stretches without loss."""
    span = max(1, round(SPAN_S / period))
    rows = seconds = 0.0
    for a, b in pairwise((0, *starts.tolist(), len(at))):
        if b - a < 2 * span:
            continue
        late = at[a:b] - np.arange(b - a) * period
        first, last = int(np.argmin(late[:span])), b - a - span + int(np.argmin(late[-span:]))
        rows += last - first
        seconds += float(at[a + last] - at[a + first])
    return seconds / rows if rows and seconds > 0.0 else period


def _losses(at: FloatArray, late: FloatArray, period: float) -> IntArray:
    """Return how many samples were lost before each: where the edge of lateness steps up for good."""
    n = len(at)
    lost = np.zeros(n, dtype=np.int64)
    span = max(2, round(SPAN_S / period))
    least = max(LEAST_LOSS_S, LEAST_LOSS_PERIODS * period)
    steps = np.diff(at, prepend=at[:1])
    for i in np.flatnonzero(steps > least).tolist():
        # what was kept back by a stall comes in one burst, which has to be over before the edge shows
        after = late[i : i + span + 2 * round(float(steps[i]) / period)]
        step = float(after.min() - late[max(0, i - span) : i].min())
        if step > least:
            lost[i] = round(step / period)
    return lost


def _edge(late: FloatArray, size: int) -> FloatArray:
    """Return the lower edge of lateness, straight between the earliest arrivals of each stretch."""
    n = len(late)
    starts = range(0, n, size) if n >= 2 * size else (0,)
    knots = [start + int(np.argmin(late[start : start + size if n >= 2 * size else n])) for start in starts]
    return np.interp(np.arange(n), knots, late[knots])
