"""The motion a virtual sensor plays: a simulated leg with the sensor strapped on as its device asks."""

import dataclasses
from typing import Protocol

import numpy as np

from hipturn.core import quaternion
from hipturn.model import FloatArray, Vector
from hipturn.sources import body
from hipturn.sources.body import Leg, Motion, Repetition, Script
from hipturn.sources.virtual.settings import VirtualSettings
from hipturn.units import RAD_PER_DEG

STILL_S = 0.5
"""Every motion ends with at least this much rest."""


SECOND_S = 12.0
"""How long a person waits for a second sensor to be found and started: two connections with a retry each."""
ROLL_RAD = 9.0 * RAD_PER_DEG
"""What the pelvis does in every third repetition where a sensor is on it."""


def simulated(settings: VirtualSettings) -> Motion:
    """Return the drill of the settings' seed, at the rate the device takes samples."""
    return body.simulate(_leg(settings), _script(settings), settings.sample_rate_hz, settings.seed)


def second(settings: VirtualSettings) -> Motion:
    """Return the same time on the pelvis."""
    return body.on_sacrum(_leg(settings), _script(settings), settings.sample_rate_hz, settings.seed)


def kept_still(settings: VirtualSettings) -> Motion:
    """Return the pelvis of a person who does as they are told."""
    rest = Script((body.Rest(1.0),))
    return body.on_sacrum(_leg(settings), rest, settings.sample_rate_hz, settings.seed)


def _leg(settings: VirtualSettings) -> Leg:
    leg = Leg.random(settings.seed, side=settings.side)
    normal = settings.traits.outward_normal_sensor
    return leg if normal is None else strapped(leg, normal)


def _script(settings: VirtualSettings) -> Script:
    script = body.drill_script(settings.reps, settings.seed)
    if settings.pelvis:
        reps = [each for each in script.elements if isinstance(each, Repetition)]
        rolling = [dataclasses.replace(each, pelvis_rad=ROLL_RAD) for each in reps[2::3]]
        rolls = dict(zip(map(id, reps[2::3]), rolling, strict=True))
        elements = tuple(rolls.get(id(each), each) for each in script.elements)
        script = Script(elements, (body.Rest(SECOND_S), *script.calibration))
    if settings.traits.outward_normal_sensor is None and not settings.traits.tells_normal:
        shown = body.calibration_elements(rotations=1)[1:]
        script = dataclasses.replace(script, calibration=(*script.calibration, *shown))
    if settings.traits.settling_s:
        wait = body.Rest(settings.traits.settling_s)
        script = dataclasses.replace(script, calibration=(wait, *script.calibration))
    return script


def strapped(leg: Leg, outward_normal_sensor: Vector) -> Leg:
    """Return the leg with the sensor turned so that this of its axes points out of the shin."""
    now, wanted = np.array(leg.outward_normal_sensor), np.array(outward_normal_sensor)
    axis = quaternion.cross(wanted, now)
    sine, cosine = float(np.sqrt(quaternion.dot(axis, axis))), float(quaternion.dot(wanted, now))
    turn = axis * (np.arctan2(sine, cosine) / sine) if sine > 1e-9 else np.zeros(3)
    q = quaternion.multiply(np.array(leg.q_shank_from_sensor), quaternion.from_rotation_vector(turn))
    w, x, y, z = q.tolist()
    return dataclasses.replace(leg, q_shank_from_sensor=(w, x, y, z))


class Played(Protocol):
    """What a sensor measures, sample by sample."""

    rate_hz: float

    def rows(self, first: int, count: int, step: int = 1) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what `Playback.rows` does."""
        ...


class Playback:
    """A motion, and after its end the same pose for ever."""

    def __init__(self, motion: Motion, seed: int) -> None:
        self.rate_hz = motion.rate_hz
        self._acc, self._gyr = motion.acc_mps2, motion.gyr_radps
        self._q = motion.q_earth_from_sensor
        still = slice(-max(2, round(STILL_S * motion.rate_hz)), None)
        self._rest = [(rows[still].mean(axis=0), rows[still].std(axis=0)) for rows in (self._acc, self._gyr)]
        self._rng = np.random.default_rng(seed)

    def rows(self, first: int, count: int, step: int = 1) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return acceleration (m/s²), angular rate (rad/s) and orientation of `count` samples.

        Every `step`-th from `first` on; shapes (count, 3), (count, 3) and (count, 4).
        """
        there = slice(first, first + count * step, step)
        acc, gyr, q = self._acc[there], self._gyr[there], self._q[there]
        missing = count - len(acc)
        if missing == 0:
            return acc, gyr, q
        rest_acc, rest_gyr = (self._rng.normal(mean, sd, (missing, 3)) for mean, sd in self._rest)
        rest_q = np.tile(self._q[-1], (missing, 1))
        return np.concatenate((acc, rest_acc)), np.concatenate((gyr, rest_gyr)), np.concatenate((q, rest_q))
