"""What is said to an MQTT broker of what is heard: messages, no network."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hipturn import __version__, lines
from hipturn.model import Event, HipAngle, LinkDown, LinkUp, Rep, Verdict
from hipturn.sinks.discovery import configs
from hipturn.units import DEG_PER_RAD, NS_PER_S


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the broker."""

    topic: str
    payload: str
    retain: bool = False

    @property
    def qos(self) -> int:
        """At least once for what happens once; samples may be lost."""
        return 0 if self.topic.endswith("/angle") else 1


@dataclass(slots=True)
class _Shown:
    """The state of one sensor."""

    link: str = "down"
    reps: int = 0
    controlled: int = 0
    last_direction: str | None = None
    last_rom_deg: float | None = None
    last_verdict: str | None = None


class Words:
    """What is said to a broker of what is heard: no network here."""

    def __init__(self, node: str, discovery: str | None, angle_hz: float) -> None:
        self._node = node
        self._discovery = discovery
        self._period_ns = NS_PER_S / angle_hz
        self._shown: dict[str, _Shown] = {}
        self._told_ns: dict[str, int] = {}

    def of(self, heard: Any) -> list[Message]:
        """Return the messages for an input or output."""
        topic = f"{self._node}/{level(heard.stream)}"
        shown = self._shown.get(heard.stream)
        if shown is None:
            shown = self._shown[heard.stream] = _Shown()
        match heard:
            case HipAngle():
                return list(self._angle(topic, heard))
            case LinkUp():
                shown.link = "up"
                # the stream's time may begin anew, as it does with each session
                self._told_ns.pop(heard.stream, None)
                return [*self._configs(heard.stream), self._state(topic, shown)]
            case LinkDown():
                shown.link = "down"
                return [self._state(topic, shown)]
            case Rep():
                shown.reps += 1
                shown.controlled += heard.verdict is Verdict.CONTROLLED
                shown.last_direction, shown.last_verdict = heard.direction.value, heard.verdict.value
                shown.last_rom_deg = round(heard.rom_rad * DEG_PER_RAD, 1)
                return [self._event(topic, heard), self._state(topic, shown)]
            case _:
                return [self._event(topic, heard)]

    def retained(self) -> Iterator[Message]:
        """Yield what a broker that knows nothing has to be told."""
        for stream, shown in self._shown.items():
            yield from self._configs(stream)
            yield self._state(f"{self._node}/{level(stream)}", shown)

    def _angle(self, topic: str, angle: HipAngle) -> Iterator[Message]:
        t_ns = int(angle.t_ns[-1])
        if angle.trusted[-1] and t_ns - self._told_ns.get(angle.stream, -NS_PER_S) >= self._period_ns:
            self._told_ns[angle.stream] = t_ns
            figures = {
                "t_s": round(t_ns / NS_PER_S, 4),
                "angle_deg": round(float(angle.angle_rad[-1]) * DEG_PER_RAD, 2),
                "rate_dps": round(float(angle.rate_radps[-1]) * DEG_PER_RAD, 1),
            }
            yield Message(f"{topic}/angle", lines.dumps(figures))

    def _event(self, topic: str, event: Event) -> Message:
        return Message(f"{topic}/event", lines.dumps(lines.line(event) or {}))

    def _state(self, topic: str, shown: _Shown) -> Message:
        names = ("link", "reps", "controlled", "last_direction", "last_rom_deg", "last_verdict")
        state = {name: getattr(shown, name) for name in names}
        return Message(f"{topic}/state", lines.dumps(state), retain=True)

    def _configs(self, stream: str) -> Iterator[Message]:
        if self._discovery is not None:
            for topic, config in configs(self._discovery, self._node, level(stream), __version__):
                yield Message(topic, json.dumps(config, ensure_ascii=False), retain=True)


def level(stream: str) -> str:
    """Return a stream's name as one level of a topic."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", stream) or "_"
