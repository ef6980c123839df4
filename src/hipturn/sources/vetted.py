"""What a recording holds, checked before the core computes with it.

A recording's checksums tell that it is as it was written, not by whom: another program, or a driver of
another version, may have said what no handshake can have agreed.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

from hipturn import drivers
from hipturn.errors import InputError
from hipturn.model import Input, LinkUp, Mark, MarkKind, Side, StreamInfo

RATES_HZ = (1.0, 10_000.0)
"""Slower says nothing about a movement; faster is no IMU."""
MOST = 100.0
"""The largest component of a direction or of a bias in rad/s that can be meant."""


def vetted(items: Iterable[Input], name: str) -> Iterator[Input]:
    """Yield the inputs of the recording called `name`; raise `InputError` at one that cannot be meant."""
    for item in items:
        match item:
            case LinkUp(info=info) if reason := _wrong_link(info):
                raise InputError(f"{name}: {reason}")
            case Mark(kind=MarkKind.SIDE, value=value) if value.get("side") not in tuple(Side):
                raise InputError(
                    f"{name}: a mark names {value.get('side')!r:.40} as the side, not left or right"
                )
            case Mark(kind=MarkKind.BIAS, value=value) if not _is_vector(value.get("gyr_bias_radps")):
                raise InputError(f"{name}: a mark's gyroscope bias is not three finite numbers")
            case Mark(kind=MarkKind.COUNT, value=value) if "on" not in value:
                raise InputError(f"{name}: a mark says neither to count nor to stop counting")
            case Mark(kind=MarkKind.LISTEN, value=value) if "on" not in value:
                raise InputError(f"{name}: a mark says neither to listen for taps nor to stop")
            case Mark(kind=MarkKind.REFERENCE, value=value) if not _is_reference(value):
                raise InputError(f"{name}: a mark does not say which repetitions were done well")
        yield item


def _wrong_link(info: StreamInfo) -> str | None:
    if not drivers.known(info.driver):
        return (
            f"no driver is called {info.driver!r:.40}: update hipturn, it was recorded with another version"
        )
    if not RATES_HZ[0] <= info.rate_hz <= RATES_HZ[1]:
        return f"{info.rate_hz:g} Hz is the rate of no sensor: the recording is none of hipturn's"
    if not (info.has_imu or info.has_quaternion):
        return "its stream carries neither acceleration and rate nor orientation: there is nothing to measure"
    if not ((info.tick_hz == 0.0 or 1.0 <= info.tick_hz <= 1e12) and 0 <= info.tick_bits <= 62):
        return f"a device clock of {info.tick_hz:g} Hz and {info.tick_bits} bits cannot be read"
    normal = info.outward_normal_sensor
    if normal is not None and not (_is_vector(normal) and 0.5 < math.hypot(*normal) < 2.0):
        return "the outward normal of its case is no direction"
    return None


def _is_reference(value: Mapping[str, object]) -> bool:
    reps, last = value.get("reps"), value.get("last")
    if reps is not None:
        return isinstance(reps, list | tuple) and all(isinstance(n, int) for n in reps)
    return isinstance(last, int) and last >= 0


def _is_vector(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 3
        and all(isinstance(x, int | float) and abs(x) <= MOST for x in value)
    )
