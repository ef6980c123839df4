"""What can be chosen: drills, routines and reference values as JSON, for page, API and terminal."""

from collections.abc import Mapping
from typing import Any

from hipturn import drills
from hipturn.coach import Drill, Part, Routine, words
from hipturn.core.references import GROUPS, SCALES, Group, Scale, Spread
from hipturn.units import DEG_PER_RAD


def offers(language: str = "en") -> dict[str, Any]:
    """Return all drills and routines, in the language where they have it, else in English."""
    known = {name: drills.drill(name) for name in drills.names()}
    return {
        "v": 1,
        "drills": [drill_line(drill, language) for drill in known.values()],
        "routines": [routine_line(drills.routine(name), known, language) for name in drills.routine_names()],
    }


def drill_line(drill: Drill, language: str = "en") -> dict[str, Any]:
    """Return one drill."""
    words = drill.said(language)
    return {
        "name": drill.name,
        "title": words.title,
        "kind": drill.kind,
        "position": drill.position,
        "directions": [direction.value for direction in drill.directions],
        "sides": ["right", "left"],
        "reps": drill.reps,
        "sets": drill.sets,
        "hold_s": drill.hold_s,
        "rest_s": drill.rest_s,
        "about": words.about,
        "setup": words.setup,
        "safety": words.safety,
    }


def routine_line(routine: Routine, known: Mapping[str, Drill], language: str = "en") -> dict[str, Any]:
    """Return one routine with its parts in order."""
    return {
        "name": routine.name,
        "title": routine.title.get(language, routine.title["en"]),
        "about": routine.about.get(language, routine.about["en"]),
        "parts": [_part(part, known[part.drill], language) for part in routine.parts],
    }


def _part(part: Part, drill: Drill, language: str) -> dict[str, Any]:
    return {
        "drill": part.drill,
        "title": drill.said(language).title,
        "kind": drill.kind,
        "side": part.side.value,
        "sets": drill.sets if part.sets is None else part.sets,
        "reps": drill.reps if part.reps is None else part.reps,
    }


def references(language: str = "en") -> dict[str, Any]:
    """Return the published values a range can be looked at beside, each with its source, in degrees."""
    return {
        "v": 1,
        "groups": [_group(group, language) for group in GROUPS.values()],
        "scales": [_scale(scale, language) for scale in SCALES.values()],
    }


def _group(group: Group, language: str) -> dict[str, Any]:
    return {
        "name": group.name,
        "people": words.known(language, "group", group.people),
        "n": group.n,
        "position": group.position,
        "internal": _spread(group.internal),
        "external": _spread(group.external),
        "source": group.source,
    }


def _spread(spread: Spread | None) -> dict[str, float | None] | None:
    if spread is None:
        return None
    return {"mean_deg": _deg(spread.mean_rad), "sd_deg": _deg(spread.sd_rad)}


def _scale(scale: Scale, language: str) -> dict[str, Any]:
    return {
        "name": scale.name,
        "position": scale.position,
        "direction": scale.direction.value,
        "marks": [
            {"deg": _deg(at_rad), "text": words.known(language, "mark", text)} for at_rad, text in scale.marks
        ],
        "source": words.known(language, "source", scale.source),
    }


def _deg(rad: float | None) -> float | None:
    return None if rad is None else round(rad * DEG_PER_RAD, 1)
