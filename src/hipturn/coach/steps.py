"""The steps of a session: which there are, and in what order."""

from collections.abc import Iterator

from hipturn.coach.calibrating import Calibrate
from hipturn.coach.counting import Reps
from hipturn.coach.drill import Drill, Words
from hipturn.coach.holding import Stretch, Trial
from hipturn.coach.scene import Scene, Stage
from hipturn.coach.standing import Stand
from hipturn.coach.waiting import Ask, Setup, Switch, Wait
from hipturn.core.positions import POSITIONS
from hipturn.model import Direction


def counting(reps: int, position: str | None) -> Drill:
    """Return what there is to do where nobody chose a drill: counting repetitions of either direction."""
    return Drill(
        name="",
        kind="drill",
        words={"en": Words(title="", about="", setup="", internal="")},
        position=next((each for each in POSITIONS if each == position), None),
        directions=(Direction.INTERNAL, Direction.EXTERNAL),
        reps=reps,
    )


def steps(scene: Scene, other_leg: bool) -> Iterator[Stage]:
    """Yield the steps of the session, in order; each is made when it is its turn.

    `other_leg`: the strap was on the other leg before.
    """
    drill = scene.drill
    if scene.free:
        yield Calibrate(scene)
        yield Reps(scene, drill.reps)
        return
    if other_leg:
        yield Switch(scene)
    if drill.kind in ("test", "stretch") and scene.warmed_up is None:
        yield Ask(scene, "warm")
    if drill.zero == "gravity":
        yield Stand(scene)
    yield Setup(scene)
    if drill.measured:
        yield Calibrate(scene)
    sets = max(1, drill.sets)
    match drill.kind:
        case "test":
            for direction in drill.directions:
                for n in range(1, drill.reps + 1):
                    yield Trial(scene, direction, n, drill.reps)
            yield Ask(scene, "pain")
        case "drill":
            for n in range(1, sets + 1):
                yield Reps(scene, drill.reps, n, sets)
                yield Ask(scene, "pain")
                if n < sets:
                    yield Wait(scene, "rest", drill.rest_s)
        case "stretch":
            for n in range(1, max(1, drill.reps) + 1):
                yield Stretch(scene, n, max(1, drill.reps))
                if n < drill.reps:
                    yield Wait(scene, "rest", drill.rest_s)
            yield Ask(scene, "pain")
        case "roll-out":
            for n in range(1, max(1, drill.reps) + 1):
                yield Wait(scene, "roll", drill.hold_s)
                if n < drill.reps and drill.rest_s:
                    yield Wait(scene, "rest", drill.rest_s)
