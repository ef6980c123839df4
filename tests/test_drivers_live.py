"""Every device from the first advertisement to the last repetition, over a real GATT stack in warped time."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import warped
from hipturn import config, daemon, offline
from hipturn.model import BadPackets, Gap, Rep, Verdict
from hipturn.session import Heard
from hipturn.sinks.hub import Hub
from hipturn.sources import body
from hipturn.sources.ble import scan
from hipturn.sources.virtual import VirtualSettings, devices
from hipturn.sources.virtual.faults import parse
from hipturn.units import DEG_PER_RAD, NS_PER_MS

DEVICES = devices.names()
WORST_ROM_DEG = 0.7
SPARE_REPS = 6
DISORDER = {
    "hipturn": "dup:0.02,reorder:0.01,garbage:0.01",
    # a third of a second is in each packet
    "polar": "dup:0.005,reorder:0.002,garbage:0.002",
    # without a clock or a number a doubled packet is two samples
    **dict.fromkeys(("metamotion", "witmotion", "thingy52", "adafruit"), "reorder:0.01,garbage:0.01"),
}


@dataclass(frozen=True)
class Ran:
    """A session that has ended."""

    finished: bool
    happened: Sequence[str]
    """To the sensor."""
    states: Sequence[str]
    result: offline.Analysis

    @property
    def trouble(self) -> list[Gap | BadPackets]:
        return [event for event in self.result.events if isinstance(event, Gap | BadPackets)]

    @property
    def reps(self) -> list[Rep]:
        return self.result.reps


@dataclass(frozen=True)
class Seen:
    """What a person would see."""

    hear: Callable[[Heard], None]
    state: Callable[[str, str], None]


def run(folder: Path, device: str, reps: int, seed: int, faults: str = "", interval_s: float = 0.015) -> Ran:
    """Measure with a virtual device as 'hipturn run' does; what counts is the recording's replay."""
    done = reps + (SPARE_REPS if faults else 0)
    settings = VirtualSettings(seed, done, device, faults=parse(faults), interval_s=interval_s)
    states: list[str] = []

    async def session() -> tuple[daemon.Ended, list[str]]:
        async with warped.in_reach(settings) as (bluetooth, _, happened):
            plan = daemon.Plan(
                sensor=settings.local_name,
                side=settings.side,
                reps=reps,
                settings={**config.defaults(), **config.SEATED_MOBILISATION},
                recordings=folder,
                limit_s=200.0,
            )
            view = Seen(lambda _: None, lambda state, _: states.append(state))
            ended = await daemon.Daemon(plan, daemon.ble(bluetooth), Hub(), view).run(asyncio.Event())
            return ended, happened

    ended, happened = warped.run(session())
    return Ran(ended.finished, happened, states, offline.analyse(ended.recordings[0], offline.Request()))


def truth(reps: int, seed: int) -> Sequence[body.TrueRep]:
    """Return the repetitions a virtual sensor of this seed does."""
    leg = body.Leg.random(seed, VirtualSettings().side)
    return body.simulate(leg, body.drill_script(reps, seed), 100.0, seed).reps


@pytest.mark.parametrize("device", DEVICES)
def test_ten_of_ten_repetitions_near_the_truth_and_the_sensor_left_idle(device: str, tmp_path: Path) -> None:
    """With each device's own rate, quantisation, clock, and packets in bursts of a 30 ms interval."""
    ran = run(tmp_path, device, reps=10, seed=5, interval_s=0.03)
    assert ran.finished
    assert [rep.verdict for rep in ran.reps] == [Verdict.CONTROLLED] * 10
    for rep, true in zip(ran.reps, truth(10, 5), strict=True):
        assert abs(rep.rom_rad - true.rom_rad) * DEG_PER_RAD <= WORST_ROM_DEG
    end_ns = ran.result.duration_ns - 100 * NS_PER_MS  # stopping may cut a frame in two
    damage = [each for each in ran.trouble if isinstance(each, Gap) or each.t_ns < end_ns]
    assert not damage, "neither gap nor damage, from the first packet to the last answer"
    told = list(dict.fromkeys(ran.states))
    assert told[:2] == ["searching", "connecting"] and told[-1] == "measuring" and "lost" not in told
    ends = [word for word in ran.happened if word != "advertising"]
    assert ends[-2:] == ["stop", "disconnected"]
    assert ran.result.info.driver == device


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("fault", ["drop@{}s:1s,loss:0.01", "reboot@{}s"])
def test_after_a_lost_link_or_a_restart_the_count_goes_on(device: str, fault: str, tmp_path: Path) -> None:
    """It happens in the second repetition, later where a direction had to be shown first."""
    traits = VirtualSettings(device=device).traits
    shown = traits.outward_normal_sensor is None and not traits.tells_normal
    ran = run(tmp_path, device, reps=2, seed=4, faults=fault.format(20 + 5 * shown))
    assert ran.finished
    assert "lost" in ran.states and ran.happened.count("connected") == 2
    assert sum(rep.verdict is Verdict.CONTROLLED for rep in ran.reps) == 2
    sound = [rep for rep in ran.reps if rep.verdict is not Verdict.VOID]
    assert all(15.0 < rep.rom_rad * DEG_PER_RAD < 40.0 for rep in sound)


@pytest.mark.parametrize("device", DEVICES)
def test_doubled_swapped_and_random_packets_never_make_a_wrong_range(device: str, tmp_path: Path) -> None:
    """What they cost is told as a gap; a repetition that still counts is as long as it truly was."""
    ran = run(tmp_path, device, reps=2, seed=4, faults=DISORDER.get(device, DISORDER["hipturn"]))
    roms = [rep.rom_rad for rep in truth(2 + SPARE_REPS, 4)]
    for rep in ran.reps:
        if rep.verdict is Verdict.CONTROLLED:
            assert min(abs(rep.rom_rad - rom) for rom in roms) * DEG_PER_RAD <= WORST_ROM_DEG
    assert any(rep.verdict is Verdict.CONTROLLED for rep in ran.reps)


@pytest.mark.parametrize("device", DEVICES)
def test_a_scan_tells_the_driver_and_the_charge(device: str) -> None:
    settings = VirtualSettings(device=device, faults=parse("battery:15"))

    async def look() -> None:
        async with warped.in_reach(settings) as (bluetooth, _, happened):
            (found,) = await scan(1.0, bluetooth, ask_battery=True)
            assert (found.name, found.driver) == (settings.local_name, device)
            assert found.battery_percent == 15
            # that one measures while anybody listens, and without listening there is no answer
            assert ("start" in happened) == (device == "witmotion")

    warped.run(look())


def test_a_sensor_that_somebody_left_in_a_wrong_mode_measures_all_the_same(tmp_path: Path) -> None:
    for device in ("xsens_dot", "capture2go"):
        ran = run(tmp_path / device, device, reps=1, seed=4, faults="mode")
        assert ran.finished and math.isclose(ran.reps[0].rom_rad, truth(7, 4)[0].rom_rad, abs_tol=0.012)
