"""A bleak backend over Google's bumble: scanner and client on any HCI transport, without an operating system.

It is what the virtual sensor is reached with, and it drives a spare USB adapter just as well. It is
entered through bleak's documented hook, ``BleakClient(device, backend=...)``; code that uses bleak
does not notice. `backend` returns what `ble.py` takes.
"""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError

from hipturn.errors import HipturnError
from hipturn.sources.ble import Backend

try:
    from bumble.device import Connection, Peer
    from bumble.gatt import Characteristic
    from bumble.hci import Address

    from hipturn.sources.bleak_bumble.adapter import Adapter, answer
    from hipturn.sources.bleak_bumble.scanner import BumbleScanner, uuid_text
except ImportError as error:
    raise HipturnError(
        f"this needs the package bumble ({error}): install it with  pip install 'hipturn[sim]'"
    ) from error

T = TypeVar("T")

MAX_MTU = 517
"""The largest ATT MTU of use: an attribute of 512 bytes and its header (Core 5.4 Vol 3 Part F 3.2.9)."""

_BITS = Characteristic.Properties
_PROPERTIES: dict[Characteristic.Properties, CharacteristicPropertyName] = {
    _BITS.BROADCAST: "broadcast",
    _BITS.READ: "read",
    _BITS.WRITE_WITHOUT_RESPONSE: "write-without-response",
    _BITS.WRITE: "write",
    _BITS.NOTIFY: "notify",
    _BITS.INDICATE: "indicate",
    _BITS.AUTHENTICATED_SIGNED_WRITES: "authenticated-signed-writes",
    _BITS.EXTENDED_PROPERTIES: "extended-properties",
}


def backend(spec: str) -> Backend:
    """Return the backend for an HCI transport such as ``tcp-client:127.0.0.1:9001`` or ``usb:0``.

    The transport is opened when first used; leaving the backend's context closes it.
    """
    adapter = Adapter(spec)
    scanner = type("BumbleScannerHere", (BumbleScanner,), {"adapter": adapter})
    client = type("BumbleClientHere", (BumbleClient,), {"adapter": adapter, "scanner": scanner})
    return Backend(scanner, client, adapter.close)


class BumbleClient(BaseBleakClient):
    """`bleak.BleakClient` on bumble."""

    adapter: ClassVar[Adapter]
    scanner: ClassVar[type[BumbleScanner]]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        services: set[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout, **kwargs
        )
        self._device = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._wanted_services = services
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._notified: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """The device's name, or its address with dashes."""
        return (self._device and self._device.name) or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """The negotiated ATT MTU."""
        return self._connection.att_mtu if self._connection else 23

    @property
    def is_connected(self) -> bool:
        """Whether the link exists."""
        return self._connection is not None

    async def connect(self, pair: bool, **_kwargs: Any) -> None:
        """Connect, negotiate the MTU and discover services; raise TimeoutError or `BleakError`."""
        if self._connection is not None:
            raise BleakError("the client is already connected")
        try:
            async with asyncio.timeout(self._timeout):
                self._connection = connection = await self.adapter.connect(await self._address())
                connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)
                self._peer = Peer(connection)
                if pair:
                    await answer(connection.pair())
                await answer(self._peer.request_mtu(MAX_MTU))
                self.services = await answer(self._discover(self._peer))
        except BaseException:
            await self._abandon()
            raise

    async def disconnect(self) -> None:
        """Disconnect; return when the link has ended."""
        if self._connection is not None:
            await answer(self._connection.disconnect())

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        """Pair with the connected device."""
        await answer(self._linked(self._connection).pair())

    async def unpair(self) -> None:
        """Raise: no keys are kept that could be forgotten."""
        raise NotImplementedError("this backend keeps no pairing keys")

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        """Return the value the device has now."""
        return bytearray(await answer(self._linked(self._peer).read_value(characteristic.handle)))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        """Return the value the device has now."""
        return bytearray(await answer(self._linked(self._peer).read_value(descriptor.handle)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write; with `response`, return when the device has confirmed."""
        peer = self._linked(self._peer)
        await answer(peer.write_value(characteristic.handle, bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write and wait for the confirmation."""
        peer = self._linked(self._peer)
        await answer(peer.write_value(descriptor.handle, bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_kwargs: Any
    ) -> None:
        """Subscribe; `callback` gets each value."""
        self._linked(self._peer)
        if characteristic.handle in self._notified:
            raise BleakError("notifications of this characteristic are already on")

        def on_value(value: bytes) -> None:
            callback(bytearray(value))

        # Before the answer: the first value may come with it.
        self._notified[characteristic.handle] = on_value
        try:
            await answer(characteristic.obj.subscribe(on_value))
        except BaseException:
            self._notified.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        on_value = self._notified.pop(characteristic.handle, None)
        if on_value is not None:
            await answer(characteristic.obj.unsubscribe(on_value))

    async def _address(self) -> Address:
        if self._device is None:
            self._device = await self._look_for_device()
        address: Address = self._device.details
        return address

    async def _look_for_device(self) -> BLEDevice:
        found: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

        def heard(device: BLEDevice, _data: AdvertisementData) -> None:
            if device.address.casefold() == self.address.casefold() and not found.done():
                found.set_result(device)

        scanner = self.scanner(heard, None, "active")
        await scanner.start()
        try:
            async with asyncio.timeout(self._timeout):
                return await found
        except TimeoutError as error:
            raise BleakDeviceNotFoundError(self.address, f"{self.address} was not found") from error
        finally:
            await scanner.stop()

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        services = BleakGATTServiceCollection()
        for found in await peer.discover_services():
            service = BleakGATTService(found, found.handle, uuid_text(found.uuid))
            if self._wanted_services and service.uuid not in self._wanted_services:
                continue
            services.add_service(service)
            for one in await found.discover_characteristics():
                names = [name for bit, name in _PROPERTIES.items() if one.properties & bit]
                characteristic = BleakGATTCharacteristic(
                    one, one.handle, uuid_text(one.uuid), names, lambda: self.mtu_size - 3, service
                )
                services.add_characteristic(characteristic)
                for descriptor in await one.discover_descriptors():
                    kind = uuid_text(descriptor.type)
                    services.add_descriptor(
                        BleakGATTDescriptor(descriptor, descriptor.handle, kind, characteristic)
                    )
        return services

    def _on_disconnection(self, _reason: int) -> None:
        self._forget()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    def _forget(self) -> None:
        self._connection = self._peer = self.services = None
        self._notified.clear()

    async def _abandon(self) -> None:
        """Leave nothing of a connection that did not come about; nobody had it, so nobody is told."""
        connection = self._connection
        if connection is not None:
            connection.remove_listener(connection.EVENT_DISCONNECTION, self._on_disconnection)
            self._forget()
            await self.adapter.drop(connection)

    @staticmethod
    def _linked(part: T | None) -> T:
        if part is None:
            raise BleakError("not connected")
        return part
