"""Repetitions, found online on the angle.

One repetition is neutral → out → (hold) → back. The machine below has the meaning of one that
looks at every sample; it is fast because in each state it waits for one of a few conditions, and
numpy finds the first sample that meets any of them.

::

    REST ──leaves neutral──► OUT ──turns──► BACK ──home, or home enough and stops──► REST
     ▲                        ▲  ◄──beyond the peak again──┘ │
     │                        └──goes out again after most of the way back
     └──stops── SWING ◄──crosses home without stopping────────┘

Nothing here is a fixed range: what is large enough to be a repetition follows the person's own
repetitions (`Params.share_of_usual`), the neutral follows the resting pose, and a movement that
goes nowhere for `max_hold_s` is a new pose, not a repetition.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from statistics import median

import numpy as np

from hipturn.model import BoolArray, FloatArray, HipAngle, IntArray
from hipturn.units import NS_PER_S, RAD_PER_DEG


@dataclass(frozen=True, slots=True)
class DetectParams:
    """What makes a movement a repetition."""

    min_rom_rad: float = 4.0 * RAD_PER_DEG
    """Smallest range: below it posture sway and soft tissue look the same."""
    share_of_usual: float = 0.25
    """Smallest range as a share of the median of the last repetitions: a fidget between them is smaller,
    a tired or careful repetition is not."""
    turn_share: float = 0.15
    """Share of the range by which a movement must come back for its turn to be believed."""
    back_share: float = 0.5
    """Share of the range that must be undone for a repetition to be over without reaching home."""
    stop_s: float = 0.15
    """A stop is that long without getting anywhere."""
    max_hold_s: float = 15.0
    """Time after which an unfinished excursion is a new resting pose."""
    memory: int = 7
    """How many last repetitions make up what is usual."""


class State(Enum):
    """Where in a repetition the leg is."""

    REST = "rest"
    OUT = "out"
    BACK = "back"
    SWING = "swing"


@dataclass(frozen=True, slots=True, eq=False)
class Excursion:
    """A finished movement out and back, with the samples it was made of."""

    sign: int
    """+1 out was internal, −1 external."""
    start_rad: float
    """The angle it started from."""
    home_rad: float
    """The neutral it belonged to."""
    turned: bool
    """It ended by going out again or by a stop short of home, not by reaching home."""
    t_ns: IntArray
    angle_rad: FloatArray
    rate_radps: FloatArray
    off_axis_rad: FloatArray
    lost: int
    """Samples that were lost within it."""
    trusted: bool
    """No sample of it came while the filter was settling after a long gap."""


@dataclass(frozen=True, slots=True)
class Turned:
    """An excursion has turned; provisional."""

    sign: int
    t_ns: int
    rom_rad: float
    peak_rad: float


SLOW_PER_S = 0.15
"""A stop is slower than this share of the excursion's range per second, within the bounds below."""
SLOW_RADPS = (1.5 * RAD_PER_DEG, 10.0 * RAD_PER_DEG)
"""Bounds of what counts as stopped: above gyro noise, below any deliberate movement."""
HOME_SHARE = 0.35
"""How near home, as a share of the range, a stop must be to be a return."""
WINDUP_RATIO = 2.0
"""A first movement followed straight through neutral by one this much larger was its wind-up."""
DOUBTFUL_SHARE = 0.5
"""A repetition below this share of the usual one is only believed once it did not turn into a wind-up."""
DOUBTFUL_PATIENCE = 0.5
"""Share of `max_hold_s` such a small one may last: shallow and long is a shift of pose."""
CREEP = 0.5
"""How far neutral follows the place where a return turned without stopping."""
MIN_TURN_RAD = 1.5 * RAD_PER_DEG
"""A turn smaller than this is tremor or noise."""
KEEP_S = 2.0
"""How much of a rest is kept to find where the next movement began."""
FORGET_HOLDS = 4
"""A movement that has not ended after so many times `max_hold_s` is given up even if it never stops."""
COLUMNS, GOT = 6, 5
"""Kept of each sample: angle, rate, off-axis, samples lost before it, not trusted, and how far it got."""
FIRST_WINDOW = 256
"""Samples looked at first; a change of state is rarely further away."""


class Detector:
    """Finds excursions: push blocks of angle, get what has been decided by their end."""

    def __init__(self, params: DetectParams, rate_hz: float) -> None:
        self._p = params
        self._lag = max(2, round(params.stop_s * rate_hz))
        self._keep = round(KEEP_S * rate_hz)
        self._max_hold_ns = round(params.max_hold_s * NS_PER_S)
        self._usual: deque[float] = deque(maxlen=params.memory)
        self._t: IntArray
        self._columns: FloatArray
        self._at: int
        self._clear()

    @property
    def usual_rad(self) -> float | None:
        """The median range of the last repetitions, None before the first."""
        return median(self._usual) if self._usual else None

    @property
    def threshold_rad(self) -> float:
        """The smallest range that is a repetition now."""
        return max(self._p.min_rom_rad, self._p.share_of_usual * (self.usual_rad or 0.0))

    def forget(self) -> None:
        """Drop the movement in progress and what is usual: another leg or calibration follows."""
        self._usual.clear()
        self._clear()

    def push(self, block: HipAngle) -> list[Excursion | Turned]:
        """Return the turns and excursions decided within this block."""
        if not len(self._t):
            self._home = float(block.angle_rad[0])
        self._t = np.concatenate((self._t, block.t_ns))
        before = self._columns.shape[1]
        columns = np.empty((COLUMNS, len(self._t)))
        columns[:, :before] = self._columns
        columns[0, before:] = block.angle_rad
        columns[1, before:] = block.rate_radps
        columns[2, before:] = block.off_axis_rad
        columns[3, before:] = block.lost_before
        columns[4, before:] = ~block.trusted
        self._columns = columns
        columns[GOT, before:] = self._got(before)
        out: list[Excursion | Turned] = []
        while self._at < len(self._t):
            self._advance(out)
        self._trim()
        return out

    def finish(self) -> list[Excursion]:
        """Return the excursion that the end of the stream cut short, if most of the way back was done."""
        done: list[Excursion] = []
        if self._state is State.BACK:
            swing = self._range()
            if self._sign * (self._peak - self._extreme) >= self._p.back_share * swing:
                done.append(self._excursion(len(self._t) - 1, turned=True))
        elif self._state is State.SWING and self._pending is not None:
            done.append(self._excursion(self._pending, turned=False))
        self._clear()
        return done

    # --- the samples since the last rest --------------------------------------------------------

    def _clear(self) -> None:
        self._state = State.REST
        self._sign = 1
        self._home = self._start = self._peak = self._extreme = 0.0
        self._anchor = self._at = 0
        self._pending: int | None = None
        self._told = False
        self._t = np.empty(0, np.int64)
        self._columns = np.empty((COLUMNS, 0))

    def _trim(self) -> None:
        """Forget what no later decision can look at."""
        first = self._at - self._lag
        oldest = max(self._anchor, self._at - self._keep) if self._state is State.REST else self._anchor
        cut = max(0, min(first, oldest - self._lag))
        self._t, self._columns = self._t[cut:], self._columns[:, cut:]
        self._at -= cut
        self._anchor = max(self._anchor - cut, 0)
        if self._pending is not None:
            self._pending -= cut

    def _range(self) -> float:
        """Return the range of the movement in progress, rad."""
        return self._sign * (self._peak - self._start)

    def _got(self, first: int) -> FloatArray:
        """Return how far the angle got within the last `stop_s`, rad, for samples from `first` on.

        Infinite where it is not known. The way to the middle of that time counts too, or a symmetrical
        turn would look like a stop.
        """
        angle = self._columns[0]
        got = np.full(angle.size - first, np.inf)
        known = max(first, self._lag)
        if known >= angle.size:
            return got
        now = angle[known:]
        whole = np.abs(now - angle[known - self._lag : angle.size - self._lag])
        half = np.abs(now - angle[known - self._lag // 2 : angle.size - self._lag // 2])
        np.maximum(whole, half, out=got[known - first :])
        return got

    def _stopped(self, stop: int, slow_radps: float) -> BoolArray:
        """Return, for samples from the current one on, whether the angle got nowhere in the last `stop_s`."""
        return np.asarray(self._columns[GOT, self._at : stop] < slow_radps * self._p.stop_s)

    def _slow_radps(self) -> float:
        return min(max(SLOW_PER_S * self._range(), SLOW_RADPS[0]), SLOW_RADPS[1])

    def _overdue(self, stop: int, swing: FloatArray | float) -> BoolArray:
        """Return whether the movement in progress, of range `swing`, has gone nowhere for too long."""
        age = self._t[self._at : stop] - self._t[self._anchor]
        patience = self._max_hold_ns * DOUBTFUL_PATIENCE
        if int(age[-1]) <= patience:
            return np.zeros(len(age), np.bool_)
        doubtful = np.asarray(swing) < DOUBTFUL_SHARE * (self.usual_rad or 0.0)
        late = age > np.where(doubtful, patience, self._max_hold_ns)
        stopped = self._stopped(stop, SLOW_RADPS[0])
        return np.asarray((late & stopped) | (age > FORGET_HOLDS * self._max_hold_ns))

    # --- the machine ----------------------------------------------------------------------------

    def _advance(self, out: list[Excursion | Turned]) -> None:
        """Go on to the next change of state, or through all the samples there are."""
        look = {
            State.REST: self._rest,
            State.OUT: self._out,
            State.BACK: self._coming_back,
            State.SWING: self._swing,
        }[self._state]
        window = FIRST_WINDOW
        while True:
            stop = min(self._at + window, len(self._t))
            if look(stop, out, stop == len(self._t)):
                return
            if stop == len(self._t):
                self._at = stop
                return
            window *= 4

    def _rest(self, stop: int, out: list[Excursion | Turned], last: bool) -> bool:
        """Wait for a departure from neutral, which is wherever the leg last stopped."""
        angle = self._columns[0, self._at : stop]
        stopped = self._stopped(stop, SLOW_RADPS[0])
        where = np.maximum.accumulate(np.where(stopped, np.arange(len(angle)), -1))
        home = np.where(where >= 0, angle[where], self._home)
        leaves = np.abs(angle - home) > self.threshold_rad
        found, _ = _first(leaves)
        if found < 0 and not last:
            return False
        i = found if found >= 0 else len(angle) - 1
        self._home = float(home[i])
        if where[i] >= 0:
            self._anchor = self._at + int(where[i])
        if found >= 0:
            now = self._at + i
            self._anchor = max(self._anchor, now - self._keep)
            self._sign = 1 if angle[i] > home[i] else -1
            self._depart(now, self._home, self._anchor)
        return found >= 0

    def _out(self, stop: int, out: list[Excursion | Turned], last: bool) -> bool:
        """Follow the movement out until it turns or becomes a new pose."""
        x = self._sign * self._columns[0, self._at : stop]
        peak = np.maximum.accumulate(np.concatenate(([self._sign * self._peak], x)))[1:]
        swing = peak - self._sign * self._start
        turn = np.maximum(MIN_TURN_RAD, self._p.turn_share * swing)
        found, which = _first(peak - x > turn, self._overdue(stop, swing))
        i = found if found >= 0 else len(x) - 1
        if found >= 0 or last:
            self._peak = self._sign * float(peak[i])
        if found < 0:
            return False
        now = self._at + i
        if which == 1:
            self._settle(now)
            return True
        self._state, self._extreme, self._at = State.BACK, float(self._columns[0, now]), now + 1
        if not self._told:
            self._told = True
            k = self._anchor + int((self._sign * self._columns[0, self._anchor : now + 1]).argmax())
            out.append(Turned(self._sign, int(self._t[k]), self._range(), self._peak))
        return True

    def _coming_back(self, stop: int, out: list[Excursion | Turned], last: bool) -> bool:
        """Follow the movement back until it is home, stops, or goes out again."""
        s, swing = self._sign, self._range()
        x = s * self._columns[0, self._at : stop]
        back = np.minimum.accumulate(np.concatenate(([s * self._extreme], x)))[1:]
        home, peak = s * self._home, s * self._peak
        enough = peak - back >= self._p.back_share * swing
        found, which = _first(
            x <= home,
            enough & (x - home <= HOME_SHARE * swing) & self._stopped(stop, self._slow_radps()),
            enough & (x - back > max(self.threshold_rad, self._p.turn_share * swing)),
            x > peak,
            self._overdue(stop, swing),
        )
        i = found if found >= 0 else len(x) - 1
        if found >= 0 or last:
            self._extreme = s * float(back[i])
        if found < 0:
            return False
        now = self._at + i
        if which == 0:
            # Nothing to compare it with, or far below what is usual: it may be the wind-up of the real one.
            usual = self.usual_rad
            if usual is None or swing < DOUBTFUL_SHARE * usual:
                self._pending = now
            else:
                out.append(self._excursion(now, turned=False))
            self._state, self._extreme, self._at = State.SWING, float(self._columns[0, now]), now + 1
        elif which == 1:
            out.append(self._excursion(now, turned=False))
            self._settle(now)
        elif which == 2:
            lowest = self._lowest(now)
            out.append(self._excursion(lowest, turned=True))
            self._home += CREEP * (self._extreme - self._home)
            self._depart(now, self._extreme, lowest)
        elif which == 3:
            self._peak, self._state, self._at = float(self._columns[0, now]), State.OUT, now + 1
        else:
            self._settle(now)
        return True

    def _swing(self, stop: int, out: list[Excursion | Turned], last: bool) -> bool:
        """Follow a return that went through home until it stops or comes back out."""
        s, swing = self._sign, self._range()
        x = s * self._columns[0, self._at : stop]
        beyond = np.minimum.accumulate(np.concatenate(([s * self._extreme], x)))[1:]
        home, least = s * self._home, self.threshold_rad
        pending = self._pending is not None
        found, which = _first(
            (home - beyond > WINDUP_RATIO * swing) & pending,
            self._stopped(stop, self._slow_radps()) | self._overdue(stop, swing),
            (x - home > least) & (x - beyond > least),
        )
        i = found if found >= 0 else len(x) - 1
        if found >= 0 or last:
            self._extreme = s * float(beyond[i])
        if found < 0:
            return False
        now = self._at + i
        if which == 0:
            self._pending = None
            self._sign = -s
            self._depart(now, self._home, self._anchor)
            return True
        lowest = self._lowest(now)
        if self._pending is not None:
            out.append(self._excursion(self._pending, turned=False))
            self._pending = None
        if which == 1:
            self._settle(now)
        else:
            self._home += CREEP * (self._extreme - self._home)
            self._depart(now, self._extreme, lowest)
        return True

    def _depart(self, now: int, start_rad: float, anchor: int) -> None:
        self._state, self._told, self._anchor = State.OUT, False, anchor
        self._start, self._peak = start_rad, float(self._columns[0, now])
        self._at = now + 1

    def _settle(self, now: int) -> None:
        """Rest where the leg is now: this is neutral until it stops elsewhere."""
        self._state, self._home, self._anchor = State.REST, float(self._columns[0, now]), now
        self._pending = None
        self._at = now + 1

    def _lowest(self, now: int) -> int:
        """Return where the way back ended, before the movement went out again."""
        x = self._sign * self._columns[0, self._anchor : now + 1]
        peak = int(x.argmax()) if self._state is State.BACK else 0
        return self._anchor + peak + int(x[peak:].argmin())

    def _excursion(self, end: int, *, turned: bool) -> Excursion:
        self._usual.append(self._range())
        # the stop before it too: a slow start hides in there
        part = slice(max(0, self._anchor - self._lag), end + 1)
        angle, rate, off_axis, lost, doubtful = self._columns[:GOT, part]
        return Excursion(
            sign=self._sign,
            start_rad=self._start,
            home_rad=self._home,
            turned=turned,
            t_ns=self._t[part],
            angle_rad=angle,
            rate_radps=rate,
            off_axis_rad=off_axis,
            lost=int(lost[1:].sum()),
            trusted=not doubtful.any(),
        )


def _first(*conditions: BoolArray) -> tuple[int, int]:
    """Return the first sample that meets any condition and which, the earlier of equals; (-1, -1) if none."""
    best, which = -1, -1
    for number, condition in enumerate(conditions):
        i = int(condition.argmax())
        if condition[i] and (best < 0 or i < best):
            best, which = i, number
    return best, which
