"""The BLE source on Linux's own Bluetooth stack, bluetoothd and plain bleak, inside a kernel of its own.

`test_kernel.py` boots it and runs this; see `docs/decisions/2026-11-26-a-kernel-as-a-process.md`.
"""

import asyncio
import contextlib
import gc
import os
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import numpy as np
import pytest

from ble_watch import PATIENCE_S, Watcher, measuring
from hipturn import drivers
from hipturn.core.fusion import FusionParams
from hipturn.core.pipeline import Front
from hipturn.drivers.hipturn_gatt import GAP, HEADER
from hipturn.model import Gap, Input, IntArray, LinkDown, LinkUp, Packets, Samples
from hipturn.sources.ble import Backend, Limits, LinkState, scan, source
from hipturn.sources.virtual import VirtualSettings
from hipturn.sources.virtual.faults import parse
from kernel_air import Air, connected, switch_on

T = TypeVar("T")

WHOLE = os.environ.get("CI") == "true"
STEADY_S = 60.0 if WHOLE else 10.0
DROPS = 20 if WHOLE else 5

LEG = VirtualSettings(seed=7, name="Leg")
HIP = VirtualSettings(seed=8, name="Hip")
WATCH = VirtualSettings(seed=9, device="polar")
PATIENT = Limits(
    connect_s=PATIENCE_S, call_s=PATIENCE_S, silence_s=PATIENCE_S, first_pause_s=0.05, longest_pause_s=0.5
)
"""For tests that are not about limits: on a busy machine any process may stand still for a while."""

PERIOD_US, LATE_SAMPLES = 10_000, 10


def run(session: Coroutine[Any, Any, T]) -> T:
    """Run a test; collect what it leaves behind before the next.

    dbus-fast leaves futures whose errors are logged when they are collected. In the midst of reporting a
    failure that stops pytest itself on Python 3.11 (https://github.com/python/cpython/issues/106905).
    """
    try:
        return asyncio.run(session)
    finally:
        gc.collect()


def links(inputs: Sequence[Input]) -> list[IntArray]:
    """Return each link's packets by their headers: version, count, sequence, tick, period, flags."""
    rows: list[list[tuple[int, ...]]] = []
    for one in inputs:
        match one:
            case LinkUp():
                rows.append([])
            case Packets():
                rows[-1].append(HEADER.unpack_from(one.data.tobytes()))
    return [np.array(each, np.int64).reshape(-1, 6) for each in rows]


def assert_each_once(link: IntArray) -> None:
    """Every packet a link has sent from the first to the last, in order, none twice.

    What a sensor could not hand to its radio, because this machine stood still for longer than its memory
    lasts, was never sent: the packet after it says so.
    """
    assert not len(link) or link[0, 2] == 0, "the first was lost"
    steps, told = np.diff(link[:, 2]), link[1:, 5] & GAP != 0
    assert (steps >= 1).all(), "doubled or out of order"
    assert ((steps == 1) | told).all(), "lost"
    assert (np.diff(link[:, 3]) % 2**32 == PERIOD_US * steps).all()


def assert_all_accounted_for(inputs: Sequence[Input]) -> None:
    """What the core makes of it: each period of the sensor's clock is a sample or told as lost.

    Between two links it goes by arrivals, as a clock may begin anew: off by what packets are late.
    """
    samples, told = 0, 0

    def tap(_stream: str, block: Samples) -> None:
        nonlocal samples
        samples += len(block.t_ns)

    front = Front(FusionParams(), drivers.decoder, tap)
    for one in inputs:
        told += sum(seen.lost for seen in front.push(one) if isinstance(seen, Gap))
    ticks = np.concatenate([link[:, 3] for link in links(inputs)])
    periods = int((np.diff(ticks) % 2**32).sum()) // PERIOD_US
    assert samples == len(ticks)
    print(f"{samples} samples, {told} told as lost, {periods + 1 - samples - told} neither")
    ups = sum(isinstance(one, LinkUp) for one in inputs)
    assert abs(samples + told - (periods + 1)) <= LATE_SAMPLES * (ups - 1)


def test_a_scan_knows_each_sensor_by_its_driver() -> None:
    async def use() -> None:
        air = Air()
        async with air.adapter(), air.sensor(LEG), air.sensor(WATCH):
            found = await scan(2.0, Backend(), ask_battery=True, limits=PATIENT)
        assert {(one.name, one.address, one.driver, one.battery_percent) for one in found} == {
            (LEG.local_name, LEG.address, "hipturn", 87),
            (WATCH.local_name, WATCH.address, "polar", 87),
        }

    run(use())


def test_measures_at_100_hz_without_losing_one_and_leaves_the_sensor_idle() -> None:
    async def use() -> None:
        air = Air()
        async with air.adapter(), air.sensor(LEG):
            async with measuring(Backend(), LEG.address, PATIENT) as seen:
                await seen.until(lambda: bool(seen.packets))
                await asyncio.sleep(STEADY_S)
            assert seen.downs == ["stopped"]
            (link,) = links(seen.inputs)
            assert_each_once(link)
            assert_all_accounted_for(seen.inputs)
            assert link[-1, 2] >= STEADY_S * 95.0
            await air.until(lambda: air.happened[-1] == (LEG.local_name, "advertising"))
            assert [what for _, what in air.happened][-3:] == ["stop", "disconnected", "advertising"]
            assert await connected() == []
        arrivals_ms = np.array([int(one.at_ns[0]) for one in seen.packets]) * 1e-6
        late = arrivals_ms - (link[:, 3] - link[0, 3]) % 2**32 * 1e-3
        late -= late.min()
        print(f"{len(link)} of {link[-1, 2] + 1} packets, late by p50 {np.median(late):.1f} ms, ", end="")
        print(f"p99 {np.percentile(late, 99):.1f} ms, worst {late.max():.1f} ms")

    run(use())


async def broken_again_and_again(air: Air, drops: int, packets: int = 30) -> Watcher:
    """Measure and break the link each time some packets have come."""
    async with air.adapter(), air.sensor(LEG), measuring(Backend(), LEG.local_name, PATIENT) as seen:
        for drop in range(drops):
            await seen.linked(drop + 1)
            await seen.more(packets)
            air.lose(LEG)
        await seen.linked(drops + 1)
        await seen.more(packets)
    return seen


def test_after_each_drop_it_comes_back_and_no_packet_is_doubled_or_lost_unseen() -> None:
    seen = run(broken_again_and_again(Air(), DROPS))
    assert seen.downs == ["lost"] * DROPS + ["stopped"]
    for link in links(seen.inputs):
        assert_each_once(link)
    assert_all_accounted_for(seen.inputs)
    ups, downs = (
        np.array([one.at_ns for one in seen.inputs if isinstance(one, kind)]) for kind in (LinkUp, LinkDown)
    )
    away_s = (ups[1:] - downs[:-1]) * 1e-9
    failed = [text for state, text in seen.states if state is LinkState.SEARCHING][1:]
    print(f"{DROPS} drops, back after {np.median(away_s):.1f} s, at worst {away_s.max():.1f} s; ", end="")
    print(f"{len(failed)} attempts failed: {sorted(set(failed))}")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_disconnecting_after_a_drop_packets_are_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: it is this call that keeps the packets single, and closes bleak's sockets."""

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(source, "disconnect", nothing)
    seen = run(broken_again_and_again(Air(), 2))
    first, *later = links(seen.inputs)
    assert_each_once(first)
    for link in later:
        with pytest.raises(AssertionError, match="doubled"):
            assert_each_once(link)


def test_links_that_break_while_they_are_made_leave_no_trace() -> None:
    """After any number of packets of discovering, asking and starting; what never answers has a limit.

    From four on: a link that ends before bluetoothd has its socket makes Linux 6.1.192 itself fall over
    (`hci_chan_del` in `l2cap_conn_free`), and bluetoothd gives it up before any program hears of it.
    """

    async def use() -> None:
        air = Air()
        limits = Limits(call_s=2.0, disconnect_s=2.0, first_pause_s=0.05, longest_pause_s=0.1)
        async with air.adapter(), air.sensor(LEG), measuring(Backend(), LEG.local_name, limits) as seen:
            for packets in (4, 8, 16, 24, 32, 40, 48, 64):
                await air.lose_after(packets)
            ups = seen.ups
            await seen.until(lambda: seen.ups > ups)
            await seen.more(30)
        for link in links(seen.inputs):
            assert_each_once(link)
        assert_all_accounted_for(seen.inputs)
        trouble = [text for state, text in seen.states if state is LinkState.SEARCHING]
        print(f"{seen.ups} links measured;", *sorted(set(trouble)), sep="\n")

    run(use())


def test_an_adapter_pulled_out_is_told_and_measuring_goes_on_once_it_is_back_and_on() -> None:
    async def use() -> None:
        air, usb = Air(), contextlib.AsyncExitStack()
        async with air.sensor(LEG):
            await usb.enter_async_context(air.adapter())
            async with measuring(Backend(), LEG.local_name, PATIENT) as seen:
                await seen.more(100)
                await usb.aclose()
                await seen.until(lambda: seen.said("Bluetooth cannot be used"))
                assert seen.downs == ["lost"]
                await seen.until(lambda: seen.said("plug in or enable a Bluetooth adapter"))
                async with air.adapter(powered=False):
                    await seen.until(lambda: seen.said("switch Bluetooth on"))
                    await switch_on()
                    await seen.linked(2)
                    await seen.more(100)
        for link in links(seen.inputs):
            assert_each_once(link)
        assert_all_accounted_for(seen.inputs)
        told = {text for state, text in seen.states if state is LinkState.SEARCHING}
        print(*sorted(told), sep="\n")

    run(use())


def test_a_link_that_stands_but_brings_nothing_is_given_up_and_made_anew() -> None:
    silent = VirtualSettings(seed=7, name="Mute", faults=parse("silent@1s:60s"))

    async def use() -> None:
        air = Air()
        async with air.adapter(), air.sensor(silent), measuring(Backend(), None) as seen:
            await seen.until(lambda: seen.downs == ["silent"] and seen.ups == 2)
        assert_each_once(links(seen.inputs)[0])

    run(use())


def test_two_sensors_at_once_over_one_adapter() -> None:
    async def use() -> None:
        air, backend = Air(), Backend()
        async with (
            air.adapter(),
            air.sensor(LEG),
            air.sensor(HIP),
            measuring(backend, None, PATIENT) as one,
            measuring(backend, None, PATIENT) as other,
        ):
            for links_made in (1, 2):
                await asyncio.gather(one.linked(links_made), other.linked(links_made))
                await asyncio.gather(one.more(300), other.more(300))
                if links_made == 1:
                    air.lose(LEG)
                    air.lose(HIP)
        for seen in (one, other):
            for link in links(seen.inputs):
                assert_each_once(link)
            assert_all_accounted_for(seen.inputs)

    run(use())
