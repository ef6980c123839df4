"""Where sensor and measurement stand: which state follows from link, samples, session and silence."""

from collections.abc import Callable
from datetime import datetime

from hipturn.status import Battery, State
from hipturn.units import NS_PER_S

STALE_NS = NS_PER_S // 2
"""Linked without a sample for so long is stale: ten times the longest usual connection interval."""
NO_SESSION = "no session: start one"

LINKED = (State.SETTLING, State.READY, State.MEASURING, State.STALE)


def now() -> str:
    """Return the wall time, ISO 8601."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


class Standing:
    """The state and how long it has lasted; `changed` is called whenever it or its detail changes."""

    def __init__(self, clock: Callable[[], int], changed: Callable[[], None]) -> None:
        self._clock, self._changed = clock, changed
        self.state, self.detail = State.SEARCHING, "starting"
        self.since = now()
        """Wall time the state began at."""
        self.battery: Battery | None = None
        self.rssi_dbm: int | None = None
        self._since_ns = clock()
        self._last_sample_ns: int | None = None
        self._label = ""
        """What the link says of itself."""

    @property
    def linked(self) -> bool:
        """Whether a sensor is connected and sends."""
        return self.state in LINKED and self.state is not State.STALE

    @property
    def for_s(self) -> float:
        """How long the state has lasted."""
        return (self._clock() - self._since_ns) / NS_PER_S

    @property
    def last_sample_s(self) -> float | None:
        """Age of the newest sample."""
        return None if self._last_sample_ns is None else (self._clock() - self._last_sample_ns) / NS_PER_S

    def link(self, state: State, detail: str) -> None:
        """Hear where the link stands; MEASURING means only that packets may come."""
        if state is State.MEASURING:
            state, self._label = State.SETTLING, detail
            self._last_sample_ns = self._clock()
        elif state is not State.LOST:
            self._last_sample_ns = None
        if state is State.SEARCHING and self.state is State.LOST:
            # a person who lost the sensor wants to know since when, and that it is looked for
            state = State.LOST
        self._set(state, detail)

    def sampled(self, *, trusted: bool, calibrated: bool) -> None:
        """Hear that samples of a session came."""
        self._last_sample_ns = self._clock()
        wanted = State.SETTLING
        if trusted:
            wanted = State.MEASURING if calibrated else State.READY
        if self.state is not wanted and self.state in LINKED:
            self._set(wanted, self._label)

    def unrecorded(self) -> None:
        """Hear that packets came while there is no session."""
        self._last_sample_ns = self._clock()
        if self.state in (State.SETTLING, State.STALE, State.MEASURING):
            self._set(State.READY, NO_SESSION)

    def session(self, *, begins: bool) -> None:
        """Hear that a session begins or is over."""
        if self.state in LINKED:
            self._set(State.SETTLING if begins else State.READY, self._label if begins else NO_SESSION)

    def look(self) -> bool:
        """Notice that samples have stopped coming; return whether that is new."""
        silent_s = self.last_sample_s
        if not self.linked or silent_s is None or silent_s * NS_PER_S <= STALE_NS:
            return False
        self._set(State.STALE, "linked, but no samples come")
        return True

    def _set(self, state: State, detail: str) -> None:
        changed = state is not self.state
        if not changed and detail == self.detail:
            return
        self.state, self.detail = state, detail
        if changed:
            self._since_ns, self.since = self._clock(), now()
        self._changed()
