"""Error of the measured range with each virtual device: its rate, quantisation, clock and packets.

Run: ``python benchmarks/devices.py [SEEDS]``. Each line is so many sessions of 10 repetitions over the
software Bluetooth stack at a connection interval of 30 ms, in warped time.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hipturn.model import Verdict
from hipturn.units import DEG_PER_RAD
from test_drivers_live import DEVICES, run, truth

REPS = 10


def main(seeds: int) -> None:
    """Measure and print."""
    print(f"{'device':<12}{'counted':>10}{'mean':>8}{'worst':>8}   ROM error in degrees")
    for device in DEVICES:
        errors: list[float] = []
        counted = 0
        for seed in range(1, seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                reps = run(Path(folder), device, REPS, seed, interval_s=0.03).reps
            counted += sum(rep.verdict is Verdict.CONTROLLED for rep in reps)
            errors += [
                abs(rep.rom_rad - true.rom_rad) * DEG_PER_RAD
                for rep, true in zip(reps, truth(REPS, seed), strict=False)
            ]
        mean, worst = sum(errors) / len(errors), max(errors)
        print(f"{device:<12}{counted:>5}/{seeds * REPS:<4}{mean:>8.3f}{worst:>8.3f}")
    print("aim: all counted, worst at most 0.7")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
