"""Live outputs beside the page: Lab Streaming Layer, OSC, MQTT. Off unless asked for, and kept up.

Each is opened beside the measurement and told what happens in it. One that fails is told like any other
trouble, under its name; what its own way of sending cannot mend, opening it again does, with growing pauses.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from urllib.parse import unquote, urlsplit

from hipturn.config import Settings
from hipturn.errors import UsageError
from hipturn.model import LinkDown, LinkUp
from hipturn.session import Heard
from hipturn.sinks import lsl, mqtt, osc
from hipturn.supervise import Tell, kept_up, reason

_log = logging.getLogger(__name__)

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""Where brokers listen if their address does not say."""


class Sink(Protocol):
    """What sends."""

    def hear(self, heard: Heard) -> None:
        """Take what happens; never waits."""
        ...

    def close(self) -> None:
        """Send what waits; may take seconds."""
        ...


Make = Callable[[Callable[[str], None], Callable[[], None]], Sink]
"""Open a sink that calls these, from any thread, when it fails and when it works again."""


class FailedError(Exception):
    """A sink is of no use any more."""


@dataclass(slots=True)
class Output:
    """One way out: `hear` what happens from the event loop's thread, `run` to be open."""

    name: str
    make: Make
    mends_itself: bool
    """It goes on after a failure and says when it works again; otherwise it is opened anew."""
    tell: Tell = lambda *_: None
    _sink: Sink | None = None
    _links: dict[str, LinkUp] = field(default_factory=dict)
    _failed: "asyncio.Future[None] | None" = None

    def hear(self, heard: Heard) -> None:
        """Pass on what happens, if it is open; never raises."""
        if isinstance(heard, LinkUp):
            self._links[heard.stream] = heard
        elif isinstance(heard, LinkDown):
            self._links.pop(heard.stream, None)
        if self._sink is not None:
            try:
                self._sink.hear(heard)
            except Exception as error:
                _log.exception("%s failed", self.name)
                self._give_up(reason(error))

    async def run(self) -> None:
        """Be open until it is of no use any more: raise `FailedError` then, or what opening it raises."""
        loop = asyncio.get_running_loop()
        failed = self._failed = loop.create_future()
        sink = await asyncio.to_thread(
            self.make,
            lambda text: _soon(loop, partial(self._trouble, text)),
            lambda: _soon(loop, partial(self.tell, self.name, None)),
        )
        try:
            for link in self._links.values():
                # it may be opened in the middle of a session
                sink.hear(link)
            self._sink = sink
            await failed
        finally:
            self._sink = None
            await asyncio.to_thread(sink.close)

    def _trouble(self, text: str) -> None:
        if self.mends_itself:
            self.tell(self.name, text)
        else:
            self._give_up(text)

    def _give_up(self, why: str) -> None:
        self._sink = None
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(FailedError(why))


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop may be over before the thread is
        loop.call_soon_threadsafe(call)


@contextlib.asynccontextmanager
async def kept_open(outputs: Sequence[Output], tell: Tell) -> AsyncIterator[None]:
    """Keep the outputs open for the context; what is heard within it goes out before it ends."""
    async with asyncio.TaskGroup() as tasks:
        running = []
        for output in outputs:
            output.tell = tell
            running.append(tasks.create_task(kept_up(output.name, output.run, tell), name=output.name))
        try:
            yield
        finally:
            for task in running:
                task.cancel()


def chosen(settings: Settings) -> list[Output]:
    """Return the outputs that the settings `live.…` ask for.

    Raises `UsageError` for an address that is none and for a package that is missing.
    """
    found = []
    if settings["live.lsl"]:
        lsl.library()
        found.append(Output("LSL", lambda trouble, _: lsl.LslOut(trouble), mends_itself=False))
    if address := str(settings["live.osc"]):
        host, port = _host_and_port(address)
        osc.library()
        found.append(
            Output(
                "OSC", lambda trouble, well: osc.OscOut(host, port, trouble, on_well=well), mends_itself=True
            )
        )
    if address := str(settings["live.mqtt"]):
        mqtt.library()
        found.append(Output("MQTT", _mqtt(address, settings), mends_itself=True))
    return found


def _mqtt(address: str, settings: Settings) -> Make:
    broker, node = _broker(address), str(settings["live.mqtt_node"])
    mqtt.check(node)
    return lambda trouble, well: mqtt.MqttOut(
        broker,
        trouble,
        node=node,
        discovery=str(settings["live.mqtt_discovery"]) or None,
        angle_hz=float(settings["live.mqtt_angle_hz"]),
        on_well=well,
    )


def _host_and_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"live.osc {address!r:.60} is no address: write HOST:PORT, such as 127.0.0.1:9000")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _broker(address: str) -> mqtt.Broker:
    try:
        parts = urlsplit(address)
        if parts.scheme in PORTS and parts.hostname and not (parts.path.strip("/") or parts.query):
            return mqtt.Broker(
                parts.hostname,
                parts.port or PORTS[parts.scheme],
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                tls=parts.scheme == "mqtts",
            )
    except ValueError:
        pass
    # not shown: there may be a password in it
    raise UsageError(
        "live.mqtt is no address of a broker: write mqtt://HOST, mqtt://USER:PASSWORD@HOST:PORT, or mqtts:// "
        "for TLS, with % codes for signs such as @ in the password"
    )
