"""The way of a packet through the core: decode → clock → fuse, then measure → detect.

`Front` turns inputs into orientation and needs no calibration; `Back` turns orientation into hip
angles and repetitions. `Pipeline` is one behind the other. Live and replay push the same inputs
and get the same outputs, however the packets are grouped.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hipturn.core import calibration as calibrations
from hipturn.core import floor, pelvis
from hipturn.core.angle import AngleMeter
from hipturn.core.clock import Clock, StreamOrigin
from hipturn.core.excursions import DetectParams, Excursion, Turned
from hipturn.core.figures import figures, held
from hipturn.core.fusion import Fusion, FusionParams
from hipturn.core.gestures import Taps
from hipturn.core.hosttime import TimeMap
from hipturn.core.pauses import Pauses
from hipturn.core.reps import Detector
from hipturn.core.samplecount import SampleCount
from hipturn.core.sets import Sets
from hipturn.core.verdict import Judge, Standard, sample
from hipturn.model import (
    BadPackets,
    BoolArray,
    Calibrated,
    Direction,
    Drift,
    FloatArray,
    Floor,
    Gap,
    Input,
    LinkUp,
    Mark,
    MarkKind,
    Orientation,
    Output,
    Overrun,
    Packets,
    RawSamples,
    Rep,
    Samples,
    SessionStart,
    Side,
    Slip,
    StreamInfo,
    StreamNs,
    Tapped,
    Turn,
    Vector,
    Verdict,
)
from hipturn.units import NS_PER_S

Decode = Callable[[Packets], RawSamples]
Seen = Orientation | Gap | BadPackets | Tapped
"""What the front makes of its inputs."""


@dataclass(frozen=True, slots=True)
class FloorParams:
    """What is told of the leg for the drill with the heel planted."""

    ratio: float = floor.SEGMENT_RATIO
    knee_rad: float | None = None
    """Flexion of the knee where somebody measured it."""


@dataclass(frozen=True, slots=True)
class CoreParams:
    """Everything that can be set in the core."""

    fusion: FusionParams = field(default_factory=FusionParams)
    detect: DetectParams = field(default_factory=DetectParams)
    standard: Standard = field(default_factory=Standard)
    set_rest_s: float = 20.0
    """Time without a repetition after which a set is over."""
    floor: FloorParams = field(default_factory=FloorParams)


@dataclass(slots=True)
class _Chain:
    """One link's decoder, clock and filter."""

    decode: Decode
    clock: Clock | SampleCount
    fusion: Fusion
    taps: Taps | None = None
    """Listening to taps while there is one."""


class Front:
    """From inputs to orientation, any number of streams."""

    def __init__(
        self,
        params: FusionParams,
        decoder: Callable[[StreamInfo], Decode],
        tap: Callable[[str, Samples], None] | None = None,
    ) -> None:
        """`tap` is given each stream's samples before they are fused."""
        self._params = params
        self._decoder = decoder
        self._tap = tap
        self._chains: dict[str, _Chain] = {}
        self._origins: dict[str, StreamOrigin] = {}
        self._joint = False
        """Several sensors share a time base."""

    def push(self, item: Input) -> list[Seen]:
        """Return the orientation, gaps and damaged packets of an input."""
        match item:
            case LinkUp():
                self._link(item)
            case Packets() if item.stream in self._chains:
                return self._packets(item, self._chains[item.stream])
            case Overrun() if item.stream in self._chains:
                self._chains[item.stream].clock.overrun()
            case Mark(kind=MarkKind.BIAS) if item.stream in self._chains:
                self._chains[item.stream].fusion.set_bias(np.array(item.value["gyr_bias_radps"], np.float64))
            case Mark(kind=MarkKind.LISTEN) if item.stream in self._chains:
                self._chains[item.stream].taps = Taps(item.stream) if item.value["on"] else None
        return []

    def time_map(self, stream: str) -> TimeMap | None:
        """Return where a stream's time lies on this computer's clock, None before the link's first sample."""
        chain = self._chains.get(stream)
        return None if chain is None else chain.clock.time_map()

    def _link(self, up: LinkUp) -> None:
        """Start a new chain; what survives a lost link is the time base and the gyroscope's bias."""
        origin = self._origins.setdefault(up.stream, StreamOrigin())
        before = self._chains.get(up.stream)
        settled_ns = 0
        if before is not None and origin.at_ns is not None:
            settled_ns = max(up.at_ns - origin.at_ns, origin.last_t_ns) + round(
                self._params.settle_s * NS_PER_S
            )
        fusion = Fusion(up.info, self._params, settled_ns)
        if before is not None:
            fusion.set_bias(before.fusion.bias())
        clock = (Clock if up.info.tick_hz else SampleCount)(up.info, up.stream, origin)
        self._chains[up.stream] = _Chain(self._decoder(up.info), clock, fusion)
        if up.stream == pelvis.ROLE or self._joint:
            self._joint = True
            for chain in self._chains.values():
                chain.clock.follow()

    def _packets(self, packets: Packets, chain: _Chain) -> list[Seen]:
        raw = sane(chain.decode(packets))
        if not raw.bad_before and not raw.pressed_before:
            return self._samples(packets.stream, raw, chain)
        # damage is told one by one and where it happened, however many packets came together
        told = [*((i, False) for i in raw.bad_before), *((i, True) for i in raw.pressed_before)]
        out: list[Seen] = []
        done = 0
        for i, pressed in sorted(told):
            if i > done:
                out += self._samples(packets.stream, _rows(raw, slice(done, i)), chain)
                done = i
            at_ns = StreamNs(max(0, self._origins[packets.stream].last_t_ns))
            if not pressed:
                out.append(BadPackets(packets.stream, at_ns, 1))
            else:
                out.append(Tapped(packets.stream, at_ns, 1, button=True))
        return out + self._samples(packets.stream, _rows(raw, slice(done, None)), chain)

    def _samples(self, stream: str, raw: RawSamples, chain: _Chain) -> list[Seen]:
        samples, gaps = chain.clock.push(raw)
        out: list[Seen] = [*gaps]
        if len(samples.t_ns):
            if self._tap is not None:
                self._tap(stream, samples)
            q, trusted = chain.fusion.push(samples)
            block = Orientation(stream, samples.t_ns, q, samples.gyr_radps, samples.lost_before, trusted)
            if self._joint:
                block = replace(block, host_ns=chain.clock.host_at(samples.t_ns))
            out.append(block)
            if chain.taps is not None:
                out += chain.taps.push(samples)
        return out


MOST_ACC_MPS2, MOST_GYR_RADPS = 1e4, 1e3
"""No sensor measures more, by a factor of three and more: what does is damage."""


def sane(raw: RawSamples) -> RawSamples:
    """Return the samples with those no sensor can have measured counted as damage instead."""
    q = raw.q_earth_from_sensor
    measured = [
        (values, most)
        for values, most in ((raw.acc_mps2, MOST_ACC_MPS2), (raw.gyr_radps, MOST_GYR_RADPS))
        if values is not None and len(values)
    ]
    if q is None and all(_within(values, most) for values, most in measured):
        return raw
    keep: BoolArray = np.ones(len(raw.tick), np.bool_)
    for values, most in measured:
        keep &= (np.abs(values) < most).all(axis=1)
    if q is not None:
        norm2 = (q * q).sum(axis=1)
        keep &= (norm2 > 0.25) & (norm2 < 4.0)
    if keep.all():
        return raw
    kept_before = np.concatenate(([0], np.cumsum(keep, dtype=np.int64)))
    bad_before = sorted([*kept_before[list(raw.bad_before)].tolist(), *kept_before[:-1][~keep].tolist()])
    pressed_before = tuple(kept_before[list(raw.pressed_before)].tolist())
    return replace(_rows(raw, keep), bad_before=tuple(bad_before), pressed_before=pressed_before)


def _within(values: FloatArray, most: float) -> bool:
    """Return whether all values are smaller than `most`; NaN is not."""
    if len(values) == 1:
        # a live notification: five times as fast as arrays
        return all(-most < value < most for value in values[0].tolist())
    return bool(-most < values.min() and values.max() < most)


def _rows(raw: RawSamples, rows: slice | BoolArray) -> RawSamples:
    """Return some of the samples."""

    def some(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else values[rows]

    return RawSamples(
        raw.tick[rows],
        raw.at_ns[rows],
        some(raw.acc_mps2),
        some(raw.gyr_radps),
        some(raw.q_earth_from_sensor),
    )


@dataclass(slots=True)
class _Leg:
    """What is known of the leg one stream is strapped to."""

    rate_hz: float
    detector: Detector
    judge: Judge
    sets: Sets
    side: Side | None = None
    meter: AngleMeter | None = None
    pauses: Pauses | None = None
    outward_normal_sensor: Vector | None = None
    floor: Floor | None = None
    counting: bool = True
    reps: int = 0
    t_ns: int = 0
    gaps: list[Gap] = field(default_factory=list)
    """Those before samples of the block that comes next."""
    block: Orientation | None = None
    """The one that came last."""


class Back:
    """From orientation to hip angles and repetitions, any number of streams."""

    def __init__(self, params: CoreParams) -> None:
        self._params = params
        self._legs: dict[str, _Leg] = {}
        self._position: str | None = None
        self._pelvis: pelvis.Pelvis | None = None

    def push(self, item: Input | Seen) -> list[Output]:
        """Return what an orientation block, or a mark between two, leads to; the block itself included."""
        match item:
            case SessionStart():
                self._position = item.position
            case LinkUp(stream=pelvis.ROLE):
                self._pelvis = self._pelvis or pelvis.Pelvis(self._params.detect.max_hold_s)
            case LinkUp():
                if item.stream not in self._legs:
                    self._legs[item.stream] = _Leg(
                        item.info.rate_hz,
                        Detector(self._params.detect, item.info.rate_hz),
                        Judge(self._params.standard),
                        Sets(item.stream, self._params.set_rest_s),
                    )
                self._legs[item.stream].outward_normal_sensor = item.info.outward_normal_sensor
            case Mark() if item.stream in self._legs:
                return self._mark(item, self._legs[item.stream])
            case Orientation(stream=pelvis.ROLE):
                if self._pelvis is not None:
                    self._pelvis.push(item)
                return [item]
            case Orientation():
                leg = self._legs[item.stream]
                leg.t_ns, leg.block = int(item.t_ns[-1]), item
                return self._measure(item, leg)
            case Gap() if item.stream in self._legs:
                self._legs[item.stream].gaps.append(item)
            case Gap() | BadPackets() | Tapped():
                return [item]
        return []

    def finish(self) -> list[Output]:
        """Return the repetitions that the end cut short but that were nearly done, and the sets it ended."""
        out: list[Output] = []
        for stream, leg in self._legs.items():
            excursions = leg.detector.finish()
            for rep, excursion in zip(self._reps(excursions, stream, leg), excursions, strict=True):
                out += self._judged(rep, excursion, leg)
            out += _closed(leg)
        return out

    def _mark(self, mark: Mark, leg: _Leg) -> list[Output]:
        match mark.kind:
            case MarkKind.SIDE if mark.value["side"] != leg.side:
                leg.side = Side(mark.value["side"])
                leg.meter = leg.pauses = None
                leg.detector.forget()
                return _closed(leg)
            case MarkKind.COUNT:
                leg.counting = bool(mark.value["on"])
                leg.detector.suspend()
                return [] if leg.counting else _closed(leg)
            case MarkKind.REFERENCE:
                leg.judge.learn([sample(rep) for rep in _shown(mark, leg)])
            case MarkKind.UNDO:
                return [leg.sets.undo(leg.t_ns)]
            case MarkKind.REDO:
                return [leg.sets.redo(leg.t_ns)]
            case MarkKind.RESTART:
                return [leg.sets.restart(leg.t_ns)]
            case MarkKind.CALIBRATION:
                calibration = calibrations.from_dict(mark.value)
                leg.meter = AngleMeter(calibration, leg.side)
                leg.pauses = Pauses(calibration, leg.meter, leg.side, leg.rate_hz)
                leg.floor = floor.geometry(
                    self._position,
                    calibration,
                    leg.outward_normal_sensor,
                    knee_rad=self._params.floor.knee_rad,
                    ratio=self._params.floor.ratio,
                )
                leg.detector.forget()
                return [
                    Calibrated(
                        mark.stream,
                        StreamNs(leg.t_ns),
                        calibration,
                        leg.meter.observability,
                        leg.meter.axis_elevation_rad,
                        leg.meter.heading_dependent,
                        leg.meter.drift_radps,
                        leg.floor,
                    )
                ]
        return []

    def _measure(self, block: Orientation, leg: _Leg) -> list[Output]:
        """Return the block, the angle and the events within it, in the order samples one by one give them."""
        blocks: list[Output] = [block]
        found: list[_Event] = []
        detected = 0
        if leg.meter is not None:
            angle = leg.meter.push(block)
            blocks.append(angle)
            if leg.counting:
                found += leg.detector.push(angle)
            detected = len(found)
            if leg.pauses is not None:
                found += leg.pauses.push(angle)
        gaps, leg.gaps = leg.gaps, []
        if gaps:
            # a gap lies before the sample it ends with
            found = [*gaps, *found]
        if len(found) > detected:
            found.sort(key=_decided_ns)
        reps = iter(self._reps([each for each in found if isinstance(each, Excursion)], block.stream, leg))
        out: list[Output] = []
        for each in found:
            due_ns = leg.sets.due_ns()
            if due_ns is not None and due_ns < _decided_ns(each):
                out += _closed(leg)
            if not isinstance(each, Gap):
                # the block comes before what is found in it, but after the gaps before it
                out += blocks
                blocks = []
            match each:
                case Turned():
                    direction = Direction.INTERNAL if each.sign > 0 else Direction.EXTERNAL
                    turn_ns = StreamNs(each.t_ns)
                    out.append(Turn(block.stream, direction, turn_ns, each.rom_rad, each.peak_rad))
                case Excursion():
                    out += self._judged(next(reps), each, leg)
                case _:
                    out.append(each)
        due_ns = leg.sets.due_ns()
        if due_ns is not None and due_ns < leg.t_ns:
            blocks += _closed(leg)
        return [*out, *blocks]

    def _reps(self, excursions: Sequence[Excursion], stream: str, leg: _Leg) -> list[Rep]:
        """Return the repetitions, not judged yet."""
        if not excursions:
            return []
        first, leg.reps = leg.reps + 1, leg.reps + len(excursions)
        return figures(
            excursions,
            stream=stream,
            first=first,
            side=leg.side,
            rate_hz=leg.rate_hz,
            floor=leg.floor,
            heading_dependent=leg.meter is not None and leg.meter.heading_dependent,
        )

    def _judged(self, rep: Rep, excursion: Excursion, leg: _Leg) -> list[Output]:
        """Return the repetition with its verdict, behind its hold if there was one."""
        hold = held(excursion, rep)
        if self._pelvis is not None and leg.block is not None:
            rep = replace(rep, compensation_rad=_compensation(self._pelvis, rep, excursion, leg.block))
        rep = leg.judge.push(rep, excursion)
        leg.sets.push(rep)
        return [rep] if hold is None else [hold, rep]


_Event = Excursion | Turned | Slip | Drift | Gap


def _decided_ns(event: _Event) -> int:
    """Return the stream time by which an event is known."""
    match event:
        case Gap():
            return event.end_ns
        case Slip() | Drift():
            return event.t_ns
        case _:
            return event.decided_ns


def _shown(mark: Mark, leg: _Leg) -> Sequence[Rep]:
    """Return the repetitions of the running set that a mark calls done well."""
    sound = [rep for rep in leg.sets.last if rep.verdict is not Verdict.VOID]
    if (numbers := mark.value.get("reps")) is not None:
        return [rep for rep in sound if rep.n in numbers]
    last = int(mark.value["last"])
    return sound[-last:] if last else []


def _compensation(of: pelvis.Pelvis, rep: Rep, found: Excursion, block: Orientation) -> float:
    """Return how far the pelvis leaned during a repetition that was decided in this block; NaN if unknown."""
    if block.host_ns is None:
        return math.nan
    row = min(int(block.t_ns.searchsorted(found.decided_ns)), len(block.t_ns) - 1)
    t_ns, host_ns = int(block.t_ns[row]), int(block.host_ns[row])
    to_ns = min(rep.end_ns, max(rep.peak_ns, t_ns - pelvis.LATE_NS))
    return of.lean(host_ns - (t_ns - rep.start_ns), host_ns - (t_ns - to_ns))


def _closed(leg: _Leg) -> list[Output]:
    """End the set there is."""
    done = leg.sets.end()
    return [done] if done else []


class Pipeline:
    """The whole core: push inputs, get outputs."""

    def __init__(self, params: CoreParams, decoder: Callable[[StreamInfo], Decode]) -> None:
        self._front = Front(params.fusion, decoder)
        self._back = Back(params)

    def push(self, item: Input) -> list[Output]:
        """Return everything this input leads to, in order."""
        out: list[Output] = []
        for seen in self._front.push(item):
            out += self._back.push(seen)
        if not isinstance(item, Packets):
            out += self._back.push(item)
        return out

    def time_map(self, stream: str) -> TimeMap | None:
        """Return where a stream's time lies on this computer's clock; see `Front.time_map`."""
        return self._front.time_map(stream)

    def finish(self) -> list[Output]:
        """Return what the end of the stream decides."""
        return self._back.finish()
