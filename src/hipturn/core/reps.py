"""Repetitions, found online on the angle.

One repetition is neutral → out → (hold) → back. The machine goes from sample to sample; it is fast
because in each state it waits for few things, and passes over the bins of a `Trace` whose extremes
show that none of them can happen there.

::

    REST ──leaves neutral──► OUT ──turns──► BACK ──home, or home enough and stops──► REST
     ▲                        ▲  ◄──beyond the peak again──┘ │
     │                        └──goes out again after most of the way back
     └──stops── SWING ◄──crosses home without stopping────────┘

Nothing here is a fixed range: what is large enough to be a repetition follows the person's own
repetitions (`DetectParams.share_of_usual`), the neutral follows the resting pose, and a movement that
goes nowhere for `max_hold_s` is a new pose, not a repetition.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import replace
from enum import Enum
from math import inf
from statistics import median

import numpy as np

from hipturn.core.excursions import DetectParams, Excursion, Turned
from hipturn.core.trace import COARSE, FINE, NEVER, Trace, part
from hipturn.model import HipAngle
from hipturn.units import NS_PER_S, RAD_PER_DEG


class State(Enum):
    """Where in a repetition the leg is."""

    AWAY = "away"
    REST = "rest"
    OUT = "out"
    BACK = "back"
    SWING = "swing"


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
BEYOND_SHARE, AWAY_RAD = 0.5, 10.0 * RAD_PER_DEG
"""After a pause a leg further from home than this share of the usual range, and this at least, is held out;
nearer it has settled a little elsewhere."""
WHOLE_SHARE = 0.8
"""A movement out of this share of the usual range is most of a repetition, though the stream ends in it:
people vary their range by 6 %, three times that is chance."""
DOUBTFUL_PATIENCE = 0.5
"""Share of `max_hold_s` such a small one may last: shallow and long is a shift of pose."""
CREEP = 0.5
"""How far neutral follows the place where a return turned without stopping."""
MIN_TURN_RAD = 1.5 * RAD_PER_DEG
"""A turn smaller than this is tremor or noise."""
CLOSE_RAD = 1.5 * RAD_PER_DEG
"""Stops within this of each other are at the same place."""
SETTLED_S = 0.75
"""How long the leg must keep stopping at another place until that is neutral: shorter stops are steps of a
movement made in jerks."""
SLACK_NS = 5 * NS_PER_S
"""How long after a return that stopped short of neutral the rest of the way is still part of it."""
ELSEWHERE_SHARE, ELSEWHERE_RAD = 1.5, (15.0 * RAD_PER_DEG, 60.0 * RAD_PER_DEG)
"""A movement that tilts the axis by this share of its range, within the bounds, is not about the axis: the
person gets up or walks. Real leg raises tilt an axis that fits them badly by 1.4 of their range or 45°."""
FIRST_LOOK_NS, LOOK_NS = 3 * NS_PER_S, NS_PER_S
"""When it is first asked of a movement in progress, and how often then, whether it is one of those."""
HALF_TURN_RAD = 180.0 * RAD_PER_DEG
LONG_REST = 8
"""A leg that is still at rest so many bins later rests in most of them, and is not asked one by one."""
KEEP_S = 2.0
"""How much of a rest is kept to find where the next movement began."""
FORGET_HOLDS = 4
"""A movement that has not ended after so many times `max_hold_s` is given up even if it never stops."""


class Detector:
    """Finds excursions: push blocks of angle, get what has been decided by their end."""

    def __init__(self, params: DetectParams, rate_hz: float) -> None:
        self._p = params
        self._lag = max(2, round(params.stop_s * rate_hz))
        self._stop_rad = SLOW_RADPS[0] * params.stop_s
        self._keep = round(KEEP_S * rate_hz)
        self._settled = round(SETTLED_S * rate_hz)
        self._max_hold_ns = round(params.max_hold_s * NS_PER_S)
        self._doubtful_ns = int(self._max_hold_ns * DOUBTFUL_PATIENCE)
        self._usual: deque[float] = deque(maxlen=params.memory)
        # ranges of the last repetitions, positive internal; the median of their sizes is asked for often
        self._usual_rad = 0.0
        self._kept: tuple[float, float] | None = None
        # where home was before a pause, and how far from it a leg is still about at home
        self._trace: Trace
        self._at: int
        self._clear()

    @property
    def usual_rad(self) -> float | None:
        """The median range of the last repetitions, None before the first."""
        return self._usual_rad if self._usual else None

    @property
    def threshold_rad(self) -> float:
        """The smallest range that is a repetition now."""
        return max(self._p.min_rom_rad, self._p.share_of_usual * self._usual_rad)

    def forget(self) -> None:
        """Drop the movement in progress and what is usual: another leg or calibration follows."""
        self._kept = None
        self._usual.clear()
        self._usual_rad = 0.0
        self._clear()

    def suspend(self) -> None:
        """Drop the movement in progress and what is usual, but not where home is: a pause follows."""
        if self._trace.angle:
            self._kept = self._home, max(AWAY_RAD, BEYOND_SHARE * self._usual_rad)
        self._usual.clear()
        self._usual_rad = 0.0
        self._clear()

    def push(self, block: HipAngle) -> list[Excursion | Turned]:
        """Return the turns and excursions decided within this block."""
        out: list[Excursion | Turned] = []
        done = 0
        for jump in self._jumps(block):
            if jump > done:
                self._follow(part(block, slice(done, jump)), out)
            self._clear()
            self._lost, done = True, jump
        self._follow(part(block, slice(done, None)) if done else block, out)
        return out

    def _follow(self, block: HipAngle, out: list[Excursion | Turned]) -> None:
        """Take in samples that continue what was before."""
        if not self._trace.angle:
            first = float(block.angle_rad[0])
            self._home = self._place = self._slack = first
            if self._lost:
                # of the movement in progress nobody knows where it began: the next begins where it ends
                self._state, self._sign = State.AWAY, 1 if block.rate_radps[0] > 0.0 else -1
                self._extreme = first
            elif self._kept is not None and abs(first - self._kept[0]) > self._kept[1]:
                # the leg is held out: what comes is its return, and no repetition
                self._state, self._anchor_ns = State.AWAY, int(block.t_ns[0])
            elif self._kept is not None and abs(rate := float(block.rate_radps[0])) > SLOW_RADPS[0]:
                if rate * (self._kept[0] - first) > 0.0:
                    self._homewards(first, self._kept[0], int(block.t_ns[0]))
                else:
                    # just leaving home
                    self._home = self._place = self._slack = self._kept[0]
        self._trace.append(block)
        self._due_ns = NEVER
        while self._at < len(self._trace.angle):
            match self._state:
                case State.OUT:
                    self._out(out)
                case State.BACK:
                    self._coming_back(out)
                case State.REST:
                    self._rest()
                case State.SWING:
                    self._swing(out)
                case State.AWAY:
                    self._homecoming()
        self._trim()

    def _jumps(self, block: HipAngle) -> list[int]:
        """Return where in the block the angle jumps by more than half a turn, which no joint does.

        There it was lost near the vertical and found again: what follows does not continue what was before.
        """
        angle = block.angle_rad
        at_once = self._trace.angle and abs(float(angle[0]) - self._trace.angle[-1]) > HALF_TURN_RAD
        first = [0] if at_once else []
        if len(angle) == 1 or float(angle.max()) - float(angle.min()) <= HALF_TURN_RAD:
            return first
        return first + (np.flatnonzero(np.abs(np.diff(angle)) > HALF_TURN_RAD) + 1).tolist()

    def finish(self) -> list[Excursion]:
        """Return the excursion that the end of the stream cut short, if most of it was done.

        That is most of the way back; or the usual range out from a known home, begun out of the last return
        without a rest, in a set that all goes its way: a repetition without its return, and judged so. After
        a rest it may be anything.
        """
        done: list[Excursion] = []
        last = len(self._trace.angle) - 1
        swing = self._range()
        out = self._state in (State.OUT, State.BACK) and self._flowing and self._known
        undone = self._sign * (self._peak - self._extreme)
        # a fidget that shifted the pose has gone half of its way back, too
        doubtful = swing < DOUBTFUL_SHARE * self._usual_rad
        enough = 1.0 - HOME_SHARE if doubtful else self._p.back_share
        if self._state is State.BACK and undone >= enough * swing:
            done += self._finished(last, turned=True)
        elif out and swing >= WHOLE_SHARE * self._usual_rad and self._with_set():
            done += [replace(each, cut=True) for each in self._finished(last, turned=True)]
        elif self._state is State.SWING and self._pending is not None:
            done += self._finished(self._pending, turned=False, known=last)
        self._clear()
        return done

    def _clear(self) -> None:
        self._state = State.REST
        self._sign = 1
        self._home = self._start = self._peak = self._extreme = 0.0
        self._place = self._slack = self._elsewhere = 0.0
        # less than this within `stop_s` is a stop on the way back
        self._slow_rad = self._stop_rad
        self._slack_ns = self._stopped_ns = 0
        self._since = NEVER
        self._calm = 0
        self._rested = self._away = self._flowing = self._known = self._lost = False
        self._anchor = self._anchor_ns = self._look_ns = self._at = 0
        # since the departure no sample before this one is the peak
        self._top = 0
        self._due_ns, self._due_at = NEVER, 0
        self._pending: int | None = None
        self._told = False
        self._trace = Trace(self._lag, self._stop_rad)

    def _trim(self) -> None:
        """Forget what no later decision can look at."""
        # out at the beginning or at rest, a leg may be so for hours
        waiting = self._state in (State.REST, State.AWAY)
        oldest = max(self._anchor, self._at - self._keep) if waiting else self._anchor
        cut = oldest - self._lag
        if cut > 0:
            self._trace.forget(cut)
            self._at -= cut
            self._anchor, self._top = max(self._anchor - cut, 0), max(self._top - cut, 0)
            if self._pending is not None:
                self._pending -= cut
            if self._since != NEVER:
                self._since -= cut
            # perhaps before the oldest sample that is kept
            self._calm -= cut

    # --- what the states ask --------------------------------------------------------------------

    def _range(self) -> float:
        """Return the range of the movement in progress, rad."""
        return self._sign * (self._peak - self._start)

    def _stopped(self, i: int) -> bool:
        """Return whether the angle got nowhere in the `stop_s` before a sample of the last block."""
        return self._trace.moves[i - self._trace.block_from] < self._stop_rad

    def _still(self, i: int) -> bool:
        """Return whether the leg has been where it is for as long as a new neutral takes to settle."""
        if i < self._settled:
            return False
        angle, ago = self._trace.angle, i - self._settled
        return max(abs(angle[i] - angle[ago]), abs(angle[i] - angle[(ago + i) // 2])) <= CLOSE_RAD

    def _first(self) -> int:
        """Return where the movement in progress begins, with the stop before it: a slow start hides there."""
        return max(0, self._anchor - self._lag)

    def _is_elsewhere(self, i: int) -> bool:
        """Return whether the movement in progress, up to sample i, is of the whole leg, not of its axis."""
        least, most = ELSEWHERE_RAD
        if self._trace.most_tilt(self._first(), i + 1) <= least:
            return False
        samples = self._trace.part(self._first(), i + 1)
        tilt = float(samples.off_axis_rad.max() - samples.off_axis_rad.min())
        # what is known of the range is too little if the stream began within the movement
        rom = max(self._range(), float(samples.angle_rad.max() - samples.angle_rad.min()))
        return tilt > least and tilt > min(ELSEWHERE_SHARE * rom, most)

    def _due(self) -> int:
        """Return the index of the sample before which the movement in progress cannot be overdue."""
        if self._away:
            return self._anchor + self._settled
        by_ns = min(self._look_ns, self._anchor_ns + self._doubtful_ns)
        if by_ns != self._due_ns:
            # each state of a movement asks anew
            self._due_ns, self._due_at = by_ns, bisect_right(self._trace.t_ns, by_ns)
        return self._due_at

    def _overdue(self, i: int, swing: float) -> bool:
        """Return whether the movement in progress, of range `swing`, has gone nowhere for too long."""
        now_ns = self._trace.t_ns[i]
        if self._away or now_ns > self._look_ns:
            # getting up or lying down: there is no return to wait for
            self._look_ns += LOOK_NS
            if self._still(i) and (self._away or self._is_elsewhere(i)):
                self._away = True
                return True
        age = now_ns - self._anchor_ns
        doubtful = swing < DOUBTFUL_SHARE * self._usual_rad
        patience = self._doubtful_ns if doubtful else self._max_hold_ns
        return (age > patience and self._stopped(i)) or age > FORGET_HOLDS * self._max_hold_ns

    # --- the machine: each state runs until it changes or the samples end -------------------------

    def _homecoming(self) -> None:
        """Wait for a leg that was out at the beginning to come home, or to have a new one."""
        home, limit = self._kept or (self._home, AWAY_RAD)
        i = self._at
        if self._lost:
            x = self._sign * self._trace.angle[i]
            self._extreme = max(self._extreme * self._sign, x) * self._sign
            if self._extreme * self._sign - x > MIN_TURN_RAD:
                self._state, self._lost, self._anchor = State.REST, False, i
                self._home = self._place = self._slack = self._extreme
            elif self._still(i):
                self._lost = False
                self._settle(i)
        elif abs(self._trace.angle[i] - home) <= limit:
            self._state, self._anchor, self._rested = State.REST, i, True
            self._homewards(self._trace.angle[i], home, self._trace.t_ns[i])
        elif self._trace.t_ns[i] - self._anchor_ns > self._max_hold_ns and self._stopped(i):
            self._settle(i)
        self._at = i + 1

    def _homewards(self, x: float, home: float, now_ns: int) -> None:
        """Let neutral go with the leg on the rest of its way home, which is no repetition."""
        self._home = self._place = x
        self._slack, self._slack_ns = home, now_ns + SLACK_NS

    def _rest(self) -> None:
        """Wait for a departure from neutral, which is where the leg last stopped for a while."""
        trace, angle, least = self._trace, self._trace.angle, self.threshold_rad
        limit = self._stop_rad
        home, anchor = self._home, self._anchor
        place, slack, since = self._place, self._slack, self._since
        slack_end = bisect_right(trace.t_ns, self._slack_ns) if slack != home else 0
        i, n, origin, end = self._at, len(angle), trace.block_from, trace.bins_end
        way = trace.moves
        skip = trace.next_bin(i)
        while i < n:
            if i == skip:
                for bins, stop in trace.passes(i, 1) if slack == home and least >= 2.0 * CLOSE_RAD else ():
                    size, lows, highs, moves = bins.size, bins.low, bins.high, bins.least_move
                    k = (i - origin) // size
                    while True:
                        # Nothing departs while it is so near to where it stopped, and of its stops there only
                        # the last matters; a long rest is passed over at once.
                        rest, ahead = i, k + LONG_REST
                        if (
                            i + LONG_REST * size < stop
                            and place - lows[ahead] <= CLOSE_RAD >= highs[ahead] - place
                        ):
                            count = bins.about(place, CLOSE_RAD, k)
                            i, k = i + count * size, k + count
                        while i < stop and highs[k] - place <= CLOSE_RAD >= place - lows[k]:
                            i, k = i + size, k + 1
                        if i > rest and (still := trace.last_stop(rest, i)) != NEVER:
                            home = slack = angle[still]
                            anchor, since = still, NEVER
                            if self._away:
                                self._rest_at(still)
                        if i >= stop or moves[k] < limit or highs[k] - home > least or home - lows[k] > least:
                            break
                        i, k = i + size, k + 1
                    if (i - origin) % COARSE:
                        break
                if i >= n:
                    break
                skip = i + FINE if i + FINE < end else NEVER
            x = angle[i]
            if slack != home:
                # the rest of the way back, after a stop short of neutral: neutral goes with it
                if i >= slack_end or abs(slack - home) <= CLOSE_RAD:
                    slack = home
                elif (home - x) * (x - slack) > 0.0:
                    home = place = x
                elif (home - slack) * (slack - x) > 0.0:
                    home = place = slack
            if way[i - origin] < limit:
                if abs(x - place) <= CLOSE_RAD:
                    since = NEVER
                    if self._away:
                        self._rest_at(i)
                elif since == NEVER or abs(x - self._elsewhere) > CLOSE_RAD:
                    self._elsewhere, since = x, i
                if since == NEVER or i - since >= self._settled:
                    if since != NEVER:
                        place, self._calm = x, i
                    slack = x if slack == home else slack
                    home, anchor = x, i
            elif abs(x - home) > least:
                self._home, self._sign = home, 1 if x > home else -1
                self._rested = self._rested or anchor != self._anchor
                self._depart(i, home, max(anchor, i - self._keep))
                return
            i += 1
        self._rested = self._rested or anchor != self._anchor
        self._home, self._anchor, self._at = home, anchor, n
        self._place, self._slack, self._since = place, slack, since

    def _rest_at(self, i: int) -> None:
        """Be at neutral at sample i: in place again, if it has been for a while."""
        self._away = i - self._calm < self._settled

    def _out(self, out: list[Excursion | Turned]) -> None:
        """Follow the movement out until it turns or becomes a new pose."""
        trace, s, share = self._trace, self._sign, self._p.turn_share
        angle = trace.angle
        start, peak, top, due = s * self._start, s * self._peak, self._top, self._due()
        turn = max(MIN_TURN_RAD, share * (peak - start))
        i, n, origin, end = self._at, len(angle), trace.block_from, trace.bins_end
        skip = trace.next_bin(i)
        while i < n:
            if i == skip:
                for bins, stop in trace.passes(i, s):
                    size, lows, highs, falls = bins.size, bins.low, bins.high, bins.fall
                    k, stop = (i - origin) // size, min(stop, due - size + 1)
                    while i < stop and peak - lows[k] <= turn and falls[k] <= turn:
                        if highs[k] > peak:
                            peak, top = highs[k], i
                            turn = share * (peak - start)
                            if turn < MIN_TURN_RAD:
                                turn = MIN_TURN_RAD
                        i, k = i + size, k + 1
                    if (i - origin) % COARSE:
                        break
                if i >= n:
                    break
                skip = i + FINE if i + FINE < end else NEVER
            x = s * angle[i]
            if x > peak:
                peak, top = x, i
                turn = share * (peak - start)
                if turn < MIN_TURN_RAD:
                    turn = MIN_TURN_RAD
            elif peak - x > turn:
                self._peak, self._top = s * peak, top
                self._turn(i, out)
                return
            if i >= due:
                if self._overdue(i, peak - start):
                    self._settle(i)
                    return
                due = self._due()
            i += 1
        self._peak, self._top, self._at = s * peak, top, n

    def _coming_back(self, out: list[Excursion | Turned]) -> None:
        """Follow the movement back until it is home, stops, or goes out again."""
        trace, s, swing = self._trace, self._sign, self._range()
        angle = trace.angle
        home, peak, back = s * self._home, s * self._peak, s * self._extreme
        enough, near = peak - self._p.back_share * swing, home + HOME_SHARE * swing
        if not self._rested:
            # the stream began in the middle of a movement: nobody knows where home is
            home, near = -inf, inf
        again = max(self.threshold_rad, self._p.turn_share * swing)
        limit = self._slow_rad
        due = self._due()
        i, n, origin, end = self._at, len(angle), trace.block_from, trace.bins_end
        way = trace.moves
        skip = trace.next_bin(i)
        while i < n:
            if i == skip:
                for bins, stop in trace.passes(i, s):
                    size, lows, highs, rises = bins.size, bins.low, bins.high, bins.rise
                    moves = bins.least_move
                    k, stop = (i - origin) // size, min(stop, due - size + 1)
                    while i < stop and rises[k] <= again:
                        lowest, highest = lows[k], highs[k]
                        if highest - back > again or highest > peak or lowest <= home:
                            break
                        if lowest <= near and moves[k] < limit:
                            break
                        if lowest < back:
                            back = lowest
                        i, k = i + size, k + 1
                    if (i - origin) % COARSE:
                        break
                if i >= n:
                    break
                skip = i + FINE if i + FINE < end else NEVER
            x = s * angle[i]
            if x < back:
                back = x
            if x <= home:
                self._extreme = s * back
                self._cross(i, swing, out)
                return
            if back <= enough:
                if x <= near and way[i - origin] < limit:
                    out += self._finished(i, turned=False)
                    self._settle(i, short=True)
                    return
                if x - back > again:
                    self._extreme = s * back
                    self._again(i, out)
                    return
            if x > peak:
                self._peak, self._top, self._state, self._at = angle[i], i, State.OUT, i + 1
                return
            if i >= due:
                if self._overdue(i, swing):
                    self._settle(i)
                    return
                due = self._due()
            i += 1
        self._extreme, self._at = s * back, n

    def _swing(self, out: list[Excursion | Turned]) -> None:
        """Follow a return that went through home until it stops or comes back out."""
        trace, s, swing = self._trace, self._sign, self._range()
        angle = trace.angle
        home, beyond, least = s * self._home, s * self._extreme, self.threshold_rad
        windup = home - WINDUP_RATIO * swing if self._pending is not None else -inf
        limit = self._slow_rad
        due = self._due()
        i, n, origin, end = self._at, len(angle), trace.block_from, trace.bins_end
        way = trace.moves
        skip = trace.next_bin(i)
        while i < n:
            if i == skip:
                # it is over within few bins: fine ones only
                bins, k = trace.bins(s)[0], (i - origin) // FINE
                lows, highs, moves = bins.low, bins.high, bins.least_move
                stop = min(end, due - FINE + 1)
                while i < stop and moves[k] >= limit and highs[k] - home <= least and lows[k] >= windup:
                    if lows[k] < beyond:
                        beyond = lows[k]
                    i, k = i + FINE, k + 1
                if i >= n:
                    break
                skip = i + FINE if i + FINE < end else NEVER
            x = s * angle[i]
            if x < beyond:
                beyond = x
            if beyond < windup:
                self._pending, self._sign = None, -s
                self._depart(i, self._home, self._anchor)
                return
            if way[i - origin] < limit or (i >= due and self._overdue(i, swing)):
                self._believe(i, out)
                self._settle(i)
                return
            if x - home > least and x - beyond > least:
                self._extreme = s * beyond
                self._again(i, out)
                return
            i += 1
        self._extreme, self._at = s * beyond, n

    # --- changes of state -------------------------------------------------------------------------

    def _depart(self, i: int, start_rad: float, anchor: int) -> None:
        # the leg has not rested since the last return, if there was one
        rested_ns = self._trace.t_ns[anchor] - self._stopped_ns
        self._flowing = self._state is not State.REST or rested_ns < SETTLED_S * NS_PER_S
        self._state, self._told, self._anchor = State.OUT, False, anchor
        self._anchor_ns = self._trace.t_ns[anchor]
        self._look_ns = self._anchor_ns + FIRST_LOOK_NS
        self._start, self._peak, self._top = start_rad, self._trace.angle[i], i
        self._at = i + 1

    def _turn(self, i: int, out: list[Excursion | Turned]) -> None:
        """Go back; the first turn of a movement is told."""
        if not self._told and not self._away:
            self._told = True
            at = self._trace.angle.index(self._peak, self._top, i)
            out.append(
                Turned(self._sign, self._trace.t_ns[at], self._range(), self._peak, self._trace.t_ns[i])
            )
        least_radps, most_radps = SLOW_RADPS
        self._slow_rad = self._p.stop_s * min(max(SLOW_PER_S * self._range(), least_radps), most_radps)
        self._state, self._extreme, self._at = State.BACK, self._trace.angle[i], i + 1

    def _cross(self, i: int, swing: float, out: list[Excursion | Turned]) -> None:
        """Be home without a stop: done, unless it may be the wind-up of the real one."""
        # winding up goes against the way of the set: so small a one that goes with it is a small repetition
        if not self._usual or (swing < DOUBTFUL_SHARE * self._usual_rad and not self._with_set()):
            self._pending = i
        else:
            out += self._finished(i, turned=False)
        self._state, self._extreme, self._at = State.SWING, self._trace.angle[i], i + 1

    def _with_set(self) -> bool:
        """Return whether the last repetitions, two at least, all went the way of the movement in progress."""
        return len(self._usual) > 1 and all(rom * self._sign > 0.0 for rom in self._usual)

    def _believe(self, i: int, out: list[Excursion | Turned]) -> None:
        """Count the movement that might have been a wind-up and at sample i is known to be none."""
        if self._pending is not None:
            out += self._finished(self._pending, turned=False, known=i)
            self._pending = None

    def _again(self, i: int, out: list[Excursion | Turned]) -> None:
        """End this movement where the way back turned, and begin the next one there."""
        lowest = self._lowest(i)
        if self._state is State.BACK:
            out += self._finished(lowest, turned=True, known=i)
        else:
            self._believe(i, out)
        self._home += CREEP * (self._extreme - self._home)
        self._depart(i, self._extreme, lowest)

    def _settle(self, i: int, *, short: bool = False) -> None:
        """Rest where the leg is now: neutral until it stops elsewhere; `short` of neutral perhaps."""
        x = self._trace.angle[i]
        self._slack = x
        if short and abs(x - self._home) > CLOSE_RAD:
            self._slack, self._slack_ns = self._home, self._trace.t_ns[i] + SLACK_NS
        self._state, self._home, self._place, self._anchor = State.REST, x, x, i
        self._stopped_ns = self._trace.t_ns[i]
        self._since, self._calm, self._rested, self._pending = NEVER, i, True, None
        self._at = i + 1

    def _lowest(self, i: int) -> int:
        """Return where the way back ended, before the movement went out again."""
        x = [self._sign * a for a in self._trace.angle[self._anchor : i + 1]]
        peak = x.index(max(x))
        return self._anchor + x.index(min(x[peak:]), peak)

    def _finished(self, end: int, *, turned: bool, known: int | None = None) -> list[Excursion]:
        """Return the movement up to sample `end`, known to be over by sample `known` if that came later.

        None if it was not about the axis, or followed one that was not before the leg has rested again.
        """
        if self._away or self._is_elsewhere(end):
            self._away = True
            return []
        first = self._first()
        samples = self._trace.part(first, end + 1)
        if not self._usual:
            # the first came back to where it began: that is home, and not the middle of a movement
            ended = self._trace.angle[end]
            self._known = abs(ended - self._start) <= HOME_SHARE * abs(self._peak - self._start)
        self._usual.append(self._peak - self._start)
        self._usual_rad = median(map(abs, self._usual))
        decided_ns = self._trace.t_ns[end if known is None else known]
        return [Excursion(self._sign, self._start, turned, decided_ns, samples, self._anchor - first)]
