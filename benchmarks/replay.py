"""How long the replay of one hour of raw 100 Hz IMU takes, beside VQF alone on the same arrays.

Run: ``make bench`` or ``python benchmarks/replay.py``. Both in one process and one run; process
start-up and imports are left out, reading the file is not. The hour is that of the practice, in sets of
30 repetitions with rests, over 400 in all: recorded, a packet a sample, and imported as a table, where the
calibration is estimated as well; and, as the worst there is, an hour of nothing but repetitions.
"""

import itertools
import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from vqf import VQF

from hipturn import offline, recording
from hipturn.coach import Coach, Phase
from hipturn.config import core_params, defaults
from hipturn.model import SessionStart, Side
from hipturn.session import Session
from hipturn.sources import body, simulated
from hipturn.sources.importers.imported import Imported

HOUR_S = 3600.0
RATE_HZ = 100.0
ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Took:
    """The least of several rounds, s: the others were disturbed."""

    cpu_s: float
    """What this process computed, whoever else was on the machine."""
    wall_s: float


def timings(actions: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, Took]:
    """Return what each action takes; in turns, so that a busy moment hits all alike."""
    best = {name: Took(math.inf, math.inf) for name in actions}
    for name, action in list(actions.items()) * rounds:
        cpu, wall = time.process_time(), time.perf_counter()
        action()
        took = Took(time.process_time() - cpu, time.perf_counter() - wall)
        before = best[name]
        best[name] = Took(min(before.cpu_s, took.cpu_s), min(before.wall_s, took.wall_s))
    return best


def record(path: Path, motion: body.Motion, n: int) -> None:
    """Record n samples of a guided session: measured live until it is calibrated, then only written."""
    coach = Coach(simulated.STREAM, Side.RIGHT, 0)
    with recording.Writer(path) as writer:
        session = Session(core_params(defaults()), coach, writer, lambda _: None)
        session.push(SessionStart("benchmark", "2026-01-01T12:00:00+00:00", settings=defaults()))
        for i, item in enumerate(itertools.islice(simulated.inputs(motion), n)):
            if coach.phase is Phase.DRILL:
                writer.write(item)
            else:
                session.push(item)
            if i % int(RATE_HZ) == 0:
                writer.close_chunk()


def practised(seed: int) -> body.Script:
    """Return an hour of practice: 14 sets of 30 repetitions, with 2.5 min of rest after each."""
    drills = [body.drill_script(30, seed + n) for n in range(14)]
    elements = [element for drill in drills for element in (*drill.elements, body.Rest(150.0))]
    return body.Script(tuple(elements), drills[0].calibration)


def measure(name: str, script: body.Script) -> None:
    """Replay an hour of a script and print what it took."""
    motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), script, RATE_HZ, 1)
    n = int(HOUR_S * RATE_HZ)
    acc, gyr = (np.ascontiguousarray(a[:n]) for a in (motion.acc_mps2, motion.gyr_radps))
    with tempfile.TemporaryDirectory() as folder:
        path, table = Path(folder) / "hour.mcap", Path(folder) / "table.mcap"
        record(path, motion, n)
        t_ns, rows = np.arange(len(acc)) * 10_000_000, np.concatenate((acc, gyr), axis=1)
        recording.write(table, Imported("", "hour", t_ns, rows, RATE_HZ, True, False).inputs())
        found = offline.analyse(path, offline.Request())
        estimated = offline.Request(calibration=offline.AUTO)
        took = timings(
            {
                "VQF batch alone": lambda: VQF(1.0 / RATE_HZ).updateBatch(gyr, acc),
                "reading the file": lambda: list(recording.Reader(path).inputs()),
                "replay": lambda: offline.analyse(path, offline.Request()),
                "replay, imported": lambda: offline.analyse(table, estimated),
            }
        )
    base = took["VQF batch alone"]
    print(f"{name}: {found.samples} samples, {len(found.reps)} repetitions")
    print("                          computing            by the clock")
    for what, each in took.items():
        cpu, wall = each.cpu_s / base.cpu_s, each.wall_s / base.wall_s
        aim = "   (aim: at most 2.5)" if what.startswith("replay") else ""
        print(f"  {what:<20}{each.cpu_s * 1e3:8.1f} ms{cpu:6.2f}{each.wall_s * 1e3:12.1f} ms{wall:6.2f}{aim}")


def main() -> None:
    """Measure and print."""
    measure("an hour of practice", practised(1))
    measure("an hour of nothing but repetitions", body.drill_script(950, 1))


if __name__ == "__main__":
    main()
