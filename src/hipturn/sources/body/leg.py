"""Whose leg it is, how it lies and how the sensor sits on it.

Three frames meet here, each a right-handed one:

- *earth*: z up, x anywhere.
- *femur*: x is the femur's long axis j pointing proximally (knee to hip), y the knee's hinge axis
  pointing to the person's left, so that z completes the frame.
- *shank*: x anterior, y proximal, z to the person's right (ISB: Wu et al. 2002, J Biomech 35:543-548).
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from hipturn.core import quaternion
from hipturn.core.positions import Position
from hipturn.model import FloatArray, Side, Vector
from hipturn.units import RAD_PER_DEG

THIGH_M = 0.245 * 1.75
"""Hip to knee of a person of 1.75 m: 0.245 of the height (Winter 2009, Biomechanics and Motor Control of
Human Movement, fig. 4.1)."""
SHANK_M = 0.285 * 1.75
"""Knee to sole of the same person: 0.285 of the height (same source)."""
SHIN_FRONT_M = 0.05
"""The sensor's distance in front of the shank's long axis: about the radius of a calf."""

AS_USUAL = math.nan
"""Stands for what is usual in the position; filled in once, so a leg copied to another position keeps it."""

STRAPPED_ON_THE_FRONT = (math.sqrt(0.5), 0.0, math.sqrt(0.5), 0.0)
"""Sensor z out of the front of the shin (shank x), sensor y up to the knee (shank y)."""

STRAIGHT_SHANK = np.array((0.5, 0.5, 0.5, -0.5))
"""`q_femur_from_shank` of the straight knee: shank y lies along j, shank z to the person's right."""


class _Pose(NamedTuple):
    """What is usual in a position."""

    knee_rad: float
    elevation_rad: float
    roll_rad: float
    """The person turned about the femur, from lying on the front (right-handed about j).

    On the front 0, on the buttocks or back half a turn; on the side a quarter for the upper right
    leg, and the mirrored quarter for the upper left one.
    """
    mirrored_roll: bool = False
    heel_planted: bool = False


_POSES: dict[Position, _Pose] = {
    "prone": _Pose(90.0 * RAD_PER_DEG, 0.0, 0.0),
    "seated": _Pose(90.0 * RAD_PER_DEG, 0.0, math.pi),
    # Sole and buttocks on one floor: at this inclination the knee is close to a right angle.
    "seated-floor": _Pose(85.0 * RAD_PER_DEG, -45.0 * RAD_PER_DEG, math.pi, heel_planted=True),
    "side-lying": _Pose(90.0 * RAD_PER_DEG, 0.0, -0.5 * math.pi, mirrored_roll=True),
    "supine-90-90": _Pose(90.0 * RAD_PER_DEG, -90.0 * RAD_PER_DEG, math.pi),
    "standing": _Pose(0.0, 90.0 * RAD_PER_DEG, 0.0),
}


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg in one pose with a sensor on its shin; the defaults are a right leg lying prone."""

    side: Side = Side.RIGHT
    position: Position = "prone"
    knee_rad: float = AS_USUAL
    """Knee flexion: 0 straight, 90° with the shank at right angles to the femur."""
    femur_elevation_rad: float = AS_USUAL
    """Elevation of j, the femur's axis towards the hip, above the horizontal: negative with the knee
    higher than the hip."""
    heading_rad: float = 0.0
    """Heading of j about earth z; for a vertical femur, of the way it points when lowered again."""
    heel_planted: bool | None = None
    """Hip and heel stay and the knee turns about the line between them (usual on the floor); otherwise
    the knee stays and the femur turns about its own axis."""
    lean_rad: float = 0.0
    """How far the hip is turned inwards at rest: the shin held off plumb by so much."""
    q_shank_from_sensor: tuple[float, float, float, float] = STRAPPED_ON_THE_FRONT
    lever_m: float = 0.25
    """Distance of the sensor from the knee along the shank."""
    gyr_bias_radps: Vector = (0.5 * RAD_PER_DEG, -0.3 * RAD_PER_DEG, 0.4 * RAD_PER_DEG)
    """In sensor axes; consumer sensors stay below 1°/s once warm."""
    gyr_noise_radps: float = 0.07 * RAD_PER_DEG
    """White noise, RMS at 100 Hz; a density of 0.01 °/s/√Hz, as in consumer data sheets."""
    acc_bias_mps2: Vector = (0.012, -0.012, 0.012)
    """In sensor axes: in all 0.02 m/s², what a factory calibration leaves."""
    acc_noise_mps2: float = 0.02
    """White noise, RMS at 100 Hz; a density of 290 µg/√Hz."""
    wobble_rad: float = 1.0 * RAD_PER_DEG
    """Rotation of the sensor on the bone by soft tissue: a 30° turn in 1.2 s reaches three quarters of it,
    a jerky one rings to about twice as much."""
    sway_rad: float = 0.1 * RAD_PER_DEG
    """Amplitude of the slow play of knee and thigh that a person never quite keeps from."""

    def __post_init__(self) -> None:
        """Fill in what is usual in the position."""
        if self.position not in _POSES:
            raise ValueError(f"position {self.position!r} is none of {', '.join(_POSES)}")
        pose = _POSES[self.position]
        if math.isnan(self.knee_rad):
            object.__setattr__(self, "knee_rad", pose.knee_rad)
        if math.isnan(self.femur_elevation_rad):
            object.__setattr__(self, "femur_elevation_rad", pose.elevation_rad)
        if self.heel_planted is None:
            object.__setattr__(self, "heel_planted", pose.heel_planted)

    @classmethod
    def random(cls, seed: int, side: Side | None = None, position: Position = "prone") -> Self:
        """Return a leg as people come: any mounting and heading, knee and femur up to 15° off the usual.

        The knee is flexed 10° more or 15° less than usual (prone: 75–100°), the gyro bias is up to
        1°/s and the accelerometer bias up to 0.02 m/s² an axis.
        """
        rng = np.random.default_rng(seed)
        drawn_side = Side.RIGHT if rng.random() < 0.5 else Side.LEFT
        pose = _POSES[position]
        # four normal numbers, made unit, are uniform over all rotations
        mounting = rng.standard_normal(4)
        mounting /= np.sqrt(np.sum(mounting * mounting))
        return cls(
            side=drawn_side if side is None else side,
            position=position,
            knee_rad=max(0.0, pose.knee_rad + rng.uniform(-15.0, 10.0) * RAD_PER_DEG),
            femur_elevation_rad=pose.elevation_rad + rng.uniform(-15.0, 15.0) * RAD_PER_DEG,
            heading_rad=rng.uniform(-math.pi, math.pi),
            q_shank_from_sensor=_quaternion(mounting),
            lever_m=rng.uniform(0.15, 0.35),
            gyr_bias_radps=_vector(rng.uniform(-1.0, 1.0, 3) * RAD_PER_DEG),
            acc_bias_mps2=_vector(rng.uniform(-0.02, 0.02, 3)),
        )

    def without_errors(self) -> Self:
        """Return the same leg, quite steady, with a perfect sensor screwed to the bone."""
        still = (0.0, 0.0, 0.0)
        return dataclasses.replace(
            self,
            gyr_bias_radps=still,
            gyr_noise_radps=0.0,
            acc_bias_mps2=still,
            acc_noise_mps2=0.0,
            wobble_rad=0.0,
            sway_rad=0.0,
        )

    @property
    def sign(self) -> int:
        """+1 where internal rotation is right-handed about the proximal axis (right leg), else −1."""
        return 1 if self.side is Side.RIGHT else -1

    @property
    def roll_rad(self) -> float:
        """How far the person is turned about the femur from lying on the front."""
        pose = _POSES[self.position]
        roll = pose.roll_rad * self.sign if pose.mirrored_roll else pose.roll_rad
        return roll + self.sign * self.lean_rad

    @property
    def axis_femur(self) -> Vector:
        """The axis the leg turns about, unit, in femur coordinates, pointing proximally."""
        if not self.heel_planted:
            return (1.0, 0.0, 0.0)
        # From the heel up the shank to the knee and on along the thigh to the hip.
        x = THIGH_M + SHANK_M * math.cos(self.knee_rad)
        z = -SHANK_M * math.sin(self.knee_rad)
        length = math.hypot(x, z)
        return (x / length, 0.0, z / length)

    @property
    def axis_shank(self) -> Vector:
        """The same axis in shank coordinates, with the knee as it is at rest."""
        q = quaternion.conjugate(q_femur_from_shank(np.array([self.knee_rad])))
        return _vector(quaternion.rotate(q, np.array([self.axis_femur]))[0])

    @property
    def axis_sensor(self) -> Vector:
        """The same axis in sensor coordinates: what a calibration should find."""
        return self._in_sensor(self.axis_shank)

    @property
    def axis_earth(self) -> Vector:
        """The same axis in earth coordinates, at rest."""
        q = q_earth_from_femur(
            np.array([self.heading_rad]), np.array([self.femur_elevation_rad]), self.roll_rad
        )
        return _vector(quaternion.rotate(q, np.array([self.axis_femur]))[0])

    @property
    def observability(self) -> float:
        """Cosine of the axis' elevation: 1 where gravity shows the whole rotation, 0 where it shows none."""
        return math.hypot(*self.axis_earth[:2])

    @property
    def outward_normal_sensor(self) -> Vector:
        """The sensor axis that points out of the front of the shin with this mounting."""
        return self._in_sensor((1.0, 0.0, 0.0))

    def _in_sensor(self, shank: Vector) -> Vector:
        q = quaternion.conjugate(np.array([self.q_shank_from_sensor]))
        return _vector(quaternion.rotate(q, np.array([shank]))[0])


def q_earth_from_femur(heading_rad: FloatArray, elevation_rad: FloatArray, roll_rad: float) -> FloatArray:
    """Return the unturned femur's orientation, shape (n, 4), from headings and elevations of shape (n,)."""
    yaw = about((0.0, 0.0, 1.0), heading_rad)
    pitch = about((0.0, -1.0, 0.0), elevation_rad)
    roll = about((1.0, 0.0, 0.0), np.array([roll_rad]))
    return quaternion.multiply(yaw, quaternion.multiply(pitch, roll))


def q_femur_from_shank(knee_rad: FloatArray) -> FloatArray:
    """Return where the shank hangs on the femur, shape (n, 4), for knee flexions of shape (n,).

    Flexion is a negative rotation about shank z (to the right), so j = cos κ·y − sin κ·x in the shank.
    """
    return quaternion.multiply(STRAIGHT_SHANK, about((0.0, 0.0, -1.0), knee_rad))


def about(axis: Vector, angle_rad: FloatArray) -> FloatArray:
    """Return rotations about one axis, shape (n, 4), for angles of shape (n,)."""
    return quaternion.from_rotation_vector(angle_rad[:, None] * np.array(axis))


def _vector(v: FloatArray) -> Vector:
    return (float(v[0]), float(v[1]), float(v[2]))


def _quaternion(q: FloatArray) -> tuple[float, float, float, float]:
    return (float(q[0]), float(q[1]), float(q[2]), float(q[3]))
