"""The angle since the last rest, as the repetition detector looks at it.

Plain numbers for a machine that goes from sample to sample, extremes of four and of sixteen samples so
that it can pass over those in which nothing can happen, and the blocks themselves for the figures.
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    """The largest fall from an earlier to a later sample within the bin; negative where it only rises."""
    rise: "array[float]"
    """The largest rise."""
    least_move: "array[float]"
    """How far the angle got at least in the `lag` samples before any of it."""

    def mirrored(self) -> "Bins":
        """Return the same bins of the angle with the other sign."""
        low, high = _array(-np.frombuffer(self.high)), _array(-np.frombuffer(self.low))
        return Bins(self.size, low, high, self.rise, self.fall, self.least_move)

    def about(self, place: float, by: float, k: int) -> int:
        """Return how many bins from the k-th on stay so near to an angle."""
        beyond = (place - np.frombuffer(self.low)[k:] > by) | (np.frombuffer(self.high)[k:] - place > by)
        first = beyond.tobytes().find(1)
        return first if first >= 0 else len(beyond)


class Trace:
    """Samples of one leg, oldest first; an index counts from the oldest that is still kept."""

    def __init__(self, lag: int, stop_rad: float) -> None:
        """Keep a trace in which a stop is to get less far than `stop_rad` within `lag` samples."""
        self._lag, self._stop_rad = lag, stop_rad
        self.angle = array("d")
        """rad"""
        self.t_ns = array("q")
        """Stream time, ns"""
        self.block_from = self.bins_end = 0
        """Where the last block begins, and up to where bins tell of it: all but a rest of it."""
        self.moves = array("d")
        """Of each sample of the last block how far the angle got in the `lag` before it, rad, infinite where
        nothing was so long before. The way to the middle counts too, or a symmetrical turn would look like a
        stop."""
        self._stops = b""
        """Of each sample that bins tell of, 1 if it is a stop."""
        self._bins: dict[int, tuple[Bins, ...]] = {}
        # by the sign of the movement, the fine and the coarse ones
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
        self._bins.clear()
        self._starts.append(self._forgotten + first)
        self._blocks.append(block)
        self._tilts.append(_least_and_most(block.off_axis_rad))
        rows = len(angle) // FINE * FINE
        self.block_from, self.bins_end = first, first + rows
        self.angle.frombytes(_bytes(angle))
        self.t_ns.frombytes(_bytes(block.t_ns))
        if rows == 0:
            self.moves = array("d", map(self._move, range(first, first + len(angle))))
            return
        moves = self._moves(angle)
        self.moves = _array(moves)
        low = high = angle[:rows]
        least_move = moves[:rows]
        self._stops = (least_move < self._stop_rad).tobytes()
        fall = rise = np.zeros(0)
        size, done = 1, []
        while size < COARSE:
            before, after = slice(0, len(low) // 2 * 2, 2), slice(1, None, 2)
            down = high[before] - low[after]
            up = high[after] - low[before]
            if size > 1:
                np.maximum(down, np.maximum(fall[before], fall[after]), out=down)
                np.maximum(up, np.maximum(rise[before], rise[after]), out=up)
            fall, rise = down, up
            low, high = np.minimum(low[before], low[after]), np.maximum(high[before], high[after])
            least_move = np.minimum(least_move[before], least_move[after])
            size *= 2
            if size in (FINE, COARSE):
                extremes = _array(low), _array(high), _array(fall), _array(rise)
                done.append(Bins(size, *extremes, _array(least_move)))
        self._bins[1] = tuple(done)

    def _move(self, i: int) -> float:
        """Return what `moves` tells of sample i."""
        angle, lag = self.angle, self._lag
        if i < lag:
            return math.inf
        return max(abs(angle[i] - angle[i - lag]), abs(angle[i] - angle[i - lag // 2]))

    def _moves(self, angle: FloatArray) -> FloatArray:
        """Return what `moves` tells of each sample of a block just taken in, of this angle."""
        lag, first = self._lag, self.block_from
        early = max(0, lag - first)
        known = np.frombuffer(self.angle)[max(0, first - lag) :]
        moves = np.full(len(angle), np.inf)
        now = known[lag:]
        far = now - known[: len(now)]
        half = now - known[lag - lag // 2 : len(known) - lag // 2]
        np.maximum(np.abs(far, out=far), np.abs(half, out=half), out=moves[early:])
        return moves

    def passes(self, i: int, sign: int) -> tuple[tuple[Bins, int], ...]:
        """Return the bins of the angle times `sign` to pass over from index i on, where a fine one begins.

        Each with the index up to which: fine ones to the next coarse one, coarse ones, fine ones again.
        """
        fine, coarse = self.bins(sign)
        first, end = self.block_from, self.bins_end
        edge = i + (first - i) % COARSE
        return (fine, min(edge, end)), (coarse, end - (end - first) % COARSE), (fine, end)

    def bins(self, sign: int) -> tuple[Bins, ...]:
        """Return the fine and the coarse bins of the angle times `sign`."""
        if sign not in self._bins:
            # few sessions go both ways
            self._bins[sign] = tuple(bins.mirrored() for bins in self._bins[1])
        return self._bins[sign]

    def last_stop(self, i: int, stop: int) -> int:
        """Return the index of the last stop from index i to before `stop`, NEVER if there is none."""
        first = self.block_from
        at = self._stops.rfind(1, i - first, stop - first)
        return first + at if at >= 0 else NEVER

    def next_bin(self, i: int) -> int:
        """Return the index at which the first fine bin at or after index i begins, NEVER if there is none."""
        first = self.block_from
        at = first + max(0, (i - first + FINE - 1) // FINE * FINE)
        return at if at < self.bins_end else NEVER

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
        """Drop the oldest samples; what is told of the last block is of the past then."""
        self.block_from = self.bins_end = 0
        del self.moves[:], self.angle[:count], self.t_ns[:count]
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
    out = array("d")
    out.frombytes(_bytes(values))
    return out


def _bytes(values: NDArray[Any]) -> memoryview:
    """Return the bytes of an array, copied only if they do not lie in a row."""
    return np.ascontiguousarray(values).data.cast("B")


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
