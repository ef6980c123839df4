"""Stream time on this computer's clock: when a sample was taken, as far as its arrival can tell.

A notification arrives some milliseconds after its newest sample was taken, never before. Over a
while the one that came fastest tells best, so the offset is the smallest ``arrival - stream time`` of
the last 15 to 30 seconds: long enough for a fast one to be among them, short enough for a device clock
that goes wrong by 100 parts in a million to be off by no more than 3 ms. What remains is the smallest
delay itself, half a connection interval and what the device needs to send, which nothing here can
know: all stamps are late by it. It was never measured on a radio.
"""

from dataclasses import dataclass

from hipturn.units import NS_PER_S

WINDOW_NS = 15 * NS_PER_S


@dataclass(slots=True)
class HostClock:
    """The clock of one stream: tell it arrivals and samples in the order they came."""

    _arrived_ns: int | None = None
    _since_ns: int | None = None
    _least_ns: int | None = None
    _before_ns: int | None = None

    def arrived(self, at_ns: int) -> None:
        """Take the arrival of a notification, on the host's monotonic clock."""
        self._arrived_ns = at_ns

    def measured(self, t_ns: int) -> None:
        """Take the stream time of the newest sample of the notification that arrived last."""
        if self._arrived_ns is None:
            return
        at_ns, self._arrived_ns = self._arrived_ns, None
        offset_ns = at_ns - t_ns
        if self._since_ns is None or at_ns - self._since_ns > WINDOW_NS:
            self._since_ns, self._before_ns, self._least_ns = at_ns, self._least_ns, offset_ns
        elif self._least_ns is not None:
            self._least_ns = min(self._least_ns, offset_ns)

    def offset_ns(self) -> int | None:
        """Return what to add to stream time, None before the first sample."""
        known = [ns for ns in (self._least_ns, self._before_ns) if ns is not None]
        return min(known) if known else None

    def host_ns(self, t_ns: int) -> int | None:
        """Return the moment of a stream time on the host's monotonic clock."""
        offset_ns = self.offset_ns()
        return None if offset_ns is None else t_ns + offset_ns
