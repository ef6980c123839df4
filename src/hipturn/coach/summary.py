"""What came out of a session: figures for a screen, and one sentence for somebody who lies there."""

from typing import Any

from hipturn.coach.scene import Scene
from hipturn.core import results
from hipturn.errors import InputError
from hipturn.model import Verdict
from hipturn.units import DEG_PER_RAD


def test_result(scene: Scene) -> results.Result | None:
    """Return the result of a test, None where nothing was held."""
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
    return results.result(conditions, scene.trials)


def summary(scene: Scene) -> dict[str, Any]:
    """Return the result as `Show` tells it, angles in degrees."""
    found = test_result(scene)
    told: dict[str, Any] = {
        "sentence": sentence(scene, found),
        "legs": {} if found is None else {scene.side.value: _leg(found)},
        "difference": None,
        "change": _change(scene, found),
        "reps": len(scene.reps),
        "controlled": len(scene.counted),
        "best_deg": {way.value: _deg(best) for way, best in scene.best.items()},
        "pain": scene.pain,
        "warmed_up": scene.warmed_up,
        "holds": [
            {"seconds": round((h.end_ns - h.start_ns) / 1e9, 1), "creep_deg": _deg(h.creep_rad)}
            for h in scene.holds
        ],
    }
    return told


def sentence(scene: Scene, found: results.Result | None) -> str:
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
        controlled=len(scene.counted),
        reps=sum(rep.verdict is not Verdict.VOID for rep in scene.reps),
        best=f"{best * DEG_PER_RAD:.0f}",
    )


def _test_sentence(scene: Scene, found: results.Result | None) -> str:
    if found is None:
        return scene.text("result.none")
    parts = [
        scene.text(
            "result.range",
            direction=scene.text(way.value),
            mean=f"{each.mean.value_rad * DEG_PER_RAD:.0f}",
            error=f"{each.mean.uncertainty_rad * DEG_PER_RAD:.0f}",
        )
        for way, each in found.ranges.items()
    ]
    if found.arc is not None:
        parts.append(scene.text("result.arc", arc=f"{found.arc.value_rad * DEG_PER_RAD:.0f}"))
    changes = _differences(scene, found)
    for name, difference in changes.items():
        if name == "arc" and len(changes) > 1:
            continue
        value = difference.value_rad * DEG_PER_RAD
        key = "none" if difference.within_error else "more" if value > 0.0 else "less"
        words = scene.text(f"result.change.{key}", value=f"{abs(value):.0f}")
        direction = scene.text(name) if name != "arc" else ""
        parts.append(scene.text("result.change", direction=direction, words=words).strip())
    return ", ".join(parts) + "."


def _stretch_sentence(scene: Scene) -> str:
    if not scene.holds:
        return scene.text("result.none")
    held_s = sum(hold.end_ns - hold.start_ns for hold in scene.holds) / 1e9
    creep = sum(hold.creep_rad for hold in scene.holds) * DEG_PER_RAD
    best = max(scene.best.values(), default=0.0) * DEG_PER_RAD
    return scene.text("result.stretch", seconds=f"{held_s:.0f}", best=f"{best:.0f}", creep=f"{creep:.0f}")


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


def _differences(scene: Scene, found: results.Result) -> dict[str, results.Difference]:
    if scene.previous is None:
        return {}
    try:
        return results.change(found, scene.previous)
    except InputError:
        # another position or kind of test: not to be compared
        return {}


def _change(scene: Scene, found: results.Result | None) -> dict[str, Any] | None:
    if found is None or scene.previous is None:
        return None
    return {
        name: {
            "value_deg": _deg(each.value_rad),
            "mdc_deg": _deg(each.mdc_rad),
            "within_error": each.within_error,
        }
        for name, each in _differences(scene, found).items()
    }


def _deg(rad: float | None) -> float | None:
    return None if rad is None else round(rad * DEG_PER_RAD, 1)
