"""The angle since the last rest, as the repetition detector looks at it.

Plain numbers for a machine that goes from sample to sample, extremes of sixteen samples at a time so
that it can pass over those in which nothing can happen, and the blocks themselves for the figures.
"""

from collections import deque
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

    def __init__(self, lag: int) -> None:
        """Keep a trace in which a stop is to get nowhere within `lag` samples."""
        self._lag = lag
        self.angle: list[float] = []
        """rad"""
        self.t_ns: list[int] = []
        self._from = self._to = 0
        self._up = self._down = Bins([], [], [])
        self.least_move: list[float] = []
        """Of each bin, how far the angle got at least in the `lag` samples before any of it, rad."""
        self._blocks: deque[HipAngle] = deque()
        self._before = 0
        # samples of the first block that are forgotten already

    def append(self, block: HipAngle) -> None:
        """Take in the next samples."""
        angle = block.angle_rad
        bins = len(angle) // BIN
        self._from = len(self.angle)
        self._to = self._from + bins * BIN
        self.angle += angle.tolist()
        self.t_ns += block.t_ns.tolist()
        self._blocks.append(block)
        if bins:
            rows = angle[: bins * BIN].reshape(bins, BIN)
            low, high = rows.min(axis=1), rows.max(axis=1)
            fall = (np.maximum.accumulate(rows, axis=1) - rows).max(axis=1).tolist()
            rise = (rows - np.minimum.accumulate(rows, axis=1)).max(axis=1).tolist()
            self._up = Bins(low.tolist(), high.tolist(), fall)
            self._down = Bins((-high).tolist(), (-low).tolist(), rise)
            self.least_move = self._moves(angle, bins)

    def _moves(self, angle: FloatArray, bins: int) -> list[float]:
        lag = self._lag
        # nothing can stop before there is a lag to look back on
        early = max(0, lag - self._from)
        known = np.array(self.angle[max(0, self._from - lag) :])
        moves = np.full(len(angle), np.inf)
        now = known[lag:]
        far = np.abs(now - known[: len(now)])
        half = np.abs(now - known[lag - lag // 2 : len(known) - lag // 2])
        moves[early:] = np.maximum(far, half)
        least: list[float] = moves[: bins * BIN].reshape(bins, BIN).min(axis=1).tolist()
        return least

    def bins(self, sign: int) -> Bins:
        """Return the bins of the angle times `sign`."""
        return self._up if sign > 0 else self._down

    def next_bin(self, i: int) -> int:
        """Return the index at which the first bin at or after index i begins, NEVER if there is none."""
        if i < self._from:
            i = self._from
        i += (self._from - i) % BIN
        return i if i < self._to else NEVER

    def bin_at(self, i: int) -> int:
        """Return the number of the bin that begins at index i."""
        return (i - self._from) // BIN

    def part(self, first: int, stop: int) -> HipAngle:
        """Return the samples from index `first` up to but without `stop` as one block."""
        pieces: list[HipAngle] = []
        begin = -self._before
        for block in self._blocks:
            end = begin + len(block.t_ns)
            if first <= begin and end <= stop:
                pieces.append(block)
            elif end > first and begin < stop:
                pieces.append(_rows(block, slice(max(0, first - begin), stop - begin)))
            begin = end
        return pieces[0] if len(pieces) == 1 else _join(pieces)

    def forget(self, count: int) -> None:
        """Drop the oldest samples; the bins are of the past then."""
        self._from = self._to = 0
        del self.angle[:count], self.t_ns[:count]
        self._before += count
        while self._blocks and len(self._blocks[0].t_ns) <= self._before:
            self._before -= len(self._blocks.popleft().t_ns)


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
