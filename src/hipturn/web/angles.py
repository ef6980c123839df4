"""A recording's angle as a picture shows it: on an even grid, thinned, empty where nothing was measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hipturn import offline
from hipturn.errors import InputError
from hipturn.model import BoolArray, FloatArray, HipAngle
from hipturn.units import DEG_PER_RAD, NS_PER_S

RATE_HZ = 20.0
"""Three times what a hip moves at."""
MOST_ROWS = 36_000
"""Half an hour at that rate; what lasts longer is thinned further."""
MOST_BYTES = 64 << 20
"""Recordings larger than this, some four hours, are not measured anew while others are measured live."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which stretch of a recording is to be drawn, in how many rows at most."""

    from_s: float = 0.0
    to_s: float | None = None
    """None for its end."""
    rows: int = MOST_ROWS


WHOLE = Window()


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Every angle of a recording, in the order of time; arrays of one length."""

    name: str
    t_s: FloatArray
    angle_deg: FloatArray
    trusted: BoolArray

    def drawn(self, window: Window = WHOLE) -> dict[str, Any]:
        """Return a stretch on an even grid of 20 Hz or less: of each cell the last, least and greatest angle.

        ``null`` stands where nothing was measured or what was cannot be trusted. However long a cell is,
        its extremes are those of every sample in it: a peak is never thinned away.
        """
        end_s = float(self.t_s[-1]) if len(self.t_s) else 0.0
        last_s = min(end_s, end_s if window.to_s is None else window.to_s)
        span_s = max(0.0, last_s - window.from_s)
        rate_hz = min(RATE_HZ, window.rows / max(1.0, span_s))
        inside = (self.t_s >= window.from_s) & (self.t_s <= last_s)
        kept = inside & self.trusted
        # the last sample of a stretch that is as many cells long belongs to the last of them
        cell = np.minimum(((self.t_s - window.from_s) * rate_hz).astype(np.int64), window.rows - 1)
        count = int(cell[inside][-1]) + 1 if inside.any() else 0
        grids = np.full((3, count), np.nan)
        if kept.any():
            cells, angle_deg = cell[kept], self.angle_deg[kept]
            first = np.flatnonzero(np.diff(cells, prepend=-1))
            filled = cells[first]
            grids[0, filled] = angle_deg[np.append(first[1:], len(cells)) - 1]
            grids[1, filled] = np.minimum.reduceat(angle_deg, first)
            grids[2, filled] = np.maximum.reduceat(angle_deg, first)
        angle, low, high = ([None if np.isnan(x) else x for x in row.tolist()] for row in np.round(grids, 2))
        return {
            "v": 1,
            "name": self.name,
            "duration_s": round(end_s, 3),
            "rate_hz": round(rate_hz, 4),
            "t_s": [round(window.from_s + i / rate_hz, 3) for i in range(count)],
            "angle_deg": angle,
            "low_deg": low,
            "high_deg": high,
        }


def of(path: Path) -> Measured:
    """Return the angle of a recording; raise `InputError`.

    Measured anew by the pipeline: call it in a thread.
    """
    if path.stat().st_size > MOST_BYTES:
        raise InputError(
            f"{path.name} is too long to be drawn here: hipturn replay --angles writes all of it"
        )
    return joined(path.name, offline.analyse(path, offline.Request(), keep_angles=True).angles)


def joined(name: str, blocks: list[HipAngle]) -> Measured:
    """Return blocks of samples as one, in the order of time."""
    if not blocks:
        none = np.empty(0)
        return Measured(name, none, none, none.astype(bool))
    t_s = np.concatenate([block.t_ns for block in blocks]) / NS_PER_S
    angle_deg = np.concatenate([block.angle_rad for block in blocks]) * DEG_PER_RAD
    trusted = np.concatenate([block.trusted for block in blocks])
    order = np.argsort(t_s, kind="stable")
    return Measured(name, t_s[order], angle_deg[order].astype(np.float32), trusted[order])
