"""MQTT: angle, events and state for a broker, with the discovery that Home Assistant understands.

==============================  ==================================================================
``NODE/status``                 ``online`` or, also when the program dies, ``offline``; retained
``NODE/<stream>/angle``         ``{"t_s":…,"angle_deg":…,"rate_dps":…}`` a few times a second
``NODE/<stream>/event``         events, the JSON lines of ``replay --json``
``NODE/<stream>/state``         link, counts and last repetition; retained
``homeassistant/…/config``      what there is to show, for Home Assistant; retained
==============================  ==================================================================

It runs in a thread with an event loop of its own: MQTT needs a kind of loop that Bluetooth on Windows
cannot use, and a slow broker must not delay a measurement. While the broker is away angles are
dropped, events wait. Times are stream time, seconds since the sensor's first sample; who wants the
time of day has the broker's. Home Assistant itself was not tried.
"""

import asyncio
import importlib
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hipturn.errors import UsageError
from hipturn.model import Event, HipAngle, LinkDown, LinkUp
from hipturn.session import Heard
from hipturn.sinks.mqtt_words import Message, Words
from hipturn.sinks.outbox import CLOSE_S, LIMIT, Outbox, nothing

RETRY_S = (1.0, 30.0)
"""First and longest wait before the broker is tried again."""
NODE = re.compile(r"[a-zA-Z0-9_-]+")
"""What may be a level of a topic and an identifier of Home Assistant's at once."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to send to."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    """Encrypt, and check the broker's certificate against those the system trusts."""


def library() -> Any:
    """Return aiomqtt; raise `UsageError` if it is missing."""
    try:
        return importlib.import_module("aiomqtt")
    except ImportError as error:
        raise UsageError("MQTT needs aiomqtt: pip install 'hipturn[mqtt]'") from error


def check(node: str) -> None:
    """Raise `UsageError` for a node that is no level of a topic."""
    if not NODE.fullmatch(node):
        raise UsageError(f"MQTT: node {node!r:.40} may have letters, digits, - and _ only")


class MqttOut:
    """A listener of a session: give `hear` to it, and close this at its end."""

    def __init__(
        self,
        broker: Broker,
        on_trouble: Callable[[str], None],
        *,
        node: str = "hipturn",
        discovery: str | None = "homeassistant",
        angle_hz: float = 5.0,
        limit: int = LIMIT,
        on_well: Callable[[], None] = nothing,
    ) -> None:
        """Begin; `discovery` None leaves Home Assistant out. Raise `UsageError` if aiomqtt is missing.

        `on_well` is called, in a thread as `on_trouble` is, whenever the connection has been made.
        """
        check(node)
        self._mqtt = library()
        self._broker = broker
        self._on_trouble, self._on_well = on_trouble, on_well
        self._status = f"{node}/status"
        self._words = Words(node, discovery, angle_hz)
        self._box: Outbox[Heard] = Outbox(limit)
        self._closed = threading.Event()
        self._held: list[Message] = []
        self._getting: asyncio.Task[Heard | None] | None = None
        self._well: bool | None = None
        """Whether the broker is there; None before the first try."""
        self._thread = threading.Thread(target=self._run, name="MQTT", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many blocks of samples were dropped because the broker did not keep up."""
        return self._box.dropped

    def hear(self, heard: Heard) -> None:
        """Take what is sent; never waits."""
        match heard:
            case HipAngle():
                self._box.put(heard)
            case _ if isinstance(heard, LinkUp | LinkDown | Event):
                self._box.put(heard, keep=True)

    def close(self) -> None:
        """Send what waits if the broker is there, and say goodbye."""
        self._closed.set()
        self._box.close()
        self._thread.join(2 * CLOSE_S)

    def __enter__(self) -> "MqttOut":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _run(self) -> None:
        # the only kind of loop that aiomqtt works with on Windows
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._keep_sending())

    async def _keep_sending(self) -> None:
        wait_s = RETRY_S[0]
        while True:
            try:
                await self._connected()
                return
            except (self._mqtt.MqttError, OSError) as error:
                if self._well is not False:
                    wait_s = RETRY_S[0]
                    self._on_trouble(
                        f"MQTT: no connection to {self._broker.host}:{self._broker.port} ({error}); "
                        "measuring goes on and the broker is tried again"
                    )
                self._well = False
            if await asyncio.to_thread(self._closed.wait, wait_s):
                return
            wait_s = min(2 * wait_s, RETRY_S[1])

    async def _connected(self) -> None:
        """Send until this is closed; raise `MqttError` when the connection is lost."""
        client = self._mqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self._broker.username,
            password=self._broker.password,
            tls_context=ssl.create_default_context() if self._broker.tls else None,
            will=self._mqtt.Will(self._status, "offline", qos=1, retain=True),
            timeout=CLOSE_S,
        )
        async with client:
            self._well = True
            self._on_well()
            for message in [Message(self._status, "online", retain=True), *self._words.retained()]:
                await self._publish(client, message)
            await self._publish_held(client)
            lost = asyncio.create_task(_until_lost(client), name="connection")
            try:
                while (heard := await self._next_unless(lost)) is not None:
                    self._held = self._words.of(heard)
                    await self._publish_held(client)
            finally:
                lost.cancel()
                await asyncio.gather(lost, return_exceptions=True)
            await self._publish(client, Message(self._status, "offline", retain=True))

    async def _next_unless(self, lost: "asyncio.Task[None]") -> Heard | None:
        """Return what comes next, None at the end; raise what `lost` raises if it is sooner."""
        if self._getting is None:
            self._getting = asyncio.create_task(asyncio.to_thread(self._box.get))
        await asyncio.wait({self._getting, lost}, return_when=asyncio.FIRST_COMPLETED)
        if not self._getting.done():
            # what comes next is for the next connection
            await lost
        heard, self._getting = await self._getting, None
        return heard

    async def _publish_held(self, client: Any) -> None:
        while self._held:
            await self._publish(client, self._held[0])
            del self._held[0]

    async def _publish(self, client: Any, message: Message) -> None:
        await client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)


async def _until_lost(client: Any) -> None:
    """Raise `MqttError` when the connection is lost, also while there is nothing to send."""
    async for _ in client.messages:
        pass
