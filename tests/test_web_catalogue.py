"""Laws of what the page is told of the past: what a fresh look would tell, for the work of what changed."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipturn import history
from hipturn.errors import InputError
from hipturn.history.store import Store
from hipturn.model import Side
from hipturn.recording.amend import amend
from hipturn.web import catalogue as web
from hipturn.web.catalogue import Catalogue
from histories import FIRST, session, weeks

CHOICES = (history.Filter(), history.Filter(side=Side.LEFT), history.Filter(person="P-08"))


def told(catalogue: Catalogue) -> list[Any]:
    """Everything there is to ask."""
    people = catalogue.people()
    return [
        people,
        *(catalogue.sessions(which) for which in CHOICES),
        *(catalogue.progress(name) for name in (*people, "nobody")),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    weeks(tmp_path, [0.0, 2.0])
    session(tmp_path, drill="mishaps", person="P-08", name="other.mcap")
    return tmp_path


def add(folder: Path, n: int) -> None:
    session(folder, at=FIRST + timedelta(days=30 + n), name=f"new-{n}.mcap")


def note(folder: Path, n: int) -> None:
    with history.Catalogue(folder) as catalogue:
        catalogue.describe_session(catalogue.sessions()[0].name, note=f"note {n}")


def whose(folder: Path, n: int) -> None:
    with history.Catalogue(folder) as catalogue:
        catalogue.describe_session(catalogue.sessions()[0].name, person=f"P-{n}")


def plan(folder: Path, n: int) -> None:
    with history.Catalogue(folder) as catalogue:
        catalogue.describe_person("P-08", plan=n % 8)


def damage(folder: Path, n: int) -> None:
    sorted(folder.glob("*.mcap"))[-1].write_bytes(b"\x89MCAP0\r\n" + bytes(n))


def delete(folder: Path, n: int) -> None:
    sorted(folder.glob("*.mcap"))[n % 2].unlink()


def forget(folder: Path, n: int) -> None:
    """As somebody does who finds the catalogue in their way."""
    (folder / "catalogue.sqlite").unlink(missing_ok=True)


CHANGES: list[Callable[[Path, int], None]] = [add, note, whose, plan, damage, delete, forget]


@settings(max_examples=8, deadline=None)
@given(changes=st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4))
def test_answers_are_those_of_a_fresh_look(
    changes: list[Callable[[Path, int], None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever happened to recordings and people meanwhile, and whoever did it."""
    place = tmp_path_factory.mktemp("recordings")
    weeks(place, [0.0, 2.0])
    session(place, drill="mishaps", person="P-08", name="other.mcap")
    asked_often = Catalogue(place)
    for n, change in enumerate(changes):
        told(asked_often)
        change(place, n)
        assert told(asked_often) == told(Catalogue(place))
    shutil.rmtree(place)
    assert told(asked_often) == told(Catalogue(place))


def test_what_has_not_changed_costs_no_look_into_the_catalogue(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one is opened for what was asked before, and of many recordings one that changed is read alone."""
    opened: list[Path] = []
    read: list[str] = []

    def opening(path: Path) -> Store:
        opened.append(path)
        return Store(path)

    def reading(path: Path) -> history.Found:
        read.append(path.name)
        return history.session_results(path)

    monkeypatch.setattr("hipturn.history.catalogue.Store", opening)
    monkeypatch.setattr("hipturn.history.catalogue.session_results", reading)
    catalogue = Catalogue(folder)
    first = told(catalogue)
    assert len(read) == 5 and opened
    opened.clear()
    read.clear()
    assert told(catalogue) == first
    assert not opened and not read
    amend(folder / "other.mcap", lambda start: replace(start, note="another"))
    assert told(catalogue) != first
    assert read == ["other.mcap"]


def test_answers_kept_have_a_limit(folder: Path) -> None:
    """Somebody who asks for ever other people fills no memory."""
    catalogue = Catalogue(folder)
    for n in range(web.MOST_ANSWERS + 10):
        assert catalogue.progress(f"nobody {n}") is None
    assert catalogue._answered is not None
    assert len(catalogue._answered[1]) <= web.MOST_ANSWERS


def test_a_person_who_is_deleted_is_kept_nowhere(folder: Path) -> None:
    """The next question of anybody forgets what was told of them."""
    catalogue = Catalogue(folder)
    told(catalogue)
    with history.Catalogue(folder) as theirs:
        theirs.delete_person("P-08")
    catalogue.people()
    assert "P-08" not in repr(catalogue._answered)


def test_a_folder_that_cannot_be_looked_through_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a recording deleted while it is looked through is not there."""
    name = "other.mcap"
    real = os.scandir

    class Gone:
        """What is left of an entry whose file is deleted."""

        name = "gone.mcap"

        def is_file(self, *, follow_symlinks: bool) -> bool:
            return True

        def stat(self, *, follow_symlinks: bool) -> None:
            raise FileNotFoundError

    class Entries(list[Any]):
        def __enter__(self) -> "Entries":
            return self

        def __exit__(self, *error: object) -> None:
            return None

    monkeypatch.setattr(os, "scandir", lambda path: Entries([*real(path), Gone()]))
    assert {found for found, _ in history.state(folder)[0]} >= {name}
    assert "gone.mcap" not in {found for found, _ in history.state(folder)[0]}

    def refusing(path: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(InputError, match="cannot be looked through"):
        Catalogue(folder).sessions()
