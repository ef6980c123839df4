"""A motion that is made as it goes: a person who hears the coach and does what it asks."""

from collections.abc import Mapping
from typing import Any

from hipturn.model import FloatArray
from hipturn.sources.body import Leg
from hipturn.sources.body.person import Person


class Obeying:
    """A person's motion for a sensor to play: rows are made when they are asked for, and once."""

    def __init__(self, leg: Leg, rate_hz: float, seed: int) -> None:
        self.rate_hz = rate_hz
        self._person = Person(leg, rate_hz, seed)
        self._made = 0

    def hear(self, line: Mapping[str, Any]) -> None:
        """Let the person hear a line of the coach."""
        self._person.hear(line)

    def rows(self, first: int, count: int, step: int = 1) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what the person does now; what nobody asked for meanwhile was done unseen.

        A sensor that begins its count anew finds the person where they are.
        """
        if first < self._made:
            self._made = first
        while self._made < first:
            # at most some seconds at a time: a long outage is a long way
            skipped = min(first - self._made, round(10 * self.rate_hz))
            self._person.rows(skipped)
            self._made += skipped
        acc, gyr, q = self._person.rows(count * step)
        self._made += count * step
        return acc[::step], gyr[::step], q[::step]
