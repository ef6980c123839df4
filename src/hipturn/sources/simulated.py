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
    motion: Motion, *, first_tick_us: int = 0, lost: Collection[int] = (), stream: str = STREAM
) -> Iterator[Input]:
    """Yield LinkUp, one packet a sample, LinkDown; packets whose number is in `lost` never arrive."""
    period_us = round(1e6 / motion.rate_hz)
    yield LinkUp(stream, HostNs(0), info(motion))
    at_ns = 0
    for i in range(len(motion.t_s)):
        at_ns = round(i * NS_PER_S / motion.rate_hz) + DELAY_NS
        if i in lost:
            continue
        row = slice(i, i + 1)
        packet = encode(
            Batch(i, first_tick_us + i * period_us, period_us, motion.acc_mps2[row], motion.gyr_radps[row])
        )
        yield Packets(stream, np.array([at_ns], np.int64), np.frombuffer(packet, np.uint8)[None, :])
    yield LinkDown(stream, HostNs(at_ns), "stopped")
