"""A person's report: how their ranges went over weeks, on two sheets, pictures first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hipturn import __version__, drills, lines, offline
from hipturn.core import progress
from hipturn.core.progress import Kind, Sides, Track
from hipturn.core.references import Group
from hipturn.core.results import Movement
from hipturn.errors import InputError, UsageError
from hipturn.history.found import Found
from hipturn.history.overview import Course, Overview
from hipturn.model import Direction, Side
from hipturn.offline import Analysis
from hipturn.report import pictures, sheet
from hipturn.report.drawn import inline, look
from hipturn.report.html import Child, Html, broken, element, joined
from hipturn.report.plot import Sheet, figure
from hipturn.report.words import Say, short

MOST_TESTS, MOST_DRILLS, MOST_ROWS = 6, 8, 13
"""Kinds of tests and drills, a leg each, that the tables show, and both together: the latest."""
HELD_S = 10.0
"""Who held for so long did so on purpose: the time is told."""
MOST_NOTES = 3
LONGEST_NOTE = 75
ANGLE, TALL_ANGLE, FEW_ROWS = Sheet(pictures.WIDTH_IN, (1.9,)), Sheet(pictures.WIDTH_IN, (2.9,)), 8


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
        analysis = offline.analyse(folder / found.name, offline.Request())
    except InputError as error:
        return Last(found, None, str(error))
    if not analysis.angles:
        return Last(found, None, "no angle was measured in it")
    return Last(found, analysis)


def report(
    overview: Overview,
    last: Last | None,
    today: int,
    groups: Sequence[Group],
    say: Say,
    *,
    deidentify: bool = False,
) -> str:
    """Return the report as one HTML file; `today` as a day of `core.progress`.

    `deidentify` leaves out names, dates and notes; `say` then tells days by number.
    """
    with look():
        first = joined(
            _head(overview, today, say, deidentify=deidentify),
            _cards(overview, say),
            _progress(overview, say),
            _sides(overview, groups, say),
            element(
                "div",
                _weeks(overview, today, say),
                _notes(overview, say, deidentify=deidentify),
                class_="two",
            ),
        )
        second = joined(
            _last(last, len(overview.tracks) + len(overview.courses) + 2 * len(groups), say),
            _figures(overview, say),
            _practice(overview, len(groups), say),
            sheet.reference_values(groups, _measured(overview, say), say),
            _method(overview, say),
            sheet.safety(say),
        )
    title = say("title.person")
    return sheet.document(title if deidentify else f"{title}: {overview.name}", first, second, say)


def _head(overview: Overview, today: int, say: Say, *, deidentify: bool) -> Html:
    days = [at.toordinal() for found in overview.sessions if (at := found.begun)]
    tests = len({tested.session for track in overview.tracks for tested in track.tested})
    first, last = (say.day(day) for day in (min(days), max(days))) if days else ("", "")
    return sheet.head(
        say("title.person"),
        {
            say("person"): None if deidentify else overview.name,
            say("period"): say("period.of", first=first, last=last) if days else None,
            say("sessions"): say("sessions.of", sessions=len(overview.sessions), tests=tests),
            say("made"): None if deidentify else say.day(today),
        },
    )


def _cards(overview: Overview, say: Say) -> Html | None:
    """Return the latest ranges of the kind of test there are most of."""
    if not overview.tracks:
        return element("p", say("progress.none"))
    kind = pictures.kinds(overview.tracks)[0]
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


def _progress(overview: Overview, say: Say) -> Html | None:
    if not overview.tracks:
        return None
    kinds = pictures.kinds(overview.tracks)
    more = kinds[pictures.MOST_KINDS :]
    picture = inline(pictures.progressing(overview.tracks, say), "progress", say("progress"))
    shown = "; ".join(_kind(kind, say) for kind in kinds[: pictures.MOST_KINDS])
    others = say("progress.more", kinds="; ".join(_kind(k, say) for k in more[:3])) if more else ""
    return sheet.part(say("progress"), picture, sheet.caption(say("progress.caption"), others), note=shown)


def _sides(overview: Overview, groups: Sequence[Group], say: Say) -> Html | None:
    if not overview.tracks:
        return None
    order = pictures.kinds(overview.tracks)
    compared = sorted(overview.sides, key=lambda sides: order.index(sides.kind))
    if not compared:
        return sheet.part(say("sides"), element("p", say("sides.none")))
    sides = compared[0]
    # what was measured in another position is in the table of the second sheet only
    fitting = [group for group in groups if group.position in (sides.kind.position, "not told")]
    left, right = (_track(overview, sides, side) for side in Side)
    picture = inline(pictures.legs(sides, left, right, fitting, say), "sides", say("sides"))
    apart = say("sides.apart", days=sides.days_apart) if sides.days_apart > 1 else ""
    return sheet.part(
        say("sides"), picture, sheet.caption(say("sides.caption"), apart), note=_kind(sides.kind, say)
    )


def _track(overview: Overview, sides: Sides, side: Side) -> Track:
    return next(track for track in overview.tracks if track.kind == sides.kind and track.side is side)


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
    drawn = figure(last.analysis, "", sheet=ANGLE if rows > FEW_ROWS else TALL_ANGLE, say=say.picture)
    counted = sheet.counted(lines.counted(last.analysis.events), say)
    return sheet.part(
        say("last"),
        inline(drawn, "last", say("last")),
        sheet.caption(say("last.caption"), counted),
        note=note,
    )


def title(drill: str | None, say: Say) -> str:
    """Return what a drill is called; its name where it is none of this computer's."""
    if not drill:
        return "–"
    try:
        return short(drills.drill(drill).said(say.language).title, 40)
    except (UsageError, InputError):
        return short(drill, 40)


def _figures(overview: Overview, say: Say) -> Html | None:
    if not overview.tracks:
        return None
    tracks = sorted(overview.tracks, key=lambda track: -track.tested[-1].at_s)
    shown = sorted(tracks[:MOST_TESTS], key=lambda track: (track.kind, track.side))
    heads = (
        say("measured"), say("leg"), say("internal"), say("external"), say("arc"), say("balance"),
    )  # fmt: skip
    rows = [
        (
            broken(
                say.place(track.kind.position),
                element(
                    "small", _how(track.kind.movement, say(f"zero.{track.kind.zero}"), track.kind.tool, say)
                ),
            ),
            broken(say(track.side.value), element("small", say("test.n", n=len(track.tested)))),
            *(_cell(track, of, say) for of in progress.OF),
            _balance(track, say),
        )
        for track in shown
    ]
    left_out = len(tracks) - len(shown)
    more = sheet.caption(say("more.rows", n=left_out)) if left_out else None
    return sheet.part(say("figures"), sheet.table(heads, rows), more, note=say("latest"))


def _cell(track: Track, of: progress.Of, say: Say) -> Child:
    trend = progress.trend(track, of)
    if trend is None:
        return "–"
    latest, change = trend.latest.value, trend.change
    value = say("value", value=say.deg(latest.value_rad), error=say.deg(latest.uncertainty_rad))
    if change is None:
        return broken(value, element("small", say("change.one.short")))
    key = "change.real.cell" if trend.real else "change.none.cell"
    told = say(key, value=say.deg(change.value_rad, signed=True), limit=say.deg(change.mdc_rad))
    return broken(value, element("small", told))


def _balance(track: Track, say: Say) -> Child:
    found = progress.balance(track.results[-1])
    if found is None:
        return "–"
    return say("balance.of", value=say.deg(found.value_rad, signed=True), limit=say.deg(found.mdc_rad))


def _practice(overview: Overview, groups: int, say: Say) -> Html:
    courses = sorted(
        overview.courses, key=lambda course: course.practice[-1].found.start.wall_time, reverse=True
    )
    if not courses:
        return sheet.part(say("practice"), element("p", say("practice.none")))
    # what tests and groups leave
    room = MOST_ROWS - min(len(overview.tracks), MOST_TESTS) - (groups + 2 if groups else 0)
    room = max(2, min(MOST_DRILLS, room))
    heads = (
        say("practice.drill"), say("leg"), say("practice.sessions"), say("practice.reps"),
        say("practice.share"), say("practice.last"), say("practice.set"),
    )  # fmt: skip
    rows = [
        (
            broken(
                title(course.drill, say),
                element(
                    "small",
                    _how(course.movement, say.place(course.position), course.tool, say),
                ),
            ),
            say(course.side.value),
            str(len(course.practice)),
            str(course.reps),
            "–" if course.share is None else say.share(course.share),
            *_last_time(course, say),
        )
        for course in courses[:room]
    ]
    left_out = len(courses) - len(rows)
    more = sheet.caption(say("more.rows", n=left_out)) if left_out else None
    return sheet.part(say("practice"), sheet.table(heads, rows, (2, 3, 4)), more)


def _how(movement: Movement, what: str, tool: str, say: Say) -> str:
    return ", ".join((say(f"movement.{movement}"), short(what, 24), short(tool, 24)))


def _last_time(course: Course, say: Say) -> tuple[Child, Child]:
    last = course.practice[-1]
    judged = last.leg.controlled + last.leg.uncontrolled
    counted = say("practice.of", controlled=last.leg.controlled, reps=judged)
    held = ""
    if last.leg.held_s >= HELD_S:
        gained = say.deg(last.leg.gained_rad, signed=True)
        held = say("practice.held", seconds=say.number(last.leg.held_s, 0), gained=gained)
    longest = last.longest
    if longest is None or longest.warm_up is None or longest.range_change is None:
        return joined(", ".join(filter(None, (counted, held)))), "–"
    within = say(
        "practice.within",
        warm=say.share(longest.warm_up, signed=True),
        end=say.share(longest.range_change, signed=True),
    )
    return joined(", ".join(filter(None, (counted, held)))), within


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


def _measured(overview: Overview, say: Say) -> dict[str, dict[Direction, float]]:
    """Return the latest ranges of the kind of test there are most of, by leg."""
    if not overview.tracks:
        return {}
    kind = pictures.kinds(overview.tracks)[0]
    return {
        say(track.side.value): {d: each.mean.value_rad for d, each in track.results[-1].ranges.items()}
        for track in overview.tracks
        if track.kind == kind
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
