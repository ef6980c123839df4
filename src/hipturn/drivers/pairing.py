"""Acceleration and rate that come in notifications of their own, without a time: who belongs to whom.

Each rate is taken with the newest acceleration before it: one packet old at most as long as none is lost,
and right again with the next one if one is. Fusion follows the rate; acceleration corrects it over
seconds, so that a period between the two does not show.
"""

import numpy as np

from hipturn.drivers.rows import kept
from hipturn.model import BoolArray, FloatArray, IntArray, RawSamples, StreamInfo

OLDEST = 5
"""Rates that may follow one acceleration: more, and the acceleration has ceased to come."""


class Pairing:
    """The pairing of one link; remembers the newest acceleration."""

    def __init__(self, info: StreamInfo, per_packet: int = 1) -> None:
        self._info = info
        self._per_packet = per_packet
        self._acc = np.zeros((per_packet, 3))
        self._age = OLDEST

    def push(
        self, at_ns: IntArray, values: FloatArray, is_acc: BoolArray, is_gyr: BoolArray, aside: BoolArray
    ) -> RawSamples:
        """Return a sample, or `per_packet` of them, for each packet that is a rate.

        `values` are of shape (packets, per_packet, 3), in SI units, everything else of shape (packets,).
        Packets that are neither acceleration nor rate are bad, but for those that lie `aside`.
        """
        n = len(at_ns)
        acc = np.concatenate((self._acc[None], values))
        newest = np.maximum.accumulate(np.concatenate(([0], np.where(is_acc, np.arange(1, n + 1), 0))))
        rates = np.concatenate(([0], np.cumsum(is_gyr)))
        before = np.concatenate(([-self._age], rates[1:]))
        age = rates - before[newest]
        whole = is_gyr & (age[1:] <= OLDEST)
        samples = kept(
            self._info,
            whole,
            np.zeros(n * self._per_packet, np.int64),
            at_ns,
            acc_mps2=acc[newest[1:]].reshape(-1, 3),
            gyr_radps=values.reshape(-1, 3),
            # a rate whose acceleration does not come is not damaged, but of no use
            aside=is_acc | is_gyr | aside,
            per_row=self._per_packet,
        )
        self._acc, self._age = acc[newest[-1]], min(int(age[-1]), OLDEST)
        return samples
