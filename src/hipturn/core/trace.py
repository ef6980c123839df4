"""The angle since the last rest, as the repetition detector looks at it.

Plain numbers for a machine that goes from sample to sample, extremes of sixteen samples at a time so
that it can pass over those in which nothing can happen, and the blocks themselves for the figures.
"""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from hipturn.model import FloatArray, HipAngle

BIN = 16
"""Samples that are passed over at a time: a power of two, about a tenth of a movement at 100 Hz."""


NEVER = -1


@dataclass(frozen=True, slots=True)
class Bins:
    """Extremes of each bin, rad, in one direction of movement."""

    low: list[float]
    high: list[float]
    fall: list[float]
    """The largest fall from an earlier to a later sample within the bin."""


class Trace:
    """Samples of one leg, oldest first; an index counts from the oldest that is still kept."""

    def __init__(self, lag: int, stop_rad: float) -> None:
        """Keep a trace in which a stop is to get less far than `stop_rad` within `lag` samples."""
        self._lag, self._stop_rad = lag, stop_rad
        self.angle: list[float] = []
        """rad"""
        self._from = self.bins_end = 0
        self._up = self._down = Bins([], [], [])
        self.least_move: list[float] = []
        """Of each bin, how far the angle got at least in the `lag` samples before any of it, rad."""
        self.last_stop: list[int] = []
        """Of each bin, the index of its last sample that is a stop, NEVER if none is."""
        self._blocks: list[HipAngle] = []
        self._tilts: list[tuple[float, float]] = []
        # of each block, the smallest and largest off-axis motion
        self._starts: list[int] = []
        # of each block, how many samples came before it, forgotten ones included
        self._forgotten = 0

    def append(self, block: HipAngle) -> None:
        """Take in the next samples."""
        angle = block.angle_rad
        bins = len(angle) // BIN
        self._from = len(self.angle)
        self.bins_end = self._from + bins * BIN
        self._starts.append(self._forgotten + self._from)
        self._blocks.append(block)
        self._tilts.append(_least_and_most(block.off_axis_rad))
        self.angle += angle.tolist()
        if bins:
            low, high, fall, rise = _extremes(angle[: bins * BIN], bins)
            self._up = Bins(low.tolist(), high.tolist(), fall.tolist())
            self._down = Bins((-high).tolist(), (-low).tolist(), rise.tolist())
            moves = self._moves(angle)[: bins * BIN].reshape(bins, BIN)
            self.least_move = moves.min(axis=1).tolist()
            stops = moves[:, ::-1] < self._stop_rad
            last = np.arange(self._from + BIN - 1, self.bins_end, BIN) - stops.argmax(axis=1)
            self.last_stop = np.where(stops.any(axis=1), last, NEVER).tolist()

    def _moves(self, angle: FloatArray) -> FloatArray:
        """Return how far the angle got in the `lag` samples before each one, halfway included, rad."""
        lag = self._lag
        # nothing can stop before there is a lag to look back on
        early = max(0, lag - self._from)
        known = np.concatenate((self.angle[max(0, self._from - lag) : self._from], angle))
        moves = np.full(len(angle), np.inf)
        now = known[lag:]
        far = np.abs(now - known[: len(now)])
        half = np.abs(now - known[lag - lag // 2 : len(known) - lag // 2])
        moves[early:] = np.maximum(far, half)
        return moves

    def bins(self, sign: int) -> Bins:
        """Return the bins of the angle times `sign`."""
        return self._up if sign > 0 else self._down

    def next_bin(self, i: int) -> int:
        """Return the index at which the first bin at or after index i begins, NEVER if there is none."""
        if i < self._from:
            i = self._from
        i += (self._from - i) % BIN
        return i if i < self.bins_end else NEVER

    def bin_at(self, i: int) -> int:
        """Return the number of the bin that begins at index i."""
        return (i - self._from) // BIN

    def time(self, i: int) -> int:
        """Return the stream time of sample i, ns."""
        at = i + self._forgotten
        k = bisect_right(self._starts, at) - 1
        return int(self._blocks[k].t_ns[at - self._starts[k]])

    def first_after(self, t_ns: int) -> int:
        """Return the index of the first sample of the last block that is later, or that after the last."""
        newest = self._blocks[-1].t_ns
        if newest[-1] <= t_ns:
            return len(self.angle)
        return self._starts[-1] - self._forgotten + int(newest.searchsorted(t_ns, "right"))

    def part(self, first: int, stop: int) -> HipAngle:
        """Return the samples from index `first` up to but without `stop` as one block."""
        first, stop = first + self._forgotten, stop + self._forgotten
        oldest = bisect_right(self._starts, first) - 1
        newest = bisect_right(self._starts, stop - 1)
        pieces = [
            _rows(block, slice(max(0, first - start), stop - start))
            for block, start in zip(self._blocks[oldest:newest], self._starts[oldest:newest], strict=True)
        ]
        return pieces[0] if len(pieces) == 1 else _join(pieces)

    def most_tilt(self, first: int, stop: int) -> float:
        """Return the most the off-axis motion can change by from index `first` to before `stop`, rad.

        By whole blocks: quick, and too much rather than too little.
        """
        oldest = bisect_right(self._starts, first + self._forgotten) - 1
        newest = bisect_right(self._starts, stop - 1 + self._forgotten)
        if newest - oldest == 1:
            least, most = self._tilts[oldest]
            return most - least
        tilts = self._tilts[oldest:newest]
        return max(most for _, most in tilts) - min(least for least, _ in tilts)

    def forget(self, count: int) -> None:
        """Drop the oldest samples; the bins are of the past then."""
        self._from = self.bins_end = 0
        del self.angle[:count]
        self._forgotten += count
        whole = bisect_right(self._starts, self._forgotten) - 1
        if whole > 0:
            del self._blocks[:whole], self._tilts[:whole], self._starts[:whole]


def _least_and_most(values: FloatArray) -> tuple[float, float]:
    if len(values) == 1:
        # a live notification: ten times as fast as an array's extremes
        value = float(values[0])
        return value, value
    return float(values.min()), float(values.max())


def _extremes(angle: FloatArray, bins: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return lowest, highest, largest fall and largest rise in each of `bins` equal parts, shape (bins,)."""
    low = high = angle
    fall = rise = np.zeros(len(angle))
    while len(low) > bins:
        before, after = slice(0, None, 2), slice(1, None, 2)
        fall = np.maximum(np.maximum(fall[before], fall[after]), high[before] - low[after])
        rise = np.maximum(np.maximum(rise[before], rise[after]), high[after] - low[before])
        low, high = np.minimum(low[before], low[after]), np.maximum(high[before], high[after])
    return low, high, fall, rise


def _rows(block: HipAngle, rows: slice) -> HipAngle:
    return HipAngle(
        block.stream,
        block.t_ns[rows],
        block.angle_rad[rows],
        block.rate_radps[rows],
        block.off_axis_rad[rows],
        block.twist_rad[rows],
        block.lost_before[rows],
        block.trusted[rows],
    )


def _join(blocks: list[HipAngle]) -> HipAngle:
    return HipAngle(
        blocks[0].stream,
        np.concatenate([b.t_ns for b in blocks]),
        np.concatenate([b.angle_rad for b in blocks]),
        np.concatenate([b.rate_radps for b in blocks]),
        np.concatenate([b.off_axis_rad for b in blocks]),
        np.concatenate([b.twist_rad for b in blocks]),
        np.concatenate([b.lost_before for b in blocks]),
        np.concatenate([b.trusted for b in blocks]),
    )
