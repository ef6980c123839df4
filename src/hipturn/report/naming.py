"""What drills are called in a report."""

from hipturn import drills
from hipturn.errors import InputError, UsageError
from hipturn.report.words import Say, short


def title(drill: str | None, say: Say) -> str:
    """Return what a drill is called; its name where it is none of this computer's."""
    if not drill:
        return "–"
    try:
        return short(drills.drill(drill).said(say.language).title, 40)
    except (UsageError, InputError):
        return short(drill, 40)
