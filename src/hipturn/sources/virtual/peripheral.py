"""The virtual sensor's firmware: a GATT server on bumble that plays a simulated motion.

It speaks hipturn's own GATT service (firmware-notes/hipturn-gatt.md) through the driver's own
encoder, so both ends of the byte layout are the same code.
"""

import asyncio
import json
import math
from collections.abc import Callable

import numpy as np
from bumble import att
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

from hipturn import __version__
from hipturn.drivers.hipturn_gatt import (
    ACC,
    CONTROL,
    CONTROL_UUID,
    DATA_UUID,
    GAP,
    GYR,
    HEADER,
    INFO_UUID,
    SERVICE_UUID,
    START,
    STOP,
    VERSION,
    Batch,
    encode,
)
from hipturn.model import FloatArray
from hipturn.sources.body import Motion
from hipturn.sources.cancelling import heeding
from hipturn.sources.virtual.radio import Radio, RadioController
from hipturn.sources.virtual.settings import BYTES_PER_SAMPLE, MTU, VirtualSettings

Tell = Callable[[str, float], None]
"""Told what happens: a word, and the motion's time in seconds."""

ADVERTISING_MS = 62.5
"""bumble's controller takes the interval's slots of 0.625 ms for milliseconds: this gives 100 ms."""

BACKLOG_LIMIT = 64
"""Packets a sensor's firmware can keep for the radio; past it samples are lost."""

STILL_S = 0.5
"""Every motion ends with at least this much rest."""

BATTERY_PERCENT = 87


class Playback:
    """A motion, and after its end the same pose for ever."""

    def __init__(self, motion: Motion, seed: int) -> None:
        self._acc, self._gyr = motion.acc_mps2, motion.gyr_radps
        still = slice(-max(2, round(STILL_S * motion.rate_hz)), None)
        self._rest = [(rows[still].mean(axis=0), rows[still].std(axis=0)) for rows in (self._acc, self._gyr)]
        self._rng = np.random.default_rng(seed)

    def rows(self, first: int, count: int) -> tuple[FloatArray, FloatArray]:
        """Return acceleration (m/s²) and angular rate (rad/s) of samples, both of shape (count, 3)."""
        acc, gyr = self._acc[first : first + count], self._gyr[first : first + count]
        missing = count - len(acc)
        if missing == 0:
            return acc, gyr
        rest_acc, rest_gyr = (self._rng.normal(mean, sd, (missing, 3)) for mean, sd in self._rest)
        return np.concatenate((acc, rest_acc)), np.concatenate((gyr, rest_gyr))


class VirtualSensor:
    """One sensor: advertises, is connected to by one host at a time, and streams when told to.

    The motion begins with the first START and goes on behind a broken link, as a leg would; STOP, or
    the host going away for good (`forget`), ends it, and the next START begins it anew.
    """

    def __init__(self, radio: Radio, settings: VirtualSettings, motion: Motion, tell: Tell) -> None:
        self._radio = radio
        self._settings = settings
        self._playback = Playback(motion, settings.seed)
        self._tell = tell
        self._random = np.random.default_rng(settings.seed)
        self._began_s: float | None = None
        self._powered_s = asyncio.get_running_loop().time()
        self._drops = list(settings.faults.drops)
        self._away_s = 0.0
        self._gone = asyncio.Event()
        self._state = CONTROL.pack(VERSION, 0, 0, STOP)
        self._tasks: asyncio.TaskGroup | None = None
        self._streaming: asyncio.Task[None] | None = None
        info = {
            "name": settings.name,
            "serial": f"virtual-{settings.seed}",
            "firmware": f"hipturn {__version__}",
            "rate_hz": settings.rate_hz,
            "outward_normal": [round(x, 6) for x in motion.leg.outward_normal_sensor],
        }
        self._data = Characteristic[bytes](DATA_UUID, Characteristic.NOTIFY, Characteristic.READABLE)
        self._controller, self._device = self._assemble(json.dumps(info).encode())

    async def run(self) -> None:
        """Serve one connection after another until cancelled."""
        await heeding(self._device.power_on())
        async with asyncio.TaskGroup() as self._tasks:
            while True:
                self._gone.clear()
                await heeding(self._device.start_advertising(auto_restart=False))
                self._tell("advertising", self._t_s())
                await self._gone.wait()
                await asyncio.sleep(self._away_s)
                self._away_s = 0.0

    def forget(self) -> None:
        """End the motion if no host is linked any more: called when a host has gone for good."""
        if not self._controller.le_connections:
            self._began_s = None

    def _assemble(self, info: bytes) -> tuple[RadioController, Device]:
        settings, bits = self._settings, Characteristic.Properties
        control = Characteristic[bytes](
            CONTROL_UUID,
            bits.WRITE | bits.READ,
            Characteristic.READABLE | Characteristic.WRITEABLE,
            CharacteristicValue(read=lambda _connection: self._state, write=self._on_control),
        )
        battery = Characteristic("2A19", bits.READ, Characteristic.READABLE, bytes([BATTERY_PERCENT]))
        controller = RadioController(settings.name, self._radio)
        config = DeviceConfiguration(
            name=settings.name,
            address=Address(settings.address),
            advertising_interval_min=ADVERTISING_MS,
            advertising_interval_max=ADVERTISING_MS,
        )
        device = Device(config=config, host=Host(controller, AsyncPipeSink(controller)))
        device.gatt_server.max_mtu = MTU
        about = Characteristic(INFO_UUID, bits.READ, Characteristic.READABLE, info)
        device.add_services([Service(SERVICE_UUID, [self._data, control, about]), Service("180F", [battery])])
        kinds = AdvertisingData.Type
        device.advertising_data = bytes(
            AdvertisingData(
                [
                    (kinds.FLAGS, bytes([0x06])),
                    (kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(SERVICE_UUID))),
                    (kinds.COMPLETE_LOCAL_NAME, settings.name.encode()),
                ]
            )
        )
        device.on(device.EVENT_CONNECTION, self._on_connection)
        return controller, device

    def _on_connection(self, connection: Connection) -> None:
        self._tell("connected", self._t_s())
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self._tell("disconnected", self._t_s())
        self._halt()
        self._gone.set()

    def _on_control(self, connection: Connection, value: bytes) -> None:
        """Do what note §5 says; what cannot be done is refused with an ATT error."""
        if len(value) != CONTROL.size:
            raise att.ATT_Error(att.ErrorCode.INVALID_ATTRIBUTE_LENGTH)
        version, mask, _rate_hz, action = CONTROL.unpack(value)
        if version != VERSION or action not in (START, STOP) or (action == START and mask != ACC | GYR):
            raise att.ATT_Error(att.ErrorCode.VALUE_NOT_ALLOWED)
        if action == STOP:
            self._tell("stop", self._t_s())
            self._halt()
            self._began_s = None
        elif self._streaming is None:
            self._start(connection)

    def _start(self, connection: Connection) -> None:
        settings = self._settings
        if HEADER.size + BYTES_PER_SAMPLE * settings.samples_per_packet > connection.att_mtu - 3:
            raise att.ATT_Error(att.ErrorCode.INSUFFICIENT_RESOURCES)
        if self._tasks is None:
            raise att.ATT_Error(att.ErrorCode.UNLIKELY_ERROR)
        self._state = CONTROL.pack(VERSION, ACC | GYR, round(settings.rate_hz), START)
        if self._began_s is None:
            self._began_s = asyncio.get_running_loop().time()
            self._drops = list(settings.faults.drops)
        self._tell("start", self._t_s())
        self._streaming = self._tasks.create_task(self._stream(connection, self._began_s), name="stream")

    def _halt(self) -> None:
        self._state = CONTROL.pack(VERSION, 0, 0, STOP)
        if self._streaming is not None:
            self._streaming.cancel()
            self._streaming = None

    def _t_s(self) -> float:
        """Return the motion's time, 0 while there is none."""
        return 0.0 if self._began_s is None else asyncio.get_running_loop().time() - self._began_s

    async def _stream(self, connection: Connection, began_s: float) -> None:
        """Send packets on an absolute schedule: each when its last sample has been taken."""
        loop, settings = asyncio.get_running_loop(), self._settings
        rate_hz, count = settings.rate_hz, settings.samples_per_packet
        clock_us = settings.clock_start_us + (began_s - self._powered_s) * 1e6
        first, sequence, flags = math.ceil(self._t_s() * rate_hz), 0, 0
        while self._drops and self._drops[0].at_s < self._t_s():
            self._drops.pop(0)  # The link was down anyway.
        while True:
            t_s = (first + count - 1) / rate_hz
            await asyncio.sleep(began_s + t_s - loop.time())
            if self._drops and self._drops[0].at_s <= t_s:
                self._away_s = self._drops.pop(0).for_s
                self._tell("drop", t_s)
                self._radio.lose(self._controller)
                return
            acc, gyr = self._playback.rows(first, count)
            tick_us = round(clock_us + first * 1e6 / rate_hz)
            packet = encode(Batch(sequence, tick_us, round(1e6 / rate_hz), acc, gyr, flags=flags))
            flags = await self._send(connection, packet, t_s)
            first, sequence = first + count, sequence + 1

    async def _send(self, connection: Connection, packet: bytes, t_s: float) -> int:
        """Hand a packet to the radio, or do what the faults ask for; return the next packet's flags."""
        faults = self._settings.faults
        if self._radio.backlog(self._controller, connection.peer_address) >= BACKLOG_LIMIT:
            return GAP
        if faults.silent(t_s) or self._random.random() < faults.loss:
            return 0
        for _ in range(2 if self._random.random() < faults.duplicates else 1):
            await self._device.notify_subscriber(connection, self._data, packet)
        return 0
