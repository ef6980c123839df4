"""What the BLE source does when the Bluetooth stack misbehaves: a scripted stack behind bleak's own hook."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakError,
    BleakGATTProtocolError,
)

from ble_watch import PATIENCE_S, measuring
from hipturn.drivers import BATTERY_LEVEL_UUID
from hipturn.drivers.hipturn_gatt import CONTROL_UUID, DATA_UUID, INFO_UUID, SERVICE_UUID, START
from hipturn.errors import LinkError
from hipturn.model import LinkUp, Packets
from hipturn.sources.ble import Backend, Limits, LinkState, scan
from hipturn.sources.ble.link import RETRIES, within

BRISK = Limits(
    scan_s=0.2,
    connect_s=0.2,
    retry_s=0.01,
    call_s=0.2,
    disconnect_s=0.2,
    silence_s=30.0,
    first_pause_s=0.01,
    longest_pause_s=0.02,
)
ADDRESS = "F0:00:00:00:00:07"


class Stack:
    """What a scripted stack does and what was asked of it. Scripts are taken from the front, one a call."""

    def __init__(self) -> None:
        self.scans: list[Exception] = []
        self.connects: list[Callable[[], Any]] = []
        self.disconnects: list[Callable[[], Any]] = []
        self.reads: list[Callable[[], Any]] = []
        self.calls: list[str] = []
        self.clients: list[FakeClient] = []
        self.advertises = True
        self.devices = [ADDRESS]
        self.listening: list[FakeScanner] = []
        self.scanning = asyncio.Event()
        self.service_uuids = [SERVICE_UUID]
        self.more_uuids: list[str] = []

    def backend(self) -> Backend:
        scanner = type("ScannerHere", (FakeScanner,), {"stack": self})
        client = type("ClientHere", (FakeClient,), {"stack": self})
        return Backend(scanner, client)

    def advertise(self) -> None:
        data = AdvertisementData("Leg", {}, {}, self.service_uuids, None, -60, ())
        for scanner in self.listening:
            for address in self.devices:
                scanner.call_detection_callbacks(BLEDevice(address, "Leg", None), data)


async def take(script: list[Callable[[], Any]]) -> None:
    if script:
        outcome = script.pop(0)()
        if outcome is not None:
            await outcome


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> None:
        raise error

    return act


def hanging() -> Any:
    return asyncio.get_running_loop().create_future()


class FakeScanner(BaseBleakScanner):
    stack: ClassVar[Stack]

    def __init__(self, callback: AdvertisementDataCallback | None, *args: Any, **_kwargs: Any) -> None:
        super().__init__(callback, None)

    async def start(self) -> None:
        self.stack.calls.append("scan")
        if self.stack.scans:
            raise self.stack.scans.pop(0)
        self.stack.listening.append(self)
        self.stack.scanning.set()
        if self.stack.advertises:
            self.stack.advertise()

    async def stop(self) -> None:
        self.stack.calls.append("stop scan")
        self.stack.listening.remove(self)
        self.stack.scanning.clear()


class FakeClient(BaseBleakClient):
    stack: ClassVar[Stack]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_packet: NotifyCallback | None = None
        self._connected = False
        self.stack.clients.append(self)

    @property
    def mtu_size(self) -> int:
        return 247

    @property
    def is_connected(self) -> bool:
        return self._connected

    async def connect(self, pair: bool, **_kwargs: Any) -> None:
        self.stack.calls.append("connect")
        await take(self.stack.connects)
        self._connected = True
        self.services = BleakGATTServiceCollection()
        service = BleakGATTService(None, 1, SERVICE_UUID)
        self.services.add_service(service)
        for handle, uuid in enumerate((DATA_UUID, CONTROL_UUID, INFO_UUID, *self.stack.more_uuids), 2):
            one = BleakGATTCharacteristic(None, handle, uuid, ["read"], lambda: 244, service)
            self.services.add_characteristic(one)

    async def disconnect(self) -> None:
        self.stack.calls.append("disconnect")
        await take(self.stack.disconnects)
        self.drop()

    def drop(self) -> None:
        if self._connected:
            self._connected = False
            self.lose()

    def lose(self) -> None:
        if self._disconnected_callback:
            self._disconnected_callback()

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_kwargs: Any) -> bytearray:
        await take(self.stack.reads)
        return bytearray([87] if characteristic.uuid == BATTERY_LEVEL_UUID else b'{"rate_hz": 100}')

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        self.stack.calls.append("start" if bytes(data)[-1] == START else "stop")
        if self.on_packet is not None:
            self.on_packet(bytearray(b"during the write"))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_kwargs: Any
    ) -> None:
        self.on_packet = callback
        callback(bytearray(b"at once"))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None: ...
    async def pair(self, *args: Any, **kwargs: Any) -> None: ...
    async def unpair(self) -> None: ...
    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **kwargs: Any) -> bytearray:
        return bytearray()

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None: ...


def test_packets_before_the_link_is_up_are_kept_and_come_after_it() -> None:
    async def use() -> None:
        stack = Stack()
        async with measuring(stack.backend(), "leg", BRISK) as seen:
            await seen.until(lambda: len(seen.packets) == 2)
        up, first, second, stopping, _down = seen.inputs
        assert isinstance(up, LinkUp) and isinstance(first, Packets) and isinstance(second, Packets)
        assert [bytes(p.data.tobytes()) for p in (first, second)] == [b"at once", b"during the write"]
        assert isinstance(stopping, Packets), "what comes until the end is kept too"
        assert stack.calls == ["scan", "stop scan", "connect", "start", "stop", "disconnect"]

    asyncio.run(use())


def test_failed_connections_are_told_tidied_up_and_tried_again() -> None:
    async def use() -> None:
        stack = Stack()
        refused = raising(BleakError("failed to discover services,\n device disconnected"))
        stack.connects = [refused] * (RETRIES + 1)
        stack.connects += [hanging, raising(OSError("backend-specific")), raising(EOFError())]
        async with measuring(stack.backend(), None, BRISK) as seen:
            await seen.until(lambda: seen.ups == 1)
        assert (
            stack.calls.count("connect")
            == stack.calls.count("disconnect")
            == len(stack.clients)
            == RETRIES + 5
        )
        for words in (
            "failed to discover services, device disconnected",
            "no answer within 0.2 s",
            "backend-specific",
            "EOFError",
        ):
            assert seen.said(words)
        assert seen.downs == ["stopped"]

    asyncio.run(use())


def test_a_connection_that_failed_is_tried_again_at_once_without_a_word() -> None:
    """BlueZ loses some while it discovers services; the end of a failed one is not the next one's."""

    async def use() -> None:
        stack = Stack()

        def half_made() -> None:
            stack.clients[-1].lose()
            raise BleakError("failed to discover services, device disconnected")

        stack.connects = [half_made] * RETRIES
        async with measuring(stack.backend(), None, BRISK) as seen:
            await seen.until(lambda: len(seen.packets) == 2)
            assert stack.calls.count("scan") == 1 and len(seen.states) == 3
            stack.clients[0].lose()
            assert seen.downs == []
        assert seen.downs == ["stopped"] and len(stack.clients) == RETRIES + 1

    asyncio.run(use())


def test_a_drop_is_followed_by_disconnect_and_a_new_client_even_if_disconnecting_hangs() -> None:
    async def use() -> None:
        stack = Stack()
        stack.disconnects = [hanging]
        async with measuring(stack.backend(), None, BRISK) as seen:
            await seen.until(lambda: seen.ups == 1)
            stack.clients[0].drop()
            assert seen.downs == ["lost"], "told at once"
            stale = stack.clients[0].on_packet
            assert stale is not None
            before = len(seen.inputs)
            stale(bytearray(b"late"))
            assert len(seen.inputs) == before, "a link that is down says no more"
            await seen.until(lambda: seen.ups == 2)
        assert len(stack.clients) == 2 and stack.calls.count("disconnect") == 2

    asyncio.run(use())


def test_a_read_that_never_answers_does_not_hold_the_source_up() -> None:
    async def use() -> None:
        stack = Stack()
        stack.reads = [hanging]
        async with measuring(stack.backend(), None, BRISK) as seen:
            await seen.until(lambda: seen.said("reading from the sensor: no answer within 0.2 s"))
            await seen.until(lambda: seen.ups == 1)
        assert seen.downs == ["stopped"], "the link that did not start leaves no trace"

    asyncio.run(use())


def test_silence_ends_the_link() -> None:
    async def use() -> None:
        stack = Stack()
        async with measuring(stack.backend(), None, Limits(silence_s=0.05, first_pause_s=0.01)) as seen:
            await seen.until(lambda: seen.ups == 2)
        assert seen.downs[0] == "silent"

    asyncio.run(use())


def test_bluetooth_that_is_off_is_told_with_advice_and_tried_again() -> None:
    async def use() -> None:
        stack = Stack()
        off = BleakBluetoothNotAvailableReason.POWERED_OFF
        stack.scans = [
            BleakBluetoothNotAvailableError("the radio is off.", off),
            FileNotFoundError(2, "no D-Bus"),
        ]
        async with measuring(stack.backend(), None, BRISK) as seen:
            await seen.until(lambda: seen.ups == 1)
        told = [text for state, text in seen.states if state is LinkState.SEARCHING]
        assert "Bluetooth cannot be used, the radio is off: switch Bluetooth on" in told
        assert any("no D-Bus" in text and "service running?" in text for text in told)

    asyncio.run(use())


@pytest.mark.parametrize("what", ["nothing", "unknown device", "connecting", "pausing"])
def test_cancelling_ends_the_source_at_once_wherever_it_is(what: str) -> None:
    async def use() -> None:
        stack = Stack()
        stack.advertises = what != "nothing"
        stack.service_uuids = [] if what == "unknown device" else [SERVICE_UUID]
        stack.connects = [raising(BleakError("no")) if what == "pausing" else hanging] * 9
        limits = Limits(scan_s=0.1, first_pause_s=60.0, longest_pause_s=60.0)
        words = {
            "nothing": "Leg is not in reach: switch it on",
            "unknown device": "Leg is in reach, but no driver knows it",
            "connecting": f"Leg ({ADDRESS})",
            "pausing": "connecting to Leg",
        }
        async with measuring(stack.backend(), "Leg", limits) as seen:
            await seen.until(lambda: seen.said(words[what]))
            began_s = time.monotonic()
        assert time.monotonic() - began_s < 5.0
        assert seen.inputs == []
        assert stack.calls.count("connect") == stack.calls.count("disconnect")

    asyncio.run(use())


def test_sensors_share_a_radio_in_turns() -> None:
    async def use() -> None:
        stack = Stack()
        backend = stack.backend()
        async with measuring(backend, "Nobody", BRISK) as nobody, measuring(backend, "Leg", BRISK) as leg:
            await nobody.until(lambda: len(nobody.states) >= 2)
            await leg.until(lambda: leg.ups == 1)
            found = await scan(0.01, backend, ask_battery=True)
        assert [(one.name, one.driver, one.battery_percent) for one in found] == [("Leg", "hipturn", None)]
        scanning = [call for call in stack.calls if "scan" in call]
        assert scanning == ["scan", "stop scan"] * (len(scanning) // 2)

    asyncio.run(use())


def test_a_sensor_that_is_away_does_not_keep_the_others_waiting() -> None:
    """Whoever listens does it for all: a round is over as soon as any has found its own."""

    async def use() -> None:
        stack = Stack()
        stack.advertises = False
        backend, patient = stack.backend(), replace(BRISK, scan_s=PATIENCE_S)
        async with measuring(backend, "Nobody", patient) as nobody, measuring(backend, "Leg", patient) as leg:
            await stack.scanning.wait()
            stack.advertise()
            await leg.until(lambda: leg.ups == 1)
            await stack.scanning.wait()
            assert len(nobody.states) == 1, "no round of its own is over, so there is nothing to tell"
        assert stack.calls.count("connect") == 1

    asyncio.run(use())


@pytest.mark.parametrize("wanted", [None, "Leg"])
def test_each_device_is_one_source_s_alone_and_stays_so(wanted: str | None) -> None:
    """Two that take any sensor, or have the same name, get two, and after a loss each its own."""

    async def use() -> None:
        stack = Stack()
        stack.devices = [ADDRESS, "F0:00:00:00:00:08"]
        backend = stack.backend()
        async with measuring(backend, wanted, BRISK) as one, measuring(backend, wanted, BRISK) as other:
            await one.until(lambda: one.ups == 1)
            await other.until(lambda: other.ups == 1)
            first, second = (client.address for client in stack.clients)
            assert {first, second} == set(stack.devices)
            if wanted is None:
                stack.devices.reverse()
                for client in list(stack.clients):
                    client.drop()
                await one.until(lambda: one.ups == 2)
                await other.until(lambda: other.ups == 2)
        for seen in (one, other):
            labels = [text for state, text in seen.states if state is LinkState.CONNECTING]
            assert len(set(labels)) == 1
        async with measuring(backend, wanted, BRISK) as again:
            await again.until(lambda: again.ups == 1)

    asyncio.run(use())


def test_whatever_a_stack_raises_becomes_one_line() -> None:
    async def fail(error: Exception) -> None:
        raise error

    for error, line in (
        (RuntimeError("two\nlines"), "two lines"),
        (BleakGATTProtocolError(14), "GATT Protocol Error: Unlikely Error"),
    ):
        with pytest.raises(LinkError, match=f"^testing: {line}$"):
            asyncio.run(within(1.0, "testing", fail(error)))


@pytest.mark.parametrize("outcome", ["a result", "an error"])
def test_a_stack_that_swallows_a_cancellation_cannot_keep_the_source_alive(outcome: str) -> None:
    async def swallow() -> None:
        try:
            await hanging()
        except asyncio.CancelledError:
            if outcome == "an error":
                raise BleakError("not connected") from None

    async def use() -> None:
        task = asyncio.create_task(within(PATIENCE_S, "testing", swallow()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(use())


@pytest.mark.parametrize(("lost", "percent"), [(2, 87), (3, None)])
def test_a_sensor_lost_while_it_is_asked_for_its_charge_is_asked_again(
    lost: int, percent: int | None
) -> None:
    async def use() -> None:
        stack = Stack()
        stack.more_uuids = [BATTERY_LEVEL_UUID]

        def drop() -> None:
            stack.clients[-1].drop()
            raise BleakError("Not connected")

        stack.reads = [drop] * lost
        (found,) = await scan(0.01, stack.backend(), ask_battery=True, limits=BRISK)
        assert found.battery_percent == percent
        assert stack.calls.count("connect") == stack.calls.count("disconnect") == 3

    asyncio.run(use())


@pytest.mark.parametrize("answer", [raising(BleakError("Read not permitted")), hanging])
def test_a_sensor_that_does_not_say_its_charge_is_asked_once(answer: Callable[[], Any]) -> None:
    async def use() -> None:
        stack = Stack()
        stack.more_uuids = [BATTERY_LEVEL_UUID]
        stack.reads = [answer]
        (found,) = await scan(0.01, stack.backend(), ask_battery=True, limits=BRISK)
        assert found.battery_percent is None
        assert stack.calls.count("connect") == 1

    asyncio.run(use())
