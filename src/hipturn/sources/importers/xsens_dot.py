"""Xsens (Movella) DOT exports: one CSV a sensor, from the app or the recording exporter.

Above the header there may be ``sep=``, lines ``Name:,value`` and a copyright line, or nothing. Columns
are found by name and may be delimited by comma, semicolon or tab, with either decimal sign.

============== =====================================================================================
PacketCounter  one a sample, 16 bits: what it skips was lost
SampleTimeFine µs of the sensor's clock, 32 bits: it wraps after 71.6 min
Quat_W…Z       orientation of the sensor in the earth's frame (x east, z up), which is ours
Euler_X, _Y, _Z roll, pitch, yaw in °, z-y-x; used where there is no quaternion
Acc, Gyr       m/s² with gravity, and °/s; used where both are there
FreeAcc        without gravity: of no use for orientation
Status         bits 0 to 5: a sample that went past the range of acceleration or rate
============== =====================================================================================

Units and frames: vendor's BLE specification XD0506P rev F. No file of raw rates by the device was at
hand; `plausible` says so where rates look like rad/s.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from hipturn.errors import InputError, UsageError
from hipturn.model import FloatArray, IntArray
from hipturn.sources.importers import cells, imported, plausible, text
from hipturn.sources.importers.imported import Imported
from hipturn.units import GYR_UNITS_RADPS, NS_PER_S, NS_PER_US, RAD_PER_DEG

KIND = "an Xsens DOT export"
COUNTER, TIME, STATUS = "PacketCounter", "SampleTimeFine", "Status"
COUNTER_WRAP, TIME_WRAP = 2**16, 2**32
QUATERNIONS = (
    ("Quat_W", "Quat_X", "Quat_Y", "Quat_Z"),
    ("Quat_q0", "Quat_q1", "Quat_q2", "Quat_q3"),
    ("q_W", "q_X", "q_Y", "q_Z"),
)
EULER = ("Euler_X", "Euler_Y", "Euler_Z")
ACC, GYR = ("Acc_X", "Acc_Y", "Acc_Z"), ("Gyr_X", "Gyr_Y", "Gyr_Z")
CLIPPED = 0b111111
MOST_PREAMBLE_LINES = 40


@dataclass(frozen=True, slots=True)
class Header:
    """Where the table begins and what stands above it."""

    form: cells.Form
    names: list[str]
    above: dict[str, str] = field(default_factory=dict)
    """What the lines above say, by their names in lower case without colon."""

    def triple(self, *choices: tuple[str, ...]) -> tuple[str, ...]:
        """Return the first of the choices that is there as a whole, or nothing."""
        return next((names for names in choices if set(names) <= set(self.names)), ())


def header(path: Path) -> Header | None:
    """Return the header if the file is such an export; raise `InputError` if it cannot be read."""
    encoding, start = text.head(path)
    lines = start.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    above: dict[str, str] = {}
    for i, line in enumerate(lines[:MOST_PREAMBLE_LINES]):
        delimiter, names = text.split(line)
        if COUNTER in names and len(names) > 1:
            if any(each.startswith("//") for each in lines[:i]):
                raise InputError(
                    f"{path.name}: that is an export of MT Manager, with rates in rad/s, not of a DOT: "
                    f"import it with --format csv --skip-rows {i} --delimiter {_shown(delimiter)} --rate HZ "
                    f"--acc {','.join(ACC)} --gyr {','.join(GYR)} --gyr-unit radps"
                )
            decimal = text.decimal_of(delimiter, lines[i + 1 : i + 50])
            return Header(cells.Form(delimiter, decimal, i, encoding), names, above)
        if len(names) > 1:
            above[names[0].rstrip(": ").lower()] = names[1]
    return None


def _shown(delimiter: str) -> str:
    return "'\\t'" if delimiter == "\t" else repr(delimiter)


def read(path: Path, rate_hz: float | None = None, watch: cells.Watch | None = None) -> Imported:
    """Return what the export holds; `rate_hz` is for one without times. Raises `InputError`, `UsageError`."""
    found = header(path)
    if found is None:
        raise InputError(f"{path.name}: not an Xsens DOT export: no line of its beginning has {COUNTER}")
    quat = found.triple(*QUATERNIONS)
    euler = () if quat else found.triple(EULER)
    imu = (*ACC, *GYR) if found.triple((*ACC, *GYR)) else ()
    if not (quat or euler or imu):
        raise InputError(
            f"{path.name}: neither Quat, nor Euler, nor Acc and Gyr are among its columns "
            f"({', '.join(found.names)[:150]}): export it in a mode that has them"
        )
    clock = [name for name in (COUNTER, TIME, STATUS) if name in found.names]
    numbers, lines = cells.read(path, [*clock, *imu, *quat, *euler], found.form, watch)
    known = np.isfinite(numbers[:, 0])
    if not known.any():
        raise InputError(f"{path.name}: no row has a {COUNTER}")
    numbers, lines = numbers[known], lines[known]
    column = dict(zip(clock, numbers.T))
    values = numbers[:, len(clock) :]
    with np.errstate(over="ignore", invalid="ignore"):
        counter = _unwrapped(column[COUNTER], COUNTER_WRAP)
        t_ns, late, rate = _times(path, found, counter, column.get(TIME), lines, rate_hz)
        values, damaged = _to_si(values, bool(imu), bool(quat), bool(euler), path)
    clipped = (
        int(((np.nan_to_num(column[STATUS]).astype(np.int64) & CLIPPED) != 0).sum())
        if STATUS in column
        else 0
    )
    notes = [f"orientation from {'Quat' if quat else 'Euler'}"] if quat or euler else []
    notes += [] if imu else ["no rates in it, so its own orientation is all there is"]
    notes += [f"{clipped} rows past the range of the sensor"] if clipped else []
    return Imported(
        kind=KIND,
        source=path.name,
        t_ns=t_ns,
        values=values,
        rate_hz=rate,
        has_imu=bool(imu),
        has_quaternion=bool(quat or euler),
        late=late,
        damaged=damaged,
        notes=tuple(notes),
        name=found.above.get("devicetag", "") or path.stem,
        firmware=found.above.get("firmwareversion", ""),
        wall_time=_began(found.above.get("starttime", "")) or imported.written(path),
        units=plausible.Told("mps2", "dps", options=False),
    )


def _unwrapped(ticks: FloatArray, wrap: int) -> FloatArray:
    """Return the ticks since the first, going on through wraps; NaN becomes the tick before."""
    filled = ticks.copy()
    unknown = np.flatnonzero(~np.isfinite(filled))
    for i in unknown.tolist():
        filled[i] = filled[i - 1] if i else 0.0
    if float(filled.max()) >= wrap:
        # whoever wrote this counts on past the width
        return np.asarray(filled - filled[0], np.float64)
    step = np.diff(filled, prepend=filled[:1])
    return np.asarray(np.cumsum((step + wrap / 2) % wrap - wrap / 2), np.float64)


def _times(
    path: Path,
    found: Header,
    counter: FloatArray,
    micros: FloatArray | None,
    lines: IntArray,
    rate_hz: float | None,
) -> tuple[IntArray, int, float]:
    """Return the times from zero, how many rows were late, and the rate."""
    named_hz = _rate_above(found.above.get("outputrate", ""))
    if micros is not None and np.isfinite(micros).all() and float(np.ptp(micros)) > 0.0:
        time_ns = _unwrapped(micros, TIME_WRAP) * float(NS_PER_US)
        steps, counts = np.diff(time_ns), np.diff(counter)
        onward = (counts > 0) & (steps > 0)
        if not onward.any():
            raise InputError(f"{path.name}: {TIME} never increases: is it another kind of file?")
        # what a count lasts: the step between rows would be wrong where most packets were lost
        shown_hz = float(f"{NS_PER_S / float(np.median(steps[onward] / counts[onward])):.6g}")
        rate = named_hz if named_hz and 0.98 < shown_hz / named_hz < 1.02 else shown_hz
    else:
        rate = named_hz or rate_hz or 0.0
        if not rate:
            raise UsageError(
                f"{path.name} says neither times nor OutputRate: give --format xsens-dot --rate HZ"
            )
        time_ns = counter * (NS_PER_S / rate)
    if not 1.0 <= rate <= imported.MAX_RATE_HZ:
        raise InputError(f"{path.name}: {TIME} in µs gives {rate:.3g} Hz: is it another kind of file?")
    t_ns, late = imported.from_zero(path, time_ns, lines, TIME)
    return t_ns, late, rate


def _rate_above(told: str) -> float:
    """Return the rate in ``60Hz``, 0 if there is none."""
    number = re.match(r"\s*(\d+(?:[.,]\d+)?)\s*Hz", told, re.IGNORECASE)
    return float(number[1].replace(",", ".")) if number else 0.0


def _began(told: str) -> str:
    """Return the time in ``2021-08-20_20:21:13_835 GMT+8`` as ISO 8601, "" if it is none."""
    parts = re.match(r"(\d{4}-\d\d-\d\d)[_ ](\d\d:\d\d:\d\d)[_.](\d{1,3}) GMT([+-]\d{1,2})", told)
    if parts is None:
        return ""
    day, clock, milliseconds, hours = parts.groups()
    try:
        offset = timedelta(hours=int(hours))
        at = datetime.fromisoformat(f"{day}T{clock}.{milliseconds:0>3}").replace(tzinfo=timezone(offset))
    except ValueError:
        return ""
    return at.isoformat(timespec="milliseconds")


def _to_si(values: FloatArray, imu: bool, quat: bool, euler: bool, path: Path) -> tuple[FloatArray, int]:
    """Return acceleration, rate and quaternion as far as there are, and how many rows were damaged."""
    measured = np.isfinite(values).all(axis=1)
    parts: list[FloatArray] = []
    if imu:
        acc_gyr = values[:, :6].copy()
        acc_gyr[:, 3:] *= GYR_UNITS_RADPS["dps"]
        whole = acc_gyr[np.isfinite(acc_gyr).all(axis=1)]
        plausible.refuse_units(
            path.name, whole[:, :3], whole[:, 3:], plausible.Told("mps2", "dps", options=False)
        )
        imported.spoil_impossible(acc_gyr)
        parts.append(acc_gyr)
    if quat:
        q = values[:, -4:].copy()
        imported.spoil_no_rotations(q)
        parts.append(q)
    if euler:
        parts.append(imported.from_euler(*(values[:, -3:] * RAD_PER_DEG).T))
    joined = np.concatenate(parts, axis=1)
    whole_rows = np.isfinite(joined).all(axis=1)
    if not whole_rows.any():
        raise InputError(f"{path.name}: no row has all of its values")
    return joined, int((measured & ~whole_rows).sum())
