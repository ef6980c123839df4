"""A guided test's zero: where the shin is plumb, as quiet standing shows it, however it is held."""

import dataclasses

import numpy as np
import pytest

from builders import of
from guided_runs import Guided, Told
from hipturn import drills
from hipturn.core.zero import knee_flexion, knee_now, knee_off
from hipturn.model import Calibrated, MarkKind, Side, Slip
from hipturn.sources.body import Leg
from hipturn.units import DEG_PER_RAD, RAD_PER_DEG

TESTS = {name: each for name, each in drills.load().drills.items() if each.kind == "test"}
ONE = {name: dataclasses.replace(each, reps=1, hold_s=2.0) for name, each in TESTS.items()}


def led(name: str, **options: object) -> Guided:
    return Guided(ONE[name], together=2, **options).run()  # type: ignore[arg-type]


def ranges(guided: Guided) -> tuple[float, float]:
    leg = guided.summary["legs"][guided.side.value]
    return leg["internal"]["mean_deg"], leg["external"]["mean_deg"]


@pytest.mark.parametrize("lean_deg", [-12.0, 8.0])
@pytest.mark.parametrize(
    ("name", "side", "seed"), [("prone-rotation", Side.RIGHT, 1), ("seated-rotation", Side.LEFT, 2)]
)
def test_how_the_shin_is_held_does_not_matter(name: str, side: Side, seed: int, lean_deg: float) -> None:
    """Held off plumb, the ranges are those from plumb: the pose's error is in neither, and none is a slip."""
    guided = led(name, side=side, seed=seed, lean_rad=lean_deg * RAD_PER_DEG)
    assert ranges(guided) == pytest.approx((30.0 + lean_deg, 35.0 - lean_deg), abs=0.7)
    assert guided.summary["conditions"]["zero"] == "gravity"
    assert not of(Slip, guided.heard)


def test_without_standing_the_pose_held_is_the_zero() -> None:
    """Skipped: the zero is as plumb as the shin was held, and the arc does not care."""
    skip = Told(lambda guided: guided.show is not None and guided.show.step == "stand", MarkKind.SKIP)
    guided = led("prone-rotation", lean_rad=8.0 * RAD_PER_DEG, told=[skip])
    assert ranges(guided) == pytest.approx((30.0, 35.0), abs=0.7)
    assert (
        guided.summary["conditions"]["zero"] == "gravity" and guided.summary["conditions"]["knee_deg"] is None
    )


def test_who_lies_stretched_is_not_taken_for_standing() -> None:
    """A case that looks up is none of somebody who stands: waited for, then done without."""

    guided = Guided(ONE["prone-rotation"], together=2, stands=False).run()
    assert "stand.without" in guided.keys and "stood" not in guided.keys
    assert ranges(guided) == pytest.approx((30.0, 35.0), abs=0.7)


@pytest.mark.parametrize("seed", range(3))
def test_standing_shows_the_knee(seed: int) -> None:
    guided = led("prone-rotation", seed=seed)
    knee_deg = Leg.random(seed, Side.RIGHT, "prone").knee_rad * DEG_PER_RAD
    assert guided.summary["conditions"]["knee_deg"] == pytest.approx(knee_deg, abs=2.0)
    (calibrated,) = of(Calibrated, guided.heard)
    knee = knee_flexion(calibrated.calibration)
    assert knee is not None
    told = "knee.first" in guided.keys
    assert told is knee_off(knee)
    # bending further than it was held tilts the axis down, the foot being above the knee
    bent = knee_now(calibrated.calibration, knee, -10.0 * RAD_PER_DEG)
    assert (bent - knee) * DEG_PER_RAD == pytest.approx(10.0)
    assert np.isfinite(bent)
