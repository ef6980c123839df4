"""A test's result: held end ranges found as they were held, and no number without its measuring error."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builders import STREAM, course, guided, of, rng_of
from hipturn import lines
from hipturn.coach import Coach
from hipturn.core import results
from hipturn.core.references import GROUPS, SCALES, group, next_mark, percentile
from hipturn.core.results import (
    Conditions,
    Difference,
    Result,
    Trial,
    change,
    change_of_difference,
    furthest_hold,
    in_words,
    left_right,
    mdc95,
    own_sem,
    result,
    trials,
)
from hipturn.errors import InputError, UsageError
from hipturn.model import Direction, HipAngle, Rep, Side, StreamNs, Verdict
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Repetition, Rest, simulate, two_way_test_script
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

IR, ER = Direction.INTERNAL, Direction.EXTERNAL
few = settings(max_examples=60)
degrees = st.floats(5.0, 60.0)


def conditions(side: Side = Side.RIGHT, position: str = "prone") -> Conditions:
    return Conditions(side, position, "active", "gravity", 0.99, "good")


def trial(direction: Direction, value_deg: float) -> Trial:
    return Trial(direction, value_deg * RAD_PER_DEG, 0.0, 2.0, 0, 2 * NS_PER_S, 0.0, 0, 0.0)


def of_values(
    internal: list[float],
    external: list[float] | None = None,
    side: Side = Side.RIGHT,
    sem: float | None = None,
) -> Result:
    found = [trial(IR, v) for v in internal] + [trial(ER, v) for v in external or []]
    return result(conditions(side), found, sem)


def rep_of(trace: HipAngle, direction: Direction, verdict: Verdict = Verdict.CONTROLLED) -> Rep:
    """Return the whole trace as one repetition."""
    sign = 1.0 if direction is IR else -1.0
    x = sign * trace.angle_rad
    k = int(x.argmax())
    times = (StreamNs(int(trace.t_ns[i])) for i in (0, k, -1))
    start, peak, end = times
    figures = (float(x[k] - x[0]), sign * float(x[k]), 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.0, verdict, ())
    return Rep(STREAM, 1, Side.RIGHT, direction, start, peak, end, *figures)


# --- trials -------------------------------------------------------------------------------------


@few
@given(degrees, st.floats(1.6, 5.0), st.floats(0.0, 1.0), st.sampled_from(Direction))
def test_a_held_end_range_is_found_to_a_fifth_of_a_degree(
    rom_deg: float, hold_s: float, tremor_deg: float, direction: Direction
) -> None:
    """However far, long and trembling, as long as it was within 2° for a second; both directions positive."""
    held = Repetition(
        direction, rom_deg * RAD_PER_DEG, hold_s=hold_s, tremor_rad=tremor_deg * RAD_PER_DEG, tremor_hz=5.0
    )
    trace, _ = course(Rest(0.5), held, Rest(0.5))
    (found,) = trials(trace, [rep_of(trace, direction)])
    assert found.value_rad * DEG_PER_RAD == pytest.approx(rom_deg, abs=0.2)
    assert found.direction is direction
    assert found.held_s >= max(1.0, hold_s) and found.held_s <= hold_s + 1.6
    assert found.lost == 0 and found.off_axis_rad == 0.02


@pytest.mark.parametrize(
    "movement",
    [
        Repetition(IR, 0.6, hold_s=0.2),
        Repetition(IR, 0.6, hold_s=2.0, tremor_rad=8.0 * RAD_PER_DEG, tremor_hz=2.0),
        Repetition(IR, 0.6, hold_s=0.2, out_s=2.0, pause_s=3.0),
    ],
    ids=["touched", "shaking", "stopped half-way"],
)
def test_what_was_not_held_is_no_trial(movement: Repetition) -> None:
    """Nor is a stop on the way out: with 35° reached and 17° held, neither is the end range."""
    trace, _ = course(Rest(0.5), movement, Rest(0.5))
    assert trials(trace, [rep_of(trace, IR)]) == []


def test_a_void_repetition_gives_no_trial_and_losses_are_told() -> None:
    trace, _ = course(Rest(0.5), Repetition(IR, 0.6, hold_s=2.0), Rest(0.5))
    assert trials(trace, [rep_of(trace, IR, Verdict.VOID)]) == []
    lossy = dataclasses.replace(trace, lost_before=np.where(np.arange(len(trace.t_ns)) == 250, 7, 0))
    (found,) = trials(lossy, [rep_of(lossy, IR)])
    assert found.lost == 7
    assert found.lost_share == pytest.approx(7.0 / (found.held_s * 100.0 + 1.0 + 7.0), rel=1e-6)


@few
@given(st.integers(0, 2**32), st.integers(50, 400), st.floats(0.001, 0.1))
def test_the_furthest_held_second_is_the_furthest(seed: int, n: int, roughness: float) -> None:
    """By looking at every window: none that was kept is further, and the one found was kept for a second."""
    x = np.cumsum(rng_of(seed).normal(0.0, roughness, n))
    t_s = np.arange(n) / 50.0
    windows = [(i, i + 51) for i in range(n - 50)]
    kept = [(a, b) for a, b in windows if np.abs(x[a:b] - x[a:b].mean()).max() <= results.HELD_RAD - 1e-12]
    found = furthest_hold(t_s, x)
    if found is None:
        assert not kept
        return
    a, b = found
    assert t_s[b - 1] - t_s[a] >= results.HELD_S - 1e-9
    assert np.abs(x[a:b] - x[a:b].mean()).max() <= results.HELD_RAD + 1e-12
    assert all(x[c:d].mean() <= x[a:b].mean() + 1e-9 for c, d in kept)


@pytest.mark.parametrize("side", Side)
def test_a_simulated_test_gives_its_true_ranges(side: Side) -> None:
    """Three internal and three external trials through a whole session: each to a degree, none missing, the
    arc to a degree and a half."""
    motion = simulate(Leg.random(3, side), two_way_test_script(3), seed=3)
    heard = guided(simulated.inputs(motion, samples_per_packet=10), Coach(STREAM, side, 0, "prone"))
    blocks, reps = of(HipAngle, heard), of(Rep, heard)
    whole = dataclasses.replace(
        blocks[0],
        **{
            name: np.concatenate([getattr(block, name) for block in blocks])
            for name in ("t_ns", "angle_rad", "off_axis_rad", "lost_before")
        },
    )
    found = trials(whole, reps)
    assert len(found) == len(motion.reps) == 6
    for each, true in zip(found, motion.reps, strict=True):
        assert each.direction is true.direction
        assert each.value_rad * DEG_PER_RAD == pytest.approx(abs(true.peak_rad) * DEG_PER_RAD, abs=1.0)
    told = result(conditions(side), found)
    true_arc = sum(sum(abs(r.peak_rad) for r in motion.reps if r.direction is d) / 3.0 for d in Direction)
    assert told.arc is not None and told.arc.value_rad == pytest.approx(true_arc, abs=1.5 * RAD_PER_DEG)


# --- results and their errors -------------------------------------------------------------------


@few
@given(st.lists(degrees, min_size=1, max_size=5), st.lists(degrees, max_size=5))
def test_mean_spread_best_and_arc(internal: list[float], external: list[float]) -> None:
    found = of_values(internal, external)
    each = found.ranges[IR]
    assert each.mean.value_rad * DEG_PER_RAD == pytest.approx(np.mean(internal))
    assert each.best_rad * DEG_PER_RAD == pytest.approx(max(internal))
    if len(internal) == 1:
        assert each.sd_rad is None
    else:
        assert each.sd_rad is not None
        assert each.sd_rad * DEG_PER_RAD == pytest.approx(np.std(internal, ddof=1), abs=1e-9)
    assert (found.arc is None) == (not external)
    if found.arc is not None:
        assert found.arc.value_rad * DEG_PER_RAD == pytest.approx(np.mean(internal) + np.mean(external))
    assert each.mean.uncertainty_rad == pytest.approx(1.96 * results.SEM_RAD)


def test_nothing_held_is_said() -> None:
    with pytest.raises(InputError, match=r"^no end range was held for a second: hold it within 2°"):
        result(conditions(), [])


@few
@given(degrees, st.floats(-4.0, 4.0))
def test_a_wrong_zero_does_not_change_the_arc(internal: float, zero_deg: float) -> None:
    """It enters the two directions with opposite signs."""
    right, wrong = of_values([internal], [40.0]), of_values([internal + zero_deg], [40.0 - zero_deg])
    assert right.arc is not None and wrong.arc is not None
    assert wrong.arc.value_rad == pytest.approx(right.arc.value_rad)


def test_the_limits_are_those_of_the_law() -> None:
    """SEM 2.0°: 5.5° for a change of a range and a left-right difference, √2 times that for its change and
    for a change of the arc, which is two ranges."""
    now, before = of_values([30.0], [40.0]), of_values([25.0], [40.0])
    left = of_values([24.0], [40.0], Side.LEFT)
    changed = change(now, before)
    sides = left_right(left, now)
    once = 1.96 * math.sqrt(2.0) * 2.0
    assert changed["internal"].mdc_rad * DEG_PER_RAD == pytest.approx(once) == pytest.approx(5.544, abs=1e-3)
    assert mdc95(2.0) == pytest.approx(once)
    assert sides["internal"].mdc_rad * DEG_PER_RAD == pytest.approx(once)
    assert changed["arc"].mdc_rad * DEG_PER_RAD == pytest.approx(math.sqrt(2.0) * once)
    again = change_of_difference(sides["internal"], sides["external"])
    assert again.mdc_rad * DEG_PER_RAD == pytest.approx(math.sqrt(2.0) * once) == pytest.approx(mdc95(2.0, 4))
    assert changed["internal"].within_error and changed["internal"].value_rad == pytest.approx(
        5 * RAD_PER_DEG
    )
    assert not sides["internal"].within_error and sides["internal"].value_rad == pytest.approx(
        -6 * RAD_PER_DEG
    )


@few
@given(st.floats(-30.0, 30.0), st.floats(0.5, 4.0))
def test_a_difference_is_within_error_just_below_its_limit(value_deg: float, sem_deg: float) -> None:
    """And it says so, with the limit, whichever it is."""
    now = of_values([30.0 + value_deg], sem=sem_deg * RAD_PER_DEG)
    found = change(now, of_values([30.0], sem=sem_deg * RAD_PER_DEG))["internal"]
    limit = 1.96 * math.sqrt(2.0) * sem_deg
    assume(abs(abs(value_deg) - limit) > 1e-6)
    assert found.within_error == (abs(value_deg) < limit)
    text = in_words(found)
    assert ("within measuring error" in text) == found.within_error
    size_deg = found.value_rad * DEG_PER_RAD
    assert size_deg == pytest.approx(value_deg, abs=1e-9)
    assert f"{size_deg:+.1f}°" in text and f"{found.mdc_rad * DEG_PER_RAD:.1f}°" in text


def test_the_default_limit_is_right_for_its_error() -> None:
    """Of 20,000 pairs of sessions in which nothing changed, 5 % differ by more than the limit."""
    rng = rng_of(1)
    pairs = rng.normal(30.0, 2.0, (20_000, 2)) * RAD_PER_DEG
    beyond = np.abs(pairs[:, 1] - pairs[:, 0]) > mdc95(results.SEM_RAD)
    assert beyond.mean() == pytest.approx(0.05, abs=0.006)


@few
@given(st.integers(0, 2**32), st.floats(1.0, 5.0), st.floats(-0.5, 0.5))
def test_own_repeatability_replaces_the_default_from_five_sessions_on(
    seed: int, true_deg: float, progress_deg: float
) -> None:
    """Found from the sessions, whether the person makes steady progress or not."""
    rng = rng_of(seed)
    values = (30.0 + progress_deg * np.arange(400) + rng.normal(0.0, true_deg, 400)) * RAD_PER_DEG
    assert own_sem(values[:4].tolist()) is None
    assert own_sem(values[:5].tolist()) is not None
    found = own_sem(values.tolist())
    assert found is not None and found * DEG_PER_RAD == pytest.approx(true_deg, rel=0.25)
    assert own_sem([0.5] * 8) == results.LEAST_SEM_RAD, "nobody is perfect"
    assert of_values([30.0], sem=found).own_sem and not of_values([30.0]).own_sem


@pytest.mark.parametrize("unlike", [{"position": "seated"}, {"movement": "passive"}], ids=str)
def test_unlike_results_are_not_compared(unlike: dict[str, Any]) -> None:
    """Prone against seated, active against passive: refused with the reason."""
    now, other = of_values([30.0]), of_values([30.0])
    other = dataclasses.replace(other, conditions=dataclasses.replace(other.conditions, **unlike))
    with pytest.raises(InputError, match=r"different tests.*compare like with like"):
        change(now, other)


def test_what_must_not_be_compared_is_refused_and_zeros_that_differ_leave_the_arc() -> None:
    now, before = of_values([30.0], [40.0]), of_values([30.0], [40.0])
    drifting = dataclasses.replace(
        now, conditions=dataclasses.replace(now.conditions, heading_dependent=True)
    )
    for a, b in ((now, drifting), (drifting, now)):
        with pytest.raises(InputError, match=r"heading-dependent result \(prone\) drifts"):
            change(a, b)
    with pytest.raises(InputError, match="different legs"):
        change(now, of_values([30.0], side=Side.LEFT))
    with pytest.raises(InputError, match="a left and a right"):
        left_right(now, before)
    posed = dataclasses.replace(before, conditions=dataclasses.replace(before.conditions, zero="pose"))
    assert set(change(now, before)) == {"internal", "external", "arc"}
    assert set(change(now, posed)) == {"arc"}
    assert set(change(of_values([30.0]), before)) == {"internal"}


# --- references ---------------------------------------------------------------------------------


@few
@given(
    st.sampled_from(sorted(GROUPS)), st.floats(0.0, 80.0), st.floats(0.0, 80.0), st.sampled_from(Direction)
)
def test_a_percentile_names_its_group_and_grows(name: str, a: float, b: float, direction: Direction) -> None:
    """Half at the mean, more for more; none where no spread was published; never without the source."""
    of_group = group(name)
    low, high = (percentile(x * RAD_PER_DEG, direction, of_group) for x in sorted((a, b)))
    spread = of_group.internal if direction is IR else of_group.external
    told = lines.reference(low, of_group, direction)
    assert told["source"] == of_group.source and told["n"] == of_group.n and told["people"]
    if spread is None or spread.sd_rad is None:
        assert low is None and high is None and told["percentile"] is None
        return
    assert low is not None and high is not None and low.percent <= high.percent
    middle = percentile(spread.mean_rad, direction, of_group)
    assert middle is not None and middle.percent == pytest.approx(50.0) and middle.group is of_group
    one_up = percentile(spread.mean_rad + spread.sd_rad, direction, of_group)
    assert one_up is not None and one_up.percent == pytest.approx(84.134, abs=1e-3)


def test_an_unknown_group_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no reference group is called 'me': choose one of adults-prone, "):
        group("me")


def test_a_scale_tells_the_marks_around_a_value_in_its_own_words() -> None:
    scale = SCALES["prone-internal"]
    assert next_mark(0.0, scale) == (None, scale.marks[0])
    assert next_mark(33.0 * RAD_PER_DEG, scale) == (scale.marks[1], scale.marks[2])
    assert next_mark(1.0, scale) == (scale.marks[2], None)
    assert scale.source and [mark[0] for mark in scale.marks] == sorted(mark[0] for mark in scale.marks)


# --- as JSON ------------------------------------------------------------------------------------


@few
@given(st.lists(degrees, min_size=1, max_size=3), st.lists(degrees, max_size=3))
def test_lines_are_json_and_no_number_stands_alone(internal: list[float], external: list[float]) -> None:
    found = of_values(internal, external)
    told = lines.test_result(found, "a.mcap")
    assert json.loads(lines.dumps(told)) == told
    assert told["type"] == "test_result" and told["sem_from"] == "default"
    for name in ("internal", "external", "arc"):
        if told.get(name):
            assert {"value_deg", "uncertainty_deg"} <= told[name].keys()
            assert told[name]["uncertainty_deg"] > 0.0
    compared = lines.comparison("change", change(found, of_values([30.0], [40.0])))
    assert json.loads(lines.dumps(compared)) == compared
    for name in ("internal", "external", "arc"):
        if name in compared:
            assert {"value_deg", "mdc95_deg", "within_error", "text"} == compared[name].keys()
    assert in_words(Difference(0.1, 0.05)) == "+5.7°, more than measuring error (2.9°)"
