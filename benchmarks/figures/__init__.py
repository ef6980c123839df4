"""What `benchmarks/accuracy.py` measures: figures with a limit each."""

from dataclasses import dataclass

import numpy as np

from hipturn.model import FloatArray
from hipturn.units import DEG_PER_RAD


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `limit` is the most it may be, None for one that is only reported."""

    name: str
    value: float
    limit: float | None = None
    unit: str = "°"

    @property
    def met(self) -> bool:
        return self.limit is None or self.value <= self.limit


def rmse_deg(errors_rad: FloatArray) -> float:
    """Return the root mean square of errors, degrees."""
    return float(np.sqrt(np.mean(errors_rad * errors_rad))) * DEG_PER_RAD


def max_deg(errors_rad: FloatArray) -> float:
    """Return the largest error, degrees."""
    return float(np.abs(errors_rad).max()) * DEG_PER_RAD
