"""Samples of which only the arrival is known: evenly spaced again, and losses told from stalls."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foreign import bursts
from hipturn.sources.importers import arrivals, stamps

seeds = st.integers(0, 10_000)
rates = st.sampled_from([10.0, 20.0, 50.0, 100.0, 200.0])


@given(rate_hz=rates, seed=seeds, seconds=st.floats(3.0, 40.0))
def test_without_loss_samples_are_where_they_were_taken(rate_hz: float, seed: int, seconds: float) -> None:
    """But for a constant, within a connection interval, over any length; and none is told lost."""
    n = int(rate_hz * seconds)
    found = arrivals.placed(bursts(n, rate_hz, seed))
    assert found is not None and not found.lost_before.any()
    assert found.rate_hz == pytest.approx(rate_hz, rel=0.05)
    off = found.t_s - np.arange(n) / rate_hz
    assert np.abs(off - np.median(off)).max() < 0.07


@given(seed=seeds, row=st.integers(100, 900), length=st.floats(0.05, 0.9))
@example(seed=0, row=999, length=0.9)
def test_a_stall_whose_samples_come_in_one_burst_is_no_loss(seed: int, row: int, length: float) -> None:
    n = 1000
    found = arrivals.placed(bursts(n, 100.0, seed, [(row, length)]))
    assert found is not None
    # what comes after the last stall cannot be told from what comes after a loss
    assert not found.lost_before.any() or row > n - 100 * length - 60
    off = found.t_s - np.arange(n) / 100.0
    assert np.abs(off - np.median(off))[: min(row, n - 200)].max() < 0.07


@given(seed=seeds, row=st.integers(150, 850), lost=st.integers(35, 500))
def test_samples_lost_are_told_at_their_place_and_number(seed: int, row: int, lost: int) -> None:
    """To within what the delivery's jitter hides."""
    at = np.delete(bursts(1000 + lost, 100.0, seed), slice(row, row + lost))
    found = arrivals.placed(at)
    assert found is not None
    (where,) = np.flatnonzero(found.lost_before)
    assert abs(int(where) - row) <= 8 and abs(int(found.lost_before[where]) - lost) <= 8
    off = found.t_s - np.delete(np.arange(1000 + lost), slice(row, row + lost)) / 100.0
    assert np.abs(off - np.median(off)).max() < 0.15


@given(st.lists(st.floats(0.0, 100.0), max_size=60))
def test_any_arrivals_give_increasing_times_or_none(at: list[float]) -> None:
    found = arrivals.placed(np.array(at)) if at else None
    if found is not None:
        assert np.isfinite(found.t_s).all() and (np.diff(found.t_s) > 0).all() and found.rate_hz > 0


@pytest.mark.parametrize(
    ("text", "decimal", "seconds"),
    [
        ("1745851468.25", ".", 1_745_851_468.25),
        ("0,25", ",", 0.25),
        (" 17:05:42.125", ".", 61_542.125),
        ("17:05:42,125", ",", 61_542.125),
        ("17:05:42:125", ".", 61_542.125),
        ("17:05:42:7", ".", 61_542.007),
        ("17:05:42.7", ".", 61_542.7),
        ("17:05:42", ".", 61_542.0),
        ("1970-01-02 00:00:01.5", ".", 86_401.5),
        ("1970/1/2 0:00:01", ".", 86_401.0),
        ("1970-01-02T00:00:01", ".", 86_401.0),
    ],
)
def test_stamps_are_read_as_loggers_write_them(text: str, decimal: str, seconds: float) -> None:
    assert stamps.seconds(text, decimal) == pytest.approx(seconds, abs=1e-6)


@given(st.text(max_size=30))
def test_any_text_is_a_stamp_or_none(text: str) -> None:
    try:
        stamps.seconds(text, ".")
    except ValueError:
        return
