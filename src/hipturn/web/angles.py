"""A recording's angle as a picture shows it: on an even grid, thinned, empty where nothing was measured."""

from pathlib import Path
from typing import Any

import numpy as np

from hipturn import offline
from hipturn.errors import InputError
from hipturn.model import HipAngle
from hipturn.units import DEG_PER_RAD, NS_PER_S

RATE_HZ = 20.0
"""Three times what a hip moves at."""
MOST_ROWS = 36_000
"""Half an hour at that rate; what lasts longer is thinned further."""
MOST_BYTES = 64 << 20
"""Recordings larger than this, some six hours, are not measured anew while others are measured live."""


def of(path: Path) -> dict[str, Any]:
    """Return the angle of a recording on an even grid of 20 Hz or less; raise `InputError`.

    ``null`` stands where nothing was measured or what was cannot be trusted. Measured anew by the pipeline:
    call it in a thread.
    """
    if path.stat().st_size > MOST_BYTES:
        raise InputError(
            f"{path.name} is too long to be drawn here: hipturn replay --angles writes all of it"
        )
    found = offline.analyse(path, offline.Request())
    return {"v": 1, "name": path.name, **thinned(found.angles)}


def thinned(blocks: list[HipAngle]) -> dict[str, Any]:
    """Return rate, times and angles of blocks of samples: of each cell of the grid the last sample."""
    if not blocks:
        return {"rate_hz": RATE_HZ, "t_s": [], "angle_deg": []}
    t_s = np.concatenate([block.t_ns for block in blocks]) / NS_PER_S
    angle_deg = np.concatenate([block.angle_rad for block in blocks]) * DEG_PER_RAD
    trusted = np.concatenate([block.trusted for block in blocks])
    rate_hz = min(RATE_HZ, MOST_ROWS / max(1.0, float(t_s[-1])))
    cell = (t_s * rate_hz).astype(np.int64)
    grid = np.full(int(cell[-1]) + 1, np.nan)
    grid[cell[trusted]] = angle_deg[trusted]
    return {
        "rate_hz": round(rate_hz, 4),
        "t_s": [round(i / rate_hz, 3) for i in range(len(grid))],
        "angle_deg": [None if np.isnan(x) else round(x, 2) for x in grid.tolist()],
    }
