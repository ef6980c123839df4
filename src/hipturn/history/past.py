"""What a session that is about to begin may be compared with: a person's earlier tests."""

from collections.abc import Collection
from datetime import date
from pathlib import Path

from hipturn.core.progress import Tested
from hipturn.errors import InputError
from hipturn.history.catalogue import Catalogue, Filter
from hipturn.history.overview import tested


def past(folder: Path, person: str, ours: Collection[str]) -> tuple[list[Tested], int]:
    """Return a person's tests in a folder, oldest first, and today's day; reads files: call it in a thread.

    Whoever gave no name is nobody in particular: then only the recordings named in `ours`, of the running
    program, are theirs for sure. A catalogue that cannot be used gives none.
    """
    today = date.today().toordinal()
    try:
        with Catalogue(folder) as catalogue:
            sessions = catalogue.sessions(Filter(person=person or None))
    except InputError:
        return [], today
    if not person:
        sessions = [found for found in sessions if found.name in ours]
    return tested(sessions), today
