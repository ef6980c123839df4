"""Bluetooth LE sensors over bleak: a source that finds its sensor, measures, and reconnects for ever."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from functools import partial

import numpy as np
from bleak import BleakClient

from hipturn.drivers import Driver
from hipturn.errors import LinkError
from hipturn.model import HostNs, Input, LinkDown, LinkUp, Packets, StreamInfo
from hipturn.sources.ble.air import Backend, Search
from hipturn.sources.ble.link import GattLink, Limits, connected, disconnect
from hipturn.units import NS_PER_S

SAMPLES_IN_A_PACKET = 20
"""About what a packet of the usual size (MTU 247) holds: a slow sensor that fills them is not silent."""


BATTERY_EVERY_S = 60.0
"""A charge that lasts hours moves by a percent in this time."""


class LinkState(StrEnum):
    """Where the link to a sensor stands, in a user's words."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    MEASURING = "measuring"
    LOST = "lost"


class BleSource:
    """One sensor as a stream of inputs: finds it, measures, and comes back after every loss.

    `emit` gets LinkUp, then Packets in order, then LinkDown, again and again; `on_state` gets each
    change with a line for the user. Both are called from the event loop and must not block.
    `sensor` is a name or an address; None takes the first device a driver knows, and keeps to it.
    Several at once are given the same `Backend`: they take turns with its adapter, and each device is one
    source's alone.
    `on_vitals` gets charge in percent and signal in dBm, each None where it is not told. `rate_hz` is the
    sample rate where another than the usual one is wanted.
    """

    def __init__(
        self,
        sensor: str | None,
        stream: str,
        emit: Callable[[Input], None],
        on_state: Callable[[LinkState, str], None],
        backend: Backend | None = None,
        limits: Limits | None = None,
        on_vitals: Callable[[int | None, int | None], None] | None = None,
        rate_hz: float | None = None,
    ) -> None:
        self._rate_hz = rate_hz
        self._wanted = sensor
        self._stream = stream
        self._emit = emit
        self._on_state = on_state
        self._backend = backend or Backend()
        self._limits = limits or Limits()
        self._on_vitals = on_vitals

    async def run(self) -> None:
        """Measure until cancelled; then stop the sensor and disconnect, within `Limits` whatever they do.

        Whatever goes wrong with radio or sensor is told through `on_state` and tried again.
        """
        failures = 0
        self._on_state(LinkState.SEARCHING, self._wanted or "any sensor")
        try:
            while True:
                try:
                    held_s = await self._one_link()
                    if held_s is None:
                        continue
                    failures = 0 if held_s > self._limits.steady_s else failures + 1
                except LinkError as error:
                    failures += 1
                    self._on_state(LinkState.SEARCHING, str(error))
                    if self._wanted is None:
                        self._backend.air.release(self)  # it may be another's, or another may do
                await asyncio.sleep(self._pause_s(failures))
        finally:
            self._backend.air.release(self)

    def _pause_s(self, failures: int) -> float:
        """Return the back-off; its jitter keeps two sensors from trying in step."""
        if failures == 0:
            return 0.0
        longest = min(self._limits.longest_pause_s, self._limits.first_pause_s * 2.0 ** (failures - 1))
        return longest * random.uniform(0.5, 1.0)

    async def _one_link(self) -> float | None:
        """Find the sensor, connect, and measure until the link ends.

        Return how many seconds it held, None if the sensor was not found.
        """
        air, search = self._backend.air, Search(self._wanted)
        with air.searching(self, search):
            async with air.turn:
                heard = search.found.done() or await air.listen(self._backend.scanner, self._limits)
                if not search.found.done():
                    if not heard:
                        self._on_state(LinkState.SEARCHING, search.result())
                    return None
                device, driver = search.found.result()
                label = f"{device.name or 'sensor'} ({device.address})"
                if self._on_vitals is not None:
                    self._on_vitals(None, search.rssi_dbm)
                self._on_state(LinkState.CONNECTING, label)
                client, loss = await connected(device, self._backend.client, self._limits)
        # What was taken as any sensor must not become another one after a loss.
        self._wanted = self._wanted or device.address
        began_s = time.monotonic()
        outlet = _Outlet(self._stream, self._emit)
        loss.tell = partial(outlet.down, "lost")
        try:
            await self._measure(client, driver, outlet, loss.happened, label)
        finally:
            held_s = time.monotonic() - began_s
            await disconnect(client, self._limits)
        return held_s

    async def _measure(
        self, client: BleakClient, driver: Driver, outlet: "_Outlet", lost: asyncio.Event, label: str
    ) -> None:
        """Start the sensor and let packets flow until the link is lost, silent or cancelled."""
        up_ns = HostNs(time.monotonic_ns())
        link = GattLink(client, outlet.packet, self._limits.call_s)
        try:
            info = await (driver.at(self._rate_hz) if self._rate_hz else driver).start(link)
            if lost.is_set():
                raise LinkError(f"{label}: the link was lost while starting")
            outlet.up(up_ns, info)
            self._on_state(LinkState.MEASURING, f"{label}, {info.rate_hz:g} Hz")
            async with self._battery_watched(driver, link):
                silence_s = self._limits.silence_s + SAMPLES_IN_A_PACKET / info.rate_hz
                reason = await _end_of(outlet, lost, silence_s)
            outlet.down(reason)
            self._on_state(LinkState.LOST, f"{label}: {_WHY[reason]}, connecting again")
        except asyncio.CancelledError:
            try:
                with contextlib.suppress(LinkError):
                    await driver.stop(link)
            finally:
                outlet.down("stopped")
            raise

    @contextlib.asynccontextmanager
    async def _battery_watched(self, driver: Driver, link: GattLink) -> AsyncIterator[None]:
        """Ask the sensor for its charge now and then while the context lasts."""
        if self._on_vitals is None or type(driver).battery is not Driver.battery:
            # an answer that comes among the samples would be taken for damage
            yield
            return
        watching = asyncio.create_task(self._watch_battery(driver, link, self._on_vitals), name="battery")
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch_battery(
        self, driver: Driver, link: GattLink, tell: Callable[[int | None, int | None], None]
    ) -> None:
        while True:
            try:
                percent = await driver.battery(link)
            except LinkError:
                return  # many sensors do not tell
            if percent is not None:
                tell(percent, None)
            await asyncio.sleep(BATTERY_EVERY_S)


class _Outlet:
    """What one link gives to the stream: LinkUp, packets, LinkDown, in this order and nothing after."""

    def __init__(self, stream: str, emit: Callable[[Input], None]) -> None:
        self._stream = stream
        self._emit = emit
        self._early: list[Packets] | None = []
        self._closed = False
        self._last_ns = time.monotonic_ns()

    def packet(self, data: bytes | bytearray) -> None:
        """Stamp a notification and pass it on; the sensor may send some before LinkUp is out."""
        at_ns = time.monotonic_ns()
        if self._closed:
            return
        self._last_ns = at_ns
        row = np.frombuffer(bytes(data), dtype=np.uint8).reshape(1, -1)
        packets = Packets(self._stream, np.array([at_ns], dtype=np.int64), row)
        if self._early is None:
            self._emit(packets)
        else:
            self._early.append(packets)

    def up(self, at_ns: HostNs, info: StreamInfo) -> None:
        """Open the stream."""
        early, self._early = self._early or [], None
        self._last_ns = time.monotonic_ns()
        self._emit(LinkUp(self._stream, at_ns, info))
        for packets in early:
            self._emit(packets)

    def down(self, reason: str) -> None:
        """Close the stream, once; a link that never came up leaves no trace."""
        if not self._closed and self._early is None:
            self._emit(LinkDown(self._stream, HostNs(time.monotonic_ns()), reason))
        self._closed = True

    def quiet_s(self) -> float:
        """Return how long ago the last packet came."""
        return (time.monotonic_ns() - self._last_ns) / NS_PER_S


_WHY = {"lost": "the link was lost", "silent": "connected, but no more packets came"}


async def _end_of(outlet: _Outlet, lost: asyncio.Event, silence_s: float) -> str:
    """Wait until the link is lost or no packet has come for `silence_s`; return which."""
    while (rest_s := silence_s - outlet.quiet_s()) > 0.0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                await lost.wait()
                return "lost"
    return "silent"
