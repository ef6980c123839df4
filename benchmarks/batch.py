"""What re-analysing many recordings costs: two processes against one.

Run: ``make bench`` or ``python benchmarks/batch.py [COUNT [REPS]]``. The recordings are copies of one guided
session with its date changed, so that each has a content of its own; the time includes starting the
processes, finding, hashing and reading the recordings and writing the dataset.
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from hipturn import batch, offline
from hipturn.batch.processes import in_processes
from hipturn.batch.work import failed, work
from hipturn.coach import Coach
from hipturn.config import core_params, defaults
from hipturn.model import Input, SessionStart, Side
from hipturn.recording import Reader, Writer
from hipturn.session import Session
from hipturn.sources import body, simulated

COUNT = 40
REPS = 240
"""A session of 13 minutes; shorter ones show what starting two processes costs instead (0.4 s each)."""
RATE_HZ = 100.0


def record(path: Path, reps: int) -> int:
    """Record a guided session; return its number of samples."""
    motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), body.drill_script(reps, 1), RATE_HZ, 1)
    with Writer(path) as writer:
        coach = Coach(simulated.STREAM, Side.RIGHT, 0)
        session = Session(core_params(defaults()), coach, writer, lambda _: None)
        start = SessionStart("benchmark", "2026-01-01T12:00:00+00:00", settings=defaults())
        for i, item in enumerate((start, *simulated.inputs(motion))):
            session.push(item)
            if i % int(RATE_HZ) == 0:
                writer.close_chunk()
    return len(motion.t_s)


def copy(inputs: list[Input], path: Path, number: int) -> None:
    """Write the session as that of another minute."""
    with Writer(path) as writer:
        for item in inputs:
            at = f"2026-01-01T{number // 60:02d}:{number % 60:02d}:00+00:00"
            writer.write(replace(item, wall_time=at) if isinstance(item, SessionStart) else item)


def took_s(folder: Path, out: Path, jobs: int) -> float:
    """Return how long a batch takes from beginning to end."""
    begun = time.perf_counter()
    plan = batch.Plan(offline.Request())
    outcomes = batch.run(
        folder, out, plan, lambda todo: in_processes(todo, jobs, work, failed), lambda _: None
    )
    if any(outcome.status is batch.Status.FAILED for outcome in outcomes):
        raise SystemExit("a recording failed")
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    count, reps = (int(given) for given in [*sys.argv[1:3], *(str(COUNT), str(REPS))[len(sys.argv) - 1 :]])
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        n = record(place / "one.mcap", reps)
        inputs = list(Reader(place / "one.mcap").inputs())
        (place / "many").mkdir()
        for number in range(count):
            copy(inputs, place / "many" / f"{number}.mcap", number)
        begun = time.perf_counter()
        offline.analyse(place / "one.mcap", offline.Request())
        alone_s = time.perf_counter() - begun
        one_s = took_s(place / "many", place / "d1", 1)
        two_s = took_s(place / "many", place / "d2", 2)
        again_s = took_s(place / "many", place / "d2", 2)
    print(f"{count} recordings of {n} samples ({n / RATE_HZ:.0f} s, {reps} repetitions)")
    print(f"analysis alone       {alone_s * 1e3:7.1f} ms a recording")
    print(f"one process          {one_s * 1e3 / count:7.1f} ms a recording   {one_s:.2f} s")
    print(f"two processes        {two_s * 1e3 / count:7.1f} ms a recording   {two_s:.2f} s")
    print(f"speed-up             {one_s / two_s:7.2f}                   (aim: at least 1.7)")
    print(f"nothing left to do   {again_s * 1e3 / count:7.1f} ms a recording   {again_s:.2f} s")


if __name__ == "__main__":
    main()
