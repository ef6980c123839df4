"""The second sensor: on the sacrum of the same person, over the same time."""

import numpy as np

from hipturn.core import quaternion
from hipturn.core.quaternion import conjugate, multiply, rotate
from hipturn.model import FloatArray
from hipturn.sources.body.leg import Leg, about
from hipturn.sources.body.motion import UP, Motion, noisy, sway, times
from hipturn.sources.body.script import Script, lay_out
from hipturn.units import STANDARD_GRAVITY_MPS2

Mounting = tuple[float, float, float, float]


def on_sacrum(
    leg: Leg, script: Script, rate_hz: float = 100.0, seed: int = 0, mounting: Mounting | None = None
) -> Motion:
    """Return what a sensor on the pelvis measures while the leg does a script; its `angle_rad` is the roll.

    The pelvis turns as the script says about the line through the hip that the leg turns about, and sways.
    The sensor lies near that line, so that gravity is all it feels; it has the errors of the one on the shin
    and sits anyhow unless `mounting`, q_pelvis_from_sensor, says.
    """
    timeline = lay_out(script)
    t_s = times(timeline, rate_hz)
    rng = np.random.default_rng((seed, 1))
    if mounting is None:
        drawn = rng.standard_normal(4)
        q_pelvis_from_sensor: FloatArray = (drawn / np.sqrt(np.sum(drawn * drawn)))[None, :]
    else:
        q_pelvis_from_sensor = np.array([mounting])
    roll, swaying = timeline.pelvis.course(t_s), sway(t_s, leg.sway_rad, rng)
    heading = timeline.heading.course(t_s)
    angle, rate = roll.value + swaying.value, roll.rate + swaying.rate
    turn = about(leg.axis_earth, leg.sign * angle)
    q_earth_from_pelvis = multiply(about((0.0, 0.0, 1.0), heading.value), turn)
    rate_pelvis = leg.sign * rate[:, None] * np.array(leg.axis_earth)
    rate_pelvis += rotate(conjugate(turn), heading.rate[:, None] * UP)
    q_earth_from_sensor = multiply(q_earth_from_pelvis, q_pelvis_from_sensor)
    gyr = rotate(conjugate(q_pelvis_from_sensor), rate_pelvis)
    acc = STANDARD_GRAVITY_MPS2 * quaternion.up_in_sensor(q_earth_from_sensor)
    acc, gyr = noisy(leg, acc, gyr, rate_hz, rng)
    return Motion(
        leg=leg,
        rate_hz=rate_hz,
        t_s=t_s,
        acc_mps2=acc,
        gyr_radps=gyr,
        q_earth_from_sensor=q_earth_from_sensor,
        position_m=np.zeros((len(t_s), 3)),
        angle_rad=angle,
        off_axis_rad=np.zeros(len(t_s)),
        reps=tuple(timeline.reps),
        calibration_window_s=timeline.calibration_window_s,
    )
