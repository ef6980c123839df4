"""What a virtual sensor is and how it behaves."""

from dataclasses import dataclass, field

from hipturn.drivers.hipturn_gatt import FASTEST_HZ, HEADER, SLOWEST_HZ
from hipturn.errors import UsageError
from hipturn.model import Side
from hipturn.sources.virtual.faults import Faults

MTU = 247
"""ATT MTU the sensor offers: a packet then fits one link-layer packet of 251 bytes."""
BYTES_PER_SAMPLE = 12
MOST_SAMPLES_PER_PACKET = (MTU - 3 - HEADER.size) // BYTES_PER_SAMPLE

LONGEST_NAME = 8
"""Name and a 128-bit UUID share the 31 bytes of an advertisement."""

NEAR_WRAP_US = 2**32 - 10_000_000
"""The device clock wraps after some 10 s of life, so that every use also tries the wrap."""


@dataclass(frozen=True, slots=True)
class VirtualSettings:
    """What the virtual sensor is and how it behaves."""

    seed: int = 1
    """Decides leg, mounting, motion, noise and address."""
    reps: int = 10
    rate_hz: float = 100.0
    side: Side = Side.RIGHT
    name: str = "hipturn"
    interval_s: float = 0.015
    """Connection interval of the radio; 0 delivers at once."""
    samples_per_packet: int = 1
    clock_start_us: int = NEAR_WRAP_US
    """The device clock at power-on."""
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        """Raise `UsageError` for what no sensor could do."""
        if not 1 <= len(self.name.encode()) <= LONGEST_NAME:
            raise UsageError(
                f"the name {self.name!r} does not fit an advertisement: 1 to {LONGEST_NAME} bytes"
            )
        if not 1 <= self.samples_per_packet <= MOST_SAMPLES_PER_PACKET:
            raise UsageError(f"a packet holds 1 to {MOST_SAMPLES_PER_PACKET} samples")
        if not SLOWEST_HZ <= self.rate_hz <= FASTEST_HZ:
            raise UsageError(
                f"a sensor samples at {SLOWEST_HZ:g} to {FASTEST_HZ:g} Hz, not {self.rate_hz:g} Hz"
            )

    @property
    def address(self) -> str:
        """The sensor's static random address, its own for each seed."""
        tail = (self.seed & 0xFFFFFFFF).to_bytes(4, "big")
        return "F0:01:" + tail.hex(":").upper()
