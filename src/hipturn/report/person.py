"""A person's report: how their ranges went over weeks, on two sheets, pictures first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hipturn import __version__, lines, offline
from hipturn.core import progress
from hipturn.core.progress import Kind, Sides, Track
from hipturn.core.references import Group
from hipturn.errors import InputError
from hipturn.history.found import Found
from hipturn.history.overview import Overview
from hipturn.model import Direction, Side
from hipturn.offline import Analysis
from hipturn.report import pictures, sheet, tables
from hipturn.report.drawn import inline, look
from hipturn.report.html import Child, Html, broken, element, joined
from hipturn.report.naming import title
from hipturn.report.plot import Sheet, figure
from hipturn.report.words import Say, short

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
    if last is not None and deidentify:
        # why it cannot be read names the file
        hidden = None if last.analysis is None else sheet.unnamed(last.analysis)
        last = replace(last, analysis=hidden, why="–")
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
            tables.figures(overview, say),
            tables.practice(overview, len(groups), say),
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
            say("period"): first if first == last else say("period.of", first=first, last=last),
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
