"""A Bluetooth adapter for the kernel this runs on, and virtual sensors in its air: see `.ci/kernel/boot`.

The adapter is /dev/vhci with the virtual radio behind it; from HCI upwards all is Linux's and BlueZ's own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.hci import Address
from bumble.transport import open_transport
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from ble_watch import PATIENCE_S
from hipturn.sources.virtual import VirtualSettings
from hipturn.sources.virtual.peripheral import VirtualSensor
from hipturn.sources.virtual.playback import simulated
from hipturn.sources.virtual.radio import Radio, RadioController

INTERVAL_S = 0.015
ADAPTER = "org.bluez.Adapter1"


class Brittle(Radio):
    """A radio whose links break after so many packets more, if told to."""

    def __init__(self) -> None:
        super().__init__(INTERVAL_S)
        self.left: int | None = None
        self.broken = asyncio.Event()

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        super().send_acl_data(sender_controller, destination_address, transport, data)
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                self.left = None
                asyncio.get_running_loop().call_soon(self._break, sender_controller)

    def _break(self, controller: Controller) -> None:
        self.lose(controller)
        self.broken.set()


class Air:
    """The air of one test: an adapter that can be pulled out, and sensors whose links can be broken."""

    def __init__(self) -> None:
        self.radio = Brittle()
        self.happened: list[tuple[str, str]] = []
        """Which sensor, and what became of it."""
        self._changed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def adapter(self, *, powered: bool = True) -> AsyncIterator[None]:
        """Have an adapter while the context lasts."""
        transport = await open_transport("vhci")
        controller = RadioController(
            "kernel",
            self.radio,
            host_source=transport.source,
            host_sink=transport.sink,
            public_address="C0:00:00:00:00:01",
        )
        try:
            async with _bluetoothd() as daemon:
                await daemon.adapter(present=True)
                if powered:
                    await daemon.power()
            yield
        finally:
            self.radio.remove_controller(controller)
            controller.host = None
            await transport.close()
            async with _bluetoothd() as daemon:
                await daemon.adapter(present=False)

    @contextlib.asynccontextmanager
    async def sensor(self, settings: VirtualSettings) -> AsyncIterator[None]:
        """Have a sensor in reach while the context lasts."""

        def tell(what: str, _t_s: float) -> None:
            self.happened.append((settings.local_name, what))
            self._changed.set()

        sensor = VirtualSensor(self.radio, settings, simulated(settings), tell)
        running = asyncio.create_task(sensor.run(), name=settings.local_name)
        try:
            await self.until(lambda: (settings.local_name, "advertising") in self.happened)
            yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    def lose(self, settings: VirtualSettings) -> None:
        """Break a sensor's link: for both ends it times out."""
        controller = self.radio.find_le_controller(Address(settings.address))
        assert controller is not None
        self.radio.lose(controller)

    async def lose_after(self, packets: int) -> None:
        """Break the next link after so many packets of any kind, and wait until it has broken."""
        self.radio.broken.clear()
        self.radio.left = packets
        async with asyncio.timeout(PATIENCE_S):
            await self.radio.broken.wait()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something about the sensors is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


async def switch_on() -> None:
    """Power the adapter, as a person does."""
    async with _bluetoothd() as daemon:
        await daemon.power()


async def connected() -> list[str]:
    """Return the addresses of what bluetoothd is connected to."""
    async with _bluetoothd() as daemon:
        devices = (await daemon.objects("org.bluez.Device1")).values()
    return [each["Address"].value for each in devices if each["Connected"].value]


Properties = Mapping[str, Variant]


class _Daemon:
    """What bluetoothd says and does, over D-Bus."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._changed = asyncio.Event()
        bus.add_message_handler(self._on_message)

    async def listen(self) -> None:
        """Hear of changes from now on."""
        bus = "org.freedesktop.DBus"
        await self._call(bus, "/org/freedesktop/DBus", bus, "AddMatch", "s", ["type='signal'"])

    async def objects(self, interface: str) -> Mapping[str, Properties]:
        """Return the objects with this interface by path; none while bluetoothd does not run."""
        reply = await self._call("org.bluez", "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        if reply.message_type is MessageType.ERROR:
            return {}
        return {path: each[interface] for path, each in reply.body[0].items() if interface in each}

    async def adapter(self, *, present: bool) -> None:
        """Wait until there is an adapter, or none."""
        await self._until(lambda found: bool(found) is present)

    async def power(self) -> None:
        """Switch the adapter on and wait until it is."""
        (path,) = await self.objects(ADAPTER)
        properties = "org.freedesktop.DBus.Properties"
        on = [ADAPTER, "Powered", Variant("b", True)]
        reply = await self._call("org.bluez", path, properties, "Set", "ssv", on)
        assert reply.message_type is not MessageType.ERROR, reply.body
        await self._until(lambda found: found[path]["Powered"].value)

    async def _until(self, condition: Callable[[Mapping[str, Properties]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self._changed.clear()
                if condition(await self.objects(ADAPTER)):
                    return
                await self._changed.wait()

    async def _call(
        self, to: str, path: str, interface: str, member: str, signature: str = "", body: Sequence[Any] = ()
    ) -> Message:
        asked = Message(
            destination=to,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        reply = await self._bus.call(asked)
        assert reply is not None
        return reply

    def _on_message(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            self._changed.set()


@contextlib.asynccontextmanager
async def _bluetoothd() -> AsyncIterator[_Daemon]:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        daemon = _Daemon(bus)
        await daemon.listen()
        yield daemon
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
