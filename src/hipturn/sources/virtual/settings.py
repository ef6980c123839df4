"""What a virtual sensor is and how it behaves."""

from dataclasses import dataclass, field

from hipturn.errors import UsageError
from hipturn.model import Side
from hipturn.sources.virtual import devices
from hipturn.sources.virtual.devices import Traits
from hipturn.sources.virtual.faults import Faults

NEAR_WRAP_US = 2**32 - 10_000_000
"""A clock of 32 bits and µs wraps after some 10 s of life, so that every use also tries the wrap."""


@dataclass(frozen=True, slots=True)
class VirtualSettings:
    """What the virtual sensor is and how it behaves; what is None is as usual for the device."""

    seed: int = 1
    """Decides leg, mounting, motion, noise and address."""
    reps: int = 10
    device: str = "hipturn"
    """What it behaves as: the name of a driver, see `devices.names`."""
    rate_hz: float | None = None
    side: Side = Side.RIGHT
    name: str | None = None
    interval_s: float = 0.015
    """Connection interval of the radio; 0 delivers at once."""
    samples_per_packet: int | None = None
    clock_start_us: int = NEAR_WRAP_US
    """The device clock at power-on."""
    faults: Faults = field(default_factory=Faults)
    pelvis: bool = False
    """A second sensor of the kind is on the pelvis, which rolls in every third repetition."""

    def __post_init__(self) -> None:
        """Raise `UsageError` for what no such device could do."""
        traits = self.traits
        if not 1 <= len(self.local_name.encode()) <= traits.longest_name:
            raise UsageError(
                f"the name {self.local_name!r} does not fit an advertisement: "
                f"1 to {traits.longest_name} bytes"
            )
        if self.faults.mode and not traits.found_measuring:
            raise UsageError(
                f"--faults mode: {self.device} forgets with the link what it was told: "
                "it is never found in a wrong mode"
            )
        if not 1 <= self.rows_per_packet <= traits.most_samples_per_packet:
            raise UsageError(
                f"a packet of this device holds 1 to {traits.most_samples_per_packet} samples, "
                f"not {self.rows_per_packet}"
            )
        if not traits.slowest_hz <= self.sample_rate_hz <= traits.fastest_hz:
            slowest, fastest = f"{traits.slowest_hz:g}", f"{traits.fastest_hz:g}"
            span = fastest if slowest == fastest else f"{slowest} to {fastest}"
            raise UsageError(f"this device samples at {span} Hz, not {self.sample_rate_hz:g} Hz")

    @property
    def traits(self) -> Traits:
        """What the device is; raises `UsageError` if there is no such one."""
        return devices.get(self.device).TRAITS

    @property
    def local_name(self) -> str:
        """The name it advertises."""
        return self.traits.local_name if self.name is None else self.name

    @property
    def sample_rate_hz(self) -> float:
        """Samples it takes a second."""
        return self.traits.rate_hz if self.rate_hz is None else self.rate_hz

    @property
    def rows_per_packet(self) -> int:
        """Samples in one notification."""
        return self.traits.samples_per_packet if self.samples_per_packet is None else self.samples_per_packet

    @property
    def address(self) -> str:
        """The sensor's static random address, its own for each seed."""
        return "F0:01:" + self._tail

    @property
    def pelvis_address(self) -> str:
        """The address of the second sensor."""
        return "F0:02:" + self._tail

    @property
    def _tail(self) -> str:
        return (self.seed & 0xFFFFFFFF).to_bytes(4, "big").hex(":").upper()
