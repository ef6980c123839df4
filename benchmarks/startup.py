"""How long ``hipturn --version`` and ``--help`` take, beside a Python that only imports click.

Run: ``make bench`` or ``python benchmarks/startup.py``. Each is a process of its own; the shortest of
many counts, in turns, so that a busy moment hits all alike.
"""

import resource
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


def children_s() -> float:
    """Return what the processes started so far have computed, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    wall = dict.fromkeys(COMMANDS, float("inf"))
    cpu = dict(wall)
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            begun, computed = time.perf_counter(), children_s()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            wall[name] = min(wall[name], time.perf_counter() - begun)
            cpu[name] = min(cpu[name], children_s() - computed)
    base = next(iter(COMMANDS))
    print("                               computing         by the clock")
    for name in COMMANDS:
        print(
            f"{name:<26}{cpu[name] * 1e3:7.1f} ms{cpu[name] / cpu[base]:6.2f}"
            f"{wall[name] * 1e3:10.1f} ms{wall[name] / wall[base]:6.2f}"
        )
    print("aim: at most 1.30")


if __name__ == "__main__":
    main()
