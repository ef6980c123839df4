"""The drills and routines there are."""

from hipturn.coach import Drill, Part, Routine, Words
from hipturn.errors import UsageError
from hipturn.model import Direction, Side

_DRILLS = {
    one.name: one
    for one in (
        Drill(
            "seated-mobilisation",
            "drill",
            {
                "en": Words(
                    "Mobilise", "Turns the knee inwards and back.", "Sit on the floor.", "turn inwards"
                )
            },
            "seated-floor",
            reps=20,
            settings={"reps.min_rep_s": 1.5, "reps.min_return": 0.75, "reps.max_off_axis_deg": 10.0},
        ),
        Drill(
            "prone-rotation",
            "test",
            {
                "en": Words(
                    "Test", "The range of both rotations.", "Lie on your front.", "let the foot fall out"
                )
            },
            "prone",
            directions=(Direction.INTERNAL, Direction.EXTERNAL),
            reps=3,
            hold_s=3.0,
        ),
    )
}
_ROUTINES = {
    "hip-internal-rotation": Routine(
        "hip-internal-rotation",
        {"en": "Hip internal rotation"},
        {"en": "Mobilise and test, both legs."},
        tuple(Part(name, side) for name in _DRILLS for side in (Side.RIGHT, Side.LEFT)),
    )
}


def names() -> list[str]:
    """Return the names of the drills."""
    return list(_DRILLS)


def drill(name: str) -> Drill:
    """Return the drill of that name; raise `UsageError`."""
    if name not in _DRILLS:
        raise UsageError(f"no drill is called {name!r:.40}: there are {', '.join(_DRILLS)}")
    return _DRILLS[name]


def routine_names() -> list[str]:
    """Return the names of the routines."""
    return list(_ROUTINES)


def routine(name: str) -> Routine:
    """Return the routine of that name; raise `UsageError`."""
    if name not in _ROUTINES:
        raise UsageError(f"no routine is called {name!r:.40}: there are {', '.join(_ROUTINES)}")
    return _ROUTINES[name]
