"""What the pelvis does while the hip turns, by a second sensor on the sacrum: strapped on anyhow.

A pelvis that leans adds its lean to the shin's angle, or takes it away; which of the two its sensor cannot
tell, for that takes a common heading, and headings of two sensors drift apart. How far it leaned gravity
shows exactly. So the angle is left as it is, and each repetition tells how far the pelvis leaned during it
(docs/decisions/2026-11-26-pelvis-flagged.md).

The two sensors share a time base by `hosttime`: the pelvis is looked at where the repetition lies on this
computer's clock.
"""

import math
from collections import deque

import numpy as np

from hipturn.core.quaternion import up_in_sensor
from hipturn.model import FloatArray, IntArray, Orientation
from hipturn.units import NS_PER_MS, NS_PER_S

ROLE = "pelvis"
"""The stream of a sensor on the pelvis is called so."""

LATE_NS = 250 * NS_PER_MS
"""The last moments before a repetition is decided are left out: so late may the pelvis' packets be, five
connection intervals of 50 ms, without a trace in the figure. The leg is nearly back by then."""
HOLE_NS = 300 * NS_PER_MS
"""A longer stretch without samples can hide a lean: nothing is known then."""
KEEP_NS = 60 * NS_PER_S
"""Kept beyond the longest hold, for the way out and back."""


class Pelvis:
    """The pelvis' samples of late: push blocks with their place on this computer's clock, ask for a lean."""

    def __init__(self, longest_hold_s: float) -> None:
        self._keep_ns = round(longest_hold_s * NS_PER_S) + KEEP_NS
        self._blocks: deque[tuple[IntArray, FloatArray]] = deque()
        """Times and up in the sensor of the samples that can be trusted."""

    def push(self, block: Orientation) -> None:
        """Take samples; a block must not be empty."""
        if block.host_ns is None:
            return
        host_ns, up = block.host_ns, up_in_sensor(block.q_earth_from_sensor)
        if not block.trusted.all():
            host_ns, up = host_ns[block.trusted], up[block.trusted]
        if len(host_ns) == 0:
            return
        self._blocks.append((host_ns, up))
        oldest = int(host_ns[-1]) - self._keep_ns
        while int(self._blocks[0][0][-1]) < oldest:
            self._blocks.popleft()

    def lean(self, from_ns: int, to_ns: int) -> float:
        """Return how far the pelvis leaned to and fro between two times on this computer's clock, rad.

        NaN where it was not seen all the while.
        """
        inside = [block for block in self._blocks if block[0][-1] >= from_ns and block[0][0] <= to_ns]
        if not inside:
            return math.nan
        host_ns = np.concatenate([block[0] for block in inside])
        seen = (host_ns >= from_ns) & (host_ns <= to_ns)
        host_ns = host_ns[seen]
        if np.diff(host_ns, prepend=from_ns, append=to_ns).max() > HOLE_NS:
            return math.nan
        return lean(np.concatenate([block[1] for block in inside])[seen])


def lean(up_sensor: FloatArray) -> float:
    """Return the range of the lean in the direction it was largest in, rad, for up directions, shape (n, 3).

    Turning about a level axis moves up along a great circle of the sensor's sphere, whichever way the sensor
    is strapped on: the range along it is the range of the turn. About an axis elevated by ε it is less, by
    cos ε. What trembles across that direction does not count.
    """
    middle = up_sensor.mean(axis=0)
    middle /= math.sqrt(float(middle @ middle))
    across = up_sensor - (up_sensor @ middle)[:, None] * middle
    about_mean = across - across.mean(axis=0)
    direction = np.linalg.eigh(about_mean.T @ about_mean)[1][:, -1]
    along, ahead = up_sensor @ direction, up_sensor @ middle
    return float(np.ptp(np.arctan2(along, ahead)))
