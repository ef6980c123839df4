"""Stream time lies where it should on this computer's clock, and every lost sample is counted on the way."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import STREAM, cuts, rng_of
from hipturn import drivers
from hipturn.core.clock import Clock, StreamOrigin
from hipturn.core.hosttime import CRYSTAL_SLOPE, Envelope
from hipturn.core.pipeline import CoreParams, Pipeline
from hipturn.drivers.hipturn_gatt import Batch, encode
from hipturn.model import FloatArray, Gap, HostNs, LinkUp, Packets, RawSamples, StreamInfo
from radio_model import arrivals

RATE_HZ = 100.0
DRIFT = 100e-6
KNOWN_S = 30.0
"""From here on the map is to be good."""


def measured(interval_ms: float, seed: int, minutes: float) -> tuple[FloatArray, int, list[Gap]]:
    """Return the map's errors in ms, the number of samples lost, and the gaps told.

    A sensor whose clock is 100 ppm slow, wraps after a minute and begins anew halfway loses 5 %.
    """
    rng = rng_of(seed)
    n = round(minutes * 60 * RATE_HZ)
    true_s = 5.0 + rng.random() + np.arange(n) / RATE_HZ * (1.0 + DRIFT)
    tick = (2**32 - 60_000_000 + 10_000 * np.arange(n)) % 2**32
    anew = n // 2
    tick[anew:] = 1234 + 10_000 * np.arange(n - anew)
    at_ns = arrivals(true_s, interval_ms, rng)
    came = rng.random(n) >= 0.05
    # what is lost just at a restart cannot be counted more exactly than arrivals are
    came[[0, anew - 1, anew]] = True
    number = np.flatnonzero(came)
    clock = Clock(StreamInfo("test", RATE_HZ), STREAM, StreamOrigin())
    errors_ms: list[float] = []
    gaps: list[Gap] = []
    for rows in np.array_split(number, n // 200):
        samples, found = clock.push(RawSamples(tick[rows], at_ns[rows], None, None, None))
        gaps += found
        if true_s[rows[-1]] > true_s[0] + KNOWN_S:
            time_map = clock.time_map()
            assert time_map is not None
            host_ms = np.array([time_map.host_at(int(t)) for t in samples.t_ns]) * 1e-6
            errors_ms += (host_ms - true_s[rows] * 1e3).tolist()
    return np.abs(errors_ms), int(number[-1]) + 1 - len(number), gaps


def test_mapped_time_is_within_3_ms_and_every_lost_sample_is_counted() -> None:
    """All connection intervals up to 50 ms, 100 ppm, 5 % loss, a wrap, a restart, in 10 min, from 30 s on."""
    errors: list[FloatArray] = []
    for step in range(6, 41):
        errors_ms, missing, gaps = measured(1.25 * step, seed=step, minutes=10.0)
        assert sum(gap.lost for gap in gaps if gap.cause == "loss") == missing
        assert [gap.cause for gap in gaps if gap.cause != "loss"] == ["device"]
        errors.append(errors_ms)
        if step % 4:
            # not a multiple of 5 ms: the radio's rhythm and the samples' have nothing in common
            assert np.percentile(errors_ms, 95) < 2.0, 1.25 * step
    assert np.percentile(np.concatenate(errors), 95) <= 3.0


def test_a_rhythm_in_common_hides_at_most_a_period() -> None:
    """Where the interval is a whole number of periods nobody can see where in the period it lies, until
    the clocks have slid: the error stays below a period."""
    errors_ms, _, _ = measured(50.0, seed=1, minutes=4.0)
    assert np.percentile(errors_ms, 95) < 1e3 / RATE_HZ


def points(rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Samples in order of time, seconds and minutes apart, with any delays."""
    t = np.cumsum(
        rng.choice([1_000_000, 10_000_000, 3_000_000_000, 90_000_000_000], 60, p=[0.3, 0.5, 0.15, 0.05])
    )
    return t.tolist(), rng.integers(-5_000_000, 50_000_000, len(t)).tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.data())
def test_the_line_is_under_all_delays_of_its_window_however_they_came(seed: int, data: st.DataObject) -> None:
    t_ns, delay_ns = points(rng_of(seed))
    one, many = Envelope(), Envelope()
    for t, delay in zip(t_ns, delay_ns, strict=True):
        one.add(t, delay)
    for part in np.split(np.arange(len(t_ns)), sorted(data.draw(cuts(len(t_ns))))):
        many.add_all(np.array(t_ns)[part], np.array(delay_ns)[part])
    line = one.line()
    assert many.line() == line
    assert abs(line.slope) <= CRYSTAL_SLOPE
    within = [(t, d) for t, d in zip(t_ns, delay_ns, strict=True) if t > t_ns[-1] - 299_000_000_000]
    assert all(d >= line.at(t) - 1e-3 for t, d in within)


def test_the_slope_of_two_clocks_is_found() -> None:
    envelope = Envelope()
    for i in range(6000):
        envelope.add(i * 10_000_000, round(i * 10_000_000 * 120e-6) + i * 7919 % 40 * 1_000_000)
    assert abs(envelope.line().slope - 120e-6) < 1e-6


def test_two_streams_share_a_time_base() -> None:
    """Two sensors whose clocks differ by 200 ppm see one event: their pipelines place it at one time."""
    pipeline = Pipeline(CoreParams(), drivers.decoder)
    assert pipeline.time_map("left") is None
    info = StreamInfo("hipturn", RATE_HZ)
    placed = []
    for stream, drift, begun_s in (("left", 100e-6, 0.0), ("right", -100e-6, 3.3)):
        pipeline.push(LinkUp(stream, HostNs(0), info))
        assert pipeline.time_map(stream) is None
        true_s = 10.0 + begun_s + np.arange(9000) / RATE_HZ * (1.0 + drift)
        at_ns = arrivals(true_s, 48.75, rng_of(3))
        packets = [
            encode(Batch(i, i * 10_000, 10_000, np.ones((1, 3)), np.zeros((1, 3)))) for i in range(9000)
        ]
        data = np.frombuffer(b"".join(packets), np.uint8).reshape(len(packets), -1)
        pipeline.push(Packets(stream, at_ns, data))
        time_map = pipeline.time_map(stream)
        assert time_map is not None and abs(time_map.drift - drift) < 20e-6
        event_s = 95.0
        t_ns = round((event_s - 10.0 - begun_s) / (1.0 + drift) * 1e9)
        placed.append(time_map.host_at(t_ns) * 1e-9)
    np.testing.assert_allclose(placed, 95.0, atol=2e-3)
