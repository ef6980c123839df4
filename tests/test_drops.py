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

DROPS, SEED = 50, 1
FIRST_S, EVERY_S = 22.0, 7.0
"""The first comes after the calibration; a repetition takes about 3 s, and the filter settles as long."""
REPS = 120
PERIOD_US = 10_000
INTERVAL_SAMPLES = 2
"""The connection interval in samples, rounded up: so much an arrival does not tell."""
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

    settings: VirtualSettings
    happened: Sequence[str]
    """To the sensor."""
    live: Sequence[Rep]
    recording: Path


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Drop the link at irregular times, in and between repetitions, for 0 to 1.5 s each."""
    rng = np.random.default_rng(SEED)
    at_s = FIRST_S + EVERY_S * (np.arange(DROPS) + rng.uniform(0.0, 0.5, DROPS))
    drops = [Outage(float(at), float(away)) for at, away in zip(at_s, rng.uniform(0.0, 1.5, DROPS))]
    settings = VirtualSettings(SEED, REPS, faults=Faults(tuple(drops)))
    view = View()

    async def measured() -> tuple[daemon.Ended, list[str]]:
        async with warped.in_reach(settings) as (bluetooth, _, happened):
            plan = daemon.Plan(
                sensor=settings.local_name,
                side=settings.side,
                reps=0,
                settings={**config.defaults(), **config.SEATED_MOBILISATION},
                recordings=tmp_path_factory.mktemp("drops"),
                limit_s=FIRST_S + EVERY_S * (DROPS + 2),
            )
            ended = await daemon.Daemon(plan, daemon.ble(bluetooth), Hub(), view).run(asyncio.Event())
            return ended, happened

    ended, happened = warped.run(measured())
    (recording,) = ended.recordings
    return Ran(settings, happened, [one for one in view.heard if isinstance(one, Rep)], recording)


def test_it_reconnects_each_time(session: Ran) -> None:
    assert session.happened.count("drop") == DROPS
    assert session.happened.count("connected") == session.happened.count("start") == DROPS + 1
    links = [one for one in Reader(session.recording).inputs() if isinstance(one, LinkUp | LinkDown)]
    reasons = [one.reason for one in links if isinstance(one, LinkDown)]
    assert reasons == ["lost"] * DROPS + ["stopped"] and len(links) == 2 * len(reasons)


def test_every_gap_is_marked(session: Ran) -> None:
    """A gap for each drop, and in it all that the sensor's clock says is missing."""
    result = offline.analyse(session.recording, offline.Request())
    gaps = [one for one in result.events if isinstance(one, Gap)]
    packets = [one for one in Reader(session.recording).inputs() if isinstance(one, Packets)]
    ticks = np.array([HEADER.unpack_from(row.tobytes())[3] for block in packets for row in block.data])
    steps = np.diff(ticks) % 2**32 // PERIOD_US
    missing = [int(step) - 1 for step in steps if step > 1]
    assert len(gaps) == len(missing) == DROPS
    # a clock may begin anew with a link, so what lies between two is measured by arrivals
    assert all(abs(gap.lost - lost) <= INTERVAL_SAMPLES for gap, lost in zip(gaps, missing))
    assert result.samples == len(ticks)


def test_the_recording_is_whole_and_gives_the_live_session(session: Ran) -> None:
    result = offline.analyse(session.recording, offline.Request())
    assert result.problem is None
    assert result.reps == list(session.live)


def test_no_repetition_is_falsely_counted(session: Ran) -> None:
    """What counts is one of those that were done, each once, and as long as it truly was."""
    settings = session.settings
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
    assert len(counted) >= 10, "what no drop touches counts"
