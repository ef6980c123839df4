"""A guided session of the simulated leg, as a listener hears it."""

import functools
from collections.abc import Sequence
from typing import TypeVar

from cli_runs import drill
from hipturn.coach import Coach
from hipturn.config import core_params, defaults
from hipturn.model import HipAngle, Orientation, Packets, SessionStart, Side
from hipturn.session import Heard, Session
from hipturn.sources import simulated

T = TypeVar("T")


@functools.cache
def heard(reps: int = 2, lost: Sequence[int] = ()) -> tuple[Heard, ...]:
    """Everything there is to hear, in order; one sample a packet."""
    out: list[Heard] = []
    coach = Coach(simulated.STREAM, Side.RIGHT, 0)
    session = Session(core_params(defaults()), coach, None, out.append)
    session.push(SessionStart("test", "2026-01-01T12:00:00+00:00", settings=defaults()))
    for item in simulated.inputs(drill(reps=reps), lost=lost):
        session.push(item)
    session.finish()
    return tuple(out)


def of(kind: type[T], items: Sequence[Heard]) -> list[T]:
    """Those of one kind."""
    return [item for item in items if isinstance(item, kind)]


def thinned(items: Sequence[Heard], every: int = 20) -> list[Heard]:
    """With a part of the samples only, so that no buffer of the operating system is in question."""
    return [
        item
        for i, item in enumerate(items)
        if not isinstance(item, Packets | Orientation | HipAngle) or i % every == 0
    ]
