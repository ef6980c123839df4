"""Lab Streaming Layer: orientation, angle and markers, as streams that a lab's recorder finds.

Three outlets for each sensor: ``hipturn-<stream>-orientation`` (w, x, y, z of q_earth_from_sensor),
``-angle`` (angle, rate, off-axis motion, trusted) and ``-markers`` (events as the JSON lines of
``replay --json``). Every sample and event carries the moment it was taken, not sent, on LSL's clock:
stream time by `hostclock`, and the difference between the host's monotonic clock and LSL's.
"""

import importlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hipturn import lines
from hipturn.errors import UsageError
from hipturn.model import (
    Event,
    FloatArray,
    HipAngle,
    IntArray,
    LinkUp,
    Orientation,
    Packets,
    StreamInfo,
)
from hipturn.session import Heard, over_ns
from hipturn.sinks.hostclock import HostClock
from hipturn.sinks.outbox import LIMIT, Postman
from hipturn.units import DEG_PER_RAD, NS_PER_S

ORIENTATION = (("qw", "1"), ("qx", "1"), ("qy", "1"), ("qz", "1"))
ANGLE = (("angle", "deg"), ("rate", "deg/s"), ("off_axis", "deg"), ("trusted", "1"))
CLOCK_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Arrival:
    stream: str
    at_ns: int


_Item = _Arrival | LinkUp | Orientation | HipAngle | Event


@dataclass(slots=True)
class _Series:
    """An outlet whose stamps never go back, though the estimate of the clocks' offset may."""

    outlet: Any
    last_s: float = -math.inf

    def push(self, rows: list[Any], stamps_s: FloatArray) -> None:
        """Send rows with the moments they were taken."""
        for row, stamp in zip(rows, stamps_s.clip(min=self.last_s).tolist()):
            self.outlet.push_sample(row, stamp)
            self.last_s = stamp


@dataclass(slots=True)
class _Sensor:
    """What one sensor sends."""

    info: StreamInfo
    orientation: _Series
    angle: _Series
    markers: _Series
    clock: HostClock = field(default_factory=HostClock)


def library() -> Any:
    """Return pylsl; raise `UsageError` if it or the library it needs is missing."""
    try:
        return importlib.import_module("pylsl")
    except (ImportError, RuntimeError) as error:
        raise UsageError("LSL needs pylsl and liblsl: pip install 'hipturn[lsl]'") from error


class LslOut:
    """A listener of a session: give `hear` to it, and close this at its end.

    `on_trouble` hears, once and in a line, what goes wrong; measuring goes on.
    """

    def __init__(self, on_trouble: Callable[[str], None], limit: int = LIMIT) -> None:
        """Raise `UsageError` if pylsl or the library it needs is missing."""
        self._lsl = library()
        self._shift_s = clock_shift_s(self._lsl.local_clock)
        self._sensors: dict[str, _Sensor] = {}
        self._postman: Postman[_Item] = Postman("LSL", self._send, on_trouble, limit)

    @property
    def dropped(self) -> int:
        """How many blocks of samples were dropped because sending did not keep up."""
        return self._postman.dropped

    def hear(self, heard: Heard) -> None:
        """Take what is sent; never waits."""
        match heard:
            case Packets():
                self._postman.put(_Arrival(heard.stream, int(heard.at_ns[-1])))
            case Orientation() | HipAngle():
                self._postman.put(heard)
            case _ if isinstance(heard, LinkUp | Event):
                self._postman.put(heard, keep=True)

    def close(self) -> None:
        """Send what waits and close the outlets."""
        self._postman.close()
        self._sensors.clear()

    def __enter__(self) -> "LslOut":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _send(self, item: _Item) -> None:
        if isinstance(item, LinkUp):
            self._open(item)
            return
        sensor = self._sensors.get(item.stream)
        if sensor is None:
            return
        match item:
            case _Arrival():
                sensor.clock.arrived(item.at_ns)
            case Orientation():
                sensor.clock.measured(int(item.t_ns[-1]))
                sensor.orientation.push(item.q_earth_from_sensor.tolist(), self._stamps_s(sensor, item.t_ns))
            case HipAngle():
                columns = (item.angle_rad, item.rate_radps, item.off_axis_rad)
                rows = np.column_stack([*(c * DEG_PER_RAD for c in columns), item.trusted])
                sensor.angle.push(rows.tolist(), self._stamps_s(sensor, item.t_ns))
            case _:
                line = lines.dumps(lines.line(item) or {})
                t_ns = np.array([over_ns(item)], np.int64)
                sensor.markers.push([[line]], self._stamps_s(sensor, t_ns))

    def _stamps_s(self, sensor: _Sensor, t_ns: IntArray) -> FloatArray:
        """Return the moments of stream times on LSL's clock; before any sample, the present."""
        offset_ns = sensor.clock.offset_ns()
        if offset_ns is None:
            return np.full(len(t_ns), self._lsl.local_clock())
        return (t_ns + offset_ns) / NS_PER_S + self._shift_s

    def _open(self, link: LinkUp) -> None:
        """Make the outlets of a sensor; those there are go on after a reconnect and in the next session."""
        known = self._sensors.get(link.stream)
        if known is not None and known.info == link.info:
            # the stream's time may begin anew, as it does with each session
            known.clock = HostClock()
            return
        orientation, angle, markers = (
            _Series(self._outlet(link, kind, form, channels))
            for kind, form, channels in (
                ("orientation", self._lsl.cf_double64, ORIENTATION),
                ("angle", self._lsl.cf_double64, ANGLE),
                ("markers", self._lsl.cf_string, (("event", ""),)),
            )
        )
        self._sensors[link.stream] = _Sensor(link.info, orientation, angle, markers)

    def _outlet(self, link: LinkUp, kind: str, form: int, channels: tuple[tuple[str, str], ...]) -> Any:
        info = link.info
        about = self._lsl.StreamInfo(
            name=f"hipturn-{link.stream}-{kind}",
            type={"markers": "Markers", "angle": "Angle", "orientation": "Orientation"}[kind],
            channel_count=len(channels),
            nominal_srate=self._lsl.IRREGULAR_RATE if kind == "markers" else info.rate_hz,
            channel_format=form,
            # the same sensor is the same source after a restart: recorders go on with it
            source_id=f"hipturn-{info.serial or info.name or info.driver}-{link.stream}-{kind}",
        )
        described = about.desc().append_child("channels")
        for label, unit in channels:
            channel = described.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", unit)
        return self._lsl.StreamOutlet(about)


def clock_shift_s(local_clock: Callable[[], float]) -> float:
    """Return another clock minus the host's monotonic clock, s: nothing where they are the same clock."""
    tries = []
    for _ in range(CLOCK_TRIES):
        begun_ns = time.monotonic_ns()
        there_s = local_clock()
        ended_ns = time.monotonic_ns()
        tries.append((ended_ns - begun_ns, there_s - (begun_ns + ended_ns) / 2 / NS_PER_S))
    # the one least disturbed
    return min(tries)[1]
