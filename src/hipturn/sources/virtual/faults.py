"""What the virtual sensor does wrong on purpose, written as ``drop@20s,silent@30s:2s,loss:0.05``."""

import re
from dataclasses import dataclass

from hipturn.errors import UsageError

FORMS = (
    "drop@TIME[:TIME], silent@TIME:TIME, loss:SHARE or dup:SHARE, as in drop@20s,silent@30s:500ms,loss:0.05"
)

BACK_AFTER_S = 0.2
"""How long a sensor stays away after its link broke, if not said: its firmware notices and advertises."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Something that begins `at_s` after the motion's start and lasts `for_s`."""

    at_s: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Faults:
    """All faults of a run; the default has none."""

    drops: tuple[Outage, ...] = ()
    """The link breaks and the sensor cannot be found for the while; in order of time."""
    silences: tuple[Outage, ...] = ()
    """No packets, though the link stands."""
    loss: float = 0.0
    """Share of packets that never come."""
    duplicates: float = 0.0
    """Share of packets that come twice."""

    def silent(self, t_s: float) -> bool:
        """Return whether nothing is sent at a time of the motion."""
        return any(s.at_s <= t_s < s.at_s + s.for_s for s in self.silences)


def parse(text: str) -> Faults:
    """Return the faults written in `text`; raise `UsageError` naming what cannot be read."""
    drops: list[Outage] = []
    silences: list[Outage] = []
    shares = {"loss": 0.0, "dup": 0.0}
    for item in filter(None, (part.strip() for part in text.split(","))):
        if outage := re.fullmatch(r"(drop|silent)@([^:]+)(?::([^:]+))?", item):
            kind, at, lasting = outage.groups()
            if kind == "drop":
                drops.append(Outage(_seconds(at, item), _seconds(lasting, item) if lasting else BACK_AFTER_S))
            elif lasting:
                silences.append(Outage(_seconds(at, item), _seconds(lasting, item)))
            else:
                raise UsageError(f"--faults: {item!r} does not say for how long: write {item}:2s")
        elif share := re.fullmatch(r"(loss|dup):(.+)", item):
            shares[share[1]] = _share(share[2], item)
        else:
            raise UsageError(f"--faults: {item!r} is none of {FORMS}")
    drops.sort(key=lambda drop: drop.at_s)
    return Faults(tuple(drops), tuple(silences), shares["loss"], shares["dup"])


def _seconds(text: str, item: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text)
    if match is None:
        raise UsageError(f"--faults: {text!r} in {item!r} is not a time: write 20s or 500ms")
    return float(match[1]) * (0.001 if match[2] == "ms" else 1.0)


def _share(text: str, item: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share < 1.0:
        raise UsageError(
            f"--faults: {text!r} in {item!r} is not a share from 0 to below 1: write 0.05 for 5 %"
        )
    return share
