"""From device ticks to stream time: unwrapping, duplicates, losses.

The device clock gives intervals; arrival times are used for one thing only: to place a new link
on the stream's time base after a reconnect, because the device may have restarted meanwhile.
"""

from dataclasses import dataclass

import numpy as np

from hipturn.model import (
    BoolArray,
    FloatArray,
    Gap,
    GapCause,
    IntArray,
    RawSamples,
    Samples,
    StreamInfo,
    StreamNs,
)
from hipturn.units import NS_PER_S

LOSS_FACTOR = 1.5
"""Two samples further apart than this many periods have lost some between them (rounded count)."""


@dataclass(slots=True)
class StreamOrigin:
    """Where stream time zero lies and how far it has come; outlives links."""

    at_ns: int | None = None
    last_t_ns: int = -1


def _rows(values: FloatArray | None, keep: BoolArray) -> FloatArray | None:
    return None if values is None else np.ascontiguousarray(values[keep])


class Clock:
    """The clock of one link: push blocks, get samples in stream time."""

    def __init__(self, info: StreamInfo, stream: str, origin: StreamOrigin) -> None:
        self._period_ns = NS_PER_S / info.rate_hz
        self._wrap = 2**info.tick_bits if info.tick_bits else 0
        self._ns_per_tick = NS_PER_S / info.tick_hz
        self._stream = stream
        self._origin = origin
        self._last_tick = 0
        self._begun = False
        self._unwrapped = 0
        self._offset_ns = 0
        self._overrun = False

    def overrun(self) -> None:
        """Note that the next gap was made on this computer, not on the radio."""
        self._overrun = True

    def push(self, raw: RawSamples) -> tuple[Samples, list[Gap]]:
        """Return the new samples, strictly increasing in time, and the gaps before any of them.

        Samples that came before (a packet delivered twice or late) are dropped: they were already
        told, as themselves or as a gap.
        """
        tick = raw.tick
        if len(tick) == 0:
            return Samples(tick, tick, raw.acc_mps2, raw.gyr_radps, raw.q_earth_from_sensor), []
        if not self._begun:
            self._begin(int(tick[0]), int(raw.at_ns[0]))
        t_ns = self._offset_ns + np.rint(self._unwrap(tick) * self._ns_per_tick).astype(np.int64)
        acc, gyr, q = raw.acc_mps2, raw.gyr_radps, raw.q_earth_from_sensor
        # strictly later than everything before it, in this block and before this block
        before = np.maximum.accumulate(np.concatenate(([self._origin.last_t_ns], t_ns)))[:-1]
        keep = t_ns > before
        if not keep.all():
            t_ns, before = t_ns[keep], before[keep]
            acc, gyr, q = _rows(acc, keep), _rows(gyr, keep), _rows(q, keep)
            if len(t_ns) == 0:
                return Samples(t_ns, t_ns, acc, gyr, q), []
        lost = np.zeros(len(t_ns), dtype=np.int64)
        gaps: list[Gap] = []
        late = t_ns - before > LOSS_FACTOR * self._period_ns
        if late.any():
            for i in np.flatnonzero(late).tolist():
                # what came before the very first sample of the stream is no loss
                if before[i] >= 0:
                    gap = self._gap(int(before[i]), int(t_ns[i]))
                    lost[i] = gap.lost
                    gaps.append(gap)
        self._origin.last_t_ns = int(t_ns[-1])
        return Samples(t_ns, lost, acc, gyr, q), gaps

    def _gap(self, start_ns: int, end_ns: int) -> Gap:
        cause: GapCause = "overrun" if self._overrun else "link" if end_ns == self._offset_ns else "loss"
        self._overrun = False
        lost = max(1, round((end_ns - start_ns) / self._period_ns) - 1)
        return Gap(self._stream, StreamNs(start_ns), StreamNs(end_ns), lost, cause)

    def _begin(self, tick: int, at_ns: int) -> None:
        """Place this link's first sample on the stream's time base by its arrival."""
        if self._origin.at_ns is None:
            self._origin.at_ns = at_ns
        self._begun, self._last_tick = True, tick
        self._offset_ns = max(at_ns - self._origin.at_ns, self._origin.last_t_ns + 1)

    def _unwrap(self, tick: IntArray) -> IntArray:
        """Return ticks since the link's first sample, shape (n,), through any number of wraps."""
        step = np.empty_like(tick)
        step[0] = tick[0] - self._last_tick
        np.subtract(tick[1:], tick[:-1], out=step[1:])
        if self._wrap:
            # the shorter way round: late packets go back a little, a wrap goes on
            half = self._wrap // 2
            step = (step + half) % self._wrap - half
        elapsed = self._unwrapped + np.cumsum(step)
        self._last_tick, self._unwrapped = int(tick[-1]), int(elapsed[-1])
        return elapsed
