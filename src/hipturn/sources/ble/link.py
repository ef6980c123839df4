"""One link over bleak: a time limit on every call, errors one can act on."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakError,
    BleakGATTProtocolError,
)

from hipturn.errors import BluetoothUnavailable, LinkError
from hipturn.sources.cancelling import heeding

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the parts of a link may take, in seconds. Stacks can wait for ever in each of them."""

    scan_s: float = 5.0
    """One round of listening: sensors advertise at least each second; between rounds others have a turn."""
    connect_s: float = 15.0
    """Connecting with service discovery; slow sensors take 5 s, Windows up to 10."""
    retry_s: float = 0.25
    """Pause before connecting again: BlueZ may tell of the failed attempt's end only now, and it would be
    taken for the end of the next."""
    call_s: float = 5.0
    """One read, write or subscription: a write racing a link loss is never answered (BlueZ)."""
    disconnect_s: float = 5.0
    """After it the client is left behind and a new one made; on Windows disconnecting can take minutes."""
    silence_s: float = 1.0
    """A link that says it is connected but brings no packets for this long is given up."""
    steady_s: float = 5.0
    """A link that held this long counts as a success: the pauses between attempts start small again."""
    first_pause_s: float = 0.25
    longest_pause_s: float = 8.0
    """Pauses between failed attempts double from the first to the longest."""


RETRIES = 2
"""BlueZ loses one in five fast reconnects while it discovers services; the next attempt mostly succeeds."""


async def within(seconds: float, doing: str, call: Awaitable[T], failure: type[LinkError] = LinkError) -> T:
    """Await one call into a Bluetooth stack for at most `seconds`; raise `failure` with what was being done.

    Stacks raise what they like (bleak documents "backend-specific exceptions"), so this one place
    turns everything into `LinkError`, or `BluetoothUnavailable` where bleak says so.
    """
    try:
        async with asyncio.timeout(seconds):
            return await heeding(call)
    except LinkError:
        raise
    except BleakBluetoothNotAvailableError as error:
        raise BluetoothUnavailable(_advice(error)) from error
    except TimeoutError as error:
        raise _told(failure, doing, f"no answer within {seconds:g} s") from error
    except Exception as error:
        _log.debug("%s failed", doing, exc_info=True)
        raise _told(failure, doing, _one_line(error)) from error


def scanner(kind: type[BaseBleakScanner] | None, on_heard: AdvertisementDataCallback) -> BleakScanner:
    """Return a scanner, not yet started; raise `BluetoothUnavailable` where there is no stack for it."""
    try:
        return BleakScanner(on_heard, backend=kind)
    except (BleakError, ImportError) as error:
        raise _told(BluetoothUnavailable, "scanning", _one_line(error)) from error


async def stop(ears: BleakScanner, limits: Limits) -> None:
    """Stop a scan; never raises: where it fails, the next call to the stack will say so."""
    with contextlib.suppress(LinkError):
        await within(limits.call_s, "ending the scan", ears.stop())


@dataclass(slots=True)
class Loss:
    """The end of one link, if it was not meant: an event, and somebody told at that moment."""

    happened: asyncio.Event = field(default_factory=asyncio.Event)
    tell: Callable[[], None] = lambda: None

    def __call__(self, _client: BleakClient) -> None:
        """Hear of it from bleak."""
        self.happened.set()
        self.tell()


async def connected(
    device: BLEDevice, kind: type[BaseBleakClient] | None, limits: Limits
) -> tuple[BleakClient, Loss]:
    """Return a client that is connected to the device, services known, and its loss; raise `LinkError`."""
    label = f"{device.name or 'sensor'} ({device.address})"
    retries = RETRIES
    while True:
        # A new client for each attempt: one that has failed keeps what confused it.
        loss = Loss()
        client = BleakClient(device, loss, timeout=limits.connect_s, backend=kind)
        try:
            await within(limits.connect_s, f"connecting to {label}", client.connect())
            if loss.happened.is_set():
                raise LinkError(f"connecting to {label}: the link was lost at once")
            return client, loss
        except BaseException as error:
            await disconnect(client, limits)
            refused = isinstance(error, LinkError) and isinstance(error.__cause__, BleakError | None)
            if not refused or isinstance(error, BluetoothUnavailable) or retries == 0:
                raise
            _log.info("%s; once more", error)
            retries -= 1
        await asyncio.sleep(limits.retry_s)


class GattLink:
    """The GATT calls of one connected client, as drivers use them (see `drivers.Link`)."""

    def __init__(
        self, client: BleakClient, on_packet: Callable[[bytes | bytearray], None], call_s: float
    ) -> None:
        self._client = client
        self._on_packet = on_packet
        self._call_s = call_s
        self._asked: list[tuple[Callable[[bytes], bool], asyncio.Future[bytes]]] = []

    async def read(self, uuid: str) -> bytes:
        """Return the characteristic's value."""
        return bytes(await within(self._call_s, "reading from the sensor", self._client.read_gatt_char(uuid)))

    async def write(
        self, uuid: str, data: bytes, *, response: bool = True, service: str | None = None
    ) -> None:
        """Write the characteristic; with `response`, return when the sensor has confirmed it."""
        which = uuid if service is None else self._of_service(uuid, service)
        call = self._client.write_gatt_char(which, data, response=response)
        await within(self._call_s, "writing to the sensor", call)

    async def subscribe(self, uuid: str, tag: bytes = b"") -> None:
        """Deliver the characteristic's notifications as the stream's packets, each with `tag` before it."""

        def notified(_characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
            self._on_packet(tag + data)
            for is_answer, answer in self._asked:
                if not answer.done() and is_answer(tag + data):
                    answer.set_result(tag + bytes(data))

        await within(self._call_s, "subscribing to the sensor", self._client.start_notify(uuid, notified))

    async def unsubscribe(self, uuid: str) -> None:
        """End the characteristic's notifications."""
        await within(self._call_s, "unsubscribing from the sensor", self._client.stop_notify(uuid))

    def _of_service(self, uuid: str, service: str) -> BleakGATTCharacteristic:
        try:
            found = self._client.services.get_service(service)
        except BleakError as error:
            raise LinkError(f"writing to the sensor: {_one_line(error)}") from error
        characteristic = found.get_characteristic(uuid) if found else None
        if characteristic is None:
            raise LinkError(f"writing to the sensor: it has no {uuid} in its service {service}")
        return characteristic

    async def ask(
        self, uuid: str, data: bytes, is_answer: Callable[[bytes], bool], *, response: bool = True
    ) -> bytes:
        """Write the characteristic; return the notification that answers."""
        asked = is_answer, asyncio.get_running_loop().create_future()
        # before the write: the answer may come with its confirmation
        self._asked.append(asked)
        try:
            await self.write(uuid, data, response=response)
            return await within(self._call_s, "waiting for the sensor's answer", asked[1])
        finally:
            self._asked.remove(asked)


async def disconnect(client: BleakClient, limits: Limits) -> None:
    """Disconnect, also a client that has lost its link: BlueZ doubles each packet of the next link otherwise.

    Never raises: what fails here is left behind with the client (https://github.com/hbldh/bleak/issues/2002).
    """
    with contextlib.suppress(LinkError):
        await within(limits.disconnect_s, "disconnecting", client.disconnect())


_ALLOW = "allow this program to use Bluetooth in the system settings"
_ADVICE = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: "plug in or enable a Bluetooth adapter",
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: "this adapter has no Bluetooth LE, use another",
    BleakBluetoothNotAvailableReason.POWERED_OFF: "switch Bluetooth on",
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: _ALLOW,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: "ask the administrator to allow Bluetooth",
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: _ALLOW,
}


_LOOK = "is the adapter there, and the system's Bluetooth service running? 'hipturn doctor' tells"


def _advice(error: BleakBluetoothNotAvailableError) -> str:
    what = str(error.args[0]).rstrip(".") or "unknown reason"
    return f"Bluetooth cannot be used, {what}: {_ADVICE.get(error.reason, _LOOK)}"


def _told(failure: type[LinkError], doing: str, what: str) -> LinkError:
    if issubclass(failure, BluetoothUnavailable):
        return failure(f"Bluetooth cannot be used, {doing} gives {what!r}: {_LOOK}")
    return failure(f"{doing}: {what}")


def _one_line(error: Exception) -> str:
    # this one of bleak's shows a number and its words as a tuple
    said = error.args[-1] if isinstance(error, BleakGATTProtocolError) else error
    text = " ".join(str(said).split())
    return text or type(error).__name__
