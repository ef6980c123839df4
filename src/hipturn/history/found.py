"""What a recording says was found in it: the results announced live, folded into one record.

Nothing is measured here: the lines were written by the session itself. The trials of a guided test are those
the person was told (`test_result`). In another session a trial is an end range that was held, by the rules of
`core.results`, with the mean over the whole hold in place of its furthest second, which only the samples
know; the two differ by about the hold's own spread.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from hipturn.core import pelvis
from hipturn.core.fusion import ran
from hipturn.core.results import HELD_S, NEAR_PEAK, Conditions, Trial
from hipturn.errors import InputError
from hipturn.lines import Line
from hipturn.model import Direction, LinkUp, Mark, MarkKind, Packets, SessionStart, Side, StreamInfo, Verdict
from hipturn.recording import Reader
from hipturn.units import NS_PER_S, RAD_PER_DEG

TEST = "-rotation"
"""A drill whose name ends so is a test: its held end ranges are results. In the others people stop short."""


@dataclass(frozen=True, slots=True)
class SetOf:
    """A set of repetitions and how the range changed within it."""

    n: int
    reps: int
    controlled: int
    warm_up: float | None
    range_change: float | None
    speed_change: float | None


@dataclass(frozen=True, slots=True)
class Leg:
    """What one leg did in a session."""

    side: Side
    controlled: int
    uncontrolled: int
    void: int
    median_rad: float | None
    """Median range of the repetitions that are not void."""
    best_rad: float | None
    conditions: Conditions | None
    """None without a calibration."""
    held_s: float = 0.0
    """How long it held in all, of the holds long enough to be told."""
    gained_rad: float = 0.0
    """What the range grew by while it held."""
    trials: tuple[Trial, ...] = ()
    """Held end ranges, of a test only."""
    sets: tuple[SetOf, ...] = ()

    @property
    def reps(self) -> int:
        """All repetitions."""
        return self.controlled + self.uncontrolled + self.void


@dataclass(frozen=True, slots=True)
class Found:
    """One recording, as the catalogue keeps it."""

    name: str
    size: int
    mtime_ns: int
    start: SessionStart
    driver: str
    filter: str
    duration_s: float
    holds: int
    gaps: int
    legs: tuple[Leg, ...] = ()
    pain: int | None = None
    """The most that was answered, 0 to 10; None where nobody was asked or nobody answered."""
    said: str = ""
    """Notes made during the session, a line each."""
    problem: str | None = None

    @property
    def tool(self) -> str:
        """With what it was measured: results of different tools are never one trend."""
        return tool(self.driver, self.filter)

    @property
    def warmed_up(self) -> bool | None:
        """What was answered; None where nobody was asked, nobody answered or nothing was measured."""
        return next((leg.conditions.warmed_up for leg in self.legs if leg.conditions), None)

    @property
    def begun(self) -> datetime | None:
        """When, with the offset of the place; None where it does not say."""
        return begun(self.start.wall_time)


def tool(driver: str, filter_: str) -> str:
    """Return with what something was measured: a sensor's driver and the filter that ran."""
    return f"{driver}/{filter_}"


def begun(wall_time: str) -> datetime | None:
    """Return the moment a session's wall time names; one without an offset is the place's own."""
    try:
        at = datetime.fromisoformat(wall_time)
        return at if at.tzinfo else at.astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def session_results(path: Path) -> Found:
    """Return what a recording says; raise `InputError` in one line for one that cannot be read."""
    try:
        return _told(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        # the results in a file may say anything
        raise InputError(f"{path} says what hipturn does not write ({type(error).__name__})") from error


def _told(path: Path) -> Found:
    reader = Reader(path)
    stat = path.stat()
    info: StreamInfo | None = None
    first_ns = last_ns = None
    sides: dict[str, str] = {}
    answers: dict[str, list[Any]] = {}
    said: list[str] = []
    for item in reader.inputs():
        match item:
            case LinkUp() if item.stream != pelvis.ROLE:
                info = info or item.info
            case Packets():
                first_ns = int(item.at_ns[0]) if first_ns is None else first_ns
                last_ns = int(item.at_ns[-1])
            case Mark(kind=MarkKind.SIDE):
                sides.setdefault(item.stream, str(item.value.get("side")))
            case Mark(kind=MarkKind.ANSWER):
                answers.setdefault(str(item.value.get("question")), []).append(item.value.get("value"))
            case Mark(kind=MarkKind.NOTE):
                said.append(str(item.value.get("text")))
            case _:
                pass
    events = [_brief(event) for event in reader.events()]
    warmed_up = next((answer for answer in answers.get("warm", ()) if isinstance(answer, bool)), None)
    wanted = str(reader.session.settings.get("fusion.filter") or "")
    return Found(
        name=path.name,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        start=reader.session,
        driver=info.driver if info else "",
        filter=ran(wanted, info) if info and wanted else wanted,
        duration_s=round(((last_ns or 0) - (first_ns or 0)) / NS_PER_S, 3),
        holds=sum(e.get("type") == "hold" for e in events),
        gaps=sum(e.get("type") == "gap" for e in events),
        legs=tuple(_legs(reader.session, events, sides, warmed_up)),
        pain=max(
            (pain for pain in answers.get("pain", ()) if type(pain) is int and 0 <= pain <= 10), default=None
        ),
        said="\n".join(said),
        problem=reader.problem,
    )


def _brief(event: Line) -> Line:
    """Return of a repetition what is read here: a daemon for months reads recordings of hours."""
    return {key: event[key] for key in _OF_A_REP if key in event} if event.get("type") == "rep" else event


def _legs(
    start: SessionStart, events: Sequence[Line], sides: Mapping[str, str], warmed_up: bool | None
) -> Iterable[Leg]:
    calibrated: dict[str, Line] = {}
    reps: dict[tuple[str, int], Line] = {}
    taken: dict[tuple[str, int], Line] = {}
    under: dict[Side, Line | None] = {}
    told: dict[Any, Line] = {}
    for event in events:
        stream, kind = str(event.get("stream", "")), event.get("type")
        match kind:
            case "calibration":
                calibrated[stream] = event
            case "rep":
                side = _side(event.get("side") or sides.get(stream))
                if side is not None and _whole(event):
                    event["side"] = side
                    reps[stream, event["n"]] = event
                    under[side] = calibrated.get(stream)
            case "undo" | "redo" | "restart":
                there, gone = (taken, reps) if kind == "redo" else (reps, taken)
                for n in event.get("reps") or ():
                    if (rep := there.pop((stream, n), None)) is not None:
                        gone[stream, n] = rep
            case "test_result":
                told[event.get("side")] = event
            case _:
                pass
    for side in Side:
        own = [rep for rep in reps.values() if rep["side"] is side]
        if own:
            yield _leg(start, side, own, events, under[side], warmed_up, told.get(side.value, {}))


def _leg(
    start: SessionStart,
    side: Side,
    reps: Sequence[Line],
    events: Sequence[Line],
    under: Line | None,
    warmed_up: bool | None,
    told: Line,
) -> Leg:
    verdicts = [rep["verdict"] for rep in reps]
    roms = [rep["rom_deg"] * RAD_PER_DEG for rep in reps if rep["verdict"] != Verdict.VOID]
    streams = {rep["stream"] for rep in reps}
    numbers = {(rep["stream"], rep["n"]) for rep in reps}
    holds = [e for e in events if e.get("type") == "hold" and e.get("stream") in streams and _is_hold(e)]
    sets = [e for e in events if e.get("type") == "set" and (e.get("stream"), e.get("first")) in numbers]
    return Leg(
        side=side,
        controlled=verdicts.count(Verdict.CONTROLLED),
        uncontrolled=verdicts.count(Verdict.UNCONTROLLED),
        void=verdicts.count(Verdict.VOID),
        median_rad=median(roms) if roms else None,
        best_rad=max(roms, default=None),
        conditions=_conditions(start, side, under, warmed_up) if under else None,
        held_s=round(sum(hold["end_s"] - hold["start_s"] for hold in holds), 3),
        gained_rad=sum(hold["creep_deg"] for hold in holds) * RAD_PER_DEG,
        trials=tuple(_told_trials(told, side) or (held(reps, holds) if is_test(start.drill) else ())),
        sets=tuple(_set(line) for line in sets),
    )


def _told_trials(told: Line, side: Side) -> list[Trial]:
    """Return the trials of a test's result; none where its line does not have what is read from it."""
    if told.get("side") != side:
        return []
    found = []
    for direction in Direction:
        way = told.get(direction.value)
        for line in (way.get("trials") or ()) if isinstance(way, Mapping) else ():
            if not all(_is_figure(line.get(key)) for key in _TRIAL):
                return []
            value, sd, held_s, start_s, end_s, off_axis, lost, share = (line[key] for key in _TRIAL)
            found.append(
                Trial(
                    direction=direction,
                    value_rad=value * RAD_PER_DEG,
                    sd_rad=sd * RAD_PER_DEG,
                    held_s=held_s,
                    start_ns=round(start_s * NS_PER_S),
                    end_ns=round(end_s * NS_PER_S),
                    off_axis_rad=off_axis * RAD_PER_DEG,
                    lost=int(lost),
                    lost_share=share,
                )
            )
    return found


def is_test(drill: str | None) -> bool:
    """Return whether a drill is a test of the range."""
    return (drill or "").endswith(TEST)


def held(reps: Iterable[Line], holds: Sequence[Line]) -> Iterable[Trial]:
    """Yield the trials among repetitions: those not void that were held for a second near their peak."""
    for rep in reps:
        if rep["verdict"] == Verdict.VOID:
            continue
        sign = 1.0 if rep["direction"] == Direction.INTERNAL else -1.0
        least = sign * rep["peak_deg"] - NEAR_PEAK * rep["rom_deg"]
        near = [
            hold
            for hold in holds
            if hold["stream"] == rep["stream"]
            and rep["start_s"] <= hold["start_s"] < hold["end_s"] <= rep["end_s"]
            and hold["end_s"] - hold["start_s"] >= HELD_S
            and sign * hold["mean_deg"] >= least
        ]
        if not near:
            continue
        hold = max(near, key=lambda one: sign * one["mean_deg"])
        yield Trial(
            direction=Direction(rep["direction"]),
            value_rad=sign * hold["mean_deg"] * RAD_PER_DEG,
            sd_rad=hold["sd_deg"] * RAD_PER_DEG,
            held_s=round(hold["end_s"] - hold["start_s"], 4),
            start_ns=round(hold["start_s"] * NS_PER_S),
            end_ns=round(hold["end_s"] * NS_PER_S),
            off_axis_rad=rep["off_axis_deg"] * RAD_PER_DEG,
            lost=0,
            lost_share=rep["lost_share"],
        )


def _conditions(start: SessionStart, side: Side, under: Line, warmed_up: bool | None) -> Conditions:
    # also by the name of a drill of one's own, such as prone-passive-rotation
    passive = start.movement == "passive" or "passive" in (start.drill or "").split("-")
    return Conditions(
        side=side,
        position=start.position or "",
        movement="passive" if passive else "active",
        zero="gravity" if under.get("zero") == "gravity" else "pose",
        observability=under["observability"] if _is_figure(under.get("observability")) else 0.0,
        grade=under["grade"] if under.get("grade") in ("good", "fair") else "poor",
        heading_dependent=bool(under.get("heading_dependent")),
        warmed_up=warmed_up,
    )


def _set(line: Line) -> SetOf:
    return SetOf(
        *(int(line[k]) if _is_figure(line.get(k)) else 0 for k in ("n", "reps", "controlled")),
        *(line[k] if _is_figure(line.get(k)) else None for k in ("warm_up", "range_change", "speed_change")),
    )


def _side(value: Any) -> Side | None:
    return Side(value) if value in ("left", "right") else None


MOST = 1e9
"""Degrees, seconds and counts are never so many."""
_TRIAL = ("value_deg", "sd_deg", "held_s", "start_s", "end_s", "off_axis_deg", "lost", "lost_share")
_OF_A_HOLD = ("start_s", "end_s", "mean_deg", "sd_deg", "creep_deg")
_NUMBERS = ("n", "start_s", "end_s", "rom_deg", "peak_deg", "off_axis_deg", "lost_share")
_OF_A_REP = ("type", "stream", "side", "direction", "verdict", *_NUMBERS)


def _is_figure(value: Any) -> bool:
    """Return whether it is a number that can be measured: a file may say NaN, infinity or 1e300."""
    return isinstance(value, int | float) and -MOST <= value <= MOST


def _is_hold(event: Line) -> bool:
    """Return whether a hold's line has what is read from it."""
    return all(_is_figure(event.get(key)) for key in _OF_A_HOLD)


def _whole(event: Line) -> bool:
    """Return whether a repetition's line has what is read from it: a file may say anything."""
    return (
        all(_is_figure(event.get(key)) for key in _NUMBERS)
        and event.get("direction") in list(Direction)
        and event.get("verdict") in list(Verdict)
    )
