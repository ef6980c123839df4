"""How far measured repetitions are from the truth: the simulated leg, and recordings by others where present.

Run: ``make bench`` or ``python benchmarks/accuracy.py``. Simulated: 20 people, any mounting, both legs,
knee 75-100°, femur elevated to 15°, the noise and bias of consumer sensors, through the whole guided
session. Real: the UCI Physical Therapy Exercises data set beside the project, if it is there.
"""

import tempfile
from pathlib import Path

import numpy as np

from hipturn import config, offline, recording
from hipturn.coach import Coach
from hipturn.model import HipAngle, Rep, SessionStart, Side
from hipturn.session import Heard, Session
from hipturn.sources import body, simulated
from hipturn.sources.importers import csv
from hipturn.sources.importers.cells import Form
from hipturn.units import DEG_PER_RAD, NS_PER_S

SEEDS = range(20)
UCI = Path(__file__).parents[2] / "shared" / "data" / "uci_physical_therapy"
UCI_LAYOUT = csv.Layout(
    acc=("acc_x", "acc_y", "acc_z"),
    gyr=("gyr_x", "gyr_y", "gyr_z"),
    rate_hz=25.0,
    form=Form(delimiter=";"),
)
UCI_IDLE_S = (85.0, 150.0)
"""Moments in the two idle stretches between the three blocks of ten."""


def simulated_leg() -> None:
    """Print the errors of range, bounds and angle on the simulated leg."""
    rom, bounds, angle, missed = [], [], [], 0
    for seed in SEEDS:
        side = (Side.LEFT, Side.RIGHT)[seed % 2]
        motion = body.simulate(body.Leg.random(seed, side=side), body.drill_script(8, seed), 100.0, seed)
        reps: list[Rep] = []
        angles: list[HipAngle] = []

        def listen(heard: Heard, reps: list[Rep] = reps, angles: list[HipAngle] = angles) -> None:
            match heard:
                case Rep():
                    reps.append(heard)
                case HipAngle():
                    angles.append(heard)

        params = config.core_params(config.defaults())
        session = Session(params, Coach(simulated.STREAM, side, 0), None, listen)
        session.push(SessionStart("benchmark", "2026-01-01T12:00:00+00:00"))
        for item in simulated.inputs(motion):
            session.push(item)
        session.finish()
        missed += abs(len(reps) - len(motion.reps))
        for rep, true in zip(reps, motion.reps):
            rom.append((rep.rom_rad - true.rom_rad) * DEG_PER_RAD)
            bounds += [rep.start_ns / NS_PER_S - true.start_s, rep.end_ns / NS_PER_S - true.end_s]
        t_s = np.concatenate([a.t_ns for a in angles]) / NS_PER_S
        measured = np.concatenate([a.angle_rad for a in angles])
        angle.append((measured - np.interp(t_s, motion.t_s, motion.angle_rad)) * DEG_PER_RAD)
    errors = np.concatenate(angle)
    rom_p95, bounds_p95 = (np.percentile(np.abs(values), 95) for values in (rom, bounds))
    print(f"simulated leg, {len(SEEDS)} seeds, {len(rom)} repetitions, {missed} miscounted")
    print(f"  ROM error       p95 {rom_p95:.2f}°  max {np.abs(rom).max():.2f}°  (aim: p95 at most 0.5°)")
    print(f"  angle           RMSE {np.sqrt((errors**2).mean()):.2f}°  max {np.abs(errors).max():.2f}°")
    print(f"  start and end   p50 {np.median(np.abs(bounds)):.2f} s  p95 {bounds_p95:.2f} s")


def uci_sessions() -> None:
    """Print the counts of the UCI leg exercises: ten correct, ten fast, ten low repetitions each."""
    if not UCI.is_dir():
        print("UCI sessions: not here")
        return
    exact = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(UCI.glob("s*/e*/u2/test.txt")):
            out = Path(folder) / "session.mcap"
            recording.write(out, csv.inputs(path, UCI_LAYOUT))
            reps = offline.analyse(out, offline.Request(calibration=offline.AUTO)).reps
            peaks = np.array([rep.peak_ns / NS_PER_S for rep in reps])
            blocks = np.bincount(np.searchsorted(UCI_IDLE_S, peaks), minlength=3).tolist()
            exact += blocks == [10, 10, 10]
            print(f"  {path.parts[-4]} {path.parts[-3]}: {blocks}")
    print(f"UCI sessions counted exactly 10/10/10: {exact}")


if __name__ == "__main__":
    simulated_leg()
    uci_sessions()
