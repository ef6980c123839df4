"""The pipeline over a recording, as fast as it goes: the same core as live, another source."""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from hipturn import config, drivers, lines, offline_vqf, places
from hipturn.core import calibration as calibrations
from hipturn.core import pelvis
from hipturn.core.fusion import ACAUSAL
from hipturn.core.pipeline import Back, CoreParams, Front, Seen
from hipturn.core.verdict import demonstrated
from hipturn.errors import InputError, UsageError
from hipturn.model import (
    Calibrated,
    Calibration,
    HipAngle,
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Orientation,
    Output,
    Packets,
    Rep,
    SessionStart,
    Side,
    StreamInfo,
)
from hipturn.recording import Reader
from hipturn.small import small_text
from hipturn.sources.vetted import vetted
from hipturn.units import NS_PER_S

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Request:
    """What to do with a recording beyond what it says itself."""

    settings: config.Settings = field(default_factory=dict)
    """Settings that override the recording's own."""
    calibration: Calibration | str | None = None
    """A calibration to use instead of the recording's, or ``"auto"``."""
    side: Side | None = None
    reference: str | None = None
    """``FILE[@from:to]``: repetitions to take range and tempo from."""


@dataclass(slots=True)
class Analysis:
    """What came out of a recording."""

    start: SessionStart
    info: StreamInfo
    settings: config.Settings
    side: Side | None = None
    events: list[Output] = field(default_factory=list)
    """Everything but the blocks of samples."""
    cut_at: int | None = None
    """How many of the events were there when it broke off, the others are its end's; None if it did not."""
    keeps_angles: bool = False
    angles: list[HipAngle] = field(default_factory=list)
    """Of every sample, where they are kept."""
    samples: int = 0
    duration_ns: int = 0
    max_rad: float = -math.inf
    min_rad: float = math.inf
    elapsed_s: float = 0.0
    problem: str | None = None
    """What is damaged or missing in the file, in one line."""

    @property
    def reps(self) -> list[Rep]:
        """The repetitions found."""
        return [e for e in self.events if isinstance(e, Rep)]

    @property
    def at_cut(self) -> list[lines.Line]:
        """The last of the events' lines: those that nobody could be told, because the session broke off."""
        return [] if self.cut_at is None else _lines(self.events[self.cut_at :])

    def lines(self, recording: str) -> tuple[lines.Line, list[lines.Line], lines.Line]:
        """Return head, events and summary as JSON objects."""
        head = lines.session(
            self.start,
            self.info,
            recording=recording,
            side=self.side,
            samples=self.samples,
            duration_ns=self.duration_ns,
            settings=self.settings,
        )
        events = _lines(self.events)
        tail = lines.count(self.events).summary(
            max_rad=self.max_rad, min_rad=self.min_rad, elapsed_s=self.elapsed_s
        )
        return head, events, tail

    def add(self, output: Output) -> None:
        """Take in one output."""
        match output:
            case Orientation(stream=pelvis.ROLE):
                pass
            case Orientation():
                self.samples += len(output.t_ns)
                self.duration_ns = max(self.duration_ns, int(output.t_ns[-1]))
            case HipAngle():
                if self.keeps_angles:
                    self.angles.append(output)
                self.max_rad = max(self.max_rad, float(output.angle_rad.max()))
                self.min_rad = min(self.min_rad, float(output.angle_rad.min()))
            case _:
                self.events.append(output)


def _lines(events: Iterable[Output]) -> list[lines.Line]:
    return [line for event in events if (line := lines.line(event))]


def analyse(
    path: Path,
    request: Request,
    *,
    keep_angles: bool = False,
    pace: Callable[[Iterable[Input]], Iterable[Input]] = lambda inputs: inputs,
    on_event: Callable[[Output], None] | None = None,
) -> Analysis:
    """Return what the pipeline makes of a recording; raise `InputError` or `UsageError` in one line.

    `keep_angles` keeps the angle of every sample, which takes memory and time that few need. `on_event`
    hears each output as soon as it is there, which is of interest with a `pace` that holds inputs back until
    their time has come.
    """
    begun = time.perf_counter()
    reader = Reader(path)
    settings = config.effective(places.config_file(), reader.session.settings, request.settings)
    params = config.core_params(settings)
    if request.reference is not None:
        params = _with_reference(params, request)
    result: Analysis | None = None
    early: list[Output] = []
    linked = False
    back = Back(params)
    inputs = pace(vetted(reader.inputs(), path.name))
    for item in _calibrated(_front(inputs, params, request, path), request, path):
        if isinstance(item, LinkUp | LinkDown) and item.stream != pelvis.ROLE:
            linked = isinstance(item, LinkUp)
        if isinstance(item, LinkUp) and item.stream != pelvis.ROLE and result is None:
            result = Analysis(reader.session, item.info, settings, keeps_angles=keep_angles)
        if result is None:
            # what the session is about counts from its first input on, and a second sensor may be there first
            early += back.push(item)
            continue
        if isinstance(item, Mark) and item.kind is MarkKind.SIDE:
            result.side = Side(item.value["side"])
        for output in (*early, *back.push(item)):
            result.add(output)
            if on_event:
                on_event(output)
        early.clear()
    if result is None or result.samples == 0:
        raise InputError(f"{path.name}: no sample is in it{': ' + reader.problem if reader.problem else ''}")
    if linked:
        # whoever ends a session ends the link first
        result.cut_at = len(result.events)
    for output in back.finish():
        result.add(output)
        if on_event:
            on_event(output)
    if not any(isinstance(e, Calibrated) for e in result.events):
        raise InputError(
            f"{path.name}: the recording carries no calibration: add --calibration auto, or a file of "
            "'hipturn calibrate'"
        )
    result.problem = reader.problem
    result.elapsed_s = time.perf_counter() - begun
    return result


def _front(
    inputs: Iterable[Input], params: CoreParams, request: Request, path: Path
) -> Iterator[Input | Seen]:
    """Yield what the back needs: orientation, links and marks, requested ones in place of recorded ones."""
    acausal = params.fusion.filter in ACAUSAL
    source: Iterable[Input | Seen] = (
        offline_vqf.fused(inputs, params.fusion, drivers.decoder) if acausal else inputs
    )
    # with hindsight everything is fused already
    front = None if acausal else Front(params.fusion, drivers.decoder)
    for item in source:
        match item:
            case LinkUp() if params.fusion.filter == "device" and not item.info.has_quaternion:
                raise UsageError(
                    f"fusion.filter=device: the sensor of {path.name} sent no orientation of its own: "
                    "choose another filter, such as vqf"
                )
            case Mark(kind=MarkKind.CALIBRATION) if request.calibration is not None:
                continue
            case Mark(kind=MarkKind.SIDE) if request.side is not None:
                continue
            case Packets() if front is not None:
                yield from front.push(item)
            case _:
                if front is not None and not isinstance(item, Seen):
                    front.push(item)
                yield item
        if isinstance(item, LinkUp) and request.side is not None:
            yield Mark(item.stream, item.at_ns, MarkKind.SIDE, {"side": request.side.value})


def _calibrated(items: Iterator[Input | Seen], request: Request, path: Path) -> Iterator[Input | Seen]:
    """Yield the items with the requested calibration placed before the first sample."""
    if request.calibration is None:
        yield from items
        return
    if isinstance(request.calibration, Calibration):
        found = request.calibration
    else:
        kept = list(items)
        if not any(isinstance(item, Orientation) and item.stream != pelvis.ROLE for item in kept):
            yield from kept  # nothing to estimate from: why, is told when all is read
            return
        found = _auto(kept, path)
        items = iter(kept)
    placed: set[str] = set()
    for item in items:
        if isinstance(item, Orientation) and item.stream not in placed:
            placed.add(item.stream)
            yield Mark(item.stream, HostNs(0), MarkKind.CALIBRATION, calibrations.to_dict(found))
        yield item


def _auto(items: list[Input | Seen], path: Path) -> Calibration:
    """Return a calibration estimated from all the orientation there is."""
    blocks = [i for i in items if isinstance(i, Orientation) and i.stream != pelvis.ROLE]
    links = [i for i in items if isinstance(i, LinkUp) and i.stream != pelvis.ROLE]
    sides = [item.value["side"] for item in items if isinstance(item, Mark) and item.kind is MarkKind.SIDE]
    first = [block for block in blocks if block.stream == blocks[0].stream]
    try:
        return calibrations.auto(
            calibrations.join(first),
            outward_normal_sensor=links[0].info.outward_normal_sensor,
            side=Side(sides[0]) if sides else None,
        )
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def _with_reference(params: CoreParams, request: Request) -> CoreParams:
    """Return the parameters with range and tempo taken from the reference repetitions."""
    path, from_s, to_s = parse_reference(request.reference or "")
    plain = Request(settings=request.settings, calibration=request.calibration, side=request.side)
    try:
        reps = analyse(path, plain).reps
    except InputError:
        # a reference recorded elsewhere may carry no calibration although the recording does
        reps = analyse(path, Request(settings=request.settings, calibration=AUTO, side=request.side)).reps
    inside = [r for r in reps if from_s <= r.start_ns / NS_PER_S and r.end_ns / NS_PER_S <= to_s]
    if not inside:
        raise InputError(
            f"--reference {request.reference}: no repetition lies wholly in it; "
            f"{path.name} has {len(reps)}"
            + (f", the first ends at {reps[0].end_ns / NS_PER_S:.1f} s" if reps else "")
        )
    standard = demonstrated(inside, params.standard)
    if "reps.min_fraction" in request.settings and standard.target_rad is None:
        # asked for by name: that share of the range shown, in place of what the person's own spread allows
        standard = replace(standard, target_rad=median(rep.rom_rad for rep in inside))
    return replace(params, standard=standard)


def parse_reference(text: str) -> tuple[Path, float, float]:
    """Return file and time range in s of ``FILE[@from:to]``; either end may be left out."""
    name, at, span = text.rpartition("@")
    begin, colon, end = span.partition(":")
    if not (at and colon) or Path(text).exists():
        return Path(text), 0.0, math.inf
    try:
        from_s, to_s = float(begin or 0.0), float(end or math.inf)
    except ValueError:
        from_s = to_s = math.nan
    if not from_s >= 0.0 or math.isnan(to_s):
        raise UsageError(f"--reference {text}: write the range as @from:to in seconds, like @0:25")
    if not from_s < to_s:
        raise UsageError(f"--reference {text}: the range ends before it begins")
    return Path(name), from_s, to_s


def read_calibration(path: Path) -> Calibration:
    """Return the calibration of a file that `hipturn calibrate` wrote."""
    try:
        # every number as a float: a whole one may be too large for one
        value: Any = json.loads(small_text(path), parse_int=float)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not a calibration file ({error}): make one with 'hipturn calibrate'"
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a calibration file: make one with 'hipturn calibrate'")
    try:
        return calibrations.from_dict(value)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
