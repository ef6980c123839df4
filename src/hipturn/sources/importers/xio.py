"""x-io (x-IMU3) recordings: a folder a device, in it one CSV for each kind of message.

================ ==================================================================
Inertial.csv     Timestamp (us), Gyroscope X…Z (deg/s), Accelerometer X…Z (g)
Quaternion.csv   Timestamp (us), W, X, Y, Z: orientation of the sensor in the earth
Command.json     the ping of the device: its name and serial number
================ ==================================================================

The rows of Inertial.csv are the samples. Both kinds are stamped by one clock, and as a rule alike; the
orientation at a sample is the one of its stamp, or else between its neighbours on the great circle. Where
a message got lost the neighbours are too far apart: that sample is a gap. If the orientation came much
more seldom than the rates it is left out as a whole, because rates are what makes a new one. With one of
the two files only, that is what is imported. Magnetometer and the rest are not used.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hipturn.core import quaternion
from hipturn.errors import InputError
from hipturn.model import FloatArray, IntArray
from hipturn.small import small_text
from hipturn.sources.importers import cells, imported, plausible, text
from hipturn.sources.importers.imported import Imported
from hipturn.units import ACC_UNITS_MPS2, GYR_UNITS_RADPS, NS_PER_S, NS_PER_US

KIND = "an x-io recording"
INERTIAL, QUATERNION, COMMAND = "Inertial.csv", "Quaternion.csv", "Command.json"
TIME = "Timestamp (us)"
GYR = ("Gyroscope X (deg/s)", "Gyroscope Y (deg/s)", "Gyroscope Z (deg/s)")
ACC = ("Accelerometer X (g)", "Accelerometer Y (g)", "Accelerometer Z (g)")
QUAT = ("W", "X", "Y", "Z")
DEEPEST = 2
"""Folders below the one that was named: recording, device."""
MOST_APART = 2.5
"""Orientations may be so many periods of the samples apart to have one between them: one lost in between."""
ENOUGH = 0.9
"""Share of the samples that must have an orientation, or it is left out as a whole."""


def devices(path: Path) -> dict[str, Path]:
    """Return the device folders at or below `path` by name, or that of one of their files; empty if none.

    Raises `InputError` if a folder cannot be read.
    """
    if path.is_file():
        return {path.parent.resolve().name: path.parent} if is_header(path) else {}
    found: list[Path] = []
    level = [path]
    try:
        for _ in range(DEEPEST + 1):
            found += [each for each in level if (each / INERTIAL).is_file() or (each / QUATERNION).is_file()]
            level = sorted(sub for each in level for sub in each.iterdir() if sub.is_dir())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    short = {each.resolve().name: each for each in found}
    # two recordings below one folder have the same devices
    return short if len(short) == len(found) else {each.relative_to(path).as_posix(): each for each in found}


def files(path: Path) -> list[Path]:
    """Return all files that may be read, which must not be written over."""
    return [folder / name for folder in devices(path).values() for name in (INERTIAL, QUATERNION, COMMAND)]


def is_header(path: Path) -> bool:
    """Return True if the file is one of those imported here."""
    if path.name not in (INERTIAL, QUATERNION):
        return False
    _, start = text.head(path)
    return start.startswith(TIME)


def read(path: Path, device: str | None = None, watch: cells.Watch | None = None) -> Imported:
    """Return what the folder holds of a device, which has to be named where there are several.

    Raises `InputError`, `UsageError`.
    """
    if not path.exists():
        raise InputError(f"{path}: cannot be read (No such file or directory)")
    there = devices(path)
    if not there:
        raise InputError(
            f"{path.name}: not an x-io recording: give the folder that has {INERTIAL} or {QUATERNION} in it "
            "or in folders below"
        )
    chosen = imported.choose(path.name, device, list(there))
    folder = there[chosen]
    imu = _table(folder / INERTIAL, (*ACC, *GYR), watch)
    quat = _table(folder / QUATERNION, QUAT, watch)
    with np.errstate(over="ignore", invalid="ignore"):
        parts, notes = _paired(folder, imu, quat)
        time_us, lines = imu[:2] if imu is not None else quat[:2] if quat is not None else (None, None)
        if time_us is None or lines is None:
            raise InputError(f"{chosen}: neither {INERTIAL} nor {QUATERNION} can be read")
        t_ns, late = imported.from_zero(folder / INERTIAL, time_us * NS_PER_US, lines, "us")
    step_ns = imported.usual_step(time_us * NS_PER_US)
    rate_hz = float(f"{NS_PER_S / step_ns:.6g}") if step_ns else 0.0
    if not 1.0 <= rate_hz <= imported.MAX_RATE_HZ:
        raise InputError(f"{chosen}: its times give {rate_hz:.3g} Hz, which is no recording of movement")
    values = np.concatenate(parts, axis=1)
    whole = np.isfinite(values).all(axis=1)
    if not whole.any():
        raise InputError(f"{chosen}: no row has all of its values")
    ping, began = _ping(folder / COMMAND)
    return Imported(
        kind=KIND,
        source=f"{path.name}/{chosen}" if chosen != path.resolve().name else chosen,
        t_ns=t_ns,
        values=values,
        rate_hz=rate_hz,
        has_imu=imu is not None,
        has_quaternion=parts[-1].shape[1] == len(QUAT),
        late=late,
        notes=(*([f"device {chosen!r}"] if len(there) > 1 else []), *notes),
        name=ping.get("name", "") or chosen,
        serial=ping.get("sn", ""),
        wall_time=began or imported.written(folder),
        units=plausible.Told("g", "dps", options=False),
    )


def _table(
    path: Path, wanted: tuple[str, ...], watch: cells.Watch | None
) -> tuple[FloatArray, IntArray, FloatArray] | None:
    """Return times in µs, lines and values of a file, or None where there is no such file."""
    if not path.is_file():
        return None
    encoding, _ = text.head(path)
    numbers, lines = cells.read(path, [TIME, *wanted], cells.Form(encoding=encoding), watch)
    known = np.isfinite(numbers[:, 0])
    if not known.any():
        raise InputError(f"{path.name}: no row has a {TIME}")
    return numbers[known, 0], lines[known], numbers[known, 1:]


def _paired(
    folder: Path,
    imu: tuple[FloatArray, IntArray, FloatArray] | None,
    quat: tuple[FloatArray, IntArray, FloatArray] | None,
) -> tuple[list[FloatArray], list[str]]:
    """Return acceleration with rate, and orientation, as far as there are; and what to tell."""
    if quat is not None:
        imported.spoil_no_rotations(quat[2])
    if imu is None:
        return ([] if quat is None else [quat[2]]), [f"no {INERTIAL}, so its own orientation is all there is"]
    values = imu[2]
    values[:, :3] *= ACC_UNITS_MPS2["g"]
    values[:, 3:] *= GYR_UNITS_RADPS["dps"]
    whole = values[np.isfinite(values).all(axis=1)]
    plausible.refuse_units(folder.name, whole[:, :3], whole[:, 3:], plausible.Told("g", "dps", options=False))
    imported.spoil_impossible(values)
    if quat is None:
        return [values], [f"no {QUATERNION}"]
    apart_us = MOST_APART * imported.usual_step(imu[0])
    q = between(imu[0], quat[0], quat[2], apart_us)
    share = float(np.isfinite(q).all(axis=1).mean())
    if share < ENOUGH:
        return [values], [f"{QUATERNION} left out, {share * 100:.0f}% of the samples have one"]
    return [values, q], []


def between(at: FloatArray, times: FloatArray, q: FloatArray, most_apart: float) -> FloatArray:
    """Return the orientations at some times, shape (len(at), 4), from those at others, by great circles.

    NaN where the neighbours are further apart than `most_apart` or there is none on one side.
    """
    usable = np.isfinite(q).all(axis=1)
    times, q = times[usable], q[usable]
    times, first = np.unique(times, return_index=True)
    q = q[first]
    out = np.full((len(at), 4), np.nan)
    if len(times) == 0:
        return out
    right = np.clip(np.searchsorted(times, at), 0, len(times) - 1)
    exact = times[right] == at
    out[exact] = q[right[exact]]
    left = right - 1
    inside = ~exact & (left >= 0) & (times[right] > at)
    inside[inside] = (times[right[inside]] - times[left[inside]]) <= most_apart
    if inside.any():
        before, after = q[left[inside]], q[right[inside]]
        share = (at[inside] - times[left[inside]]) / (times[right[inside]] - times[left[inside]])
        turn = quaternion.multiply(quaternion.conjugate(before), after)
        turn[turn[:, 0] < 0.0] *= -1.0
        step = quaternion.to_rotation_vector(turn) * share[:, None]
        out[inside] = quaternion.multiply(before, quaternion.from_rotation_vector(step))
    return out


def _ping(path: Path) -> tuple[dict[str, str], str]:
    """Return what the device said of itself and when it was; nothing where that cannot be read."""
    try:
        said: Any = json.loads(small_text(path))
    except (OSError, ValueError, RecursionError):
        return {}, ""
    ping: dict[str, str] = {}
    began = ""
    for each in said if isinstance(said, list) else []:
        if not isinstance(each, dict):
            continue
        if isinstance(about := each.get("ping"), dict):
            ping = {key: str(value)[:100] for key, value in about.items()}
        if isinstance(at := each.get("time"), str):
            try:
                began = datetime.fromisoformat(at).astimezone().isoformat(timespec="seconds")
            except (ValueError, OverflowError, OSError):
                began = ""
    return ping, began
