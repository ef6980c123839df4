"""How long ``hipturn --version`` and ``--help`` take, beside a Python that only imports click.

Run: ``make bench`` or ``python benchmarks/startup.py``. Each is a process of its own; the shortest of
many counts, in turns, so that a busy moment hits all alike.
"""

import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 25
HIPTURN = str(Path(sys.executable).with_name("hipturn"))
COMMANDS = {
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "hipturn --version": [HIPTURN, "--version"],
    "hipturn --help": [HIPTURN, "--help"],
}


def main() -> None:
    """Measure and print."""
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            begun = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best[name], time.perf_counter() - begun)
    base = next(iter(best.values()))
    for name, seconds in best.items():
        print(f"{name:<26}{seconds * 1e3:7.1f} ms   {seconds / base:.2f}")
    print("aim: at most 1.30")


if __name__ == "__main__":
    main()
