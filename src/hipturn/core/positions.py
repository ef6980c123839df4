"""In what positions the hip is measured, and what gravity can show of its rotation in each.

The rotation is the shin's turn about an axis along the femur. Gravity shows it as far as that axis is
level: `observability` is the cosine of the axis' elevation, 1 for a level axis, 0 for a vertical one.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from hipturn.model import Zero

Position = Literal["prone", "seated", "seated-floor", "side-lying", "supine-90-90", "standing"]
POSITIONS: tuple[Position, ...] = get_args(Position)


@dataclass(frozen=True, slots=True)
class Placed:
    """What is to be expected of a measurement in a position."""

    axis: str
    """Where the axis of the turn points, in words."""
    observability: tuple[float, float]
    """Least and most to expect of a person who lies or sits as told."""
    zero: Zero
    """The zero that suits: gravity's is comparable between days."""
    heel_planted: bool = False
    """Hip and heel stay and the knee goes: what turns is the whole leg about the line between them."""


PLACED: dict[Position, Placed] = {
    "prone": Placed("level", (0.96, 1.0), "gravity"),
    "seated": Placed("level", (0.96, 1.0), "gravity"),
    "seated-floor": Placed("inclined", (0.64, 1.0), "pose", heel_planted=True),
    "side-lying": Placed("level", (0.96, 1.0), "pose"),
    "supine-90-90": Placed("vertical", (0.0, 0.26), "pose"),
    "standing": Placed("vertical", (0.0, 0.26), "pose"),
}
"""By position. A femur 15° off level still has 0.96. On the floor the femur is inclined 20 to 50°, but
with the heel planted the axis is the hip-heel line, which is nearer to level."""


def placed(position: str | None) -> Placed | None:
    """Return what is known of a position, None of one that is not told or has another name."""
    return next((PLACED[name] for name in POSITIONS if name == position), None)
