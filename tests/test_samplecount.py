"""Sensors without a clock: samples are counted, their period is fitted, and lasting lateness is loss."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import assert_same_bits, cuts, joined, one_by_one, rng_of, split
from hipturn.core.clock import StreamOrigin
from hipturn.core.samplecount import SampleCount
from hipturn.model import Gap, IntArray, RawSamples, Samples, StreamInfo
from radio_model import arrivals

INFO = StreamInfo("test", 100.0, tick_hz=0.0, tick_bits=0)
INTERVALS_MS = (7.5, 15.0, 30.0, 48.75, 50.0)


def raw(at_ns: IntArray) -> RawSamples:
    numbers = np.arange(3.0 * len(at_ns)).reshape(-1, 3)
    return RawSamples(np.zeros(len(at_ns), np.int64), at_ns, numbers, numbers.copy(), None)


def push(at_ns: IntArray, clock: SampleCount | None = None) -> tuple[Samples, list[Gap]]:
    return (clock or SampleCount(INFO, "shin", StreamOrigin())).push(raw(at_ns))


def sampled(seconds: float, error: float = 0.0) -> tuple[np.random.Generator, np.ndarray]:
    """Return when samples were taken, in s, by a sensor whose period is off by so much."""
    rng = rng_of(round(seconds * 1e3 + error * 1e6))
    return rng, 7.0 + rng.random() + np.arange(round(seconds * 100)) * 0.01 * (1.0 + error)


@pytest.mark.parametrize("error", [0.0, 1e-4, 0.01, -0.01, 0.019, -0.019])
@pytest.mark.parametrize("interval_ms", INTERVALS_MS)
def test_time_follows_a_sensor_of_any_period_within_2_per_cent(interval_ms: float, error: float) -> None:
    """Bursts become even steps, nothing is called lost, and after 30 s time lies within a period or so of
    the truth on this computer's clock."""
    rng, true_s = sampled(120.0, error)
    at_ns = arrivals(true_s, interval_ms, rng)
    clock = SampleCount(INFO, "shin", StreamOrigin())
    samples, gaps = push(at_ns, clock)
    assert gaps == [] and not samples.lost_before.any()
    steps = np.diff(samples.t_ns) / 1e7
    assert steps.min() > 0.92 and steps.max() < 1.08
    time_map = clock.time_map()
    assert time_map is not None
    host_s = np.array([time_map.host_at(int(t)) for t in samples.t_ns[3000:]]) * 1e-9
    assert np.percentile(np.abs(host_s - true_s[3000:]), 95) < 0.012


@pytest.mark.parametrize("lost", [3, 10, 47, 300])
@pytest.mark.parametrize("interval_ms", INTERVALS_MS)
def test_lost_samples_are_counted_once_it_is_sure(interval_ms: float, lost: int) -> None:
    rng, true_s = sampled(40.0)
    at_ns = np.delete(arrivals(true_s, interval_ms, rng, failing=0.0), np.arange(2000, 2000 + lost))
    samples, gaps = push(at_ns)
    # one period is what the radio's rhythm can hide
    assert len(gaps) == 1 and abs(gaps[0].lost - lost) <= 1 and gaps[0].cause == "loss"
    at = int(np.flatnonzero(samples.lost_before)[0])
    assert samples.lost_before[at] == gaps[0].lost and gaps[0].end_ns == samples.t_ns[at]
    assert 2000 < at <= 2040


def test_of_single_losses_most_are_counted_and_the_rest_look_like_a_slower_sensor() -> None:
    rng, true_s = sampled(300.0)
    came = rng.random(len(true_s)) >= 0.05
    came[0] = True
    samples, gaps = push(arrivals(true_s, 15.0, rng)[came])
    missing = int((~came).sum())
    assert 0.5 * missing < sum(gap.lost for gap in gaps) < 1.02 * missing
    assert abs(samples.t_ns[-1] * 1e-9 - (true_s[came][-1] - true_s[0])) < 0.05


@pytest.mark.parametrize("stalled_s", [0.1, 0.5, 1.0])
def test_a_radio_that_was_busy_has_lost_nothing(stalled_s: float) -> None:
    """What was sent meanwhile comes in a burst."""
    rng, true_s = sampled(40.0)
    at_ns = arrivals(true_s, 15.0, rng)
    begin = at_ns[2000]
    at_ns = np.where(
        (at_ns >= begin) & (at_ns < begin + stalled_s * 1e9), begin + round(stalled_s * 1e9), at_ns
    )
    samples, gaps = push(at_ns)
    assert gaps == []
    assert np.diff(samples.t_ns).max() < 1.1e7


def test_a_new_link_begins_at_its_arrival_and_an_overrun_is_named() -> None:
    origin = StreamOrigin()
    at_ns = np.arange(600) * 10_000_000
    push(at_ns, SampleCount(INFO, "shin", origin))
    second = SampleCount(INFO, "shin", origin)
    _, gaps = push(at_ns + 10_000_000_000, second)
    assert gaps == [Gap("shin", 5_990_000_000, 10_000_000_000, 400, "link")]  # type: ignore[arg-type]
    second.overrun()
    _, gaps = push(at_ns + 17_000_000_000, second)
    assert [(gap.lost, gap.cause) for gap in gaps] == [(100, "overrun")]


arrival_times = st.lists(
    st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2**33) | st.just(10_000_000), min_size=1, max_size=80
)


@settings(max_examples=150, deadline=None)
@given(arrival_times, st.booleans(), st.data())
def test_any_arrivals_give_increasing_times_however_they_are_cut(
    steps: list[int], cumulated: bool, data: st.DataObject
) -> None:
    """Nothing overflows or warns, and cuts change nothing: not the times, the gaps or the map."""
    at_ns = np.array(steps, np.int64)
    if cumulated:
        # mostly a sensor's rhythm with losses and stalls, long enough for fits between
        at_ns = np.cumsum(np.repeat(np.clip(at_ns, 0, 2**30), 7))
    block = raw(at_ns)
    results = []
    for blocks in ([block], one_by_one(block), split(block, data.draw(cuts(len(at_ns))))):
        clock = SampleCount(INFO, "shin", StreamOrigin())
        pushed = [clock.push(each) for each in blocks]
        gaps = [gap for _, some in pushed for gap in some]
        results.append((joined([samples for samples, _ in pushed]), gaps, clock.time_map()))
    whole, gaps, time_map = results[0]
    assert (np.diff(whole["t_ns"]) > 0).all()
    for same, same_gaps, same_map in results[1:]:
        assert_same_bits(same, whole)
        assert same_gaps == gaps and same_map == time_map


def test_chunk_invariance_over_minutes() -> None:
    rng, true_s = sampled(90.0, 0.004)
    came = rng.random(len(true_s)) >= 0.03
    block = raw(arrivals(true_s, 30.0, rng)[came])
    whole = push(block.at_ns)
    clock = SampleCount(INFO, "shin", StreamOrigin())
    pieces = [clock.push(each) for each in split(block, np.cumsum(rng.integers(1, 300, 400)).tolist())]
    assert_same_bits(joined([s for s, _ in pieces]), joined([whole[0]]))
    assert [gap for _, gaps in pieces for gap in gaps] == whole[1] != []
