"""Three taps on the sensor as a command, for somebody who cannot reach anything else.

A tap is a step of the acceleration's length out of calm; between taps it must calm down again, which
shaking and walking never do. One tap is too easily a knock, so three in a row are asked for, after rest.
"""

from hipturn.model import Samples, StreamNs, Tapped
from hipturn.units import NS_PER_MS, NS_PER_S, STANDARD_GRAVITY_MPS2

STEP_MPS2, WITHIN_NS = 6.0, 60 * NS_PER_MS
"""A tap is a step larger than this away from gravity, from calm within so long."""
CALM_MPS2, CALM_NS = 2.5, 60 * NS_PER_MS
"""Calm is to stay this near to gravity for so long."""
REST_NS = NS_PER_S
"""Calm before the first tap of a command."""
FASTEST_NS, SLOWEST_NS = 120 * NS_PER_MS, 800 * NS_PER_MS
"""From one tap to the next."""
TAPS = 3


class Taps:
    """Listens to one sensor: push blocks of samples."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._calm_from: int | None = None
        self._calm_to: int | None = None
        self._calm_ns = 0
        self._taps: list[int] = []

    def push(self, samples: Samples) -> list[Tapped]:
        """Return the commands completed within this block."""
        if samples.acc_mps2 is None:
            return []
        out: list[Tapped] = []
        length = (samples.acc_mps2 * samples.acc_mps2).sum(axis=1) ** 0.5
        away = abs(length - STANDARD_GRAVITY_MPS2)
        for t_ns, mps2 in zip(samples.t_ns.tolist(), away.tolist(), strict=True):
            if mps2 < CALM_MPS2:
                self._calm_from = t_ns if self._calm_from is None else self._calm_from
                self._calm_to, self._calm_ns = t_ns, t_ns - self._calm_from
                continue
            self._calm_from = None
            if mps2 <= STEP_MPS2 or self._calm_to is None or t_ns - self._calm_to > WITHIN_NS:
                continue
            calm_ns, self._calm_to = self._calm_ns, None
            if self._taps and FASTEST_NS <= t_ns - self._taps[-1] <= SLOWEST_NS and calm_ns >= CALM_NS:
                self._taps.append(t_ns)
            else:
                self._taps = [t_ns] if calm_ns >= REST_NS else []
            if len(self._taps) == TAPS:
                out.append(Tapped(self._stream, StreamNs(t_ns), TAPS))
                self._taps = []
        return out
