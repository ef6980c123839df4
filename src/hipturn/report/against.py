"""What results are held against where somebody asks for it: published groups and a scale, with their sources.

Positions are never mixed: a group or a scale of another position is listed with its source, and no result of
this one is told a place in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hipturn.core import references
from hipturn.core.progress import Of
from hipturn.core.references import Group, Scale, Spread
from hipturn.model import Direction
from hipturn.report import sheet
from hipturn.report.html import Child, Html, broken, element
from hipturn.report.words import Say
from hipturn.units import DEG_PER_RAD

Measured = Mapping[str, Mapping[str, Mapping[Direction, float]]]
"""Ranges, rad, by position and by what to call the leg; the position that counts most comes first."""


@dataclass(frozen=True, slots=True)
class Against:
    """What was chosen."""

    groups: tuple[Group, ...] = ()
    scale: Scale | None = None

    def fitting(self, position: str) -> list[tuple[int, Group]]:
        """Return the groups measured in that position, or nobody says in which, with their numbers."""
        numbered = enumerate(self.groups, 1)
        return [(k, group) for k, group in numbered if group.fits(position)]

    def marks_rad(self, position: str, of: Of) -> list[float]:
        """Return the scale's marks on one quantity in that position; none where it is for another."""
        scale = self.scale
        if scale is None or (scale.position, scale.direction) != (position, of):
            return []
        return [angle for angle, _ in scale.marks]


NOTHING = Against()


def spread_of(group: Group, of: Of) -> Spread | None:
    """Return a group's spread of one quantity; None where it was not published."""
    match of:
        case Direction.INTERNAL:
            return group.internal
        case Direction.EXTERNAL:
            return group.external
        case _:
            return None


def values(against: Against, measured: Measured, say: Say) -> Html | None:
    """Return what was chosen in words, and where results stand in it; None for nothing."""
    if not against.groups and against.scale is None:
        return None
    parts: list[Child] = []
    if against.groups:
        heads = (
            say("references.group"), say("references.position"), say("internal"), say("external"),
            say("references.source"),
        )  # fmt: skip
        rows = [_row(k, group, measured, say) for k, group in enumerate(against.groups, 1)]
        parts += [sheet.table(heads, rows), sheet.caption(say("references.caption"))]
    if against.scale is not None:
        parts.append(_scale(against.scale, measured, say))
    return sheet.part(say("references"), *parts)


def _row(k: int, group: Group, measured: Measured, say: Say) -> list[Child]:
    untold = next(iter(measured.values()), {}) if group.position == references.UNTOLD else {}
    fitting = measured.get(group.position, untold)
    return [
        say("references.people", k=k, people=say.known("group", group.people), n=group.n),
        say.place(group.position),
        *(_spread(group, direction, fitting, say) for direction in Direction),
        group.source,
    ]


def _spread(
    group: Group, direction: Direction, fitting: Mapping[str, Mapping[Direction, float]], say: Say
) -> Child:
    found = spread_of(group, direction)
    if found is None:
        return "–"
    size = say.deg(found.mean_rad)
    if found.sd_rad is not None:
        size = say("value", value=size, error=say.deg(found.sd_rad))
    stands = [
        f"{side} {say.share(place.percent / 100.0)}"
        for side, ranges in fitting.items()
        if direction in ranges
        and (place := references.percentile(ranges[direction], direction, group)) is not None
    ]
    told = element("small", say("references.percent", shares=", ".join(stands))) if stands else None
    return broken(size, told)


def _scale(scale: Scale, measured: Measured, say: Say) -> Html:
    """Return the scale in its source's words, and between which of its marks the legs are."""
    marks = "; ".join(f"{_whole(angle, say)} {say.known('mark', text)}" for angle, text in scale.marks)
    of = f"{say.place(scale.position)}, {say(scale.direction.value)}"
    what = say("scale", of=of, marks=marks, source=say.known("source", scale.source))
    stands = [
        f"{leg} {say.deg(ranges[scale.direction])}: {_between(ranges[scale.direction], scale, say)}"
        for leg, ranges in measured.get(scale.position, {}).items()
        if scale.direction in ranges
    ]
    told = "; ".join(stands) + "." if stands else say("scale.none")
    return element("p", what, " ", element("b", told), class_="caption")


def _between(value_rad: float, scale: Scale, say: Say) -> str:
    reached, beyond = references.next_mark(value_rad, scale)
    ends = (("scale.above", reached), ("scale.below", beyond))
    return ", ".join(say(key, mark=_whole(mark[0], say)) for key, mark in ends if mark)


def _whole(rad: float, say: Say) -> str:
    return f"{say.number(rad * DEG_PER_RAD, 0)}°"
