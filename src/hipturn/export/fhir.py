"""FHIR R4: a Bundle of Observations, one of the session and one of each repetition.

Only two codes of others' systems are used, both certain: SNOMED CT 24136001 (hip joint structure)
and the UCUM units. Which movement was measured and what its figures are is said in this project's
own code system, `SYSTEM`, which the bundle carries, so that nothing in it has to be looked up.
Nothing says whose hip it is: whoever imports the bundle sets the subject.
"""

import json
import uuid
from pathlib import Path
from typing import Any

from hipturn.export.measured import Measured
from hipturn.export.whole import files
from hipturn.model import Rep
from hipturn.units import DEG_PER_RAD, NS_PER_S

SYSTEM = "urn:uuid:5f0c7a3e-52a5-5b0e-9d3c-0d9d1c7a6b11"
"""The code system of hipturn's own codes; a name, not an address."""
SNOMED, UCUM = "http://snomed.info/sct", "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"

CODES = {
    "session": "Hip rotation session",
    "repetition": "Repetition of hip rotation",
    "internal": "Internal rotation of the hip",
    "external": "External rotation of the hip",
    "max-internal": "Largest angle of internal rotation in the session",
    "max-external": "Largest angle of external rotation in the session",
    "arc": "Total arc of hip rotation in the session",
    "controlled-repetitions": "Number of controlled repetitions",
    "slips": "Number of times the strap was found moved",
    "heading-dependent": "Whether gravity shows too little of the angle in this position, which drifts",
    "peak": "Angle at the peak of a repetition, internal positive",
    "range": "Range from the neutral before a repetition to its peak",
    "peak-speed": "Highest angular speed of a repetition",
    "duration": "Duration of a repetition",
    "verdict": "What a repetition is worth",
    "controlled": "The repetition counts",
    "uncontrolled": "The repetition does not count",
    "void": "Samples were lost in the repetition",
    "reason": "Why a repetition does not count",
    "offset": "Time from the session's first sample to the start of a repetition",
}
UNITS = {"deg": "°", "deg/s": "°/s", "s": "s", "1": "1"}
NOTE = "Measured with an inertial sensor strapped to the shin; hipturn is not a medical device."


def write(measured: Measured, out: Path) -> list[Path]:
    """Write the bundle; return its path."""
    with files(out) as (part,):
        text = json.dumps(bundle(measured), indent=1, ensure_ascii=False, allow_nan=False)
        part.write_text(text + "\n", encoding="utf-8", errors="replace", newline="")
    return [out]


def targets(out: Path) -> list[Path]:
    """Return the file that ``-o OUT`` leads to."""
    return [out]


def bundle(measured: Measured) -> dict[str, Any]:
    """Return the bundle as plain objects."""
    # names that are the same for the same session, so that a second import finds the first
    told = json.dumps([dict(measured.session), dict(measured.summary)], sort_keys=True)
    seed = uuid.uuid5(uuid.UUID(SYSTEM.removeprefix("urn:uuid:")), told)
    device, session = _urn(seed, "device"), _urn(seed, "session")
    reps = [(_urn(seed, f"{rep.stream} {rep.n}"), rep) for rep in measured.reps]
    entries = [(SYSTEM, _code_system()), (device, _device(measured))]
    entries.append((session, _session(measured, device, [name for name, _ in reps])))
    entries += [(name, _repetition(measured, rep, device)) for name, rep in reps]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": name, "resource": resource} for name, resource in entries],
    }


def _urn(seed: uuid.UUID, what: str) -> str:
    return uuid.uuid5(seed, what).urn


def _session(measured: Measured, device: str, members: list[str]) -> dict[str, Any]:
    summary = measured.summary
    components = [
        ("controlled-repetitions", float(summary["controlled"]), "1"),
        ("slips", float(len(measured.slips)), "1"),
    ]
    if summary["arc_deg"] is not None:
        components += [
            ("max-internal", max(0.0, summary["max_deg"]), "deg"),
            ("max-external", max(0.0, -summary["min_deg"]), "deg"),
            ("arc", summary["arc_deg"], "deg"),
        ]
    return {
        **_observation(measured, "session", device),
        **_when(measured),
        **({"hasMember": [{"reference": name} for name in members]} if members else {}),
        "component": [
            *(_component(code, _quantity(value, unit)) for code, value, unit in components),
            _component("heading-dependent", {"valueBoolean": measured.heading_dependent}),
        ],
        "note": [{"text": NOTE}, *([{"text": measured.session["note"]}] if measured.session["note"] else [])],
    }


def _repetition(measured: Measured, rep: Rep, device: str) -> dict[str, Any]:
    quantities = (
        ("range", rep.rom_rad * DEG_PER_RAD, "deg"),
        ("peak", rep.peak_rad * DEG_PER_RAD, "deg"),
        ("peak-speed", rep.peak_speed_radps * DEG_PER_RAD, "deg/s"),
        ("duration", (rep.end_ns - rep.start_ns) / NS_PER_S, "s"),
        ("offset", rep.start_ns / NS_PER_S, "s"),
    )
    found = _observation(measured, "repetition", device)
    found["code"]["coding"].append(_coding(rep.direction.value))
    return {
        **found,
        **_when(measured),
        "component": [
            *(_component(code, _quantity(value, unit)) for code, value, unit in quantities),
            _component("verdict", {"valueCodeableConcept": {"coding": [_coding(rep.verdict.value)]}}),
            *(_component("reason", {"valueString": reason}) for reason in rep.reasons),
        ],
    }


def _observation(measured: Measured, code: str, device: str) -> dict[str, Any]:
    site: dict[str, Any] = {
        "coding": [{"system": SNOMED, "code": "24136001", "display": "Hip joint structure"}]
    }
    if measured.side:
        site["text"] = f"{measured.side} hip"
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "exam", "display": "Exam"}]}],
        "code": {"coding": [_coding(code)], "text": CODES[code]},
        "bodySite": site,
        "method": {"text": "One inertial sensor on the shin, angle against gravity"},
        "device": {"reference": device},
    }


def _when(measured: Measured) -> dict[str, Any]:
    """Return when the session began, nothing where that is unknown or was removed.

    A repetition says the same and its offset: how long after that the first sample came is not known.
    """
    begun = measured.begun
    # an instant without its offset from UTC is none to FHIR
    return {"effectiveDateTime": begun.isoformat(timespec="seconds")} if begun and begun.tzinfo else {}


def _component(code: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"code": {"coding": [_coding(code)]}, **value}


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"valueQuantity": {"value": round(value, 6), "unit": UNITS[unit], "system": UCUM, "code": unit}}


def _coding(code: str) -> dict[str, str]:
    return {"system": SYSTEM, "code": code, "display": CODES[code]}


def _device(measured: Measured) -> dict[str, Any]:
    session = measured.session
    device: dict[str, Any] = {"resourceType": "Device", "type": {"text": "Inertial measurement unit"}}
    if session["serial"]:
        device["serialNumber"] = session["serial"]
    names = [
        {"name": session[key], "type": kind}
        for key, kind in (("sensor", "user-friendly-name"), ("driver", "model-name"))
        if session[key]
    ]
    versions = [{"value": session[key]} for key in ("firmware", "program") if session[key]]
    return {
        **device,
        **({"deviceName": names} if names else {}),
        **({"version": versions} if versions else {}),
    }


def _code_system() -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "url": SYSTEM,
        "name": "HipturnCodes",
        "title": "Codes of hipturn",
        "status": "active",
        "content": "complete",
        "concept": [{"code": code, "display": display} for code, display in CODES.items()],
    }
