"""Laws of the report: two sheets whatever is in it, nothing from elsewhere, the figures of the history."""

import functools
import json
import math
import re
import string
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes

from cli_runs import done, drill, record, refused, run
from hipturn import offline
from hipturn.cli.report import MOST_GROUPS
from hipturn.coach import words as coach_words
from hipturn.core import progress, references
from hipturn.core.positions import POSITIONS
from hipturn.history import Catalogue
from hipturn.history.overview import Overview, overview
from hipturn.history.people import Person
from hipturn.model import Direction, Rep, Side, Verdict
from hipturn.recording import Reader, Writer
from hipturn.report import against, courses, heights, legs, pdf, person, pictures
from hipturn.report import session as one_session
from hipturn.report.against import NOTHING, Against
from hipturn.report.html import Html, element
from hipturn.report.words import CATALOGUES, PICTURES, Say, short
from hipturn.units import DEG_PER_RAD
from histories import FIRST, RECORDINGS, session, weeks
from pages import inked, pages, parsed, printed

TODAY = FIRST.toordinal() + 70
LONG = "Wolfeschlegelsteinhausenbergerdorff " * 6


def followed(folder: Path, name: str = "P-07") -> tuple[Overview, person.Last | None]:
    with Catalogue(folder) as catalogue:
        found = catalogue.overview(name, TODAY)
    return found, person.last_of(folder, found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight weeks of tests of both legs, the left one gaining; drills; a stretch, a plan, notes."""
    place = tmp_path_factory.mktemp("recordings")
    weeks(place, [0.0, 1.2, 1.9, 3.1, 4.0, 5.2, 5.9, 7.1])
    for n in range(8):
        at = FIRST + timedelta(days=7 * n, hours=1)
        session(place, drill="mishaps", at=at, note="after a hot shower")
    with Catalogue(place) as catalogue:
        catalogue.describe_person("P-07", stretch="hurdle", plan=2, note="operated in 2019")
    return place


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much of everything, and as long, as there can be: more kinds, drills, notes than have room."""
    place = tmp_path_factory.mktemp("full")
    for n in range(6):
        at = FIRST + timedelta(days=9 * n)
        for position in ("prone", "seated", "side-lying", LONG):
            for movement in ("active", "passive"):
                for side in Side:
                    session(
                        place, person=LONG[:190], side=side, at=at, position=position, movement=movement,
                        more_deg=3.0 * n, name=f"{n}-{position[:10]}-{movement}-{side}.mcap",
                    )  # fmt: skip
        for k in range(12):
            name = f"d-{n}-{k}.mcap"
            session(
                place, person=LONG[:190], drill="mishaps", called=f"{k} {LONG}", position=LONG,
                note=f"{k} {LONG}", at=at + timedelta(hours=k), name=name,
            )  # fmt: skip
    return place


@functools.cache
def reported(name: str, folder: Path, say: Say, groups: int = 0, *, deidentify: bool = False) -> str:
    found, last = followed(folder, name)
    return person.report(found, last, TODAY, chosen(groups), say, deidentify=deidentify)


def chosen(groups: int) -> Against:
    """So many groups, and the scale with as many as there may be."""
    scale = references.SCALES["prone-internal"] if groups == MOST_GROUPS else None
    return Against(tuple(references.GROUPS.values())[3 : 3 + groups], scale)


# --- two sheets ---------------------------------------------------------------------------------


def test_a_report_is_two_pages_of_a4(folder: Path, tmp_path: Path) -> None:
    """With what belongs on each: pictures and changes first, figures, method and the safety words behind."""
    path = tmp_path / "report.html"
    path.write_text(reported("P-07", folder, Say(), 2), encoding="utf-8")
    first, second = printed(path)
    say = Say()
    assert say("progress") in first and say("sides") in first and first.endswith("page 1 of 2")
    assert say("figures") in second and say("method") in second and second.endswith("page 2 of 2")
    assert "not a medical device" in second and "knee trouble." in second


@pytest.mark.parametrize("language", ["en", "de"])
def test_two_pages_stay_two_however_much_there_is(language: str, full: Path, tmp_path: Path) -> None:
    """And nothing that is in the file is cut off at the end of a page."""
    path = tmp_path / "report.html"
    say = Say(language)
    path.write_text(reported(LONG[:190], full, say, MOST_GROUPS), encoding="utf-8")
    first, second = printed(path)
    assert say("page", n=1, of=2) in first and say("page", n=2, of=2) in second
    for each in (say("progress"), say("sides")):
        assert each in first
    for key in ("adherence", "notes", "figures", "practice", "references", "method"):
        assert say(key) in second
    assert say("safety").split()[-1] in second
    shown = parsed(path.read_text(encoding="utf-8"))
    dropped = [word for word in shown.text.split() if word not in first + second and len(word) > 3]
    assert len(dropped) < 0.05 * len(shown.text.split()), dropped


@pytest.mark.parametrize(("kinds", "drills"), [(1, 12), (3, 2), (4, 12), (5, 0)])
def test_as_many_kinds_as_there_may_be_fit(kinds: int, drills: int, full: Path, tmp_path: Path) -> None:
    """With some drills, or many, and all that can be chosen to hold results against."""
    found, last = followed(full, LONG[:190])
    chosen_kinds = pictures.kinds(found.tracks)[:kinds]
    tested = {test.session for track in found.tracks if track.kind in chosen_kinds for test in track.tested}
    trained = {each.found.name for course in found.courses[:drills] for each in course.practice}
    sessions = [each for each in found.sessions if each.name in tested | trained]
    about = overview(LONG[:190], found.person, sessions, TODAY)
    path = tmp_path / "report.html"
    path.write_text(person.report(about, last, TODAY, chosen(MOST_GROUPS), Say("de")), encoding="utf-8")
    assert len(printed(path)) == 2


@pytest.mark.parametrize("what", ["nothing", "a drill", "one test of one leg"])
def test_little_is_two_pages_too(what: str, tmp_path: Path) -> None:
    if what == "a drill":
        session(tmp_path, drill="clean-drill")
    elif what == "one test of one leg":
        session(tmp_path)
    with Catalogue(tmp_path) as catalogue:
        catalogue.describe_person("P-07", plan=3)
    path = tmp_path / "report.html"
    path.write_text(reported("P-07", tmp_path, Say()), encoding="utf-8")
    text = parsed(path.read_text(encoding="utf-8")).text
    told = {
        "nothing": "Nothing was trained yet.",
        "a drill": "No test yet.",
        "one test of one leg": "one test: no change can be told yet",
    }
    assert told[what] in text
    assert len(printed(path)) == 2


@pytest.mark.parametrize(
    ("name", "language", "more"),
    [
        ("mishaps", "en", []),
        ("mishaps", "de", ["--reference", "men"]),
        ("clean-drill", "de", []),
        ("test-left", "en", []),
        ("test-left", "de", ["--scale", "prone-internal"]),
        ("test-right", "de", ["--reference", "men"]),
    ],
)
def test_a_short_sessions_report_is_one_full_page(
    name: str, language: str, more: list[str], tmp_path: Path
) -> None:
    """Pictures, every repetition, method and safety words; none of it on a second page."""
    path = tmp_path / "report.html"
    done("report", RECORDINGS / f"{name}.mcap", "-o", path, "--language", language, *more)
    (page,) = printed(path)
    say = Say(language)
    for rep in offline.analyse(RECORDINGS / f"{name}.mcap", offline.Request()).reps:
        assert f"{rep.n} {say.deg(rep.rom_rad, signed=True)}".replace("+", "") in re.sub("[+−]", "", page)
    assert say("page", n=1, of=1) in page and say("safety").split()[-1] in page


def longer(times: int) -> offline.Analysis:
    """The bundled mishaps over and over, as one session."""
    analysis = offline.analyse(RECORDINGS / "mishaps.mcap", offline.Request(), keep_angles=True)
    one_ns = analysis.duration_ns

    def later(rep: Rep, k: int) -> Rep:
        at = {name: getattr(rep, name) + k * one_ns for name in ("start_ns", "end_ns", "peak_ns")}
        return replace(rep, n=rep.n + 15 * k, **at)

    others = [event for event in analysis.events if event not in analysis.reps]
    return replace(
        analysis,
        duration_ns=one_ns * times,
        angles=[replace(b, t_ns=b.t_ns + k * one_ns) for k in range(times) for b in analysis.angles],
        events=[*others, *(later(rep, k) for k in range(times) for rep in analysis.reps)],
    )


@pytest.mark.parametrize("times", [2, 3, 8])
def test_a_longer_sessions_report_is_two_pages_with_something_on_each(times: int, tmp_path: Path) -> None:
    """The angle and the sets on one, the repetitions one by one on the other: neither is left half empty."""
    path = tmp_path / "report.html"
    told = one_session.Answers(True, 3, "after a hot shower")
    text = one_session.report("x.mcap", longer(times), told, NOTHING, Say())
    path.write_text(text, encoding="utf-8")
    first, second = printed(path)
    say = Say()
    assert say("angle") in first and say("sets") in first and "page 1 of 2" in first
    assert say("bars") in second and say("repetitions") in second and "page 2 of 2" in second
    for filled in inked(path.with_suffix(".printed.pdf")):
        assert filled > 0.7


def test_what_the_pelvis_did_is_listed_where_a_sensor_told(tmp_path: Path) -> None:
    analysis = offline.analyse(RECORDINGS / "clean-drill.mcap", offline.Request(), keep_angles=True)
    leans = {1: 2.345 / DEG_PER_RAD, 2: math.nan}
    events = [
        replace(event, compensation_rad=leans.get(event.n)) if isinstance(event, Rep) else event
        for event in analysis.events
    ]
    told = one_session.Answers(None, None, "")
    text = one_session.report("x", replace(analysis, events=events), told, NOTHING, Say())
    page = parsed(text)
    assert "pelvis" in page.words and "2.3°" in page.words and "–" in page.words
    assert "pelvis" not in parsed(one_session.report("x", analysis, told, NOTHING, Say())).words


def test_a_long_sessions_report_is_two_pages(tmp_path: Path) -> None:
    """300 repetitions in sets of 20, with every reason there is: as many as have room, and how many more."""
    analysis = offline.analyse(RECORDINGS / "mishaps.mcap", offline.Request(), keep_angles=True)
    reps = [replace(analysis.reps[n % 15], n=n + 1) for n in range(300)]
    others = [event for event in analysis.events if event not in analysis.reps]
    many = replace(analysis, events=[*others, *reps])
    told = one_session.Answers(warmed_up=True, pain=3, said=LONG)
    path = tmp_path / "report.html"
    text = one_session.report(LONG, many, told, chosen(MOST_GROUPS), Say("de"))
    path.write_text(text, encoding="utf-8")
    assert len(printed(path)) == 2
    assert f"{300 - heights.MOST_REPS} weitere" in path.read_text(encoding="utf-8")


def test_a_foreign_recording_has_a_report(tmp_path: Path) -> None:
    """Without a coach's calibration, leg, drill or position."""
    path = record(tmp_path / "bare.mcap", drill(), coached=False)
    line = refused("report", path, "-o", tmp_path / "x.html")
    assert "--calibration auto" in line and not (tmp_path / "x.html").exists()
    done("report", path, "-o", tmp_path / "x.html", "--calibration", "auto", "--language", "de")
    assert "Wiederholungen: " in parsed((tmp_path / "x.html").read_text(encoding="utf-8")).text


# --- one file, alone ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def texts(folder: Path) -> list[str]:
    analysis = offline.analyse(RECORDINGS / "mishaps.mcap", offline.Request(), keep_angles=True)
    answers = one_session.answers(RECORDINGS / "mishaps.mcap")
    return [
        reported("P-07", folder, Say("de")),
        one_session.report("mishaps.mcap", analysis, answers, NOTHING, Say()),
    ]


def test_a_report_asks_nobody_for_anything(texts: list[str]) -> None:
    """No script, no address, nothing to load: neither in elements nor in styles."""
    for text in texts:
        page = parsed(text)
        names = {tag for tag, _ in page.elements}
        assert not names & {
            "script",
            "img",
            "link",
            "iframe",
            "object",
            "embed",
            "image",
            "form",
            "a",
            "base",
        }
        for tag, attributes in page.elements:
            for key, value in attributes.items():
                assert not key.startswith("on"), (tag, key)
                if key in ("href", "xlink:href", "src", "action", "data", "poster", "srcset"):
                    assert value.startswith("#"), (tag, key, value)
                if key.startswith("xmlns"):
                    continue
                assert "//" not in value and "javascript:" not in value, (tag, key, value)
        style = " ".join(page.styles)
        assert "@import" not in style
        assert all(target.startswith("#") for target in re.findall(r"url\((.*?)\)", text))


def test_ids_are_given_once(texts: list[str]) -> None:
    """What one picture points at is not another's."""
    for text in texts:
        page = parsed(text)
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        points = re.findall(r"url\(#(.*?)\)", text)
        points += [a[k][1:] for _, a in page.elements for k in ("href", "xlink:href") if k in a]
        assert points and set(points) <= set(ids)
        assert all(ids.count(each) == 1 for each in set(points))


def test_the_same_history_gives_the_same_file(folder: Path) -> None:
    again = reported.__wrapped__("P-07", folder, Say(), 2)
    assert again == reported("P-07", folder, Say(), 2)


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_a_text_is_it_stays_text(value: str, name: str) -> None:
    """In an element and in an attribute; markup only where it was made here."""
    made = element("td", value, element("b", value), Html("<i>x</i>"), title=name)
    (first, *_), page = parsed(made).elements, parsed(made)
    assert [tag for tag, _ in page.elements] == ["td", "b", "i"]
    assert first[1]["title"].split() == name.split()
    assert "".join(page.words).split() == "".join(w for w in (value, value, "x") if w.strip()).split()


def test_no_name_or_note_is_markup(tmp_path: Path) -> None:
    """Whoever named person, drill, position, stretch and note: they are letters on paper."""
    script, maths, image = "<script>alert(1)</script>", "$x^2$ & <b>", '"><img src=x onerror=1>\x1b[2J\x00'
    for side in Side:
        session(tmp_path, side=side, position=maths, note=script, at=FIRST)
    session(tmp_path, drill="mishaps", called=image, note=image, at=FIRST + timedelta(days=1))
    with Catalogue(tmp_path) as catalogue:
        found = catalogue.sessions()
    about = overview("A & <b>", Person(stretch=image, note=script), found, TODAY)
    text = person.report(about, person.last_of(tmp_path, about), TODAY, NOTHING, Say())
    page = parsed(text)
    assert not {tag for tag, _ in page.elements} & {"script", "img"}
    for shown in ("A & <b>", script, maths, '"><img src=x'):
        assert shown in page.text
    assert "\x1b" not in text and "\x00" not in text


# --- what it says -------------------------------------------------------------------------------


def test_figures_are_those_of_the_history(folder: Path) -> None:
    """Every value, uncertainty, change and limit that 'hipturn history progress' tells is in the report."""
    text = parsed(reported("P-07", folder, Say())).text
    lines = done("history", "--recordings", folder, "progress", "P-07", "--json").lines
    say = Say()
    trends = [line for line in lines if line["type"] == "trend"]
    assert len(trends) == 6
    for line in trends:
        last = line["tests"][-1]
        assert f"{last['value_deg']:.1f}° ± {last['uncertainty_deg']:.1f}°" in text
        change = f"{say.number(line['change_deg'], signed=True)}°"
        key = "change.real.cell" if line["real"] else "change.none.cell"
        assert say(key, value=change, limit=f"{line['mdc95_deg']:.1f}°") in text
    (sides,) = [line for line in lines if line.get("of") == "left-right"]
    for of in ("internal", "external", "arc"):
        key = "sides.within" if sides[of]["within_error"] else "sides.beyond"
        value = f"{say.number(sides[of]['value_deg'], signed=True)}°"
        assert say(key, value=value, limit=f"{sides[of]['mdc95_deg']:.1f}°") in text
    for line in lines:
        if line.get("of") == "internal-external":
            value = f"{say.number(line['balance']['value_deg'], signed=True)}°"
            assert say("balance.of", value=value, limit=f"{line['balance']['mdc95_deg']:.1f}°") in text
    (plan,) = [line for line in lines if line["type"] == "adherence"]
    found, _ = followed(folder)
    assert found.adherence is not None and plan["planned"] == 2
    told = say("adherence.plan", planned=2, reached=found.adherence.reached, judged=found.adherence.judged)
    assert told in text and found.adherence.reached == 0


def test_no_real_change_is_said_where_there_is_none(folder: Path) -> None:
    """On the left internal rotation grew by more than error; on the right nothing did."""
    text = parsed(reported("P-07", folder, Say())).text
    assert re.search(
        r"internal rotation, left [\d.]+° ± [\d.]+° real change: \+[\d.]+° since 5 Jan 2026", text
    )
    assert re.search(r"internal rotation, right [\d.]+° ± [\d.]+° no real change yet", text)


def drawn(axis: Axes, name: str) -> tuple[list[float], list[float]]:
    """Where the one line of that name goes."""
    (line,) = [each for each in axis.lines if each.get_gid() == name]
    x, y = np.asarray(line.get_data(), dtype=float)
    return x.tolist(), y.tolist()


def test_the_band_is_the_measuring_error_about_the_trend(folder: Path) -> None:
    """Each panel: the tests themselves, the line, level unless real, the error above and below."""
    found, _ = followed(folder)
    fig = courses.progressing(found.tracks, pictures.kinds(found.tracks), Say())
    panels = {axis.get_title(loc="left").split(":")[0]: axis for axis in fig.axes}
    assert len(panels) == 4
    for track in found.tracks:
        for of in Direction:
            trend = progress.trend(track, of)
            assert trend is not None
            axis = panels[f"{track.side.value}, {of.value}"]
            values = [point.value.value_rad * DEG_PER_RAD for point in trend.points]
            assert drawn(axis, "tests")[1] == pytest.approx(values)
            _, (begins, ends) = drawn(axis, "trend")
            assert (begins != pytest.approx(ends)) == trend.real
            (band,) = [each for each in axis.collections if each.get_gid() == "band"]
            heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
            error = trend.latest.value.uncertainty_rad * DEG_PER_RAD
            assert heights.min() == pytest.approx(min(begins, ends) - error)
            assert heights.max() == pytest.approx(max(begins, ends) + error)


def test_every_kind_of_test_has_its_picture_as_far_as_there_is_room(full: Path) -> None:
    """A row a kind with axes of its own, the legs and directions in it; what has no room is named."""
    found, _ = followed(full, LONG[:190])
    kinds = pictures.kinds(found.tracks)
    assert len(kinds) == 8
    for most in (2, person.MOST_KINDS):
        fig = courses.progressing(found.tracks, kinds[:most], Say())
        assert len(fig.axes) == 4 * most
        assert all(len(drawn(axis, "tests")[0]) == 6 for axis in fig.axes)
    rows = [axis.get_ylabel().replace("\n", " ") for axis in fig.axes if axis.get_ylabel()]
    say = Say()
    assert rows == [f"{short(say.place(kind.position), 14)}, {kind.movement}" for kind in kinds[:most]]
    text = parsed(reported(LONG[:190], full, Say())).text
    without = text[text.index("Without a picture") :]
    assert "2 more" in without
    for kind in kinds[person.MOST_KINDS :]:
        assert f"{say.place(kind.position)}, {kind.movement}" in without


def test_one_leg_has_no_empty_panels(tmp_path: Path) -> None:
    """Nobody tested the other: its columns are not there, and the legs are not compared."""
    for n, position in enumerate(("prone", "seated", "prone")):
        session(tmp_path, side=Side.RIGHT, at=FIRST + timedelta(days=n), position=position)
    found, _ = followed(tmp_path)
    fig = courses.progressing(found.tracks, pictures.kinds(found.tracks), Say())
    assert [axis.get_title(loc="left")[:8] for axis in fig.axes] == ["right, i", "right, e"] * 2
    assert Say()("sides.none") in reported("P-07", tmp_path, Say())


def test_what_is_tested_now_comes_first(tmp_path: Path) -> None:
    """A kind with many tests long ago does not stand before the one of the last three months."""
    for n in range(40):
        position = "seated" if n < 26 else "prone"
        session(tmp_path, at=FIRST + timedelta(days=7 * n), position=position)
    found, _ = followed(tmp_path)
    assert [kind.position for kind in pictures.kinds(found.tracks)] == ["prone", "seated"]
    before = [replace(t, tested=t.tested[:26]) for t in found.tracks if t.kind.position == "seated"]
    assert [kind.position for kind in pictures.kinds(before)] == ["seated"]


def test_the_legs_are_compared_in_every_kind(full: Path) -> None:
    """Each difference and its limit, in the row of its kind, as the history has them."""
    found, _ = followed(full, LONG[:190])
    by_kind = {(track.kind, track.side): track.results[-1] for track in found.tracks}
    pairs = [legs.Pair(s, {side: by_kind[s.kind, side] for side in Side}) for s in found.sides]
    fig = legs.several(pairs, chosen(MOST_GROUPS), Say())
    say = Say()
    for of, axis in zip(progress.OF, fig.axes, strict=True):
        told = [text.get_text() for text in axis.texts if text.get_gid() == "difference"]
        differences = [pair.sides.differences[str(of)] for pair in reversed(pairs)]
        assert told == [
            say("balance.of", value=say.deg(d.value_rad, signed=True), limit=say.deg(d.mdc_rad))
            for d in differences
        ]


@pytest.mark.parametrize(
    ("position", "groups", "marks"),
    [
        ("prone", {"adults-prone", "men"}, 3),
        ("seated", {"adults-seated", "men"}, 0),
        ("standing", {"men"}, 0),
    ],
)
def test_a_group_or_scale_is_held_only_against_its_own_position(
    position: str, groups: set[str], marks: int, tmp_path: Path
) -> None:
    """Everything chosen is listed with its source; a place in it is told and drawn where positions agree."""
    names = ("adults-prone", "active-supine", "adults-seated", "men")
    held = Against(tuple(references.GROUPS[name] for name in names), references.SCALES["prone-internal"])
    for side in Side:
        session(tmp_path, position=position, side=side)
    found, _ = followed(tmp_path)
    fitting = held.fitting(position)
    assert {group.name for _, group in fitting} == groups
    assert all(names[k - 1] == group.name for k, group in fitting)
    results = {track.side: track.results[-1] for track in found.tracks}
    fig = legs.one(legs.Pair(found.sides[0], results), held, Say())
    assert sum(line.get_gid() == "mark" for axis in fig.axes for line in axis.lines) == marks
    text = parsed(person.report(found, None, TODAY, held, Say())).text
    for name in names:
        assert references.GROUPS[name].source in text
    # of the groups with a spread only the men may be compared with
    assert text.count("have less") == 2
    assert (Say()("scale.none") in text) == (not marks)


@given(st.floats(-0.2, 1.4))
def test_where_a_range_stands_on_the_scale(value_rad: float) -> None:
    """Above every mark that is told as passed, below every other: in both languages."""
    scale = references.SCALES["prone-internal"]
    for language in CATALOGUES:
        say = Say(language)
        measured = {scale.position: {"L": {scale.direction: value_rad}}}
        text = parsed(str(against.values(Against(scale=scale), measured, say))).text
        told = text[text.rindex("L ") :]
        above = [mark for mark, _ in scale.marks if mark <= value_rad]
        below = [mark for mark, _ in scale.marks if mark > value_rad]
        for key, mark in (
            ("scale.above", max(above, default=None)),
            ("scale.below", min(below, default=None)),
        ):
            if mark is not None:
                assert say(key, mark=f"{mark * DEG_PER_RAD:.0f}°") in told


def test_the_settings_choose_what_results_are_held_against(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a session; what is named on the command line takes its place."""
    out = tmp_path / "report.html"

    def asked(*more: str) -> str:
        done("report", "--person", "P-07", "--recordings", folder, "-o", out, *more)
        return parsed(out.read_text(encoding="utf-8")).text

    men, women = (references.GROUPS[name] for name in ("men", "women"))
    assert "a coach's and no study's" not in asked()
    monkeypatch.setenv("HIPTURN_COACH_REFERENCE", "men")
    monkeypatch.setenv("HIPTURN_COACH_SCALE", "prone-internal")
    by_settings = asked()
    assert f"men, n = {men.n}" in by_settings and "a coach's and no study's" in by_settings
    named = asked("--reference", "women", "--reference", "adults-prone")
    assert f"women, n = {women.n}" in named and "1 men, n" not in named


def test_groups_are_shown_with_their_source_and_only_when_asked_for(folder: Path) -> None:
    with_groups = parsed(reported("P-07", folder, Say(), 2)).text
    without = parsed(reported("P-07", folder, Say())).text
    for group in list(references.GROUPS.values())[3:5]:
        assert group.source in with_groups and group.source not in without
    assert "% have less" in with_groups.replace("\u00a0", " ")


@pytest.mark.parametrize("language", ["en", "de"])
def test_deidentified_tells_neither_who_nor_when(language: str, folder: Path) -> None:
    """No name, date, note or file; days by number, and the same figures."""
    say = Say(language, first_day=FIRST.toordinal())
    text = reported("P-07", folder, say, deidentify=True)
    named = reported("P-07", folder, Say(language))
    for word in ("P-07", "shower", "simulated body", ".mcap", "operated"):
        assert word not in text
    for year in ("2019", "2026"):
        assert year not in parsed(text).text
    for month in say("months").split()[:3]:
        assert month not in parsed(text).text
    for word in ("P-07", "2026", "2019", "shower"):
        assert word in named
    assert say("day", n=1) in text
    values = re.compile(r"[\d.,]+° ± [\d.,]+°")
    assert values.findall(parsed(text).text) == values.findall(parsed(named).text)


def test_a_deidentified_session_tells_neither_who_nor_when(tmp_path: Path) -> None:
    path = session(tmp_path, person="Zaphod", note="after a hot shower")
    out = tmp_path / "out.html"
    done("report", path, "-o", out, "--deidentify")
    text = out.read_text(encoding="utf-8")
    for word in ("Zaphod", "shower", ".mcap"):
        assert word not in text
    for when in ("2026", "18:00"):
        assert when not in parsed(text).text


def test_a_sensor_named_after_somebody_is_a_number() -> None:
    """Two of them, each with its strip: the place on the body stays, a name does not."""
    analysis = offline.analyse(RECORDINGS / "clean-drill.mcap", offline.Request(), keep_angles=True)
    others = [replace(block, stream="Zaphod") for block in analysis.angles]
    both = replace(analysis, angles=[*analysis.angles, *others])
    told = one_session.Answers(None, None, "")
    named, unnamed = (
        parsed(one_session.report("x", both, told, NOTHING, Say(), deidentify=hidden)).words
        for hidden in (False, True)
    )
    assert "Zaphod" in named and "shin" in named
    assert "Zaphod" not in unnamed and {"sensor-2", "shin"} <= set(unnamed)


@pytest.mark.parametrize("language", [each for each in CATALOGUES if each != "en"])
def test_catalogues_say_the_same_things(language: str) -> None:
    def named(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    here, there = CATALOGUES["en"], CATALOGUES[language]
    assert here.keys() == there.keys()
    assert {key: named(text) for key, text in here.items()} == {key: named(t) for key, t in there.items()}
    assert len(here["months"].split()) == len(there["months"].split()) == 12
    assert PICTURES[language]


@pytest.mark.parametrize("language", CATALOGUES)
def test_everything_of_ours_has_a_name_in_every_language(language: str) -> None:
    """Reasons, positions, verdicts, groups, and what is written into the picture of a recording."""
    texts = CATALOGUES[language]
    told = coach_words.names("en", "reject")
    reasons = {key.partition(".")[2] for key in told if key.count(".") == 1} - {"direction"}
    ours: dict[str, set[str]] = {
        "reason": reasons,
        "position": {*POSITIONS, *(group.position for group in references.GROUPS.values())},
        "group": {group.people for group in references.GROUPS.values()},
        "mark": {text for scale in references.SCALES.values() for _, text in scale.marks},
        "source": {scale.source for scale in references.SCALES.values()},
        "verdict": {verdict.value for verdict in Verdict},
    }
    for prefix, names in ours.items():
        assert {f"{prefix}.{name}" for name in names} <= texts.keys()
    if language != "en":
        assert {reason.replace("-", " ") for reason in reasons} <= PICTURES[language].keys()


@given(st.floats(-1e4, 1e4))
def test_numbers_are_written_as_the_language_writes_them(value: float) -> None:
    """Read back they are the number to its digit, whatever the point and the minus; and never −0."""
    for language in CATALOGUES:
        told = Say(language).number(value, signed=True)
        assert float(told.replace("−", "-").replace(",", ".")) == pytest.approx(value, abs=0.0501)
        assert not re.fullmatch(r"−0[.,]0", told)


# --- the command --------------------------------------------------------------------------------


def test_the_command_writes_html_and_pdf(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    try:
        pdf.browser()
    except Exception as error:
        pytest.skip(str(error))
    told = done("report", "--person", "P-07", "--recordings", folder, "-o", out, "--pdf", "--language", "de")
    assert told.out == f"{out}, {out.with_suffix('.pdf')}: 24 sessions\n"
    assert len(pages(out.with_suffix(".pdf"))) == 2
    assert '<html lang="de">' in out.read_text(encoding="utf-8")


def test_without_a_browser_pdf_is_refused_before_any_work(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pdf, "PLACES", {})
    out = tmp_path / "report.html"
    line = refused("report", "--person", "P-07", "--recordings", folder, "-o", out, "--pdf", code=2)
    assert "needs Chromium" in line and "print the HTML" in line
    assert not out.exists()


def test_a_browser_that_fails_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho no display today >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    out = tmp_path / "report.html"
    told = run("report", "--person", "P-07", "--recordings", folder, "-o", out, "--pdf")
    assert told.code == 1 and "no display today" in told.err and "the HTML file is there" in told.err
    assert out.exists() and not out.with_suffix(".pdf").exists()


WRONG: list[tuple[Callable[[Path], list[object]], int, str]] = [
    (lambda _: [], 2, "name a FILE, or --person NAME"),
    (lambda f: [f / "x.mcap", "--person", "P-07"], 2, "name a FILE, or --person NAME"),
    (lambda f: ["--person", "Bob", "--recordings", f], 1, "nobody is called 'Bob'"),
    (lambda f: ["--person", "P-07", "--recordings", f, "-o", f / "x.pdf"], 2, "end its name in .html"),
    (lambda f: ["--person", "P-07", "--recordings", f / "no"], 1, "no such folder"),
    (lambda f: [f / "no.mcap"], 1, "does not exist"),
    (lambda f: [f / "people.json"], 1, "is no recording"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG)
def test_what_cannot_be_is_one_line(
    arguments: Callable[[Path], list[object]],
    code: int,
    words: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in refused("report", *arguments(folder), code=code)
    assert list(tmp_path.iterdir()) == []


def test_more_groups_than_have_room_are_refused(folder: Path, tmp_path: Path) -> None:
    chosen = [word for name in list(references.GROUPS)[: MOST_GROUPS + 1] for word in ("--reference", name)]
    line = refused("report", "--person", "P-07", "--recordings", folder, *chosen, code=2)
    assert "up to 3" in line


def test_the_last_session_may_be_unreadable(folder: Path, tmp_path: Path) -> None:
    """It is told; the history is there all the same."""
    weeks(tmp_path, [0.0, 1.0])
    path = record(tmp_path / "bare.mcap", drill(), coached=False, person="P-07")
    found, _ = followed(tmp_path)
    newest = replace(found.sessions[-1], name=path.name)
    last = person.last_of(tmp_path, replace(found, sessions=(*found.sessions, newest)))
    assert last is not None and last.analysis is None and "no calibration" in last.why
    text = person.report(found, last, TODAY, NOTHING, Say())
    assert "cannot be shown" in text and Say()("figures") in text
    hidden = person.report(found, last, TODAY, NOTHING, Say(first_day=1), deidentify=True)
    assert "bare.mcap" in text and "bare.mcap" not in hidden


@pytest.mark.parametrize("event", [{"type": "undo", "reps": 5}, {"type": "undo", "reps": True}])
def test_a_recording_that_says_the_impossible_is_told_in_one_line(
    tmp_path: Path, event: dict[str, object]
) -> None:
    reader = Reader(RECORDINGS / "test-left.mcap")
    with Writer(tmp_path / "x.mcap") as writer:
        for item in reader.inputs():
            writer.write(item)
        writer.write_event("shin", 0, json.dumps(event))
    line = refused("report", tmp_path / "x.mcap", "-o", tmp_path / "x.html")
    assert "x.mcap says what hipturn does not write" in line
    assert not list(tmp_path.glob("x.html*"))


def test_half_a_character_in_a_name_costs_no_report(tmp_path: Path) -> None:
    path = session(tmp_path, drill="mishaps", called="\udcff!", note="\ud800")
    for kind, out in (("json", "x.json"), ("csv", "x.csv")):
        done("export", path, "--to", kind, "-o", tmp_path / out)
    done("report", path, "-o", tmp_path / "x.html")
    assert '"?!"' in (tmp_path / "x.json").read_text(encoding="utf-8")
