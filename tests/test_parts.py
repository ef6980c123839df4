"""A session that outgrows its recording goes on in another: nothing lost, and each replays as it was live."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta, tzinfo
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_runs import done, drill
from daemons import Live, live, packets_of
from hipturn.coach import ROTATIONS, Phase, Prompt
from hipturn.daemon import running
from hipturn.daemon.onward import shifted
from hipturn.model import Gap, IntArray, Orientation, Output, Packets, Rep
from hipturn.offline import Request, analyse
from hipturn.recording import Reader
from hipturn.sinks import recorder, standing
from hipturn.sinks.recovery import recover
from live_sessions import heard


@pytest.fixture(autouse=True)
def as_in_the_field(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HIPTURN_DEBUG", raising=False)
    monkeypatch.setenv("HIPTURN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HIPTURN_CONFIG", os.devnull)


def recorded(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.mcap"), key=lambda path: Reader(path).session.wall_time)


def arrivals(folder: Path) -> list[IntArray]:
    """When each packet came, in the order of the recordings."""
    items = [item for path in recorded(folder) for item in Reader(path).inputs()]
    return [item.at_ns for item in items if isinstance(item, Packets)]


async def through(one: Live, count: int) -> None:
    await one.until(lambda: one.hub.counters.samples + one.hub.counters.lost >= count - 1)


@pytest.mark.parametrize("limit", ["length", "size"])
def test_a_session_goes_on_in_another_recording(
    limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every packet is in exactly one; each gives what was told live; the coach counts on in silence."""
    motion = drill(reps=8)
    packets = packets_of(motion)
    length_s = len(packets) / 100
    monkeypatch.setattr(running, "REST_NS", 0)
    if limit == "size":
        monkeypatch.setattr(running, "PART_BYTES", sum(item.data.nbytes for item in packets) * 0.6)
    closed: list[Path] = []

    async def main() -> Live:
        part_after_s = 0.6 * length_s if limit == "length" else 7200.0
        async with live(
            tmp_path, side=motion.leg.side, part_after_s=part_after_s, on_closed=closed.extend
        ) as one:
            one.source.link(motion)
            await one.source.send(packets)
            await through(one, len(packets))
            await one.end()
            return one

    one = asyncio.run(main())
    paths = recorded(tmp_path)
    assert len(paths) == 2 and sorted(closed) == sorted(paths)
    assert np.array_equal(
        np.concatenate(arrivals(tmp_path)), np.concatenate([item.at_ns for item in packets])
    )
    assert Reader(paths[1]).session.note == f"continues {paths[0].name}"
    for path in paths:
        assert done("replay", path, "--diff").out.splitlines()[-1] == "as announced live"
        assert analyse(path, Request()).reps
    told = [item for item in one.view.heard if isinstance(item, Rep)]
    assert [rep.n for path in paths for rep in analyse(path, Request()).reps] == [rep.n for rep in told]
    assert not [item for item in one.view.heard if isinstance(item, Gap)]
    said = [item.say for item in one.view.heard if isinstance(item, Prompt)]
    counts = [int(say) for say in said if say.isdecimal()][ROTATIONS:]
    assert counts == list(range(1, len(counts) + 1)), "the count goes on"
    assert "sensor back, go on" not in said


def test_the_clock_on_the_wall_may_jump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back by hours, to the second a recording is named by, to 1970 and on: only names and dates tell it."""
    noon = datetime(2026, 3, 1, 12, 0)
    told = [noon, noon - timedelta(hours=5), noon, datetime(1970, 1, 1), datetime(2100, 1, 1)]

    for module in (running, recorder, standing):
        jumps = cycle(told)

        class Jumping(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None, jumps: Iterator[datetime] = jumps) -> "Jumping":
                return cls.fromisoformat(next(jumps).isoformat())

        monkeypatch.setattr(module, "datetime", Jumping)
    motion = drill(reps=3)
    packets = packets_of(motion)
    monkeypatch.setattr(running, "REST_NS", 0)

    async def main() -> Live:
        async with live(tmp_path, side=motion.leg.side, part_after_s=6.0) as one:
            one.source.link(motion)
            await one.source.send(packets)
            await through(one, len(packets))
            await one.end()
            return one

    one = asyncio.run(main())
    paths = list(tmp_path.glob("*.mcap"))
    assert len(paths) == one.hub.counters.sessions >= 3
    assert sum(path.name.startswith("2026-03-01_120000") for path in paths) == 2, "none is written over"
    assert {Reader(path).session.wall_time[:4] for path in paths} >= {"2026", "1970"}
    came = [item.at_ns for path in paths for item in Reader(path).inputs() if isinstance(item, Packets)]
    assert np.array_equal(np.sort(np.concatenate(came)), np.concatenate([item.at_ns for item in packets]))
    assert not [item for item in one.view.heard if isinstance(item, Gap)]


def test_it_waits_for_a_rest_and_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of repetitions the recording goes on, up to a quarter longer than it should be."""
    motion = drill(reps=8)
    packets = packets_of(motion)
    length_s = len(packets) / 100
    ends: list[float] = []
    for name, rest_ns in (("rests", 3 * 10**8), ("never", 10**12)):
        monkeypatch.setattr(running, "REST_NS", rest_ns)

        async def main(folder: Path) -> None:
            async with live(folder, side=motion.leg.side, part_after_s=0.6 * length_s) as one:
                one.source.link(motion)
                await one.source.send(packets)
                await through(one, len(packets))

        asyncio.run(main(tmp_path / name))
        first = recorded(tmp_path / name)[0]
        ends.append(analyse(first, Request()).samples / 100 / length_s)
    assert 0.6 <= ends[0] < 0.75 <= ends[1] < 0.76


def test_a_calibration_under_way_begins_anew_with_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its filter faces another way: what was collected before must not be mixed with what comes."""
    motion = drill(reps=8)
    packets = packets_of(motion)
    monkeypatch.setattr(running, "REST_NS", 0)

    async def main() -> None:
        async with live(tmp_path, side=motion.leg.side, part_after_s=8.0) as one:
            one.source.link(motion)
            await one.source.send(packets[:900])
            await through(one, 900)
            assert one.hub.status.phase == Phase.ROTATIONS.value
            assert one.hub.counters.sessions == 1, "it waits while it is calibrated"
            await one.source.send(packets[900:1010])
            await one.until(lambda: one.hub.counters.sessions == 2)
            assert one.hub.status.phase == Phase.HOLD.value

    asyncio.run(main())


def test_a_recording_that_cannot_be_written_is_not_left_before_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for room waits for this file: another is begun only when all is in it."""
    from disks import full_disk

    motion = drill(reps=8)
    packets = packets_of(motion)
    monkeypatch.setattr(running, "REST_NS", 0)
    monkeypatch.setattr(running, "PATIENCE", 1.0)

    async def main() -> None:
        async with live(tmp_path, part_after_s=5.0) as one:
            one.source.link(motion)
            await one.source.send(packets[:400])
            await through(one, 400)
            with full_disk(0):
                await one.until(lambda: "recording" in one.hub.status.troubles)
                await one.source.send(packets[400:700])
                await through(one, 700)
                assert one.hub.counters.sessions == 1
            await one.until(lambda: not one.hub.status.troubles)
            await one.source.send(packets[700:800])
            await one.until(lambda: one.hub.counters.sessions == 2)

    asyncio.run(main())
    assert sum(map(len, arrivals(tmp_path))) == 800


def test_who_keeps_the_catalogue_is_told_of_what_a_crash_left_and_may_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    motion = drill(reps=4)
    packets = packets_of(motion)

    def fails(paths: list[Path]) -> None:
        raise OSError(f"no catalogue for {len(paths)}")

    async def main() -> None:
        async with live(tmp_path, on_closed=fails) as one:
            one.source.link(motion)
            await one.source.send(packets[:300])
            await one.end()
            assert "no catalogue for 1" in one.hub.status.troubles["catalogue"]

    asyncio.run(main())
    (path,) = recorded(tmp_path)
    os.truncate(path, path.stat().st_size - 30)
    told: list[Path] = []
    recover([path], told.extend)
    assert told == [path]
    os.truncate(path, path.stat().st_size - 30)
    assert recover([path], fails) and "could not be catalogued" in caplog.text


def on_this_clock(output: Output) -> Output:
    """Give samples their place on this computer's clock, as they have it beside a second sensor."""
    return replace(output, host_ns=output.t_ns + 5) if isinstance(output, Orientation) else output


@given(
    st.sampled_from([item for item in heard() if isinstance(item, Output)]).flatmap(
        lambda output: st.sampled_from([output, on_this_clock(output)])
    ),
    st.integers(0, 10**13),
)
def test_what_is_shifted_differs_in_its_stream_times_only(output: Output, by_ns: int) -> None:
    later = shifted(output, by_ns)
    back = shifted(later, -by_ns)
    for field in fields(output):
        was, then = getattr(output, field.name), getattr(later, field.name)
        if field.name.endswith("_ns") and field.name != "host_ns":
            assert np.all(then - was == by_ns)
            assert np.all(getattr(back, field.name) == was)
        else:
            assert then is was
