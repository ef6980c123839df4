"""Open Sound Control: the newest angle and pose, and what happens, as UDP messages.

===================================  ==========================================================
``/hipturn/<stream>/angle``          t_s, angle °, rate °/s, off-axis °, trusted (0 or 1)
``/hipturn/<stream>/orientation``    t_s, w, x, y, z of q_earth_from_sensor
``/hipturn/<stream>/turn``           t_s, direction, ROM °, peak °: the peak is reached
``/hipturn/<stream>/rep``            t_s, n, direction, ROM °, peak °, verdict, reasons with commas
``/hipturn/<stream>/hold``           t_s, seconds, mean °
``/hipturn/<stream>/gap``            t_s, samples lost, cause
``/hipturn/<stream>/link``           1 when the sensor is there, 0 when it is lost
``/hipturn/say``                     t_s, the coach's words
===================================  ==========================================================

t_s is stream time, seconds since the sensor's first sample, as a double; other numbers are floats.
Messages go out at once, without time tags: a receiver that plays has no use for older ones. One message
for each notification, so its newest sample only.
"""

import importlib
import re
import socket
from collections.abc import Callable
from typing import Any

from hipturn.coach import Prompt
from hipturn.errors import InputError, UsageError
from hipturn.model import Gap, HipAngle, Hold, LinkDown, LinkUp, Orientation, Rep, Turn
from hipturn.session import Heard
from hipturn.sinks.outbox import LIMIT, Postman, nothing
from hipturn.units import DEG_PER_RAD, NS_PER_S

Message = tuple[str, str, tuple[Any, ...]]
"""Address, type tags, arguments."""
FORBIDDEN = re.compile(r"[^!-~]|[#*,/?\[\]{}]")
"""What may not stand in a part of an OSC address (OSC 1.0)."""


def library() -> Any:
    """Return what builds messages; raise `UsageError` if python-osc is missing."""
    try:
        return importlib.import_module("pythonosc.osc_message_builder")
    except ImportError as error:
        raise UsageError("OSC needs python-osc: pip install 'hipturn[osc]'") from error


class OscOut:
    """A listener of a session: give `hear` to it, and close this at its end."""

    def __init__(
        self,
        host: str,
        port: int,
        on_trouble: Callable[[str], None],
        limit: int = LIMIT,
        on_well: Callable[[], None] = nothing,
    ) -> None:
        """Raise `UsageError` if python-osc is missing, `InputError` if there is no such host."""
        self._builder = library()
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, kind)
            self._socket.connect(address)
        except OSError as error:
            raise InputError(f"OSC: no host is called {host!r:.60}: check it ({error.strerror})") from error
        self._postman: Postman[Message] = Postman("OSC", self._send, on_trouble, limit, on_well)

    @property
    def dropped(self) -> int:
        """How many messages of samples were dropped because sending did not keep up."""
        return self._postman.dropped

    def hear(self, heard: Heard) -> None:
        """Take what is sent; never waits."""
        found = message(heard)
        if found is not None:
            self._postman.put(found, keep=not isinstance(heard, Orientation | HipAngle))

    def close(self) -> None:
        """Send what waits."""
        self._postman.close()
        self._socket.close()

    def __enter__(self) -> "OscOut":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _send(self, found: Message) -> None:
        address, types, arguments = found
        built = self._builder.OscMessageBuilder(address=address)
        for kind, argument in zip(types, arguments):
            built.add_arg(argument, kind)
        self._socket.send(built.build().dgram)


def message(heard: Heard) -> Message | None:
    """Return what is told of something, None of what is not."""
    match heard:
        case HipAngle():
            values = (heard.angle_rad[-1], heard.rate_radps[-1], heard.off_axis_rad[-1])
            figures = (*(float(v) * DEG_PER_RAD for v in values), int(heard.trusted[-1]))
            return _message(heard.stream, "angle", "dfffi", _s(heard.t_ns[-1]), *figures)
        case Orientation():
            pose = map(float, heard.q_earth_from_sensor[-1])
            return _message(heard.stream, "orientation", "dffff", _s(heard.t_ns[-1]), *pose)
        case Turn():
            figures = (heard.rom_rad * DEG_PER_RAD, heard.peak_rad * DEG_PER_RAD)
            return _message(heard.stream, "turn", "dsff", _s(heard.peak_ns), heard.direction.value, *figures)
        case Rep():
            return _message(
                heard.stream, "rep", "disffss", _s(heard.end_ns), heard.n, heard.direction.value,
                heard.rom_rad * DEG_PER_RAD, heard.peak_rad * DEG_PER_RAD,
                heard.verdict.value, ",".join(heard.reasons),
            )  # fmt: skip
        case Hold():
            length_s = _s(heard.end_ns - heard.start_ns)
            return _message(
                heard.stream, "hold", "dff", _s(heard.end_ns), length_s, heard.mean_rad * DEG_PER_RAD
            )
        case Gap():
            return _message(heard.stream, "gap", "dis", _s(heard.end_ns), heard.lost, heard.cause)
        case LinkUp() | LinkDown():
            return _message(heard.stream, "link", "i", int(isinstance(heard, LinkUp)))
        case Prompt():
            return "/hipturn/say", "ds", (_s(heard.t_ns), heard.say)
    return None


def _message(stream: str, what: str, types: str, *arguments: Any) -> Message:
    return f"/hipturn/{FORBIDDEN.sub('_', stream)}/{what}", types, arguments


def _s(ns: int) -> float:
    return float(ns) / NS_PER_S
