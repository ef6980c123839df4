"""The BLE source against the virtual sensor in a process of its own, through a real GATT stack."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from click.testing import CliRunner

from ble_watch import PATIENCE_S, Watcher, measuring
from hipturn.cli.scan import command as scan_command
from hipturn.drivers.hipturn_gatt import CONTROL, CONTROL_UUID, HEADER, START, STOP, VERSION
from hipturn.errors import BluetoothUnavailable, HipturnError
from hipturn.model import IntArray
from hipturn.sources import bleak_bumble
from hipturn.sources.ble import Backend, Limits, LinkState, scan
from hipturn.sources.virtual import Event, Spawned, spawned

PATIENT = Limits(silence_s=PATIENCE_S, first_pause_s=0.01)
"""For tests that are not about silence: on a busy machine any process may fall silent for a second."""


def headers(watcher: Watcher) -> IntArray:
    """The packets' headers, a row each: version, count, sequence, tick, period, flags."""
    return np.array([HEADER.unpack_from(one.data.tobytes()) for one in watcher.packets], dtype=np.int64)


async def event(sensor: Spawned, kind: str) -> Event:
    async with asyncio.timeout(PATIENCE_S):
        while (one := await sensor.events.get())["type"] != kind:
            pass
    return one


def test_measures_at_100_hz_in_order_without_loss_and_leaves_the_sensor_idle() -> None:
    async def use() -> None:
        async with spawned(["--seed", "7", "--reps", "1"]) as sensor:
            async with (
                bleak_bumble.backend(sensor.hci) as backend,
                measuring(backend, "hipturn", PATIENT) as seen,
            ):
                await seen.until(lambda: len(seen.packets) >= 200)
            rows = headers(seen)
            assert (np.diff(rows[:, 2]) == 1).all(), "lost, doubled or out of order"
            assert (np.diff(rows[:, 3]) % 2**32 == 10_000).all()
            span_s = float(seen.packets[-1].at_ns[0] - seen.packets[0].at_ns[0]) * 1e-9
            assert (len(rows) - 1) / span_s == pytest.approx(100.0, rel=0.2)
            assert seen.downs == ["stopped"]
            assert [state for state, _ in seen.states] == [
                LinkState.SEARCHING,
                LinkState.CONNECTING,
                LinkState.MEASURING,
            ]
            await event(sensor, "stop")
            await event(sensor, "advertising")

    asyncio.run(use())


def test_scan_tells_what_it_finds_and_bad_commands_are_refused() -> None:
    async def use() -> None:
        async with spawned(["--seed", "258", "--name", "LegLeg"]) as sensor:
            args = ["--seconds", "0.5", "--json", "--hci", sensor.hci]
            told = await asyncio.to_thread(CliRunner().invoke, scan_command, args)
            assert json.loads(told.stdout) == {
                "v": 1,
                "type": "sensor",
                "name": "LegLeg",
                "address": sensor.address,
                "driver": "hipturn",
                "rssi_dbm": -50,
                "battery_percent": 87,
            }
            async with bleak_bumble.backend(sensor.hci) as backend:
                await event(sensor, "advertising")
                assert backend.scanner is not None
                device = await BleakScanner.find_device_by_name("LegLeg", backend=backend.scanner)
                assert device is not None and device.address == sensor.address == "F0:01:00:00:01:02"
                async with BleakClient(device, backend=backend.client) as client:
                    assert client.mtu_size == 247
                    for bad in (b"", bytes(9), CONTROL.pack(VERSION, 1, 100, START)):
                        with pytest.raises(Exception, match=r"(?i)invalid.*length|value"):
                            await client.write_gatt_char(CONTROL_UUID, bad, response=True)
                    state = await client.read_gatt_char(CONTROL_UUID)
                    assert state == CONTROL.pack(VERSION, 0, 0, STOP)

    asyncio.run(use())


def test_comes_back_after_a_lost_link() -> None:
    async def use() -> None:
        async with spawned(["--faults", "drop@500ms:500ms", "--samples-per-packet", "2"]) as sensor:
            async with bleak_bumble.backend(sensor.hci) as backend, measuring(backend, None, PATIENT) as seen:
                await seen.until(lambda: seen.downs == ["lost"])
                before = len(seen.packets)
                await seen.until(lambda: seen.ups == 2 and len(seen.packets) > before)
            assert seen.downs == ["lost", "stopped"] and seen.said("link was lost")
            rows = headers(seen)
            assert (rows[:, 1] == 2).all()
            steps = np.diff(rows[:, 3]) % 2**32
            assert steps[before - 1] > 500_000, "the leg moves on while the link is down"
            assert (np.delete(steps, before - 1) == 20_000).all()

    asyncio.run(use())


def test_gives_up_a_silent_link_and_connects_again() -> None:
    async def use() -> None:
        async with (
            spawned(["--faults", "silent@500ms:60s"]) as sensor,
            bleak_bumble.backend(sensor.hci) as backend,
            measuring(backend) as seen,
        ):
            await seen.until(lambda: seen.downs == ["silent"])
            assert seen.packets and seen.said("no more packets")
            await seen.until(lambda: seen.ups == 2)

    asyncio.run(use())


def test_losses_are_seen_and_the_end_of_the_radio_is_told() -> None:
    async def use(process: contextlib.AsyncExitStack) -> None:
        faults = ["--faults", "loss:0.2,dup:0.2", "--interval-ms", "0"]
        sensor = await process.enter_async_context(spawned(faults))
        async with (
            bleak_bumble.backend(sensor.hci) as backend,
            measuring(backend, sensor.address.lower(), PATIENT) as seen,
        ):
            await seen.until(lambda: len(seen.packets) >= 100)
            steps = np.diff(headers(seen)[:, 2])
            assert (steps > 1).any() and (steps == 0).any() and (steps >= 0).all()
            await process.aclose()
            await seen.until(lambda: seen.downs == ["lost"])
            await seen.until(lambda: seen.said("Bluetooth cannot be used"))

    async def main() -> None:
        async with contextlib.AsyncExitStack() as process:
            await use(process)

    asyncio.run(main())


def test_an_unknown_name_is_searched_for_and_what_is_heard_is_told() -> None:
    async def use() -> None:
        async with spawned([]) as sensor, bleak_bumble.backend(sensor.hci) as backend:
            async with measuring(backend, "Nobody", Limits(scan_s=0.4)) as seen:
                await seen.until(lambda: seen.said("Nobody is not in reach; sensors heard: hipturn"))
            assert seen.inputs == []

    asyncio.run(use())


def test_a_sensor_that_does_not_start_says_why() -> None:
    async def use() -> None:
        async with spawned(["--faults", "drop@soon"]):
            raise AssertionError("it started")

    with pytest.raises(HipturnError, match=r"did not start: --faults: 'soon' in 'drop@soon' is not a time"):
        asyncio.run(use())


def test_the_sensor_leaves_with_its_parent() -> None:
    command = [sys.executable, "-m", "hipturn", "virtual", "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        assert json.loads(process.stdout.readline())["type"] == "ready"
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_sensor_is_switched_off_by_a_signal_also_behind_a_script(sent: signal.Signals) -> None:
    """What a shell starts with & has Ctrl-C's signal ignored; a script that sends it means it."""
    command = ["sh", "-c", f"trap '' INT; exec {sys.executable} -m hipturn virtual"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["type"] == "ready"
        process.send_signal(sent)
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr.read() == "the virtual sensor is switched off\n"


def test_a_transport_that_is_not_there_is_bluetooth_unavailable() -> None:
    async def use(backend: Backend) -> None:
        async with backend:
            await scan(1.0, backend)

    for spec in ("tcp-client:127.0.0.1:1", "carrier-pigeon:1"):
        with pytest.raises(BluetoothUnavailable, match=spec):
            asyncio.run(use(bleak_bumble.backend(spec)))
