"""A session of hours with a fault every few minutes: what the daemon holds, and whether all is told.

Run: ``python benchmarks/soak.py`` for eight hours in warped time, in which nobody waits, or
``python benchmarks/soak.py --real --hours 0.5`` in real time.
The sensor is played inside the process; no radio is in it.

Aims: memory grows by 5 MB at most after the first minutes, no task, file or thread is left over, and each
fault that cost samples is told as a gap. The computer sleeps now and then, the disk is full for a while,
pages come and go, some slow and some stuck, and every recording is taken into the history.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import warped
from soaking import FAULT_EVERY_S, RATE_HZ, Soak

FIRST_S = 600.0
"""Memory and what is open settle within this."""


def told(soak: Soak, took_s: float, how: str) -> None:
    """Print the figures."""
    kinds = dict(Counter(kind for kind, _ in soak.faults))
    lost = sum(count for _, count in soak.faults)
    marked = sum(gap.lost for gap in soak.gaps)
    last = soak.holdings[-1]
    print(
        f"soak       {soak.seconds / 3600:g} h at {RATE_HZ:g} Hz in {took_s:.0f} s ({how}), a fault every "
        f"{FAULT_EVERY_S[0]:g} to {FAULT_EVERY_S[1]:g} s: {kinds}"
    )
    print(
        f"           {soak.growth_mb(FIRST_S):+.1f} MB after the first {FIRST_S / 60:g} min, to "
        f"{last.rss_mb:.0f} MB (aim +5); left over: {', '.join(soak.leaks(FIRST_S)) or 'nothing'}"
    )
    print(
        f"           {soak.samples} of {soak.sent} samples measured, {soak.overruns} overruns, {lost} not "
        f"sent, {marked} of them told in {len(soak.gaps)} gaps for {len(soak.faults)} faults; "
        f"{soak.sessions} recordings"
    )
    if soak.onlookers is not None:
        seen = soak.onlookers
        print(
            f"           {seen.manners.total()} visitors {dict(seen.manners)}, {len(seen.refused)} of what "
            f"they asked refused, {seen.hub.viewers.dropped} frames dropped for who did not keep up; disk "
            f"full {len(soak.full)} times, {sum(told and well for told, well in soak.full)} told and mended"
        )
    at = [one for one in soak.holdings if one.at_s >= FIRST_S][:: max(1, len(soak.holdings) // 8)]
    print("           MB by hour: " + ", ".join(f"{one.at_s / 3600:.1f}: {one.rss_mb:.1f}" for one in at))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--real", action="store_true", help="in real time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        begun_s = time.perf_counter()

        async def session() -> Soak:
            # in real time one sample a notification, the dearest there is; warped, five
            return await Soak(given.hours * 3600, 1 if given.real else 5).measure(Path(folder))

        soak = asyncio.run(session()) if given.real else warped.run(session())
        how = "real time" if given.real else "warped"
        used = (
            f", {time.process_time() / (time.perf_counter() - begun_s):.1%} of a core" if given.real else ""
        )
        told(soak, time.perf_counter() - begun_s, how + used)


if __name__ == "__main__":
    main()
