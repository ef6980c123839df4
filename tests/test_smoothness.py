"""Smoothness is the published measure, of many movements at once the same as of each alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stress
from builders import course
from hipturn.core.excursions import DetectParams, Excursion
from hipturn.core.reps import Detector
from hipturn.core.smoothness import sparc
from hipturn.model import Direction, FloatArray
from hipturn.sources.body import Repetition
from hipturn.units import NS_PER_S

IR = Direction.INTERNAL
RATES = (1.0, 12.5, 25.0, 50.0, 100.0, 104.0, 200.0, 1000.0)


def published_sparc(speed: FloatArray, rate_hz: float, padding: int = 4) -> float:
    """Balasubramanian et al. 2015 as published: zero padding by 2^4 and more, 10 Hz, threshold 0.05."""
    points = 2 ** (math.ceil(math.log2(len(speed))) + padding)
    frequency = np.arange(points) * rate_hz / points
    spectrum = np.abs(np.fft.fft(speed, points))
    spectrum /= spectrum.max()
    below = frequency <= 10.0
    frequency, spectrum = frequency[below], spectrum[below]
    loud = np.flatnonzero(spectrum >= 0.05)
    used = slice(int(loud[0]), int(loud[-1]) + 1)
    frequency, spectrum = frequency[used], spectrum[used]
    steps = np.diff(frequency) / (frequency[-1] - frequency[0])
    return -float(np.sum(np.sqrt(steps**2 + np.diff(spectrum) ** 2)))


@settings(max_examples=60, deadline=None)
@given(
    out_s=st.floats(0.4, 3.0),
    hold_s=st.floats(0.0, 2.0),
    return_s=st.floats(0.4, 3.0),
    shake=st.floats(0.0, 0.3),
    hz=st.floats(1.0, 8.0),
    rate_hz=st.sampled_from((50.0, 100.0, 200.0)),
)
def test_sparc_is_the_published_measure(
    out_s: float, hold_s: float, return_s: float, shake: float, hz: float, rate_hz: float
) -> None:
    """Within 1 % on movements smooth and shaky, short and long."""
    trace, _ = course(Repetition(IR, 0.5, out_s=out_s, hold_s=hold_s, return_s=return_s), rate_hz=rate_hz)
    t_s = trace.t_ns / NS_PER_S
    speed = np.abs(trace.rate_radps) * (1.0 + shake * np.sin(2.0 * math.pi * hz * t_s))
    (found,) = sparc([speed], rate_hz)
    assert found == pytest.approx(published_sparc(speed, rate_hz), rel=0.01)


def test_sparc_orders_movements_as_people_do() -> None:
    """The same movement, shakier and shakier, scores lower and lower; how fast it was does not count."""
    trace, _ = course(Repetition(IR, 0.5))
    t_s = trace.t_ns / NS_PER_S
    shaken = [trace.rate_radps + shake * np.sin(2.0 * math.pi * 4.0 * t_s) for shake in (0.0, 0.1, 0.3)]
    *scores, faster = sparc([*map(np.abs, shaken), 3.0 * np.abs(trace.rate_radps)], 100.0)
    assert scores[0] > scores[1] > scores[2]
    assert faster == pytest.approx(scores[0], rel=1e-5)


@pytest.mark.parametrize("speed", [[], [1.0], [0.0, 0.0, 0.0]])
def test_no_movement_has_no_smoothness(speed: list[float]) -> None:
    assert math.isnan(sparc([np.array(speed)], 100.0)[0])


def test_thinning_out_a_stream_changes_nothing_to_speak_of() -> None:
    """Within 1e-5 of the definition, in movements with tremor, pauses and ratchets and as noisy as any."""
    for v in stress.variants(60):
        trace = stress.trace(v)
        found = Detector(DetectParams(), v.rate_hz).push(trace)
        speeds = [np.abs(e.samples.rate_radps) for e in found if isinstance(e, Excursion)]
        exact = [published_sparc(speed, v.rate_hz) for speed in speeds]
        assert sparc(speeds, v.rate_hz) == pytest.approx(exact, abs=1e-5), v.theme


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 700), max_size=8),
    rate_hz=st.sampled_from(RATES),
    seed=st.integers(0, 2**32),
)
def test_each_score_is_its_own_whatever_is_beside_it(lengths: list[int], rate_hz: float, seed: int) -> None:
    """Bit for bit: live they come one by one, in a replay many together."""
    rng = np.random.default_rng(seed)
    speeds = [np.abs(np.cumsum(rng.normal(size=n))) for n in lengths]
    alone = [score for speed in speeds for score in sparc([speed], rate_hz)]
    np.testing.assert_array_equal(sparc(speeds, rate_hz), alone)
