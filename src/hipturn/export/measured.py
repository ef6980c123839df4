"""What a recording's analysis leaves for the formats, with or without what could tell who it was."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hipturn import lines, offline
from hipturn.core import pelvis
from hipturn.errors import UsageError
from hipturn.export.tables import SAMPLES, Table, gaps_table, holds_table, reps_table, slips_table
from hipturn.model import (
    BoolArray,
    Calibrated,
    FloatArray,
    Gap,
    HipAngle,
    Hold,
    IntArray,
    Orientation,
    Output,
    Rep,
    Side,
    Slip,
)
from hipturn.plain import printable
from hipturn.units import DEG_PER_RAD, NS_PER_S

T = TypeVar("T", Rep, Hold, Gap, Slip, Calibrated)

ROLE = re.compile(r"(shin|thigh|pelvis)(-left|-right)?")
"""Names of streams that tell where a sensor is, and nothing of a person."""
PERSONAL = ("recording", "wall_time", "note", "sensor", "serial")
"""Facts of a session that may tell who it was or when."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """The samples of one sensor, a row a sample; NaN where there is none."""

    t_ns: IntArray
    q_earth_from_sensor: FloatArray
    """Shape (n, 4)."""
    gyr_radps: FloatArray
    """Shape (n, 3)."""
    angle_rad: FloatArray
    rate_radps: FloatArray
    off_axis_rad: FloatArray
    twist_rad: FloatArray
    lost_before: IntArray
    trusted: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One recording's results."""

    session: Mapping[str, Any]
    """Facts of the session as plain values; None for what is not known or was removed."""
    streams: Mapping[str, Stream]
    calibrations: tuple[Calibrated, ...] = ()
    reps: tuple[Rep, ...] = ()
    """Those that were not taken back."""
    holds: tuple[Hold, ...] = ()
    gaps: tuple[Gap, ...] = ()
    slips: tuple[Slip, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    """What is damaged or missing in the recording, in one line."""

    @property
    def side(self) -> Side | None:
        """The leg, where it is known."""
        return Side(self.session["side"]) if self.session["side"] else None

    @property
    def begun(self) -> datetime | None:
        """When the session began, where it says so."""
        try:
            return datetime.fromisoformat(self.session["wall_time"] or "")
        except ValueError:
            return None

    def samples(self) -> Table:
        """Return every sample of every stream as one table, streams one after another."""
        columns: dict[str, list[Any]] = {column.name: [] for column in SAMPLES}
        for name, s in self.streams.items():
            parts = [
                np.full(len(s.t_ns), name, dtype=object),
                s.t_ns / NS_PER_S,
                *(a * DEG_PER_RAD for a in (s.angle_rad, s.rate_radps, s.off_axis_rad, s.twist_rad)),
                *s.q_earth_from_sensor.T,
                *(s.gyr_radps.T * DEG_PER_RAD),
                s.lost_before,
                s.trusted,
            ]
            for column, part in zip(SAMPLES, parts, strict=True):
                columns[column.name].append(part)
        return Table("samples", SAMPLES, {name: np.concatenate(parts) for name, parts in columns.items()})

    @property
    def heading_dependent(self) -> bool:
        """Whether gravity showed too little of some of the angle, which drifts."""
        return any(each.heading_dependent for each in self.calibrations)

    def tables(self) -> tuple[Table, Table, Table, Table]:
        """Return repetitions, holds, gaps and slips."""
        return (
            reps_table(self.reps),
            holds_table(self.holds),
            gaps_table(self.gaps),
            slips_table(self.slips),
        )

    def of(self, stream: str) -> "Measured":
        """Return what was found in one stream alone."""
        return replace(
            self,
            streams={stream: self.streams[stream]},
            calibrations=tuple(each for each in self.calibrations if each.stream == stream),
            reps=tuple(each for each in self.reps if each.stream == stream),
            holds=tuple(each for each in self.holds if each.stream == stream),
            gaps=tuple(each for each in self.gaps if each.stream == stream),
            slips=tuple(each for each in self.slips if each.stream == stream),
        )

    def calibration_lines(self) -> list[lines.Line]:
        """Return the calibrations as in ``replay --json``, without what belongs to the line only."""
        found = [lines.line(c) or {} for c in self.calibrations]
        return [{k: v for k, v in line.items() if k not in ("v", "type")} for line in found]

    def only(self, stream: str | None, what: str) -> tuple[str, Stream]:
        """Return the stream of that name, or the only one on a leg; raise `UsageError`, naming the format."""
        names = list(self.streams)
        legs = [name for name in names if name != pelvis.ROLE]
        wanted = legs[0] if stream is None and len(legs) == 1 else stream
        if wanted is None or wanted not in self.streams:
            asked = f"--stream {stream}: no such sensor is in it" if stream else f"{what} holds one sensor"
            raise UsageError(f"{asked}: choose one with --stream {'|'.join(names)}")
        return wanted, self.streams[wanted]


def measure(path: Path, request: offline.Request) -> Measured:
    """Return what the pipeline makes of a recording; raise `InputError` or `UsageError` in one line."""
    orientations: dict[str, list[Orientation]] = {}

    def hear(output: Output) -> None:
        if isinstance(output, Orientation):
            orientations.setdefault(output.stream, []).append(output)

    found = offline.analyse(path, request, keep_angles=True, on_event=hear)
    head, _, tail = found.lines(path.name)
    info = found.info
    session = {
        "recording": path.name,
        "program": found.start.program or None,
        "wall_time": found.start.wall_time or None,
        "drill": found.start.drill,
        "position": found.start.position,
        "note": found.start.note or None,
        "side": found.side and str(found.side),
        "sensor": info.name or None,
        "serial": info.serial or None,
        "firmware": info.firmware or None,
        **{key: head[key] for key in ("driver", "rate_hz", "samples", "duration_s", "config_hash")},
        "settings": dict(found.settings),
    }
    measured = Measured(
        session=session,
        streams={
            name: _stream(blocks, [a for a in found.angles if a.stream == name])
            for name, blocks in orientations.items()
        },
        calibrations=tuple(e for e in found.events if isinstance(e, Calibrated)),
        reps=tuple(lines.counted(found.events)),
        holds=tuple(e for e in found.events if isinstance(e, Hold)),
        gaps=tuple(e for e in found.events if isinstance(e, Gap)),
        slips=tuple(e for e in found.events if isinstance(e, Slip)),
        # how long computing took is no result: the same recording gives the same file
        summary={k: v for k, v in tail.items() if k not in ("v", "type", "elapsed_s")},
        problem=found.problem,
    )
    return _renamed(measured, printable)


def _stream(blocks: list[Orientation], angles: list[HipAngle]) -> Stream:
    """Return the blocks joined, and beside each sample its angle where there is one."""
    t_ns = np.concatenate([b.t_ns for b in blocks])
    none = np.zeros(0, np.int64)
    rows = np.searchsorted(t_ns, np.concatenate([none, *(a.t_ns for a in angles)]))

    def beside(name: str) -> FloatArray:
        values = np.full(len(t_ns), np.nan)
        values[rows] = np.concatenate([none, *(getattr(a, name) for a in angles)])
        return values

    def rate(block: Orientation) -> FloatArray:
        return np.full((len(block.t_ns), 3), np.nan) if block.gyr_radps is None else block.gyr_radps

    return Stream(
        t_ns,
        np.concatenate([b.q_earth_from_sensor for b in blocks]),
        np.concatenate([rate(b) for b in blocks]),
        beside("angle_rad"),
        beside("rate_radps"),
        beside("off_axis_rad"),
        beside("twist_rad"),
        np.concatenate([b.lost_before for b in blocks]),
        np.concatenate([b.trusted for b in blocks]),
    )


def deidentified(measured: Measured) -> Measured:
    """Return it without names, serial numbers, date and time of day, and notes.

    Times since the first sample stay. A stream that is not named after a place on the body, and may
    be named after a person, gets a number instead.
    """
    numbers = {name: f"sensor-{i}" for i, name in enumerate(measured.streams, 1)}
    kept = {key: None if key in PERSONAL else value for key, value in measured.session.items()}
    return _renamed(
        replace(measured, session=kept),
        lambda name: name if ROLE.fullmatch(name) else numbers.get(name, "sensor"),
    )


def _renamed(measured: Measured, called: Callable[[str], str]) -> Measured:
    """Return it with its streams called otherwise."""

    def renamed(items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(replace(item, stream=called(item.stream)) for item in items)

    return replace(
        measured,
        streams={called(name): stream for name, stream in measured.streams.items()},
        calibrations=renamed(measured.calibrations),
        reps=renamed(measured.reps),
        holds=renamed(measured.holds),
        gaps=renamed(measured.gaps),
        slips=renamed(measured.slips),
    )
