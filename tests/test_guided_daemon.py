"""Guided sessions in the daemon: earlier tests, pain that is carried on, a low battery, a button."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemons import Live, Seen
from daemons import live as running
from hipturn import commands, history
from hipturn.cli import obeying
from hipturn.cli.obeying import Obeying
from hipturn.coach import Prompt
from hipturn.drivers.hipturn_gatt import Batch, encode
from hipturn.model import HostNs, Mark, MarkKind, Packets, Side
from hipturn.recording import Reader
from hipturn.session import Heard
from hipturn.sources import body
from hipturn.sources.body.person import Person

QUICK = """
kind = "test"
position = "prone"
zero = "gravity"
directions = ["internal", "external"]
reps = 1
hold_s = 1.5
[text.en]
title = "Quick"
setup = "Lie down."
internal = "let the foot fall outwards"
external = "let the foot fall inwards"
"""
SHORT = """
kind = "drill"
position = "prone"
reps = 2
[text.en]
title = "Short"
setup = "Lie down."
internal = "let the foot fall outwards"
"""
PAIR = """
kind = "routine"
parts = [{{ drill = "{0}", side = "left" }}, {{ drill = "{0}", side = "right" }}]
[text.en]
title = "Pair"
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own drills, and where their recordings go."""
    folder = tmp_path / "settings" / "drills"
    folder.mkdir(parents=True)
    for name, text in {
        "quick-rotation": QUICK,
        "short": SHORT,
        "tests": PAIR.format("quick-rotation"),
        "shorts": PAIR.format("short"),
    }.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("HIPTURN_CONFIG", str(folder.parent / "config.toml"))
    monkeypatch.setattr(obeying, "THINKS_S", 0.0)
    return tmp_path / "recordings"


class Led(Seen):
    """A view that passes on what it hears, and keeps what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.led: Callable[[Heard], object] = lambda _: None
        self.keys: list[str] = []

    def hear(self, heard: Heard) -> None:
        self.led(heard)
        if isinstance(heard, Prompt):
            self.keys.append(heard.key)


Step = Callable[[Live, int], None]


def lead(
    own: Path, command: dict[str, Any], sessions: int, step: Step = lambda _live, _n: None
) -> tuple[Led, Any]:
    """Lead a simulated person who obeys through a command's sessions; return what was said and the state."""
    motion = body.simulate(body.Leg.random(1, side=Side.LEFT), body.drill_script(1, 1))
    person = Person(motion.leg, 100.0, 1)
    view = Led()

    async def main() -> Any:
        async with running(own, side=Side.LEFT, view=view) as one:
            hears = Obeying(person.hear, one.daemon.tell)
            one.hub.watch(hears.look)
            view.led = hears.hear
            one.daemon.tell(commands.parse({"command": "start", **command}, "shin", HostNs(0)))
            one.source.link(motion)
            for number in range(round(300 * 100 / 5)):
                acc, gyr, _ = person.rows(5)
                data = encode(Batch(number % 65536, (number + 1) * 50_000, 10_000, acc, gyr))
                at_ns = np.array([(number + 1) * 50_000_000], np.int64)
                await one.source.send([Packets("shin", at_ns, np.frombuffer(data, np.uint8)[None, :])])
                # one packet at a time: the person must hear what it led to before the next movement
                while one.daemon._door._queue.qsize():  # noqa: ASYNC110
                    await asyncio.sleep(0)
                if one.daemon._recalling is not None and not one.daemon._recalling.done():
                    # the clock of this test is faster than the disk
                    await one.daemon._recalling
                step(one, number)
                if one.hub.status.session is None and one.hub.counters.sessions == sessions:
                    break
            return one.hub.status

    return view, asyncio.run(main())


def test_a_test_is_told_beside_the_other_leg_and_the_last_time(own: Path) -> None:
    """Twice both legs of the same person: left against right at once, and a change the second time.

    What was told is in the recordings, and the history says the very same.
    """
    _, first = lead(own, {"routine": "tests", "person": "A1"}, 2)
    left, right = first.results
    assert left["difference"] is None and left["change"] is None
    assert set(right["difference"]) == {"internal", "external", "arc"}
    assert all(each["within_error"] for each in right["difference"].values()) and right["days_apart"] == 0
    _, second = lead(own, {"routine": "tests", "person": "A1"}, 2)
    for result in second.results:
        assert result["tests"] == 2 and all(each["within_error"] for each in result["change"].values())
        assert "no real change since last time" in result["sentence"]
    with history.Catalogue(own) as catalogue:
        sessions = {found.name: found for found in catalogue.sessions()}
    assert len(sessions) == 4
    for result in [*first.results, *second.results]:
        (leg,) = sessions[result["recording"]].legs
        told = [
            value for way in ("internal", "external") for value in result["legs"][leg.side][way]["trials"]
        ]
        assert [round(np.degrees(trial.value_rad), 1) for trial in leg.trials] == told
        assert leg.conditions is not None and leg.conditions.warmed_up is True


def test_without_a_name_only_this_run_is_compared(own: Path) -> None:
    """The other leg of a moment ago is the same person's; last week's recordings may be anybody's."""
    for _ in range(2):
        _, status = lead(own, {"routine": "tests"}, 2)
        assert status.results[1]["difference"] is not None
        assert status.results[1]["change"] is None and status.results[0]["difference"] is None


def test_too_much_pain_ends_the_routine(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obeying, "answer", lambda _: 8)
    view, status = lead(own, {"routine": "shorts"}, 1)
    assert "pain.stop" in view.keys and len(status.results) == 1
    assert len(list(own.glob("*.mcap"))) == 1


@pytest.mark.parametrize("pain", [0, 4])
def test_pain_is_remembered_in_the_next_part(own: Path, monkeypatch: pytest.MonkeyPatch, pain: int) -> None:
    """Told after the first part, none after the second: in the second nothing is shown to beat."""
    answers = iter([pain, 0])
    monkeypatch.setattr(obeying, "answer", lambda _: next(answers))
    bests = []

    def look(one: Live, _: int) -> None:
        show = one.hub.status.coach
        if show is not None and show["step"] == "reps" and show["count"] and show["part"] == 2:
            bests.append(show["best_deg"])

    _, status = lead(own, {"routine": "shorts"}, 2, look)
    assert [each["pain"] for each in status.results] == [pain, pain]
    assert bests and all((best is None) is bool(pain) for best in bests)


def test_a_low_battery_is_said_once_and_recorded(own: Path) -> None:
    def sinks(one: Live, number: int) -> None:
        if number % 100 == 0:
            one.source.vitals(12 if number else 50)

    view, _ = lead(own, {"drill": "short"}, 1, sinks)
    assert view.keys.count("battery-low") == 1
    (path,) = own.glob("*.mcap")
    marks = [item for item in Reader(path).inputs() if isinstance(item, Mark)]
    assert [dict(mark.value) for mark in marks if mark.kind is MarkKind.BATTERY] == [{"percent": 12}]
