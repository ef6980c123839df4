"""A routine in progress: which drill on which leg is now, and which comes next. Pure."""

from dataclasses import dataclass, replace

from hipturn import drills
from hipturn.coach import Part, Routine
from hipturn.model import Side


@dataclass(frozen=True, slots=True)
class Chain:
    """A routine and where in it a person is."""

    routine: Routine
    parts: tuple[Part, ...]
    at: int = 0

    @classmethod
    def of(cls, name: str, first: Side | None = None, stretch: str | None = None) -> "Chain":
        """Return the beginning of a routine, with this leg first; raise `UsageError` for an unknown name.

        `stretch` is the one that works for the person: it takes the place of the routine's.
        """
        routine = drills.routine(name)
        parts = tuple(_preferring(stretch, part) for part in routine.parts)
        if first is not None and parts and parts[0].side is not first:
            parts = tuple(replace(part, side=_other(part.side)) for part in parts)
        return cls(routine, parts)

    @classmethod
    def both(cls, drill: str, first: Side) -> "Chain":
        """Return one drill on both legs."""
        parts = (Part(drill, first), Part(drill, _other(first)))
        return cls(Routine(drill, {}, {}, parts), parts)

    @property
    def part(self) -> Part:
        """What is to be done now."""
        return self.parts[self.at]

    @property
    def other_leg(self) -> bool:
        """Whether the strap was on the other leg before: nothing is strapped on for rolling."""
        if not drills.drill(self.part.drill).measured:
            return False
        before = [part for part in self.parts[: self.at] if drills.drill(part.drill).measured]
        return bool(before) and before[-1].side is not self.part.side

    @property
    def warmed_up(self) -> bool:
        """Whether a drill came before: it warms up, and nobody has to be asked."""
        return any(drills.drill(part.drill).kind == "drill" for part in self.parts[: self.at])

    @property
    def number(self) -> int:
        """Where in the routine that is, from 1."""
        return self.at + 1

    @property
    def then(self) -> "Chain | None":
        """The routine one part on, None at its end."""
        return replace(self, at=self.at + 1) if self.at + 1 < len(self.parts) else None


def _preferring(stretch: str | None, part: Part) -> Part:
    if stretch in (None, part.drill) or drills.drill(part.drill).kind != "stretch":
        return part
    return Part(stretch, part.side)


def _other(side: Side) -> Side:
    return Side.LEFT if side is Side.RIGHT else Side.RIGHT
