"""The records that cross rooms. Nothing computes here.

Conventions, said once:

- Angles are radians, rates radians per second, accelerations metres per second squared.
- Quaternions are unit, Hamilton, ``[w, x, y, z]``, named ``q_<to>_from_<from>``.
- An accelerometer at rest reads +g on the axis that points up (specific force).
- Internal rotation (IR) is positive and external rotation (ER) negative for both legs
  (ISB: Wu et al. 2002, J Biomech 35:543-548).
- ``HostNs`` is this computer's monotonic clock, ``StreamNs`` time since the stream's first sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NewType

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ByteArray = NDArray[np.uint8]

HostNs = NewType("HostNs", int)
"""Nanoseconds of the host's monotonic clock."""
StreamNs = NewType("StreamNs", int)
"""Nanoseconds since the first sample of a stream."""

Vector = tuple[float, float, float]


class Side(StrEnum):
    """The leg a sensor is strapped to."""

    LEFT = "left"
    RIGHT = "right"


class Direction(StrEnum):
    """Hip rotation direction: internal is positive."""

    INTERNAL = "internal"
    EXTERNAL = "external"


class Verdict(StrEnum):
    """What a repetition is worth: only controlled ones count towards a target."""

    CONTROLLED = "controlled"
    UNCONTROLLED = "uncontrolled"
    VOID = "void"


Zero = Literal["gravity", "pose"]
GapCause = Literal["link", "loss", "overrun", "device"]


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What the handshake with a sensor agreed: all a decoder and the core need to know of it."""

    driver: str
    """Name of the driver whose decoder reads this stream's packets."""
    rate_hz: float
    """Nominal sample rate."""
    has_imu: bool = True
    """Packets carry acceleration and angular rate."""
    has_quaternion: bool = False
    """Packets carry the device's own orientation, ``q_earth_from_sensor``."""
    tick_hz: float = 1e6
    """Device clock ticks per second; 0 for a device without a clock, whose samples are counted."""
    tick_bits: int = 32
    """Width of the device clock: it wraps at ``2**tick_bits``; 0 for one that never wraps."""
    outward_normal_sensor: Vector | None = None
    """The case axis that points away from the leg when the sensor is strapped on the front of the shin."""
    name: str = ""
    serial: str = ""
    firmware: str = ""


# --- what enters the pipeline, and is recorded at the door --------------------------------------


@dataclass(frozen=True, slots=True)
class SessionStart:
    """The first input of every session: what it is about and with what settings."""

    program: str
    """Name and version of the program that recorded it."""
    wall_time: str
    """ISO 8601 local time with offset: names files, takes no part in computing."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The effective settings, in the units of the configuration file."""
    drill: str | None = None
    position: str | None = None
    note: str = ""
    person: str = ""
    """Whose hip it is, by the name or code they chose; empty where nobody said."""
    movement: str = ""
    """"passive" where somebody else turns the leg; the person's own movement where nothing is said."""


@dataclass(frozen=True, slots=True)
class LinkUp:
    """A link to a sensor exists: a new chain of decoder, clock and filter begins."""

    stream: str
    at_ns: HostNs
    info: StreamInfo


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link ended; `reason` is ``"stopped"`` when it was meant to."""

    stream: str
    at_ns: HostNs
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """Notifications of one size, as received: one when live, many when read from a file."""

    stream: str
    at_ns: IntArray
    """Arrival times on the host's monotonic clock, shape (n,)."""
    data: ByteArray
    """Raw bytes, shape (n, size)."""


@dataclass(frozen=True, slots=True)
class Overrun:
    """The queue between radio and pipeline was full and `lost` packets were dropped."""

    stream: str
    at_ns: HostNs
    lost: int


class MarkKind(StrEnum):
    """What a person or the coach can say to the pipeline."""

    SIDE = "side"
    """value: ``{"side": "left"|"right"}``"""
    BIAS = "bias"
    """value: ``{"gyr_bias_radps": [x, y, z]}``, the mean of a still hold, given to the filter"""
    CALIBRATION = "calibration"
    """value: `Calibration` as written by `core.calibration.to_dict`"""
    COUNT = "count"
    """value: ``{"on": bool}``: repetitions are counted only while on"""
    REFERENCE = "reference"
    """value: ``{"last": n}``: the last n repetitions were done well, judge by them; 0 to forget them; or
    ``{"reps": [numbers]}``: those of the running set were"""
    UNDO = "undo"
    """value: ``{}``: the last repetition that still counts was none"""
    REDO = "redo"
    """value: ``{}``: the last one taken back was one after all"""
    RESTART = "restart"
    """value: ``{}``: begin this set anew, its repetitions do not count"""
    LISTEN = "listen"
    """value: ``{"on": bool}``: taps on the sensor are commands only while on"""
    NOTE = "note"
    """value: ``{"text": str}``"""
    PAUSE = "pause"
    """value: ``{}``: the person pauses"""
    RESUME = "resume"
    """value: ``{}``: and goes on"""
    SKIP = "skip"
    """value: ``{}``: on to the next step"""
    ANSWER = "answer"
    """value: ``{"question": str, "value": int|bool|str}``"""
    TARE = "tare"
    """value: ``{}``: hold still for a new zero"""
    METRONOME = "metronome"
    """value: ``{"bpm": int}``: 0 for off"""
    STOP = "stop"
    """value: ``{}``: the person ends the session; what was done until then is its result"""
    BATTERY = "battery"
    """value: ``{"percent": int}``: the sensor's charge has become low"""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something said at this place of the stream that changes what follows."""

    stream: str
    at_ns: HostNs
    kind: MarkKind
    value: Mapping[str, Any]


Input = SessionStart | LinkUp | LinkDown | Packets | Overrun | Mark


# --- inside the core ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class RawSamples:
    """What a decoder reads out of packets: device ticks, not yet time; SI units."""

    tick: IntArray
    """Device clock of each sample as sent, shape (n,), not unwrapped."""
    at_ns: IntArray
    """Host arrival of the packet each sample came in, shape (n,)."""
    acc_mps2: FloatArray | None
    """Specific force in sensor axes, shape (n, 3)."""
    gyr_radps: FloatArray | None
    """Angular rate in sensor axes, shape (n, 3)."""
    q_earth_from_sensor: FloatArray | None
    """The device's own orientation, shape (n, 4)."""
    bad_before: tuple[int, ...] = ()
    """Of each packet that could not be read, the index of the sample that came next; in order."""
    pressed_before: tuple[int, ...] = ()
    """The same of each press of the sensor's button."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """`RawSamples` on the stream's time base, duplicates removed, with losses known."""

    t_ns: IntArray
    """Stream time, strictly increasing, shape (n,)."""
    lost_before: IntArray
    """Samples known to be missing just before each sample, shape (n,)."""
    acc_mps2: FloatArray | None
    gyr_radps: FloatArray | None
    q_earth_from_sensor: FloatArray | None


# --- what leaves the pipeline -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Orientation:
    """Where the sensor points, a row a sample."""

    stream: str
    t_ns: IntArray
    q_earth_from_sensor: FloatArray
    """Shape (n, 4)."""
    gyr_radps: FloatArray | None
    """Angular rate as measured, in sensor axes, shape (n, 3)."""
    lost_before: IntArray
    trusted: BoolArray
    """False while the filter settles after a start or a long gap."""
    host_ns: IntArray | None = None
    """When each sample was taken on this computer's clock, where several sensors share it; shape (n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class HipAngle:
    """The rotation angle, a row a sample; positive internal."""

    stream: str
    t_ns: IntArray
    angle_rad: FloatArray
    rate_radps: FloatArray
    off_axis_rad: FloatArray
    """Change of the femur axis' elevation since the zero: knee or thigh moving."""
    twist_rad: FloatArray
    """The same angle by the twist about the axis: drifts with heading where the angle does not."""
    lost_before: IntArray
    trusted: BoolArray


@dataclass(frozen=True, slots=True)
class Rep:
    """One repetition: neutral, out, (hold), back. Times are stream time."""

    stream: str
    n: int
    side: Side | None
    direction: Direction
    start_ns: StreamNs
    peak_ns: StreamNs
    end_ns: StreamNs
    rom_rad: float
    """Range from the neutral it started in to the peak, never negative."""
    peak_rad: float
    """Angle at the peak, signed."""
    out_s: float
    hold_s: float
    return_s: float
    peak_speed_radps: float
    sparc: float
    off_axis_rad: float
    lost_share: float
    verdict: Verdict
    reasons: tuple[str, ...]
    heading_dependent: bool = False
    """Measured by the twist, which drifts: not a plain number; see `Calibrated`."""
    phi_rad: float | None = None
    """With the heel planted: the femur's own rotation in it, estimated (`core.floor`), never negative."""
    phi_sd_rad: float | None = None
    compensation_rad: float | None = None
    """How far the pelvis leaned meanwhile; NaN where its sensor could not tell, None without a sensor."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A repetition has reached its peak: provisional, the count comes with the return."""

    stream: str
    direction: Direction
    peak_ns: StreamNs
    rom_rad: float
    peak_rad: float


@dataclass(frozen=True, slots=True)
class Hold:
    """A stretch of keeping still away from neutral."""

    stream: str
    start_ns: StreamNs
    end_ns: StreamNs
    mean_rad: float
    sd_rad: float
    creep_rad: float = 0.0
    """Range gained while holding, by the trend; negative when it was lost."""
    wobble_rad: float = 0.0
    """Spread without the trend: how unsteady the hold was."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What was announced has been changed by a mark: repetitions taken back or brought back."""

    stream: str
    t_ns: StreamNs
    kind: Literal["undo", "redo", "restart"]
    reps: tuple[int, ...]
    """Numbers of the repetitions, none if there was nothing to change."""


@dataclass(frozen=True, slots=True)
class SetDone:
    """A rest has ended a set of repetitions."""

    stream: str
    n: int
    first: int
    last: int
    """Numbers of its first and last repetition."""
    start_ns: StreamNs
    end_ns: StreamNs
    reps: int
    controlled: int
    warm_up: float | None
    """Change of range from the first third to the middle third, as a share; None for fewer than six."""
    range_change: float | None
    """Change of range from the middle third to the last, as a share: fatigue when negative."""
    speed_change: float | None
    """The same of the peak speed."""
    sparc_change: float | None
    """The same of the smoothness, as a difference."""


@dataclass(frozen=True, slots=True)
class Slip:
    """At rest gravity points elsewhere in the sensor than at the zero: the strap has moved, or the pose."""

    stream: str
    t_ns: StreamNs
    tilt_rad: float
    """Angle between gravity then and now."""
    up_sensor: Vector
    """The up direction now, by which the calibration can be carried over."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The twist has drifted from the gravity-referenced angle: the heading turns."""

    stream: str
    t_ns: StreamNs
    drift_rad: float
    """Twist minus gravity angle, since the zero."""


@dataclass(frozen=True, slots=True)
class Tapped:
    """Somebody tapped the sensor, so many times in a row, or pressed its button."""

    stream: str
    t_ns: StreamNs
    count: int
    button: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that never came, between two that did."""

    stream: str
    start_ns: StreamNs
    end_ns: StreamNs
    lost: int
    cause: GapCause


@dataclass(frozen=True, slots=True)
class BadPackets:
    """Packets the decoder could not read, counted."""

    stream: str
    t_ns: StreamNs
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Anatomical axes in a sensor strapped on anyhow; version 1.

    `up0_sensor` is the up direction and `q0_earth_from_sensor` the orientation at the zero.
    """

    axis_sensor: Vector
    """The femur's long axis in sensor coordinates, unit, pointing proximally (knee to hip)."""
    up0_sensor: Vector
    q0_earth_from_sensor: tuple[float, float, float, float]
    gyr_bias_radps: Vector
    zero: Zero
    source: Literal["session", "file", "auto"]
    axis_share: float
    """Share of the rotation that was about the axis, 0 to 1."""
    axis_spread_rad: float
    """Largest angle between the axes of single repetitions and the common one."""
    sign: Literal["normal", "movement", "assumed"]
    """Where the direction of the axis came from."""
    window_s: tuple[float, float]
    """Stream time it was taken from."""
    grade: Literal["good", "fair", "poor"]
    version: int = 1
    shank_axis_sensor: Vector | None = None
    """The shin's long axis in sensor coordinates, unit, pointing proximally: up in quiet standing."""
    pose_rad: float = 0.0
    """Where the pose that was held is, as a rotation about the axis from the zero: 0 for a pose zero."""


FloorKnownFrom = Literal["shank-axis", "knee", "mounting"]


@dataclass(frozen=True, slots=True)
class Floor:
    """The leg as a triangle on the floor, heel planted: how the measured turn becomes the femur's."""

    gamma_rad: float
    """Between the femur and the line from heel to hip."""
    gamma_sd_rad: float
    ratio: float
    """Knee to heel over hip to knee."""
    known_from: FloorKnownFrom
    """What told how the shank lies to that line."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """From here on the angle is measured by this calibration."""

    stream: str
    t_ns: StreamNs
    calibration: Calibration
    observability: float
    """Cosine of the axis' elevation: 1 for a level femur, 0 for a vertical one."""
    axis_elevation_rad: float
    heading_dependent: bool = False
    """Gravity shows too little: the angle is the twist, drifts with heading and is not to be compared."""
    drift_radps: float = 0.0
    """How fast heading drift may move the angle: none where gravity gives it."""
    floor: Floor | None = None
    """With the heel planted: what the femur's own rotation is estimated by."""


Event = Rep | Hold | Corrected | SetDone | Slip | Drift | Tapped | Gap | BadPackets | Calibrated
"""What is told as a line of its own."""

Output = Orientation | HipAngle | Turn | Event
