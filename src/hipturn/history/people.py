"""What is known of people beside their recordings: a small file in the recordings folder.

A person is a name or a code, no account. What they prefer belongs to no single recording, so it is kept in
`people.json`, written whole or not at all. The catalogue is made from this and the recordings.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hipturn.errors import InputError

FILE = "people.json"
MOST_BYTES = 4 << 20
MOST_PLANNED = 7
"""Sessions a week."""


@dataclass(frozen=True, slots=True)
class Person:
    """What a person prefers and plans."""

    stretch: str | None = None
    """The stretch that works for them."""
    sessions_a_week: int | None = None
    """What they mean to do; None where nothing was said."""
    note: str = ""


def read(folder: Path) -> dict[str, Person]:
    """Return everybody in the file, none where there is no file; raise `InputError` for a damaged one."""
    return _read(folder)[0]


def renaming(folder: Path) -> tuple[str, str] | None:
    """Return who is called otherwise and how, where that was begun and not ended; raise as `read` does."""
    return _read(folder)[1]


def _read(folder: Path) -> tuple[dict[str, Person], tuple[str, str] | None]:
    path = folder / FILE
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} is far too large: move it away")
        told = json.loads(path.read_text(encoding="utf-8"))
        match told.get("renaming"):
            case [str(old), str(new)]:
                begun: tuple[str, str] | None = (old, new)
            case _:
                begun = None
        return {whole(name): _person(value) for name, value in told["people"].items()}, begun
    except FileNotFoundError:
        return {}, None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check its permissions") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is no list of people ({error}): mend it, or move it away") from error


def write(folder: Path, people: Mapping[str, Person], *, renaming: tuple[str, str] | None = None) -> None:
    """Write the file anew; raise `InputError` with the old one kept.

    `renaming` tells who is being called otherwise in the recordings, until that is done.
    """
    path = folder / FILE
    part = path.with_name(f"{FILE}.{os.getpid()}.part")
    kept = {name: asdict(person) for name, person in sorted(people.items()) if person != Person()}
    try:
        part.unlink(missing_ok=True)
        part.touch(0o600, exist_ok=False)
        begun = {"renaming": renaming} if renaming else {}
        text = json.dumps({"v": 1, "people": kept, **begun}, indent=1, ensure_ascii=False)
        part.write_text(whole(text) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}): give it room and rights") from error
    finally:
        part.unlink(missing_ok=True)


def change(folder: Path, name: str, **changed: Any) -> None:
    """Change what is known of one person."""
    people, begun = _read(folder)
    people[name] = replace(people.get(name, Person()), **changed)
    write(folder, people, renaming=begun)


def _person(value: Mapping[str, Any]) -> Person:
    stretch, plan, note = value.get("stretch"), value.get("sessions_a_week"), value.get("note", "")
    if not isinstance(stretch, str | None) or not isinstance(note, str):
        raise TypeError("a stretch and a note are texts")
    if plan is not None and (type(plan) is not int or not 0 <= plan <= MOST_PLANNED):
        raise TypeError(f"sessions_a_week is a whole number up to {MOST_PLANNED}")
    return Person(stretch and whole(stretch), plan or None, whole(note))


def whole(text: str) -> str:
    """Return the text with "?" for half a character: a command line or JSON may hold one, a file cannot."""
    return text.encode(errors="replace").decode()
