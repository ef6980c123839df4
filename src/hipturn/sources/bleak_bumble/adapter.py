"""The radio behind the bleak backend: one bumble host on one HCI transport, opened when first needed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakError,
    BleakGATTProtocolError,
)
from bumble import core
from bumble.att import ATT_Error
from bumble.device import Advertisement, Connection, Device
from bumble.hci import Address, HCI_LE_Create_Connection_Cancel_Command
from bumble.transport import open_transport
from bumble.transport.common import Transport

T = TypeVar("T")

CLEAN_UP_S = 2.0
"""Limit on tidying up after something failed: the controller may be what failed."""


class Adapter:
    """One HCI controller; after its transport was lost the next use opens it again."""

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._transport: Transport | None = None
        self._device: Device | None = None
        self._listeners: list[Callable[[Advertisement], None]] = []
        self._opening = asyncio.Lock()
        self._connecting = asyncio.Lock()

    async def start_scan(self, heard: Callable[[Advertisement], None], *, active: bool) -> None:
        """Deliver advertisements to `heard` until `stop_scan`."""
        device = await self._opened()
        device.on(device.EVENT_ADVERTISEMENT, heard)
        self._listeners.append(heard)
        try:
            if len(self._listeners) == 1:
                await answer(device.start_scanning(active=active))
        except BaseException:
            device.remove_listener(device.EVENT_ADVERTISEMENT, heard)
            self._listeners.remove(heard)
            raise

    async def stop_scan(self, heard: Callable[[Advertisement], None]) -> None:
        """End what `start_scan` began, also if the transport was lost since."""
        if heard not in self._listeners:
            return
        self._listeners.remove(heard)
        if self._device is not None:
            self._device.remove_listener(self._device.EVENT_ADVERTISEMENT, heard)
            if not self._listeners and not self._lost():
                await answer(self._device.stop_scanning())

    async def connect(self, address: Address) -> Connection:
        """Return a connection to a device that advertises; raise `BleakError`. Cancel it to give up."""
        device = await self._opened()
        # A controller takes one LE Create Connection at a time (Core 5.4 Vol 4 Part E 7.8.12).
        async with self._connecting:
            attempt = asyncio.create_task(device.connect_le(address), name=f"connect {address}")
            try:
                await asyncio.wait((attempt,))
            except asyncio.CancelledError:
                await self._give_up(device, attempt)
                raise
        if attempt.cancelled():
            raise BleakError("the transport was lost while connecting")
        if failure := attempt.exception():
            raise BleakError(f"failed to connect: {failure}") from failure
        connection = attempt.result()
        if connection.handle not in device.connections:
            raise BleakError("failed to connect: the device disconnected at once")
        return connection

    async def _give_up(self, device: Device, attempt: asyncio.Task[Connection]) -> None:
        """End an attempt to connect: only the controller can, and it may have succeeded meanwhile."""
        with contextlib.suppress(TimeoutError, core.BaseBumbleError):
            async with asyncio.timeout(CLEAN_UP_S):
                with contextlib.suppress(core.BaseBumbleError):  # refused if the attempt has just ended
                    await device.send_sync_command(HCI_LE_Create_Connection_Cancel_Command())
                connection = await attempt
                await connection.disconnect()
        attempt.cancel()

    async def drop(self, connection: Connection) -> None:
        """Disconnect, with a limit and without complaint."""
        with contextlib.suppress(TimeoutError, core.BaseBumbleError):
            async with asyncio.timeout(CLEAN_UP_S):
                await connection.disconnect()

    async def close(self) -> None:
        """Close the transport; using the adapter again opens it again."""
        transport, self._transport, self._device = self._transport, None, None
        self._listeners.clear()
        if transport is not None:
            await transport.close()
            # Closing takes the event loop a round; some transports never tell that they have ended.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLEAN_UP_S):
                    await asyncio.shield(transport.source.terminated)

    def _lost(self) -> bool:
        return self._transport is not None and self._transport.source.terminated.done()

    async def _opened(self) -> Device:
        async with self._opening:
            if self._lost():
                await self.close()
            if self._device is None:
                try:
                    self._device = await self._open()
                except BaseException:
                    await self.close()
                    raise
            return self._device

    async def _open(self) -> Device:
        try:
            self._transport = await open_transport(self._spec)
            device = Device.with_hci(
                "hipturn", Address.generate_static_address(), self._transport.source, self._transport.sink
            )
            await device.power_on()
        except (OSError, core.BaseBumbleError) as error:
            raise BleakBluetoothNotAvailableError(
                f"HCI transport {self._spec} does not open ({error})",
                BleakBluetoothNotAvailableReason.UNKNOWN,
            ) from error
        return device


async def answer(call: Awaitable[T]) -> T:
    """Await a call into bumble; raise what bleak's own backends raise."""
    task = asyncio.current_task()
    wanted_cancels = task.cancelling() if task else 0
    try:
        return await call
    except ATT_Error as error:
        raise BleakGATTProtocolError(int(error.error_code)) from error
    except core.TimeoutError as error:
        raise TimeoutError(str(error)) from error
    except core.BaseBumbleError as error:
        raise BleakError(str(error)) from error
    except asyncio.CancelledError:
        # bumble cancels what is pending on a link that ends: an error, unless we are cancelled ourselves
        if task and task.cancelling() > wanted_cancels:
            raise
        raise BleakError("the link was lost") from None
