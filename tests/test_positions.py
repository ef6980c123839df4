"""What a measurement is worth in each position is told with it, through the whole program."""

import dataclasses
import json

import numpy as np
import pytest

from builders import STREAM, guided, of, prompts_of
from hipturn import lines
from hipturn.coach import Coach, words
from hipturn.core.angle import MIN_OBSERVABILITY
from hipturn.core.positions import PLACED, POSITIONS, placed
from hipturn.model import Calibrated, Direction, LinkUp, Rep, Side
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Position, drill_script, simulate


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("position", POSITIONS)
def test_a_result_says_whether_it_depends_on_the_heading(position: Position, side: Side) -> None:
    """Supine 90/90 and standing the axis is near vertical: every result is labelled, with its drift budget;
    in the other positions none is, and observability is as the table expects."""
    motion = simulate(Leg.random(5, side, position), drill_script(3, 5))
    heard = guided(simulated.inputs(motion), Coach(STREAM, side, 0, position))
    (calibrated,), reps = of(Calibrated, heard), of(Rep, heard)
    told = lines.line(calibrated)
    assert told is not None and json.loads(lines.dumps(told)) == told
    doubtful = position in ("supine-90-90", "standing")
    least, most = PLACED[position].observability
    assert least - 0.02 <= told["observability"] <= most + 0.02
    assert told["heading_dependent"] == doubtful == (calibrated.observability < MIN_OBSERVABILITY)
    assert (1.0 < told["drift_deg_per_min"] < 3.5) if doubtful else (told["drift_deg_per_min"] == 0.0)
    # with the knee straight the case does not tell the direction: the first one shows it
    asked = calibrated.calibration.sign == "movement"
    assert asked == (position == "standing")
    for rep, true in zip(reps, motion.reps[asked:], strict=True):
        line = lines.line(rep)
        assert line is not None and line.get("heading_dependent", False) == doubtful
        assert rep.direction is Direction.INTERNAL
        assert rep.rom_rad == pytest.approx(true.rom_rad, abs=0.03)


@pytest.mark.parametrize("position", [*POSITIONS, None])
def test_the_direction_is_asked_for_where_the_case_does_not_tell_it(position: Position | None) -> None:
    """One movement, in the words of the position; what it shows decides the sign of everything after it."""
    leg = Leg.random(2, Side.LEFT, position or "prone")
    motion = simulate(leg, drill_script(3, 2, both_ways=True))
    unknown = [
        dataclasses.replace(item, info=dataclasses.replace(item.info, outward_normal_sensor=None))
        if isinstance(item, LinkUp)
        else item
        for item in simulated.inputs(motion)
    ]
    heard = guided(unknown, Coach(STREAM, Side.LEFT, 2, position))
    where = words.text("en", f"outwards.{position}" if position else "outwards")
    assert [text for text in prompts_of(heard) if "to show which way" in text] == [
        f"once more, to show which way: {where}, and come back"
    ]
    (calibrated,) = of(Calibrated, heard)
    assert calibrated.calibration.sign == "movement"
    assert float(np.dot(calibrated.calibration.axis_sensor, leg.axis_sensor)) > 0.99
    assert [rep.direction for rep in of(Rep, heard)] == [Direction.INTERNAL] * 2


def test_nothing_is_known_of_another_position() -> None:
    assert placed("hanging") is None and placed(None) is None
    assert [PLACED[name] for name in POSITIONS] == [placed(name) for name in POSITIONS]
