"""One session's report: what was measured, what came out and how, the picture first.

A short session is one sheet, a longer one two. The picture of the angle is as high as the others leave it;
what they take is reckoned from their rows, in inches of a sheet's height.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hipturn import __version__, lines
from hipturn.core import progress, results, trace
from hipturn.core.fusion import ran
from hipturn.core.results import Conditions, Result
from hipturn.history.found import begun, is_test, session_results, tool
from hipturn.model import Calibrated, Direction, Gap, Hold, Rep, SetDone
from hipturn.offline import Analysis
from hipturn.report import against as held
from hipturn.report import pictures, sheet, trials
from hipturn.report.against import Against, Measured
from hipturn.report.drawn import inline, look
from hipturn.report.html import Child, Html, broken, element, joined
from hipturn.report.naming import title
from hipturn.report.plot import STRIP_REPS, STRIP_S, Sheet, figure
from hipturn.report.words import Say, short
from hipturn.units import DEG_PER_RAD, NS_PER_S

ROOM_IN = 10.4
"""What a sheet has between its margins, above its foot."""
LEAST_IN, MOST_IN = 1.6, (4.6, 6.4, 7.4, 8.2)
"""Height of the angle's picture: the least that is readable, and the most for one to four strips."""
BARS_IN, MOST_BARS_IN = 1.25, 2.6
HEADING_IN, ROW_IN, SMALL_IN, LINE_IN = 0.33, 0.187, 0.136, 0.16
"""Of a part's heading with the air above it, a table's row, a line of small and one of usual letters."""
HALF, SMALL, USUAL = 52, 150, 140
"""Letters that a line holds at least: of half a sheet's width, of small ones, of the safety words."""
BESIDE = 10
"""So many repetitions have room in one column, beside data and notes."""
MOST_REPS = 56
"""Repetitions in the list; of more there are figures and the picture."""
MOST_SETS = 6


@dataclass(frozen=True, slots=True)
class Answers:
    """What the person said in the session."""

    warmed_up: bool | None
    pain: int | None
    said: str


def answers(path: Path) -> Answers:
    """Return what is in the recording of that; raise `InputError` for one that cannot be read."""
    found = session_results(path)
    return Answers(found.warmed_up, found.pain, found.said)


def report(
    name: str,
    analysis: Analysis,
    told: Answers,
    against: Against,
    say: Say,
    *,
    deidentify: bool = False,
) -> str:
    """Return the report as one HTML file; `deidentify` leaves out names, serial numbers, dates and notes."""
    analysis = sheet.unnamed(analysis) if deidentify else analysis
    reps = lines.counted(analysis.events)
    result = _result(analysis, reps)
    # what nothing was tested for is held against nothing
    against = against if result else held.NOTHING
    measured, notes = _data(analysis, told, say, deidentify=deidentify)
    method = _method(analysis, say)
    last_in = _values_in(against) + _words_in(method, say)
    data_in = HEADING_IN + LINE_IN * _lines(measured, HALF), HEADING_IN + LINE_IN * _lines([notes], HALF)
    room = _Room.of(analysis, reps, result, last_in, data_in)
    heights_in, bars_in = room.angle_in, room.bars_in
    with look():
        angle = figure(analysis, name, sheet=Sheet(pictures.WIDTH_IN, heights_in), say=say.picture)
        bars = _bars(reps, bars_in, say) if bars_in else None
        data = (
            sheet.part(say("data"), element("p", broken(*measured))),
            sheet.part(say("notes"), element("p", notes)),
        )
        first = joined(
            _head(name, analysis, say, deidentify=deidentify),
            _cards(result, say) if result else element("p", element("b", sheet.counted(reps, say))),
            sheet.part(
                say("angle"), inline(angle, "angle", say("angle")), sheet.caption(say("last.caption"))
            ),
            _test(analysis, result, against, say),
            bars if room.sheets == 1 else None,
            _sets(analysis, say),
        )
        beside = room.sheets == 1 and len(reps) <= BESIDE
        second = joined(
            bars if room.sheets == 2 else None,
            element(
                "div",
                _repetitions(reps, room.reps, 1, say),
                element("div", *data, class_="stack"),
                class_="two",
            )
            if beside
            else joined(_repetitions(reps, room.reps, 2, say), element("div", *data, class_="two")),
            held.values(against, _measured(result, say), say),
            sheet.method(say, *method),
            sheet.safety(say),
        )
    heading = say("title.session")
    sheets = (joined(first, second),) if room.sheets == 1 else (first, second)
    return sheet.document(heading if deidentify else f"{heading}: {name}", sheets, say)


@dataclass(frozen=True, slots=True)
class _Room:
    """How many sheets it takes, and what height is left for the pictures, in inches."""

    sheets: int
    angle_in: tuple[float, ...]
    """Of one strip, of two, and so on."""
    bars_in: float
    """0 for no picture of the repetitions one by one: a test has one of its own."""
    reps: int
    """So many are listed."""

    @classmethod
    def of(
        cls,
        analysis: Analysis,
        reps: Sequence[Rep],
        result: Result | None,
        last_in: float,
        data_in: tuple[float, float],
    ) -> "_Room":
        """Share it out: one sheet where a recording in one strip is readable on it beside all the others.

        `last_in` is the height of what stands last in any case, `data_in` of data and of notes at half width.
        """
        bars_in = BARS_IN if reps and result is None else 0.0
        drawn_in = bars_in and bars_in + HEADING_IN
        rows = min(len(reps), MOST_REPS)
        two_columns_in = HEADING_IN + ROW_IN * (-(-rows // 2) + 1) + max(data_in)
        one_column_in = max(HEADING_IN + ROW_IN * (rows + 1), sum(data_in))
        listed_in = one_column_in if rows <= BESIDE else two_columns_in
        above_in = _above_in(analysis, result)
        left_in = ROOM_IN - above_in - last_in - listed_in - drawn_in
        streams = len({block.stream for block in analysis.angles})
        one_strip = analysis.duration_ns <= STRIP_S * NS_PER_S and len(reps) <= STRIP_REPS
        if one_strip and streams == 1 and left_in >= LEAST_IN:
            return cls(1, (min(left_in, MOST_IN[0]),), bars_in, rows)
        # what is left behind all others, less heading, head of the table and what tells of more
        list_in = ROOM_IN - last_in - max(data_in) - drawn_in - HEADING_IN - ROW_IN - SMALL_IN
        rows = min(rows, 2 * int(list_in / ROW_IN))
        behind_in = ROOM_IN - HEADING_IN - last_in - two_columns_in
        heights_in = tuple(min(ROOM_IN - above_in, most) for most in MOST_IN[min(streams, 4) - 1 :])
        return cls(2, heights_in, bars_in and max(bars_in, min(behind_in, MOST_BARS_IN)), rows)


def _above_in(analysis: Analysis, result: Result | None) -> float:
    """Return the height of what stands with the angle's picture on any sheet."""
    sets = min(len(_sets_of(analysis)), MOST_SETS)
    table_in = HEADING_IN + ROW_IN * (sets + 1) + SMALL_IN if sets else 0.0
    came_out_in = 0.26 + SMALL_IN
    if result is not None:
        rows_in = ROW_IN * (len(result.ranges) + 1) + SMALL_IN
        came_out_in = 0.57 + HEADING_IN + trials.ranges_in(result) + rows_in
    head_in, angle_in = 0.75, HEADING_IN + SMALL_IN
    return head_in + angle_in + came_out_in + table_in


def _values_in(against: Against) -> float:
    """Return the height of what results are held against, in words."""
    height_in = HEADING_IN if against.groups or against.scale else 0.0
    if against.groups:
        height_in += ROW_IN + (ROW_IN + SMALL_IN) * len(against.groups) + SMALL_IN
    return height_in + (3 * SMALL_IN if against.scale else 0.0)


def _words_in(method: Sequence[str], say: Say) -> float:
    """Return the height of the method and of the safety words in their frame."""
    return HEADING_IN + SMALL_IN * _lines(method, SMALL) + LINE_IN * _lines([say("safety")], USUAL) + 0.25


def _lines(texts: Sequence[str], letters: int) -> int:
    """Return how many lines paragraphs take, at most."""
    return sum(-(-len(text) // letters) for text in texts)


def _head(name: str, analysis: Analysis, say: Say, *, deidentify: bool) -> Html:
    start = analysis.start
    at: datetime | None = None if deidentify else begun(start.wall_time)
    minutes, seconds = divmod(round(analysis.duration_ns / NS_PER_S), 60)
    return sheet.head(
        say("title.session"),
        {
            say("person"): None if deidentify else start.person,
            say("date.of"): None if at is None else f"{say.day(at.toordinal())}, {at:%H:%M}",
            say("drill"): title(start.drill, say) if start.drill else None,
            say("leg"): say(analysis.side.value) if analysis.side else None,
            say("position"): say.place(start.position) if start.position else None,
            say("duration"): say("duration.of", minutes=minutes, seconds=seconds),
            say("sensor"): _tool(analysis),
        },
        "" if deidentify else name,
    )


def _tool(analysis: Analysis) -> str:
    """Return with what it was measured, as the history says it."""
    used = ran(str(analysis.settings["fusion.filter"]), analysis.info)
    return tool(analysis.info.driver, used)


# --- what came out ------------------------------------------------------------------------------


def _result(analysis: Analysis, reps: Sequence[Rep]) -> Result | None:
    """Return the result of a test, of the leg it is about; None for a drill or where nothing was held."""
    if not is_test(analysis.start.drill) or analysis.side is None:
        return None
    under = [event for event in analysis.events if isinstance(event, Calibrated)][-1]
    blocks = [block for block in analysis.angles if block.stream == under.stream]
    trials = results.trials(trace.joined(blocks), [r for r in reps if r.stream == under.stream])
    if not trials:
        return None
    conditions = Conditions(
        analysis.side,
        analysis.start.position or "",
        "passive" if analysis.start.movement == "passive" else "active",
        under.calibration.zero,
        under.observability,
        under.calibration.grade,
        under.heading_dependent,
    )
    return results.result(conditions, trials)


def _cards(result: Result, say: Say) -> Html:
    side = say(result.conditions.side.value)
    told = [
        (
            f"{say(str(of))}, {side}",
            say("value", value=say.deg(size.value_rad), error=say.deg(size.uncertainty_rad)),
            "",
            of is Direction.EXTERNAL,
        )
        for of in progress.OF
        if (size := progress.value(result, of)) is not None
    ]
    return sheet.cards(told)


def _test(analysis: Analysis, result: Result | None, against: Against, say: Say) -> Html | None:
    if result is None:
        return element("p", say("result.none")) if is_test(analysis.start.drill) else None
    heads = ("", say("measured"), say("result.trials"), say("result.spread"), say("result.best"))
    rows = [
        (
            say(direction.value),
            say("value", value=say.deg(each.mean.value_rad), error=say.deg(each.mean.uncertainty_rad)),
            ", ".join(say.deg(trial.value_rad) for trial in each.trials[:8]),
            "–" if each.sd_rad is None else say.deg(each.sd_rad),
            say.deg(each.best_rad),
        )
        for direction, each in result.ranges.items()
    ]
    balance = progress.balance(result)
    more: Child = None
    if balance is not None:
        size = say(
            "balance.of", value=say.deg(balance.value_rad, signed=True), limit=say.deg(balance.mdc_rad)
        )
        more = sheet.caption(f"{say('balance')}: {size}")
    drawn = inline(trials.ranges(result, against, say), "ranges", say("results"))
    return sheet.part(say("results"), drawn, sheet.table(heads, rows), more)


def _bars(reps: Sequence[Rep], height_in: float, say: Say) -> Html:
    drawn = inline(trials.bars(reps, height_in, say), "bars", say("bars"))
    return sheet.part(say("bars"), drawn, note=say("bars.note"))


def _sets_of(analysis: Analysis) -> list[SetDone]:
    """Return a drill's sets; a test is not judged by them."""
    if is_test(analysis.start.drill):
        return []
    return [event for event in analysis.events if isinstance(event, SetDone)]


def _sets(analysis: Analysis, say: Say) -> Html | None:
    found = _sets_of(analysis)
    if not found:
        return None
    heads = (
        say("set"), say("repetitions"), say("verdict.controlled"), say("set.warm"), say("set.end"),
        say("set.speed"),
    )  # fmt: skip

    def share(value: float | None) -> str:
        return "–" if value is None else say.share(value, signed=True)

    rows = [
        (
            say("set.n", n=each.n),
            str(each.reps),
            str(each.controlled),
            share(each.warm_up),
            share(each.range_change),
            share(each.speed_change),
        )
        for each in found[:MOST_SETS]
    ]
    more = sheet.caption(say("more.rows", n=len(found) - MOST_SETS)) if len(found) > MOST_SETS else None
    return sheet.part(say("sets"), sheet.table(heads, rows, range(1, 6)), more)


# --- in what way --------------------------------------------------------------------------------


def _repetitions(reps: Sequence[Rep], most: int, columns: int, say: Say) -> Html:
    """Return the list of repetitions, and how many more there are."""
    if not reps:
        return sheet.part(say("repetitions"), element("p", say("counts.none")))
    shown = reps[:most]
    each_has = -(-len(shown) // columns)
    leaned = any(rep.compensation_rad is not None for rep in reps)
    heads = [say("rep.n"), say("rep.range"), say("rep.speed"), say("rep.hold"), say("rep.verdict")]
    if leaned:
        heads.insert(4, say("rep.pelvis"))
    tables = [
        sheet.table(
            heads,
            [_row(rep, leaned, say) for rep in each],
            range(len(heads) - 1),
            [rep.verdict.value for rep in each],
        )
        for each in (shown[n : n + each_has] for n in range(0, len(shown), each_has))
    ]
    more = sheet.caption(say("more.rows", n=len(reps) - len(shown))) if len(reps) > len(shown) else None
    note = sheet.counted(reps, say) if columns > 1 else ""
    listed = tables[0] if columns == 1 else element("div", *tables, class_="two")
    return sheet.part(say("repetitions"), listed, more, note=note)


def _row(rep: Rep, leaned: bool, say: Say) -> Sequence[Child]:
    sign = 1.0 if rep.direction is Direction.INTERNAL else -1.0
    why = ", ".join(say.known("reason", reason) for reason in rep.reasons)
    lean = rep.compensation_rad
    return (
        str(rep.n),
        say.deg(sign * rep.rom_rad, signed=True),
        f"{say.number(rep.peak_speed_radps * DEG_PER_RAD, 0)}°/s",
        f"{say.number(rep.hold_s)} s",
        *(["–" if lean is None or math.isnan(lean) else say.deg(lean)] if leaned else []),
        short(why, 40) or say(f"verdict.{rep.verdict.value}"),
    )


def _data(analysis: Analysis, told: Answers, say: Say, *, deidentify: bool) -> tuple[list[str], str]:
    """Return how well it was measured, a paragraph each, and what was said."""
    under = [event for event in analysis.events if isinstance(event, Calibrated)][-1].calibration
    gaps = sum(isinstance(event, Gap) for event in analysis.events)
    holds = sum(isinstance(event, Hold) for event in analysis.events)
    rate = say.number(analysis.info.rate_hz, 0)
    said = [] if deidentify else [analysis.start.note, *told.said.splitlines()]
    warm = {True: say("notes.warm"), False: say("notes.cold"), None: ""}[told.warmed_up]
    pain = "" if told.pain is None else say("notes.pain", pain=told.pain)
    notes = ", ".join(short(text, 120) for text in (warm, pain, *said) if text)
    grade = say.picture(under.grade)
    zero, share = say(f"zero.{under.zero}"), say.share(under.axis_share)
    calibrated = say("calibration.of", grade=grade, zero=zero, share=share)
    counted = say("data.of", samples=analysis.samples, rate=rate, gaps=gaps, holds=holds)
    problem = short(analysis.problem or "", 160)
    return [f"{say('calibration')}: {calibrated}", counted, problem], short(notes, 260) or say("notes.none")


def _measured(result: Result | None, say: Say) -> Measured:
    if result is None:
        return {}
    ranges = {direction: each.mean.value_rad for direction, each in result.ranges.items()}
    return {result.conditions.position: {say(result.conditions.side.value): ranges}}


def _method(analysis: Analysis, say: Say) -> list[str]:
    drifts = any(isinstance(event, Calibrated) and event.heading_dependent for event in analysis.events)
    texts = [say("method.sensor", tools=short(_tool(analysis), 60), version=__version__)]
    if is_test(analysis.start.drill):
        texts += [say("method.test"), say("method.error.one", sem=say("method.sem.default"))]
        texts.append(say("method.balance"))
    texts.append(say("method.reps"))
    if drifts:
        texts.append(say("method.heading"))
    return texts
