"""From acceleration and angular rate to orientation, blocks in, blocks out.

VQF (Laidig & Seel 2023, Information Fusion 91:187) is the default; the filters of `ahrs` run
behind the same interface for platforms without VQF and for comparison. All run without a
magnetometer, all start from the tilt the accelerometer shows, and none decides by itself what it is:
`FusionParams.filter` says it.

Filters step at the nominal period. Samples that were lost are interpolated between their
neighbours and fed before the next one; beyond `max_gap_s` that would be invention, so the filter
starts anew and its output is not trusted until it has settled.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np

from hipturn.core import quaternion
from hipturn.errors import UsageError
from hipturn.model import BoolArray, FloatArray, IntArray, Samples, StreamInfo
from hipturn.units import NS_PER_S

FilterName = Literal["vqf", "madgwick", "mahony", "ekf", "complementary", "device", "vqf-offline"]
Named = TypeVar("Named", bound=str)
"""A filter's name, of this version or, in a recording, of another."""
FILTERS: tuple[FilterName, ...] = ("vqf", "madgwick", "mahony", "ekf", "complementary", "device")
"""Those that run sample by sample, live or not."""
ACAUSAL: tuple[FilterName, ...] = ("vqf-offline",)
"""Those that need the whole recording: `hipturn.offline_vqf`. Their use is said with every result."""

BIAS_SIGMA_RADPS = 1e-3
"""Uncertainty given to VQF with the mean of a still hold: about 0.06 °/s, what 5 s of averaging leaves
of consumer gyroscope noise and drift. Tighter would freeze the estimate."""


@dataclass(frozen=True, slots=True)
class FusionParams:
    """How orientation is found."""

    filter: FilterName = "vqf"
    max_gap_s: float = 0.3
    """Longest gap that interpolation bridges: ten 0.5 s gaps cost 2.7° RMS even bridged."""
    settle_s: float = 3.0
    """Time after a restart until the output is trusted: VQF's accelerometer time constant."""


class Stepper(Protocol):
    """A filter at a fixed rate."""

    def run(self, acc_mps2: FloatArray, gyr_radps: FloatArray) -> FloatArray:
        """Return q_earth_from_sensor, shape (n, 4), for samples of shape (n, 3)."""
        ...

    def bias(self) -> FloatArray:
        """Return the gyroscope bias in use, shape (3,)."""
        ...

    def set_bias(self, gyr_bias_radps: FloatArray) -> None:
        """Use this gyroscope bias, shape (3,), from the next sample on, and the tilt that is seen then.

        The heading stays. What the unknown bias has tilted meanwhile, half a degree at 1 °/s with VQF
        and 3° with Mahony, would take seconds to fade.
        """
        ...


class VqfStepper:
    """The C++ VQF, magnetometer-free.

    A bias that is known is subtracted here, and VQF estimates what is left of it: it would clip more
    than 2 °/s, which cheap gyroscopes have.
    """

    def __init__(self, rate_hz: float) -> None:
        from vqf import VQF

        self._vqf = VQF(1.0 / rate_hz)
        self._bias_radps: FloatArray | None = None
        self._bias_rows = np.zeros((0, 3))
        # the bias as often as a block has rows: arrays of one shape take a seventh of the time

    def run(self, acc_mps2: FloatArray, gyr_radps: FloatArray) -> FloatArray:
        """See `Stepper.run`."""
        # VQF takes nothing but contiguous float64
        acc = np.ascontiguousarray(acc_mps2, np.float64)
        if self._bias_radps is not None:
            if len(self._bias_rows) < len(acc):
                self._bias_rows = np.tile(self._bias_radps, (len(acc), 1))
            gyr_radps = gyr_radps - self._bias_rows[: len(acc)]
        out = self._vqf.updateBatch(np.ascontiguousarray(gyr_radps, np.float64), acc)
        q: FloatArray = out["quat6D"]
        return q

    def bias(self) -> FloatArray:
        """Return what was given and what VQF has found on top of it."""
        found = np.asarray(self._vqf.getBiasEstimate()[0], dtype=np.float64)
        return found if self._bias_radps is None else found + self._bias_radps

    def set_bias(self, gyr_bias_radps: FloatArray) -> None:
        """Hand over the mean of a still hold."""
        self._bias_radps = np.array(gyr_bias_radps, np.float64)
        self._bias_rows = self._bias_rows[:0]
        self._vqf.setBiasEstimate(np.zeros(3), BIAS_SIGMA_RADPS)
        state = self._vqf.state
        # Gravity was averaged in a frame that turned with the old bias, and what VQF remembers of the
        # rate has the bias in it still, from which it would learn it a second time: average anew.
        for name in ("accLpState", "restGyrLpState", "motionBiasEstRLpState", "motionBiasEstBiasLpState"):
            state[name] = np.full_like(state[name], np.nan)
        state["restDetected"], state["restT"] = False, 0.0
        self._vqf.state = state


Step = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]

LEVEL = (1.0, 0.0, 0.0, 0.0)
"""Said until an accelerometer that sends zeros at first has shown which way is up."""


class AhrsStepper:
    """A filter of the `ahrs` package, sample by sample, with its traps closed.

    It starts from the accelerometer's tilt (an identity start converges for tens of seconds), never
    sees a rate of exactly zero (on which Madgwick and Mahony skip the gravity correction), and
    gets its bias subtracted here, because only Mahony knows one.
    """

    def __init__(self, name: FilterName, rate_hz: float) -> None:
        self._name, self._rate_hz = name, rate_hz
        self._step: Step | None = None
        self._q: FloatArray | None = None
        self._bias_radps = np.zeros(3)

    def run(self, acc_mps2: FloatArray, gyr_radps: FloatArray) -> FloatArray:
        """See `Stepper.run`."""
        out = np.empty((len(acc_mps2), 4))
        force = np.asarray(acc_mps2, np.float64)
        rate = gyr_radps - self._bias_radps + 1e-12
        for i in range(len(out)):
            acc = force[i]
            if acc.any():
                if self._q is None or self._step is None:
                    self._q = self._begin(acc)
                else:
                    self._q = self._step(self._q, rate[i], acc)
            out[i] = LEVEL if self._q is None else self._q
        return out

    def bias(self) -> FloatArray:
        """Return what is subtracted."""
        return self._bias_radps

    def set_bias(self, gyr_bias_radps: FloatArray) -> None:
        """Subtract this from every rate from now on."""
        self._bias_radps = np.array(gyr_bias_radps, dtype=np.float64)
        self._step = None

    def _begin(self, acc_mps2: FloatArray) -> FloatArray:
        """Return the tilt the accelerometer shows, with the heading there was, and start the filter there."""
        self._step = _ahrs_step(self._name, self._rate_hz)
        q = tilt(acc_mps2)
        if self._q is None:
            return q
        turn = quaternion.multiply(self._q, quaternion.conjugate(q))
        length = math.hypot(turn[0], turn[3])
        if length < 1e-6:
            # upside down from one moment to the next: there is no heading to keep
            return q
        return quaternion.multiply(np.array([turn[0] / length, 0.0, 0.0, turn[3] / length]), q)


def tilt(acc_mps2: FloatArray) -> FloatArray:
    """Return q_earth_from_sensor, shape (4,), of a resting accelerometer; heading 0."""
    from ahrs.common.orientation import acc2q

    q: FloatArray = np.asarray(acc2q(np.array(acc_mps2, dtype=np.float64)), dtype=np.float64)
    return q


def _ahrs_step(name: FilterName, rate_hz: float) -> Step:
    from ahrs import filters

    dt = 1.0 / rate_hz
    if name == "madgwick":
        madgwick = filters.Madgwick(frequency=rate_hz, gain_imu=0.033)
        return lambda q, gyr, acc: np.asarray(madgwick.updateIMU(q, gyr, acc, dt=dt))
    if name == "mahony":
        # 0.3 and 0.003 instead of ahrs' 1 and 0.3: a third of the error on BROAD
        mahony = filters.Mahony(frequency=rate_hz, k_P=0.3, k_I=0.003)
        return lambda q, gyr, acc: np.asarray(mahony.updateIMU(q, gyr, acc, dt=dt))
    if name == "ekf":
        # frame 'ENU' turns a flat sensor over; 'NED' with +g up gives z up
        ekf = filters.EKF(frequency=rate_hz, frame="NED")
        return lambda q, gyr, acc: np.asarray(ekf.update(q, gyr, acc, dt=dt))
    return _complementary(filters.Complementary(frequency=rate_hz, gain=0.98), dt)


def _complementary(ahrs_filter: object, dt: float) -> Step:
    """Return roll and pitch blended as `ahrs.Complementary` does, one sample at a time.

    Its Euler angles are only good near level, so the sensor is first turned level by its starting tilt.
    """
    from ahrs import Quaternion

    level: FloatArray | None = None
    angles = np.zeros(3)
    gain = 0.98
    am_estimation = ahrs_filter.am_estimation  # type: ignore[attr-defined]

    def around(angle: FloatArray) -> FloatArray:
        return np.remainder(angle + math.pi, 2.0 * math.pi) - math.pi

    def step(q: FloatArray, gyr: FloatArray, acc: FloatArray) -> FloatArray:
        nonlocal level, angles
        if level is None:
            level = q
        gyr_level = quaternion.rotate(level, gyr)
        ahead = angles + gyr_level * dt
        apart = am_estimation(quaternion.rotate(level, acc)) - ahead
        apart[2] = 0.0  # gravity knows nothing of the heading
        # the shorter way round: on both sides of half a turn the angles are a whole turn apart
        angles = around(ahead + (1.0 - gain) * around(apart))
        return quaternion.multiply(np.asarray(Quaternion(rpy=angles)), level)

    return step


def ran(chosen: Named, info: StreamInfo) -> Named | Literal["device"]:
    """Return the filter that really runs for a stream: one without acceleration and rate needs none."""
    return chosen if info.has_imu else "device"


class Fusion:
    """The orientation filter of one link: push blocks of samples."""

    def __init__(self, info: StreamInfo, params: FusionParams, trusted_from_ns: int = 0) -> None:
        self._params = params
        self._rate_hz = info.rate_hz
        self._name = ran(params.filter, info)
        self._device = self._name == "device"
        if self._name in ACAUSAL:
            raise UsageError(
                f"fusion.filter {self._name} needs the whole recording: use it with 'hipturn replay', "
                "and vqf elsewhere"
            )
        if self._device and not info.has_quaternion:
            raise UsageError(
                "fusion.filter device needs a sensor that sends its orientation, which this one does not: "
                "choose vqf"
            )
        self._stepper = None if self._device else self._new_stepper()
        self._max_lost = round(params.max_gap_s * info.rate_hz)
        self._settle_ns = round(params.settle_s * NS_PER_S)
        self._last_acc = self._last_gyr = np.zeros(3)
        self._fed = False
        self._trusted_from_ns = trusted_from_ns

    @property
    def name(self) -> FilterName:
        """The filter that runs."""
        return self._name

    def bias(self) -> FloatArray:
        """Return the gyroscope bias in use, rad/s, shape (3,)."""
        return np.zeros(3) if self._stepper is None else self._stepper.bias()

    def set_bias(self, gyr_bias_radps: FloatArray) -> None:
        """Use the mean rate of a still hold from here on; see `Stepper.set_bias`."""
        if self._stepper is not None:
            self._stepper.set_bias(gyr_bias_radps)

    def push(self, samples: Samples) -> tuple[FloatArray, BoolArray]:
        """Return q_earth_from_sensor, shape (n, 4), and whether each row is trusted, shape (n,)."""
        if self._stepper is None:
            if samples.q_earth_from_sensor is None:
                raise ValueError("a stream without IMU needs a quaternion")
            q = np.asarray(samples.q_earth_from_sensor, np.float64)
            norm = np.sqrt((q * q).sum(axis=1, keepdims=True))
            return q / norm, np.ones(len(q), dtype=np.bool_)
        if samples.acc_mps2 is None or samples.gyr_radps is None:
            raise ValueError("a stream with IMU needs acceleration and rate")
        acc, gyr, t_ns = samples.acc_mps2, samples.gyr_radps, samples.t_ns
        n = len(acc)
        lossy = bool(samples.lost_before.any())
        breaks = np.flatnonzero(samples.lost_before > self._max_lost).tolist() if lossy else []
        if not breaks:
            q = self._run(self._stepper, acc, gyr, samples.lost_before, lossy)
            return q, t_ns >= self._trusted_from_ns
        q = np.empty((n, 4))
        trusted = np.ones(n, dtype=np.bool_)
        start = 0
        for stop in (*breaks, n):
            if stop > start:
                piece = slice(start, stop)
                q[piece] = self._run(self._stepper, acc[piece], gyr[piece], samples.lost_before[piece], lossy)
                trusted[start:stop] = t_ns[start:stop] >= self._trusted_from_ns
            if stop < n:
                known = self._stepper.bias()
                self._stepper = self._new_stepper()
                self._stepper.set_bias(known)
                self._trusted_from_ns = int(t_ns[stop]) + self._settle_ns
            start = stop
        return q, trusted

    def _new_stepper(self) -> Stepper:
        if self._params.filter == "vqf":
            return VqfStepper(self._rate_hz)
        return AhrsStepper(self._params.filter, self._rate_hz)

    def _run(
        self, stepper: Stepper, acc: FloatArray, gyr: FloatArray, lost_before: IntArray, lossy: bool
    ) -> FloatArray:
        """Run the filter over samples of which the bridgeable lost ones are interpolated."""
        holes: list[int] = []
        if lossy:
            bridgeable = (lost_before > 0) & (lost_before <= self._max_lost)
            # a new link's filter has nothing to bridge from
            bridgeable[0] &= self._fed
            holes = np.flatnonzero(bridgeable).tolist()
        self._fed = True
        if not holes:
            q = stepper.run(acc, gyr)
        else:
            full_acc: list[FloatArray] = []
            full_gyr: list[FloatArray] = []
            real: list[BoolArray] = []
            start = 0
            for i in holes:
                lost = int(lost_before[i])
                acc0, gyr0 = (acc[i - 1], gyr[i - 1]) if i else (self._last_acc, self._last_gyr)
                share = (np.arange(1, lost + 1) / (lost + 1))[:, None]
                full_acc += [acc[start:i], acc0 + share * (acc[i] - acc0)]
                full_gyr += [gyr[start:i], gyr0 + share * (gyr[i] - gyr0)]
                real += [np.ones(i - start, np.bool_), np.zeros(lost, np.bool_)]
                start = i
            q = stepper.run(
                np.concatenate([*full_acc, acc[start:]]), np.concatenate([*full_gyr, gyr[start:]])
            )
            q = q[np.concatenate([*real, np.ones(len(acc) - start, np.bool_)])]
        self._last_acc, self._last_gyr = acc[-1], gyr[-1]
        return q
