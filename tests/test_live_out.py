"""Ways out of a live session never hold it up, and stamp what they send by one clock."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from hipturn.sinks.hostclock import WINDOW_NS, HostClock
from hipturn.sinks.outbox import Outbox, Postman

MS = 1_000_000


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 8), st.integers(8, 20))
def test_a_box_is_bounded_and_loses_old_samples_first(keeps: list[bool], limit: int, most: int) -> None:
    """What comes out is what went in, in order, less what was counted as dropped; the newest is there."""
    box: Outbox[int] = Outbox(limit, most)
    for i, keep in enumerate(keeps):
        box.put(i, keep=keep)
    box.close()
    out = list(iter(box.get, None))
    assert out == sorted(out)
    assert len(out) + box.dropped == len(keeps)
    assert len(out) <= max(limit, most)
    kept = [i for i, keep in enumerate(keeps) if keep]
    # nothing that happens once is lost as long as there are not too many of them
    if len(kept) <= limit:
        assert set(kept) <= set(out)
        assert len(out) <= limit or not keeps
    if keeps:
        assert out[-1] == len(keeps) - 1 or len(kept) >= limit


def test_whoever_puts_never_waits_for_a_receiver_that_hangs() -> None:
    """The receiver takes nothing until all is put: no put can have waited for it."""
    go = threading.Event()
    got: list[int] = []

    def hang(item: int) -> None:
        go.wait()
        got.append(item)

    postman = Postman("test", hang, lambda _: None, limit=10)
    for i in range(1000):
        postman.put(i, keep=i % 250 == 0)
    go.set()
    postman.close()
    assert postman.dropped == 1000 - len(got)
    assert len(got) <= 11 and {250, 500, 750, 999} <= set(got)


def test_a_receiver_that_fails_is_told_once_and_tried_again() -> None:
    told: list[str] = []
    tried: list[int] = []

    def fail(item: int) -> None:
        tried.append(item)
        raise OSError(f"nobody listens to {item}")

    postman = Postman("OSC", fail, told.append)
    for i in range(5):
        postman.put(i)
    postman.close()
    assert tried == [0, 1, 2, 3, 4]
    assert told == ["OSC: OSError: nobody listens to 0; measuring goes on"]


@given(
    st.integers(-(10**15), 10**15),
    st.lists(st.tuples(st.integers(1, 200), st.integers(0, 300)), min_size=1, max_size=200),
)
def test_host_time_is_late_by_the_shortest_delay_and_never_early(
    offset_ns: int, packets: list[tuple[int, int]]
) -> None:
    """Whatever the delays: no stamp is before the sample, and the error is that of a recent fast packet."""
    clock = HostClock()
    assert clock.host_ns(0) is None
    t_ns = at_ns = 0
    delays: list[tuple[int, int]] = []
    for step_ms, delay_ms in packets:
        t_ns += step_ms * MS
        at_ns = max(at_ns, t_ns + delay_ms * MS)
        clock.arrived(at_ns + offset_ns)
        clock.measured(t_ns)
        delays.append((at_ns, at_ns - t_ns))
        found = clock.host_ns(t_ns)
        assert found is not None
        error_ns = found - (t_ns + offset_ns)
        recent = [delay for at, delay in delays if at >= at_ns - WINDOW_NS]
        # at least this much is remembered: since the window began that is under way or was just over
        assert min(delay for _, delay in delays) <= error_ns <= recent[-1]


def test_host_time_follows_a_device_clock_that_goes_wrong() -> None:
    """A device 100 parts in a million slow for an hour: the error stays below 3 ms, not 360."""
    clock = HostClock()
    errors_ms = []
    for i in range(36_000):
        true_ns = i * 100 * MS
        t_ns = true_ns - true_ns // 10_000
        clock.arrived(true_ns)
        clock.measured(t_ns)
        host_ns = clock.host_ns(t_ns)
        assert host_ns is not None
        errors_ms.append(abs(host_ns - true_ns) / MS)
    assert max(errors_ms) < 3.1
