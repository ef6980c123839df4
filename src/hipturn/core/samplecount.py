"""Stream time for sensors without a clock: samples counted, and a period fitted to their arrivals.

Time is the line under the arrivals (`hosttime`), followed smoothly. What it cannot know: a sample that
comes late and a sample that was lost look the same until later ones come. So losses are told when
arrivals have stayed late for a while, not where they happened, rounded to whole periods; single ones are
told three together; and a sensor that always loses a few looks like a slower one. Packets that come
twice cannot be told from new ones at all (docs/decisions/2026-11-23-clock.md).
"""

import numpy as np

from hipturn.core.clock import LOSS_FACTOR, StreamOrigin
from hipturn.core.hosttime import Envelope, TimeMap
from hipturn.model import Gap, GapCause, HostNs, IntArray, RawSamples, Samples, StreamInfo, StreamNs
from hipturn.units import NS_PER_S

MOST_SLOPE = 0.02
"""Sample rates of IMUs without a crystal are within 1 %, seldom 2 %, of what is set."""

WINDOW_NS = 60 * NS_PER_S
"""Over more of the past a period that is no crystal's does not stay what it was."""

SLEW = 0.05
"""Stream time nears the line by this share of a period a sample: 50 ms of the start's error in 1 s."""

LATE_FACTOR = 2.5
"""Arrivals this many periods behind the line may be losses. The least delay hides up to one period where
the radio's rhythm is a whole number of samples, and a line through a change of it leads to another."""

SURE_S = 0.25
SURE_SAMPLES = 8
"""Arrivals this long and so many in a row behind the line are lost samples, not a busy radio: five
connection intervals of 50 ms, in each of which the radio may catch up."""

LEARNING_S = 3.0
"""Until the period is known so long, a late arrival may be a slow sensor."""


class SampleCount:
    """The clock of one link of a device that has none; see `clock.Clock`, whose place it takes."""

    def __init__(self, info: StreamInfo, stream: str, origin: StreamOrigin) -> None:
        self._nominal_ns = NS_PER_S / info.rate_hz
        self._samples_a_fit = max(1, round(info.rate_hz))
        self._learned_at = round(LEARNING_S * info.rate_hz)
        self._stream = stream
        self._origin = origin
        self._envelope = Envelope(MOST_SLOPE, WINDOW_NS)
        self._overrun = False
        self._begin_ns: int | None = None
        self._count = 0
        # since the last fit, or the last loss: stream time is a line towards the fitted one
        self._fit_from = 0
        self._fit_t_ns = 0.0
        self._period_ns = self._nominal_ns
        self._pull_ns = 0.0
        self._next_fit = self._samples_a_fit
        # arrivals in a row behind the line
        self._late = 0
        self._late_from_ns = 0
        self._late_by_ns = 0.0

    def overrun(self) -> None:
        """Note that the next gap was made on this computer, not on the radio."""
        self._overrun = True

    def follow(self) -> None:
        """Be ready to tell `host_at`: it always is."""

    def host_at(self, t_ns: IntArray) -> IntArray:
        """Return the times on this computer's clock of samples just pushed, of which stream time is made."""
        return np.asarray(t_ns + (self._origin.at_ns or 0))

    def time_map(self) -> TimeMap | None:
        """Return the map to this computer's clock, of which stream time is made; None before a sample."""
        if self._begin_ns is None or self._origin.at_ns is None:
            return None
        newest = self._origin.last_t_ns
        return TimeMap(StreamNs(newest), HostNs(self._origin.at_ns + newest), 0.0)

    def push(self, raw: RawSamples) -> tuple[Samples, list[Gap]]:
        """Return the samples in stream time, strictly increasing, and the gaps before any of them.

        The ticks are not looked at.
        """
        n = len(raw.at_ns)
        gaps: list[Gap] = []
        lost = np.zeros(n, np.int64)
        t_ns = np.empty(n, np.int64)
        start = 0
        while start < n:
            rows = 0
            if n - start > 1 and self._begin_ns is not None and not self._late:
                rows = self._many(self._begin_ns, raw.at_ns[start:], t_ns[start:])
            if rows == 0:
                rows, gap = 1, self._one(int(raw.at_ns[start]))
                t_ns[start] = self._origin.last_t_ns
                if gap is not None:
                    lost[start] = gap.lost
                    gaps.append(gap)
            start += rows
        return Samples(t_ns, lost, raw.acc_mps2, raw.gyr_radps, raw.q_earth_from_sensor), gaps

    def _one(self, at_ns: int) -> Gap | None:
        """Place a sample; return the gap before it, if there is one."""
        since, before = self._origin.since(at_ns), self._origin.last_t_ns
        cause: GapCause = "loss"
        if self._begin_ns is None:
            self._begin_ns = max(since, before + 1)
            cause, lost = "link", 0
            if before >= 0 and self._begin_ns - before > LOSS_FACTOR * self._nominal_ns:
                lost = max(1, round((self._begin_ns - before) / self._nominal_ns) - 1)
        else:
            lost = self._lost(since - self._begin_ns)
            if lost:
                self._go_on_after(lost, before - self._begin_ns)
        t_ns = self._begin_ns + round(self._next_t_ns())
        counted = round(self._count * self._nominal_ns)
        self._envelope.add(counted, since - self._begin_ns - counted)
        self._origin.last_t_ns = t_ns
        self._advance(1)
        if not lost:
            return None
        if self._overrun:
            cause, self._overrun = "overrun", False
        return Gap(self._stream, StreamNs(before), StreamNs(t_ns), lost, cause)

    def _many(self, begin_ns: int, at_ns: IntArray, out: IntArray) -> int:
        """Place samples as `_one` does, up to the next fit or the first late arrival; return how many."""
        rows = min(len(at_ns), self._next_fit - self._count)
        since = self._origin.since_all(at_ns[:rows]) - begin_ns
        number = np.arange(self._count, self._count + rows)
        j = number - self._fit_from
        line_ns = self._fit_t_ns + self._pull_ns + j * self._period_ns
        learning = number * (number < self._learned_at)
        late = since - line_ns > LATE_FACTOR * self._period_ns + MOST_SLOPE * self._period_ns * learning
        if late.any():
            rows = int(np.argmax(late))
            if rows == 0:
                return 0
            since, number, j = since[:rows], number[:rows], j[:rows]
        most = SLEW * self._period_ns * j
        pull = np.minimum(np.maximum(self._pull_ns, -most), most)
        out[:rows] = begin_ns + np.rint(self._fit_t_ns + j * self._period_ns + pull).astype(np.int64)
        counted = np.rint(number * self._nominal_ns).astype(np.int64)
        self._envelope.add_all(counted, since - counted)
        self._origin.last_t_ns = int(out[rows - 1])
        self._advance(rows)
        return rows

    def _lost(self, since: int) -> int:
        """Return how many samples are now known to be lost, one having arrived at `since`; mostly none."""
        j = self._count - self._fit_from
        late_by_ns = since - (self._fit_t_ns + self._pull_ns + j * self._period_ns)
        allowed_ns = LATE_FACTOR * self._period_ns
        if self._count < self._learned_at:
            allowed_ns = allowed_ns + MOST_SLOPE * self._period_ns * self._count
        if late_by_ns <= allowed_ns:
            self._late = 0
            return 0
        if self._late == 0:
            self._late_from_ns, self._late_by_ns = since, late_by_ns
        self._late += 1
        self._late_by_ns = min(self._late_by_ns, late_by_ns)
        if self._late < SURE_SAMPLES or since - self._late_from_ns < SURE_S * NS_PER_S:
            return 0
        self._late = 0
        return round(self._late_by_ns / self._period_ns)

    def _go_on_after(self, lost: int, last_t_ns: int) -> None:
        """Let the sample that comes next be so many later than the last one."""
        j = self._count - self._fit_from
        line_ns = self._fit_t_ns + self._pull_ns + (j + lost) * self._period_ns
        self._count += lost
        self._anew(last_t_ns + (1 + lost) * self._period_ns, line_ns)

    def _next_t_ns(self) -> float:
        """Return the time of the sample that comes next, since the link's first."""
        j = self._count - self._fit_from
        most = SLEW * self._period_ns * j
        return self._fit_t_ns + j * self._period_ns + min(max(self._pull_ns, -most), most)

    def _advance(self, rows: int) -> None:
        """Count samples, and fit the period when it is time to."""
        self._count += rows
        if self._count >= self._next_fit:
            self._next_fit = self._count + self._samples_a_fit
            counted = round(self._count * self._nominal_ns)
            line = self._envelope.line()
            t_ns = self._next_t_ns()
            self._period_ns = self._nominal_ns * (1.0 + line.slope)
            self._anew(t_ns, counted + line.at(counted))

    def _anew(self, t_ns: float, line_ns: float) -> None:
        self._fit_from, self._fit_t_ns, self._pull_ns = self._count, t_ns, line_ns - t_ns
