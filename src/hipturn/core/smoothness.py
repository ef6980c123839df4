"""How smooth movements are: SPARC, the spectral arc length of their speed, of many at a time.

Balasubramanian et al. 2015, J NeuroEng Rehabil 12:112: arc length of the normalised amplitude spectrum up
to 10 Hz, cut where it stays below 0.05. Zero padding is the published 16-fold: a quarter of it is off by
4 % and more, because the cut falls between few frequencies.

Nothing above 10 Hz counts, so a fast stream is thinned out first: smoothed by sums of neighbours, halved,
and the spectrum divided by what the smoothing did to it. What folds back is less than 1.2e-4 of what was
beyond 40 Hz, and the result that of the definition to 1e-5 even in tremor and noise.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from hipturn.model import FloatArray

SPARC_HZ, SPARC_SHARE = 10.0, 0.05
"""Highest frequency and smallest share of the spectrum that count, as published."""
PADDING = 16
THINNED_HZ = 5.0 * SPARC_HZ
"""A stream is halved as long as that leaves so many samples a second."""
SUMS = 8
"""How often neighbours are summed before every second sample is left out."""


def sparc(speeds: Sequence[FloatArray], rate_hz: float) -> list[float]:
    """Return the spectral arc length of each speed profile of shape (n,): 0 is perfect, smaller less smooth.

    NaN without a movement. Each result is the same, bit for bit, whatever profiles are beside it.
    """
    out = [math.nan] * len(speeds)
    by_points: dict[int, list[int]] = {}
    for i, speed in enumerate(speeds):
        if len(speed) > 1 and np.count_nonzero(speed):
            by_points.setdefault(PADDING << (len(speed) - 1).bit_length(), []).append(i)
    for points, members in by_points.items():
        lengths = _arc_lengths(_thinned([speeds[i] for i in members], rate_hz), points, rate_hz)
        for i, length in zip(members, lengths.tolist(), strict=True):
            out[i] = -length
    return out


def _halvings(rate_hz: float) -> int:
    return max(0, math.floor(math.log2(rate_hz / THINNED_HZ)))


def _thinned(speeds: Sequence[FloatArray], rate_hz: float) -> FloatArray:
    """Return the profiles, each a row with zeros behind, with no more samples than 10 Hz need."""
    rows = np.zeros((len(speeds), max(map(len, speeds))))
    for row, speed in zip(rows, speeds):
        row[: len(speed)] = speed
    for _ in range(_halvings(rate_hz)):
        wide = np.zeros((len(rows), rows.shape[1] + 2 * SUMS))
        wide[:, SUMS:-SUMS] = rows
        for _ in range(SUMS):
            wide = wide[:, 1:] + wide[:, :-1]
        rows = wide[:, ::2]
    return rows


@lru_cache(maxsize=32)
def _gains(points: int, rate_hz: float) -> FloatArray:
    """Return by how much thinning out has weakened the power at each frequency that counts, inverted."""
    count = min(int(SPARC_HZ * points / rate_hz), points // 2) + 1
    radians = math.pi * np.arange(count) / points
    gains = np.ones(len(radians))
    for halving in range(_halvings(rate_hz)):
        gains /= np.cos(radians * 2**halving) ** (2 * SUMS)
    return gains


def _arc_lengths(rows: FloatArray, points: int, rate_hz: float) -> FloatArray:
    """Return the arc length of each row's spectrum; elementwise, so that no row bears on another."""
    gains = _gains(points, rate_hz)
    spectrum = np.fft.rfft(rows, points >> _halvings(rate_hz))[:, : len(gains)]
    power = (spectrum.real**2 + spectrum.imag**2) * gains
    whole = power[:, :1]
    counts = (power >= SPARC_SHARE**2 * whole).tobytes()
    size = len(gains)
    last = np.array([counts.rfind(1, i, i + size) - i for i in range(0, len(counts), size)])
    amplitude = np.sqrt(power[:, : last.max() + 1] / whole)
    across = amplitude[:, 1:] - amplitude[:, :-1]
    along = 1.0 / np.maximum(last, 1)[:, None]
    # a running sum is the same however far it goes on
    lengths = np.cumsum(np.sqrt(across * across + along * along), axis=1)
    return np.where(last > 0, lengths[np.arange(len(last)), last - 1], 0.0)
