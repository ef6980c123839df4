"""A simulated motion as the inputs a radio would deliver: for recordings and tests without a radio.

Bytes are those of hipturn's own GATT service; arrival is the sample's time plus a fixed delay, so
that the same motion gives the same recording. For a real link use the virtual sensor instead.
"""

from collections.abc import Collection, Iterator

import numpy as np

from hipturn.drivers.hipturn_gatt import Batch, encode
from hipturn.model import HostNs, Input, LinkDown, LinkUp, Packets, StreamInfo
from hipturn.sources.body import Motion
from hipturn.units import NS_PER_MS, NS_PER_S

STREAM = "shin"
DELAY_NS = 8 * NS_PER_MS
"""From sample to arrival: half a connection interval."""


def info(motion: Motion) -> StreamInfo:
    """Return what the handshake with a sensor that measures this motion would agree."""
    return StreamInfo(
        driver="hipturn",
        rate_hz=motion.rate_hz,
        outward_normal_sensor=motion.leg.outward_normal_sensor,
        name="simulated",
    )


def inputs(
    motion: Motion,
    *,
    first_tick_us: int = 0,
    lost: Collection[int] = (),
    samples_per_packet: int = 1,
    stream: str = STREAM,
) -> Iterator[Input]:
    """Yield LinkUp, the packets, LinkDown; packets whose number is in `lost` never arrive."""
    period_us = round(1e6 / motion.rate_hz)
    n = len(motion.t_s)
    yield LinkUp(stream, HostNs(0), info(motion))
    at_ns = 0
    for number, first in enumerate(range(0, n, samples_per_packet)):
        rows = slice(first, min(n, first + samples_per_packet))
        at_ns = round((rows.stop - 1) * NS_PER_S / motion.rate_hz) + DELAY_NS
        if number in lost:
            continue
        tick_us = first_tick_us + first * period_us
        packet = encode(Batch(number, tick_us, period_us, motion.acc_mps2[rows], motion.gyr_radps[rows]))
        yield Packets(stream, np.array([at_ns], np.int64), np.frombuffer(packet, np.uint8)[None, :])
    yield LinkDown(stream, HostNs(at_ns), "stopped")
