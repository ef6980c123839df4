"""Sony mocopi sensors: their own orientation at 50 Hz, experimental (firmware-notes/mocopi.md)."""

import numpy as np

from hipturn.drivers import Advertisement, Decode, Driver, Link, nothing
from hipturn.drivers.rows import kept, unit
from hipturn.model import BoolArray, FloatArray, IntArray, Packets, RawSamples, StreamInfo
from hipturn.units import NS_PER_S

SERVICE_UUID = "91a7608d-4456-479d-b9b1-4706e8711cf8"
DATA_UUID = "25047e64-657c-4856-afcf-e315048a965b"
COMMAND_SERVICE_UUID = "0000ff00-0000-1000-8000-00805f9b34fb"
COMMAND_UUID = "0000ff01-0000-1000-8000-00805f9b34fb"
NAME = "QM-SS1"

START = bytes.fromhex("7e0318d6010000")
STOP = bytes.fromhex("7e0318d6000000")
"""Note §3."""

RATE_HZ = 50.0
PERIOD_NS = round(NS_PER_S / RATE_HZ)
SETTLING = 40
"""Note §4: packets after a start in which the orientation is not yet good."""

Q_PER_LSB = 1.0 / 8192.0
UNIT_WITHIN = 0.02
"""The published packet's orientation is 0.9982 long."""
LAYOUT = np.dtype(
    [
        ("tick", "<i8"),
        ("q", "<i2", (4,)),
        ("q_before", "<i2", (4,)),
        ("acc", "<f2", (3,)),
        ("acc_before", "<f2", (3,)),
    ]
)
"""Note §2."""


def encode(tick_ns: int, q_earth_from_sensor: FloatArray, q_before: FloatArray) -> bytes:
    """Return the packet of a sample with the orientation before it; its acceleration is left 0."""
    row = np.zeros(1, LAYOUT)
    row["tick"] = tick_ns
    row["q"] = np.rint(q_earth_from_sensor / Q_PER_LSB)
    row["q_before"] = np.rint(q_before / Q_PER_LSB)
    return row.tobytes()


class Decoder:
    """One link's packets to orientation; repairs single losses from what each packet repeats."""

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._settling = SETTLING
        self._last_ns: int | None = None

    def __call__(self, packets: Packets) -> RawSamples:
        """See `Driver.decoder`."""
        count, size = packets.data.shape
        if size != LAYOUT.itemsize:
            return nothing(self._info, count)
        rows = np.ascontiguousarray(packets.data).view(LAYOUT)[:, 0]
        q, good = unit(rows["q"].astype(np.float64) * Q_PER_LSB, UNIT_WITHIN)
        before, sound = unit(rows["q_before"].astype(np.float64) * Q_PER_LSB, UNIT_WITHIN)
        good &= sound
        settled = np.cumsum(good) > self._settling
        self._settling = max(0, self._settling - int(good.sum()))
        tick = rows["tick"]
        late = self._after_a_loss(tick, good & settled)
        # each packet as two rows, the repeated orientation first
        return kept(
            self._info,
            np.stack((late, good & settled), axis=1).reshape(-1),
            np.stack((tick - PERIOD_NS, tick), axis=1).reshape(-1),
            np.repeat(packets.at_ns, 2),
            q_earth_from_sensor=np.stack((before, q), axis=1).reshape(-1, 4),
            aside=np.stack((~late, good & ~settled), axis=1).reshape(-1),
        )

    def _after_a_loss(self, tick: IntArray, good: BoolArray) -> BoolArray:
        """Return which packets come after at least one that was lost."""
        late: BoolArray = np.zeros(len(tick), np.bool_)
        times = tick[good].tolist()
        if times:
            first = times[0] if self._last_ns is None else self._last_ns
            # Python's own numbers: what damage says is a time can be too far for 64 bits
            late[good] = [b - a > 1.5 * PERIOD_NS for a, b in zip([first, *times], times)]
            self._last_ns = times[-1]
        return late


class MocopiDriver(Driver):
    """Sony mocopi sensors (QM-SS1)."""

    name = "mocopi"
    title = "Sony mocopi (experimental)"
    trust = "one community's reverse engineering and the packet it published; the vendor documents nothing"
    untried = (
        "everything; doubtful: order of the orientation's components, its earth frame, pairing. "
        "It sends no angular rate"
    )

    def matches(self, seen: Advertisement) -> bool:
        """Return whether name or service is that of a mocopi sensor."""
        return seen.name.startswith(NAME) or SERVICE_UUID in seen.service_uuids

    def decoder(self, info: StreamInfo) -> Decode:
        """Return a decoder for one link; see `Driver.decoder`."""
        return Decoder(info)

    async def start(self, link: Link) -> StreamInfo:
        """Subscribe and start; see note §3."""
        await link.subscribe(DATA_UUID)
        await link.write(COMMAND_UUID, START)
        return StreamInfo(
            driver=self.name, rate_hz=RATE_HZ, has_imu=False, has_quaternion=True, tick_hz=1e9, tick_bits=0
        )

    async def stop(self, link: Link) -> None:
        """Leave the sensor connected but quiet."""
        await link.write(COMMAND_UUID, STOP)


def driver() -> MocopiDriver:
    """Return the driver (see `hipturn.drivers.get`)."""
    return MocopiDriver()
