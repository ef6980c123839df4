"""On recordings by others, with an optical reference or counted repetitions; no part of the project."""

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from ahrs import filters
from vqf import VQF

from figures import Figure, rmse_deg
from hipturn import offline, offline_vqf, recording
from hipturn.core import quaternion
from hipturn.core.acausal import stretches
from hipturn.core.angle import MIN_OBSERVABILITY, gravity_angle
from hipturn.core.calibration import principal_axis
from hipturn.core.fusion import FilterName, Fusion, FusionParams
from hipturn.model import FloatArray, IntArray, Samples, StreamInfo
from hipturn.sources.importers import csv
from hipturn.sources.importers.cells import Form
from hipturn.units import NS_PER_S

DATA = Path(__file__).parents[3] / "shared" / "data"
OURS: tuple[FilterName, ...] = ("vqf", "madgwick", "mahony", "ekf", "complementary")


def samples(acc: FloatArray, gyr: FloatArray, rate_hz: float) -> Samples:
    t_ns = np.rint(np.arange(len(acc)) * (NS_PER_S / rate_hz)).astype(np.int64)
    return Samples(t_ns, np.zeros(len(acc), np.int64), acc, gyr, None)


def fused(name: FilterName, acc: FloatArray, gyr: FloatArray, rate_hz: float) -> FloatArray:
    """Return what the core's filter of that name makes of a recording."""
    fusion = Fusion(StreamInfo("table", rate_hz), FusionParams(filter=name))
    return fusion.push(samples(acc, gyr, rate_hz))[0]


def with_hindsight(acc: FloatArray, gyr: FloatArray, rate_hz: float) -> FloatArray:
    (q,) = offline_vqf.in_another_process(stretches(samples(acc, gyr, rate_hz), 1), 1.0 / rate_hz)
    return q


# --- BROAD: inclination over movement -------------------------------------------------------------


LEAD_S, SHOWN_S = 20.0, 60.0
"""The filters are compared on the first minute of movement, with this much rest before it to settle in:
those of ahrs take 30 to 70 µs a sample. The figure that has a limit is of the whole movement."""


def broad() -> list[Figure]:
    """Inclination RMSE over the movement of four trials, mean over the trials, for every filter."""
    trials = sorted((DATA / "broad").glob("*.mat"))
    if not trials:
        return []
    found: dict[str, list[float]] = {}
    apart: list[float] = []
    for path in trials:
        trial = scipy.io.loadmat(path)
        rate_hz = float(trial["sampling_rate"].item())
        acc, gyr = (np.ascontiguousarray(trial[name], np.float64) for name in ("imu_acc", "imu_gyr"))
        every = np.arange(len(acc))
        alone = _inclination(VQF(1.0 / rate_hz).updateBatch(gyr, acc)["quat6D"], trial, every)
        apart.append(abs(_inclination(fused("vqf", acc, gyr, rate_hz), trial, every) / alone - 1.0))
        begin = int(trial["movement"].ravel().argmax()) - round(LEAD_S * rate_hz)
        rows = np.arange(begin, begin + round((LEAD_S + SHOWN_S) * rate_hz))
        some_acc, some_gyr = acc[rows], gyr[rows]
        for name in OURS:
            q = fused(name, some_acc, some_gyr, rate_hz)
            found.setdefault(name, []).append(_inclination(q, trial, rows))
        q = with_hindsight(some_acc, some_gyr, rate_hz)
        found.setdefault("vqf-offline", []).append(_inclination(q, trial, rows))
    out = [Figure(f"{name}, mean of {len(trials)} RMSE", float(np.mean(e))) for name, e in found.items()]
    return [*out, Figure("online, whole trial: apart from VQF alone, worst", 100.0 * max(apart), 3.0, " %")]


def _inclination(q: FloatArray, trial: dict[str, Any], rows: IntArray) -> float:
    truth = trial["opt_quat"][rows]
    seen = trial["movement"].ravel()[rows].astype(bool) & np.isfinite(truth).all(axis=1)
    up, true_up = quaternion.up_in_sensor(q[seen]), quaternion.up_in_sensor(truth[seen])
    return rmse_deg(np.arctan2(np.linalg.norm(np.cross(up, true_up), axis=1), (up * true_up).sum(axis=1)))


# --- a rig with a hinge: one-axis angle of each segment ---------------------------------------------


def rig() -> list[Figure]:
    """One-axis angle of both segments of two trials against optics, RMSE, beside ahrs at its defaults.

    The axis is the segment's main axis of turning, by the reference; samples where it is within 30° of
    vertical are left out, for which gravity shows nothing. How the sensors sit on the segments, which nobody
    calibrated, is in every filter's error.
    """
    found: dict[str, list[FloatArray]] = {}
    for path in sorted((DATA / "dfjimu").glob("*.mat")):
        data = scipy.io.loadmat(path, squeeze_me=True, struct_as_record=False)["data"]
        rate_hz = float(data.rate)
        for segment in (0, 1):
            acc, gyr = (
                np.ascontiguousarray(data.sensorData[:, first : first + 3], np.float64)
                for first in (6 * segment, 6 * segment + 3)
            )
            truth = data.ref[:, 4 * segment : 4 * segment + 4]
            with contextlib.redirect_stdout(io.StringIO()):
                peers = {
                    "ahrs Madgwick at its defaults": filters.Madgwick(gyr=gyr, acc=acc, frequency=rate_hz).Q,
                    "ahrs Mahony at its defaults": filters.Mahony(gyr=gyr, acc=acc, frequency=rate_hz).Q,
                }
            lag = _lag(gyr, truth, rate_hz)
            ours: dict[str, FloatArray] = {name: fused(name, acc, gyr, rate_hz) for name in OURS}
            hindsight = {"vqf-offline": with_hindsight(acc, gyr, rate_hz)}
            every: dict[str, FloatArray] = {**ours, **hindsight, **peers}
            for name, q in every.items():
                found.setdefault(name, []).append(_one_axis(q, truth, lag, round(rate_hz / 2)))
    if not found:
        return []
    rmse = {name: rmse_deg(np.concatenate(errors)) for name, errors in found.items()}
    least = min(value for name, value in rmse.items() if name.startswith("ahrs"))
    out = [
        Figure(f"{name}, angle RMSE", value, least if name == "vqf" else None) for name, value in rmse.items()
    ]
    single = ", ".join(f"{rmse_deg(errors):.2f}" for errors in found["vqf"])
    return [
        *out,
        Figure(f"vqf, segments one by one {single}; the worst", max(map(rmse_deg, found["vqf"]))),
    ]


def _lag(gyr: FloatArray, truth: FloatArray, rate_hz: float) -> int:
    """Return how many samples the reference is behind the sensor, by their rates alone."""
    turn = quaternion.multiply(quaternion.conjugate(truth[:-2]), truth[2:])
    rate = quaternion.to_rotation_vector(turn) * (0.5 * rate_hz)
    lags = range(-2, 3)
    apart = [np.square(gyr[3 - lag : len(rate) - 1 - lag] - rate[2 : len(rate) - 2]).sum() for lag in lags]
    return lags[int(np.argmin(apart))]


def _one_axis(q: FloatArray, truth: FloatArray, lag: int, span: int) -> FloatArray:
    """Return the errors of the angle about the segment's main axis, rad."""
    rows = np.arange(max(0, -lag), len(q) - max(0, lag))
    turns = quaternion.multiply(quaternion.conjugate(truth[:-span]), truth[span:])
    axis, _ = principal_axis(quaternion.to_rotation_vector(turns))
    up, true_up = quaternion.up_in_sensor(q[rows]), quaternion.up_in_sensor(truth[rows + lag])
    seen = np.sqrt(1.0 - quaternion.dot(true_up, axis) ** 2) > MIN_OBSERVABILITY
    error = gravity_angle(up, true_up[0], axis) - gravity_angle(true_up, true_up[0], axis)
    return np.asarray(np.angle(np.exp(1j * error[seen])))


# --- UCI: ten correct, ten fast, ten low repetitions of leg exercises ---------------------------------

UCI_LAYOUT = csv.Layout(
    acc=("acc_x", "acc_y", "acc_z"),
    gyr=("gyr_x", "gyr_y", "gyr_z"),
    rate_hz=25.0,
    form=Form(delimiter=";"),
)
UCI_IDLE_S = (85.0, 150.0)
"""Moments in the two idle stretches between the three blocks of ten."""


def uci() -> list[Figure]:
    """Sessions of leg exercises counted exactly 10/10/10."""
    exact = total = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((DATA / "uci_physical_therapy").glob("s*/e*/u2/test.txt")):
            out = Path(folder) / "session.mcap"
            recording.write(out, csv.inputs(path, UCI_LAYOUT))
            reps = offline.analyse(out, offline.Request(calibration=offline.AUTO)).reps
            peaks = np.array([rep.peak_ns / NS_PER_S for rep in reps])
            blocks = np.bincount(np.searchsorted(UCI_IDLE_S, peaks), minlength=3).tolist()
            total, exact = total + 1, exact + (blocks == [10, 10, 10])
    return [Figure(f"of {total} sessions not counted exactly 10/10/10", total - exact, 0.0, "")]
