"""What a session of days keeps in memory: the latest, counts of the rest, and nothing that grows with it."""

import gc
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from rich.console import Console

from hipturn.coach import Coach, Phase
from hipturn.coach.counting import Reps
from hipturn.core.sets import Sets
from hipturn.model import Output, Rep, Side, Verdict
from hipturn.recording import Reader, Writer
from hipturn.sinks import tally
from hipturn.sinks.guide import Guide
from hipturn.sinks.hub import Hub
from hipturn.sinks.live import Display
from hipturn.sinks.mqtt_words import Words
from recording_examples import LINK_UP, SESSION, STREAM, packets
from test_verdict import rep

SET = 20
"""Repetitions of a set."""
BEYOND = 500
"""Repetitions after which all that is kept for a while is full."""


def counting() -> Coach:
    """A coach who counts until somebody ends the session, as after the calibration."""
    coach = Coach(STREAM, Side.RIGHT)
    coach._stage = Reps(coach._scene, 0)
    assert coach.phase is Phase.DRILL
    return coach


def told(n: int, *, controlled: bool = True) -> Rep:
    one = replace(rep(n=n, at_s=4.0 * n), stream=STREAM)
    return one if controlled else replace(one, verdict=Verdict.UNCONTROLLED, reasons=("too-fast",))


def long_session(count: int) -> Iterator[Output]:
    """Repetitions in sets, every tenth rejected, every seventh taken back and half of those brought back."""
    sets = Sets(STREAM, 20.0)
    for n in range(1, count + 1):
        one = told(n, controlled=n % 10 != 0)
        sets.push(one)
        yield one
        if n % 7 == 0:
            yield sets.undo(one.end_ns)
        if n % 14 == 0:
            yield sets.redo(one.end_ns)
        if n % SET == 0 and (done := sets.end()) is not None:
            yield done


@pytest.fixture
def traced() -> Iterator[Callable[[], int]]:
    """Return how many bytes everything made since takes."""

    def taken() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    yield taken
    tracemalloc.stop()


def test_a_repetition_leaves_a_few_bytes_behind(
    traced: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all but the last ones whoever hears a session keeps no more than whether each counts."""
    monkeypatch.setattr(tally, "MOST_EVENTS", 50)
    hub, coach = Hub(), counting()
    hub.begin("x.mcap", Side.RIGHT, lambda: None)
    hub.hear(LINK_UP)
    hub.viewers.join()
    nowhere = Console(file=io.StringIO())
    listeners: list[Callable[[Output], object]] = [
        coach.push,
        hub.hear,
        Display(nowhere, 0).hear,
        Guide(nowhere).hear,
        Words("hipturn", None, 5.0).of,
    ]
    early = 0
    for output in long_session(4 * BEYOND):
        for hear in listeners:
            hear(output)
        if isinstance(output, Rep) and output.n == BEYOND:
            early = traced()
    assert (traced() - early) / (3 * BEYOND) < 8.0
    head, *events, summary = map(json.loads, hub.results())
    assert summary["controlled"] == coach.controlled > 3 * BEYOND, "all of them count"
    assert head["type"] == "session" and len(events) == 50


def test_a_chunk_leaves_less_behind_than_its_index_takes(traced: Callable[[], int], tmp_path: Path) -> None:
    """Half an hour of seconds: what the end of the file tells of each waits packed, and is told whole."""
    path, chunks, early = tmp_path / "long.mcap", 1800, 0
    with Writer(path) as writer:
        for item in (SESSION, LINK_UP):
            writer.write(item)
        for second in range(chunks):
            writer.write(packets(second * 100, count=100))
            writer.close_chunk()
            if second == chunks // 3:
                early = traced()
        late = traced()
    assert (late - early) / (chunks * 2 / 3) < 60.0
    reader = Reader(path)
    assert reader.problem is None
    with path.open("rb") as file:
        summary = make_reader(file, validate_crcs=True).get_summary()
    assert summary is not None and len(summary.chunk_indexes) == chunks
    starts = [index.message_start_time for index in summary.chunk_indexes]
    assert starts == sorted(set(starts))


# --- though it is not kept, it counts -------------------------------------------------------------


@given(st.lists(st.sampled_from(["good", "good", "bad", "undo", "redo", "rest", "recording"]), max_size=60))
def test_what_counts_is_what_was_not_taken_back(words: list[str]) -> None:
    """Over sets and recordings, in each of which the first repetition is number 1."""
    coach = counting()
    sets, n = Sets(STREAM, 20.0), 0
    there: set[tuple[int, int]] = set()
    recording = 0
    good: dict[int, bool] = {}
    for word in words:
        match word:
            case "good" | "bad":
                n += 1
                good[n] = word == "good"
                one = told(n, controlled=good[n])
                sets.push(one)
                coach.push(one)
                there |= {(recording, n)} if good[n] else set()
            case "undo" | "redo":
                corrected = sets.undo(0) if word == "undo" else sets.redo(0)
                coach.push(corrected)
                moved = {(recording, each) for each in corrected.reps if good[each]}
                there = there - moved if word == "undo" else there | moved
            case "rest":
                if (done := sets.end()) is not None:
                    coach.push(done)
            case _:
                coach.renumbered()
                sets, n, recording = Sets(STREAM, 20.0), 0, recording + 1
        assert coach.controlled == len(there)
