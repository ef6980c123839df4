"""Where a measurement stands, in the same words on page, terminal, log, API and service status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

BATTERY_LOW_PERCENT = 15
"""Below it a person should charge before the next session: an hour is left in most small sensors."""


class State(StrEnum):
    """What the sensor and the measurement are doing."""

    SEARCHING = "searching"
    """No link: listening for the sensor."""
    CONNECTING = "connecting"
    SETTLING = "settling"
    """Samples come; the orientation cannot be trusted yet."""
    READY = "ready"
    """Samples come and can be trusted; nothing is measured before the calibration, or without a session."""
    MEASURING = "measuring"
    LOST = "lost"
    """The link broke and is being made again."""
    STALE = "stale"
    """The link says it stands, but samples have stopped coming."""


MEANINGS: Mapping[State, str] = {
    State.SEARCHING: "listening for the sensor",
    State.CONNECTING: "the sensor was found, the link is being made",
    State.SETTLING: "samples come, orientation is not to be trusted yet",
    State.READY: "samples come, waiting for the calibration or a session",
    State.MEASURING: "angles are measured and repetitions counted",
    State.LOST: "the link broke, it is being made again",
    State.STALE: "linked, but no samples come",
}


@dataclass(frozen=True, slots=True)
class Battery:
    """The sensor's charge."""

    percent: int

    @property
    def low(self) -> bool:
        """Whether to charge before the next session."""
        return self.percent < BATTERY_LOW_PERCENT


@dataclass(frozen=True, slots=True)
class Status:
    """All there is to know at one moment; `line` gives it as JSON."""

    state: State
    detail: str
    since: str
    """Wall time the state began at, ISO 8601."""
    for_s: float
    """How long it has lasted."""
    retrying: bool
    sensor: str | None = None
    driver: str | None = None
    rate_hz: float | None = None
    battery: Battery | None = None
    rssi_dbm: int | None = None
    last_sample_s: float | None = None
    """Age of the newest sample."""
    session: Mapping[str, Any] | None = None
    phase: str | None = None
    say: str | None = None
    """What the coach said last."""
    coach: Mapping[str, Any] | None = None
    """What a screen shows now, as the line the coach last gave."""
    closing: Sequence[str] = ()
    """Recordings of sessions that are over and that are not yet closed."""
    results: Sequence[Mapping[str, Any]] = ()
    """Results of the guided sessions of this routine so far, or of this one, as in docs/coach.md."""
    speaker: Mapping[str, str | None] = field(default_factory=lambda: {"where": "off", "page": None})
    """Who speaks: the page (which, where it is known), this computer, or nobody."""
    pelvis: State | None = None
    """Where the link to a sensor on the pelvis stands, None without one."""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """What does not work now, by part: the recording, the page, a listener."""

    @property
    def words(self) -> str:
        """The state in a few words for a person."""
        parts = [self.state.value]
        if self.state is State.LOST:
            parts.append(f"since {self.for_s:.0f} s, retrying")
        if self.battery is not None and self.battery.low:
            parts.append(f"battery low ({self.battery.percent} %)")
        return ", ".join([*parts, *self.troubles.values()])

    def line(self) -> dict[str, Any]:
        """Return the status as a JSON object."""
        return {
            "v": 1,
            "type": "state",
            "state": self.state.value,
            "words": self.words,
            "detail": self.detail,
            "since": self.since,
            "for_s": round(self.for_s, 1),
            "retrying": self.retrying,
            "sensor": self.sensor,
            "driver": self.driver,
            "rate_hz": self.rate_hz,
            "battery_percent": self.battery.percent if self.battery else None,
            "battery_low": self.battery.low if self.battery else False,
            "rssi_dbm": self.rssi_dbm,
            "last_sample_s": None if self.last_sample_s is None else round(self.last_sample_s, 3),
            "session": dict(self.session) if self.session is not None else None,
            "phase": self.phase,
            "say": self.say,
            "coach": dict(self.coach) if self.coach is not None else None,
            "closing": list(self.closing),
            "results": [dict(each) for each in self.results],
            "speaker": dict(self.speaker),
            "pelvis": self.pelvis.value if self.pelvis is not None else None,
            "troubles": dict(self.troubles),
        }
