"""What a live session is about, how it ended, and what the wiring asks of source and display."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

from hipturn import config, drills
from hipturn.coach import Before, Language, Part
from hipturn.commands import Begin
from hipturn.config import Settings
from hipturn.core import pelvis
from hipturn.daemon.chain import Chain
from hipturn.errors import InputError
from hipturn.history import people
from hipturn.model import Input, Side
from hipturn.session import Heard
from hipturn.sources.ble import Backend, BleSource, LinkState

STREAM = "shin"
AFRESH = Before()
PELVIS = pelvis.ROLE
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a live session is about."""

    sensor: str | None
    """Name or address of the sensor on the shin; None for the first in reach."""
    side: Side
    reps: int
    """Controlled repetitions to reach; 0 to go on until stopped."""
    settings: Settings
    recordings: Path
    drill: str = "seated-mobilisation"
    position: str = "seated-floor"
    pelvis: str | None = None
    """Name or address of the sensor on the pelvis; None for none."""
    rate_hz: float | None = None
    """Sample rate of the sensor on the shin; None for its usual one."""
    limit_s: float | None = None
    """Longest time the program may take."""
    end_after_s: float = 600.0
    """A sensor that stayed away so long has ended the session."""
    person: str = ""
    language: Language = "en"
    routine: str | None = None
    """Sessions one after the other instead of one."""
    once: bool = True
    """The program ends when the target is reached; otherwise it waits for the next session."""
    chosen: Settings = field(default_factory=dict)
    """Settings that somebody chose: they win over a drill's own."""
    part: int | None = None
    """Where in a routine this is, from 1."""
    parts: int | None = None
    sets: int | None = None
    """Sets to do; None for the drill's own."""
    upcoming: Part | None = None
    """What comes after it in the routine."""
    guided: bool = False
    """The coach leads through the drill; otherwise it only calibrates and counts."""
    both: bool = False
    """The drill on both legs, one after the other."""
    other_leg: bool = False
    """The strap was on the other leg until now."""
    safety: bool = False
    """The safety words are said first."""
    before: Before = AFRESH
    """How the person came out of the parts before."""
    scale: str = ""
    """The scale a result is shown on, empty for none."""
    reference: str = ""
    """The group of people a result is shown beside, empty for none."""
    passive: bool = False
    """Somebody else turns the leg."""
    at_turn: bool = False
    """Repetitions are counted aloud at their turn."""

    part_after_s: float = 7200.0
    """A recording as long as this goes on in another, at the next rest: see `Running.outgrown`."""

    def asked(self, begin: Begin) -> "Plan":
        """Return the plan of a session begun by command: what the command gives, else as before."""
        given: dict[str, Any] = {each.name: getattr(begin, each.name) for each in fields(begin)}
        given = {name: value for name, value in given.items() if value is not None and name != "drill"}
        alone = replace(self, routine=None, both=False, part=None, parts=None, sets=None, upcoming=None)
        plan = replace(alone, once=False, **given)
        return plan if begin.drill is None else plan.doing(begin.drill, begin.reps)

    def doing(self, name: str, reps: int | None = None) -> "Plan":
        """Return the plan with this drill, and as many repetitions as it asks for unless `reps` says."""
        drill = drills.drill(name)
        return replace(
            self,
            drill=name,
            guided=True,
            other_leg=False,
            position=drill.position or "",
            reps=drill.reps if reps is None else reps,
            settings={**config.defaults(), **drill.settings, **self.chosen},
        )

    @property
    def stretch(self) -> str | None:
        """The stretch that the person keeps, if it is one that is known here."""
        try:
            kept = people.read(self.recordings).get(self.person)
        except InputError as error:
            _log.warning("%s", error)
            return None
        name = kept and kept.stretch
        return name if name in drills.names() and drills.drill(name).kind == "stretch" else None

    def at(self, chain: Chain, pain: int = 0) -> "Plan":
        """Return the plan of the part of a routine that is now; `pain` is the strongest told in it so far."""
        part = chain.part
        return replace(
            self.doing(part.drill, part.reps),
            side=part.side,
            sets=part.sets,
            part=chain.number,
            parts=len(chain.parts),
            upcoming=chain.then.part if chain.then else None,
            other_leg=chain.other_leg,
            safety=self.safety and chain.at == 0,
            before=Before(True if chain.warmed_up else None, pain if chain.at else 0),
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """How the program's last session ended."""

    recordings: list[Path]
    """The files of its last part: one, more if the disk made it begin another, none if no sample came."""
    finished: bool
    """The coach reached its target."""
    trouble: str | None
    """Why something could not be recorded."""


class View(Protocol):
    """What a person sees."""

    def hear(self, heard: Heard) -> None:
        """Take in what happens."""
        ...

    def state(self, state: str, detail: str) -> None:
        """Take in the sensor's state by its name, and the rest in words."""
        ...


class Source(Protocol):
    """Where inputs come from."""

    async def run(self) -> None:
        """Emit inputs until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Ears:
    """What a source tells of itself; none of them waits."""

    emit: Callable[[Input], None]
    state: Callable[[LinkState, str], None]
    vitals: Callable[[int | None, int | None], None]
    stream: str = STREAM
    """Which sensor is meant: the one on the shin, or on the pelvis."""


def ble(backend: Backend) -> Callable[[Plan, Ears], Source]:
    """Return what makes the source of a sensor over this Bluetooth stack."""

    def source(plan: Plan, ears: Ears) -> Source:
        second = ears.stream == PELVIS
        return BleSource(
            plan.pelvis if second else plan.sensor,
            ears.stream,
            ears.emit,
            ears.state,
            backend,
            on_vitals=ears.vitals,
            rate_hz=None if second else plan.rate_hz,
        )

    return source
