"""The angle since the last rest, as the repetition detector looks at it.

Plain numbers for a machine that goes from sample to sample, extremes of four and of sixteen samples so
that it can pass over those in which nothing can happen, and the blocks themselves for the figures.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hipturn.model import FloatArray, HipAngle

FINE, COARSE = 4, 16
"""Samples that are passed over at a time: powers of two, the larger a tenth of a movement at 100 Hz."""


NEVER = -1


@dataclass(frozen=True, slots=True)
class Bins:
    """Of each `size` samples what can happen in them, in one direction of movement; rad.

    Arrays, as the angle itself: most of them are never looked at.
    """

    size: int
    low: "array[float]"
    high: "array[float]"
    fall: "array[float]"
    """The largest fall from an earlier to a later sample within the bin."""
    rise: "array[float]"
    """The largest rise."""
    least_move: "array[float]"
    """How far the angle got at least in the `lag` samples before any of it."""
    last_stop: "array[int]"
    """The index of its last sample that is a stop, NEVER if none is."""

    def mirrored(self) -> "Bins":
        """Return the same bins of the angle with the other sign."""
        low, high = _array(-np.frombuffer(self.high)), _array(-np.frombuffer(self.low))
        return Bins(self.size, low, high, self.rise, self.fall, self.least_move, self.last_stop)

    def about(self, place: float, by: float, k: int) -> tuple[int, int]:
        """Return how many bins from the k-th on stay so near to an angle, and the last stop in them."""
        beyond = (place - np.frombuffer(self.low)[k:] > by) | (np.frombuffer(self.high)[k:] - place > by)
        first = beyond.tobytes().find(1)
        count = first if first >= 0 else len(beyond)
        stops = np.frombuffer(self.last_stop, np.int64)[k : k + count]
        return count, int(stops.max()) if count else NEVER


class Trace:
    """Samples of one leg, oldest first; an index counts from the oldest that is still kept."""

    def __init__(self, lag: int, stop_rad: float) -> None:
        """Keep a trace in which a stop is to get less far than `stop_rad` within `lag` samples."""
        self._lag, self._stop_rad = lag, stop_rad
        self.angle = array("d")
        """rad"""
        self.t_ns = array("q")
        """Stream time, ns"""
        self.bins_from = self.bins_end = 0
        """The samples that bins tell of, those of the last block but for a rest of it."""
        self._up: dict[int, Bins] = {}
        self._down: dict[int, Bins] = {}
        self._blocks: list[HipAngle] = []
        self._tilts: list[tuple[float, float]] = []
        # of each block, the smallest and largest off-axis motion
        self._starts: list[int] = []
        # of each block, how many samples came before it, forgotten ones included
        self._forgotten = 0

    def append(self, block: HipAngle) -> None:
        """Take in the next samples."""
        angle = block.angle_rad
        first = len(self.angle)
        self._starts.append(self._forgotten + first)
        self._blocks.append(block)
        self._tilts.append(_least_and_most(block.off_axis_rad))
        rows = len(angle) // FINE * FINE
        self.bins_from, self.bins_end = first, first + rows
        self.angle.frombytes(angle.tobytes())
        self.t_ns.frombytes(block.t_ns.tobytes())
        if rows == 0:
            return
        low = high = angle[:rows]
        fall = rise = np.zeros(rows)
        least_move = self._moves(angle)[:rows]
        last_stop = np.where(least_move < self._stop_rad, np.arange(first, first + rows), NEVER)
        size = 1
        while size < COARSE:
            before, after = slice(0, len(low) // 2 * 2, 2), slice(1, None, 2)
            fall = np.maximum(np.maximum(fall[before], fall[after]), high[before] - low[after])
            rise = np.maximum(np.maximum(rise[before], rise[after]), high[after] - low[before])
            low, high = np.minimum(low[before], low[after]), np.maximum(high[before], high[after])
            least_move = np.minimum(least_move[before], least_move[after])
            last_stop = np.maximum(last_stop[before], last_stop[after])
            size *= 2
            if size in (FINE, COARSE):
                extremes = _array(low), _array(high), _array(fall), _array(rise)
                self._up[size] = Bins(size, *extremes, _array(least_move), array("q", last_stop.tobytes()))
        self._down.clear()

    def _moves(self, angle: FloatArray) -> FloatArray:
        """Return how far the angle got in the `lag` samples before each one, halfway included, rad."""
        lag, first = self._lag, self.bins_from
        # nothing can stop before there is a lag to look back on
        early = max(0, lag - first)
        known = np.frombuffer(self.angle)[max(0, first - lag) :]
        moves = np.full(len(angle), np.inf)
        now = known[lag:]
        far = np.abs(now - known[: len(now)])
        half = np.abs(now - known[lag - lag // 2 : len(known) - lag // 2])
        moves[early:] = np.maximum(far, half)
        return moves

    def passes(self, i: int, sign: int) -> tuple[tuple[Bins, int], ...]:
        """Return the bins of the angle times `sign` to pass over from index i on, where a fine one begins.

        Each with the index up to which: fine ones to the next coarse one, coarse ones, fine ones again.
        """
        fine, coarse, first, end = (
            self.bins(FINE, sign),
            self.bins(COARSE, sign),
            self.bins_from,
            self.bins_end,
        )
        edge = first + (i - first + COARSE - 1) // COARSE * COARSE
        return (fine, min(edge, end)), (coarse, first + (end - first) // COARSE * COARSE), (fine, end)

    def bins(self, size: int, sign: int) -> Bins:
        """Return the bins of this size of the angle times `sign`."""
        if sign > 0:
            return self._up[size]
        if size not in self._down:
            # few sessions go both ways
            self._down[size] = self._up[size].mirrored()
        return self._down[size]

    def next_bin(self, i: int) -> int:
        """Return the index at which the first fine bin at or after index i begins, NEVER if there is none."""
        first = self.bins_from
        at = first + max(0, (i - first + FINE - 1) // FINE * FINE)
        return at if at < self.bins_end else NEVER

    def first_of(self, angle_rad: float, first: int, stop: int) -> int:
        """Return the first index, from `first` to before `stop`, at which the angle is this."""
        return first + int((np.frombuffer(self.angle)[first:stop] == angle_rad).argmax())

    def part(self, first: int, stop: int) -> HipAngle:
        """Return the samples from index `first` up to but without `stop` as one block."""
        first, stop = first + self._forgotten, stop + self._forgotten
        oldest = bisect_right(self._starts, first) - 1
        newest = bisect_right(self._starts, stop - 1)
        begin = self._starts[oldest]
        if newest - oldest == 1:
            return part(self._blocks[oldest], slice(first - begin, stop - begin))
        pieces = self._blocks[oldest:newest]
        pieces[0] = part(pieces[0], slice(first - begin, None))
        pieces[-1] = part(pieces[-1], slice(stop - self._starts[newest - 1]))
        return joined(pieces)

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
        self.bins_from = self.bins_end = 0
        del self.angle[:count], self.t_ns[:count]
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


def _array(values: FloatArray) -> "array[float]":
    return array("d", values.tobytes())


def part(block: HipAngle, rows: slice) -> HipAngle:
    """Return some rows of a block."""
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


def joined(blocks: Sequence[HipAngle]) -> HipAngle:
    """Return blocks that follow each other, one at least, as one."""
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
