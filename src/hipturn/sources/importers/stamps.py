"""Time stamps as loggers write them, as seconds."""

import math
import re
from datetime import datetime

import numpy as np

from hipturn.model import FloatArray
from hipturn.sources.importers import cells

DAY_S = 86_400.0
SLOWEST_S = 2.0
_CLOCK = re.compile(
    r"(?:(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[ T_]*)?"
    r"(?P<h>\d{1,2}):(?P<m>\d{1,2}):(?P<s>\d{1,2})(?:[.:,](?P<part>\d{1,9}))?"
)
_EPOCH_UNITS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))
"""A number past the first is a date in our lifetime in the unit of the second."""


def seconds(text: str, decimal: str) -> float:
    """Return a stamp in s, of a clock since midnight or since 1970 as if it were UTC; NaN if it is missing.

    Numbers are returned as they are: see `scaled`. Raises ValueError for what is no stamp.
    """
    text = text.strip().strip("'\"")
    if text.lower() in cells.MISSING:
        return math.nan
    if (clock := _CLOCK.fullmatch(text)) is None:
        value = float(text.replace("_", "?").replace(decimal, "."))
        return value if math.isfinite(value) else math.nan
    since_midnight = int(clock["h"]) * 3600.0 + int(clock["m"]) * 60.0 + int(clock["s"])
    # 12:00:01:7 is written by programs that leave out leading zeros of milliseconds, 12:00:01.7 by none
    part, colon = clock["part"] or "0", clock["part"] and text[clock.start("part") - 1] == ":"
    since_midnight += int(part) / 1000.0 if colon else float(f"0.{part}")
    if clock["year"] is None:
        return since_midnight
    day = datetime(int(clock["year"]), int(clock["month"]), int(clock["day"]))
    return (day - datetime(1970, 1, 1)).total_seconds() + since_midnight


def scaled(stamps: FloatArray) -> FloatArray:
    """Return stamps in s: numbers of a size that only ms, µs or ns since 1970 have, or ms, are divided.

    A clock that begins anew at midnight goes on instead.
    """
    known = stamps[np.isfinite(stamps)]
    if len(known) < 2:
        return stamps
    size = float(np.median(np.abs(known)))
    for least, factor in _EPOCH_UNITS:
        if size > least:
            return stamps * factor
    if size < DAY_S:
        step = np.diff(np.nan_to_num(stamps, nan=float(known[0])), prepend=float(known[0]))
        stamps = stamps + DAY_S * np.cumsum(step < -DAY_S / 2)
        known = stamps[np.isfinite(stamps)]
    if float(known.max() - known.min()) / (len(known) - 1) > SLOWEST_S:
        # no sensor worth a recording is that slow: milliseconds since it began
        return stamps / 1000.0
    return stamps


def iso(first_s: float) -> str:
    """Return the beginning as ISO 8601 of this computer's zone, "" where the stamps have no date."""
    if not 1e8 < first_s < 1e11:
        return ""
    try:
        return datetime.fromtimestamp(first_s).astimezone().isoformat(timespec="milliseconds")
    except (OSError, ValueError, OverflowError):
        return ""
