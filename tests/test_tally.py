"""What a running session has come to: all of it counts, though only the latest is kept."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipturn.model import Corrected, Direction, Gap, Rep, StreamNs, Verdict
from hipturn.sinks import tally
from hipturn.sinks.tally import Tally

REP = Rep(
    stream="shin",
    n=1,
    side=None,
    direction=Direction.INTERNAL,
    start_ns=StreamNs(0),
    peak_ns=StreamNs(1),
    end_ns=StreamNs(2),
    rom_rad=0.5,
    peak_rad=0.5,
    out_s=1.0,
    hold_s=0.0,
    return_s=1.0,
    peak_speed_radps=1.0,
    sparc=-2.0,
    off_axis_rad=0.0,
    lost_share=0.0,
    verdict=Verdict.CONTROLLED,
    reasons=(),
)
GAP = Gap("shin", StreamNs(0), StreamNs(1), 3, "loss")


@given(st.lists(st.sampled_from([*Verdict, "undo", "redo", "gap"]), max_size=60))
def test_what_is_no_longer_kept_still_counts(said: list[Verdict | str]) -> None:
    """However little is kept, the counts are those of a list that loses and regains its end."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tally, "MOST_EVENTS", 3)
        session = Tally()
        there: list[Rep] = []
        taken: list[Rep] = []
        for n, word in enumerate(said, 1):
            if word == "gap":
                session.event(GAP)
            elif isinstance(word, Verdict):
                there.append(replace(REP, n=n, verdict=word))
                taken.clear()
                session.event(there[-1])
            else:
                source, target = (there, taken) if word == "undo" else (taken, there)
                moved = [source.pop()] if source else []
                target += moved
                numbers = tuple(rep.n for rep in moved)
                undo = Corrected("shin", StreamNs(0), "undo", numbers)
                session.event(undo if word == "undo" else replace(undo, kind="redo"))
    found = session.summary()
    assert found["reps"] == len(there) and found["gaps"] == said.count("gap")
    for verdict in Verdict:
        assert found[verdict.value] == sum(rep.verdict is verdict for rep in there)
    assert session.session()["controlled"] == found["controlled"]


def test_results_tell_the_latest_and_what_all_came_to() -> None:
    session = Tally()
    for n in range(1, tally.MOST_EVENTS + 500):
        session.event(replace(REP, n=n))
    kept = [json.loads(line)["n"] for line in session._lines]
    assert kept == list(range(500, tally.MOST_EVENTS + 500))
    assert len(kept) < session.summary()["reps"]
