"""How far off the measurement is: the simulated leg with its known truth, and recordings by others.

Run: ``make bench`` or ``python benchmarks/accuracy.py``; with ``--docs`` the table in docs/measurement.md is
written anew. Under three minutes. What is measured stands with each part in benchmarks/figures/. The exit
status is 1 if a figure is over its limit.
"""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from figures import Figure, real, simulated

DOCUMENT = Path(__file__).parents[1] / "docs" / "measurement.md"
PARTS: tuple[tuple[str, Callable[[], list[Figure]]], ...] = (
    ("whole sessions of the simulated leg", simulated.whole_sessions),
    ("the axis", simulated.the_axis),
    ("lost samples", simulated.losses),
    ("half an hour at rest", simulated.at_rest),
    ("BROAD: inclination over movement, against optics", real.broad),
    ("dfjimu: one-axis angle of a hinged rig's segments, against optics", real.rig),
    ("UCI: counted repetitions", real.uci),
)


def row(figure: Figure) -> str:
    """Return a figure as a row of the table."""
    limit = "" if figure.limit is None else f"{figure.limit:.2f}{figure.unit}"
    missed = "" if figure.met else " **over**"
    return f"| {figure.name} | {figure.value:.2f}{figure.unit}{missed} | {limit} |"


def main() -> int:
    """Measure everything and print it; return the exit status."""
    lines = ["| figure | measured | at most |", "|---|---|---|"]
    missed = 0
    for title, measure in PARTS:
        begun = time.perf_counter()
        figures = measure()
        missed += sum(not figure.met for figure in figures)
        print(f"{title} ({time.perf_counter() - begun:.0f} s)" + ("" if figures else ": not here"))
        for figure in figures:
            print(f"  {row(figure)}", flush=True)
        lines += [f"| **{title}** | | |", *map(row, figures)] if figures else []
    if "--docs" in sys.argv[1:]:
        text = DOCUMENT.read_text(encoding="utf-8")
        block = "\n".join(["<!-- accuracy -->", *lines, "<!-- /accuracy -->"])
        text = re.sub(r"<!-- accuracy -->.*<!-- /accuracy -->", lambda _: block, text, flags=re.S)
        DOCUMENT.write_text(text, encoding="utf-8")
    print(f"{missed} figures over their limit" if missed else "every figure is within its limit")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
