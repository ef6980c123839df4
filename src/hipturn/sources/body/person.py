"""A simulated person who hears the coach and does what it asks, one movement after the other."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from hipturn.model import Direction, FloatArray, Side
from hipturn.sources.body.leg import Leg
from hipturn.sources.body.motion import simulate
from hipturn.sources.body.script import Element, Repetition, Rest, Script, Shift
from hipturn.units import RAD_PER_DEG

HELD_S = 4.5
"""How long the end range of a trial is held: longer than it has to be, as people do who wait for a sound."""
STRETCHED_S = 48.0
"""How long a stretch is held: a little longer than the longest of the shipped ones asks for."""
UP_S = 2.5
"""How long it takes to get up from the mat and into position again."""
HANDLED = tuple(Shift(0.5, heading_rad=sign * 0.9) for sign in (1, -1, 1, -1, 1, -1))
"""What a strap that is moved to the other leg goes through."""

Rows = tuple[FloatArray, FloatArray, FloatArray]
"""Acceleration, angular rate and orientation, a row a sample."""


class Person:
    """Rests until something is asked; reacts when the movement in progress is over."""

    def __init__(self, leg: Leg, rate_hz: float, seed: int) -> None:
        self._leg, self._rate_hz = leg, rate_hz
        self._seed = seed
        self._show: Mapping[str, Any] = {}
        self._made: list[Rows] = []
        self._rng = np.random.default_rng(seed)
        self._switched = False
        self._lying: Leg | None = None
        """The leg in the position of the drill, while the person stands."""

    def hear(self, line: Mapping[str, Any]) -> None:
        """Take in a line of the coach; what is shown tells what to do."""
        if line.get("type") == "session":
            self._show, self._switched = {}, False
        if line.get("type") == "coach":
            self._show = line
            if line.get("side") and line.get("step") != "switch":
                self._leg = dataclasses.replace(self._leg, side=Side(line["side"]))
                if self._lying is not None:
                    self._lying = dataclasses.replace(self._lying, side=Side(line["side"]))

    def rows(self, count: int) -> Rows:
        """Return acceleration, angular rate and orientation of the next samples, a row each."""
        parts: list[Rows] = []
        missing = count
        while missing:
            if not self._made:
                self._made.append(self._move())
            acc, gyr, q = self._made.pop()
            if len(acc) > missing:
                self._made.append((acc[missing:], gyr[missing:], q[missing:]))
            parts.append((acc[:missing], gyr[:missing], q[:missing]))
            missing -= len(parts[-1][0])
        acc, gyr, q = (np.concatenate(each) for each in zip(*parts, strict=True))
        return acc, gyr, q

    def _move(self) -> Rows:
        """Return the samples of the next movement."""
        self._seed += 1
        if (self._show.get("step") == "stand") is not (self._lying is not None):
            return self._up_or_down()
        return self._do(self._wanted())

    def _up_or_down(self) -> Rows:
        """Stand up, or get into position again."""
        now = self._leg
        then, self._lying = (self._upright(), now) if self._lying is None else (self._lying, None)
        knee, elevation = then.knee_rad - now.knee_rad, then.femur_elevation_rad - now.femur_elevation_rad
        lean = then.lean_rad - now.lean_rad
        rows = self._do((Shift(UP_S, angle_rad=lean, knee_rad=knee, elevation_rad=elevation),))
        self._leg = then
        return rows

    def _upright(self) -> Leg:
        return dataclasses.replace(
            self._leg, knee_rad=0.0, femur_elevation_rad=0.5 * np.pi, lean_rad=0.0, heel_planted=False
        )

    def _do(self, elements: tuple[Element, ...]) -> Rows:
        motion = simulate(self._leg, Script(elements), self._rate_hz, self._seed)
        # the last sample is the first of what follows
        return motion.acc_mps2[:-1], motion.gyr_radps[:-1], motion.q_earth_from_sensor[:-1]

    def _wanted(self) -> tuple[Element, ...]:
        out_s = 1.2 * float(self._rng.uniform(0.92, 1.08))
        way = Direction(self._show.get("direction") or "internal")
        rom_rad = (30.0 if way is Direction.INTERNAL else 35.0) * RAD_PER_DEG
        match self._show.get("step"):
            case "rotations" | "direction":
                turn = Repetition(Direction.INTERNAL, 20.0 * RAD_PER_DEG, 1.4, 0.2, 1.4, kind="calibration")
                return turn, Rest(0.8)
            case "reps":
                rom_rad += float(self._rng.uniform(-1.0, 3.0)) * RAD_PER_DEG
                return Repetition(way, rom_rad, out_s, 0.3, out_s), Rest(0.6)
            case "trial":
                return Rest(0.5), Repetition(way, rom_rad, 1.8, HELD_S, 1.8, kind="trial"), Rest(1.0)
            case "stretch":
                return Repetition(way, rom_rad, 2.5, STRETCHED_S, 2.5, kind="trial"), Rest(1.0)
            case "switch" if not self._switched:
                self._switched = True
                return (*HANDLED, Rest(1.0))
        return (Rest(0.2),)
