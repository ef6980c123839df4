"""How far the estimated rotation of the femur is off with the heel planted: a table over knees and ratios.

Run: ``python benchmarks/floor.py``. Nothing is random: a leg of two segments on the floor turns by 30° about
the line between hip and heel, and the estimate is made with a geometry that is wrong by so much. The table
stands in docs/measurement.md, and a test holds the two together.
"""

from hipturn.core.floor import SEGMENT_RATIO, beta_from_knee, femoral_rotation, gamma_from_beta
from hipturn.units import DEG_PER_RAD, RAD_PER_DEG

ALPHA_DEG = 30.0
KNEES_DEG = (70, 80, 90, 100, 110)
WRONG_RATIO = (-0.10, 0.0, 0.10)
WRONG_BETA_DEG = 8.0
"""How a case may sit on a strap."""
WRONG_KNEE_DEG = 5.0
"""How well a goniometer is read."""


def phi_deg(beta_rad: float, ratio: float) -> float:
    """Return the estimate, degrees, for a turn by `ALPHA_DEG`."""
    return femoral_rotation(ALPHA_DEG * RAD_PER_DEG, gamma_from_beta(beta_rad, ratio)) * DEG_PER_RAD


def table() -> list[str]:
    """Return the lines of the table, Markdown."""
    lines = [
        "| knee | true φ | long axis known, ratio −10 / 0 / +10 % | knee told, ratio −10 / 0 / +10 % | "
        f"knee told {WRONG_KNEE_DEG:.0f}° wrong | case {WRONG_BETA_DEG:.0f}° aslant | 90° assumed |",
        "|---|---|---|---|---|---|---|",
    ]
    for knee_deg in KNEES_DEG:
        knee = knee_deg * RAD_PER_DEG
        beta = beta_from_knee(knee, SEGMENT_RATIO)
        true = phi_deg(beta, SEGMENT_RATIO)
        ratios = [SEGMENT_RATIO * (1.0 + wrong) for wrong in WRONG_RATIO]
        by_axis = [phi_deg(beta, ratio) - true for ratio in ratios]
        by_knee = [phi_deg(beta_from_knee(knee, ratio), ratio) - true for ratio in ratios]
        off = [
            phi_deg(beta_from_knee((knee_deg + wrong) * RAD_PER_DEG, SEGMENT_RATIO), SEGMENT_RATIO) - true
            for wrong in (-WRONG_KNEE_DEG, WRONG_KNEE_DEG)
        ]
        aslant = [
            phi_deg(beta + wrong * RAD_PER_DEG, SEGMENT_RATIO) - true
            for wrong in (-WRONG_BETA_DEG, WRONG_BETA_DEG)
        ]
        granted = phi_deg(beta_from_knee(90.0 * RAD_PER_DEG, SEGMENT_RATIO), SEGMENT_RATIO) - true
        cells = (" / ".join(f"{e:+.1f}" for e in errors) for errors in (by_axis, by_knee, off, aslant))
        lines.append(f"| {knee_deg}° | {true:.1f}° | {' | '.join(cells)} | {granted:+.1f} |")
    return [line.replace("-", "−") if line.startswith("| ") else line for line in lines]


if __name__ == "__main__":
    print(f"errors in degrees of a turn by {ALPHA_DEG:.0f}°")
    print("\n".join(table()))
