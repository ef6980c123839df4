"""Two sensors in one session: shin and pelvis over one radio, in warped time, through the daemon."""

import asyncio
import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import warped
from cli_runs import refused
from hipturn import config, daemon, offline
from hipturn.cli import live
from hipturn.coach import Prompt
from hipturn.model import Gap, Rep, Verdict
from hipturn.session import Heard
from hipturn.sinks import console
from hipturn.sinks.hub import Hub
from hipturn.sources.virtual import VirtualSettings
from hipturn.sources.virtual.faults import parse
from hipturn.sources.virtual.playback import ROLL_RAD
from hipturn.units import DEG_PER_RAD

SETTINGS = VirtualSettings(4, 6, pelvis=True)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a person would see."""

    hear: Callable[[Heard], None]
    state: Callable[[str, str], None]


@dataclasses.dataclass(frozen=True)
class Ran:
    """A session that has ended."""

    heard: Sequence[Heard]
    details: Sequence[str]
    """What the display was told of the sensors."""
    happened: Sequence[str]
    state: dict[str, Any]
    result: offline.Analysis

    @property
    def reps(self) -> list[Rep]:
        return [each for each in self.heard if isinstance(each, Rep)]


def run(folder: Path, reps: int, faults: str = "", device: str = "hipturn") -> Ran:
    """Measure with two virtual sensors as 'hipturn run' does; the faults are the second one's."""
    settings = dataclasses.replace(SETTINGS, device=device)
    second = dataclasses.replace(settings, faults=parse(faults))
    heard: list[Heard] = []
    details: list[str] = []
    states: list[dict[str, Any]] = []

    async def session() -> tuple[daemon.Ended, list[str]]:
        async with warped.in_reach(settings, second) as (bluetooth, _, happened):
            plan = daemon.Plan(
                sensor=settings.address,
                pelvis=settings.pelvis_address,
                side=settings.side,
                reps=reps,
                settings={**config.defaults(), **config.SEATED_MOBILISATION},
                recordings=folder,
                limit_s=200.0,
            )
            hub = Hub()
            hub.watch(lambda status: states.append(status.line()))
            view = Seen(heard.append, lambda _, detail: details.append(detail))
            ended = await daemon.Daemon(plan, daemon.ble(bluetooth), hub, view).run(asyncio.Event())
            return ended, happened

    ended, happened = warped.run(session())
    assert ended.finished and ended.trouble is None
    (recording,) = ended.recordings
    measured = [state for state in states if state["pelvis"] is not None]
    return Ran(heard, details, happened, measured[-1], offline.analyse(recording, offline.Request()))


@pytest.mark.parametrize("device", ["hipturn", "xsens_dot", "movesense"])
def test_every_third_repetition_is_told_to_be_compensated(device: str, tmp_path: Path) -> None:
    ran = run(tmp_path, 4, device=device)
    assert [rep.verdict for rep in ran.reps] == [
        Verdict.CONTROLLED if n % 3 else Verdict.UNCONTROLLED for n in range(1, len(ran.reps) + 1)
    ]
    for rep in ran.reps:
        assert rep.compensation_rad is not None
        rolled = ROLL_RAD if rep.n % 3 == 0 else 0.0
        assert abs(rep.compensation_rad - rolled) * DEG_PER_RAD <= 0.8
        assert rep.reasons == (() if rep.n % 3 else ("compensation",))
    assert ran.result.reps == ran.reps, "live == replay"
    assert ran.state["pelvis"] == "measuring"
    assert any("pelvis sensor measuring" in detail for detail in ran.details)
    assert ran.happened[-1].endswith("disconnected") and "pelvis start" in ran.happened


def test_a_lost_pelvis_sensor_is_told_and_comes_back_and_the_count_goes_on(tmp_path: Path) -> None:
    # the motion begins with a wait for the second sensor, a hold of 6 s and the calibration
    ran = run(tmp_path, 4, "drop@33s:2s")
    assert ran.happened.count("pelvis connected") == 2
    assert any("compensation unknown" in detail for detail in ran.details)
    assert any(isinstance(each, Prompt) and each.say == "pelvis sensor lost" for each in ran.heard)
    assert not ran.state["troubles"] and ran.state["pelvis"] == "measuring"
    unknown = [
        rep for rep in ran.reps if rep.compensation_rad is not None and math.isnan(rep.compensation_rad)
    ]
    assert unknown and all("compensation" not in rep.reasons for rep in unknown)
    assert all(rep.verdict is not Verdict.VOID for rep in ran.reps)
    assert [str(rep) for rep in ran.result.reps] == [str(rep) for rep in ran.reps]
    assert {gap.stream for gap in ran.result.events if isinstance(gap, Gap)} == {"pelvis"}


def test_the_table_of_results_has_a_column_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, events, tail = run(tmp_path, 2).result.lines("both.mcap")
    console.print_results(head, events, tail)
    printed = capsys.readouterr().out
    assert "pelvis °" in printed
    unknown = [{**event, "compensation_deg": None} for event in events if event["type"] == "rep"]
    console.print_results(head, unknown, tail)
    assert "unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--pelvis", "B"), "--pelvis B: say by --sensor which one is on the shin"),
        (("--sensor", "b", "--pelvis", "B"), "that is the sensor on the shin: name the other one"),
        (("--sensor", "virtual", "--pelvis", "B"), "both sensors are virtual or neither"),
        (("--sensor", "A", "--pelvis", "virtual"), "both sensors are virtual or neither"),
    ],
)
def test_two_sensors_that_could_be_mistaken_are_refused(options: tuple[str, ...], told: str) -> None:
    assert told in refused("run", *options, code=2)
    assert told in refused("test", "prone-rotation", *options, code=2)


def test_a_second_sensor_of_the_settings_is_not_asked_of_a_virtual_one() -> None:
    assert live.second_sensor("virtual", None, "PELVIS-1") is None
    assert live.second_sensor("SHIN-1", None, "PELVIS-1") == "PELVIS-1"
    assert live.second_sensor("SHIN-1", "PELVIS-2", "PELVIS-1") == "PELVIS-2"
    assert live.second_sensor("SHIN-1", None, "") is None
