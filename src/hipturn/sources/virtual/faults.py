"""What the virtual sensor does wrong on purpose, written as ``drop@20s,silent@30s:2s,loss:0.05``."""

import re
from dataclasses import dataclass

from hipturn.errors import UsageError

FORMS = (
    "drop@TIME[:TIME], reboot@TIME[:TIME], silent@TIME:TIME, loss:SHARE, dup:SHARE, reorder:SHARE, "
    "garbage:SHARE, battery:PERCENT or mode, as in drop@20s,silent@30s:500ms,loss:0.05"
)

BACK_AFTER_S = 0.2
"""How long a sensor stays away after its link broke, if not said: its firmware notices and advertises."""
RESTART_S = 1.0
"""How long a sensor stays away that restarts."""

BATTERY_PERCENT = 87
"""The charge of a sensor with no fault in its battery."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Something that begins `at_s` after the motion's start and lasts `for_s`."""

    at_s: float
    for_s: float
    restarts: bool = False
    """The device loses its state with the link, and its clock begins at 0."""


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
    reordered: float = 0.0
    """Share of packets that come after the one that follows them."""
    garbage: float = 0.0
    """Share of packets of which every byte is random."""
    battery_percent: int = BATTERY_PERCENT
    mode: bool = False
    """The sensor is found measuring in another mode than the host wants: somebody else had started it."""

    def silent(self, t_s: float) -> bool:
        """Return whether nothing is sent at a time of the motion."""
        return any(s.at_s <= t_s < s.at_s + s.for_s for s in self.silences)


_SHARES = {"loss": "loss", "dup": "duplicates", "reorder": "reordered", "garbage": "garbage"}


def parse(text: str) -> Faults:
    """Return the faults written in `text`; raise `UsageError` naming what cannot be read."""
    drops: list[Outage] = []
    silences: list[Outage] = []
    shares: dict[str, float] = {}
    battery_percent, mode = BATTERY_PERCENT, False
    for item in filter(None, (part.strip() for part in text.split(","))):
        if outage := re.fullmatch(r"(drop|reboot|silent)@([^:]+)(?::([^:]+))?", item):
            kind, at, lasting = outage.groups()
            at_s, for_s = _seconds(at, item), _seconds(lasting, item) if lasting else None
            match kind:
                case "drop":
                    drops.append(Outage(at_s, BACK_AFTER_S if for_s is None else for_s))
                case "reboot":
                    drops.append(Outage(at_s, RESTART_S if for_s is None else for_s, restarts=True))
                case _ if for_s is None:
                    raise UsageError(f"--faults: {item!r} does not say for how long: write {item}:2s")
                case _:
                    silences.append(Outage(at_s, for_s))
        elif share := re.fullmatch(r"(loss|dup|reorder|garbage):(.+)", item):
            shares[_SHARES[share[1]]] = _share(share[2], item)
        elif battery := re.fullmatch(r"battery:(.+)", item):
            battery_percent = _percent(battery[1], item)
        elif item == "mode":
            mode = True
        else:
            raise UsageError(f"--faults: {item!r} is none of {FORMS}")
    drops.sort(key=lambda drop: drop.at_s)
    return Faults(tuple(drops), tuple(silences), battery_percent=battery_percent, mode=mode, **shares)


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


def _percent(text: str, item: str) -> int:
    match = re.fullmatch(r"(\d{1,3})%?", text, re.ASCII)
    if match is None or int(match[1]) > 100:
        raise UsageError(f"--faults: {text!r} in {item!r} is not a charge: write battery:15 for 15 %")
    return int(match[1])
