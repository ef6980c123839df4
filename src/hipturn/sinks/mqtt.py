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
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hipturn import __version__, lines
from hipturn.errors import UsageError
from hipturn.model import (
    Event,
    HipAngle,
    LinkDown,
    LinkUp,
    Rep,
    Verdict,
)
from hipturn.session import Heard
from hipturn.sinks.discovery import configs
from hipturn.sinks.outbox import CLOSE_S, LIMIT, Outbox
from hipturn.units import DEG_PER_RAD, NS_PER_S

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


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the broker."""

    topic: str
    payload: str
    retain: bool = False

    @property
    def qos(self) -> int:
        """At least once for what happens once; samples may be lost."""
        return 0 if self.topic.endswith("/angle") else 1


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
    ) -> None:
        """Begin; `discovery` None leaves Home Assistant out. Raise `UsageError` if aiomqtt is missing."""
        if not NODE.fullmatch(node):
            raise UsageError(f"MQTT: node {node!r:.40} may have letters, digits, - and _ only")
        try:
            self._mqtt: Any = importlib.import_module("aiomqtt")
        except ImportError as error:
            raise UsageError("MQTT needs aiomqtt: pip install 'hipturn[mqtt]'") from error
        self._broker = broker
        self._on_trouble = on_trouble
        self._status = f"{node}/status"
        self._words = Words(node, discovery, angle_hz)
        self._box: Outbox[Heard] = Outbox(limit)
        self._closed = threading.Event()
        self._held: list[Message] = []
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
        wait_s, told = RETRY_S[0], False
        while True:
            try:
                await self._connected()
                return
            except (self._mqtt.MqttError, OSError) as error:
                if not told:
                    self._on_trouble(
                        f"MQTT: no connection to {self._broker.host}:{self._broker.port} ({error}); "
                        "measuring goes on and the broker is tried again"
                    )
                told = True
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
            for message in [Message(self._status, "online", retain=True), *self._words.retained()]:
                await self._publish(client, message)
            while True:
                while self._held:
                    await self._publish(client, self._held[0])
                    del self._held[0]
                heard = await asyncio.to_thread(self._box.get)
                if heard is None:
                    break
                self._held = self._words.of(heard)
            await self._publish(client, Message(self._status, "offline", retain=True))

    async def _publish(self, client: Any, message: Message) -> None:
        await client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)


@dataclass(slots=True)
class _Shown:
    """The state of one sensor."""

    link: str = "down"
    reps: int = 0
    controlled: int = 0
    last_direction: str | None = None
    last_rom_deg: float | None = None
    last_verdict: str | None = None


class Words:
    """What is said to a broker of what is heard: no network here."""

    def __init__(self, node: str, discovery: str | None, angle_hz: float) -> None:
        self._node = node
        self._discovery = discovery
        self._period_ns = NS_PER_S / angle_hz
        self._shown: dict[str, _Shown] = {}
        self._told_ns: dict[str, int] = {}

    def of(self, heard: Any) -> list[Message]:
        """Return the messages for an input or output."""
        topic = f"{self._node}/{level(heard.stream)}"
        shown = self._shown.get(heard.stream)
        if shown is None:
            shown = self._shown[heard.stream] = _Shown()
        match heard:
            case HipAngle():
                return list(self._angle(topic, heard))
            case LinkUp():
                shown.link = "up"
                return [*self._configs(heard.stream), self._state(topic, shown)]
            case LinkDown():
                shown.link = "down"
                return [self._state(topic, shown)]
            case Rep():
                shown.reps += 1
                shown.controlled += heard.verdict is Verdict.CONTROLLED
                shown.last_direction, shown.last_verdict = heard.direction.value, heard.verdict.value
                shown.last_rom_deg = round(heard.rom_rad * DEG_PER_RAD, 1)
                return [self._event(topic, heard), self._state(topic, shown)]
            case _:
                return [self._event(topic, heard)]

    def retained(self) -> Iterator[Message]:
        """Yield what a broker that knows nothing has to be told."""
        for stream, shown in self._shown.items():
            yield from self._configs(stream)
            yield self._state(f"{self._node}/{level(stream)}", shown)

    def _angle(self, topic: str, angle: HipAngle) -> Iterator[Message]:
        t_ns = int(angle.t_ns[-1])
        if angle.trusted[-1] and t_ns - self._told_ns.get(angle.stream, -NS_PER_S) >= self._period_ns:
            self._told_ns[angle.stream] = t_ns
            figures = {
                "t_s": round(t_ns / NS_PER_S, 4),
                "angle_deg": round(float(angle.angle_rad[-1]) * DEG_PER_RAD, 2),
                "rate_dps": round(float(angle.rate_radps[-1]) * DEG_PER_RAD, 1),
            }
            yield Message(f"{topic}/angle", lines.dumps(figures))

    def _event(self, topic: str, event: Event) -> Message:
        return Message(f"{topic}/event", lines.dumps(lines.line(event) or {}))

    def _state(self, topic: str, shown: _Shown) -> Message:
        names = ("link", "reps", "controlled", "last_direction", "last_rom_deg", "last_verdict")
        state = {name: getattr(shown, name) for name in names}
        return Message(f"{topic}/state", lines.dumps(state), retain=True)

    def _configs(self, stream: str) -> Iterator[Message]:
        if self._discovery is not None:
            for topic, config in configs(self._discovery, self._node, level(stream), __version__):
                yield Message(topic, json.dumps(config, ensure_ascii=False), retain=True)


def level(stream: str) -> str:
    """Return a stream's name as one level of a topic."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", stream) or "_"
