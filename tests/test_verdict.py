"""What a repetition is worth: a person's own standard, sets, corrections."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipturn.core.excursions import Excursion
from hipturn.core.sets import Sets
from hipturn.core.verdict import LIMIT_SD, MEMORY, Judge, Sample, Standard, demonstrated, sample
from hipturn.model import Direction, HipAngle, Rep, SetDone, StreamNs, Verdict
from hipturn.units import NS_PER_S, RAD_PER_DEG

NOTHING = np.zeros(2)
PLAIN = HipAngle(
    "s", np.arange(2), NOTHING, NOTHING, NOTHING, NOTHING, np.zeros(2, np.int64), np.ones(2, np.bool_)
)
EXCURSION = Excursion(1, 0.0, False, 0, PLAIN)


def rep(
    rom_deg: float = 30.0, time_s: float = 3.0, speed_dps: float = 40.0, n: int = 1, at_s: float = 0.0
) -> Rep:
    return Rep(
        "s", n, None, Direction.INTERNAL,
        StreamNs(round(at_s * NS_PER_S)), StreamNs(round((at_s + time_s / 2) * NS_PER_S)),
        StreamNs(round((at_s + time_s) * NS_PER_S)),
        rom_deg * RAD_PER_DEG, rom_deg * RAD_PER_DEG, time_s / 2, 0.0, time_s / 2, speed_dps * RAD_PER_DEG,
        -2.0, 0.0, 0.0, Verdict.CONTROLLED, (),
    )  # fmt: skip


def own(*reps: Rep) -> Judge:
    return Judge(demonstrated(reps, Standard()))


def reasons(judge: Judge, each: Rep) -> tuple[str, ...]:
    return judge.push(each, EXCURSION).reasons


ranges = st.floats(5.0, 60.0)
times = st.floats(1.0, 10.0)


@given(rom=ranges, time_s=times, many=st.integers(1, 5))
def test_a_repetition_as_shown_is_controlled_and_half_of_it_is_not(
    rom: float, time_s: float, many: int
) -> None:
    """Whatever the person showed: the same is right, half the range is short, half the time is too fast."""
    shown = [rep(rom, time_s)] * many
    assert reasons(own(*shown), rep(rom, time_s)) == ()
    assert reasons(own(*shown), rep(rom / 2, time_s)) == ("short-range",)
    assert reasons(own(*shown), rep(rom, time_s / 2.5)) == ("too-fast",)


@given(rom=ranges, factor=st.floats(0.2, 3.0), scale=st.floats(0.3, 3.0))
def test_only_ratios_matter(rom: float, factor: float, scale: float) -> None:
    """A person with twice the range is judged alike: the standard has no degrees in it."""
    a = reasons(own(rep(rom)), rep(rom * factor))
    b = reasons(own(rep(rom * scale)), rep(rom * scale * factor))
    assert a == b or abs(factor - 0.8) < 0.1, "but for rounding at the limit itself"


@settings(max_examples=50)
@given(st.lists(st.floats(0.93, 1.07), min_size=3, max_size=3), st.floats(1.01, 1.05))
def test_the_standard_moves_with_controlled_repetitions(first: list[float], gain: float) -> None:
    """A hip that loosens by a few percent each time is followed; what was enough at first is short then."""
    judge, rom = own(*(rep(30.0 * x) for x in first)), 30.0
    for _ in range(3 * MEMORY):
        rom *= gain
        assert reasons(judge, rep(rom)) == ()
    assert reasons(judge, rep(rom / 1.6)) == ("short-range",)


@settings(max_examples=50)
@given(st.lists(st.floats(0.2, 0.55), min_size=1, max_size=40))
def test_the_standard_never_moves_with_rejected_ones(shares: list[float]) -> None:
    """Any number of short ones, and the next short one is as short as the first."""
    judge = own(rep(), rep(), rep())
    assert all(reasons(judge, rep(30.0 * share)) == ("short-range",) for share in shares)
    assert reasons(judge, rep()) == ()


def test_who_varies_more_is_given_more_room() -> None:
    """The tolerance is the person's own spread."""
    steady, varied = own(*(rep(x) for x in (30, 30, 30))), own(*(rep(x) for x in (24, 37, 30)))
    limit = rep(24.0)
    assert reasons(steady, limit) == ("short-range",)
    assert reasons(varied, limit) == ()


def test_a_target_replaces_the_own_range_and_keeps_the_tempo() -> None:
    standard = replace(demonstrated([rep(30.0)], Standard()), target_rad=20.0 * RAD_PER_DEG)
    assert reasons(Judge(standard), rep(15.0)) == ()
    assert reasons(Judge(standard), rep(13.0)) == ("short-range",)
    assert reasons(Judge(standard), rep(15.0, 1.0)) == ("too-fast",)


def test_the_clearest_reason_comes_first() -> None:
    """Half as long and a tenth as far is first of all short; a tenth as long and half as far too fast."""
    assert reasons(own(rep()), rep(3.0, 1.4)) == ("short-range", "too-fast")
    assert reasons(own(rep()), rep(20.0, 0.3)) == ("too-fast", "short-range")


def test_nothing_shown_nothing_judged() -> None:
    judge = Judge(Standard())
    assert reasons(judge, rep(1.0, 0.1)) == ()
    assert reasons(judge, rep(100.0, 50.0)) == (), "and nothing learned from it"
    judge.learn([sample(rep())])
    assert reasons(judge, rep(5.0)) == ("short-range",)
    judge.learn([])
    assert reasons(judge, rep(5.0)) == ()


def test_the_limit_is_what_the_docs_say() -> None:
    """One repetition shown: the limit is exp(−2.5·0.06·√2) = 0.81 of its range."""
    judge = own(rep(30.0))
    limit = 30.0 * float(np.exp(-LIMIT_SD * 0.06 * np.sqrt(2.0)))
    assert limit == pytest.approx(0.809 * 30.0, rel=0.001)
    assert reasons(judge, rep(limit * 1.001)) == ()
    assert reasons(own(rep(30.0)), rep(limit * 0.999)) == ("short-range",)
    with pytest.raises(ValueError, match="no repetition"):
        demonstrated([], Standard())
    assert sample(rep(30.0, 3.0, 40.0)) == Sample(30.0 * RAD_PER_DEG, 3.0, 40.0 * RAD_PER_DEG)


# --- sets and corrections -----------------------------------------------------------------------


def filled(*roms_deg: float, **same: Any) -> Sets:
    sets = Sets("s", 20.0)
    for n, rom in enumerate(roms_deg, 1):
        sets.push(rep(rom, n=n, at_s=4.0 * n, **same))
    return sets


def ended(sets: Sets) -> SetDone:
    done = sets.end()
    assert done is not None
    return done


@given(st.lists(st.sampled_from(["rep", "undo", "redo"]), max_size=30))
def test_undo_and_redo_are_inverse(said: list[str]) -> None:
    """However they follow each other: what counts is what the words say, like a list with a cursor."""
    sets, n = Sets("s", 20.0), 0
    counted: list[int] = []
    taken: list[int] = []
    for word in said:
        if word == "rep":
            n += 1
            sets.push(rep(n=n))
            counted.append(n)
            taken.clear()
        elif word == "undo":
            changed = sets.undo(0).reps
            assert changed == ((counted[-1],) if counted else ())
            taken += [counted.pop()] if counted else []
        else:
            changed = sets.redo(0).reps
            assert changed == ((taken[-1],) if taken else ())
            counted += [taken.pop()] if taken else []
        assert [each.n for each in sets.last] == counted


def test_what_a_pause_has_closed_can_still_be_corrected() -> None:
    """Back into the set before, no further, until the next one begins."""
    sets = filled(30, 31)
    ended(sets)
    assert [sets.undo(0).reps for _ in range(3)] == [(2,), (1,), ()]
    assert [sets.redo(0).reps for _ in range(3)] == [(1,), (2,), ()]
    sets.undo(0)
    sets.push(rep(n=3))
    assert sets.redo(0).reps == () and sets.undo(0).reps == (3,) and sets.undo(0).reps == (1,)


def test_a_restarted_set_has_nothing_in_it() -> None:
    sets = filled(30, 31, 32)
    assert sets.restart(0).reps == (1, 2, 3)
    assert sets.due_ns() is None and sets.end() is None


def test_a_set_tells_warming_up_and_fatigue() -> None:
    """Six tight ones, six good ones, six tired ones."""
    done = ended(filled(*[20.0] * 6, *[30.0] * 6, *[24.0] * 6))
    assert (done.reps, done.first, done.last, done.n) == (18, 1, 18, 1)
    assert done.warm_up == pytest.approx(0.5) and done.range_change == pytest.approx(-0.2)
    assert done.speed_change == 0.0 and done.sparc_change == 0.0
    assert ended(filled(*[30.0] * 5)).warm_up is None, "thirds of five are chance"


def test_a_set_is_due_a_rest_after_its_last_repetition() -> None:
    assert filled(30, 30).due_ns() == round((8.0 + 3.0 + 20.0) * NS_PER_S)
