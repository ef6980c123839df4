"""When packets arrive over a radio: a little later than connection events, some of which fail."""

import numpy as np

from hipturn.model import FloatArray, IntArray


def arrivals(
    sent_s: FloatArray,
    interval_ms: float,
    rng: np.random.Generator,
    failing: float = 0.05,
    jitter_s: float = 0.3e-3,
) -> IntArray:
    """Return arrival times in ns, in order: each packet at the first event that does not fail."""
    interval_s = interval_ms * 1e-3
    event = np.ceil(sent_s / interval_s).astype(np.int64)
    works = rng.random(int(event.max()) + 200) >= failing
    works[-1] = True
    numbers = np.where(works, np.arange(len(works)), len(works) - 1)
    next_working = np.minimum.accumulate(numbers[::-1])[::-1]
    late_s = rng.exponential(jitter_s, len(sent_s))
    at_ns: IntArray = np.rint((next_working[event] * interval_s + late_s) * 1e9).astype(np.int64)
    return np.maximum.accumulate(at_ns)
