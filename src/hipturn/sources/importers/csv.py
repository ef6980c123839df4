"""Any CSV of acceleration and rate, or of quaternions, as inputs.

A missing or NaN cell makes its row a gap, never a zero. What the numbers contradict (a unit, a
rate) is refused with the likely right one, because a wrong unit gives believable wrong angles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from hipturn.core import quaternion
from hipturn.errors import InputError, UsageError
from hipturn.model import FloatArray, Input, Side
from hipturn.sources.importers import cells, imported, plausible
from hipturn.sources.importers.imported import MAX_RATE_HZ, Imported
from hipturn.units import ACC_UNITS_MPS2, GYR_UNITS_RADPS, NS_PER_S, TIME_UNITS_NS


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

    @property
    def told(self) -> plausible.Told:
        """Return the units as the user said them."""
        return plausible.Told(self.acc_unit, self.gyr_unit)

    def columns(self) -> list[str]:
        """Return the columns to read: time if any, then acc and gyr, then quaternion."""
        groups: Sequence[Sequence[str] | None] = (
            (self.time,) if self.time else None,
            self.acc,
            self.gyr,
            self.quat,
        )
        return [name for group in groups if group for name in group]


def read(path: Path, layout: Layout, watch: cells.Watch | None = None) -> Imported:
    """Return what the file holds; raise `InputError` if it cannot be used, `UsageError` for the layout."""
    layout.check()
    numbers, lines = cells.read(path, layout.columns(), layout.form, watch)
    # what overflows is no measurement: it becomes infinite and with that a gap, or is refused
    with np.errstate(over="ignore", invalid="ignore"):
        if layout.time:
            known = np.isfinite(numbers[:, 0])
            time_ns = numbers[known, 0] * TIME_UNITS_NS[layout.time_unit]
            values = numbers[known, 1:]
            rate_hz = _rate(path, time_ns, layout)
            t_ns, late = imported.from_zero(path, time_ns, lines[known], layout.time_unit)
        else:
            values, late = numbers, 0
            rate_hz = float(layout.rate_hz or 0.0)
            t_ns = np.rint(np.arange(len(values)) * (NS_PER_S / rate_hz)).astype(np.int64)
        damaged = _to_si(path, values, layout)
    if layout.acc:
        whole = values[np.isfinite(values).all(axis=1)]
        plausible.refuse_rates(path.name, whole[:, :3], whole[:, 3:6], rate_hz, layout.told)
    if not np.isfinite(values).all(axis=1).any():
        raise InputError(f"{path.name}: no row has all of {', '.join(layout.columns())}")
    return Imported(
        kind="",
        source=path.name,
        t_ns=t_ns,
        values=values,
        rate_hz=rate_hz,
        has_imu=layout.acc is not None,
        has_quaternion=layout.quat is not None,
        late=late,
        damaged=damaged,
        name=path.stem,
        wall_time=imported.written(path),
        units=layout.told,
    )


def inputs(path: Path, layout: Layout, side: Side | None = None) -> Iterator[Input]:
    """Return the inputs a CSV file stands for; raise as `read`, before the first."""
    return read(path, layout).inputs(side)


def _rate(path: Path, time_ns: FloatArray, layout: Layout) -> float:
    """Return the sample rate the times show; a rate that was given must agree."""
    step_ns = imported.usual_step(time_ns)
    if step_ns == 0.0:
        raise InputError(
            f"{path.name}: column {layout.time!r} holds no increasing times: give --rate HZ instead"
        )
    shown_hz = float(f"{NS_PER_S / step_ns:.6g}")
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


def _to_si(path: Path, values: FloatArray, layout: Layout) -> int:
    """Bring the values to SI units and wxyz earth-from-sensor in place; return how many rows were damaged."""
    measured = np.isfinite(values).all(axis=1)
    if layout.acc:
        values[:, 0:3] *= ACC_UNITS_MPS2[layout.acc_unit]
        values[:, 3:6] *= GYR_UNITS_RADPS[layout.gyr_unit]
        whole = values[np.isfinite(values[:, :6]).all(axis=1), :6]
        plausible.refuse_units(path.name, whole[:, :3], whole[:, 3:], layout.told)
        imported.spoil_impossible(values)
    if layout.quat:
        _to_earth_from_sensor(path, values[:, -4:], layout)
    return int((measured & ~np.isfinite(values).all(axis=1)).sum())


def _to_earth_from_sensor(path: Path, q: FloatArray, layout: Layout) -> None:
    """Reorder and turn round quaternions of shape (n, 4) in place; rows that are none become NaN."""
    if layout.quat_order == "xyzw":
        q[:] = q[:, [3, 0, 1, 2]]
    imported.spoil_no_rotations(q)
    if np.isnan(q).any(axis=1).all():
        raise InputError(
            f"{path.name}: no row of {', '.join(layout.quat or ())} has length 1: not quaternions"
        )
    if layout.quat_direction == "sensor-from-earth":
        q[:] = quaternion.conjugate(q)
