"""The Xsens DOT's payload modes: which bytes mean what, both ways (firmware-notes/xsens-dot.md §3 and §4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

LONG, MEDIUM, SHORT = 63, 40, 20
"""Lengths of the three payload characteristics; what a mode does not fill is 0."""

FIELDS: dict[str, tuple[str, int]] = {
    "quat": ("<f4", 4),
    "euler": ("<f4", 3),
    "free_acc": ("<f4", 3),
    "acc": ("<f4", 3),
    "gyr": ("<f4", 3),
    "dq": ("<f4", 4),
    "dv": ("<f4", 3),
    "mag": ("<i2", 3),
    "status": ("<u2", 1),
    "clip_acc": ("u1", 1),
    "clip_gyr": ("u1", 1),
}
"""Note §4: type and number of each quantity."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One payload mode."""

    length: int
    """Of its characteristic."""
    fields: tuple[str, ...]
    """What follows the time stamp, in order."""

    @property
    def has_imu(self) -> bool:
        """Acceleration with gravity, and angular rate, or their increments."""
        return {"acc", "gyr"} <= {*self.fields} or {"dq", "dv"} <= {*self.fields}

    @property
    def has_quaternion(self) -> bool:
        """An orientation, however it is written."""
        return bool({"quat", "euler"} & {*self.fields})


CLIPS = ("status", "clip_acc", "clip_gyr")

MODES: dict[int, Mode] = {
    2: Mode(MEDIUM, ("quat", "free_acc", *CLIPS)),
    3: Mode(MEDIUM, ("quat", "free_acc")),
    4: Mode(SHORT, ("euler",)),
    5: Mode(SHORT, ("quat",)),
    6: Mode(SHORT, ("free_acc",)),
    7: Mode(MEDIUM, ("euler", "free_acc", *CLIPS)),
    16: Mode(MEDIUM, ("euler", "free_acc")),
    18: Mode(MEDIUM, ("dq", "dv", "mag")),
    19: Mode(MEDIUM, ("dq", "dv")),
    20: Mode(MEDIUM, ("acc", "gyr", "mag")),
    21: Mode(MEDIUM, ("acc", "gyr")),
    22: Mode(MEDIUM, ("euler", "free_acc", "gyr")),
    23: Mode(MEDIUM, ("euler", "free_acc", "mag")),
    24: Mode(MEDIUM, ("quat", "gyr")),
    26: Mode(LONG, ("quat", "acc", "gyr")),
}
"""Note §3. 1, 17 and 25 are in part proprietary: only the vendor's software reads them."""


@lru_cache(maxsize=64)
def layout(mode: int) -> np.dtype[np.void]:
    """Return the used part of a mode's payload as a record, its mode before it."""
    fields = [(name, kind, (count,)) for name, (kind, count) in FIELDS.items()]
    by_name = {field[0]: field for field in fields}
    return np.dtype([("mode", "u1"), ("tick", "<u4"), *(by_name[name] for name in MODES[mode].fields)])


def encode(mode: int, tick_us: int, values: Mapping[str, ArrayLike]) -> bytes:
    """Return the notification of one sample, in the units of note §4; fields not given are 0."""
    row = np.zeros(1, layout(mode))
    row["tick"] = tick_us & 0xFFFFFFFF
    for name in MODES[mode].fields:
        row[name] = values.get(name, 0)
    return row.tobytes()[1:].ljust(MODES[mode].length, b"\0")
