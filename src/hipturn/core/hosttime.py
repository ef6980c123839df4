"""From stream time to this computer's clock, so that several sensors share a time base.

A notification waits for the radio: what it arrives late by is never negative, often nearly nothing,
and sometimes much. So the true relation of the two clocks is the line under all delays, a lower
envelope, not a line through them (docs/decisions/2026-11-23-clock.md).
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hipturn.model import FloatArray, HostNs, IntArray, StreamNs
from hipturn.units import NS_PER_S

BUCKET_NS = NS_PER_S
"""Of each second of stream time only the sample with the least delay is kept."""

WINDOW_NS = 300 * NS_PER_S
"""How much of the past the line lies under. Where the radio's rhythm is a whole number of samples the least
delay hides for as long as the clocks take to slide by one sample, 100 s at 100 Hz and 100 ppm; a sensor
that warms up by 12 °C on the skin (0.035 ppm/°C²) bends the true line by less than 1 ms in this time.

A sensor whose rhythm is no crystal's wants less: `samplecount` says how much."""

MOST_WAITING = 16
"""Blocks that may wait to be looked at."""

CRYSTAL_SLOPE = 500e-6
"""No sensor's crystal is further off than this; poor RC oscillators reach 250 ppm."""


@dataclass(frozen=True, slots=True)
class TimeMap:
    """Where stream time lies on the host's monotonic clock, as known at one moment."""

    t_ns: StreamNs
    """A stream time near the newest sample."""
    host_ns: HostNs
    """The host's time then, late by the radio's least delay, which nobody can see."""
    drift: float
    """Host seconds gained per second of stream time: 1e-4 is a sensor whose clock is 100 ppm slow."""

    def host_at(self, t_ns: int) -> HostNs:
        """Return the host's time at a stream time; meant for the last minutes."""
        return HostNs(self.host_ns + (t_ns - self.t_ns) + round(self.drift * (t_ns - self.t_ns)))


@dataclass(frozen=True, slots=True)
class Line:
    """A delay that changes with time."""

    t_ns: int
    delay_ns: float
    slope: float

    def at(self, t_ns: int) -> float:
        """Return the delay at a time, in ns."""
        return self.delay_ns + self.slope * (t_ns - self.t_ns)


class Envelope:
    """The line under the latest delays: add samples in order of time, ask for the line.

    Adding costs next to nothing; the line is computed when asked for.
    """

    def __init__(self, most_slope: float = CRYSTAL_SLOPE, window_ns: int = WINDOW_NS) -> None:
        self._most_slope = most_slope
        self._buckets = window_ns // BUCKET_NS
        self._least: deque[tuple[int, int]] = deque()
        self._bucket = 0
        self._slope = 0.0
        self._waiting: list[tuple[IntArray, IntArray]] = []
        self._followed: list[tuple[int, Line]] | None = None

    def follow(self) -> None:
        """From here on know at each time the line as it was known then: see `known`."""
        if self._followed is None:
            self._take()
            self._followed = []
            if self._least:
                line = self.line()
                self._followed.append((line.t_ns, line))

    def known(self, t_ns: IntArray) -> FloatArray:
        """Return the delay at times just added, in ns, by the line known when the second of each began.

        It depends on nothing later, so not on how samples were grouped. Until the first second of a clock is
        over the delay is that of its first sample. Asked for times in order.
        """
        lines = self._followed or []
        starts = [start for start, _ in lines]
        which = np.maximum(np.searchsorted(starts, t_ns, side="right") - 1, 0)
        delay_ns = np.empty(len(t_ns))
        for i in range(int(which[0]), int(which[-1]) + 1):
            rows = which == i
            line = lines[i][1]
            delay_ns[rows] = line.delay_ns + line.slope * (t_ns[rows] - line.t_ns)
        del lines[: int(which[-1])]
        return delay_ns

    def restart(self) -> None:
        """Begin anew, because the clock has jumped; its rate is still the same crystal's."""
        self._take()
        if len(self._least) > 1:
            self._slope = self.line().slope
        self._least.clear()

    def add(self, t_ns: int, delay_ns: int) -> None:
        """Take a sample's time and how much later it arrived."""
        if self._waiting:
            self._take()
        bucket = t_ns // BUCKET_NS
        if not self._least or bucket > self._bucket:
            self._open(bucket, t_ns, delay_ns)
        elif delay_ns < self._least[-1][1]:
            self._least[-1] = (t_ns, delay_ns)

    def add_all(self, t_ns: IntArray, delay_ns: IntArray) -> None:
        """Take many samples, in order of time: the same as `add` for each."""
        if len(t_ns) == 0:
            return
        # a replay never asks for the line: blocks wait until somebody does, or until they are many
        self._waiting.append((t_ns, delay_ns))
        if self._followed is not None:
            self._take()
            return
        oldest = int(t_ns[-1]) - (self._buckets + 1) * BUCKET_NS
        while int(self._waiting[0][0][-1]) < oldest:
            del self._waiting[0]
        if len(self._waiting) > MOST_WAITING:
            self._take()

    def _take(self) -> None:
        waiting, self._waiting = self._waiting, []
        for t_ns, delay_ns in waiting:
            self._take_block(t_ns, delay_ns)

    def _take_block(self, t_ns: IntArray, delay_ns: IntArray) -> None:
        buckets = t_ns // BUCKET_NS
        edges = [0, *(np.flatnonzero(np.diff(buckets)) + 1).tolist(), len(t_ns)]
        # what the window has passed by when all are in need not be looked at
        first = max(0, int(np.searchsorted(buckets[edges[:-1]], buckets[-1] - self._buckets)) - 1)
        if self._followed is not None:
            first = 0
            if not self._least:
                self.add(int(t_ns[0]), int(delay_ns[0]))
        for start, stop in zip(edges[first:-1], edges[first + 1 :], strict=True):
            i = start + int(np.argmin(delay_ns[start:stop]))
            self.add(int(t_ns[i]), int(delay_ns[i]))

    def line(self) -> Line:
        """Return the line under all delays that lies highest at their middle, its slope within limits."""
        self._take()
        t0, delay0 = self._least[0]
        points = [(t - t0, delay - delay0) for t, delay in self._least]
        slope = self._slope
        if len(points) > 1:
            slope = _slope_under(points)
            slope = min(max(slope, -self._most_slope), self._most_slope)
        newest = points[-1][0]
        least = min(delay - slope * (t - newest) for t, delay in points)
        return Line(t0 + newest, delay0 + least, slope)

    def _open(self, bucket: int, t_ns: int, delay_ns: int) -> None:
        if self._followed is not None:
            first = Line(t_ns, delay_ns, self._slope)
            self._followed.append((bucket * BUCKET_NS, self.line()) if self._least else (t_ns, first))
        self._bucket = bucket
        self._least.append((t_ns, delay_ns))
        while self._least[0][0] // BUCKET_NS <= bucket - self._buckets:
            self._least.popleft()


def _slope_under(points: list[tuple[int, int]]) -> float:
    """Return the slope of the lower convex hull's edge at the mean time: the least sum of distances."""
    middle = sum(t for t, _ in points) / len(points)
    hull: list[tuple[int, int]] = []
    for t, delay in points:
        while len(hull) > 1:
            (t1, d1), (t2, d2) = hull[-2:]
            if (d2 - d1) * (t - t1) < (delay - d1) * (t2 - t1):
                break
            hull.pop()
        hull.append((t, delay))
    for (t1, d1), (t2, d2) in pairwise(hull):
        if t2 >= middle:
            return (d2 - d1) / (t2 - t1)
    return 0.0
