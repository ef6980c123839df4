"""A person's report: how their ranges went over weeks, on two sheets, pictures first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hipturn import __version__, lines, offline
from hipturn.core import progress
from hipturn.core.progress import Kind, Track
from hipturn.errors import InputError
from hipturn.history.found import Found
from hipturn.history.overview import Overview
from hipturn.model import Direction, Side
from hipturn.offline import Analysis
from hipturn.report import against as held
from hipturn.report import courses, legs, pictures, sheet, tables
from hipturn.report.against import Against, Measured
from hipturn.report.drawn import inline, look
from hipturn.report.html import Child, Html, broken, element, joined
from hipturn.report.naming import title
from hipturn.report.plot import Sheet, figure
from hipturn.report.words import Say, short

MOST_KINDS = 6
"""So many kinds of tests have pictures; the others are named beneath them."""
CROWDED = 5
"""From so many on, weeks and notes stand on the second page."""
ROWS_OF_WEEKS = 5
"""Rows of a table that they take the place of there."""
MOST_NAMED = 3
MOST_NOTES = 3
LONGEST_NOTE = 75
ANGLE_IN = ((8, 2.9), (20, 1.9))
"""Height of the last session's picture where there are up to so many rows of tables."""
LEAST_ANGLE_IN = 1.6


@dataclass(frozen=True, slots=True)
class Last:
    """The last session: its angle, or why that cannot be shown."""

    found: Found
    analysis: Analysis | None
    why: str = ""


def last_of(folder: Path, overview: Overview) -> Last | None:
    """Return a person's last session that measured anything, analysed; None where there is none."""
    found = next((each for each in reversed(overview.sessions) if each.legs), None)
    if found is None:
        return None
    try:
        analysis = offline.analyse(folder / found.name, offline.Request(), keep_angles=True)
    except InputError as error:
        return Last(found, None, str(error))
    if not analysis.angles:
        return Last(found, None, "no angle was measured in it")
    return Last(found, analysis)


def report(
    overview: Overview,
    last: Last | None,
    today: int,
    against: Against,
    say: Say,
    *,
    deidentify: bool = False,
) -> str:
    """Return the report as one HTML file; `today` as a day of `core.progress`.

    `deidentify` leaves out names, dates and notes; `say` then tells days by number.
    """
    if last is not None and deidentify:
        # why it cannot be read names the file
        hidden = None if last.analysis is None else sheet.unnamed(last.analysis)
        last = replace(last, analysis=hidden, why="–")
    kinds = pictures.kinds(overview.tracks)
    shown, more = kinds[:MOST_KINDS], kinds[MOST_KINDS:]
    crowded = len(shown) >= CROWDED
    pairs = _pairs(overview, shown)
    with look():
        weeks = element(
            "div",
            _weeks(overview, today, say),
            _notes(overview, say, deidentify=deidentify),
            class_="two",
        )
        first = joined(
            _head(overview, today, say, deidentify=deidentify),
            _cards(overview, shown, say),
            _progress(overview, shown, more, say, alone=not pairs),
            _sides(overview, pairs, against, say),
            None if crowded else weeks,
        )
        chosen = len(against.groups) + (against.scale is not None)
        taken = (chosen + 2 if chosen else 0) + (ROWS_OF_WEEKS if crowded else 0)
        second = joined(
            _last(last, len(overview.tracks) + len(overview.courses) + taken, say),
            weeks if crowded else None,
            tables.figures(overview, taken, say),
            tables.practice(overview, taken, say),
            held.values(against, _measured(overview, kinds, say), say),
            _method(overview, say),
            sheet.safety(say),
        )
    title = say("title.person")
    return sheet.document(title if deidentify else f"{title}: {overview.name}", (first, second), say)


def _head(overview: Overview, today: int, say: Say, *, deidentify: bool) -> Html:
    days = [at.toordinal() for found in overview.sessions if (at := found.begun)]
    tests = len({tested.session for track in overview.tracks for tested in track.tested})
    first, last = (say.day(day) for day in (min(days), max(days))) if days else ("", "")
    return sheet.head(
        say("title.person"),
        {
            say("person"): None if deidentify else overview.name,
            say("period"): first if first == last else say("period.of", first=first, last=last),
            say("sessions"): say("sessions.of", sessions=len(overview.sessions), tests=tests),
            say("made"): None if deidentify else say.day(today),
        },
    )


def _cards(overview: Overview, kinds: Sequence[Kind], say: Say) -> Html | None:
    """Return the latest ranges of the first of these kinds."""
    if not kinds:
        return element("p", say("progress.none"))
    kind = kinds[0]
    told = []
    for side in Side:
        for track in overview.tracks:
            if track.kind != kind or track.side is not side:
                continue
            for direction in Direction:
                if (trend := progress.trend(track, direction)) is not None:
                    latest = trend.latest.value
                    value = say(
                        "value", value=say.deg(latest.value_rad), error=say.deg(latest.uncertainty_rad)
                    )
                    what = f"{say(direction.value)}, {say(side.value)}"
                    told.append((what, value, _change(track, trend, say), direction is Direction.EXTERNAL))
    return sheet.cards(told)


def _change(track: Track, trend: progress.Trend, say: Say) -> str:
    change = trend.change
    if change is None:
        return say("change.one")
    day = {tested.at_s: tested.day for tested in track.tested}[trend.points[0].at_s]
    key = "change.real" if trend.real else "change.none"
    value, limit = say.deg(change.value_rad, signed=True), say.deg(change.mdc_rad)
    return say(key, value=value, limit=limit, day=say.day(day))


def _kind(kind: Kind, say: Say) -> str:
    return say(
        "kind",
        position=say.place(kind.position),
        movement=say(f"movement.{kind.movement}"),
        zero=say(f"zero.{kind.zero}"),
    )


def _progress(
    overview: Overview, shown: Sequence[Kind], more: Sequence[Kind], say: Say, *, alone: bool
) -> Html | None:
    if not shown:
        return None
    drawn = courses.progressing(overview.tracks, shown, say, alone=alone)
    picture = inline(drawn, "progress", say("progress"))
    told = "; ".join(_kind(kind, say) for kind in more[:MOST_NAMED])
    others = say("progress.more", n=len(more), kinds=told + (" …" if len(more) > MOST_NAMED else ""))
    return sheet.part(
        say("progress"),
        picture,
        sheet.caption(say("progress.caption"), others if more else ""),
        note=_kind(shown[0], say) if len(shown) == 1 else say("progress.kinds", n=len(shown)),
    )


def _pairs(overview: Overview, shown: Sequence[Kind]) -> list[legs.Pair]:
    """Return the legs compared, of each kind that both were tested in."""
    results = {(track.kind, track.side): track.results[-1] for track in overview.tracks}
    compared = {sides.kind: sides for sides in overview.sides}
    return [
        legs.Pair(compared[kind], {side: results[kind, side] for side in Side})
        for kind in shown
        if kind in compared
    ]


def _sides(overview: Overview, pairs: Sequence[legs.Pair], against: Against, say: Say) -> Html | None:
    if not overview.tracks:
        return None
    if not pairs:
        return sheet.part(say("sides"), element("p", say("sides.none")))
    draw = legs.one(pairs[0], against, say) if len(pairs) == 1 else legs.several(pairs, against, say)
    apart = max(pair.sides.days_apart for pair in pairs)
    caption = sheet.caption(
        say("sides.caption"),
        say("sides.bold") if len(pairs) > 1 else "",
        say("sides.apart" if len(pairs) == 1 else "sides.apart.most", days=apart) if apart > 1 else "",
    )
    note = _kind(pairs[0].sides.kind, say) if len(pairs) == 1 else ""
    return sheet.part(say("sides"), inline(draw, "sides", say("sides")), caption, note=note)


# --- the second sheet ---------------------------------------------------------------------------


def _last(last: Last | None, rows: int, say: Say) -> Html | None:
    if last is None:
        return None
    start, at = last.found.start, last.found.begun
    sides = ", ".join(say(leg.side.value) for leg in last.found.legs)
    day = say.day(at.toordinal()) if at else "–"
    note = short(say("last.of", day=day, title=title(start.drill, say), side=sides), 110)
    if last.analysis is None:
        return sheet.part(say("last"), element("p", say("last.missing", why=short(last.why, 160))), note=note)
    height_in = next((height for most, height in ANGLE_IN if rows <= most), LEAST_ANGLE_IN)
    drawn = figure(last.analysis, "", sheet=Sheet(pictures.WIDTH_IN, (height_in,)), say=say.picture)
    counted = sheet.counted(lines.counted(last.analysis.events), say)
    return sheet.part(
        say("last"),
        inline(drawn, "last", say("last")),
        sheet.caption(say("last.caption"), counted),
        note=note,
    )


def _weeks(overview: Overview, today: int, say: Say) -> Html:
    planned = overview.person.sessions_a_week
    days = [at.toordinal() for found in overview.sessions if found.legs and (at := found.begun)]
    # without a plan the weeks are shown all the same, and judged by nothing
    done = overview.adherence or progress.adherence(days, 1, today)
    picture = inline(pictures.weeks(done, planned, say), "weeks", say("adherence")) if done.weeks else None
    told = say("adherence.no-plan")
    if overview.adherence is not None:
        told = say("adherence.plan", planned=planned, reached=done.reached, judged=done.judged)
    return sheet.part(say("adherence"), picture, sheet.caption(told))


def _notes(overview: Overview, say: Say, *, deidentify: bool) -> Html:
    stretch = overview.person.stretch
    told: list[Child] = [say("notes.stretch", stretch=_stretch(stretch, say))] if stretch else []
    if overview.person.note and not deidentify:
        told.append(short(overview.person.note, LONGEST_NOTE))
    noted = [
        line for found in reversed(overview.sessions) if (line := _note(found, say, deidentify=deidentify))
    ]
    told += noted[:MOST_NOTES]
    return sheet.part(say("notes"), element("p", broken(*told) if told else say("notes.none")))


def _stretch(name: str, say: Say) -> str:
    """Return what a stretch is called, without saying again that it is one."""
    called = title(name, say)
    return called.partition(": ")[2] or called


def _note(found: Found, say: Say, *, deidentify: bool) -> Html | None:
    """Return what there is to know of a session besides its figures; None for nothing."""
    at = found.begun
    parts = [
        say("notes.pain", pain=found.pain) if found.pain else "",
        {True: say("notes.warm"), False: say("notes.cold"), None: ""}[found.warmed_up],
        *([] if deidentify else [found.start.note, found.said]),
    ]
    words = ", ".join(short(text, LONGEST_NOTE) for text in parts if text)
    if not words:
        return None
    return joined(
        element("b", say.day(at.toordinal(), short=True) if at else "–"),
        ": ",
        short(words, LONGEST_NOTE),
    )


def _measured(overview: Overview, kinds: Sequence[Kind], say: Say) -> Measured:
    """Return the latest ranges in each position, of the first kind of test there is of it, by leg."""
    first: dict[str, Kind] = {}
    for kind in kinds:
        first.setdefault(kind.position, kind)
    return {
        position: {
            say(track.side.value): {d: each.mean.value_rad for d, each in track.results[-1].ranges.items()}
            for track in overview.tracks
            if track.kind == kind
        }
        for position, kind in first.items()
    }


def _method(overview: Overview, say: Say) -> Html:
    tools = sorted({found.tool for found in overview.sessions if found.driver})
    told = ", ".join(tools[:3]) + (" …" if len(tools) > 3 else "")
    sem = say("method.sem.default")
    if any(track.own_sem for track in overview.tracks):
        sem = f"{sem}; {say('method.sem.own')}"
    return sheet.method(
        say,
        say("method.sensor", tools=short(told, 80), version=__version__),
        say("method.test"),
        say("method.error", sem=sem),
        say("method.reps"),
        say("method.balance"),
    )
