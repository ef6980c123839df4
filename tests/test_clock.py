"""The clock tells true device time and every loss, whatever the ticks do."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builders import assert_same_bits, cuts, joined, one_by_one, split
from hipturn.core.clock import Clock, StreamOrigin
from hipturn.model import Gap, IntArray, RawSamples, Samples, StreamInfo, StreamNs
from hipturn.units import NS_PER_S

JITTER = 0.15
"""How far, in periods, a device's sampling may be from even; its ticks are rounded on top of that."""
few = settings(max_examples=40, deadline=None)


@dataclass(frozen=True)
class Device:
    """A sensor's sampling: sample i is taken at `tick(i)`."""

    rate_hz: float = 100.0
    tick_hz: float = 1e6
    bits: int = 32
    first_tick: int = 0
    jitter: tuple[float, ...] = (0.0,)

    @property
    def info(self) -> StreamInfo:
        return StreamInfo("test", self.rate_hz, tick_hz=self.tick_hz, tick_bits=self.bits)

    def elapsed(self, numbers: IntArray) -> IntArray:
        """Ticks since sample 0, never wrapped."""
        uneven = np.array(self.jitter)[numbers % len(self.jitter)] * JITTER
        ticks = np.rint((numbers + uneven) * self.tick_hz / self.rate_hz).astype(np.int64)
        return ticks - round(self.jitter[0] * JITTER * self.tick_hz / self.rate_hz)

    def send(self, numbers: IntArray, at_ns: int = 0) -> RawSamples:
        """Return samples that carry their number as acceleration, arriving 8 ms after they were taken."""
        elapsed = self.elapsed(numbers)
        tick = self.first_tick + elapsed
        if self.bits:
            tick %= 2**self.bits
        arrival = at_ns + 8_000_000 + np.rint(elapsed * (NS_PER_S / self.tick_hz)).astype(np.int64)
        acc = np.repeat(numbers[:, None].astype(np.float64), 3, axis=1)
        return RawSamples(tick, arrival, acc, acc.copy(), None)


def numbers_of(samples: Samples) -> list[int]:
    assert samples.acc_mps2 is not None
    return [int(x) for x in samples.acc_mps2[:, 0]]


devices = st.builds(
    Device,
    rate_hz=st.sampled_from([20.0, 52.0, 100.0]),
    tick_hz=st.sampled_from([1000.0, 32768.0, 1e6]),
    bits=st.sampled_from([0, 32]),
    first_tick=st.sampled_from([0, 12345, 2**32 - 3, 2**32 - 2_000_000]),
    jitter=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=5).map(tuple),
) | st.builds(
    Device,
    # at these, half a wrap is 100 samples or more, further than anything below goes back or on
    rate_hz=st.sampled_from([100.0, 416.0]),
    tick_hz=st.just(32768.0),
    bits=st.just(16),
    first_tick=st.integers(0, 2**16 - 1),
    jitter=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=5).map(tuple),
)


@st.composite
def received(draw: st.DrawFn, most_lost: int = 9) -> IntArray:
    """The numbers of the samples that came, in order: 0 and then any, with losses between."""
    steps = draw(st.lists(st.just(1) | st.integers(1, 1 + most_lost), min_size=1, max_size=60))
    return np.concatenate(([0], np.cumsum(steps)))


@st.composite
def disordered(draw: st.DrawFn) -> IntArray:
    """What came with losses, some of it twice and some of it late."""
    order = draw(received()).tolist()
    for _ in range(draw(st.integers(0, 8))):
        i = draw(st.integers(0, len(order) - 1))
        later = min(len(order), i + draw(st.integers(0, 6)))
        # the first sample cannot be late: it makes the time base
        again = order[i] if i == 0 or draw(st.booleans()) else order.pop(i)
        order.insert(later, again)
    return np.array(order, np.int64)


def push_all(device: Device, blocks: list[RawSamples]) -> tuple[list[Samples], list[Gap]]:
    clock = Clock(device.info, "shin", StreamOrigin())
    pushed = [clock.push(block) for block in blocks]
    return [samples for samples, _ in pushed], [gap for _, gaps in pushed for gap in gaps]


@few
@given(devices, received())
def test_stream_time_is_device_time_since_the_first_sample(device: Device, numbers: IntArray) -> None:
    """Ticks of any width and rate, wrapping anywhere, give the elapsed time to within rounding to a ns.

    What a wrap cannot tell from going back, a silence of half a wrap or more, is not asked for."""
    (samples,), _ = push_all(device, [device.send(numbers)])
    assert numbers_of(samples) == numbers.tolist()
    np.testing.assert_allclose(samples.t_ns, device.elapsed(numbers) * (NS_PER_S / device.tick_hz), atol=0.5)


@pytest.mark.parametrize(("bits", "tick_hz"), [(16, 32768.0), (32, 1e9)])
def test_no_error_accumulates_over_a_thousand_wraps(bits: int, tick_hz: float) -> None:
    device = Device(rate_hz=5.0, tick_hz=tick_hz, bits=bits, first_tick=2**bits - 1)
    numbers = np.arange(round(1000 * 2**bits / tick_hz * device.rate_hz))
    (samples,), gaps = push_all(device, [device.send(numbers)])
    assert device.elapsed(numbers)[-1] > 999 * 2**bits
    np.testing.assert_allclose(samples.t_ns, numbers * (NS_PER_S / device.rate_hz), atol=NS_PER_S / tick_hz)
    assert gaps == []


@pytest.mark.parametrize(("number", "kept"), [(349, True), (101, False)])
def test_just_under_half_a_wrap_is_told_from_a_wrap(number: int, kept: bool) -> None:
    """On as a long silence, back as a very late sample; the wrap of 2 s is 250 samples of this device."""
    device = Device(rate_hz=125.0, tick_hz=32768.0, bits=16)
    (_, samples), _ = push_all(device, [device.send(np.arange(226)), device.send(np.array([number]))])
    assert numbers_of(samples) == ([number] if kept else [])


@few
@given(devices, received(most_lost=80))
def test_every_lost_sample_is_counted_where_it_was_lost(device: Device, numbers: IntArray) -> None:
    (samples,), gaps = push_all(device, [device.send(numbers)])
    missing = np.diff(numbers, prepend=-1) - 1
    np.testing.assert_array_equal(samples.lost_before, missing)
    at = np.flatnonzero(missing)
    assert gaps == [
        Gap("shin", int(samples.t_ns[i - 1]), int(samples.t_ns[i]), int(missing[i]), "loss")  # type: ignore[arg-type]
        for i in at
    ]


@few
@given(devices, disordered())
def test_duplicates_and_late_samples_are_dropped(device: Device, order: IntArray) -> None:
    """What is told is every sample newer than all before it; what came late stays told as lost."""
    # a clock that goes back further than that has begun anew
    assume((np.maximum.accumulate(order) - order).max() < 0.99 * device.rate_hz)
    (samples,), gaps = push_all(device, [device.send(order)])
    newest = np.flatnonzero(order > np.maximum.accumulate(np.concatenate(([-1], order)))[:-1])
    kept = order[newest]
    assert numbers_of(samples) == kept.tolist()
    assert (np.diff(samples.t_ns) > 0).all()
    np.testing.assert_array_equal(samples.lost_before, np.diff(kept, prepend=-1) - 1)
    assert sum(gap.lost for gap in gaps) == kept[-1] + 1 - len(kept)


@few
@given(devices, disordered(), st.data())
def test_chunk_invariance(device: Device, order: IntArray, data: st.DataObject) -> None:
    """Losses, duplicates, late samples and wraps anywhere: cuts change nothing, one by one included."""
    raw = device.send(order)
    whole, gaps = push_all(device, [raw])
    for blocks in (one_by_one(raw), split(raw, data.draw(cuts(len(order))))):
        pieces, same_gaps = push_all(device, blocks)
        assert_same_bits(joined(pieces), joined(whole))
        assert same_gaps == gaps


# --- links --------------------------------------------------------------------------------------

DEVICE = Device()


def test_gap_causes() -> None:
    """A gap is the radio's, unless this computer dropped packets or the link was away; each is told once."""
    origin = StreamOrigin()
    clock = Clock(DEVICE.info, "shin", origin)
    gaps = clock.push(DEVICE.send(np.array([0, 1, 4])))[1]
    clock.overrun()
    gaps += clock.push(DEVICE.send(np.array([5, 6])))[1]
    gaps += clock.push(DEVICE.send(np.array([9, 12])))[1]
    again = Clock(DEVICE.info, "shin", origin)
    gaps += again.push(DEVICE.send(np.array([0, 3]), at_ns=2 * NS_PER_S))[1]
    assert [(gap.cause, gap.lost) for gap in gaps] == [
        ("loss", 2),
        ("overrun", 2),
        ("loss", 2),
        ("link", 187),
        ("loss", 2),
    ]


def test_what_came_before_the_first_sample_is_no_loss() -> None:
    samples, gaps = Clock(DEVICE.info, "shin", StreamOrigin()).push(DEVICE.send(np.array([70, 71])))
    assert gaps == [] and samples.t_ns.tolist() == [0, 10_000_000] and not samples.lost_before.any()


@few
@given(
    st.lists(
        st.tuples(
            st.integers(0, 20 * NS_PER_S),
            st.sampled_from([0, 77, 2**32 - 40_000]),
            st.integers(1, 30),
        ),
        min_size=2,
        max_size=6,
    ),
    st.floats(0.9, 1.1),
)
def test_stream_time_increases_over_any_number_of_links(
    links: list[tuple[int, int, int]], speed: float
) -> None:
    """Each link begins at its arrival, never before what was told, whether the device's clock goes on,
    restarts, or runs faster than ours."""
    origin = StreamOrigin()
    t_ns: list[int] = []
    at_ns = NS_PER_S
    first_at_ns = at_ns
    for away_ns, first_tick, count in links:
        device = Device(first_tick=first_tick, tick_hz=1e6 * speed)
        samples, gaps = Clock(DEVICE.info, "shin", origin).push(device.send(np.arange(count), at_ns))
        if t_ns:
            expected = max(at_ns - first_at_ns, t_ns[-1] + 1)
            assert samples.t_ns[0] == expected
            told = [gap for gap in gaps if gap.cause == "link"]
            assert [(gap.start_ns, gap.end_ns) for gap in told] == (
                [(t_ns[-1], expected)] if expected - t_ns[-1] > 15_000_000 else []
            )
        t_ns += samples.t_ns.tolist()
        at_ns += count * 10_000_000 + away_ns
    assert (np.diff(t_ns) > 0).all()


def test_nothing_in_nothing_out() -> None:
    """A packet that could not be read brings no sample, no gap and no time base."""
    origin = StreamOrigin()
    clock = Clock(DEVICE.info, "shin", origin)
    samples, gaps = clock.push(DEVICE.send(np.arange(0)))
    assert len(samples.t_ns) == 0 and gaps == [] and origin == StreamOrigin()
    assert numbers_of(clock.push(DEVICE.send(np.arange(3)))[0]) == [0, 1, 2]


# --- clocks that begin anew, and ticks nobody's clock gives --------------------------------------


@pytest.mark.parametrize("bits", [0, 32])
@pytest.mark.parametrize("tick", [0, 3_000_000_000], ids=["back", "on"])
def test_a_clock_that_begins_anew_is_told_and_time_goes_on_by_arrivals(bits: int, tick: int) -> None:
    """Ten samples were lost meanwhile; all others come, and the stream's time base stays."""
    before, after = Device(bits=bits, first_tick=1_000_000_000), Device(bits=bits, first_tick=tick)
    (_, two), gaps = push_all(
        before, [before.send(np.arange(300)), after.send(np.arange(100), at_ns=3_100_000_000)]
    )
    assert numbers_of(two) == list(range(100))
    assert gaps == [Gap("shin", StreamNs(2_990_000_000), StreamNs(3_100_000_000), 10, "device")]
    np.testing.assert_array_equal(two.t_ns, 3_100_000_000 + 10_000_000 * np.arange(100))


def test_a_restart_that_lost_nothing_is_a_gap_without_losses() -> None:
    """One tick out of line is two restarts, for there is no knowing which of the clocks is right."""
    raw = DEVICE.send(np.arange(20))
    raw.tick[10] += 5_000_000
    (samples,), gaps = push_all(DEVICE, [raw])
    assert [(gap.cause, gap.lost) for gap in gaps] == [("device", 0)] * 2
    np.testing.assert_array_equal(samples.t_ns, 10_000_000 * np.arange(20))


def test_a_silence_longer_than_the_wrap_is_told_by_the_arrivals() -> None:
    """16 bits at 32768 Hz wrap each 2 s; a stream that was away 1.3 to 60 s has lost as much."""
    device = Device(bits=16, tick_hz=32768.0, rate_hz=128.0)
    for away_s in (1.3, 2.0, 3.9, 60.0):
        numbers = np.concatenate((np.arange(10), round(away_s * 128) + np.arange(10, 20)))
        (samples,), gaps = push_all(device, [device.send(numbers)])
        assert numbers_of(samples) == numbers.tolist()
        assert [(gap.lost, gap.cause) for gap in gaps] == [(round(away_s * 128), "loss")]


far = st.integers(-(2**62), 2**62) | st.sampled_from([-(2**63), 2**63 - 1, 2**62, -(2**62), 0, 2**45, 2**53])
near = st.integers(-(2**31), 2**31)


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        StreamInfo,
        driver=st.just("test"),
        rate_hz=st.sampled_from([1.0, 100.0, 10_000.0]),
        tick_hz=st.sampled_from([1.0, 1000.0, 1e6, 1e9, 1e12]),
        tick_bits=st.sampled_from([0, 1, 16, 32, 62]),
    ),
    st.lists(st.tuples(far | near, far | near), min_size=1, max_size=40),
    st.data(),
)
def test_any_ticks_and_arrivals_give_increasing_times_however_they_are_cut(
    info: StreamInfo, told: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Nothing overflows or warns (warnings are errors here), and cuts change nothing, restarts included."""
    acc = np.arange(3.0 * len(told)).reshape(-1, 3)
    ticks, at_ns = np.array(told, np.int64).T.copy()
    raw = RawSamples(ticks, at_ns, acc, acc, None)
    results = []
    for blocks in ([raw], one_by_one(raw), split(raw, data.draw(cuts(len(told))))):
        clock = Clock(info, "shin", StreamOrigin())
        pushed = [clock.push(block) for block in blocks]
        results.append(
            (joined([s for s, _ in pushed]), [g for _, gaps in pushed for g in gaps], clock.time_map())
        )
    (whole, gaps, time_map), *others = results
    assert (np.diff(whole["t_ns"]) > 0).all() and whole["t_ns"][0] >= 0
    assert (whole["lost_before"] >= 0).all() and whole["lost_before"].sum() == sum(gap.lost for gap in gaps)
    assert time_map is not None
    for same, same_gaps, same_map in others:
        assert_same_bits(same, whole)
        assert same_gaps == gaps and same_map == time_map


def test_a_restart_at_every_sample_is_not_the_work_of_a_square() -> None:
    """Work grows with the samples, not with their square: this would take minutes otherwise."""
    n = 100_000
    raw = RawSamples(np.arange(n) % 2 * 1_500_000_000, np.arange(n) * 10_000_000, None, None, None)
    samples, gaps = Clock(DEVICE.info, "shin", StreamOrigin()).push(raw)
    assert len(samples.t_ns) == n and len(gaps) == n - 1
