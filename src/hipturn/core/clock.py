"""From device ticks to stream time: unwrapping, duplicates, losses, restarts.

The device clock gives intervals. Arrival times place a new link, or a device clock that began anew, on
the stream's time base; they tell a long silence from a wrap; and under them lies the map from stream
time to this computer's clock (`hosttime`). Sensors without a clock are in `samplecount`.
"""

from dataclasses import dataclass

import numpy as np

from hipturn.core.hosttime import Envelope, TimeMap
from hipturn.model import (
    BoolArray,
    FloatArray,
    Gap,
    GapCause,
    HostNs,
    IntArray,
    RawSamples,
    Samples,
    StreamInfo,
    StreamNs,
)
from hipturn.units import NS_PER_S

LOSS_FACTOR = 1.5
"""Two samples further apart than this many periods have lost some between them (rounded count)."""

FAR_BACK_NS = NS_PER_S
"""A tick this far behind the newest is no late packet but a clock that began anew: a link on which
packets are a second late is given up. Half a wrap of 16 bits at 32768 Hz is just as much."""
FAR_ON_NS = NS_PER_S
"""A sample this much earlier on this computer than the device's clock can explain was not sampled then."""
LONGEST_STEP_NS = 2**45
"""9.8 h, from one sample to the next; so many rows of it as are placed at once stay far from 2**63."""
ROWS_AT_ONCE, ROWS_AFTER_RESTART = 2**16, 8
"""Blocks of this size are placed at once; after a restart small ones first, in case they come in series."""
FARTHEST_NS = 2**52
"""Arrivals are taken within 52 days of the stream's first: what is further is damage."""


@dataclass(slots=True)
class StreamOrigin:
    """Where stream time zero lies and how far it has come; outlives links."""

    at_ns: int | None = None
    last_t_ns: int = -1

    def since(self, at_ns: int) -> int:
        """Return an arrival counted from the stream's first, which becomes this one if there was none."""
        if self.at_ns is None:
            self.at_ns = min(max(at_ns, -(2**61)), 2**61)
        return min(max(at_ns - self.at_ns, -FARTHEST_NS), FARTHEST_NS)

    def since_all(self, at_ns: IntArray) -> IntArray:
        """Return arrivals counted from the stream's first, of which there has been one."""
        zero = self.at_ns or 0
        return np.clip(at_ns, zero - FARTHEST_NS, zero + FARTHEST_NS) - zero


def rows_of(values: FloatArray | None, keep: BoolArray | slice) -> FloatArray | None:
    """Return some rows of values that a stream may not have."""
    return None if values is None else np.ascontiguousarray(values[keep])


class Clock:
    """The clock of one link of a device that has one: push blocks, get samples in stream time."""

    def __init__(self, info: StreamInfo, stream: str, origin: StreamOrigin) -> None:
        self._period_ns = NS_PER_S / info.rate_hz
        self._wrap = 2**info.tick_bits if info.tick_bits else 0
        self._ns_per_tick = NS_PER_S / info.tick_hz
        self._half_wrap_ns = self._wrap // 2 * self._ns_per_tick
        self._stream = stream
        self._origin = origin
        self._begun = False
        self._last_tick = 0
        self._last_since = 0
        self._newest = -1
        self._elapsed = 0
        self._offset_ns = 0
        self._least_delay = 0
        self._envelope = Envelope()
        self._overrun = False

    def overrun(self) -> None:
        """Note that the next gap was made on this computer, not on the radio."""
        self._overrun = True

    def follow(self) -> None:
        """From here on be ready to tell `host_at`."""
        self._envelope.follow()

    def host_at(self, t_ns: IntArray) -> IntArray:
        """Return the times on this computer's clock of samples just pushed, by what was known then."""
        since = t_ns + np.rint(self._envelope.known(t_ns)).astype(np.int64)
        return np.asarray(since + (self._origin.at_ns or 0))

    def time_map(self) -> TimeMap | None:
        """Return the map to this computer's clock as known now, None before the first sample."""
        if not self._begun or self._origin.at_ns is None:
            return None
        line = self._envelope.line()
        host_ns = self._origin.at_ns + line.t_ns + round(line.delay_ns)
        return TimeMap(StreamNs(line.t_ns), HostNs(host_ns), line.slope)

    def push(self, raw: RawSamples) -> tuple[Samples, list[Gap]]:
        """Return the new samples, strictly increasing in time, and the gaps before any of them.

        Samples that came before (a packet delivered twice or late) are dropped: they were already
        told, as themselves or as a gap. A gap is told at every restart of the device's clock, whether
        or not anything was lost at it.
        """
        tick = raw.tick
        if len(tick) == 0:
            return Samples(tick, tick, raw.acc_mps2, raw.gyr_radps, raw.q_earth_from_sensor), []
        first = None if self._begun else 0
        if not self._begun:
            self._begin(int(tick[0]), self._origin.since(int(raw.at_ns[0])))
        if len(tick) == 1:
            return self._push_one(raw, first is not None)
        since = self._origin.since_all(raw.at_ns)
        t_ns, restarts = self._place(tick, since)
        acc, gyr, q = raw.acc_mps2, raw.gyr_radps, raw.q_earth_from_sensor
        # strictly later than everything before it, in this block and before this block
        before = np.concatenate(([self._origin.last_t_ns], t_ns[:-1]))
        keep = t_ns > before
        if not keep.all():
            before = np.maximum.accumulate(before)
            keep = t_ns > before
            kept_before = np.cumsum(keep) - 1
            restarts = [int(kept_before[i]) for i in restarts]
            first = first if keep[0] else None
            t_ns, before, since = t_ns[keep], before[keep], since[keep]
            acc, gyr, q = rows_of(acc, keep), rows_of(gyr, keep), rows_of(q, keep)
            if len(t_ns) == 0:
                return Samples(t_ns, t_ns, acc, gyr, q), []
        start = 0
        for restart in (*restarts, len(t_ns)):
            self._envelope.add_all(t_ns[start:restart], since[start:restart] - t_ns[start:restart])
            if restart < len(t_ns):
                self._envelope.restart()
            start = restart
        lost = np.zeros(len(t_ns), dtype=np.int64)
        gaps: list[Gap] = []
        apart = t_ns - before > LOSS_FACTOR * self._period_ns
        if restarts:
            apart[restarts] = True
        if apart.any():
            begun_anew = set(restarts)
            for i in np.flatnonzero(apart).tolist():
                # what came before the very first sample of the stream is no loss
                if before[i] >= 0:
                    gap = self._gap(int(before[i]), int(t_ns[i]), i == first, i in begun_anew)
                    lost[i] = gap.lost
                    gaps.append(gap)
        self._origin.last_t_ns = int(t_ns[-1])
        return Samples(t_ns, lost, acc, gyr, q), gaps

    def _push_one(self, raw: RawSamples, first: bool) -> tuple[Samples, list[Gap]]:
        """Do what `push` does for one sample, in Python's integers: it is what happens live."""
        since, before = self._origin.since(int(raw.at_ns[0])), self._origin.last_t_ns
        t_ns, restarted = self._place_one(int(raw.tick[0]), since)
        acc, gyr, q = raw.acc_mps2, raw.gyr_radps, raw.q_earth_from_sensor
        if t_ns <= before:
            none = np.empty(0, np.int64)
            nothing = slice(0)
            return Samples(none, none, rows_of(acc, nothing), rows_of(gyr, nothing), rows_of(q, nothing)), []
        if restarted:
            self._envelope.restart()
        self._envelope.add(t_ns, since - t_ns)
        self._origin.last_t_ns = t_ns
        gaps: list[Gap] = []
        if before >= 0 and (restarted or t_ns - before > LOSS_FACTOR * self._period_ns):
            gaps = [self._gap(before, t_ns, first, restarted)]
        lost = gaps[0].lost if gaps else 0
        return Samples(np.array([t_ns], np.int64), np.array([lost], np.int64), acc, gyr, q), gaps

    def _gap(self, start_ns: int, end_ns: int, first: bool, restarted: bool) -> Gap:
        cause: GapCause = "overrun" if self._overrun else "link" if first else "loss"
        lost = round((end_ns - start_ns) / self._period_ns) - 1
        if restarted:
            # nothing need be lost at a restart: its place is known to a connection interval at best
            return Gap(self._stream, StreamNs(start_ns), StreamNs(end_ns), max(0, lost), "device")
        self._overrun = False
        return Gap(self._stream, StreamNs(start_ns), StreamNs(end_ns), max(1, lost), cause)

    # --- placing: where each sample lies in stream time, late ones and duplicates included ----------

    def _begin(self, tick: int, since: int) -> None:
        """Place this link's first sample on the stream's time base by its arrival."""
        self._begun = True
        self._anew(tick, since, max(since, self._origin.last_t_ns + 1))

    def _restart(self, tick: int, since: int) -> int:
        """Place the first sample of a device clock that began anew, as much later as it arrived later."""
        later = min(since - self._last_since, FARTHEST_NS - self._newest)
        self._anew(tick, since, self._newest + max(1, later))
        return self._offset_ns

    def _anew(self, tick: int, since: int, t_ns: int) -> None:
        self._last_tick, self._last_since, self._elapsed = tick, since, 0
        self._offset_ns = self._newest = t_ns
        self._least_delay = since - t_ns

    def _place_one(self, tick: int, since: int) -> tuple[int, bool]:
        """Return the stream time of a sample and whether its tick follows from no earlier one."""
        step = self._step(tick - self._last_tick, since - self._last_since)
        if not -FAR_BACK_NS < step * self._ns_per_tick < LONGEST_STEP_NS:
            return self._restart(tick, since), True
        elapsed = self._elapsed + step
        t_ns = self._offset_ns + round(elapsed * self._ns_per_tick)
        delay = since - t_ns
        if delay < self._least_delay - FAR_ON_NS:
            return self._restart(tick, since), True
        self._last_tick, self._last_since, self._elapsed = tick, since, elapsed
        self._least_delay = min(self._least_delay, delay)
        self._newest = max(self._newest, t_ns)
        return t_ns, False

    def _step(self, step: int, waited_ns: int) -> int:
        """Return the ticks from one sample to the next, given their difference as sent."""
        if not self._wrap:
            return (step + 2**63) % 2**64 - 2**63
        # the shorter way round: late packets go back a little, a wrap goes on
        step %= self._wrap
        if step >= self._wrap - self._wrap // 2:
            step -= self._wrap
        if waited_ns > self._half_wrap_ns:
            # after a silence this long, the way round that took about as long
            step += self._wrap * max(0, round((waited_ns / self._ns_per_tick - step) / self._wrap))
        return step

    def _place(self, tick: IntArray, since: IntArray) -> tuple[IntArray, list[int]]:
        """Return the stream times of samples, shape (n,), and the rows where the device's clock began anew.

        Blocks are placed up to the first row that does not follow; the same as `_place_one` for each row.
        """
        t_ns = np.empty(len(tick), np.int64)
        restarts: list[int] = []
        start, rows = 0, ROWS_AT_ONCE
        while start < len(tick):
            stop = min(len(tick), start + rows)
            start += self._run(tick[start:stop], since[start:stop], t_ns[start:stop])
            rows = min(2 * rows, ROWS_AT_ONCE)
            if start < stop:
                t_ns[start] = self._restart(int(tick[start]), int(since[start]))
                restarts.append(start)
                start, rows = start + 1, ROWS_AFTER_RESTART
        return t_ns, restarts

    def _run(self, tick: IntArray, since: IntArray, t_ns: IntArray) -> int:
        """Fill in the times of rows up to the first that does not follow; return how many that are."""
        # extremes first: whole blocks of a sound clock need no more, in a fraction of the time
        step = np.diff(tick, prepend=self._last_tick)
        least_step, most_step = int(step.min()), int(step.max())
        longest_ns = int(since.max()) - min(int(since.min()), self._last_since)
        # neither a step back, which may be a wrap, nor a silence in which there may have been one
        no_wrap = 0 <= least_step <= most_step < self._wrap // 2 and longest_ns <= self._half_wrap_ns
        as_sent = not self._wrap or no_wrap
        if not as_sent:
            # a power of two: the remainder by its bits
            step &= self._wrap - 1
            if step.max() >= self._wrap - self._wrap // 2:
                step[step >= self._wrap - self._wrap // 2] -= self._wrap
            waited_ns = np.diff(since, prepend=self._last_since)
            if waited_ns.max() > self._half_wrap_ns:
                round_again = np.rint((waited_ns / self._ns_per_tick - step) / self._wrap)
                round_again[waited_ns <= self._half_wrap_ns] = 0.0
                step += self._wrap * np.maximum(0.0, round_again).astype(np.int64)
            least_step, most_step = int(step.min()), int(step.max())
        rows = len(step)
        least_ns, most_ns = least_step * self._ns_per_tick, most_step * self._ns_per_tick
        if not (least_ns > -FAR_BACK_NS and most_ns < LONGEST_STEP_NS):
            step_ns = step * self._ns_per_tick
            rows = _first((step_ns <= -FAR_BACK_NS) | (step_ns >= LONGEST_STEP_NS))
        if rows == 0:
            return 0
        elapsed = (tick[:rows] - self._last_tick) if as_sent else np.cumsum(step[:rows])
        elapsed += self._elapsed
        t_ns[:rows] = self._offset_ns + np.rint(elapsed * self._ns_per_tick).astype(np.int64)
        delay = since[:rows] - t_ns[:rows]
        least = min(self._least_delay, int(delay.min()))
        if max(self._least_delay, int(delay.max())) - least > FAR_ON_NS:
            least_yet = np.minimum.accumulate(np.concatenate(([self._least_delay], delay)))
            rows = _first(delay < least_yet[:-1] - FAR_ON_NS)
            least = int(least_yet[rows])
        if rows:
            self._last_tick, self._last_since = int(tick[rows - 1]), int(since[rows - 1])
            self._elapsed, self._least_delay = int(elapsed[rows - 1]), least
            self._newest = max(self._newest, int(t_ns[:rows].max()))
        return rows


def _first(wrong: BoolArray) -> int:
    """Return the first row that is so, or the number of rows."""
    return int(np.argmax(wrong)) if wrong.any() else len(wrong)
