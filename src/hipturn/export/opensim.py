"""OpenSim: ``.sto`` orientations as OpenSense reads them, ``.mot`` joint angles.

An orientation column is named after the body of OpenSim's leg models that carries the sensor
(``tibia_r_imu``), an angle after their coordinate (``hip_rotation_r``, internal positive on both
sides as here). Orientations stay in an earth frame with z up: OpenSense turns them into OpenSim's,
with y up, by its setting ``sensor_to_opensim_rotations`` of -90° about x. Neither format can say
that a sample is not to be trusted, so those are left out, and the angle begins at the calibration.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hipturn.errors import InputError, UsageError
from hipturn.export.measured import Measured, Stream
from hipturn.export.whole import files
from hipturn.model import BoolArray, Side
from hipturn.units import DEG_PER_RAD, NS_PER_S

BODIES = {"shin": "tibia", "thigh": "femur", "pelvis": "pelvis"}
"""Bodies of OpenSim's leg models, by the place a stream is named after."""


def write_sto(measured: Measured, out: Path, stream: str | None = None) -> list[Path]:
    """Write the orientation of one sensor; return the path."""
    name, s = measured.only(stream, ".sto")
    rows = _kept(s, s.trusted)
    header = [
        f"DataRate={measured.session['rate_hz']:.6f}",
        "DataType=Quaternion",
        "version=3",
        "OpenSimVersion=4.1",
        "endheader",
        f"time\t{_body(name, measured.side)}",
    ]
    lines = (
        f"{t:.9f}\t{w:.12f},{x:.12f},{y:.12f},{z:.12f}"
        for t, (w, x, y, z) in zip((s.t_ns[rows] / NS_PER_S).tolist(), s.q_earth_from_sensor[rows].tolist())
    )
    return _write(out, header, list(lines))


def write_mot(measured: Measured, out: Path, stream: str | None = None) -> list[Path]:
    """Write the hip rotation in degrees; return the path."""
    _, s = measured.only(stream, ".mot")
    rows = _kept(s, s.trusted & np.isfinite(s.angle_rad))
    lines = [
        f"{t:.9f}\t{angle:.9f}"
        for t, angle in zip((s.t_ns[rows] / NS_PER_S).tolist(), (s.angle_rad[rows] * DEG_PER_RAD).tolist())
    ]
    header = [
        "hip_rotation",
        "version=1",
        f"nRows={len(lines)}",
        "nColumns=2",
        "inDegrees=yes",
        "endheader",
        f"time\thip_rotation_{_letter(measured.side)}",
    ]
    return _write(out, header, lines)


def targets(out: Path) -> list[Path]:
    """Return the file that ``-o OUT`` leads to."""
    return [out]


def _write(out: Path, header: Sequence[str], lines: Sequence[str]) -> list[Path]:
    with files(out) as (part,):
        part.write_text("\n".join([*header, *lines]) + "\n", encoding="ascii", newline="")
    return [out]


def _kept(stream: Stream, rows: BoolArray) -> BoolArray:
    if not rows.any():
        raise InputError("no sample is to be trusted: the recording is shorter than fusion.settle_s")
    return rows


def _body(stream: str, side: Side | None) -> str:
    place, _, named = stream.partition("-")
    body = BODIES.get(place, BODIES["shin"])
    if body == "pelvis":
        return "pelvis_imu"
    return f"{body}_{_letter(Side(named) if named in tuple(Side) else side)}_imu"


def _letter(side: Side | None) -> str:
    if side is None:
        raise UsageError("the recording does not say which leg and OpenSim's names do: add --side left|right")
    return side.value[0]
