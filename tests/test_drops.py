"""A session whose link breaks fifty times, from radio to recording, in warped time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import warped
from hipturn import config, daemon, offline
from hipturn.drivers.hipturn_gatt import HEADER
from hipturn.model import Gap, LinkDown, LinkUp, Packets, Rep, Verdict
from hipturn.recording import Reader
from hipturn.session import Heard
from hipturn.sinks.hub import Hub
from hipturn.sources import body
from hipturn.sources.virtual import VirtualSettings
from hipturn.sources.virtual.faults import Faults, Outage
from hipturn.units import DEG_PER_RAD, NS_PER_S

DROPS = 50
FIRST_S, EVERY_S = 22.0, 4.5
"""The first comes after the calibration; a repetition takes about three seconds."""
REPS = 90
PERIOD_US = 10_000
WORST_ROM_DEG = 0.7


@dataclass
class View:
    """What a person sees."""

    heard: list[Heard] = field(default_factory=list)

    def hear(self, heard: Heard) -> None:
        self.heard.append(heard)

    def state(self, state: str, detail: str) -> None: ...


@dataclass(frozen=True)
class Ran:
    """A session that has ended."""

    happened: Sequence[str]
    """To the sensor."""
    live: Sequence[Rep]
    recording: Path


@pytest.fixture(scope="module", params=[1, 2])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[VirtualSettings, Ran]:
    """Drop the link at irregular times, in and between repetitions, for 0 to 1.5 s each."""
    rng = np.random.default_rng(request.param)
    at_s = FIRST_S + EVERY_S * (np.arange(DROPS) + rng.uniform(0.0, 0.5, DROPS))
    drops = [Outage(float(at), float(away)) for at, away in zip(at_s, rng.uniform(0.0, 1.5, DROPS))]
    settings = VirtualSettings(request.param, REPS, faults=Faults(tuple(drops)))
    view = View()

    async def session() -> tuple[daemon.Ended, list[str]]:
        async with warped.in_reach(settings) as (bluetooth, _, happened):
            plan = daemon.Plan(
                sensor=settings.local_name,
                side=settings.side,
                reps=0,
                settings={**config.defaults(), **config.SEATED_MOBILISATION},
                recordings=tmp_path_factory.mktemp("drops"),
                limit_s=FIRST_S + EVERY_S * (DROPS + 2),
            )
            return await daemon.Daemon(plan, daemon.ble(bluetooth), Hub(), view).run(asyncio.Event()), happened

    ended, happened = warped.run(session())
    (recording,) = ended.recordings
    return settings, Ran(happened, [one for one in view.heard if isinstance(one, Rep)], recording)


def test_it_reconnects_each_time(ran: tuple[VirtualSettings, Ran]) -> None:
    _, session = ran
    assert session.happened.count("drop") == DROPS
    assert session.happened.count("connected") == session.happened.count("start") == DROPS + 1
    links = [one for one in Reader(session.recording).inputs() if isinstance(one, LinkUp | LinkDown)]
    reasons = [one.reason for one in links if isinstance(one, LinkDown)]
    assert reasons == ["lost"] * DROPS + ["stopped"] and len(links) == 2 * len(reasons)


def test_every_gap_is_marked_to_the_sample(ran: tuple[VirtualSettings, Ran]) -> None:
    """Each period of the sensor's clock is a sample or told as lost, in a gap for each drop."""
    _, session = ran
    result = offline.analyse(session.recording, offline.Request())
    gaps = [one for one in result.events if isinstance(one, Gap)]
    packets = [one for one in Reader(session.recording).inputs() if isinstance(one, Packets)]
    ticks = np.array([HEADER.unpack_from(row.tobytes())[3] for block in packets for row in block.data])
    steps = np.diff(ticks) % 2**32 // PERIOD_US
    assert [gap.lost for gap in gaps] == [step - 1 for step in steps if step > 1]
    assert len(gaps) == DROPS
    assert result.samples == len(ticks)


def test_the_recording_is_whole_and_gives_the_live_session(ran: tuple[VirtualSettings, Ran]) -> None:
    _, session = ran
    result = offline.analyse(session.recording, offline.Request())
    assert result.problem is None
    assert result.reps == list(session.live)


def test_no_repetition_is_falsely_counted(ran: tuple[VirtualSettings, Ran]) -> None:
    """What counts is one of those that were done, each once, and as long as it truly was."""
    settings, session = ran
    leg = body.Leg.random(settings.seed, settings.side)
    motion = body.simulate(leg, body.drill_script(REPS, settings.seed), 100.0, settings.seed)
    counted = [one for one in session.live if one.verdict is Verdict.CONTROLLED]
    done = [
        next(true for true in motion.reps if true.start_s < one.peak_ns / NS_PER_S < true.end_s + 0.5)
        for one in counted
    ]
    assert len({true.start_s for true in done}) == len(done)
    errors = [abs(one.rom_rad - true.rom_rad) * DEG_PER_RAD for one, true in zip(counted, done)]
    print(f"{len(counted)} of {len(motion.reps)} counted, worst range {max(errors):.2f}° off")
    assert max(errors) <= WORST_ROM_DEG
    assert len(counted) >= 20, "what no drop touches counts"
