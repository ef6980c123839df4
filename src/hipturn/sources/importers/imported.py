"""What every import ends in: rows in SI units with their times, and the inputs they stand for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

import hipturn
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
from hipturn.plain import counted
from hipturn.sources.importers import plausible
from hipturn.sources.importers.plausible import SI
from hipturn.units import NS_PER_S

STREAM = "shin"
ROWS_PER_PACKET = 64
"""Rows in one packet of the recording: small enough to replay paced, large enough to read fast."""
MAX_RATE_HZ = 4000.0
MAX_ACC_MPS2, MAX_GYR_RADPS = 1e4, 1e3
"""No sensor measures a thousand g or ten thousand turns a minute: such a row is damaged."""
MAX_BACK_S = 1.0
"""A row may come this much too late (and is left out); further back another recording begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """What a foreign recording holds of one sensor."""

    kind: str
    """What the file was taken for, in words; "" where the user said all of it."""
    source: str
    """Name of the file or folder it came from."""
    t_ns: IntArray
    """Times from zero, shape (n,)."""
    values: FloatArray
    """As the table driver wants them, shape (n, columns); NaN in a row that is a gap."""
    rate_hz: float
    has_imu: bool
    has_quaternion: bool
    late: int = 0
    """Rows no later than one before them: the pipeline leaves them out."""
    damaged: int = 0
    """Rows with values that no sensor measures: gaps now."""
    notes: tuple[str, ...] = ()
    """What else a person should know of how it was read."""
    name: str = ""
    serial: str = ""
    firmware: str = ""
    wall_time: str = ""
    """ISO 8601 with offset when it began, "" where nothing tells."""
    units: plausible.Told = SI
    """What the numbers were taken to be in, for those who doubt it."""

    @property
    def gaps(self) -> tuple[int, int]:
        """Return the number of gaps, and of samples missing in them."""
        t_ns = np.unique(self.t_ns[np.isfinite(self.values).all(axis=1)])
        periods = np.rint(np.diff(t_ns) * (self.rate_hz / NS_PER_S)).astype(np.int64)
        return int((periods > 1).sum()), int((periods[periods > 1] - 1).sum())

    def told(self) -> list[str]:
        """Return what was found, in words for a person, the most important first."""
        gaps, missing = self.gaps
        told = [f"taken for {self.kind}"] if self.kind else []
        told += [f"{len(self.t_ns)} rows at {self.rate_hz:g} Hz"]
        told += [f"{counted(gaps, 'gap')} with {counted(missing, 'sample')} missing"] if gaps else []
        told += [f"{self.damaged} rows damaged"] if self.damaged else []
        told += [f"{self.late} rows late or twice, which are left out"] if self.late else []
        return [*told, *self.notes]

    def doubts(self) -> list[str]:
        """Return a line for each unit or direction that the numbers make unlikely, with what to check."""
        if not self.has_imu:
            return []
        whole = self.values[np.isfinite(self.values).all(axis=1)]
        acc, gyr = whole[:, 0:3], whole[:, 3:6]
        told = plausible.doubts(acc, gyr, self.rate_hz, self.units)
        if self.has_quaternion:
            told += plausible.direction_doubts(acc, whole[:, 6:10], self.units)
        return told

    def inputs(self, side: Side | None = None) -> Iterator[Input]:
        """Yield the inputs the rows stand for."""
        info = StreamInfo(
            driver="table",
            rate_hz=self.rate_hz,
            has_imu=self.has_imu,
            has_quaternion=self.has_quaternion,
            tick_hz=float(NS_PER_S),
            tick_bits=0,
            name=self.name,
            serial=self.serial,
            firmware=self.firmware,
        )
        start, end = HostNs(0), HostNs(int(self.t_ns[-1]))
        yield SessionStart(
            program=f"hipturn {hipturn.__version__}",
            wall_time=self.wall_time,
            note=f"imported from {self.source}",
        )
        yield LinkUp(STREAM, start, info)
        if side is not None:
            yield Mark(STREAM, start, MarkKind.SIDE, {"side": side.value})
        for i in range(0, len(self.t_ns), ROWS_PER_PACKET):
            rows = slice(i, i + ROWS_PER_PACKET)
            data = np.frombuffer(table.encode(self.t_ns[rows], self.values[rows]), dtype=np.uint8)
            yield Packets(STREAM, self.t_ns[rows][-1:], data[None, :])
        yield LinkDown(STREAM, end, "stopped")


def written(path: Path) -> str:
    """Return when the file was last written, where nothing better is known; it takes no part in computing."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone().isoformat(timespec="seconds")
    except (OSError, ValueError, OverflowError):
        return ""


def usual_step(time_ns: FloatArray) -> float:
    """Return the mean of the usual steps in ns, 0 if the times never increase.

    Times rounded to ms show 60 Hz as 17 ms and 16 ms, so the median alone is not the period.
    """
    steps = np.diff(time_ns[np.isfinite(time_ns)])
    steps = steps[steps > 0]
    if len(steps) == 0:
        return 0.0
    usual = float(np.sort(steps)[len(steps) // 2])
    return float(steps[(steps > 0.5 * usual) & (steps < 1.5 * usual)].mean())


def from_zero(path: Path, time_ns: FloatArray, lines: IntArray, unit: str) -> tuple[IntArray, int]:
    """Return the times from zero as whole ns, and how many rows came too late or twice.

    Raises `InputError` for what no recording has.
    """
    since = time_ns - time_ns[0]
    if not float(np.abs(since).max()) < 2.0**62:
        raise InputError(f"{path.name}: the times do not fit {unit}: check --time-unit")
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


def spoil_impossible(values: FloatArray) -> None:
    """Make rows of acceleration and rate that no sensor measures NaN in place; the first six columns."""
    most = np.repeat((MAX_ACC_MPS2, MAX_GYR_RADPS), 3)
    values[(np.abs(values[:, :6]) > most).any(axis=1)] = np.nan


def spoil_no_rotations(q: FloatArray) -> None:
    """Make rows of shape (n, 4) that are no unit quaternions NaN in place."""
    norm = np.sqrt((q * q).sum(axis=1))
    q[~((norm > 0.9) & (norm < 1.1))] = np.nan


def from_euler(roll_rad: FloatArray, pitch_rad: FloatArray, yaw_rad: FloatArray) -> FloatArray:
    """Return q_earth_from_sensor of shape (n, 4) for angles about x, then y, then z of the earth (ZYX)."""
    (sr, sp, sy), (cr, cp, cy) = (
        [function(angle / 2) for angle in (roll_rad, pitch_rad, yaw_rad)] for function in (np.sin, np.cos)
    )
    return np.stack(
        (
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
        ),
        axis=1,
    )


def choose(source: str, device: str | None, there: list[str]) -> str:
    """Return the one of the devices that is meant: by its name, or by a part of it that no other has.

    Raises `UsageError` where that is none or several.
    """
    listed = ", ".join(repr(each) for each in there)
    if device is None:
        if len(there) == 1:
            return there[0]
        raise UsageError(f"{source} holds {len(there)} devices: choose by --device one of {listed}")
    wanted = device.casefold().strip()
    exact = [each for each in there if each.casefold() == wanted]
    found = exact or [each for each in there if wanted and wanted in each.casefold()]
    if len(found) != 1:
        what = "no device" if not found else f"{len(found)} devices"
        raise UsageError(f"{source}: {what} of that name (--device {device}): there are {listed}")
    return found[0]
