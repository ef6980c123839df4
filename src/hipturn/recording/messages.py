"""What an input looks like as an MCAP message: topics, JSON and its schemas, the packet record.

The JSON schemas and the checks on reading both follow the type hints of `model`, so a field added
there is written, described and read without a line here.
"""

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, NewType, TypeVar, cast, get_args, get_origin, get_type_hints

import numpy as np

from hipturn.model import LinkDown, LinkUp, Mark, Overrun, SessionStart

FORMAT = "1"
"""Version of the layout drawn in `hipturn.recording`; a reader refuses any other."""

METADATA = "hipturn"
"""Name of the metadata record that tells what the recording is."""

Message = SessionStart | LinkUp | LinkDown | Overrun | Mark
"""The inputs that are written as JSON."""

TOPICS: dict[type[Message], str] = {
    SessionStart: "/session",
    LinkUp: "/link_up",
    LinkDown: "/link_down",
    Overrun: "/overrun",
    Mark: "/mark",
}
KINDS: dict[str, type[Message]] = {topic: kind for kind, topic in TOPICS.items()}

PACKETS, EVENTS = "/packets", "/events"
"""First part of the topics of packets and of results."""

PACKET_ENCODING = "x-hipturn-packet"
"""MCAP leaves names with x- to applications; the layout of the bytes is the driver's."""

EVENT_SCHEMA = {
    "type": "object",
    "properties": {"v": {"type": "integer"}, "type": {"type": "string"}},
    "required": ["type"],
}


@lru_cache(maxsize=64)
def record_dtype(size: int) -> np.dtype[np.void]:
    """Return the layout of a whole MCAP Message record with `size` bytes of data."""
    return np.dtype(
        [
            ("opcode", "u1"),
            ("length", "<u8"),
            ("channel", "<u2"),
            ("sequence", "<u4"),
            ("log_time", "<u8"),
            ("publish_time", "<i8"),
            ("data", "u1", (size,)),
        ]
    )


RECORD_HEAD = 9
"""Bytes before the content of any MCAP record: opcode and length."""
MESSAGE_HEAD = record_dtype(0).itemsize - RECORD_HEAD
"""Bytes of a Message record's content before its data."""

Kind = TypeVar("Kind")
hints_of = lru_cache(get_type_hints)


def to_json(value: object) -> bytes:
    """Return a record or plain value as JSON; floats keep their every bit.

    Raise TypeError for what JSON has no word for.
    """
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be recorded: use plain numbers, texts, lists and tables")


def from_json(kind: type[Kind], line: bytes | str) -> Kind:
    """Return the record of type `kind` that `to_json` wrote; raise ValueError for anything else."""
    try:
        return cast(Kind, _checked(kind, json.loads(line)))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _checked(hint: Any, value: Any) -> Any:
    """Return the JSON value as the hinted type; missing fields take their default, unknown ones fall away."""
    hint = _resolved(hint)
    match hint:
        case types.UnionType():
            return None if value is None else _checked(get_args(hint)[0], value)
        case type() if is_dataclass(hint) and isinstance(value, dict):
            hints = hints_of(hint)
            given = {f.name: _checked(hints[f.name], value[f.name]) for f in fields(hint) if f.name in value}
            missing = [f.name for f in fields(hint) if f.default is f.default_factory is MISSING]
            if all(name in given for name in missing):
                return hint(**given)
        case type() if issubclass(hint, Enum):
            return hint(value)
        case type() if type(value) is hint or (hint is float and type(value) is int):
            return value
        case _ if get_origin(hint) is tuple and isinstance(value, list) and len(value) == len(get_args(hint)):
            return tuple(map(_checked, get_args(hint), value))
        case _ if get_origin(hint) is Mapping and isinstance(value, dict):
            return value
    raise ValueError(f"no {hint}: {value!r:.80}")


def describe(session: SessionStart) -> dict[str, str]:
    """Return the metadata that tells what a recording is; `described` reads it."""
    told = {
        "format": FORMAT,
        "program": session.program,
        "wall_time": session.wall_time,
        "settings": to_json(session.settings).decode(),
        "drill": session.drill,
        "position": session.position,
        "note": session.note,
        "person": session.person,
        "movement": session.movement,
    }
    # Half a character from a command line must not cost the recording; the JSON message keeps it.
    return {name: text.encode(errors="replace").decode() for name, text in told.items() if text is not None}


def described(metadata: Mapping[str, str]) -> SessionStart:
    """Return the session that metadata describes; raise ValueError."""
    settings = json.loads(metadata.get("settings", ""))
    return cast(SessionStart, _checked(SessionStart, {**metadata, "settings": settings}))


def schema(kind: type[Message]) -> bytes:
    """Return the JSON schema of a kind of message."""
    return to_json({"title": kind.__name__, **_described(kind)})


def _described(hint: Any) -> dict[str, Any]:
    hint = _resolved(hint)
    match hint:
        case types.UnionType():
            return {"anyOf": [*map(_described, get_args(hint))]}
        case type() if is_dataclass(hint):
            return {
                "type": "object",
                "properties": {k: _described(v) for k, v in hints_of(hint).items()},
            }
        case type() if issubclass(hint, Enum):
            return {"type": "string", "enum": [member.value for member in hint]}
        case _ if get_origin(hint) is tuple:
            return {"type": "array", "items": _described(get_args(hint)[0])}
    names: dict[Any, str] = {
        str: "string",
        int: "integer",
        float: "number",
        bool: "boolean",
        types.NoneType: "null",
    }
    return {"type": names.get(hint, "object")}


def _resolved(hint: Any) -> Any:
    return hint.__supertype__ if isinstance(hint, NewType) else hint
