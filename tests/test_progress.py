"""Laws of progress: like with like only, and no change that could be measuring error."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipturn.core import progress, results
from hipturn.core.progress import S_PER_WEEK, Kind
from hipturn.core.progress import Tested as OneTest
from hipturn.core.results import Conditions, Trial
from hipturn.errors import InputError
from hipturn.model import Direction, Side
from hipturn.units import RAD_PER_DEG

CONDITIONS = Conditions(Side.LEFT, "prone", "active", "gravity", 0.99, "good")
IR, ER = Direction.INTERNAL, Direction.EXTERNAL
degrees = st.floats(0.0, 60.0)


def one(week: float, internal_deg: float, external_deg: float = 40.0, **conditions: Any) -> OneTest:
    trials = tuple(
        Trial(d, v * RAD_PER_DEG, 0.0, 2.0, 0, 1, 0.0, 0, 0.0)
        for d, v in ((IR, internal_deg), (ER, external_deg))
    )
    c = replace(CONDITIONS, **conditions)
    at_s = week * S_PER_WEEK
    return OneTest(at_s, int(week * 7) + 1, f"{week}-{c.side}", "hipturn/vqf", c, trials)


def trend(values: Sequence[float], of: progress.Of = IR) -> progress.Trend:
    (track,) = progress.tracks(one(week, value) for week, value in enumerate(values))
    found = progress.trend(track, of)
    assert found is not None
    return found


VARIANTS: list[dict[str, Any]] = [
    {},
    {"side": Side.RIGHT},
    {"position": "seated"},
    {"movement": "passive"},
    {"zero": "pose"},
    {"tool": "polar/vqf"},
    {"tool": "hipturn/ekf"},
]


@given(st.lists(st.tuples(st.sampled_from(range(len(VARIANTS))), st.integers(0, 50), degrees), max_size=40))
def test_only_like_is_in_one_track_and_nothing_is_lost(drawn: list[tuple[int, int, float]]) -> None:
    """Any mixture: each track is of one kind and leg, in the order of time, and all tests are in one."""
    all_of = []
    for which, week, value in drawn:
        given_ = {**VARIANTS[which]}
        tool = given_.pop("tool", None)
        test = one(week, value, **given_)
        all_of.append(replace(test, tool=tool) if isinstance(tool, str) else test)
    tracks = progress.tracks(all_of)
    assert sum(len(track.tested) for track in tracks) == len(all_of)
    assert len({(track.kind, track.side) for track in tracks}) == len(tracks)
    for track in tracks:
        assert {(t.kind, t.conditions.side) for t in track.tested} == {(track.kind, track.side)}
        assert [t.at_s for t in track.tested] == sorted(t.at_s for t in track.tested)


def test_what_drifts_is_in_no_trend() -> None:
    assert progress.tracks([one(0, 30.0, heading_dependent=True)]) == []


@given(degrees, degrees, st.floats(0.01, 100.0))
def test_a_trend_of_two_tests_is_the_change_of_results(before: float, after: float, weeks: float) -> None:
    """Value and limit: the trend's law contains the other."""
    (track,) = progress.tracks([one(0.0, before), one(weeks, after)])
    for of in progress.OF:
        found = progress.trend(track, of)
        plain = results.change(track.results[1], track.results[0])[str(of)]
        assert found is not None and found.change is not None
        assert found.change.value_rad == pytest.approx(plain.value_rad, abs=1e-9)
        assert found.change.mdc_rad == pytest.approx(plain.mdc_rad)


def test_steady_progress_is_found_sooner_than_between_two_tests() -> None:
    """4° in 4 weeks: within the error of two tests, beyond that of all five, by their own repeatability."""
    assert trend([30.0, 34.0]).real is False
    assert trend([30.0, 31.2, 31.9, 33.1, 34.0]).real is True


@pytest.mark.parametrize("tests", [5, 12])
@pytest.mark.parametrize("sem_deg", [1.0, 4.0])
def test_no_change_is_told_as_one_in_5_of_100_at_most(sem_deg: float, tests: int) -> None:
    """Tests that vary by error alone, however much that is; 0.6 of a percent is three standard errors."""
    rng, false = random.Random(7), 0
    for _ in range(2000):
        noise = [[rng.gauss(0.0, sem_deg) for _ in range(2)] for _ in range(tests)]
        (track,) = progress.tracks(one(w, 35.0 + a, 40.0 + b) for w, (a, b) in enumerate(noise))
        found = progress.trend(track, IR)
        false += found is not None and found.real
    assert 0.005 < false / 2000 < 0.056


@pytest.mark.parametrize("tests", [5, 6, 12, 100])
def test_the_factor_is_that_of_students_distribution(tests: int) -> None:
    from scipy import stats

    freedom = 2.0 * (tests - 1) ** 2 / (3 * tests - 4)
    assert progress.factor95(tests) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.01)


def test_the_line_is_level_until_the_change_is_real() -> None:
    still, moving = trend([30.0, 33.0]), trend([30.0, 40.0])
    assert still.line_rad(0.0) == still.line_rad(1e9) == pytest.approx(31.5 * RAD_PER_DEG)
    assert moving.line_rad(S_PER_WEEK) == pytest.approx(40.0 * RAD_PER_DEG)
    assert progress.in_words(still) == "no real change yet: +3.0° is within measuring error (5.5°)"
    assert progress.in_words(moving) == "+10.0°, more than measuring error (5.5°); +10.0° a week"
    assert progress.in_words(trend([30.0])) == "one test: no change can be told yet"


def test_two_tests_at_one_moment_make_no_trend() -> None:
    (track,) = progress.tracks([one(1.0, 30.0), replace(one(1.0, 40.0), session="b")])
    found = progress.trend(track, IR)
    assert found is not None and found.change is None


def test_own_repeatability_counts_from_five_tests_on() -> None:
    (four,) = progress.tracks(one(w, v) for w, v in enumerate([30.0, 31.0, 30.0, 31.0]))
    (five,) = progress.tracks(one(w, v) for w, v in enumerate([30.0, 31.0, 30.0, 31.0, 30.0]))
    assert (four.own_sem, five.own_sem) == (False, True)
    assert four.results[0].ranges[IR].mean.sem_rad == results.SEM_RAD
    assert five.results[0].ranges[IR].mean.sem_rad < results.SEM_RAD


def test_the_arc_has_the_error_of_two_ranges() -> None:
    assert trend([30.0], "arc").latest.value.sem_rad == pytest.approx(math.sqrt(2) * results.SEM_RAD)


def test_legs_are_compared_in_their_latest_test_of_one_kind() -> None:
    tests = [
        one(0, 20.0),
        one(2, 30.0),
        one(1, 36.0, side=Side.RIGHT),
        one(3, 50.0, position="seated", side=Side.RIGHT),
    ]
    (sides,) = progress.left_right(progress.tracks(tests))
    assert sides.kind == Kind("prone", "active", "hipturn/vqf", "gravity")
    assert sides.differences["internal"].value_rad == pytest.approx(-6.0 * RAD_PER_DEG)
    assert not sides.differences["internal"].within_error
    assert sides.days_apart == 7


def test_internal_against_external() -> None:
    result = results.result(CONDITIONS, one(0, 30.0, 42.0).trials)
    found = progress.balance(result)
    assert found is not None
    assert found.value_rad == pytest.approx(-12.0 * RAD_PER_DEG)
    assert found.mdc_rad == pytest.approx(results.mdc95(results.SEM_RAD))
    assert progress.balance(results.result(CONDITIONS, one(0, 30.0).trials[:1])) is None


# --- adherence ----------------------------------------------------------------------------------

MONDAY = date(2026, 1, 5).toordinal()


@given(st.lists(st.integers(-60, 30)), st.integers(1, 7), st.integers(0, 30))
def test_every_day_with_a_session_is_in_one_week(days: list[int], planned: int, today: int) -> None:
    found = progress.adherence([MONDAY + d for d in days], planned, MONDAY + today)
    assert sum(week.days for week in found.weeks) == len({d for d in days if d <= today})
    assert all(date.fromordinal(week.first_day).weekday() == 0 for week in found.weeks)
    assert all(week.reached == (week.days >= planned) for week in found.weeks[:-1])


@pytest.mark.parametrize(
    ("days", "today", "reached"),
    [
        ([0, 1, 1, 2], 6, True),
        ([0, 1, 1], 6, None),
        ([0, 1, 1, 6], 6, True),
        ([0, 6], 6, False),
        ([0], 4, None),
        ([0], 5, None),
        ([0], 6, False),
        ([0], 7, False),
    ],
)
def test_the_running_week_is_not_missed_while_it_can_be_reached(
    days: list[int], today: int, reached: bool | None
) -> None:
    found = progress.adherence([MONDAY + d for d in days], 3, MONDAY + today)
    assert found.weeks[0].reached is reached


@pytest.mark.parametrize("planned", [0, 8, -1])
def test_a_plan_no_week_can_hold_is_refused(planned: int) -> None:
    with pytest.raises(InputError, match="cannot be a plan"):
        progress.adherence([MONDAY], planned, MONDAY)
