"""Repetitions are counted as a person would count them, judged by figures that are true, and however the
stream is cut."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import STREAM, course, cuts, hip_angle, joined, one_by_one, rng_of, split
from hipturn.core.reps import DetectParams, Detector, Excursion, Turned
from hipturn.core.verdict import Standard, demonstrated, figures, held, judge, sparc
from hipturn.model import Direction, FloatArray, HipAngle, Rep, Side, Verdict
from hipturn.sources.body import Element, Repetition, Rest, Shift
from hipturn.sources.body.script import TrueRep
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

IR, ER = Direction.INTERNAL, Direction.EXTERNAL
RATES = (50.0, 100.0, 200.0)
LATENCY_S = 0.2
"""A count later than this after the return is felt as late."""
STOP_S = DetectParams().stop_s

directions = st.sampled_from(Direction)
tempos = st.floats(0.5, 2.0)


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None)


def turn(direction: Direction, rom_deg: float, **more: Any) -> Repetition:
    return Repetition(direction, rom_deg * RAD_PER_DEG, **more)


def detect(blocks: Iterable[HipAngle], rate_hz: float = 100.0) -> list[Excursion | Turned]:
    detector = Detector(DetectParams(), rate_hz)
    found = [event for block in blocks for event in detector.push(block)]
    return found + detector.finish()


def excursions(found: Iterable[Excursion | Turned]) -> list[Excursion]:
    return [event for event in found if isinstance(event, Excursion)]


def counted(*elements: Element, rate_hz: float = 100.0) -> list[Direction]:
    """Return the directions of what is counted in these movements, after a rest and before one."""
    trace, _ = course(Rest(1.5), *elements, Rest(1.0), rate_hz=rate_hz)
    return [IR if each.sign > 0 else ER for each in excursions(detect([trace], rate_hz))]


# --- exact counts -------------------------------------------------------------------------------


@st.composite
def repetitions(draw: st.DrawFn, roms_deg: tuple[float, float] = (20.0, 35.0), **more: Any) -> Repetition:
    """A repetition at any tempo; `more` are strategies of further fields."""
    return turn(
        draw(directions),
        draw(st.floats(*roms_deg)),
        out_s=draw(tempos),
        hold_s=draw(st.floats(0.0, 2.0)),
        return_s=draw(tempos),
    ) if not more else dataclasses.replace(
        draw(repetitions(roms_deg)), **{name: draw(strategy) for name, strategy in more.items()}
    )


@st.composite
def sets(
    draw: st.DrawFn,
    each: st.SearchStrategy[Repetition],
    rests_s: tuple[float, float] = (0.3, 2.0),
    alternating: bool = True,
) -> tuple[list[Element], list[Direction]]:
    """A set of up to 6 repetitions with a stop at neutral after each, one way or as it comes."""
    one_way = None if alternating and draw(st.booleans()) else draw(directions)
    elements: list[Element] = []
    for rep in draw(st.lists(each, min_size=1, max_size=6)):
        elements.append(rep if one_way is None else dataclasses.replace(rep, direction=one_way))
        elements.append(Rest(draw(st.floats(*rests_s))))
    return elements, directions_of(elements)


def directions_of(elements: Iterable[Element]) -> list[Direction]:
    return [each.direction for each in elements if isinstance(each, Repetition)]


degrees = RAD_PER_DEG
VARIETY: dict[str, st.SearchStrategy[tuple[list[Element], list[Direction]]]] = {
    "plain, internal or external or both in any order": sets(repetitions((6.0, 45.0)).map(
        lambda rep: dataclasses.replace(rep, rom_rad=rep.rom_rad)), (0.3, 2.0), alternating=False),
    "ranges that differ by half": sets(repetitions((20.0, 35.0))),
    "creeping neutral": sets(repetitions(return_error_rad=st.floats(-4.0 * degrees, 4.0 * degrees))),
    "a stop half-way": sets(repetitions(pause_s=st.floats(0.2, 4.0))),
    "bounces of less than 40 % at the peak": sets(
        repetitions((25.0, 35.0), bounces=st.integers(1, 3), bounce_rad=st.floats(1.0 * degrees, 9.9 * degrees))
    ),
    "tremor in the hold": sets(
        repetitions(
            hold_s=st.floats(0.5, 4.0),
            tremor_rad=st.floats(0.1 * degrees, 1.0 * degrees),
            tremor_hz=st.floats(4.0, 8.0),
        )
    ),
}
