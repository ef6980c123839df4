"""From a leg and a script to samples: rigid-body kinematics in closed form, then the sensor's errors."""

import dataclasses
import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hipturn.core import quaternion
from hipturn.core.quaternion import conjugate, cross, multiply, rotate
from hipturn.model import BoolArray, FloatArray
from hipturn.sources.body.leg import SHIN_FRONT_M, THIGH_M, Leg, about, q_earth_from_femur, q_femur_from_shank
from hipturn.sources.body.script import Course, Script, Timeline, TrueRep, lay_out
from hipturn.units import STANDARD_GRAVITY_MPS2

UP = np.array((0.0, 0.0, 1.0))

WOBBLE_ACCELERATION_RADPS2 = 2.1
"""Peak angular acceleration of a 30° minimum-jerk turn in 1.2 s (10/√3 · range / time²)."""

WOBBLE_DAMPING = 0.12
"""Damping ratio of soft tissue with a sensor strapped on: it rings for two or three periods."""

SWAY_HZ = (0.17, 0.31)
"""Breathing and the slow play of posture."""


class _Mode(NamedTuple):
    """One way a sensor wobbles on the bone."""

    axis_shank: tuple[float, float, float]
    share: float
    frequency_hz: float


WOBBLE_MODES = (
    # Nodding about the strap's two soft directions, much less about the turning axis itself.
    _Mode((0.0, 0.0, 1.0), 0.80, 9.0),
    _Mode((0.0, 1.0, 0.0), 0.55, 11.0),
    _Mode((1.0, 0.0, 0.0), 0.25, 8.0),
)


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What the sensor measured and what was true, a row a sample."""

    leg: Leg
    rate_hz: float
    t_s: FloatArray
    """Time from the first sample, shape (n,)."""
    acc_mps2: FloatArray
    """Measured specific force in sensor axes, +g on the axis that points up at rest, shape (n, 3)."""
    gyr_radps: FloatArray
    """Measured angular rate in sensor axes at the instant, shape (n, 3)."""
    q_earth_from_sensor: FloatArray
    """True orientation, wobble included, shape (n, 4)."""
    position_m: FloatArray
    """True place of the sensor in earth axes, from the hip, shape (n, 3)."""
    angle_rad: FloatArray
    """True rotation of the bone about `leg.axis_earth`, positive internal, 0 at the start, shape (n,)."""
    off_axis_rad: FloatArray
    """True change of the elevation of `leg.axis_shank` since the start, wobble excluded, shape (n,)."""
    reps: tuple[TrueRep, ...]
    """The repetitions after the calibration."""
    calibration_window_s: tuple[float, float]
    """From the still hold to the rest after the rotations; of no length without a calibration."""


def simulate(leg: Leg, script: Script, rate_hz: float = 100.0, seed: int = 0) -> Motion:
    """Return the samples of a leg doing a script; the same seed gives the same noise."""
    timeline = lay_out(script)
    t_s = times(timeline, rate_hz)
    rng = np.random.default_rng(seed)
    turning, bending = timeline.angle.course(t_s), timeline.knee.course(t_s)
    angle = _sum(0.0, turning, timeline.tremor(t_s))
    knee = _sum(leg.knee_rad, bending, sway(t_s, leg.sway_rad, rng))
    elevation = _sum(leg.femur_elevation_rad, timeline.elevation.course(t_s), sway(t_s, leg.sway_rad, rng))
    heading = _sum(leg.heading_rad, timeline.heading.course(t_s))

    # a pelvis that rolls about the leg's axis carries the leg along
    shank = _shank(leg, _sum(0.0, angle, timeline.pelvis.course(t_s)), knee, elevation, heading)
    wobble, wobble_rate = _wobble(leg, turning.acceleration + bending.acceleration, 1.0 / rate_hz)
    q_shank_from_wobbling = quaternion.from_rotation_vector(wobble)
    mounting = np.array([leg.q_shank_from_sensor])
    q_shank_from_sensor = multiply(q_shank_from_wobbling, mounting)
    gyr = rotate(conjugate(q_shank_from_sensor), shank.rate_radps)
    gyr += rotate(conjugate(mounting), _rate_of_rotation_vector(wobble, wobble_rate))
    acc = rotate(conjugate(q_shank_from_sensor), shank.force_mps2)

    acc, gyr = noisy(leg, acc, gyr, rate_hz, rng)
    up_shank = quaternion.up_in_sensor(shank.q_earth_from_shank)
    elevation_of_axis = np.arcsin(np.clip(quaternion.dot(up_shank, np.array(leg.axis_shank)), -1.0, 1.0))
    return Motion(
        leg=leg,
        rate_hz=rate_hz,
        t_s=t_s,
        acc_mps2=acc,
        gyr_radps=gyr,
        q_earth_from_sensor=multiply(shank.q_earth_from_shank, q_shank_from_sensor),
        position_m=shank.position_m,
        angle_rad=angle.value,
        off_axis_rad=elevation_of_axis - elevation_of_axis[0],
        reps=tuple(timeline.reps),
        calibration_window_s=timeline.calibration_window_s,
    )


def times(timeline: Timeline, rate_hz: float) -> FloatArray:
    """Return the times of the samples of a script."""
    # A whole number of sample intervals must not lose its last sample to rounding.
    return np.asarray(np.arange(int(timeline.duration_s * rate_hz + 1e-6) + 1) / rate_hz)


def noisy(
    leg: Leg, acc_mps2: FloatArray, gyr_radps: FloatArray, rate_hz: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return acceleration and rate as the sensor measures them."""
    # White noise of one density: its RMS grows with the root of the bandwidth.
    widen = math.sqrt(rate_hz / 100.0)
    gyr_noise = leg.gyr_noise_radps * widen * rng.standard_normal(gyr_radps.shape)
    acc_noise = leg.acc_noise_mps2 * widen * rng.standard_normal(acc_mps2.shape)
    gyr = gyr_radps + (np.array(leg.gyr_bias_radps) + gyr_noise)
    return acc_mps2 + (np.array(leg.acc_bias_mps2) + acc_noise), gyr


def drop(motion: Motion, lost: BoolArray) -> Motion:
    """Return the motion without the samples marked in `lost`, shape (n,); the truth of repetitions stays."""
    kept = ~lost
    return dataclasses.replace(
        motion,
        t_s=motion.t_s[kept],
        acc_mps2=motion.acc_mps2[kept],
        gyr_radps=motion.gyr_radps[kept],
        q_earth_from_sensor=motion.q_earth_from_sensor[kept],
        position_m=motion.position_m[kept],
        angle_rad=motion.angle_rad[kept],
        off_axis_rad=motion.off_axis_rad[kept],
    )


def lose(motion: Motion, share: float, seed: int) -> Motion:
    """Return the motion with each sample but the first lost with probability `share`, independently."""
    lost = np.random.default_rng(seed).random(motion.t_s.size) < share
    lost[0] = False
    return drop(motion, lost)


class _Shank(NamedTuple):
    q_earth_from_shank: FloatArray
    rate_radps: FloatArray
    """Angular rate in shank axes."""
    force_mps2: FloatArray
    """Specific force at the sensor's place, in shank axes."""
    position_m: FloatArray
    """The sensor's place in earth axes, from the hip."""


def _shank(leg: Leg, angle: Course, knee: Course, elevation: Course, heading: Course) -> _Shank:
    """Return the motion of the shank: the femur turns about the hip, the shank about the knee on it.

    Chain: heading, elevation and roll of the person; turn about the leg's axis; knee. Everything is
    worked out in the turned femur's axes and expressed in the shank's at the end.
    """
    axis = np.array(leg.axis_femur)
    roll = about((1.0, 0.0, 0.0), np.array([leg.roll_rad]))
    turn = about(leg.axis_femur, leg.sign * angle.value)
    q_earth_from_turned = multiply(q_earth_from_femur(heading.value, elevation.value, leg.roll_rad), turn)

    # Angular rate and acceleration of the unturned femur, before the roll: y points left, so that
    # raising j is a negative rotation about it.
    sin, cos = np.sin(elevation.value), np.cos(elevation.value)
    both = heading.rate * elevation.rate
    pose_rate = np.stack((heading.rate * sin, -elevation.rate, heading.rate * cos), axis=-1)
    pose_acceleration = np.stack(
        (
            heading.acceleration * sin + both * cos,
            -elevation.acceleration,
            heading.acceleration * cos - both * sin,
        ),
        axis=-1,
    )
    back = conjugate(multiply(roll, turn))
    turn_rate = leg.sign * angle.rate[:, None] * axis
    carried = rotate(back, pose_rate)
    rate = carried + turn_rate
    acceleration = (
        rotate(back, pose_acceleration)
        + leg.sign * angle.acceleration[:, None] * axis
        - cross(turn_rate, carried)
    )

    # The sensor's place seen from the femur moves only with the knee.
    q_femur = q_femur_from_shank(knee.value)
    hinge = np.array((0.0, 0.0, -1.0))
    place_shank = np.array((SHIN_FRONT_M, -leg.lever_m, 0.0))
    knee_rate = knee.rate[:, None] * hinge
    swing = cross(knee_rate, place_shank)
    place = rotate(q_femur, place_shank) - np.array((THIGH_M, 0.0, 0.0))
    velocity = rotate(q_femur, swing)
    relative = rotate(
        q_femur, cross(knee.acceleration[:, None] * hinge, place_shank) + cross(knee_rate, swing)
    )
    linear = (
        relative + 2.0 * cross(rate, velocity) + cross(acceleration, place) + cross(rate, cross(rate, place))
    )

    force = linear + STANDARD_GRAVITY_MPS2 * rotate(conjugate(q_earth_from_turned), UP)
    to_shank = conjugate(q_femur)
    return _Shank(
        q_earth_from_shank=multiply(q_earth_from_turned, q_femur),
        rate_radps=rotate(to_shank, rate) + knee_rate,
        force_mps2=rotate(to_shank, force),
        position_m=rotate(q_earth_from_turned, place),
    )


def _wobble(leg: Leg, excitation_radps2: FloatArray, step_s: float) -> tuple[FloatArray, FloatArray]:
    """Return the sensor's rotation vector on the bone and its time derivative, shape (n, 3), shank axes.

    Each mode is a damped oscillator driven by the angular acceleration of the movement. The drive is
    limited smoothly, for soft tissue stiffens. It is far above what inertia alone would do to a light
    sensor: it stands for bulging muscles and stretching skin too, so trembling takes no part in it.
    """
    wobble, rate = np.zeros((2, excitation_radps2.size, 3))
    if leg.wobble_rad == 0.0:
        return wobble, rate
    drive = -np.tanh(excitation_radps2 / WOBBLE_ACCELERATION_RADPS2)
    for mode in WOBBLE_MODES:
        angle, speed = _oscillator(drive, mode.frequency_hz, step_s)
        x, y, z = mode.axis_shank
        # A rotation mirrored in the sagittal plane turns the other way about the axes in that plane.
        size = leg.wobble_rad * mode.share * np.array((leg.sign * x, leg.sign * y, z))
        wobble += angle[:, None] * size
        rate += speed[:, None] * size
    return wobble, rate


def _oscillator(drive: FloatArray, frequency_hz: float, step_s: float) -> tuple[FloatArray, FloatArray]:
    """Return value and rate of x″ + 2ζω·x′ + ω²·x = ω²·drive, at rest at first, drive linear between samples.

    With the eigenvalue λ = −ζω + iω·√(1−ζ²) the state z = x′ − λ̄·x obeys z′ = λz + ω²·drive, which has
    an exact step; x = Im z / Im λ and x′ = Re z + Re λ · x.
    """
    omega = 2.0 * math.pi * frequency_hz
    eigen = complex(-WOBBLE_DAMPING * omega, omega * math.sqrt(1.0 - WOBBLE_DAMPING**2))
    decay = np.exp(eigen * step_s)
    # Integrals of exp(λ(h − s)) against the falling and the rising half of a linear drive.
    whole = (decay - 1.0) / eigen
    rising = (whole - step_s) / (eigen * step_s)
    force = omega**2 * ((whole - rising) * drive[:-1] + rising * drive[1:])
    factor = complex(decay)
    z = np.fromiter(
        itertools.accumulate(force.tolist(), lambda state, pushed: factor * state + pushed, initial=0j),
        dtype=np.complex128,
        count=drive.size,
    )
    value = z.imag / eigen.imag
    return value, z.real + eigen.real * value


def _rate_of_rotation_vector(r: FloatArray, r_rate: FloatArray) -> FloatArray:
    """Return the angular rate in the rotated frame, shape (n, 3), of a rotation vector and its derivative.

    The right Jacobian of SO(3) (Solà et al. 2018, arXiv:1812.01537) to third order in the angle: what
    is left out is 2e-7 of the rate at 1° and 6e-6 at 3°.
    """
    once = cross(r, r_rate)
    return r_rate - once / 2.0 + cross(r, once) / 6.0


def sway(t_s: FloatArray, amplitude_rad: float, rng: np.random.Generator) -> Course:
    """Return a slow wandering of the given amplitude with phases of its own."""
    phases = rng.uniform(0.0, 2.0 * math.pi, len(SWAY_HZ))
    total = Course(*np.zeros((3, t_s.size)))
    if amplitude_rad == 0.0:
        return total
    for frequency_hz, phase in zip(SWAY_HZ, phases):
        omega = 2.0 * math.pi * frequency_hz
        size = amplitude_rad / len(SWAY_HZ)
        sine, cosine = np.sin(omega * t_s + phase), np.cos(omega * t_s + phase)
        total = Course(
            total.value + size * sine,
            total.rate + size * omega * cosine,
            total.acceleration - size * omega**2 * sine,
        )
    return total


def _sum(start: float, *courses: Course) -> Course:
    """Return courses added up, from a constant start."""
    values, rates, accelerations = zip(*courses)
    return Course(start + sum(values), 0.0 + sum(rates), 0.0 + sum(accelerations))
