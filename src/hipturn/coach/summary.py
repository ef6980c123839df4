"""What came out of a session: figures for a screen, and one sentence for somebody who lies there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hipturn.coach import words
from hipturn.coach.scene import Scene
from hipturn.core import progress, references, results
from hipturn.core.references import Group
from hipturn.model import Direction, Side, Verdict
from hipturn.units import DEG_PER_RAD, NS_PER_S


@dataclass(frozen=True, slots=True)
class Tested:
    """A test and what it may be compared with."""

    result: results.Result
    before: results.Result | None = None
    """The last test of this leg, of the same kind and with the same error."""
    sides: Mapping[str, results.Difference] | None = None
    """Left minus right, where the other leg was tested in the same way."""
    days_apart: int | None = None
    """Between the tests of the two legs."""
    tests: int = 1
    """How many there are of this leg and kind, this one included."""


def tested(scene: Scene) -> Tested | None:
    """Return the result of a test beside the person's earlier ones, None where nothing was held."""
    if not scene.trials or scene.calibration is None:
        return None
    conditions = results.Conditions(
        side=scene.side,
        position=scene.drill.position or "",
        movement=scene.movement,
        zero=scene.calibration.zero,
        observability=scene.observability,
        grade=scene.calibration.grade,
        heading_dependent=scene.heading_dependent,
        warmed_up=scene.warmed_up,
    )
    last_s = max((one.at_s for one in scene.past), default=0.0)
    tool = scene.past[-1].tool if scene.past else ""
    now = progress.Tested(last_s + 1.0, scene.today, "", tool, conditions, tuple(scene.trials))
    tracks = progress.tracks([*scene.past, now])
    track = next((each for each in tracks if each.tested[-1] is now), None)
    if track is None:
        # what drifts is in no track and compared with nothing
        return Tested(results.result(conditions, scene.trials))
    result = track.results[-1]
    other = next((t for t in tracks if t.kind == track.kind and t.side is not track.side), None)
    before = track.results[-2] if len(track.results) > 1 else None
    if other is None:
        return Tested(result, before, tests=len(track.tested))
    legs = {scene.side: result, other.side: other.results[-1]}
    differences = results.left_right(legs[Side.LEFT], legs[Side.RIGHT])
    apart = abs(other.tested[-1].day - now.day)
    return Tested(result, before, differences, apart, len(track.tested))


def summary(scene: Scene) -> dict[str, Any]:
    """Return the result as `Show` tells it, angles in degrees."""
    found = tested(scene)
    changes = _changes(found)
    told: dict[str, Any] = {
        "sentence": sentence(scene, found),
        "legs": {} if found is None else {scene.side.value: _leg(found.result)},
        "difference": None if found is None or found.sides is None else _told(found.sides),
        "days_apart": None if found is None else found.days_apart,
        "change": _told(changes) if changes else None,
        "tests": 0 if found is None else found.tests,
        "error_from": None if found is None else "own tests" if found.result.own_sem else "default",
        "conditions": None if found is None else _conditions(scene, found.result.conditions),
        **_against(scene, None if found is None else found.result),
        "reps": scene.reps.total(),
        "controlled": scene.controlled,
        "best_deg": {way.value: _deg(best) for way, best in scene.best.items()},
        "pain": scene.pain,
        "warmed_up": scene.warmed_up,
        "holds": [
            {
                "seconds": round((h.end_ns - h.start_ns) / NS_PER_S, 1),
                "creep_deg": _deg(h.creep_rad),
                "wobble_deg": _deg(h.wobble_rad),
            }
            for h in scene.holds
        ],
        "sets": [
            {
                "reps": each.reps,
                "controlled": each.controlled,
                "warm_up": each.warm_up,
                "range_change": each.range_change,
                "speed_change": each.speed_change,
                "sparc_change": each.sparc_change,
            }
            for each in scene.sets
        ],
        "slips": [
            {
                "t_s": round(each.t_ns / NS_PER_S, 1),
                "tilt_deg": _deg(each.tilt_rad),
                "trials_before": each.trials,
                "reps_before": each.reps,
            }
            for each in scene.slips
        ],
    }
    return told


def sentence(scene: Scene, found: Tested | None) -> str:
    """Return what came out in one sentence or two."""
    match scene.drill.kind:
        case "roll-out":
            return scene.text("result.roll", seconds=f"{scene.rolled_s:.0f}")
        case "test":
            return _test_sentence(scene, found)
        case "stretch":
            return _stretch_sentence(scene)
    best = max(scene.best.values(), default=0.0)
    return scene.text(
        "result.reps",
        controlled=scene.controlled,
        reps=scene.reps.total() - scene.reps[Verdict.VOID],
        best=f"{best * DEG_PER_RAD:.0f}",
    )


def _test_sentence(scene: Scene, found: Tested | None) -> str:
    if found is None:
        return scene.text("result.none")
    parts = [
        scene.text(
            "result.range",
            direction=scene.text(way.value),
            mean=f"{each.mean.value_rad * DEG_PER_RAD:.0f}",
            error=f"{each.mean.uncertainty_rad * DEG_PER_RAD:.0f}",
        )
        for way, each in found.result.ranges.items()
    ]
    if found.result.arc is not None:
        parts.append(scene.text("result.arc", arc=f"{found.result.arc.value_rad * DEG_PER_RAD:.0f}"))
    changes = _changes(found)
    told = {name: each for name, each in changes.items() if name != "arc" or len(changes) == 1}
    if told and all(each.within_error for each in told.values()):
        parts.append(scene.text("result.change.none"))
        told = {}
    for name, difference in told.items():
        value = difference.value_rad * DEG_PER_RAD
        key = "none" if difference.within_error else "more" if value > 0.0 else "less"
        told_as = scene.text(f"result.change.{key}", value=f"{abs(value):.0f}")
        direction = scene.text(name) if name != "arc" else ""
        parts.append(scene.text("result.change", direction=direction, words=told_as).strip())
    if found.sides:
        real = {name: each for name, each in found.sides.items() if name != "arc" and not each.within_error}
        parts += [
            scene.text(
                "result.sides", direction=scene.text(name), value=f"{abs(each.value_rad) * DEG_PER_RAD:.0f}"
            )
            for name, each in real.items()
        ] or [scene.text("result.sides.none")]
    return ", ".join(parts) + "."


def _stretch_sentence(scene: Scene) -> str:
    if not scene.holds:
        return scene.text("result.none")
    held_s = sum(hold.end_ns - hold.start_ns for hold in scene.holds) / 1e9
    creep = round(sum(hold.creep_rad for hold in scene.holds) * DEG_PER_RAD)
    best = max(scene.best.values(), default=0.0) * DEG_PER_RAD
    key = "lost" if creep < 0 else "gained"
    changed = scene.text(f"result.stretch.{key}", value=scene.degrees(abs(creep)))
    return scene.text("result.stretch", seconds=f"{held_s:.0f}", best=f"{best:.0f}", changed=changed)


def _leg(found: results.Result) -> dict[str, Any]:
    leg: dict[str, Any] = {
        way.value: {
            "mean_deg": _deg(each.mean.value_rad),
            "sd_deg": _deg(each.sd_rad),
            "best_deg": _deg(each.best_rad),
            "uncertainty_deg": _deg(each.mean.uncertainty_rad),
            "trials": [_deg(trial.value_rad) for trial in each.trials],
        }
        for way, each in found.ranges.items()
    }
    if found.arc is not None:
        leg["arc_deg"] = _deg(found.arc.value_rad)
        leg["arc_uncertainty_deg"] = _deg(found.arc.uncertainty_rad)
    return leg


def _changes(found: Tested | None) -> dict[str, results.Difference]:
    return {} if found is None or found.before is None else results.change(found.result, found.before)


def _told(differences: Mapping[str, results.Difference]) -> dict[str, Any]:
    return {
        name: {
            "value_deg": _deg(each.value_rad),
            "mdc_deg": _deg(each.mdc_rad),
            "within_error": each.within_error,
        }
        for name, each in differences.items()
    }


def _conditions(scene: Scene, conditions: results.Conditions) -> dict[str, Any]:
    return {
        "position": conditions.position,
        "movement": conditions.movement,
        "zero": conditions.zero,
        "observability": round(conditions.observability, 3),
        "heading_dependent": conditions.heading_dependent,
        "grade": conditions.grade,
        "knee_deg": _deg(scene.knee_rad),
    }


def _against(scene: Scene, found: results.Result | None) -> dict[str, Any]:
    """Return where the ranges stand on the scale and in the group that the person chose."""
    scale, group = scene.against.scale, scene.against.group
    told: dict[str, Any] = {"scale": None, "reference": None}
    if found is None:
        return told
    if scale is not None and (each := found.ranges.get(scale.direction)) is not None:
        reached, beyond = references.next_mark(each.mean.value_rad, scale)
        told["scale"] = {
            "name": scale.name,
            "direction": scale.direction.value,
            "reached": reached and _mark(scene, *reached),
            "next": beyond and _mark(scene, *beyond),
            "source": words.known(scene.language, "source", scale.source),
        }
    if group is not None:
        told["reference"] = {
            "name": group.name,
            "people": words.known(scene.language, "group", group.people),
            "n": group.n,
            "position": group.position,
            "source": group.source,
            **{way.value: _standing(each, way, group) for way, each in found.ranges.items()},
        }
    return told


def _mark(scene: Scene, at_rad: float, text: str) -> dict[str, Any]:
    """Return a mark of a scale in the language of the session."""
    return {"deg": _deg(at_rad), "text": words.known(scene.language, "mark", text)}


def _standing(each: results.Range, way: Direction, group: Group) -> dict[str, Any] | None:
    spread = group.internal if way is Direction.INTERNAL else group.external
    if spread is None:
        return None
    found = references.percentile(each.mean.value_rad, way, group)
    return {
        "mean_deg": _deg(spread.mean_rad),
        "sd_deg": _deg(spread.sd_rad),
        "percentile": None if found is None else round(found.percent),
    }


def _deg(rad: float | None) -> float | None:
    return None if rad is None else round(rad * DEG_PER_RAD, 1)
