"""A virtual radio: bumble controllers in the same air, with what bumble's own link leaves out.

`bumble.link.LocalLink` delivers at once and for ever. A real link delivers at connection events, a few
packets at each, and it can break; without that a program is never tested against bursts and losses.
Hosts get their controller over TCP (H4 framing, Core 5.4 Vol 4 Part A), one after another or together.
"""

import asyncio
import itertools
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.hci import (
    Address,
    HCI_ErrorCode,
    HCI_LE_Connection_Complete_Event,
    HCI_LE_Create_Connection_Cancel_Command,
    HCI_StatusReturnParameters,
    LeFeatureMask,
    Role,
)
from bumble.link import LocalLink
from bumble.transport.common import StreamPacketSink, StreamPacketSource

PACKETS_PER_EVENT = 6
"""Packets one way at one connection event: what phones and Linux commonly allow."""

LEFT_OUT = LeFeatureMask.LL_PRIVACY | LeFeatureMask.LE_EXTENDED_ADVERTISING
"""Features whose commands bumble's controller answers in ways the Linux kernel does not accept."""


class RadioController(Controller):
    """A controller that also lets an attempt to connect be cancelled."""

    def __init__(self, name: str, radio: "Radio", **more: object) -> None:
        super().__init__(name, link=radio, **more)  # type: ignore[arg-type]
        self.le_features &= ~LEFT_OUT

    def on_hci_le_create_connection_cancel_command(
        self, _command: HCI_LE_Create_Connection_Cancel_Command
    ) -> HCI_StatusReturnParameters:
        """End the attempt (Core 5.4 Vol 4 Part E 7.8.13)."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return HCI_StatusReturnParameters(HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.send_hci_packet(
            HCI_LE_Connection_Complete_Event(
                status=HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=Role.CENTRAL,
                peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return HCI_StatusReturnParameters(HCI_ErrorCode.SUCCESS)


class _Waiting(NamedTuple):
    connection: Connection
    data: bytes


_Way = tuple[Controller, str]
"""Who sends, and the address it is sent to."""


class Radio(LocalLink):
    """The air between controllers. `interval_s` is the connection interval, 0 for none."""

    def __init__(self, interval_s: float, packets_per_event: int = PACKETS_PER_EVENT) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._interval_s = interval_s
        self._packets_per_event = packets_per_event
        self._waiting: dict[_Way, deque[_Waiting]] = {}

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Send at the next connection event."""
        connection = sender_controller.le_connections.get(destination_address)
        if connection is None:
            return
        if self._interval_s == 0.0:
            self._deliver(_Waiting(connection, data))
            return
        way = (sender_controller, str(destination_address))
        if way not in self._waiting:
            self._waiting[way] = deque()
            self._await_event(way)
        self._waiting[way].append(_Waiting(connection, data))

    def remove_controller(self, controller: Controller) -> None:
        """Take a controller out of the air: for its peers the links time out."""
        self.lose(controller)
        super().remove_controller(controller)

    def backlog(self, controller: Controller, destination: Address) -> int:
        """Return how many packets wait for a connection event."""
        return len(self._waiting.get((controller, str(destination)), ()))

    def lose(self, controller: Controller) -> None:
        """Break the controller's links as walking out of range does: both ends time out."""
        for connection in list(controller.le_connections.values()):
            other = self.find_le_controller(connection.peer_address)
            mirrored = other.le_connections.get(connection.self_address) if other else None
            if other and mirrored:
                other.on_le_disconnected(mirrored, HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
            controller.on_le_disconnected(connection, HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def _await_event(self, way: _Way) -> None:
        loop = asyncio.get_running_loop()
        events = math.floor(loop.time() / self._interval_s) + 1
        loop.call_at(events * self._interval_s, self._event, way)

    def _event(self, way: _Way) -> None:
        waiting = self._waiting[way]
        for _ in range(min(self._packets_per_event, len(waiting))):
            self._deliver(waiting.popleft())
        if waiting:
            self._await_event(way)
        else:
            del self._waiting[way]

    def _deliver(self, packet: _Waiting) -> None:
        sender, peer = packet.connection.controller, packet.connection.peer_address
        receiver = self.find_le_controller(peer)
        if receiver is None or sender.le_connections.get(peer) is not packet.connection:
            return  # That connection has ended; a later one between the same two must not get its data.
        # Named by the connection's own address: a host that connects with its public one is answered too.
        receiver.on_link_acl_data(packet.connection.self_address, PhysicalTransport.LE, packet.data)


class _Host(StreamPacketSource):
    """One host at the other end of a TCP connection, with a controller of its own."""

    def __init__(self, radio: Radio, public_address: str, gone: Callable[["_Host"], None]) -> None:
        super().__init__()
        self._radio = radio
        self._public_address = public_address
        self._gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Plug the controller in."""
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError("an HCI server needs a transport that can write")
        self._transport = transport
        self._controller = RadioController(
            f"host {self._public_address}",
            self._radio,
            host_source=self,
            host_sink=StreamPacketSink(transport),
            public_address=self._public_address,
        )

    def connection_lost(self, _error: Exception | None) -> None:
        """Take the controller away."""
        self._radio.remove_controller(self._controller)
        self._gone(self)

    def close(self) -> None:
        """Cut the host off."""
        self._transport.close()


@asynccontextmanager
async def hci_server(radio: Radio, host: str, port: int, on_gone: Callable[[], None]) -> AsyncIterator[int]:
    """Offer a controller to every host that connects; yield the port, which a `port` of 0 leaves open.

    `on_gone` is called when a host has gone away. Raises OSError if the port is taken.
    """
    numbers = itertools.count(1)
    hosts: set[_Host] = set()

    def gone(one: _Host) -> None:
        hosts.discard(one)
        on_gone()

    def connected() -> _Host:
        number = next(numbers) % 0x10000
        one = _Host(radio, f"C0:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}", gone)
        hosts.add(one)
        return one

    server = await asyncio.get_running_loop().create_server(connected, host, port)
    try:
        bound: int = server.sockets[0].getsockname()[1]
        yield bound
    finally:
        server.close()
        for one in list(hosts):
            one.close()
