"""Every fault of every virtual device: what is asked for happens on its radio, and the source tells of it."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

import warped
from ble_watch import Watcher
from hipturn import drivers
from hipturn.errors import UsageError
from hipturn.model import LinkUp, Packets, RawSamples
from hipturn.sources.ble import BleSource
from hipturn.sources.virtual import VirtualSettings, devices
from hipturn.sources.virtual.faults import parse

DEVICES = devices.names()
WATCH_S = 6.0
SHARE = 0.2
CUT = 1
"""Frames that stopping may cut in two."""


@dataclasses.dataclass(frozen=True)
class Watched:
    """What came from a device in a while."""

    seen: Watcher
    happened: Sequence[str]
    percents: Sequence[int]

    @property
    def packets(self) -> list[bytes]:
        return [one.data.tobytes() for one in self.seen.packets]

    @property
    def info(self) -> LinkUp:
        return next(one for one in self.seen.inputs if isinstance(one, LinkUp))

    def samples(self) -> list[RawSamples]:
        """Return what a decoder a link makes of them."""
        out: list[RawSamples] = []
        decode: Callable[[Packets], RawSamples] = drivers.decoder(self.info.info)
        for one in self.seen.inputs:
            match one:
                case LinkUp():
                    decode = drivers.decoder(one.info)
                case Packets():
                    out.append(decode(one))
        return out

    def count(self) -> int:
        return sum(len(each.tick) for each in self.samples())

    def bad(self) -> int:
        return sum(len(each.bad_before) for each in self.samples())


def watch(device: str, faults: str = "", interval_s: float = 0.015, seconds: float = WATCH_S) -> Watched:
    """Measure for a while in warped time."""
    settings = VirtualSettings(3, 2, device, faults=parse(faults), interval_s=interval_s)
    percents: list[int] = []

    async def session() -> tuple[Watcher, list[str]]:
        async with warped.in_reach(settings) as (bluetooth, _, happened):
            seen = Watcher()
            source = BleSource(
                settings.local_name,
                "shin",
                seen.emit,
                seen.on_state,
                bluetooth,
                on_vitals=lambda percent, _: percents.extend([] if percent is None else [percent]),
            )
            running = asyncio.create_task(source.run())
            await seen.until(lambda: seen.ups == 1)
            await asyncio.sleep(seconds)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            return seen, happened

    seen, happened = warped.run(session())
    seen.assert_order()
    return Watched(seen, happened, percents)


CLEAN: dict[str, Watched] = {}


def clean(device: str) -> Watched:
    """Return what comes without a fault; the same for all."""
    if device not in CLEAN:
        CLEAN[device] = watch(device)
    return CLEAN[device]


def expected(device: str) -> int:
    return len(clean(device).packets)


@pytest.mark.parametrize("device", DEVICES)
def test_without_a_fault_nothing_is_lost_or_damaged(device: str) -> None:
    found = clean(device)
    rate_hz = found.info.info.rate_hz
    assert found.bad() <= CUT and found.seen.ups == 1 and found.seen.downs == ["stopped"]
    # some send the first second late, and a packet of Polar's holds a third of a second
    assert (WATCH_S - 1.0) * rate_hz <= found.count() <= (WATCH_S + 0.5) * rate_hz


@pytest.mark.parametrize("device", DEVICES)
def test_a_drop_is_told_and_the_link_made_again(device: str) -> None:
    found = watch(device, "drop@2s")
    assert found.seen.downs == ["lost", "stopped"] and found.seen.ups == 2
    assert "drop" in found.happened
    assert 0.5 * clean(device).count() < found.count() < clean(device).count()


@pytest.mark.parametrize("device", DEVICES)
def test_a_silent_link_is_given_up_and_made_again(device: str) -> None:
    found = watch(device, "silent@1.5s:2.5s")
    assert found.seen.downs[0] == "silent" and found.seen.downs[-1] == "stopped"
    assert found.seen.ups >= 2
    assert "drop" not in found.happened


@pytest.mark.parametrize("device", DEVICES)
def test_a_reboot_begins_the_devices_clock_anew(device: str) -> None:
    found = watch(device, "reboot@2s")
    assert found.seen.downs == ["lost", "stopped"] and found.seen.ups == 2 and "reboot" in found.happened
    if found.info.info.tick_hz:
        ticks = [int(each.tick[0]) for each in found.samples() if len(each.tick)]
        # near the wrap of 32 bits of µs at power-on, and at 0 after the restart
        anew = ticks.index(min(ticks))
        assert anew > 0 and ticks[:anew] == sorted(ticks[:anew]) and ticks[anew:] == sorted(ticks[anew:])


@pytest.mark.parametrize("device", DEVICES)
def test_lost_packets_are_missing(device: str) -> None:
    found = watch(device, f"loss:{SHARE}")
    share = 1.0 - len(found.packets) / expected(device)
    assert share == pytest.approx(SHARE, abs=0.15)
    assert found.count() < clean(device).count()


@pytest.mark.parametrize("device", DEVICES)
def test_doubled_packets_come_twice_in_a_row(device: str) -> None:
    found = watch(device, f"dup:{SHARE}")
    twice = sum(a == b for a, b in pairwise(found.packets))
    usually = sum(a == b for a, b in pairwise(clean(device).packets))
    assert (twice - usually) / expected(device) == pytest.approx(SHARE, abs=0.15)


@pytest.mark.parametrize("device", DEVICES)
def test_swapped_packets_are_all_there_in_another_order(device: str) -> None:
    found = watch(device, f"reorder:{SHARE}")
    plain = clean(device).packets
    n = min(len(found.packets), len(plain)) - 2
    assert sum((Counter(plain[:n]) - Counter(found.packets)).values()) <= 2
    moved = sum(a != b for a, b in zip(found.packets[:n], plain[:n]))
    assert moved > 0.1 * n


@pytest.mark.parametrize("device", DEVICES)
def test_garbage_is_there_and_breaks_nothing(device: str) -> None:
    found = watch(device, f"garbage:{SHARE}")
    plain = clean(device).packets
    assert len(found.packets) == pytest.approx(len(plain), abs=2)
    changed = sum(a != b for a, b in zip(found.packets, plain))
    assert changed / len(plain) == pytest.approx(SHARE, abs=0.15)
    assert found.seen.downs == ["stopped"], "a link with damaged packets is a link"
    assert found.count() < clean(device).count() or found.bad() == 0


@pytest.mark.parametrize("device", DEVICES)
def test_a_low_battery_is_told(device: str) -> None:
    found = watch(device, "battery:7", seconds=2.0)
    own = type(drivers.get(device)).battery is not drivers.Driver.battery
    # while it measures the source asks only where the charge has a place of its own beside the samples
    assert set(found.percents) == (set() if own else {7})
    assert found.count() > 0


@pytest.mark.parametrize("device", DEVICES)
def test_a_wrong_mode_is_put_right_or_cannot_be(device: str) -> None:
    if not devices.get(device).TRAITS.found_measuring:
        with pytest.raises(UsageError, match="never found in a wrong mode"):
            VirtualSettings(device=device, faults=parse("mode"))
        return
    found = watch(device, "mode", seconds=4.0)
    assert found.info.info == clean(device).info.info
    # what it sends in its old mode until it is told otherwise is no sample of the new one
    assert found.count() >= 3.0 * found.info.info.rate_hz and found.bad() <= 10


@pytest.mark.parametrize("interval_ms", [7.5, 50.0])
@pytest.mark.parametrize("device", DEVICES)
def test_packets_come_in_bursts_of_the_connection_interval(device: str, interval_ms: float) -> None:
    found = watch(device, interval_s=interval_ms / 1000.0, seconds=3.0)
    arrivals = sorted({int(one.at_ns[0]) for one in found.seen.packets})
    apart_ms = [(b - a) / 1e6 for a, b in pairwise(arrivals) if b - a > 1e5]
    # a multiple of the interval, from one connection event to a later one
    assert all(abs(each / interval_ms - round(each / interval_ms)) < 0.05 for each in apart_ms)
    assert found.bad() <= CUT
