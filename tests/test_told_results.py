"""What a guided test comes to, told: beside the last one and the other leg, kept for the history."""

import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from guided_runs import Guided
from hipturn import drills, history, lines
from hipturn.coach import Against, Coach, Show
from hipturn.coach.scene import NOTHING, Scene
from hipturn.coach.summary import summary
from hipturn.coach.summary import tested as compared
from hipturn.core.positions import POSITIONS, Position
from hipturn.core.progress import Tested as OneTest
from hipturn.core.progress import tracks
from hipturn.core.references import GROUPS, SCALES, Group
from hipturn.core.results import Conditions, Trial, own_sem
from hipturn.history.found import _told_trials
from hipturn.model import Calibration, Direction, Side
from hipturn.sinks.hub import Hub
from hipturn.sinks.results import print_guided
from hipturn.units import RAD_PER_DEG

IR, ER = Direction.INTERNAL, Direction.EXTERNAL
PRONE = drills.load().drills["prone-rotation"]
CALIBRATION = Calibration(
    (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "gravity", "session",
    1.0, 0.0, "normal", (0.0, 1.0), "good",
)  # fmt: skip
degrees = st.floats(5.0, 60.0)


def trial(direction: Direction, deg: float) -> Trial:
    return Trial(direction, deg * RAD_PER_DEG, 0.0, 3.0, 0, 1, 0.0, 0, 0.0)


def earlier(n: int, internal: float, external: float = 40.0, side: Side = Side.LEFT, **other: Any) -> OneTest:
    conditions = Conditions(side, "prone", "active", "gravity", 0.99, "good")
    trials = (trial(IR, internal), trial(ER, external))
    return OneTest(
        1000.0 * n, n, f"{n}.mcap", "hipturn/vqf", dataclasses.replace(conditions, **other), trials
    )


def scene(internal: float, past: Sequence[OneTest] = (), against: Against = NOTHING, **other: Any) -> Scene:
    found = Scene("shin", Side.LEFT, PRONE, against=against, past=tuple(past), today=100, **other)
    found.calibration = CALIBRATION
    found.trials = [trial(IR, internal), trial(IR, internal), trial(ER, 40.0)]
    return found


@given(degrees, degrees)
def test_a_change_is_told_as_one_only_beyond_measuring_error(now: float, before: float) -> None:
    """Two tests: within 1.96·√2·2.0° = 5.5° there is no real change, in the table as in the sentence."""
    told = summary(scene(now, [earlier(1, before)]))
    change = told["change"]["internal"]
    assert change["value_deg"] == pytest.approx(now - before, abs=0.051)
    assert change["mdc_deg"] == 5.5
    assert change["within_error"] is (abs(now - before) < 1.96 * 2.0**0.5 * 2.0)
    words = "no real change since last time" if change["within_error"] else "than last time"
    assert words in told["sentence"]
    assert told["tests"] == 2 and told["error_from"] == "default"


@pytest.mark.parametrize(
    "unlike", [{"position": "seated"}, {"zero": "pose"}, {"movement": "passive"}, {"heading_dependent": True}]
)
def test_only_like_is_compared(unlike: dict[str, Any]) -> None:
    told = summary(scene(30.0, [earlier(1, 20.0, **unlike)]))
    assert told["change"] is None and told["tests"] == 1


@given(st.lists(degrees, min_size=4, max_size=9))
def test_from_five_tests_on_the_error_is_their_own(values: list[float]) -> None:
    """This one is among the five; the error is that of the progress pages, to the last digit."""
    past = [earlier(n, value) for n, value in enumerate(values, 1)]
    found = compared(scene(30.0, past))
    assert found is not None and found.result.own_sem and found.tests == len(values) + 1
    sem = own_sem([*(v * RAD_PER_DEG for v in values), 30.0 * RAD_PER_DEG])
    assert sem is not None and found.result.ranges[IR].mean.sem_rad >= sem - 1e-12
    (track,) = tracks([*past, earlier(len(values) + 1, 30.0)])
    assert track.results[-1].ranges[IR].mean.sem_rad == pytest.approx(found.result.ranges[IR].mean.sem_rad)


def test_the_legs_are_compared_left_minus_right() -> None:
    told = summary(scene(30.0, [earlier(97, 38.0, side=Side.RIGHT)]))
    assert told["difference"]["internal"] == {"value_deg": -8.0, "mdc_deg": 5.5, "within_error": False}
    assert told["days_apart"] == 3 and told["change"] is None
    assert "internal left and right differ by 8 degrees" in told["sentence"]
    same = summary(scene(30.0, [earlier(97, 31.0, side=Side.RIGHT)]))
    assert "no real difference between left and right" in same["sentence"]


def test_what_drifts_is_compared_with_nothing() -> None:
    told = summary(scene(30.0, [earlier(1, 10.0)], heading_dependent=True))
    assert told["change"] is None and told["difference"] is None


@pytest.mark.parametrize("group", [name for name, each in GROUPS.items() if each.fits("prone")])
def test_scale_and_group_are_shown_only_where_chosen(group: str) -> None:
    """With their source; the plain sentence says nothing of them."""
    plain = summary(scene(30.0))
    assert plain["scale"] is None and plain["reference"] is None
    against = Against(SCALES["prone-internal"], GROUPS[group])
    told = summary(scene(31.0, against=against))
    assert told["scale"]["reached"]["deg"] == 30.0 and told["scale"]["next"]["deg"] == 45.0
    assert told["reference"]["source"] == GROUPS[group].source
    assert told["sentence"] == summary(scene(31.0))["sentence"]


@pytest.mark.parametrize("position", sorted(POSITIONS))
@pytest.mark.parametrize("group", GROUPS.values())
def test_nothing_is_held_against_what_was_measured_in_another_position(
    group: Group, position: Position
) -> None:
    """The same hip has another range there; where nobody told the position, that is said with the group."""
    chosen = Against(SCALES["prone-internal"], group)
    drill = dataclasses.replace(PRONE, position=position)
    against = Coach("shin", Side.LEFT, 0, drill=drill, against=chosen)._scene.against
    assert (against.scale is not None) == (position == "prone")
    assert (against.group is not None) == (group.position in (position, "not told"))


def shown(told: dict[str, Any], **fields: Any) -> dict[str, Any]:
    about = {"title": "Test", "kind": "test", "side": "left", "type": "coach"}
    return {**about, "result": told, **fields}


def test_the_table_tells_each_value_with_its_error_its_change_and_where_it_lies() -> None:
    past = [earlier(n, 20.0 + n) for n in range(1, 6)] + [earlier(6, 38.0, side=Side.RIGHT)]
    against = Against(SCALES["prone-internal"], GROUPS["men"])
    told = {**summary(scene(31.0, past, against)), "recording": "a.mcap"}
    out = io.StringIO()
    print_guided([shown(told)], Path("there"), Console(file=out, width=200))
    text = out.getvalue()
    assert max(map(len, text.splitlines()[:5])) <= 80, "the table fits a terminal"
    for words in (
        "31.0 ± 0.0", "31.0", "beyond error", "arc", "left minus right", "94 days apart",
        "the error is your own, from 6 tests", "above 30° “good for the average person”",
        "Fan 2014", "percentile 19",
        told["sentence"], str(Path("there") / "a.mcap"),
    ):  # fmt: skip
        assert words in text, f"{words!r} is not in\n{text}"


@given(st.lists(degrees, min_size=1, max_size=3), st.lists(degrees, max_size=3), st.sampled_from(Side))
def test_the_history_reads_what_was_told(internal: list[float], external: list[float], side: Side) -> None:
    """The line in the recording gives the very trials back, of that leg and no other, to its last digit."""
    found = scene(30.0)
    found.side = side
    found.trials = [*(trial(IR, v) for v in internal), *(trial(ER, v) for v in external)]
    result = compared(found)
    assert result is not None
    line = json.loads(lines.dumps(lines.test_result(result.result)))
    back = _told_trials(line, side)
    assert [t.direction for t in back] == [t.direction for t in found.trials]
    assert [t.value_rad for t in back] == pytest.approx([t.value_rad for t in found.trials], abs=1e-5)
    assert _told_trials(line, Side.LEFT if side is Side.RIGHT else Side.RIGHT) == []


@given(
    st.dictionaries(st.sampled_from(["side", "internal", "external"]), st.none() | st.text() | st.integers())
)
def test_whatever_a_file_says_of_a_test_raises_nothing(line: dict[str, Any]) -> None:
    _told_trials({"side": "left", **line}, Side.LEFT)


def test_a_guided_test_tells_what_it_was_given() -> None:
    """Through the whole coach: given the tests before, spoken and shown at the end."""
    short = dataclasses.replace(PRONE, reps=1, hold_s=2.0)
    guided = Guided(short, Side.LEFT, together=2, past=[earlier(1, 20.0, 35.0)], today=5).run()
    change = guided.summary["change"]
    assert change["internal"]["value_deg"] == pytest.approx(10.0, abs=1.0)
    assert not change["internal"]["within_error"] and change["external"]["within_error"]
    assert "10 degrees more than last time" in guided.summary["sentence"]


def test_results_of_a_routine_stay_together() -> None:
    """Each part's result stays in the state until another routine, or another session, begins."""
    hub = Hub()

    def tell(part: int | None, step: Any, result: dict[str, Any] | None = None) -> None:
        common: dict[str, Any] = {
            "t_ns": 0,
            "text": "",
            "drill": "d",
            "title": "D",
            "kind": "test",
            "side": Side.LEFT,
        }
        hub.hear(Show(**common, step=step, part=part, parts=part and 2, result=result))

    def session(part: int | None, sentence: str) -> None:
        hub.begin("a.mcap", Side.LEFT, lambda: None)
        tell(part, "setup")
        tell(part, "done", {"sentence": sentence})
        hub.end()

    session(1, "one")
    session(2, "two")
    assert [each["sentence"] for each in hub.status.results] == ["one", "two"]
    assert hub.status.line()["results"][1]["part"] == 2
    session(None, "alone")
    assert [each["sentence"] for each in hub.status.results] == ["alone"]


def test_nobody_in_particular_has_only_what_was_done_just_now(tmp_path: Path) -> None:
    """Without a folder or a catalogue there is nothing to compare with, and nothing is raised."""
    assert history.past(tmp_path / "none", "A1", ())[0] == []
    assert history.past(tmp_path, "", {"a.mcap"})[0] == []
