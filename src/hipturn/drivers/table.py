"""Rows of numbers that were already decoded elsewhere: what an import writes into a recording.

Not a radio device: each packet is a block of rows of little-endian float64, the first column an
int64 device tick in nanoseconds. Columns: tick, acc (3, m/s²), gyr (3, rad/s) where the stream has
an IMU, then q_earth_from_sensor (4) where it has a quaternion. A row with NaN is a missing sample.
"""

from functools import partial

import numpy as np

from hipturn.drivers import Advertisement, Decode, Driver, Link, nothing
from hipturn.errors import LinkError
from hipturn.model import FloatArray, IntArray, Packets, RawSamples, StreamInfo


def columns(info: StreamInfo) -> int:
    """Return the number of 8-byte columns in a row, the tick included."""
    return 1 + 6 * info.has_imu + 4 * info.has_quaternion


def encode(tick_ns: IntArray, values: FloatArray) -> bytes:
    """Return the packet for ticks of shape (n,) and values of shape (n, columns - 1)."""
    rows = np.empty((len(tick_ns), 1 + values.shape[1]), dtype="<f8")
    rows[:, 0] = np.asarray(tick_ns, dtype="<i8").view("<f8")
    rows[:, 1:] = values
    return rows.tobytes()


def decode(packets: Packets, info: StreamInfo) -> RawSamples:
    """Turn blocks of rows into samples; what cannot be read is counted."""
    width = 8 * columns(info)
    count, size = packets.data.shape
    if size % width or size == 0:
        return nothing(info, count)
    rows = np.ascontiguousarray(packets.data).view("<f8").reshape(-1, columns(info))
    at_ns = np.repeat(packets.at_ns, size // width)
    # all at once first, ticks and all, in a fifth of the time: missing samples are few
    if not np.isfinite(rows).all():
        whole = np.isfinite(rows[:, 1:]).all(axis=1)
        rows, at_ns = rows[whole], at_ns[whole]
    tick = np.ascontiguousarray(rows[:, 0]).view("<i8").astype(np.int64)
    values = rows[:, 1:]
    imu = 6 * info.has_imu
    return RawSamples(
        tick=tick,
        at_ns=at_ns,
        acc_mps2=np.ascontiguousarray(values[:, 0:3]) if imu else None,
        gyr_radps=np.ascontiguousarray(values[:, 3:6]) if imu else None,
        q_earth_from_sensor=np.ascontiguousarray(values[:, imu : imu + 4]) if info.has_quaternion else None,
    )


class TableDriver(Driver):
    """Reads the rows an import has written."""

    name = "table"
    title = "imported rows"
    trust = "own format, round trip tested"
    untried = "nothing: it is no device"

    def matches(self, seen: Advertisement) -> bool:
        """Return False: no device advertises rows of a file."""
        return False

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        return partial(decode, info=info)

    async def start(self, link: Link) -> StreamInfo:
        """Raise: rows of a file have no radio to start."""
        raise LinkError("imported rows are replayed, not connected to: use 'hipturn replay FILE'")

    async def stop(self, link: Link) -> None:
        """Do nothing: there is no radio to stop."""


def driver() -> TableDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return TableDriver()
