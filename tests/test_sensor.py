"""What sensors can be told and asked from the command line, and what their buttons do."""

import asyncio

import numpy as np
import pytest
from click.testing import CliRunner

import warped
import wired
from builders import rng_of
from cli_runs import refused
from hipturn import drivers
from hipturn.cli.sensor import command as sensor_command
from hipturn.core.pipeline import CoreParams, Pipeline
from hipturn.drivers import Driver, Link, metamotion, thingy52
from hipturn.errors import LinkError
from hipturn.model import HostNs, Input, LinkUp, Mark, MarkKind, Output, Tapped
from hipturn.sources.ble import BleSource
from hipturn.sources.ble.errand import command, errand
from hipturn.sources.virtual import VirtualSettings, devices, spawned
from hipturn.sources.virtual.devices.metamotion import MetaMotionFirmware
from hipturn.sources.virtual.devices.thingy52 import Thingy52Firmware
from hipturn.sources.virtual.devices.xsens_dot import XsensDotFirmware

CAN = [(device, name) for device in devices.names() for name in sorted(drivers.get(device).commands)]


def have(device: str, name: str) -> tuple[object, list[str]]:
    """Have a virtual device do it over the radio; return its firmware then, and what happened to it."""
    settings = VirtualSettings(3, 1, device)

    async def session() -> tuple[object, list[str]]:
        async with warped.in_reach(settings) as (bluetooth, sensor, happened):

            async def do(driver: Driver, link: Link) -> object:
                assert driver.name == device
                await command(name, driver, link)
                return sensor._firmware

            return await errand(settings.local_name, bluetooth, do), happened

    return warped.run(session())


@pytest.mark.parametrize(("device", "name"), CAN)
def test_every_command_is_done_and_leaves_the_sensor_idle(device: str, name: str) -> None:
    _, happened = have(device, name)
    told = [word for word in happened if word != "advertising"]
    assert told[0] == "connected" and told[-1] == "disconnected"
    measured = "start" in told
    assert measured == (name in drivers.get(device).measuring_only)
    if measured:
        assert told[-2] == "stop"


def test_identify_makes_the_light_blink() -> None:
    dot, _ = have("xsens_dot", "identify")
    assert isinstance(dot, XsensDotFirmware) and dot._control[1] == 1
    thingy, _ = have("thingy52", "identify")
    assert isinstance(thingy, Thingy52Firmware) and thingy.led == thingy52.BREATHE
    meta, _ = have("metamotion", "identify")
    assert isinstance(meta, MetaMotionFirmware) and meta.blinking
    assert len(metamotion.BLINK) == 17


def test_a_sensor_that_is_not_there_or_nobody_knows_is_told_in_one_line() -> None:
    async def session() -> None:
        async with warped.in_reach(VirtualSettings(3, 1, "thingy52")) as (bluetooth, _, _happened):

            async def do(_driver: Driver, _link: Link) -> None:
                raise AssertionError("nothing can be done without a sensor")

            with pytest.raises(LinkError, match="nobody is not in reach; sensors heard: Thingy"):
                await errand("nobody", bluetooth, do, listen_s=2.0)

    warped.run(session())


def test_a_call_that_fails_is_told_and_the_sensor_left() -> None:
    async def session() -> list[str]:
        async with warped.in_reach(VirtualSettings(3, 1, "thingy52")) as (bluetooth, _, happened):

            async def do(_driver: Driver, link: Link) -> None:
                await link.write(thingy52.LED_UUID, b"\x02")

            with pytest.raises(LinkError):
                await errand("thingy", bluetooth, do)
            return happened

    assert "disconnected" in warped.run(session())


def test_the_command_line_asks_and_tells() -> None:
    async def use() -> list[str]:
        async with spawned(["--as", "xsens_dot", "--faults", "battery:33", "--interval-ms", "0"]) as sensor:

            def ask(*what: str) -> str:
                done = CliRunner().invoke(sensor_command, [sensor.name, *what, "--hci", sensor.hci])
                assert done.exit_code == 0, done.output
                return str(done.output).strip()

            return [await asyncio.to_thread(ask, *what) for what in ((), ("battery",), ("identify",))]

    can, battery, identify = asyncio.run(use())
    assert can.startswith("Xsens DOT / Movella DOT: ") and "identify" in can and can.endswith("battery")
    assert (battery, identify) == ("battery 33 %", "identify: done")


def test_what_no_sensor_can_do_is_refused_before_any_radio() -> None:
    line = refused("sensor", "SHIN-1", "boil", code=2)
    assert "boil: no sensor can do that; there is battery, " in line and "identify" in line


# --- the rate -----------------------------------------------------------------------------------

RATES = [(device, hz) for device in devices.names() for hz in drivers.get(device).rates_hz]


@pytest.mark.parametrize(("device", "rate_hz"), RATES)
def test_a_sensor_measures_at_the_rate_that_was_asked_for(device: str, rate_hz: float) -> None:
    wire = wired.Wire(device)
    info = wired.now(drivers.get(device).at(rate_hz).start(wire))
    assert (info.rate_hz, wire.firmware.rate_hz) == (rate_hz, rate_hz)
    wire.play(*wired.motion(80))
    samples = wired.read(info, wire.packets)
    assert len(samples.tick) >= 40 and samples.bad_before == ()
    apart_s = np.diff(samples.tick) / info.tick_hz
    # Movesense tells whole ms
    np.testing.assert_allclose(np.mean(apart_s), 1.0 / rate_hz, rtol=0.02)


def test_the_usual_rate_is_the_first_of_those_there_are() -> None:
    for device in devices.names():
        driver = drivers.get(device)
        if driver.rates_hz:
            assert wired.now(driver.start(wired.Wire(device))).rate_hz == driver.rates_hz[0]


def test_a_rate_no_such_sensor_has_is_told_and_tried_again() -> None:
    settings = VirtualSettings(3, 1, "xsens_dot")
    states: list[str] = []

    async def session() -> list[str]:
        async with warped.in_reach(settings) as (bluetooth, _, happened):
            source = BleSource(
                settings.local_name,
                "shin",
                lambda _: None,
                lambda _, text: states.append(text),
                bluetooth,
                rate_hz=77.0,
            )
            running = asyncio.create_task(source.run())
            await asyncio.sleep(5.0)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            return happened

    assert "start" not in warped.run(session())
    told = [text for text in states if "do not measure at 77 Hz: they have 20, 30, 60" in text]
    assert len(told) >= 2


# --- the button ---------------------------------------------------------------------------------


def pressed(device: str, *, listening: bool, size: int = 1 << 30) -> list[Tapped]:
    """Return what comes of a press in the middle of measuring."""
    wire, info = wired.connected(device, 30)
    firmware = wire.firmware
    assert isinstance(firmware, XsensDotFirmware | Thingy52Firmware | MetaMotionFirmware)
    before = len(wire.packets)
    firmware.press()
    assert len(wire.packets) > before
    wire.play(*wired.motion(30, seed=2))
    items: list[Input] = [LinkUp("s", HostNs(0), info)]
    if listening:
        items.append(Mark("s", HostNs(0), MarkKind.LISTEN, {"on": True}))
    pipeline = Pipeline(CoreParams(), drivers.decoder)
    out: list[Output] = []
    for item in [*items, *wired.blocks(wire.packets, lambda: size)]:
        out += pipeline.push(item)
    return [each for each in out if isinstance(each, Tapped) and each.button]


@pytest.mark.parametrize("device", ["xsens_dot", "thingy52", "metamotion"])
def test_a_press_is_told_where_it_came(device: str) -> None:
    (press,) = pressed(device, listening=True)
    assert (press.count, press.button) == (1, True) and press.t_ns > 0
    assert pressed(device, listening=False) == [press], "a button is pressed by nobody's knee"
    assert pressed(device, listening=True, size=1) == [press]
    rng = rng_of(5)
    assert pressed(device, listening=True, size=int(rng.integers(2, 9))) == [press]


@pytest.mark.parametrize("device", ["xsens_dot", "thingy52", "metamotion"])
def test_a_press_costs_no_sample_and_is_no_damage(device: str) -> None:
    wire, info = wired.connected(device, 10)
    firmware = wire.firmware
    assert isinstance(firmware, XsensDotFirmware | Thingy52Firmware | MetaMotionFirmware)
    plain = wired.read(info, wire.packets)
    firmware.press()
    told = wired.read(info, wire.packets)
    assert told.pressed_before == (len(plain.tick),) and told.bad_before == ()
    assert np.array_equal(told.tick, plain.tick)
