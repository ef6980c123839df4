"""What the running session has come to so far."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from hipturn import lines
from hipturn.model import Calibrated, HipAngle, LinkUp, Orientation, Output, SessionStart, Side, Verdict
from hipturn.units import NS_PER_S

MOST_EVENTS = 2_000
"""Events of a session kept for late comers: two hours of repetitions without rest. All of them count."""


@dataclass(slots=True)
class Tally:
    """One session's samples, repetitions, range and events; kept until the next begins."""

    recording: str = ""
    side: Side | None = None
    began: str = ""
    """Wall time, ISO 8601; empty if no session has begun yet."""
    start: SessionStart = field(default_factory=lambda: SessionStart("", ""))
    link: LinkUp | None = None
    calibrated: bool = False
    _samples: int = 0
    _duration_ns: int = 0
    _max_rad: float = -float("inf")
    _min_rad: float = float("inf")
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    """The events as they are told: who comes late keeps nobody waiting while they are put in words."""
    _count: lines.Count = field(default_factory=lines.Count)

    def sampled(self, block: Orientation) -> None:
        """Take in samples."""
        self._samples += len(block.t_ns)
        self._duration_ns = int(block.t_ns[-1])

    def angle(self, block: HipAngle) -> None:
        """Take in angles."""
        self._max_rad = max(self._max_rad, float(block.angle_rad.max()))
        self._min_rad = min(self._min_rad, float(block.angle_rad.min()))

    def event(self, event: Output) -> None:
        """Take in what was found."""
        if line := lines.line(event):
            self._lines.append(lines.dumps(line))
        self._count.push(event)
        self.calibrated = self.calibrated or isinstance(event, Calibrated)

    def session(self) -> dict[str, Any]:
        """Return the session in short."""
        verdicts = self._count.verdicts
        return {
            "recording": self.recording,
            "began": self.began,
            "side": self.side,
            "person": self.start.person or None,
            "drill": self.start.drill,
            "movement": self.start.movement or "active",
            "samples": self._samples,
            "duration_s": round(self._duration_ns / NS_PER_S, 2),
            "reps": verdicts.total(),
            "controlled": verdicts[Verdict.CONTROLLED],
        }

    def head(self) -> lines.Line:
        """Return the line a session's results begin with."""
        if self.link is None:
            return {"v": 1, "type": "session"}
        return lines.session(
            self.start,
            self.link.info,
            recording=self.recording,
            side=self.side,
            samples=self._samples,
            duration_ns=self._duration_ns,
            settings=self.start.settings,
        )

    def summary(self) -> lines.Line:
        """Return the line they end with."""
        return self._count.summary(
            max_rad=self._max_rad,
            min_rad=self._min_rad,
            elapsed_s=self._duration_ns / NS_PER_S,
        )

    def results(self) -> list[str]:
        """Return all lines: head, events, summary; none before the first session."""
        if self.link is None or not self.began:
            return []
        return [lines.dumps(self.head()), *self._lines, lines.dumps(self.summary())]
