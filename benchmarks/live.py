"""What one notification of one sample costs on its way through the core, beside one VQF update.

Run: ``make bench`` or ``python benchmarks/live.py``. Single thread, one process, one run.
"""

import gc
import time

import numpy as np
from vqf import VQF

from hipturn import drivers
from hipturn.coach import Coach, Phase
from hipturn.config import core_params, defaults
from hipturn.core.pipeline import Pipeline
from hipturn.model import Input, Mark, SessionStart, Side
from hipturn.session import Heard, Session
from hipturn.sources import body, simulated


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


def main() -> None:
    """Measure and print."""
    motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), body.drill_script(40, 1), 100.0, 1)
    inputs = calibrated_inputs(motion, Side.RIGHT)
    gc.collect()
    pipeline = Pipeline(core_params(defaults()), drivers.decoder)
    took = []
    for item in inputs:
        begun = time.perf_counter_ns()
        pipeline.push(item)
        took.append(time.perf_counter_ns() - begun)
    push_us = np.array(took) / 1e3
    vqf = VQF(0.01)
    alone = []
    for gyr, acc in zip(motion.gyr_radps, motion.acc_mps2):
        begun = time.perf_counter_ns()
        vqf.update(gyr, acc)
        vqf.getQuat6D()
        alone.append(time.perf_counter_ns() - begun)
    vqf_us = np.array(alone) / 1e3
    marks = sum(isinstance(i, Mark) for i in inputs)
    print(f"{len(inputs)} inputs ({marks} marks), 40 repetitions")
    print(f"one VQF update   p50 {np.median(vqf_us):6.1f} µs   p99 {np.percentile(vqf_us, 99):6.1f} µs")
    print(
        f"one push         p50 {np.median(push_us):6.1f} µs   p99 {np.percentile(push_us, 99):6.1f} µs   "
        f"(aim: p99 at most 150)   {np.median(push_us) / np.median(vqf_us):.0f} times a VQF update"
    )


if __name__ == "__main__":
    main()
