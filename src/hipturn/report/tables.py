"""The tables of a person's report: every figure with its uncertainty, and what was trained."""

from hipturn.core import progress
from hipturn.core.progress import Track
from hipturn.core.results import Movement
from hipturn.history.overview import Course, Overview
from hipturn.report import sheet
from hipturn.report.html import Child, Html, broken, element, joined
from hipturn.report.naming import title
from hipturn.report.words import Say, short

MOST_TESTS, MOST_DRILLS, MOST_ROWS = 6, 8, 13
"""Kinds of tests and drills, a leg each, that the tables show, and both together: the latest."""
HELD_S = 10.0
"""Who held for so long did so on purpose: the time is told."""


def figures(overview: Overview, taken: int, say: Say) -> Html | None:
    """Return the latest test of each kind and leg, and how it went, where so many rows' room is taken.

    None without a test.
    """
    if not overview.tracks:
        return None
    tracks = sorted(overview.tracks, key=lambda track: -track.tested[-1].at_s)
    shown = sorted(tracks[: _tests(taken)], key=lambda track: (track.kind, track.side))
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
    more = sheet.caption(say("more.tests", n=left_out)) if left_out else None
    return sheet.part(say("figures"), sheet.table(heads, rows), more, note=say("latest"))


def _tests(taken: int) -> int:
    """Return how many tests have room where so many rows of others stand: some in any case."""
    return max(3, min(MOST_TESTS, MOST_ROWS - taken))


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


def practice(overview: Overview, taken: int, say: Say) -> Html:
    """Return what was trained, where so many rows' room is taken already."""
    courses = sorted(
        overview.courses, key=lambda course: course.practice[-1].found.start.wall_time, reverse=True
    )
    if not courses:
        return sheet.part(say("practice"), element("p", say("practice.none")))
    # what tests and others leave
    room = MOST_ROWS - min(len(overview.tracks), _tests(taken)) - taken
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
