"""The drills and routines there are: the program's own and those of the person's settings folder.

A drill is a TOML file: `shipped/` has examples, docs/drills.md explains every key. Adding one needs no code.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from hipturn import places
from hipturn.coach.drill import Drill, Routine
from hipturn.drills.nearest import nearest
from hipturn.drills.reading import drill_of, parsed, routine_of
from hipturn.drills.script import script
from hipturn.errors import InputError, UsageError
from hipturn.small import small_text

__all__ = ["Catalogue", "drill", "load", "names", "routine", "routine_names", "script"]

T = TypeVar("T")
MOST_BYTES = 1 << 16
"""Of one drill: twenty times a shipped one."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Drills and routines by name, in the order they are listed in."""

    drills: Mapping[str, Drill] = field(default_factory=dict)
    routines: Mapping[str, Routine] = field(default_factory=dict)

    def drill(self, name: str) -> Drill:
        """Return the drill of that name; raise `UsageError` with the nearest one."""
        return _named(name, self.drills, "drill")

    def routine(self, name: str) -> Routine:
        """Return the routine of that name; raise `UsageError` with the nearest one."""
        return _named(name, self.routines, "routine")


def load(folder: Path | None = None) -> Catalogue:
    """Return the shipped drills and routines and those in `folder`, if there is one.

    A person's own may not have the name of a shipped one: recordings tell their drill by its name. Raises
    `InputError` saying what is wrong in which file.
    """
    shipped = _shipped()
    if folder is None or not folder.is_dir():
        return shipped
    texts = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            texts[path.stem] = small_text(path, MOST_BYTES)
        except (OSError, UnicodeError) as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
    for name in texts:
        if name in shipped.drills or name in shipped.routines:
            raise InputError(
                f"{folder / name}.toml: there is a {name} already: give your own another name, like my-{name}"
            )
    return _catalogue(shipped, texts.items(), lambda name: str(folder / f"{name}.toml"))


def own_folder() -> Path:
    """Return where a person's own drills lie: beside the settings file."""
    return places.config_file().parent / "drills"


def names() -> list[str]:
    """Return the names of all drills."""
    return list(load(own_folder()).drills)


def drill(name: str) -> Drill:
    """Return the drill of that name; raise `UsageError`."""
    return load(own_folder()).drill(name)


def routine_names() -> list[str]:
    """Return the names of all routines."""
    return list(load(own_folder()).routines)


def routine(name: str) -> Routine:
    """Return the routine of that name; raise `UsageError`."""
    return load(own_folder()).routine(name)


@cache
def _shipped() -> Catalogue:
    folder = resources.files("hipturn.drills") / "shipped"
    texts = {
        each.name.removesuffix(".toml"): each.read_text(encoding="utf-8")
        for each in sorted(folder.iterdir(), key=lambda each: each.name)
        if each.name.endswith(".toml")
    }
    return _catalogue(Catalogue(), texts.items(), lambda name: f"{name}.toml")


def _catalogue(known: Catalogue, texts: Iterable[tuple[str, str]], where: Callable[[str], str]) -> Catalogue:
    drills, routines = dict(known.drills), dict(known.routines)
    chained = {}
    for name, text in texts:
        table = parsed(text, where(name))
        if table.get("kind") == "routine":
            chained[name] = table
        else:
            drills[name] = drill_of(name, table, where(name))
    # a routine may chain a person's own drills
    for name, table in chained.items():
        routines[name] = routine_of(name, table, where(name), drills)
    return Catalogue(drills, routines)


def _named(name: str, among: Mapping[str, T], what: str) -> T:
    if name in among:
        return among[name]
    raise UsageError(f"no {what} is called {name!r:.40}{nearest(name, among)}")
