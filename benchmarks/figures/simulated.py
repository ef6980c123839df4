"""On the simulated leg, whose truth is known: whole sessions, the axis, losses, half an hour at rest."""

import dataclasses
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from figures import Figure, max_deg, rmse_deg
from hipturn import config
from hipturn.coach import Coach
from hipturn.core import quaternion
from hipturn.core.angle import AngleMeter
from hipturn.core.calibration import functional, window
from hipturn.core.fusion import Fusion, FusionParams
from hipturn.core.positions import Position
from hipturn.errors import CalibrationRefused
from hipturn.model import (
    Calibrated,
    Calibration,
    Direction,
    FloatArray,
    Gap,
    HipAngle,
    Orientation,
    Rep,
    Samples,
    SessionStart,
    Side,
    Vector,
)
from hipturn.session import Heard, Session
from hipturn.sources import body, simulated
from hipturn.sources.body.leg import Leg
from hipturn.sources.body.script import lay_out
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

GRAVITY: tuple[Position, ...] = ("prone", "seated", "seated-floor", "side-lying")
SEEDS = 30
RATE_HZ = 100.0


class Measured(NamedTuple):
    """A whole guided session against its truth."""

    angle_rad: FloatArray
    """Error of every sample."""
    twist_rad: FloatArray
    rom_rad: list[float]
    bounds_s: list[float]
    miscounted: int
    axis_deg: float
    sign: str
    lost: int


def session(motion: body.Motion, lost: Collection[int] = (), samples_per_packet: int = 20) -> Measured:
    """Return what a coach-guided session measures of a motion, calibration and all."""
    heard: list[Heard] = []
    coach = Coach(simulated.STREAM, motion.leg.side, 0, motion.leg.position)
    guided = Session(config.core_params(config.defaults()), coach, None, heard.append)
    guided.push(SessionStart("benchmark", "2026-01-01T12:00:00+00:00", position=motion.leg.position))
    for item in simulated.inputs(motion, lost=lost, samples_per_packet=samples_per_packet):
        guided.push(item)
    guided.finish()
    blocks = [each for each in heard if isinstance(each, HipAngle)]
    reps = [each for each in heard if isinstance(each, Rep)]
    calibrated = [each for each in heard if isinstance(each, Calibrated)][-1].calibration
    t_s = np.concatenate([block.t_ns for block in blocks]) / NS_PER_S
    true = np.interp(t_s, motion.t_s, motion.angle_rad)
    # a repetition before the calibration was over showed the direction
    after = [rep for rep in motion.reps if rep.start_s >= t_s[0] - 0.5]
    return Measured(
        np.concatenate([block.angle_rad for block in blocks]) - true,
        np.concatenate([block.twist_rad for block in blocks]) - true,
        [rep.rom_rad - want.rom_rad for rep, want in zip(reps, after)],
        [
            edge
            for rep, want in zip(reps, after)
            for edge in (rep.start_ns / NS_PER_S - want.start_s, rep.end_ns / NS_PER_S - want.end_s)
        ],
        abs(len(reps) - len(after)),
        _apart_deg(calibrated, motion.leg.axis_sensor),
        calibrated.sign,
        sum(each.lost for each in heard if isinstance(each, Gap)),
    )


def _apart_deg(calibration: Calibration, axis: Vector | FloatArray) -> float:
    cosine = float(np.dot(calibration.axis_sensor, axis))
    return float(np.arccos(min(1.0, abs(cosine)))) * DEG_PER_RAD


def whole_sessions() -> list[Figure]:
    """Both legs in each position: any mounting, consumer sensor, soft tissue, calibration and eight reps."""
    out: list[Figure] = []
    for position in GRAVITY:
        runs = [
            session(
                body.simulate(Leg.random(seed, side, position), body.drill_script(8, seed), RATE_HZ, seed)
            )
            for seed in range(SEEDS)
            for side in Side
        ]
        rom = np.array([error for run in runs for error in run.rom_rad])
        bounds = np.array([error for run in runs for error in run.bounds_s])
        out += [
            Figure(
                f"{position}: angle over the session, RMSE of the worst of {len(runs)}",
                max(rmse_deg(run.angle_rad) for run in runs),
                0.3,
            ),
            Figure(
                f"{position}: angle, largest error of any sample",
                max(max_deg(run.angle_rad) for run in runs),
                1.0,
            ),
            Figure(f"{position}: range of a repetition, p95", _p95(rom) * DEG_PER_RAD, 0.5),
            Figure(f"{position}: start and end of a repetition, p95", _p95(bounds), None, " s"),
            Figure(f"{position}: repetitions miscounted", sum(run.miscounted for run in runs), 0.0, ""),
            Figure(f"{position}: axis, median error", float(np.median([run.axis_deg for run in runs])), 2.0),
            Figure(
                f"{position}: twist beside it, RMSE", rmse_deg(np.concatenate([r.twist_rad for r in runs]))
            ),
        ]
    return out


def _drill(seed: int, side: Side, position: Position) -> body.Motion:
    return body.simulate(Leg.random(seed, side, position), body.drill_script(8, seed), RATE_HZ, seed)


def _p95(errors: FloatArray) -> float:
    return float(np.percentile(np.abs(errors), 95))


# --- the axis alone -----------------------------------------------------------------------------

TURNS = [
    part
    for _ in range(3)
    for part in (
        body.Repetition(Direction.INTERNAL, 20.0 * RAD_PER_DEG, out_s=1.4, hold_s=0.2, return_s=1.4),
        body.Rest(0.3),
    )
]


def rotations(seed: int, off_axis_deg: float) -> tuple[FloatArray, Orientation]:
    """Return an axis and three rotations of 20° about it, with this much motion about the two others.

    Off-axis motion wanders at 0.1 to 0.6 Hz with a peak of `off_axis_deg` each way, none in the hold.
    """
    rng = np.random.default_rng(seed)
    timeline = lay_out(body.Script((body.Rest(6.0), *TURNS, body.Rest(2.0))))
    t_s = np.arange(0.0, timeline.duration_s, 0.01)
    turning = timeline.angle.course(t_s).value
    moving = np.clip((t_s - 6.0) / 0.5, 0.0, 1.0) * np.clip((timeline.duration_s - 2.0 - t_s) / 0.5, 0.0, 1.0)

    def wandering() -> FloatArray:
        waves = [
            rng.normal() * np.sin(2.0 * np.pi * hz * t_s + rng.uniform(0.0, 2.0 * np.pi))
            for hz in rng.uniform(0.1, 0.6, 4)
        ]
        wave = moving * np.sum(waves, axis=0)
        return np.asarray(off_axis_deg * RAD_PER_DEG * wave / np.abs(wave).max())

    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    vector = turning[:, None] * axes[0] + wandering()[:, None] * axes[1] + wandering()[:, None] * axes[2]
    q0 = rng.normal(size=4)
    q = quaternion.multiply(q0 / np.linalg.norm(q0), quaternion.from_rotation_vector(vector))
    step = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(q[:-1]), q[1:])) / 0.01
    gyr = 0.5 * (np.concatenate((step[:1], step)) + np.concatenate((step, step[-1:])))
    gyr += rng.normal(size=gyr.shape) * 0.07 * RAD_PER_DEG + rng.uniform(-1.0, 1.0, 3) * RAD_PER_DEG
    t_ns = np.rint(t_s * NS_PER_S).astype(np.int64)
    none = np.zeros(len(t_s), np.int64)
    return axes[0], Orientation("shin", t_ns, q, gyr, none, np.ones(len(t_s), np.bool_))


def axis_error(seed: int, off_axis_deg: float) -> tuple[float, str]:
    """Return the error of the axis, degrees, and its grade; "refused" where the calibration was."""
    axis, block = rotations(seed, off_axis_deg)
    hold, moved = (window(block, int(a * NS_PER_S), int(b * NS_PER_S)) for a, b in ((0, 5.9), (5.9, 99)))
    try:
        found = functional(hold, moved, outward_normal_sensor=None, side=Side.RIGHT)
    except CalibrationRefused:
        return np.nan, "refused"
    return _apart_deg(found, axis), found.grade


def the_axis() -> list[Figure]:
    """Three rotations of 20° with off-axis motion: how far the axis is off, and whether the grade knows."""
    three = [axis_error(seed, 3.0) for seed in range(200)]
    out = [
        Figure(
            "axis from 3 rotations of 20° with 3° off-axis, median",
            float(np.nanmedian([error for error, _ in three])),
            2.0,
        ),
        Figure("the same, p95", float(np.nanpercentile([error for error, _ in three], 95))),
    ]
    drawn = np.random.default_rng(0).choice([0.3, 1.0, 3.0, 6.0, 10.0], 400)
    many = [(*axis_error(seed, float(off)), float(off)) for seed, off in enumerate(drawn)]
    for grade in ("good", "fair", "refused"):
        of_grade = [(error, off) for error, told, off in many if told == grade]
        share = 100.0 * len(of_grade) / len(many)
        out.append(Figure(f"off-axis motion of 0.3 to 10°: graded {grade}", share, None, " %"))
        if grade != "refused":
            out.append(
                Figure(
                    f"  axis of those {grade}, p95",
                    float(np.percentile([error for error, _ in of_grade], 95)),
                )
            )
    bad = [told for _, told, off in many if off == 10.0]
    out.append(
        Figure("  with 10° off-axis, still graded good", 100.0 * bad.count("good") / len(bad), 5.0, " %")
    )
    return out


# --- losses -------------------------------------------------------------------------------------


def losses() -> list[Figure]:
    """A leg on whose bone the sensor sits (soft tissue is an error of its own), one sample a packet."""
    random: list[FloatArray] = []
    bursts: list[FloatArray] = []
    none: list[FloatArray] = []
    told = wanted = 0
    for seed in range(10):
        leg = dataclasses.replace(
            Leg.random(seed, position=GRAVITY[seed % 4]), wobble_rad=0.0, acc_bias_mps2=Leg().acc_bias_mps2
        )
        motion = body.simulate(leg, body.drill_script(5, seed), RATE_HZ, seed)
        rng = np.random.default_rng(seed)
        n = len(motion.t_s)
        single = np.flatnonzero(rng.random(n) < 0.05)
        starts = rng.choice(np.arange(800, n - 40, 25), 10, replace=False)
        ten = np.unique((starts[:, None] + np.arange(10)).ravel())
        none.append(session(motion).angle_rad)
        for lost, kept in ((single, random), (ten, bursts)):
            run = session(motion, set(lost[(lost > 0) & (lost < n - 1)].tolist()), 1)
            kept.append(run.angle_rad)
            told += run.lost
            wanted += int(((lost > 0) & (lost < n - 1)).sum())
    return [
        Figure("nothing lost: angle, RMSE", rmse_deg(np.concatenate(none))),
        Figure("5 % random loss: angle, RMSE", rmse_deg(np.concatenate(random)), 0.15),
        Figure("10 bursts of 10 lost samples: angle, RMSE", rmse_deg(np.concatenate(bursts)), 0.4),
        Figure("lost samples not told as lost", abs(wanted - told), 0.0, ""),
    ]


# --- half an hour at rest -----------------------------------------------------------------------


def at_rest() -> list[Figure]:
    """30 minutes at rest with a gyroscope whose bias walks by about 0.2 °/s: the angle, minute by minute."""
    gravity: list[float] = []
    twist: list[float] = []
    for seed in range(4):
        leg = dataclasses.replace(Leg.random(seed, position=GRAVITY[seed]), sway_rad=0.0)
        motion = body.simulate(leg, body.Script((body.Rest(1800.0),)), RATE_HZ, seed)
        rng = np.random.default_rng(seed)
        walk = np.cumsum(
            rng.normal(0.0, 0.005 * RAD_PER_DEG / np.sqrt(RATE_HZ), motion.gyr_radps.shape), axis=0
        )
        gyr = motion.gyr_radps + walk
        t_ns = np.rint(motion.t_s * NS_PER_S).astype(np.int64)
        none, hold = np.zeros(len(t_ns), np.int64), round(5.5 * RATE_HZ)
        fusion = Fusion(simulated.info(motion), FusionParams())
        q = []
        for rows in (slice(0, hold), slice(hold, len(t_ns))):
            q.append(fusion.push(Samples(t_ns[rows], none[rows], motion.acc_mps2[rows], gyr[rows], None))[0])
            fusion.set_bias(gyr[:hold].mean(axis=0))
        block = Orientation("shin", t_ns, np.concatenate(q), gyr, none, np.ones(len(t_ns), np.bool_))
        zero = quaternion.mean(block.q_earth_from_sensor[hold : 2 * hold])
        meter = AngleMeter(_calibration(leg, zero, gyr[:hold].mean(axis=0)), leg.side)
        found = meter.push(window(block, round(6.0 * NS_PER_S), int(t_ns[-1]) + 1))
        minutes = len(found.t_ns) // 6000
        for values, kept in ((found.angle_rad, gravity), (found.twist_rad, twist)):
            each = values[: minutes * 6000].reshape(minutes, 6000).mean(axis=1)
            kept.append(float(np.abs(each - each[0]).max()) * DEG_PER_RAD)
    return [
        Figure("30 min at rest, bias walking: drift of the angle, worst of 4 legs", max(gravity), 0.2),
        Figure("30 min at rest: drift of the twist beside it", max(twist)),
    ]


def _calibration(leg: Leg, q0: FloatArray, bias: FloatArray) -> Calibration:
    w, *rest = q0.tolist()
    x, y, z = quaternion.up_in_sensor(q0).tolist()
    return Calibration(
        axis_sensor=leg.axis_sensor,
        up0_sensor=(x, y, z),
        q0_earth_from_sensor=(w, rest[0], rest[1], rest[2]),
        gyr_bias_radps=(float(bias[0]), float(bias[1]), float(bias[2])),
        zero="pose",
        source="session",
        axis_share=1.0,
        axis_spread_rad=0.0,
        sign="normal",
        window_s=(0.0, 6.0),
        grade="good",
    )
