"""What the API is, for programs: OpenAPI 3.1.

It and the routes in `app.py` are kept side by side by hand; a test holds them to each other and sends
every operation what this says and what it forbids.
"""

from typing import Any, get_args

from hipturn import __version__
from hipturn.coach import DrillKind
from hipturn.commands import COMMANDS, LANGUAGES
from hipturn.status import MEANINGS, State
from hipturn.web.angles import MOST_ROWS
from hipturn.web.asked import LONGEST_S

Schema = dict[str, Any]


def _object(properties: Schema, required: list[str] | None = None) -> Schema:
    return {"type": "object", "properties": properties, "required": required or list(properties)}


def _maybe(kind: str) -> Schema:
    return {"type": [kind, "null"]}


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


PROBLEM = _json("Why not", _ref("Problem"))
GUARDED = {
    "400": PROBLEM,
    "401": PROBLEM,
    "403": PROBLEM,
    "413": PROBLEM,
    "421": PROBLEM,
    "429": PROBLEM,
}
"""What the guard may answer to anything."""

_ABOUT: Schema = {
    "wall_time": {"type": "string"},
    "drill": _maybe("string"),
    "position": _maybe("string"),
    "person": _maybe("string"),
}
"""What a recording says at its beginning; not of one that cannot be read."""

_FOUND: Schema = {
    "driver": {"type": "string"},
    "filter": {"type": "string"},
    "duration_s": {"type": "number"},
    "holds": {"type": "integer"},
    "gaps": {"type": "integer"},
    "note": {"type": "string"},
    "problem": _maybe("string"),
    "legs": {
        "type": "array",
        "items": _object(
            {
                "side": {"enum": ["left", "right"]},
                "reps": {"type": "integer"},
                "controlled": {"type": "integer"},
                "uncontrolled": {"type": "integer"},
                "void": {"type": "integer"},
                "median_deg": _maybe("number"),
                "best_deg": _maybe("number"),
                "trials": {"type": "integer", "description": "Held end ranges, of a test."},
                "sets": {"type": "array", "items": {"type": "object"}},
            }
        ),
    },
}
"""What was found in it live."""

SCHEMAS: Schema = {
    "Problem": _object(
        {
            "v": {"const": 1},
            "type": {"const": "problem"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "One line: what is wrong and what to do."},
        }
    ),
    "State": _object(
        {
            "v": {"const": 1},
            "type": {"const": "state"},
            "state": {
                "enum": [state.value for state in State],
                "description": "; ".join(f"{state.value}: {text}" for state, text in MEANINGS.items()),
            },
            "words": {"type": "string", "description": "The state for a person, with what goes wrong."},
            "detail": {"type": "string"},
            "since": {"type": "string", "format": "date-time"},
            "for_s": {"type": "number"},
            "retrying": {"type": "boolean"},
            "sensor": _maybe("string"),
            "driver": _maybe("string"),
            "rate_hz": _maybe("number"),
            "battery_percent": _maybe("integer"),
            "battery_low": {"type": "boolean"},
            "rssi_dbm": _maybe("integer"),
            "last_sample_s": _maybe("number"),
            "session": {
                "oneOf": [
                    {"type": "null"},
                    _object(
                        {
                            "recording": {"type": "string"},
                            "began": {"type": "string", "format": "date-time"},
                            "side": {"enum": ["left", "right"]},
                            "drill": _maybe("string"),
                            "person": _maybe("string"),
                            "movement": {
                                "enum": ["active", "passive"],
                                "description": "passive: somebody else turns the leg.",
                            },
                            "samples": {"type": "integer"},
                            "duration_s": {"type": "number"},
                            "reps": {"type": "integer"},
                            "controlled": {"type": "integer"},
                        }
                    ),
                ]
            },
            "phase": _maybe("string"),
            "say": _maybe("string"),
            "coach": {
                "type": ["object", "null"],
                "description": "What a screen shows now: the line of type coach that was told last.",
            },
            "closing": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Recordings of sessions that are over and that are not yet closed.",
            },
            "results": {
                "type": "array",
                "items": {"type": "object"},
                "description": "Results of the sessions of this routine so far, or of this one, in order.",
            },
            "speaker": _object(
                {"where": {"enum": ["page", "machine", "off"]}, "page": _maybe("string")},
            ),
            "pelvis": {"anyOf": [{"enum": [state.value for state in State]}, {"type": "null"}]},
            "troubles": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    ),
    "Line": {
        "type": "object",
        "description": "A line of `hipturn replay --json`: session, calibration, rep, hold, gap, summary, …",
        "properties": {"v": {"const": 1}, "type": {"type": "string"}},
        "required": ["type"],
    },
    "Session": _object(
        {
            "name": {"type": "string"},
            "bytes": {"type": "integer"},
            "modified_s": {"type": "number", "description": "Seconds since 1970."},
            **_ABOUT,
            **_FOUND,
        },
        ["name", "bytes", "modified_s"],
    ),
    "Mark": _object(
        {
            "t_s": {"type": "number", "description": "Of the last packet before it."},
            "kind": {"type": "string"},
            "value": {"type": "object"},
        }
    ),
    "Drill": _object(
        {
            "name": {"type": "string"},
            "title": {"type": "string"},
            "kind": {"enum": list(get_args(DrillKind))},
            "position": _maybe("string"),
            "directions": {"type": "array", "items": {"enum": ["internal", "external"]}},
            "sides": {"type": "array", "items": {"enum": ["left", "right"]}},
            "reps": {"type": "integer"},
            "sets": {"type": "integer"},
            "hold_s": {"type": "number"},
            "rest_s": {"type": "number"},
            "about": {"type": "string"},
            "setup": {"type": "string"},
            "safety": {"type": "string"},
        }
    ),
    "Routine": _object(
        {
            "name": {"type": "string"},
            "title": {"type": "string"},
            "about": {"type": "string"},
            "parts": {
                "type": "array",
                "items": _object(
                    {
                        "drill": {"type": "string"},
                        "title": {"type": "string"},
                        "kind": {"enum": list(get_args(DrillKind))},
                        "side": {"enum": ["left", "right"]},
                        "sets": {"type": "integer"},
                        "reps": {"type": "integer"},
                    }
                ),
            },
        }
    ),
    "Angles": _object(
        {
            "v": {"const": 1},
            "name": {"type": "string"},
            "duration_s": {"type": "number", "description": "Of the whole recording."},
            "rate_hz": {"type": "number", "description": "At most 20."},
            "t_s": {"type": "array", "items": {"type": "number"}},
            "angle_deg": {
                "type": "array",
                "items": _maybe("number"),
                "description": "Null where nothing was measured, or nothing that can be trusted.",
            },
            "low_deg": {
                "type": "array",
                "items": _maybe("number"),
                "description": "The least angle from one time to the next: thinning hides no extreme.",
            },
            "high_deg": {"type": "array", "items": _maybe("number"), "description": "The greatest."},
        }
    ),
    "References": _object(
        {
            "v": {"const": 1},
            "groups": {
                "type": "array",
                "items": _object(
                    {
                        "name": {"type": "string"},
                        "people": {"type": "string"},
                        "n": {"type": "integer"},
                        "position": {"type": "string"},
                        "internal": _ref("Spread"),
                        "external": {"oneOf": [{"type": "null"}, _ref("Spread")]},
                        "source": {"type": "string"},
                    }
                ),
            },
            "scales": {
                "type": "array",
                "items": _object(
                    {
                        "name": {"type": "string"},
                        "position": {"type": "string"},
                        "direction": {"enum": ["internal", "external"]},
                        "marks": {
                            "type": "array",
                            "items": _object({"deg": {"type": "number"}, "text": {"type": "string"}}),
                        },
                        "source": {"type": "string"},
                    }
                ),
            },
        }
    ),
    "Spread": _object({"mean_deg": {"type": "number"}, "sd_deg": _maybe("number")}),
    "Accepted": _object(
        {"v": {"const": 1}, "type": {"const": "accepted"}, "command": {"enum": list(COMMANDS)}}
    ),
}


def _get(summary: str, answer: Schema, **further: Any) -> Schema:
    return {"get": {"summary": summary, "responses": {"200": answer, **GUARDED, **further}}}


_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
_PERSON = {"name": "person", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query(name: str, description: str, **schema: Any) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_WHICH = [
    _query("person", "Only this person's.", type="string"),
    _query("side", "Only with this leg in them.", type="string", enum=["left", "right"]),
    _query("drill", "Only this drill or test.", type="string"),
]
_WINDOW = [
    _query("from_s", "From this time on.", type="number", minimum=0, maximum=LONGEST_S),
    _query("to_s", "Up to this time.", type="number", minimum=0, maximum=LONGEST_S),
    _query("rows", "So many rows at most.", type="integer", minimum=1, maximum=MOST_ROWS),
]


def _commands() -> Schema:
    """Return the commands with the drills there are now."""
    return {"oneOf": [command.schema(name) for name, command in COMMANDS.items()]}


def document() -> Schema:
    """Return the description of the whole API."""
    lines = {"type": "array", "items": _ref("Line")}
    session = _object(
        {
            "v": {"const": 1},
            "name": {"type": "string"},
            "events": lines,
            **_ABOUT,
            **_FOUND,
            "side": {"enum": ["left", "right", None]},
            "tests": {**lines, "description": "Of a test: `test_result`, a leg each."},
            "marks": {"type": "array", "items": _ref("Mark")},
        }
    )
    names = {"type": "array", "items": {"type": "string"}}
    people = _object({"v": {"const": 1}, "people": names})
    sessions = _object(
        {
            "v": {"const": 1},
            "sessions": {"type": "array", "items": _ref("Session")},
            "people": {**names, "description": "Everybody there is a recording of, or something kept."},
            "drills": {**names, "description": "Every drill and test there is a recording of."},
        }
    )
    text = {"description": "Metrics", "content": {"text/plain": {"schema": {"type": "string"}}}}
    one = _get(
        "What a recording is about, and its events", _json("The recording", session), **{"404": PROBLEM}
    )
    offered = _object(
        {
            "v": {"const": 1},
            "drills": {"type": "array", "items": _ref("Drill")},
            "routines": {"type": "array", "items": _ref("Routine")},
        }
    )
    chosen = _get("The drills and routines there are", _json("They", offered))
    chosen["get"]["responses"]["422"] = PROBLEM
    language = {
        "name": "language",
        "in": "query",
        "description": "Of titles and texts; English where there is none.",
        "schema": {"type": "string", "enum": list(LANGUAGES)},
    }
    published = _get("Published values a range can be looked at beside", _json("They", _ref("References")))
    for each in (chosen, published):
        each["get"]["parameters"] = [language]
    drawn = _get(
        "A recording's angle on an even grid, thinned to be drawn",
        _json("The angle", _ref("Angles")),
        **{"404": PROBLEM},
    )
    listed = _get("The recordings, newest first", _json("They", sessions))
    everybody = _get("Who there are recordings of, or something kept", _json("They", people))
    over_weeks = _get(
        "What a person's sessions come to: trends against the measuring error, legs compared, practice",
        _json("It", _object({"v": {"const": 1}, "person": {"type": "string"}, "lines": lines})),
        **{"404": PROBLEM},
    )
    for each, parameters in (
        (one, [_NAME]),
        (drawn, [_NAME, *_WINDOW]),
        (listed, _WHICH),
        (everybody, []),
        (over_weeks, [_PERSON]),
    ):
        each["get"]["responses"]["422"] = PROBLEM
        each["get"]["parameters"] = parameters
    health = _json("The loop turns", _object({"status": {"const": "ok"}, "version": {"type": "string"}}))
    ready = _object({"ready": {"type": "boolean"}, "words": {"type": "string"}})
    results = _object({"v": {"const": 1}, "lines": lines})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hipturn",
            "version": __version__,
            "description": "Live hip rotation measurement. `WS /api/v1/live` sends a JSON object a message: "
            "the state first and at each change, then the lines of `hipturn replay --json` as they happen, "
            '`{"type":"angle",…}` at screen rate, `{"type":"prompt",…}` of the coach, `{"type":"mark",…}` '
            'for each command, and `{"type":"dropped","count":n}` to a viewer that was too slow. '
            "With `?page=NAME` the page that speaks can be named, and is missed when it goes.",
        },
        "components": {
            "schemas": SCHEMAS | {"Command": _commands()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
        "paths": {
            "/healthz": _get("Is the program alive", health),
            "/readyz": _get(
                "Is a sensor measured and recorded", _json("Yes", ready), **{"503": _json("No", ready)}
            ),
            "/metrics": _get("For Prometheus", text),
            "/openapi.json": _get("This", _json("This", {"type": "object"})),
            "/api/v1/state": _get("Where everything stands now", _json("The state", _ref("State"))),
            "/api/v1/sessions": listed,
            "/api/v1/sessions/{name}": one,
            "/api/v1/sessions/{name}/angles": drawn,
            "/api/v1/drills": chosen,
            "/api/v1/people": everybody,
            "/api/v1/people/{person}/progress": over_weeks,
            "/api/v1/references": published,
            "/api/v1/results": _get("The running session's lines, or the last one's", _json("They", results)),
            "/api/v1/commands": {
                "post": {
                    "summary": "Tell the running session something",
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": _ref("Command")}},
                    },
                    "responses": {
                        "202": _json("It is on its way into the stream", _ref("Accepted")),
                        "415": PROBLEM,
                        "422": PROBLEM,
                        **GUARDED,
                    },
                }
            },
        },
    }
