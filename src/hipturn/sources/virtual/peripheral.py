"""The virtual sensor: a GATT server on bumble that plays a simulated motion as some device would.

What it says and understands is its firmware's business (`devices`); here are the radio, the schedule
and the faults.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from bumble import gatt
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

from hipturn.sources.body import Motion
from hipturn.sources.cancelling import heeding
from hipturn.sources.virtual import devices
from hipturn.sources.virtual.devices import Advertised, Firmware, Notification, Taken
from hipturn.sources.virtual.faults import Outage
from hipturn.sources.virtual.playback import Playback, Played
from hipturn.sources.virtual.radio import Radio, RadioController
from hipturn.sources.virtual.settings import VirtualSettings
from hipturn.sources.virtual.table import bumble_service

Tell = Callable[[str, float], None]
"""Told what happens: a word, and the motion's time in seconds."""

ADVERTISING_MS = 62.5
"""bumble's controller takes the interval's slots of 0.625 ms for milliseconds: this gives 100 ms."""
LEGACY_BYTES = 31
"""Size of an advertisement (Core 5.4 Vol 6 Part B 2.3.1); bumble knows no scan response beside it."""

TIDYING_S = 1.0
"""A stop so soon is no end: a host tidies up before it starts what it wants."""

BACKLOG_LIMIT = 64
"""Packets a sensor's firmware can keep for the radio; past it samples are lost."""


@dataclass(slots=True)
class Stage:
    """When the motion began that one or more sensors play, in the loop's time; None while there is none."""

    began_s: float | None = None


class VirtualSensor:
    """One sensor: advertises, is connected to by one host at a time, and streams when told to.

    The motion begins with the first start and goes on behind a broken link, as a leg would; a stop of
    what was started over the same link, or the host going away for good (`forget`), ends it, and the
    next start begins it anew. It is the `devices.Board` its firmware runs on.
    """

    def __init__(
        self,
        radio: Radio,
        settings: VirtualSettings,
        motion: Motion,
        tell: Tell,
        playback: Played | None = None,
        stage: Stage | None = None,
        address: str | None = None,
    ) -> None:
        """Be the sensor on the leg of `motion`; `playback` is what it does, if not that motion.

        Sensors that share a `stage` are on one person: the first start of either begins the motion of both.
        """
        self.name = settings.local_name
        self.address = address or settings.address
        self.serial = f"virtual-{settings.seed}"
        self.rate_hz = settings.sample_rate_hz
        self.samples_per_packet = settings.rows_per_packet
        self.outward_normal_sensor = motion.leg.outward_normal_sensor
        self.battery_percent = settings.faults.battery_percent
        self.already_measuring = settings.faults.mode
        self._radio = radio
        self._settings = settings
        self._playback = playback or Playback(motion, settings.seed)
        self._tell = tell
        self._random = np.random.default_rng(settings.seed)
        self._stage = stage or Stage()
        self._clock_start_us = float(settings.clock_start_us)
        self._powered_s = asyncio.get_running_loop().time()
        self._drops = list(settings.faults.drops)
        self._outage: Outage | None = None
        self._late: Notification | None = None
        self._gone = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._link: Connection | None = None
        self._streaming: asyncio.Task[None] | None = None
        self._started_s: float | None = None
        """When it was started over this link, by the loop's time."""
        self._controller, self._device, self._firmware = self._switched_on()

    async def run(self) -> None:
        """Serve one connection after another until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await heeding(self._device.power_on())
            while True:
                self._gone.clear()
                await heeding(self._device.start_advertising(auto_restart=False))
                self._tell("advertising", self._t_s())
                await self._gone.wait()
                if (outage := self._outage) is not None:
                    self._outage = None
                    await asyncio.sleep(outage.for_s)
                    if outage.restarts:
                        await self._restart()

    def forget(self) -> None:
        """End the motion if no host is linked any more: called when a host has gone for good."""
        if not self._controller.le_connections:
            self._stage.began_s = None

    # --- what the firmware finds (see `devices.Board`) ---

    @property
    def att_mtu(self) -> int:
        """The link's ATT MTU."""
        return self._link.att_mtu if self._link else 23

    def start(self) -> None:
        """Begin to measure, or go on."""
        if self._tasks is None or self._link is None or self._streaming is not None:
            return
        if self._stage.began_s is None:
            self._stage.began_s = asyncio.get_running_loop().time()
            self._drops = list(self._settings.faults.drops)
        if self._started_s is None:
            self._started_s = asyncio.get_running_loop().time()
        self._tell("start", self._t_s())
        self._streaming = self._tasks.create_task(
            self._stream(self._link, self._stage.began_s), name="stream"
        )

    def stop(self) -> None:
        """Measure no more; end the motion if it was started over this link."""
        self._tell("stop", self._t_s())
        self._halt()
        started_s, self._started_s = self._started_s, None
        if started_s is not None and asyncio.get_running_loop().time() - started_s > TIDYING_S:
            self._stage.began_s = None

    def notify(self, uuid: str, value: bytes) -> None:
        """Send an answer to the host."""
        if self._tasks is not None and self._link is not None:
            self._tasks.create_task(self._send(self._link, uuid, value), name="answer")

    def clock_us(self) -> float:
        """Return the device's clock."""
        return self._clock_us_at(asyncio.get_running_loop().time())

    # --- radio ---

    def _switched_on(self) -> tuple[RadioController, Device, Firmware]:
        """Return a controller, host and firmware in the state they have after power-on."""
        settings = self._settings
        firmware = devices.get(settings.device).firmware(self)
        controller = RadioController(self.name, self._radio)
        config = DeviceConfiguration(
            name=self.name,
            address=Address(self.address),
            advertising_interval_min=ADVERTISING_MS,
            advertising_interval_max=ADVERTISING_MS,
        )
        device = Device(config=config, host=Host(controller, AsyncPipeSink(controller)))
        device.gatt_server.max_mtu = firmware.mtu
        self._notifying: dict[str, gatt.Characteristic[bytes]] = {}
        device.add_services([bumble_service(one, self._notifying) for one in firmware.services()])
        device.advertising_data = _advertisement(self.name, firmware.advertised())
        device.on(device.EVENT_CONNECTION, self._on_connection)
        return controller, device, firmware

    async def _restart(self) -> None:
        """Come back as after power-on: clock at 0, nothing known of what was going on."""
        self._radio.remove_controller(self._controller)
        self._clock_start_us, self._powered_s = 0.0, asyncio.get_running_loop().time()
        self._controller, self._device, self._firmware = self._switched_on()
        await heeding(self._device.power_on())

    def _on_connection(self, connection: Connection) -> None:
        self._tell("connected", self._t_s())
        self._link = connection
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self._tell("disconnected", self._t_s())
        self._halt()
        self._link = self._started_s = None
        self._firmware.unlinked()
        self._gone.set()

    # --- measuring ---

    def _halt(self) -> None:
        self._late = None
        if self._streaming is not None:
            self._streaming.cancel()
            self._streaming = None

    def _t_s(self) -> float:
        """Return the motion's time, 0 while there is none."""
        return 0.0 if self._stage.began_s is None else asyncio.get_running_loop().time() - self._stage.began_s

    def _clock_us_at(self, loop_s: float) -> float:
        return self._clock_start_us + (loop_s - self._powered_s) * 1e6

    async def _stream(self, connection: Connection, began_s: float) -> None:
        """Send packets on an absolute schedule: each when its last sample has been taken."""
        loop, firmware = asyncio.get_running_loop(), self._firmware
        step = max(1, round(self._playback.rate_hz / firmware.rate_hz))
        rate_hz, count = self._playback.rate_hz / step, firmware.samples_per_packet
        first, gap = math.ceil(self._t_s() * rate_hz), False
        while self._drops and self._drops[0].at_s < self._t_s():
            self._drops.pop(0)  # The link was down anyway.
        while True:
            t_s = (first + count - 1) / rate_hz
            await asyncio.sleep(began_s + t_s - loop.time())
            if self._drops and self._drops[0].at_s <= t_s:
                self._outage = self._drops.pop(0)
                self._tell("reboot" if self._outage.restarts else "drop", t_s)
                self._radio.lose(self._controller)
                return
            rows = self._playback.rows(first * step, count, step)
            tick_us = self._clock_us_at(began_s + first / rate_hz)
            sent = firmware.packets(Taken(tick_us, 1e6 / rate_hz, *rows, gap=gap))
            gap = self._radio.backlog(self._controller, connection.peer_address) >= BACKLOG_LIMIT
            if not gap and not self._settings.faults.silent(t_s):
                for packet in sent:
                    await self._send_faultily(connection, packet)
            first += count

    async def _send_faultily(self, connection: Connection, packet: Notification) -> None:
        """Hand a packet to the radio, or do what the faults ask for."""
        faults, chance = self._settings.faults, self._random.random
        if chance() < faults.loss:
            return
        if chance() < faults.garbage:
            packet = packet[0], self._random.bytes(len(packet[1]))
        if self._late is None and chance() < faults.reordered:
            self._late = packet
            return
        for _ in range(2 if chance() < faults.duplicates else 1):
            await self._send(connection, *packet)
        if self._late is not None:
            late, self._late = self._late, None
            await self._send(connection, *late)

    async def _send(self, connection: Connection, uuid: str, value: bytes) -> None:
        await self._device.notify_subscriber(connection, self._notifying[uuid], value)


def _advertisement(name: str, told: Advertised) -> bytes:
    """Return the advertising data; without the flags where they would not fit any more."""
    kinds = AdvertisingData.Type
    parts: list[tuple[int, bytes]] = []
    for size, kind in (
        (2, kinds.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS),
        (16, kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS),
    ):
        uuids = [bytes(UUID(uuid)) for uuid in told.service_uuids]
        if same := [uuid for uuid in uuids if len(uuid) == size]:
            parts.append((kind, b"".join(same)))
    for company, data in told.manufacturer_data.items():
        parts.append((kinds.MANUFACTURER_SPECIFIC_DATA, company.to_bytes(2, "little") + data))
    parts.append((kinds.COMPLETE_LOCAL_NAME, name.encode()))
    whole = bytes(AdvertisingData([(kinds.FLAGS, bytes([0x06])), *parts]))
    return whole if len(whole) <= LEGACY_BYTES else bytes(AdvertisingData(parts))
