"""A coach that goes on from one recording of a session to the next, though stream time begins anew in it."""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any

from hipturn.coach import Prompt, Said, Show
from hipturn.model import Input, Mark, Output
from hipturn.session import Guide

HOST = "host_ns"
"""A time on this computer's clock, which no recording begins anew."""


class Onward:
    """Gives a coach its own time, and nothing until `listening`: it knows how the recording begins."""

    def __init__(self, coach: Guide, by_ns: int) -> None:
        """Make the coach's time that of the recording and `by_ns`."""
        self._coach, self._by_ns = coach, by_ns
        self.listening = False

    def push(self, item: Input | Output) -> Sequence[Said]:
        """Return what the coach says, in the recording's time."""
        if not self.listening:
            return []
        said = self._coach.push(shifted(item, self._by_ns) if isinstance(item, Output) else item)
        return [self._told(one) for one in said]

    def _told(self, one: Said) -> Said:
        match one:
            case Mark():
                return one
            case Show(timer=timer) if timer is not None:
                one = replace(one, timer=shifted(timer, -self._by_ns))
        told: Prompt | Show = shifted(one, -self._by_ns)
        return told


def shifted(item: Any, by_ns: int) -> Any:
    """Return something that was measured or said, with all its stream times later by `by_ns`."""
    return replace(item, **{name: getattr(item, name) + by_ns for name in _times(item.__class__)})


@cache
def _times(kind: type) -> tuple[str, ...]:
    """Return the fields that hold stream times: all that are named in nanoseconds but `HOST`."""
    return tuple(each.name for each in fields(kind) if each.name.endswith("_ns") and each.name != HOST)
