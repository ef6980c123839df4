"""Guided sessions by themselves, faster than real time: a coach, and a simulated person who obeys it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from builders import START, STREAM, of
from hipturn import config
from hipturn.coach import Coach, Drill, Prompt, Show, prompt_line
from hipturn.core import quaternion
from hipturn.core.progress import Tested
from hipturn.drivers.hipturn_gatt import Batch, encode
from hipturn.model import (
    FloatArray,
    HostNs,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Packets,
    Rep,
    Side,
    StreamInfo,
    StreamNs,
    Tapped,
)
from hipturn.session import Heard, Session
from hipturn.sources.body import Element, Leg
from hipturn.sources.body.person import Person
from hipturn.units import NS_PER_S

RATE_HZ, BLOCK = 100.0, 5
"""Samples a second, and in a packet."""
THINKS_S = 2.0
LONGEST_S = 1200.0


Instead = Mapping[str, Sequence[tuple[Element, ...]]]


class Clumsy(Person):
    """Does something else than asked, once for each: `instead[step]` are the movements, in order."""

    def __init__(self, leg: Leg, seed: int, instead: Instead, stands: bool = True) -> None:
        super().__init__(leg, RATE_HZ, seed)
        self._stands = stands
        self.step = ""
        self._instead = {step: list(movements) for step, movements in instead.items()}

    def hear(self, line: Mapping[str, Any]) -> None:
        super().hear(line)
        if line.get("type") == "coach":
            self.step = line["step"]

    def _upright(self) -> Leg:
        return super()._upright() if self._stands else dataclasses.replace(self._leg, knee_rad=0.0)

    def _wanted(self) -> tuple[Element, ...]:
        left = self._instead.get(self.step)
        return left.pop(0) if left else super()._wanted()


@dataclass(slots=True)
class Told:
    """Something done from outside, once, as soon as `when` is so."""

    when: Callable[["Guided"], bool]
    kind: MarkKind
    value: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Guided:
    """One session of a drill; `run` leads it to its end."""

    drill: Drill
    side: Side = Side.RIGHT
    reps: int = 0
    language: str = "en"
    instead: Instead = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    pressed: list[Callable[["Guided"], bool]] = field(default_factory=list)
    """When the sensor's button is pressed, each once."""
    drop: Callable[["Guided"], bool] = lambda _: False
    """When the link is lost, once, for three seconds."""
    turn: Callable[["Guided"], FloatArray | None] = lambda _: None
    """How the sensor is turned in its strap: a quaternion, None for not."""
    answers: Mapping[str, Any] = field(default_factory=lambda: {"warm": True, "pain": 0})
    options: Mapping[str, Any] = field(default_factory=dict)
    stands: bool = True
    """Whether the person gets up when told to stand; otherwise they lie stretched out."""
    lean_rad: float = 0.0
    """How far from plumb the person holds the shin at rest."""
    past: Sequence[Tested] = ()
    today: int = 0
    together: int = 1
    """Packets that arrive at once: more is quicker to compute, and answered later."""
    seed: int = 1
    heard: list[Heard] = field(default_factory=list)
    show: Show | None = None
    t_s: float = 0.0

    def run(self) -> "Guided":
        """Lead through the session; fails after twenty minutes without an end."""
        leg = Leg.random(self.seed, self.side, self.drill.position or "prone")
        leg = dataclasses.replace(leg, lean_rad=self.lean_rad)
        person = Clumsy(leg, self.seed, self.instead, self.stands)
        info = StreamInfo(driver="hipturn", rate_hz=RATE_HZ, outward_normal_sensor=leg.outward_normal_sensor)
        coach = Coach(STREAM, self.side, self.reps, drill=self.drill, language=self.language, **self.options)
        coach.remember(self.past, self.today)
        params = config.core_params({**config.defaults(), **self.drill.settings})
        asked: tuple[str, float] | None = None

        def listen(heard: Heard) -> None:
            nonlocal asked
            self.heard.append(heard)
            match heard:
                case Prompt():
                    person.hear(prompt_line(heard))
                case Show():
                    self.show = heard
                    person.hear(heard.line())
                    question = heard.question
                    if question is None:
                        asked = None
                    elif asked is None or asked[0] != question.id:
                        asked = (question.id, self.t_s + THINKS_S)

        session = Session(params, coach, None, listen)
        session.push(START)
        session.push(LinkUp(STREAM, HostNs(0), info))
        number = 0
        strap = np.array([1.0, 0.0, 0.0, 0.0])
        while coach.result is None:
            packets, arrivals = [], []
            for _ in range(self.together):
                self.t_s = number * BLOCK / RATE_HZ
                assert self.t_s < LONGEST_S, f"no end: {self.show}"
                acc, gyr, _ = person.rows(BLOCK)
                if (turned := self.turn(self)) is not None:
                    acc, gyr = (_rotated(turned, each) for each in (acc, gyr))
                    # what turns in its strap feels that it turns
                    gyr = gyr + _turn(strap, turned) * RATE_HZ / BLOCK
                    strap = turned
                at_ns = round((number + 1) * BLOCK / RATE_HZ * NS_PER_S) + 8_000_000
                packet = encode(Batch(number, number * BLOCK * 10_000, 10_000, acc, gyr))
                packets.append(np.frombuffer(packet, np.uint8))
                arrivals.append(at_ns)
                number += 1
            session.push(Packets(STREAM, np.array(arrivals, np.int64), np.array(packets)))
            if asked is not None and self.t_s >= asked[1]:
                question = asked[0]
                asked = (question, LONGEST_S)
                if question in self.answers:
                    answer = {"question": question, "value": self.answers[question]}
                    session.push(Mark(STREAM, HostNs(at_ns), MarkKind.ANSWER, answer))
            for each in [each for each in self.told if each.when(self)]:
                self.told.remove(each)
                session.push(Mark(STREAM, HostNs(at_ns), each.kind, each.value))
            for now in [each for each in self.pressed if each(self)]:
                self.pressed.remove(now)
                for said in coach.push(Tapped(STREAM, StreamNs(round(self.t_s * NS_PER_S)), 1, button=True)):
                    if isinstance(said, Mark):
                        session.push(dataclasses.replace(said, at_ns=HostNs(at_ns)))
                    else:
                        listen(said)
            if self.drop(self):
                self.drop = lambda _: False
                session.push(LinkDown(STREAM, HostNs(at_ns), "lost"))
                gone = round(3.0 * RATE_HZ / BLOCK)
                person.rows(gone * BLOCK)
                number += gone
                session.push(LinkUp(STREAM, HostNs(at_ns + 3 * NS_PER_S), info))
        session.finish()
        return self

    @property
    def summary(self) -> Mapping[str, Any]:
        """What came out."""
        assert self.show is not None and self.show.result is not None
        return self.show.result

    @property
    def keys(self) -> list[str]:
        """Which texts were said, in order."""
        return [each.key for each in self.heard if isinstance(each, Prompt)]

    @property
    def reps_found(self) -> list[Rep]:
        """The repetitions of the session."""
        return of(Rep, self.heard)

    def transcript(self) -> str:
        """Return the session to read: when what was said, with which sound, and what entered the stream."""
        lines = [f"{self.drill.said(self.language).title}, {self.side} leg"]
        t_s = 0.0
        for each in self.heard:
            match each:
                case Prompt():
                    t_s = each.t_ns / NS_PER_S
                    sound = f"  [{each.earcon}]" if each.earcon else ""
                    lines.append(f"{t_s:6.0f} s  {each.say}{sound}")
                case Mark():
                    lines.append(f"{'':10}→ {each.kind}{_value(each)}")
        return "\n".join(line.rstrip() for line in lines) + "\n"


def _value(mark: Mark) -> str:
    if mark.kind in (MarkKind.BIAS, MarkKind.CALIBRATION):
        return ""
    return "".join(f" {value}" for value in mark.value.values())


def _rotated(q: FloatArray, v: FloatArray) -> FloatArray:
    return quaternion.rotate(q[None, :], v)


def _turn(before: FloatArray, after: FloatArray) -> FloatArray:
    """Return how a sensor has turned, a rotation vector in itself; both as what turns vectors into it."""
    turn = quaternion.multiply(before, quaternion.conjugate(after))
    return np.asarray(quaternion.to_rotation_vector(turn[None, :])[0])
