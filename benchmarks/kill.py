"""``kill -9`` at random moments while recording: what each recording loses.

Run: ``python benchmarks/kill.py [--kills 200]``. Each recorder is a daemon in a process of its own whose
simulated leg moves 20 times as fast as a person, so that many repetitions are announced; time is the real
one, in which chunks are put on disk. `benchmarks/daemon.py kill` kills the whole program, with a viewer.

Aims: every file opens once the next start has finished it, a second is lost at most, and no repetition that
was announced is missing.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from killing import WINDOW_S, many


def main() -> None:
    """Kill, look and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    begun_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        ends = many(Path(folder), [rng.uniform(*WINDOW_S) for _ in range(given.kills)])
    lost_s = sorted(end.lost_s for end in ends)
    print(
        f"kill -9    {len(ends)} times: {sum(end.problem is None for end in ends)} open without complaint, "
        f"{sum(end.whole for end in ends)} hold all up to their end; lost {lost_s[len(ends) // 2]:.2f} s "
        f"(median), {lost_s[-1]:.2f} s (most); {sum(end.told for end in ends)} repetitions announced, "
        f"{sum(end.missing for end in ends)} of them missing; in {time.perf_counter() - begun_s:.0f} s "
        "(aims: all, all, 1 s, 0)"
    )


if __name__ == "__main__":
    main()
