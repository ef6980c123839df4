"""What the columns of a WitMotion log mean, also where the header names more than the rows hold."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hipturn.core import quaternion
from hipturn.errors import InputError
from hipturn.model import FloatArray
from hipturn.sources.importers import cells, imported
from hipturn.units import RAD_PER_DEG

TIME, CHIP, DEVICE = "time", "chip", "device"
ACC, GYR, ANGLE, QUAT = "acc", "gyr", "angle", "quat"
AXES = {ACC: "xyz", GYR: "xyz", ANGLE: "xyz", QUAT: "wxyz"}
Columns = dict[str, list[int]]
"""Of each meaning, the places of its axes: one of time, chip and device."""

_NAMES = {
    TIME: r"(?:time|timestamp|时间)(?:\(s\)|\(ms\))?",
    CHIP: r"(?:chiptime|片上时间)(?:\(\))?",
    DEVICE: r"(?:address|devicename|device|deviceid|mac|设备名称|设备)",
    ACC: r"(?:acc(?:eleration)?|a|加速度)_?([xyz])(?:\(.*\))?",
    GYR: r"(?:as|w|gyro?|angularvelocity|角速度)_?([xyz])(?:\(.*\))?",
    ANGLE: r"(?:ang(?:le)?|角度)_?([xyz])(?:\(.*\))?",
    QUAT: r"(?:q|quaternions?|四元数)_?([0-4wxyz])(?:\(\))?",
}
"""Names in lower case without spaces; the group is the axis."""

AGREES_RAD = 0.5
"""Two ups that are meant to be one differ by less: a moving leg's acceleration points off by half of it."""


def meant(names: list[str]) -> Columns:
    """Return what the names mean; vectors that are not whole are left out."""
    found: dict[str, dict[str, int]] = {}
    for i, name in enumerate(names):
        plain = "".join(name.split()).lower()
        for meaning, pattern in _NAMES.items():
            if (match := re.fullmatch(pattern, plain)) is not None:
                found.setdefault(meaning, {}).setdefault(match[1] if match.groups() else "", i)
    for axes in ("0123", "1234"):
        # some count w x y z from 0, some from 1
        if set(axes) <= set(found.get(QUAT, ())):
            found[QUAT] = {to: found[QUAT][at] for to, at in zip("wxyz", axes)}
    columns: Columns = {}
    for meaning, places in found.items():
        axes_wanted: str | tuple[str, ...] = AXES.get(meaning, ("",))
        if set(axes_wanted) <= set(places):
            columns[meaning] = [places[axis] for axis in axes_wanted]
    return columns


def filled(path: Path, names: list[str], sample: list[tuple[int, list[str]]], decimal: str) -> list[str]:
    """Return the names that the values of the first rows belong to, from the left.

    Where there are fewer values than names, the vectors without values are found by what must agree:
    a quaternion has length 1, and acceleration, angles and quaternion show the same up. Raises
    `InputError` where that leaves more than one way.
    """
    usual = Counter(len(row) - (not row[-1].strip()) for _, row in sample).most_common(1)[0][0]
    missing = len(names) - usual
    if missing <= 0:
        return names
    fitting = [(line, row[:usual]) for line, row in sample if len(row) - (not row[-1].strip()) == usual]
    ways = [names[:usual], *_without_vectors(names, missing)]
    # what overflows agrees with nothing
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        judged = [(_agreeing(path, way, fitting, decimal), way) for way in ways]
    judged.sort(key=lambda way: -way[0])
    best, way = judged[0]
    if best <= 0 or any(score == best and other != way for score, other in judged[1:]):
        raise InputError(
            f"{path.name}: its header names {len(names)} columns, its rows hold {usual} values, and which "
            "are missing cannot be told: take the names without values out of the header"
        )
    return way


def _without_vectors(names: list[str], missing: int) -> Iterator[list[str]]:
    """Yield the names without some whole vectors that have so many names together."""
    vectors = [places for meaning, places in meant(names).items() if meaning in AXES]
    for count in range(1, len(vectors) + 1):
        for some in itertools.combinations(vectors, count):
            gone = set(itertools.chain.from_iterable(some))
            if len(gone) == missing:
                yield [name for i, name in enumerate(names) if i not in gone]


def _agreeing(path: Path, names: list[str], sample: list[tuple[int, list[str]]], decimal: str) -> int:
    """Return how many pairs of vectors agree in these rows under these names, -1 if any contradict."""
    columns = meant(names)
    try:
        vectors = {
            meaning: np.array(
                [[cells.number(path, row[i], line, decimal) for i in places] for line, row in sample]
            )
            for meaning, places in columns.items()
            if meaning in AXES
        }
    except InputError:
        return -1
    if QUAT in vectors:
        norm = np.linalg.norm(vectors[QUAT], axis=1)
        if not float(np.median(np.abs(norm - 1.0))) < 0.1:
            return -1
    ups = [up for meaning, vector in vectors.items() if (up := _up(meaning, vector)) is not None]
    agree = [
        float(np.nanmedian(np.arccos(np.clip(quaternion.dot(a, b), -1.0, 1.0)))) < AGREES_RAD
        for a, b in itertools.combinations(ups, 2)
        if np.isfinite(quaternion.dot(a, b)).any()
    ]
    return len(agree) if all(agree) else -1


def _up(meaning: str, vector: FloatArray) -> FloatArray | None:
    """Return the up direction in the sensor that a vector shows, shape (n, 3), if it shows any."""
    if meaning == ACC:
        return np.asarray(vector / np.linalg.norm(vector, axis=1)[:, None], np.float64)
    if meaning == ANGLE:
        return quaternion.up_in_sensor(imported.from_euler(*(vector * RAD_PER_DEG).T))
    return quaternion.up_in_sensor(vector) if meaning == QUAT else None
