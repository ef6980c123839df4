"""What each exported column is called, its unit and its meaning: said once for every format.

Units are written in UCUM (https://ucum.org): ``s``, ``deg``, ``deg/s``; ``1`` is a pure number and ``""``
means that the column is no quantity.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hipturn.model import Gap, Hold, Rep, Slip
from hipturn.units import DEG_PER_RAD, NS_PER_S

Kind = Literal["number", "integer", "boolean", "text", "texts"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    decimals: int = 7
    """Digits behind the point where a number becomes text: finer than any sensor by orders."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns of equal length; a missing value is None, or NaN in an array."""

    name: str
    columns: tuple[Column, ...]
    values: dict[str, Any]
    """A list or a numpy array for each column."""

    def __len__(self) -> int:
        return len(self.values[self.columns[0].name])

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as objects of plain values, numbers rounded to their column's decimals."""
        plain = [[_plain(v, c) for v in listed(self.values[c.name])] for c in self.columns]
        names = [c.name for c in self.columns]
        return [dict(zip(names, row)) for row in zip(*plain)]


def listed(values: Any) -> list[Any]:
    """Return a column as a list of plain Python values."""
    return list(values) if isinstance(values, list) else list(values.tolist())


def _plain(value: Any, column: Column) -> Any:
    if isinstance(value, float):
        return round(value, column.decimals) if math.isfinite(value) else None
    return list(value) if isinstance(value, tuple) else value


STREAM = Column("stream", "text", "", "the sensor, by its role")
T_S = Column("t_s", "number", "s", "stream time since the first sample", 9)

SAMPLES = (
    STREAM,
    T_S,
    Column("angle_deg", "number", "deg", "hip rotation, internal positive; missing before the calibration"),
    Column("rate_dps", "number", "deg/s", "rate of the hip rotation"),
    Column("off_axis_deg", "number", "deg", "change of the femur axis' elevation since the zero"),
    Column("twist_deg", "number", "deg", "the same rotation as twist about the axis; drifts with heading"),
    Column("qw", "number", "1", "orientation q_earth_from_sensor, Hamilton; earth z up, heading free", 10),
    Column("qx", "number", "1", "its x part", 10),
    Column("qy", "number", "1", "its y part", 10),
    Column("qz", "number", "1", "its z part", 10),
    Column("gyr_x_dps", "number", "deg/s", "angular rate as measured, about the sensor's x axis"),
    Column("gyr_y_dps", "number", "deg/s", "about its y axis"),
    Column("gyr_z_dps", "number", "deg/s", "about its z axis"),
    Column("lost_before", "integer", "1", "samples known to be missing just before this one"),
    Column("trusted", "boolean", "", "false while the filter settles after a start or a long gap"),
)


def _deg(rad: float) -> float:
    return rad * DEG_PER_RAD


def _s(ns: int) -> float:
    return ns / NS_PER_S


Getter = Callable[[Any], Any]

_REP: tuple[tuple[Column, Getter], ...] = (
    (STREAM, lambda r: r.stream),
    (Column("n", "integer", "1", "number of the repetition"), lambda r: r.n),
    (Column("side", "text", "", "left or right leg"), lambda r: r.side and str(r.side)),
    (Column("direction", "text", "", "internal or external rotation"), lambda r: str(r.direction)),
    (Column("start_s", "number", "s", "stream time of its start", 9), lambda r: _s(r.start_ns)),
    (Column("peak_s", "number", "s", "stream time of its peak", 9), lambda r: _s(r.peak_ns)),
    (Column("end_s", "number", "s", "stream time of its end", 9), lambda r: _s(r.end_ns)),
    (Column("rom_deg", "number", "deg", "range from neutral to the peak"), lambda r: _deg(r.rom_rad)),
    (Column("peak_deg", "number", "deg", "angle at the peak, internal positive"), lambda r: _deg(r.peak_rad)),
    (Column("out_s", "number", "s", "time out"), lambda r: r.out_s),
    (Column("hold_s", "number", "s", "time held at the end range"), lambda r: r.hold_s),
    (Column("return_s", "number", "s", "time back"), lambda r: r.return_s),
    (Column("peak_speed_dps", "number", "deg/s", "highest speed"), lambda r: _deg(r.peak_speed_radps)),
    (Column("sparc", "number", "1", "smoothness: spectral arc length; 0 is smoothest"), lambda r: r.sparc),
    (Column("off_axis_deg", "number", "deg", "movement of knee or thigh"), lambda r: _deg(r.off_axis_rad)),
    (
        Column("compensation_deg", "number", "deg", "lean of the pelvis, where a sensor on it tells"),
        lambda r: math.nan if r.compensation_rad is None else _deg(r.compensation_rad),
    ),
    (Column("lost_share", "number", "1", "share of its samples that was lost"), lambda r: r.lost_share),
    (Column("verdict", "text", "", "controlled, uncontrolled or void"), lambda r: str(r.verdict)),
    (Column("reasons", "texts", "", "why it is not controlled"), lambda r: list(r.reasons)),
)  # fmt: skip

_HOLD: tuple[tuple[Column, Getter], ...] = (
    (STREAM, lambda h: h.stream),
    (Column("start_s", "number", "s", "stream time of its start", 9), lambda h: _s(h.start_ns)),
    (Column("end_s", "number", "s", "stream time of its end", 9), lambda h: _s(h.end_ns)),
    (Column("mean_deg", "number", "deg", "mean angle, internal positive"), lambda h: _deg(h.mean_rad)),
    (Column("sd_deg", "number", "deg", "standard deviation of the angle"), lambda h: _deg(h.sd_rad)),
)

_GAP: tuple[tuple[Column, Getter], ...] = (
    (STREAM, lambda g: g.stream),
    (Column("start_s", "number", "s", "stream time of the last sample before", 9), lambda g: _s(g.start_ns)),
    (Column("end_s", "number", "s", "stream time of the first sample after", 9), lambda g: _s(g.end_ns)),
    (Column("lost", "integer", "1", "samples lost"), lambda g: g.lost),
    (Column("cause", "text", "", "link, loss, overrun or device"), lambda g: str(g.cause)),
)


_SLIP: tuple[tuple[Column, Getter], ...] = (
    (STREAM, lambda s: s.stream),
    (T_S, lambda s: _s(s.t_ns)),
    (
        Column(
            "tilt_deg", "number", "deg", "between gravity at the zero and then, at rest: the strap has moved"
        ),
        lambda s: _deg(s.tilt_rad),
    ),
)


def _table(name: str, spec: tuple[tuple[Column, Getter], ...], records: Sequence[object]) -> Table:
    columns = tuple(column for column, _ in spec)
    return Table(name, columns, {column.name: [get(r) for r in records] for column, get in spec})


def reps_table(reps: Sequence[Rep]) -> Table:
    """Return a row a repetition."""
    return _table("reps", _REP, reps)


def holds_table(holds: Sequence[Hold]) -> Table:
    """Return a row a hold."""
    return _table("holds", _HOLD, holds)


def gaps_table(gaps: Sequence[Gap]) -> Table:
    """Return a row a gap."""
    return _table("gaps", _GAP, gaps)


def slips_table(slips: Sequence[Slip]) -> Table:
    """Return a row a slip of the strap."""
    return _table("slips", _SLIP, slips)
