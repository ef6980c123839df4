"""Any CSV of acceleration and rate, or of quaternions, as inputs.

A missing or NaN cell makes its row a gap, never a zero. What the numbers contradict (a unit, a
rate) is refused with the likely right one, because a wrong unit gives believable wrong angles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
from hipturn.sources.importers import cells
from hipturn.units import ACC_UNITS_MPS2, GYR_UNITS_RADPS, NS_PER_S, STANDARD_GRAVITY_MPS2, TIME_UNITS_NS

STREAM = "shin"
ROWS_PER_PACKET = 64
"""Rows in one packet of the recording: small enough to replay paced, large enough to read fast."""
MAX_RATE_HZ = 4000.0
MAX_ACC_MPS2, MAX_GYR_RADPS = 1e4, 1e3
"""No sensor measures a thousand g or ten thousand turns a minute: such a row is damaged."""
MAX_BACK_S = 1.0
"""A row may come this much too late (and is left out); further back another recording begins."""


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
    form: cells.Form = field(default_factory=cells.Form)

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
        if twice := {name for name in self.columns() if self.columns().count(name) > 1}:
            raise UsageError(f"column {min(twice)!r} is named twice: each stands for one thing")
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


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What a CSV file holds, in SI units, as the table driver wants it."""

    t_ns: IntArray
    """Times from zero, shape (n,)."""
    values: FloatArray
    """Shape (n, columns); NaN in a row that is a gap."""
    rate_hz: float
    late: int
    """Rows no later than one before them: the pipeline leaves them out."""
    damaged: int
    """Rows with values that no sensor measures: gaps now."""

    @property
    def gaps(self) -> tuple[int, int]:
        """Return the number of gaps, and of samples missing in them."""
        t_ns = np.unique(self.t_ns[np.isfinite(self.values).all(axis=1)])
        periods = np.rint(np.diff(t_ns) * (self.rate_hz / NS_PER_S)).astype(np.int64)
        return int((periods > 1).sum()), int((periods[periods > 1] - 1).sum())


def read(path: Path, layout: Layout) -> Table:
    """Return what the file holds; raise `InputError` if it cannot be used, `UsageError` for the layout."""
    layout.check()
    numbers, lines = cells.read(path, layout.columns(), layout.form)
    # what overflows is no measurement: it becomes infinite and with that a gap, or is refused
    with np.errstate(over="ignore", invalid="ignore"):
        if layout.time:
            known = np.isfinite(numbers[:, 0])
            time_ns = numbers[known, 0] * TIME_UNITS_NS[layout.time_unit]
            values = numbers[known, 1:]
            rate_hz = _rate(path, time_ns, layout)
            t_ns, late = _times(path, time_ns, lines[known], layout)
        else:
            values, late = numbers, 0
            rate_hz = float(layout.rate_hz or 0.0)
            t_ns = np.rint(np.arange(len(values)) * (NS_PER_S / rate_hz)).astype(np.int64)
        damaged = _to_si(path, values, layout)
    if not np.isfinite(values).all(axis=1).any():
        raise InputError(f"{path.name}: no row has all of {', '.join(layout.columns())}")
    return Table(t_ns, values, rate_hz, late, damaged)


def inputs(path: Path, layout: Layout, side: Side | None = None) -> Iterator[Input]:
    """Return the inputs a CSV file stands for; raise as `read`, before the first."""
    return stream(path, layout, read(path, layout), side)


def stream(path: Path, layout: Layout, found: Table, side: Side | None = None) -> Iterator[Input]:
    """Yield the inputs that a table read from `path` stands for."""
    info = StreamInfo(
        driver="table",
        rate_hz=found.rate_hz,
        has_imu=layout.acc is not None,
        has_quaternion=layout.quat is not None,
        tick_hz=float(NS_PER_S),
        tick_bits=0,
        name=path.stem,
    )
    start, end = HostNs(0), HostNs(int(found.t_ns[-1]))
    yield SessionStart(
        program=f"hipturn {hipturn.__version__}",
        wall_time=_made(path),
        note=f"imported from {path.name}",
    )
    yield LinkUp(STREAM, start, info)
    if side is not None:
        yield Mark(STREAM, start, MarkKind.SIDE, {"side": side.value})
    for i in range(0, len(found.t_ns), ROWS_PER_PACKET):
        rows = slice(i, i + ROWS_PER_PACKET)
        data = np.frombuffer(table.encode(found.t_ns[rows], found.values[rows]), dtype=np.uint8)
        yield Packets(STREAM, found.t_ns[rows][-1:], data[None, :])
    yield LinkDown(STREAM, end, "stopped")


def _made(path: Path) -> str:
    """Return when the file was last written, which is the best there is; it takes no part in computing."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone().isoformat(timespec="seconds")
    except (OSError, ValueError, OverflowError):
        return ""


def _rate(path: Path, time_ns: FloatArray, layout: Layout) -> float:
    """Return the sample rate the times show; a rate that was given must agree."""
    steps = np.diff(time_ns[np.isfinite(time_ns)])
    steps = steps[steps > 0]
    if len(steps) == 0:
        raise InputError(
            f"{path.name}: column {layout.time!r} holds no increasing times: give --rate HZ instead"
        )
    usual = float(np.sort(steps)[len(steps) // 2])
    # the mean of the usual ones: times rounded to ms show 60 Hz as 17 ms and 16 ms
    shown_hz = float(f"{NS_PER_S / float(steps[(steps > 0.5 * usual) & (steps < 1.5 * usual)].mean()):.6g}")
    if not 1.0 <= shown_hz <= MAX_RATE_HZ:
        raise InputError(
            f"{path.name}: times in {layout.time_unit} give {shown_hz:.3g} Hz: check --time-unit"
        )
    if layout.rate_hz is None:
        return shown_hz
    if not 0.8 < shown_hz / layout.rate_hz < 1.25:
        raise InputError(
            f"{path.name}: --rate says {layout.rate_hz:g} Hz, the times show {shown_hz:.3g} Hz: "
            "check --time-unit and --rate, or leave out --time where it is only when the rows arrived"
        )
    return layout.rate_hz


def _times(path: Path, time_ns: FloatArray, lines: IntArray, layout: Layout) -> tuple[IntArray, int]:
    """Return the times from zero as whole ns, and how many rows came too late or twice."""
    since = time_ns - time_ns[0]
    if not float(np.abs(since).max()) < 2.0**62:
        raise InputError(f"{path.name}: the times do not fit {layout.time_unit}: check --time-unit")
    t_ns = np.rint(since).astype(np.int64)
    latest = np.maximum.accumulate(t_ns)
    back_s = (latest - t_ns) / NS_PER_S
    if float(back_s.max()) > MAX_BACK_S:
        row = int(np.argmax(back_s > MAX_BACK_S))
        raise InputError(
            f"{path.name}, line {int(lines[row])}: the time goes back by {float(back_s[row]):.3g} s: "
            "a second recording in one file? cut it there"
        )
    return t_ns, int((t_ns[1:] <= latest[:-1]).sum())


def _to_si(path: Path, values: FloatArray, layout: Layout) -> int:
    """Bring the values to SI units and wxyz earth-from-sensor in place; return how many rows were damaged."""
    measured = np.isfinite(values).all(axis=1)
    if layout.acc:
        values[:, 0:3] *= ACC_UNITS_MPS2[layout.acc_unit]
        values[:, 3:6] *= GYR_UNITS_RADPS[layout.gyr_unit]
        _check_units(path, values, layout)
        most = np.repeat((MAX_ACC_MPS2, MAX_GYR_RADPS), 3)
        values[(np.abs(values[:, :6]) > most).any(axis=1)] = np.nan
    if layout.quat:
        _to_earth_from_sensor(path, values[:, -4:], layout)
    return int((measured & ~np.isfinite(values).all(axis=1)).sum())


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
        hint = (
            f"try --acc-unit {fits[0]}"
            if fits
            else "check --acc and --acc-unit, or has gravity been removed?"
        )
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
