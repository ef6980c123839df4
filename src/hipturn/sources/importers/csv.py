"""Any CSV of acceleration and rate, or of quaternions, as inputs.

A missing or NaN cell makes its row a gap, never a zero. What the numbers contradict (a unit, a
rate) is refused with the likely right one, because a wrong unit gives believable wrong angles.
"""

import csv
import difflib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np

import hipturn
from hipturn.core import quaternion
from hipturn.drivers import table
from hipturn.errors import InputError, UsageError
from hipturn.model import (
    FloatArray,
    HostNs,
    Input,
    IntArray,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Packets,
    SessionStart,
    Side,
    StreamInfo,
)
from hipturn.units import ACC_UNITS_MPS2, GYR_UNITS_RADPS, NS_PER_S, STANDARD_GRAVITY_MPS2, TIME_UNITS_NS

STREAM = "shin"
ROWS_PER_PACKET = 64
"""Rows in one packet of the recording: small enough to replay paced, large enough to read fast."""
MAX_RATE_HZ = 4000.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns mean what."""

    acc: tuple[str, str, str] | None = None
    gyr: tuple[str, str, str] | None = None
    quat: tuple[str, str, str, str] | None = None
    acc_unit: str = "mps2"
    gyr_unit: str = "radps"
    quat_order: Literal["wxyz", "xyzw"] = "wxyz"
    quat_direction: Literal["earth-from-sensor", "sensor-from-earth"] | None = None
    time: str | None = None
    time_unit: str = "s"
    rate_hz: float | None = None
    delimiter: str = ","
    decimal: str = "."
    skip_rows: int = 0

    def check(self) -> None:
        """Raise `UsageError` if the options do not say enough, or contradict each other."""
        if (self.acc is None) != (self.gyr is None):
            raise UsageError("--acc and --gyr belong together: orientation needs both")
        if self.acc is None and self.quat is None:
            raise UsageError("name the columns: --acc x,y,z and --gyr x,y,z, or --quat w,x,y,z")
        if self.quat is not None and self.quat_direction is None:
            raise UsageError(
                "--quat needs --quat-direction earth-from-sensor or sensor-from-earth: "
                "the numbers cannot tell which, and the wrong one gives wrong angles"
            )
        if self.rate_hz is None and self.time is None:
            raise UsageError("the sample times are unknown: give --rate HZ or --time COLUMN")
        if self.rate_hz is not None and not 1.0 <= self.rate_hz <= MAX_RATE_HZ:
            raise UsageError(f"--rate must be from 1 to {MAX_RATE_HZ:g} Hz, not {self.rate_hz:g}")

    def columns(self) -> list[str]:
        """Return the columns to read: time if any, then acc and gyr, then quaternion."""
        groups: Sequence[Sequence[str] | None] = (
            (self.time,) if self.time else None,
            self.acc,
            self.gyr,
            self.quat,
        )
        return [name for group in groups if group for name in group]


def inputs(path: Path, layout: Layout, side: Side | None = None) -> Iterator[Input]:
    """Return the inputs a CSV file stands for; raise `InputError` before the first if it cannot be used."""
    layout.check()
    t_ns, values, rate_hz = _numbers(path, layout)
    info = StreamInfo(
        driver="table",
        rate_hz=rate_hz,
        has_imu=layout.acc is not None,
        has_quaternion=layout.quat is not None,
        tick_hz=float(NS_PER_S),
        tick_bits=0,
        name=path.stem,
    )
    return _stream(path, info, t_ns, values, side)


def _stream(
    path: Path, info: StreamInfo, t_ns: IntArray, values: FloatArray, side: Side | None
) -> Iterator[Input]:
    made = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    start, end = HostNs(0), HostNs(int(t_ns[-1]))
    yield SessionStart(
        program=f"hipturn {hipturn.__version__}",
        wall_time=made.isoformat(timespec="seconds"),
        note=f"imported from {path.name}",
    )
    yield LinkUp(STREAM, start, info)
    if side is not None:
        yield Mark(STREAM, start, MarkKind.SIDE, {"side": side.value})
    for i in range(0, len(t_ns), ROWS_PER_PACKET):
        rows = slice(i, i + ROWS_PER_PACKET)
        data = np.frombuffer(table.encode(t_ns[rows], values[rows]), dtype=np.uint8)
        yield Packets(STREAM, t_ns[rows][-1:], data[None, :])
    yield LinkDown(STREAM, end, "stopped")


def _numbers(path: Path, layout: Layout) -> tuple[IntArray, FloatArray, float]:
    """Return times from zero in ns, values in SI as the table driver wants them, and the rate in Hz."""
    cells = _cells(path, layout)
    time = cells[:, 0] if layout.time else None
    values = cells[:, 1:] if layout.time else cells
    if time is not None:
        known = np.isfinite(time)
        if known.sum() < 2:
            raise InputError(f"{path.name}: column {layout.time!r} holds no times: give --rate HZ instead")
        values, time = values[known], time[known] * TIME_UNITS_NS[layout.time_unit]
        rate_hz = _rate(path, time, layout)
        if not float(np.abs(time - time[0]).max()) < 2.0**62:
            raise InputError(f"{path.name}: the times do not fit {layout.time_unit}: check --time-unit")
        t_ns = np.rint(time - time[0]).astype(np.int64)
    else:
        rate_hz = float(layout.rate_hz or 0.0)
        t_ns = np.rint(np.arange(len(values)) * (NS_PER_S / rate_hz)).astype(np.int64)
    if layout.acc:
        values[:, 0:3] *= ACC_UNITS_MPS2[layout.acc_unit]
        values[:, 3:6] *= GYR_UNITS_RADPS[layout.gyr_unit]
        _check_units(path, values, layout)
    if layout.quat:
        _to_earth_from_sensor(path, values[:, -4:], layout)
    if not np.isfinite(values).all(axis=1).any():
        raise InputError(f"{path.name}: no row has all of {', '.join(layout.columns())}")
    return t_ns, values, rate_hz


def _cells(path: Path, layout: Layout) -> FloatArray:
    """Return the wanted columns as numbers, NaN where a cell is missing, shape (rows, columns)."""
    wanted = layout.columns()
    rows: list[list[float]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=layout.delimiter)
            for _ in range(layout.skip_rows):
                next(reader, None)
            where = _find(path, next(reader, None), wanted, layout)
            rows.extend(
                [_cell(path, row, i, reader.line_num, layout.decimal) for i in where] for row in reader if row
            )
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name}: not a text file (byte {error.start}): is it a CSV?") from error
    except csv.Error as error:
        raise InputError(f"{path.name}, line {reader.line_num}: not CSV ({error})") from error
    if not rows:
        raise InputError(f"{path.name}: there are no rows below the header")
    return np.array(rows, dtype=np.float64)


def _find(path: Path, header: list[str] | None, wanted: list[str], layout: Layout) -> list[int]:
    if not header:
        raise InputError(f"{path.name}: the file is empty or its header line is")
    names = [name.strip() for name in header]
    for column in wanted:
        if column in names:
            continue
        if len(names) == 1 and not layout.delimiter.isspace():
            guess = next((d for d in ";\t, " if d in names[0] and d != layout.delimiter), None)
            if guess:
                raise InputError(
                    f"{path.name}: the header is one column with delimiter {layout.delimiter!r}: "
                    f"try --delimiter {guess!r}"
                )
        near = difflib.get_close_matches(column, names, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"the header has {', '.join(names[:12])}"
        raise InputError(f"{path.name}: no column is called {column!r}: {hint}")
    return [names.index(column) for column in wanted]


def _cell(path: Path, row: list[str], i: int, line: int, decimal: str) -> float:
    text = row[i].strip() if i < len(row) else ""
    if not text:
        return math.nan
    try:
        value = float(text if decimal == "." else text.replace(decimal, "."))
    except ValueError:
        hint = "; is the decimal sign a comma? try --decimal ," if "," in text else ""
        raise InputError(f"{path.name}, line {line}: {text[:40]!r} is not a number{hint}") from None
    return value if math.isfinite(value) else math.nan


def _rate(path: Path, time_ns: FloatArray, layout: Layout) -> float:
    """Return the sample rate the times show; a rate that was given must agree."""
    steps = np.diff(time_ns)
    steps = steps[steps > 0]
    if len(steps) == 0:
        raise InputError(f"{path.name}: column {layout.time!r} never increases")
    shown_hz = NS_PER_S / float(np.median(steps))
    if not 1.0 <= shown_hz <= MAX_RATE_HZ:
        raise InputError(
            f"{path.name}: times in {layout.time_unit} give {shown_hz:.3g} Hz: check --time-unit"
        )
    if layout.rate_hz is None:
        return shown_hz
    if not 0.8 < shown_hz / layout.rate_hz < 1.25:
        raise InputError(
            f"{path.name}: --rate says {layout.rate_hz:g} Hz, the times show {shown_hz:.3g} Hz: "
            "check --time-unit and --rate"
        )
    return layout.rate_hz


def _check_units(path: Path, values: FloatArray, layout: Layout) -> None:
    """Raise `InputError` if acceleration is not about 1 g most of the time, or rates are impossible."""
    whole = values[np.isfinite(values[:, :6]).all(axis=1), :6]
    if len(whole) == 0:
        return
    gravity = float(np.median(np.sqrt(quaternion.dot(whole[:, :3], whole[:, :3]))))
    if not 0.5 < gravity / STANDARD_GRAVITY_MPS2 < 2.0:
        scale = ACC_UNITS_MPS2[layout.acc_unit]
        fits = [
            u for u, s in ACC_UNITS_MPS2.items() if 0.5 < gravity / scale * s / STANDARD_GRAVITY_MPS2 < 2.0
        ]
        hint = f"try --acc-unit {fits[0]}" if fits else "check --acc and --acc-unit"
        raise InputError(
            f"{path.name}: acceleration is typically {gravity:.3g} m/s² with unit {layout.acc_unit}, "
            f"not about 9.8: {hint}"
        )
    fastest = float(np.percentile(np.abs(whole[:, 3:]), 99))
    if fastest > 70.0:
        hint = "try --gyr-unit dps" if layout.gyr_unit == "radps" else "check --gyr and --gyr-unit"
        raise InputError(
            f"{path.name}: rates reach {fastest:.3g} rad/s with unit {layout.gyr_unit}, no leg does: {hint}"
        )


def _to_earth_from_sensor(path: Path, q: FloatArray, layout: Layout) -> None:
    """Reorder and turn round quaternions of shape (n, 4) in place; rows that are none become NaN."""
    if layout.quat_order == "xyzw":
        q[:] = q[:, [3, 0, 1, 2]]
    norm = np.sqrt((q * q).sum(axis=1))
    none = ~((norm > 0.9) & (norm < 1.1))
    if none.all():
        raise InputError(
            f"{path.name}: no row of {', '.join(layout.quat or ())} has length 1: not quaternions"
        )
    q[none] = np.nan
    if layout.quat_direction == "sensor-from-earth":
        q[:] = quaternion.conjugate(q)
