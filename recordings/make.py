"""Make the bundled recordings anew: ``make recordings``.

Each is a live session of the simulated body, guided by the coach like a real one, only faster than
real time. Beside NAME.mcap stands NAME.expected.jsonl, the results a replay must give, and
NAME.truth.json, what the simulated hip really did.
"""

import dataclasses
import json
from pathlib import Path

from hipturn import config, lines, offline, recording
from hipturn.coach import Coach
from hipturn.core.pipeline import CoreParams
from hipturn.model import SessionStart, Side
from hipturn.session import Session
from hipturn.sources import body, simulated
from hipturn.units import DEG_PER_RAD

HERE = Path(__file__).parent
WALL_TIME = "2026-01-15T18:00:00+01:00"
RATE_HZ = 100.0
SAMPLES_PER_PACKET = 8

MADE: dict[str, tuple[body.Leg, body.Script, int, dict[str, config.Value], str]] = {
    "clean-drill": (
        body.Leg.random(11, side=Side.RIGHT, position="seated-floor"),
        body.drill_script(8, 11),
        11,
        config.SEATED_MOBILISATION,
        "seated-mobilisation",
    ),
    "mishaps": (
        body.Leg.random(12, side=Side.LEFT, position="seated-floor"),
        body.mishap_script(12),
        12,
        {**config.SEATED_MOBILISATION, "reps.target_deg": 25.0},
        "seated-mobilisation",
    ),
    "test-right": (
        body.Leg.random(13, side=Side.RIGHT, position="prone"),
        body.two_way_test_script(13),
        13,
        {"reps.min_hold_s": 1.0},
        "prone-rotation",
    ),
    "test-left": (
        body.Leg.random(14, side=Side.LEFT, position="prone"),
        body.two_way_test_script(14, internal_rad=0.5, external_rad=0.75),
        14,
        {"reps.min_hold_s": 1.0},
        "prone-rotation",
    ),
}
"""Name: whose leg, what it does, the seed, the settings and the drill."""


def make(name: str) -> None:
    """Write one recording, its expected results and its truth."""
    leg, script, seed, settings, drill = MADE[name]
    motion = body.simulate(leg, script, RATE_HZ, seed)
    path = HERE / f"{name}.mcap"
    path.unlink(missing_ok=True)
    chosen = {**config.defaults(), **settings}
    params: CoreParams = config.core_params(chosen)
    with recording.Writer(path) as writer:
        session = Session(params, Coach(simulated.STREAM, leg.side, 0), writer, lambda _: None)
        session.push(
            SessionStart(
                program="hipturn recordings/make.py",
                wall_time=WALL_TIME,
                settings=chosen,
                drill=drill,
                position=leg.position,
                note=f"simulated body, seed {seed}",
            )
        )
        for item in simulated.inputs(motion, samples_per_packet=SAMPLES_PER_PACKET):
            session.push(item)
        session.finish()
    path.chmod(0o644)
    head, events, tail = offline.analyse(path, offline.Request()).lines(path.name)
    del tail["elapsed_s"], head["program"]
    expected = "".join(lines.dumps(line) + "\n" for line in [head, *events, tail])
    (HERE / f"{name}.expected.jsonl").write_text(expected, encoding="utf-8")
    truth = [
        {
            **{k: v for k, v in dataclasses.asdict(rep).items() if not k.endswith("_rad")},
            "rom_deg": rep.rom_rad * DEG_PER_RAD,
            "peak_deg": rep.peak_rad * DEG_PER_RAD,
        }
        for rep in motion.reps
    ]
    rounded = [{k: round(v, 4) if isinstance(v, float) else v for k, v in rep.items()} for rep in truth]
    (HERE / f"{name}.truth.json").write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
    print(f"{name}: {len(motion.reps)} true repetitions, {tail['reps']} counted, {path.stat().st_size} bytes")


if __name__ == "__main__":
    for each in MADE:
        make(each)
