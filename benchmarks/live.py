"""What one notification of one sample costs on its way through the core, beside one VQF update.

Run: ``make bench`` or ``python benchmarks/live.py``. Single thread, one process, one run.
"""

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from vqf import VQF

from hipturn import drivers
from hipturn.coach import Coach, Phase
from hipturn.config import core_params, defaults
from hipturn.core.pipeline import Pipeline
from hipturn.model import FloatArray, Input, Mark, SessionStart, Side
from hipturn.session import Heard, Session
from hipturn.sources import body, simulated

PASSES = 5
"""Of the same inputs: what takes long in each of them is the program's, the rest others'."""


def calibrated_inputs(motion: body.Motion, side: Side) -> list[Input]:
    """Return the inputs of a session with the marks its coach gave."""
    out: list[Input] = []

    def listen(heard: Heard) -> None:
        if isinstance(heard, Input):
            out.append(heard)

    coach = Coach(simulated.STREAM, side, 0)
    session = Session(core_params(defaults()), coach, None, listen)
    session.push(SessionStart("benchmark", "2026-01-01T12:00:00+00:00"))
    for item in simulated.inputs(motion):
        session.push(item)
    if coach.phase is not Phase.DRILL:
        raise SystemExit("the simulated session did not calibrate")
    return out


def timed_us(action: Callable[..., object], given: Sequence[tuple[Any, ...]]) -> FloatArray:
    """Return how long each call took, in µs."""
    took = []
    for arguments in given:
        begun = time.perf_counter_ns()
        action(*arguments)
        took.append(time.perf_counter_ns() - begun)
    return np.array(took) / 1e3


def main() -> None:
    """Measure and print."""
    motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), body.drill_script(40, 1), 100.0, 1)
    inputs = calibrated_inputs(motion, Side.RIGHT)
    first, least = np.empty(0), np.empty(0)
    for _ in range(PASSES):
        gc.collect()
        pipeline = Pipeline(core_params(defaults()), drivers.decoder)
        push_us = timed_us(pipeline.push, [(item,) for item in inputs])
        first, least = (push_us, push_us) if len(first) == 0 else (first, np.minimum(least, push_us))
    vqf = VQF(0.01)

    def update(gyr: FloatArray, acc: FloatArray) -> None:
        vqf.update(gyr, acc)
        vqf.getQuat6D()

    vqf_us = timed_us(update, list(zip(motion.gyr_radps, motion.acc_mps2)))
    marks = sum(isinstance(i, Mark) for i in inputs)
    print(f"{len(inputs)} inputs ({marks} marks), 40 repetitions")
    for name, us, note in (
        ("one VQF update", vqf_us, ""),
        ("one push", first, "   (aim: p99 at most 150)"),
        (f"least of {PASSES}", least, "   (what else runs on the machine left out)"),
    ):
        p50, p99 = np.percentile(us, (50, 99))
        print(f"{name:<16} p50 {p50:7.1f} µs   p99 {p99:7.1f} µs{note}")
    print(f"a push is {np.median(least) / np.median(vqf_us):.0f} VQF updates")


if __name__ == "__main__":
    main()
