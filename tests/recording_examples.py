"""Inputs for the tests of recordings, and how two streams of inputs are compared."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from hipturn.model import (
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Overrun,
    Packets,
    SessionStart,
    StreamInfo,
)
from hipturn.recording import Writer

START_NS = 5_000_000_000_000
STREAM = "shin-left"
SETTINGS = {"reps.target_deg": 30.5}
SESSION = SessionStart("hipturn 0.1.0", "2026-03-01T18:30:05.250+01:00", SETTINGS, "mobilise", person="P-07")
INFO = StreamInfo("hipturn", 100.0, outward_normal_sensor=(0.0, 0.0, 1.0), name="näher", firmware="1.2")
LINK_UP = LinkUp(STREAM, HostNs(START_NS), INFO)


def packets(number: int, count: int = 1, size: int = 24, stream: str = STREAM) -> Packets:
    """Packets that arrive 10 ms apart, each with its number in its bytes."""
    numbers = np.arange(number, number + count)
    data = np.zeros((count, size), np.uint8)
    data[:, :4] = numbers.astype("<u4").view(np.uint8).reshape(count, 4)[:, :size]
    return Packets(stream, START_NS + numbers * 10_000_000, data)


def short_session(chunks: int = 4, per_chunk: int = 5) -> list[list[Input]]:
    """The chunks of a session with every kind of input."""
    session: list[list[Input]] = []
    for chunk in range(chunks):
        items: list[Input] = [packets(chunk * per_chunk + i) for i in range(per_chunk)]
        at_ns = HostNs(int(items[-1].at_ns[0]))  # type: ignore[union-attr,index]
        if chunk == 0:
            items = [SESSION, LINK_UP, *items]
        elif chunk == 1:
            items[2:2] = [Mark(STREAM, at_ns, MarkKind.BIAS, {"gyr_bias_radps": [0.1, -1e-9, 0.0]})]
        elif chunk == 2:
            items += [Overrun(STREAM, at_ns, 3), LinkDown(STREAM, at_ns, "lost")]
        session.append(items)
    return session


def write_chunks(path: Path, chunks: Sequence[Sequence[Input]]) -> list[tuple[int, int]]:
    """Write a recording; return for each chunk the file size after it and the rows up to there."""
    marks, rows = [], 0
    with Writer(path) as writer:
        for items in chunks:
            for item in items:
                writer.write(item)
            writer.close_chunk()
            rows += len(flat(items))
            marks.append((path.stat().st_size, rows))
    return marks


def flat(items: Iterable[Input]) -> list[object]:
    """One object for each packet and each other input, comparable whatever the blocks were."""
    rows: list[object] = []
    for item in items:
        if isinstance(item, Packets):
            at_ns, data = item.at_ns.tolist(), item.data
            assert data.dtype == np.uint8 and item.at_ns.dtype == np.int64 and len(at_ns) == len(data)
            rows += [(item.stream, at, data[i].tobytes()) for i, at in enumerate(at_ns)]
        else:
            rows.append(item)
    return rows


# --- any session at all -------------------------------------------------------------------------

streams = st.sampled_from([STREAM, "shin-right", "бедро/1", ""])
times = st.integers(-(2**63), 2**63 - 1).map(HostNs)
numbers = st.floats(allow_nan=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(st.text(max_size=8), json_values, max_size=3)
names = st.none() | st.text(max_size=8)
vectors = st.tuples(numbers, numbers, numbers)
infos = st.builds(
    StreamInfo,
    driver=st.text(max_size=8),
    rate_hz=numbers,
    has_imu=st.booleans(),
    tick_bits=st.integers(0, 64),
    outward_normal_sensor=st.none() | vectors,
    name=st.text(st.characters(), max_size=8),
)
sessions = st.builds(
    SessionStart,
    st.text(max_size=8),
    st.text(max_size=8),
    tables,
    drill=names,
    position=names,
    note=st.text(),
)


@st.composite
def packet_blocks(draw: st.DrawFn) -> Packets:
    count, size = draw(st.integers(1, 4)), draw(st.sampled_from([0, 1, 20, 20, 20, 32]))
    at_ns = draw(st.lists(times, min_size=count, max_size=count))
    data = np.frombuffer(draw(st.binary(min_size=count * size, max_size=count * size)), np.uint8)
    return Packets(draw(streams), np.array(at_ns, np.int64), data.reshape(count, size))


inputs = st.one_of(
    packet_blocks(),
    packet_blocks(),
    packet_blocks(),
    st.builds(LinkUp, streams, times, infos),
    st.builds(LinkDown, streams, times, st.text(max_size=8)),
    st.builds(Overrun, streams, times, st.integers()),
    st.builds(Mark, streams, times, st.sampled_from(MarkKind), tables),
    sessions,
)
chunked_sessions = st.tuples(sessions, st.lists(st.lists(inputs, max_size=12), max_size=5))
