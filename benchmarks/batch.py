"""What re-analysing many recordings costs: two processes against one.

Run: ``make bench`` or ``python benchmarks/batch.py [COUNT [REPS]]``; with 2000 it is the archive that the aim
is for: 6 GB and a quarter of an hour. The recordings are copies of one guided session with its date changed,
so that each has a content of its own; the time includes starting the processes, finding, hashing and reading
the recordings and writing the dataset. The processors' own time beside it tells on a busy computer, too, how
much of the work is done twice. Last, a batch is killed half-way and called again.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from hipturn import batch, offline
from hipturn.batch.processes import in_processes
from hipturn.batch.work import failed, work
from hipturn.coach import Coach
from hipturn.config import core_params, defaults
from hipturn.model import SessionStart, Side
from hipturn.recording import Writer
from hipturn.recording.amend import amend
from hipturn.session import Session
from hipturn.sources import body, simulated

COUNT = 200
REPS = 180
"""A session of 10 minutes; few or short ones show what starting two processes costs instead (0.4 s each)."""
RATE_HZ = 100.0
FIRST = datetime.fromisoformat("2026-01-01T12:00:00+00:00")
HIPTURN = str(Path(sys.executable).with_name("hipturn"))


def record(path: Path, reps: int) -> int:
    """Record a guided session; return its number of samples."""
    motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), body.drill_script(reps, 1), RATE_HZ, 1)
    with Writer(path) as writer:
        coach = Coach(simulated.STREAM, Side.RIGHT, 0)
        session = Session(core_params(defaults()), coach, writer, lambda _: None)
        start = SessionStart("benchmark", FIRST.isoformat(), settings=defaults())
        for i, item in enumerate((start, *simulated.inputs(motion))):
            session.push(item)
            if i % int(RATE_HZ) == 0:
                writer.close_chunk()
    return len(motion.t_s)


def copy(source: Path, path: Path, number: int) -> None:
    """Copy the session as that of another minute."""
    at = FIRST + timedelta(minutes=number)
    amend(shutil.copyfile(source, path), lambda start: replace(start, wall_time=at.isoformat()))


def took_s(folder: Path, out: Path, jobs: int) -> tuple[float, float]:
    """Return how long a batch takes from beginning to end, and what it takes of all processors together."""
    begun, before = time.perf_counter(), os.times()
    plan = batch.Plan(offline.Request())
    outcomes = batch.run(
        folder, out, plan, lambda todo: in_processes(todo, jobs, work, failed), lambda _: None
    )
    if any(outcome.status is batch.Status.FAILED for outcome in outcomes):
        raise SystemExit("a recording failed")
    elapsed_s, after = time.perf_counter() - begun, os.times()
    return elapsed_s, sum(after[:4]) - sum(before[:4])


def killed_and_resumed(folder: Path, out: Path, half: int) -> int:
    """Kill a batch once so many are done and call it again; return how many were done until then."""
    command = [HIPTURN, "batch", str(folder), "-o", str(out), "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        while (done := len(list((out / "recordings").rglob("*.parquet")))) < half:
            time.sleep(0.05)
        running.kill()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return done


def rows(dataset: Path) -> list[tuple[object, ...]]:
    """Return every repetition in a dataset, in order."""
    columns = ["key", "n", "start_s", "rom_deg", "verdict"]
    found = pq.read_table(dataset / "reps", columns=columns).to_pylist()
    return sorted(tuple(row[column] for column in columns) for row in found)


def main() -> None:
    """Measure and print."""
    count, reps = (int(given) for given in [*sys.argv[1:3], *(str(COUNT), str(REPS))[len(sys.argv) - 1 :]])
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        n = record(place / "one.mcap", reps)
        (place / "many").mkdir()
        for number in range(count):
            copy(place / "one.mcap", place / "many" / f"{number}.mcap", number)
        begun = time.perf_counter()
        offline.analyse(place / "one.mcap", offline.Request())
        alone_s = time.perf_counter() - begun
        one_s, one_cpu_s = took_s(place / "many", place / "d1", 1)
        two_s, two_cpu_s = took_s(place / "many", place / "d2", 2)
        again_s, _ = took_s(place / "many", place / "d2", 2)
        done = killed_and_resumed(place / "many", place / "d3", count // 2)
        same = rows(place / "d1") == rows(place / "d2") == rows(place / "d3")
        size = sum(path.stat().st_size for path in (place / "many").iterdir())
    print(f"{count} recordings of {n} samples ({n / RATE_HZ:.0f} s, {reps} repetitions), {size / 1e6:.0f} MB")
    print(f"analysis alone       {alone_s * 1e3:7.1f} ms a recording")
    print(f"one process          {one_s * 1e3 / count:7.1f} ms a recording   {one_s:.2f} s")
    print(f"two processes        {two_s * 1e3 / count:7.1f} ms a recording   {two_s:.2f} s")
    print(f"speed-up             {one_s / two_s:7.2f}                   (aim: at least 1.7)")
    print(
        f"processors' time     {one_cpu_s * 1e3 / count:7.1f} ms a recording with one process, "
        f"{two_cpu_s * 1e3 / count:.1f} with two: at most {2.0 * one_cpu_s / two_cpu_s:.2f} of 2"
    )
    print(f"nothing left to do   {again_s * 1e3 / count:7.1f} ms a recording   {again_s:.2f} s")
    print(f"killed with {done} done and called again: {'the same rows' if same else 'OTHER ROWS'}")


if __name__ == "__main__":
    main()
