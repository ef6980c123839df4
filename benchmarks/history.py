"""What a history of many sessions costs: making the catalogue, listing, a person's progress and report.

Run: ``make bench`` or ``python benchmarks/history.py [COUNT [MINUTES]]``. The sessions are those of one
person who tests both legs and trains in between: recorded live from simulated legs, a chunk a second, and
copied with a day of its own for each. Beside the clock's time stands the processor's, which other programs do
not change.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hipturn.coach import Coach
from hipturn.config import core_params, defaults
from hipturn.history import Catalogue, reindex
from hipturn.model import SessionStart, Side
from hipturn.recording import Writer
from hipturn.recording.amend import amend
from hipturn.session import Session
from hipturn.sources import body, simulated

COUNT, MINUTES = 1000, 10.0
RATE_HZ = 100.0
FIRST = datetime.fromisoformat("2024-01-01T18:00:00+01:00")
SECONDS_A_REP = 3.3
TESTS, DRILLS = 4, 1
"""Sessions recorded of each leg; the others are their copies."""
HIPTURN = str(Path(sys.executable).with_name("hipturn"))


def made(path: Path, side: Side, seed: int, minutes: float, *, test: bool) -> Path:
    """Record one session as a live one is; return its path."""
    reps = max(4, round(60.0 * minutes / SECONDS_A_REP))
    script = body.two_way_test_script(seed) if test else body.drill_script(reps, seed)
    leg = body.Leg.random(seed, side=side, position="prone")
    motion = body.simulate(leg, script, RATE_HZ, seed)
    settings, drill = defaults(), "prone-rotation" if test else "prone-drill"
    with Writer(path) as writer:
        session = Session(core_params(settings), Coach(simulated.STREAM, side, 0), writer, lambda _: None)
        session.push(SessionStart("benchmark", "", settings, drill=drill, position="prone", person="P-07"))
        for i, item in enumerate(simulated.inputs(motion, samples_per_packet=8)):
            session.push(item)
            if i % int(RATE_HZ / 8) == 0:
                writer.close_chunk()
        session.finish()
    return path


def fill(place: Path, count: int, minutes: float) -> None:
    """Fill a folder over two years: of eight sessions two are tests, one a leg."""
    kept = {
        (side, test): [
            made(place.parent / f"{side}-{test}-{seed}.mcap", side, seed, minutes, test=test)
            for seed in range(1, (TESTS if test else DRILLS) + 1)
        ]
        for side in Side
        for test in (True, False)
    }
    for n in range(count):
        same = kept[(Side.LEFT, Side.RIGHT)[n % 2], n % 8 < 2]
        at = FIRST + timedelta(days=n * 730 / count, minutes=n % 60)
        path = shutil.copyfile(same[n // 8 % len(same)], place / f"{n:05d}.mcap")
        amend(path, lambda start, at=at: replace(start, wall_time=at.isoformat()))  # type: ignore[misc]


def command(*arguments: object) -> Callable[[], None]:
    """Return what runs a command as a person does, in a process of its own."""

    def run() -> None:
        subprocess.run([HIPTURN, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    return run


def took(do: Callable[[], None]) -> tuple[float, float]:
    """Return time by the clock and by the processor, s."""
    before, begun = os.times(), time.perf_counter()
    do()
    elapsed, after = time.perf_counter() - begun, os.times()
    used = sum(after[:4]) - sum(before[:4])
    return elapsed, used


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else MINUTES
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "recordings"
        place.mkdir()
        fill(place, count, minutes)
        size = sum(path.stat().st_size for path in place.iterdir())
        print(f"{count} sessions, drills of {minutes:g} min: {size / 1e6:.0f} MB")
        at = ("--recordings", place)
        rows = {
            "reindex": (lambda: reindex(place), 30.0),
            "history": (command("history", *at), 1.0),
            "history --json": (command("history", *at, "--json"), 1.0),
            "history progress": (command("history", *at, "progress", "P-07"), 1.0),
            "report --person": (command("report", *at, "--person", "P-07", "-o", f"{name}/report.html"), 5.0),
        }
        print(f"{'':20}{'clock':>9}{'processor':>11}{'aim':>9}")
        for words, (do, aim) in rows.items():
            elapsed, used = took(do) if words == "reindex" else min(took(do) for _ in range(3))
            print(f"{words:20}{elapsed:7.2f} s{used:9.2f} s{aim:7.0f} s")
        with Catalogue(place) as catalogue:
            before = catalogue.content()
        (place / "catalogue.sqlite").unlink()
        reindex(place)
        with Catalogue(place) as catalogue:
            same = catalogue.content() == before
        print(f"deleted and reindexed: {'the same content' if same else 'OTHER CONTENT'}")


if __name__ == "__main__":
    main()
