"""WitMotion logs: of the maker's program, of its Python kit, and of loggers that people wrote over BLE.

All name their columns differently, in English or Chinese, delimited by comma, tab or semicolon, and
some name more columns than they fill. So columns are understood by what their names mean:

========= ===================================================== ================================
time      time, timestamp, Time(s), 时间                          s, ms, µs since 1970, or a clock
chip      Chip Time(), 片上时间                                   a clock of the sensor's own
device    address, DeviceName, Device name, 设备名称              chosen by `device`
acc       AccX, ax(g), Acceleration X(g), 加速度X(g)              g, or m/s² where that fits
gyr       AsX, wx(deg/s), Angular velocity X(°/s), 角速度X(°/s)    °/s
angle     AngX, AngleX(deg), Angle X(°), 角度X(°)                 °: roll, pitch, yaw, z-y-x
quat      Q0…, q1…q4, Quaternions 0(), 四元数0()                   w x y z, earth from sensor
========= ===================================================== ================================

The usual frames have neither time nor count, so the stamps are arrivals, in bursts: see `arrivals`. A
chip time that runs is used instead. Rows that repeat the one before, stamp and all, are kept: their
number is the clock, and a still sensor does repeat itself.
"""

import array
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hipturn.errors import InputError, UsageError
from hipturn.model import FloatArray, IntArray
from hipturn.sources.importers import arrivals, cells, imported, plausible, stamps, text
from hipturn.sources.importers import witmotion_columns as columns
from hipturn.sources.importers.imported import Imported
from hipturn.sources.importers.witmotion_columns import ACC, ANGLE, AXES, CHIP, DEVICE, GYR, QUAT, TIME
from hipturn.units import ACC_UNITS_MPS2, GYR_UNITS_RADPS, NS_PER_S, RAD_PER_DEG, STANDARD_GRAVITY_MPS2

KIND = "a WitMotion log"
MOST_PREAMBLE_LINES = 10
SAMPLE_ROWS = 1000
"""Rows looked at before the columns are decided."""
FRESHER = 1.2
"""Angles are preferred to a quaternion that changes so much more seldom: some loggers poll for it."""
CHIP_TOLERANCE = 0.05
"""A chip time that runs takes as long as the host's, within this share; some stand still or begin anew."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where the table begins."""

    form: cells.Form
    names: list[str]


@dataclass(slots=True)
class _Rows:
    """The rows of one device while they are read: 8 bytes a cell."""

    host_s: "array.array[float]" = field(default_factory=lambda: array.array("d"))
    chip_s: "array.array[float]" = field(default_factory=lambda: array.array("d"))
    values: "array.array[float]" = field(default_factory=lambda: array.array("d"))
    lines: "array.array[int]" = field(default_factory=lambda: array.array("q"))


def header(path: Path) -> Header | None:
    """Return the header if the file is such a log; raise `InputError` if it cannot be read."""
    encoding, start = text.head(path)
    lines = start.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for i, line in enumerate(lines[:MOST_PREAMBLE_LINES]):
        delimiter, names = text.split(line)
        found = columns.meant(names)
        if ACC in found and not names[0]:
            # the maker's Python kit leaves the name of the time blank
            names[0] = "time"
            found = columns.meant(names)
        # acceleration and angles in one row are what these sensors send; alone they may be anybody's
        if {ACC, ANGLE} <= set(found) and {TIME, CHIP} & set(found):
            decimal = text.decimal_of(delimiter, lines[i + 1 : i + 50])
            return Header(cells.Form(delimiter, decimal, i, encoding), names)
    return None


def read(
    path: Path, device: str | None = None, rate_hz: float | None = None, watch: cells.Watch | None = None
) -> Imported:
    """Return what the log holds of a device, which has to be named where there are several.

    `rate_hz` is for a log without usable times. Raises `InputError`, `UsageError`.
    """
    found = header(path)
    if found is None:
        raise InputError(
            f"{path.name}: not a WitMotion log: no line of its beginning names time, acceleration and angle"
        )
    names, devices = _read_rows(path, found, watch)
    chosen = imported.choose(path.name, device, list(devices))
    rows = devices[chosen]
    meaning = [each for each in AXES if each in columns.meant(names)]
    table = np.array(rows.values).reshape(len(rows.lines), sum(len(AXES[each]) for each in meaning))
    edges = np.cumsum([len(AXES[each]) for each in meaning])[:-1]
    vectors = dict(zip(meaning, np.split(table, edges, axis=1)))
    unfilled = [name for name in found.names if name not in names]
    notes = [f"no values of {', '.join(unfilled)}"] if unfilled else []
    with np.errstate(over="ignore", invalid="ignore"):
        values, units, told = _to_si(path, vectors, names)
        known = np.isfinite(table).all(axis=1)
        again = (np.diff(table, axis=0) == 0.0).all(axis=1) & (np.diff(np.array(rows.host_s)) == 0.0)
        t_ns, late, rate, began, timed = _times(path, rows, rate_hz)
    notes += [f"{int(again.sum())} rows repeat the one before"] if again.any() else []
    whole = np.isfinite(values).all(axis=1)
    if not whole.any():
        raise InputError(f"{path.name}: no row has all of its values")
    return Imported(
        kind=KIND,
        source=path.name,
        t_ns=t_ns,
        values=values,
        rate_hz=rate,
        has_imu=GYR in vectors,
        has_quaternion=True,
        late=late,
        damaged=int((known & ~whole).sum()),
        notes=(*notes, *told, timed),
        name=chosen or path.stem,
        wall_time=began or imported.written(path),
        units=units,
    )


def _read_rows(path: Path, found: Header, watch: cells.Watch | None) -> tuple[list[str], dict[str, _Rows]]:
    """Return the names that values belong to, and the rows of each device."""
    form = found.form
    rows = cells.rows(path, form, watch)
    next(rows, None)
    sample = list(itertools.islice(rows, SAMPLE_ROWS))
    if not sample:
        raise InputError(f"{path.name}: there are no rows below the header")
    names = columns.filled(path, found.names, sample, form.decimal)
    meant = columns.meant(names)
    wanted = [place for meaning in AXES if meaning in meant for place in meant[meaning]]
    fewer = len(names) < len(found.names)
    devices: dict[str, _Rows] = {}
    for line, row in itertools.chain(sample, rows):
        if fewer and len(row) > len(names) and any(cell.strip() for cell in row[len(names) :]):
            # such a row has values where the others have none: which they are is not known
            row = row[:1]
        cells.fits(path, row, len(names), line)
        row += [""] * (len(names) - len(row))
        into = devices.setdefault(row[meant[DEVICE][0]].strip() if DEVICE in meant else "", _Rows())
        for stamp, meaning in ((into.host_s, TIME), (into.chip_s, CHIP)):
            stamp.append(_stamp(path, row[meant[meaning][0]], line, form) if meaning in meant else np.nan)
        into.values.extend([cells.number(path, row[i], line, form.decimal) for i in wanted])
        into.lines.append(line)
    return names, devices


def _stamp(path: Path, cell: str, line: int, form: cells.Form) -> float:
    try:
        return stamps.seconds(cell, form.decimal)
    except ValueError:
        raise InputError(f"{path.name}, line {line}: {cell.strip()[:40]!r} is not a time") from None


def _to_si(
    path: Path, vectors: dict[str, FloatArray], names: list[str]
) -> tuple[FloatArray, plausible.Told, list[str]]:
    """Return acceleration, rate and quaternion as far as there are, their units, and what to tell."""
    acc_unit, gyr_unit, notes = "g", "dps", []
    parts: list[FloatArray] = []
    if GYR in vectors:
        meant = columns.meant(names)
        acc_unit = _acc_unit(names[meant[ACC][0]], vectors[ACC])
        gyr_unit = "radps" if "rad" in names[meant[GYR][0]] else "dps"
        acc_gyr = np.concatenate(
            (vectors[ACC] * ACC_UNITS_MPS2[acc_unit], vectors[GYR] * GYR_UNITS_RADPS[gyr_unit]), axis=1
        )
        whole = acc_gyr[np.isfinite(acc_gyr).all(axis=1)]
        units = plausible.Told(acc_unit, gyr_unit, options=False)
        plausible.refuse_units(path.name, whole[:, :3], whole[:, 3:], units)
        imported.spoil_impossible(acc_gyr)
        parts.append(acc_gyr)
        notes.append(f"acceleration in {acc_unit}, rates in {gyr_unit}")
    else:
        notes.append("no rates in it, so its own orientation is all there is")
    if QUAT in vectors and FRESHER * _changes(vectors[QUAT]) > _changes(vectors[ANGLE]):
        parts.append(vectors[QUAT].copy())
        imported.spoil_no_rotations(parts[-1])
        notes.append("orientation from its quaternion")
    else:
        parts.append(imported.from_euler(*(vectors[ANGLE] * RAD_PER_DEG).T))
        notes.append("orientation from its angles")
    return np.concatenate(parts, axis=1), plausible.Told(acc_unit, gyr_unit, options=False), notes


def _acc_unit(name: str, acc: FloatArray) -> str:
    """Return the unit in the name; where it says none, the one that makes most of it about 1 g."""
    plain = "".join(name.split()).lower()
    if "(m/s" in plain:
        return "mps2"
    if "(g)" in plain:
        return "g"
    size = float(np.nanmedian(np.linalg.norm(acc, axis=1))) if np.isfinite(acc).any() else 1.0
    fits = [u for u, s in ACC_UNITS_MPS2.items() if 0.5 < size * s / STANDARD_GRAVITY_MPS2 < 2.0]
    return fits[0] if fits else "g"


def _changes(vector: FloatArray) -> int:
    return int((np.diff(vector, axis=0) != 0.0).any(axis=1).sum())


def _times(path: Path, rows: _Rows, rate_hz: float | None) -> tuple[IntArray, int, float, str, str]:
    """Return times from zero, late rows, rate, when it began, and in words where the times are from."""
    lines = np.array(rows.lines, dtype=np.int64)
    host_s, chip_s = (stamps.scaled(np.array(each)) for each in (rows.host_s, rows.chip_s))
    began = next((told for each in (host_s, chip_s) if (told := stamps.iso(_first(each)))), "")
    if rate_hz is not None:
        t_ns = np.rint(np.arange(len(lines)) * (NS_PER_S / rate_hz)).astype(np.int64)
        return t_ns, 0, rate_hz, began, "times by --rate"
    if _runs(chip_s, host_s):
        step_ns = imported.usual_step(chip_s * NS_PER_S)
        t_ns, late = imported.from_zero(path, chip_s * NS_PER_S, lines, "a clock")
        return t_ns, late, float(f"{NS_PER_S / step_ns:.6g}"), began, "times by the sensor's clock"
    known = np.isfinite(host_s)
    placed = None
    if known.any():
        imported.from_zero(path, host_s[known] * NS_PER_S, lines[known], "s")
        placed = arrivals.placed(np.interp(np.arange(len(host_s)), np.flatnonzero(known), host_s[known]))
    if placed is None or not 0.9 <= placed.rate_hz <= imported.MAX_RATE_HZ:
        shown = f"give {placed.rate_hz:.3g} Hz" if placed else "do not increase"
        raise UsageError(f"{path.name}: its times {shown}: give --format witmotion --rate HZ")
    t_ns = np.rint(placed.t_s * NS_PER_S).astype(np.int64)
    return t_ns, 0, float(f"{placed.rate_hz:.6g}"), began, "arrivals in bursts spread evenly"


def _first(times_s: FloatArray) -> float:
    known = times_s[np.isfinite(times_s)]
    return float(known[0]) if len(known) else 0.0


def _runs(chip_s: FloatArray, host_s: FloatArray) -> bool:
    """Return True if the chip's time increases from row to row and takes as long as the host's."""
    if len(chip_s) < 3 or not np.isfinite(chip_s).all():
        return False
    steps, span = np.diff(chip_s), float(chip_s[-1] - chip_s[0])
    known = host_s[np.isfinite(host_s)]
    same = len(known) < 3 or abs(span - float(known[-1] - known[0])) < max(0.5, CHIP_TOLERANCE * span)
    return span > 0.0 and same and float((steps > 0).mean()) > 0.9
