"""History and replay in the browser: found, chosen, compared with the measuring error, moved through."""

import json
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

import histories
from cli_runs import done, drill, record
from hipturn.sinks.keeper import Keeper
from page.stage import Stages
from page.watching import DESKTOP, PHONE, Looks, Watched

WEEKS_DEG = [0.0, 2.0, 3.0, 5.0, 6.5, 8.0, 10.0, 11.5]
MISHAPS = "mishaps.mcap"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight weeks of a person whose left leg gets better; a drill of somebody else with everything in it."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    histories.weeks(folder, WEEKS_DEG)
    histories.session(folder, person="B2", drill="mishaps", name=MISHAPS, note="after a run")
    return folder


@pytest.fixture
def seen(stage: Stages, look: Looks, folder: Path) -> Callable[..., Watched]:
    """Look at the history: `seen("#history", size=PHONE)`."""
    one = stage(folder=folder, linked=False)

    def opened(path: str, **how: Any) -> Watched:
        watched = look(one.url, **how)
        watched.open(path)
        return watched

    return opened


def shows(watched: Watched, deg: float) -> None:
    """Wait until the replay shows this angle, and the leg stands at the one it shows."""
    text = "document.querySelector('.replay-angle').innerText.replace('−', '-')"
    watched.until(f"Math.abs(parseFloat({text}) - {deg}) < 1")
    shown = watched.page.locator(".replay-angle").inner_text().lstrip("+−").rstrip("°")
    expect(watched.page.locator(".replay-leg .limb")).to_have_attribute(
        "transform", re.compile(rf"rotate\(-?{shown}\)")
    )


def now(page: Page) -> float:
    """The time that the replay shows."""
    return float(page.locator(".scrubber input").input_value())


def arrived(watched: Watched, t: float, within_s: float = 0.06) -> None:
    """Wait until the replay shows this time."""
    watched.until(f"Math.abs(document.querySelector('.scrubber input').value - {t}) < {within_s}")


def move(watched: Watched, t: float) -> None:
    """Move the replay there, as assistive technology does."""
    watched.page.locator(".scrubber input").evaluate(
        "(range, t) => { range.value = t; range.dispatchEvent(new Event('input')); }", t
    )
    arrived(watched, t)


# --- the list ---------------------------------------------------------------------------------------


def test_recordings_are_listed_newest_first_and_chosen(seen: Callable[..., Watched], folder: Path) -> None:
    """By person, leg and exercise, with the keyboard; what cannot be read is listed, and leads nowhere."""
    (folder / "broken.mcap").write_bytes(b"not a recording")
    page = seen("#history").page
    items = page.locator(".recording")
    expect(items).to_have_count(2 * len(WEEKS_DEG) + 2)
    expect(page.locator(".recording.broken")).to_contain_text("broken.mcap")
    assert page.locator(".recording.broken a").count() == 0
    days = page.locator(".days h2").all_inner_texts()
    assert days[1:3] == ["Monday, 23 February 2026", "Monday, 16 February 2026"], days
    expect(items.filter(has_text="B2")).to_contain_text("9 of 15 controlled")
    page.get_by_role("combobox", name="Leg").press("l")
    expect(items).to_have_count(len(WEEKS_DEG) + 1)
    page.get_by_role("combobox", name="Person").press("P")
    expect(items).to_have_count(len(WEEKS_DEG))
    expect(page.get_by_role("status").filter(has_text="8 recordings")).to_be_visible()
    page.get_by_role("combobox", name="Exercise").select_option(label="Mobilise: knee inwards")
    expect(page.get_by_text("No recording is like that")).to_be_visible()
    page.get_by_role("combobox", name="Exercise").select_option(label="all exercises")
    page.get_by_role("link", name="Progress of P-07").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Progress of P-07")
    page.go_back()
    expect(items).to_have_count(len(WEEKS_DEG))


def test_an_empty_folder_says_what_to_do(stage: Stages, look: Looks) -> None:
    page = look(stage(linked=False).url).open("#history")
    expect(page.get_by_text("Nothing is recorded yet")).to_be_visible()


def test_names_are_never_read_as_markup(seen: Callable[..., Watched], folder: Path) -> None:
    """A person, a note and a drill of a hostile recording are text everywhere."""
    evil = '<img src=x onerror="document.title=1">'
    histories.session(folder, person=evil, name="evil.mcap", note=evil)
    watched = seen("#history")
    page = watched.page
    page.get_by_role("link", name="Test").filter(has_text=evil).click()
    expect(page.locator(".replay-notes")).to_contain_text(evil)
    page.get_by_role("link", name=evil).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Progress of {evil}")
    assert page.title() == "hipturn" and page.locator("main img").count() == 0


@pytest.mark.parametrize("address", ["#%", "#history/%E0%A4%A", "#constructor", "#__proto__/x", "#toString"])
def test_an_address_that_means_nothing_shows_a_page(seen: Callable[..., Watched], address: str) -> None:
    """Somebody's typo, or a link that was cut: the nearest view, and nothing raised."""
    page = seen(address).page
    expect(page.locator("main > :not([hidden])").first).to_be_visible()
    expect(page.locator(f"#to-{'history' if 'history' in address else 'measure'}")).to_have_attribute(
        "aria-current", "page"
    )


# --- progress ---------------------------------------------------------------------------------------


def test_progress_is_told_against_the_measuring_error(seen: Callable[..., Watched], folder: Path) -> None:
    """Each leg and direction by itself, in the command's numbers; what is within the error is no change."""
    page = seen("#history/person/P-07").page
    trends = page.locator(".trend")
    expect(trends).to_have_count(6)
    told = done("history", "--recordings", folder, "progress", "P-07", "--json").of("trend")
    for line in told:
        name = f"{line['side']} leg, {'total' if line['of'] == 'arc' else line['of']}"
        card = trends.filter(has=page.get_by_role("heading", name=name, exact=True))
        last = line["tests"][-1]
        expect(card.locator(".value")).to_have_text(
            f"{last['value_deg']:.1f}° ± {last['uncertainty_deg']:.1f}°"
        )
        expect(card.locator(".change")).to_contain_text(f"{line['mdc95_deg']:.1f}°")
        assert ("No real change yet" in card.locator(".change").inner_text()) != line["real"]
        assert card.locator(".point").count() == len(line["tests"])
        assert card.locator(".band").bounding_box() is not None
    assert {line["real"] for line in told} == {True, False}
    legs, balance = (
        page.locator(".legs-compared", has_text=title) for title in ("Left minus", "Internal minus")
    )
    expect(legs).to_contain_text("more than the measuring error")
    expect(balance.locator("li")).to_have_count(2)


def test_a_single_test_is_no_change(stage: Stages, look: Looks, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    histories.session(folder, person="N/1 #?%")
    page = look(stage(folder=folder, linked=False).url).open("#history")
    page.get_by_role("combobox", name="Person").select_option(label="N/1 #?%")
    page.get_by_role("link", name="Progress of N/1 #?%").click()
    expect(page.locator(".trend .change").first).to_have_text("One test: no change can be told yet.")
    assert page.locator(".trend-picture").count() == 0


def test_practice_and_plan_are_told(seen: Callable[..., Watched], folder: Path) -> None:
    """Of who has no test yet, what was trained; and how often that was meant to be."""
    done("history", "--recordings", folder, "person", "B2", "--sessions-a-week", 1)
    watched = seen("#history/person/B2")
    page = watched.page
    expect(page.get_by_text("There is no test yet")).to_be_visible()
    row = page.get_by_role("region", name="Practice").locator("tbody tr")
    expect(row).to_have_count(1)
    assert row.locator("th, td").all_inner_texts()[:5] == [
        "Mobilise: knee inwards",
        "left leg",
        "1",
        "15",
        "60 %",
    ]
    expect(page.locator(".plan")).to_contain_text("Plan for a week: 1. Reached in 1 of")
    watched.accessible()


def test_from_progress_to_each_test(seen: Callable[..., Watched]) -> None:
    page = seen("#history/person/P-07").page
    card = page.locator(".trend").first
    card.locator("summary").click()
    links = card.get_by_role("link")
    expect(links).to_have_count(len(WEEKS_DEG))
    links.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Test: rotation lying on the front, left leg")
    expect(page.locator(".fact", has_text="internal")).to_contain_text("±")


# --- replay -----------------------------------------------------------------------------------------


def test_every_repetition_is_found_where_it_was(seen: Callable[..., Watched], folder: Path) -> None:
    """The table is the replay's; each row leads to its time, the leg turns with it, and the row is marked."""
    watched = seen(f"#history/{MISHAPS}")
    page = watched.page
    told = [line for line in done("replay", folder / MISHAPS, "--json").lines if line["type"] == "rep"]
    rows = page.locator(".reps tbody tr")
    expect(rows).to_have_count(len(told))
    for place in (0, 5, 14):
        rep, row = told[place], rows.nth(place)
        assert (f"{rep['rom_deg']:.1f}°" in row.inner_text()) and row.get_attribute("data-verdict") == rep[
            "verdict"
        ]
        row.get_by_role("button").click()
        expect(row).to_have_attribute("aria-current", "true")
        expect(page.locator("tr[aria-current]")).to_have_count(1)
        arrived(watched, rep["start_s"])
        move(watched, rep["peak_s"])
        expect(page.locator(".replay-rep")).to_contain_text(f"Repetition {rep['n']}:")
        shows(watched, rep["peak_deg"])
    expect(page.locator(".moments li", has_text="the strap has moved by 4.7°")).to_be_visible()
    expect(page.locator(".replay-notes")).to_contain_text("after a run")


def test_time_is_moved_by_keys_alone(seen: Callable[..., Watched]) -> None:
    """From the list to the middle of a recording without a mouse; a reader hears time and angle."""
    watched = seen("#history")
    page = watched.page
    link = page.get_by_role("link").filter(has_text="B2")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1:visible")).to_be_focused()
    scrubber = page.locator(".scrubber input")
    for _ in range(20):
        page.keyboard.press("Tab")
        if scrubber.evaluate("(range) => range === document.activeElement"):
            break
    expect(scrubber).to_be_focused()
    for key, t in (
        ("Home", 0.0),
        ("ArrowRight", 1.0),
        ("PageUp", 11.0),
        ("PageUp", 21.0),
        ("ArrowLeft", 20.0),
        ("PageDown", 10.0),
    ):
        page.keyboard.press(key)
        arrived(watched, t)
    page.keyboard.press("PageUp")
    expect(scrubber).to_have_attribute("aria-valuetext", re.compile(r"0:20 of 1:31, [+−]?\d+°"))
    page.keyboard.press("End")
    arrived(watched, 91.4)
    page.keyboard.press("Home")
    page.get_by_role("button", name="Next repetition").press("Enter")
    page.get_by_role("button", name="Next repetition").press("Enter")
    expect(page.locator(".replay-rep")).to_contain_text("Repetition 2:")


def test_it_plays_at_the_chosen_speed_and_stops_at_the_end(seen: Callable[..., Watched]) -> None:
    """Eight times as fast is eight times as fast; leaving the view stops it."""
    page = seen(f"#history/{MISHAPS}").page
    page.get_by_label("Speed").select_option(label="8×")
    scrubber = page.locator(".scrubber input")
    scrubber.press("Home")
    scrubber.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    measured = page.evaluate(
        """async () => {
        const range = document.querySelector(".scrubber input");
        const frame = () => new Promise(requestAnimationFrame);
        const times = [];
        const begun = await frame();
        for (let now = begun; now - begun < 800; now = await frame()) times.push([now, Number(range.value)]);
        const [[at, from], [end, to]] = [times[0], times.at(-1)];
        const leaps = times.slice(1).map(([, t], i) => t - times[i][1]);
        return [(to - from) / ((end - at) / 1000), Math.max(...leaps)];
        }"""
    )
    speed, leap = measured
    assert 4.0 < speed < 8.8 and leap <= 0.9, measured
    page.goto(page.url.partition("#")[0] + "#measure")
    page.wait_for_timeout(50)
    was = page.evaluate("document.querySelector('.scrubber input').value")
    page.wait_for_timeout(100)
    assert page.evaluate("document.querySelector('.scrubber input').value") == was
    page.go_back()
    scrubber.press("End")
    scrubber.press("ArrowLeft")
    scrubber.press(" ")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert now(page) == pytest.approx(91.4, abs=0.1)


def test_a_finger_moves_through_time(seen: Callable[..., Watched]) -> None:
    """A touch on the whole goes there, a drag of the part pulls the paper; nothing scrolls sideways."""
    watched = seen(f"#history/{MISHAPS}", size=PHONE)
    page = watched.page
    page.locator(".reps tbody tr").first.wait_for()
    page.locator(".scrubber").scroll_into_view_if_needed()
    box = page.locator(".scrubber").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + 20)
    arrived(watched, 45.7, 1.0)
    chart = page.locator(".replay-chart canvas").bounding_box()
    assert chart is not None
    before = now(page)
    page.mouse.move(chart["x"] + 200, chart["y"] + 100)
    page.mouse.down()
    page.mouse.move(chart["x"] + 150, chart["y"] + 100, steps=3)
    page.mouse.up()
    assert 2.0 < now(page) - before < 8.0
    watched.fits()


def test_taken_back_and_lost_repetitions_are_told(stage: Stages, look: Looks, tmp_path: Path) -> None:
    """What was undone live is undone here; a gap is drawn as one, and there is no angle in it."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    record(folder / "lossy.mcap", drill(), lost=range(2300, 2500))
    page = look(stage(folder=folder, linked=False).url).open("#history/lossy.mcap")
    gap = page.locator(".moments li", has_text="packets were lost")
    expect(gap).to_contain_text("gap of 2.0 s")
    gap.get_by_role("button").click()
    scrubber = page.locator(".scrubber input")
    scrubber.press("ArrowRight")
    expect(page.locator(".replay-angle")).to_have_text("–")
    expect(scrubber).to_have_attribute("aria-valuetext", re.compile("no angle"))
    assert page.locator(".replay-leg .leg").get_attribute("data-angle") == "old", (
        "the leg says that it is not now"
    )


def test_a_running_session_is_looked_at_and_goes_on(stage: Stages, look: Looks) -> None:
    """It is in the list as the one that runs, can be replayed up to now, and loses nothing meanwhile."""
    one = stage(speed=15.0)
    watched = look(one.url)
    page = watched.open("#history")
    one.command(command="start", drill="seated-mobilisation", reps=100, person="A1")
    one.until(lambda: one.hub.counters.reps >= 2)
    one.source.speed = 2.0
    page.reload()
    expect(page.locator(".recording .badge")).to_have_text("running now")
    page.locator(".recording", has_text="running now").click()
    expect(page.locator(".reps tbody tr").nth(1)).to_be_visible()
    expect(page.locator(".player")).to_be_visible()
    expect(page.locator(".replay-notes .alarm")).to_have_count(0)
    status, lost = one.do(lambda: (one.hub.status, one.hub.counters.lost))
    assert status.session is not None and not status.troubles and lost == 0
    page.get_by_role("link", name="All recordings").click()
    one.command(command="stop")
    expect(page.locator(".recording .badge")).to_have_count(0)


def test_a_mistyped_address_shows_what_there_is(seen: Callable[..., Watched]) -> None:
    """A per cent sign that stands for nothing stands for itself; the page goes on."""
    page = seen("#history/%").page
    expect(page.locator(".recording").first).to_be_visible()


def test_the_last_question_has_the_last_word(seen: Callable[..., Watched]) -> None:
    """A recording that takes its time to be measured does not take the place of one opened after it."""
    page = seen("#history").page
    first, second = (page.locator("a.recording").nth(n).get_attribute("href") or "" for n in (0, 1))
    held: list[Route] = []
    angles = f"**/{first.partition('/')[2]}/angles*"
    page.route(angles, lambda route: held.append(route))
    with page.expect_request(angles):
        page.evaluate("address => { location.hash = address; }", first)
    page.evaluate("address => { location.hash = address; }", second)
    expect(page.locator(".reps tbody tr").first).to_be_visible()
    about = page.locator(".history-replay .lead").inner_text()
    with page.expect_response(angles) as late:
        held[0].continue_()
    late.value.finished()
    page.evaluate("() => new Promise((done) => setTimeout(done, 200))")
    assert page.locator(".history-replay .lead").inner_text() == about


def test_what_cannot_be_drawn_has_its_results_all_the_same(
    stage: Stages, look: Looks, tmp_path: Path
) -> None:
    """A recording without a calibration; and one that is none."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    record(folder / "raw.mcap", drill(), coached=False)
    (folder / "broken.mcap").write_bytes(b"not a recording")
    watched = look(stage(folder=folder, linked=False).url)
    watched.allow("422")
    page = watched.open("#history/raw.mcap")
    expect(page.locator(".replay-notes")).to_contain_text("cannot be drawn")
    expect(page.locator(".fact", has_text="duration")).to_be_visible()
    expect(page.locator(".player")).to_be_hidden()
    page.goto(page.url.replace("raw", "broken"))
    expect(page.get_by_role("alert").filter(has_text="cannot be shown")).to_be_visible()


def test_a_long_recording_is_asked_for_in_pieces(
    seen: Callable[..., Watched], folder: Path, stage: Stages, look: Looks
) -> None:
    """However long it is, each answer is bounded; where one looks it is as fine as any."""
    watched = look(stage(folder=folder, linked=False).url)
    page = watched.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/angles?" in request.url else None)

    def coarse(route: Any) -> None:
        """Stands in for hours: the whole comes as thin as it would."""
        url = re.sub(r"rows=\d+", "rows=60", route.request.url) if "from_s" not in route.request.url else None
        route.continue_(url=url) if url else route.continue_()

    page.route("**/angles?*", coarse)
    watched.open(f"#history/{MISHAPS}")
    page.locator(".reps tbody tr").nth(12).get_by_role("button").click()
    expect(page.locator("tr[aria-current]")).to_have_count(1)
    rows = [int(re.search(r"rows=(\d+)", url)[1]) for url in asked]  # type: ignore[index]
    assert len(asked) == 2 and "from_s=0" in asked[1] and max(rows) <= 6000
    told = [json.loads(line) for line in done("replay", folder / MISHAPS, "--json").out.splitlines()]
    rep = [line for line in told if line["type"] == "rep"][12]
    move(watched, rep["peak_s"])
    shows(watched, rep["peak_deg"])


# --- everybody --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_every_view_is_accessible_and_fits(seen: Callable[..., Watched], size: tuple[int, int]) -> None:
    """axe-core finds nothing in list, progress and replay; nothing sticks out; pictures are left."""
    watched = seen("#history", size=size, dark=True, calm=True)
    page = watched.page
    for view, path, there in (
        ("list", "#history", ".recording"),
        ("progress", "#history/person/P-07", ".trend"),
        ("replay", f"#history/{MISHAPS}", ".reps tbody tr"),
    ):
        page.goto(watched.url + path)
        page.locator(there).first.wait_for()
        page.wait_for_timeout(100)
        watched.accessible()
        watched.fits()
        watched.picture(f"history-{view}-{size[0]}-dark")
        with watched.other_theme():
            watched.picture(f"history-{view}-{size[0]}-light")


def test_in_german_with_less_motion(seen: Callable[..., Watched]) -> None:
    """Nothing of the catalogue is left in English, numbers and dates included."""
    watched = seen("#history", size=PHONE, language="de", calm=True)
    page = watched.page
    expect(page.locator(".days h2").first).to_have_text("Montag, 23. Februar 2026")
    watched.picture("history-list-german")
    page.goto(watched.url + "#history/person/P-07")
    expect(page.locator(".trend .change").nth(1)).to_contain_text("Noch keine echte Änderung")
    page.goto(watched.url + f"#history/{MISHAPS}")
    expect(page.locator(".reps tbody tr").nth(2)).to_contain_text("zu schnell")
    expect(page.locator(".reps tbody tr").nth(2)).to_contain_text("0:24,3")
    expect(page.locator(".moments li").first).to_have_text("0:16kalibriert, gut")
    expect(page.locator(".replay-angle")).to_have_text(re.compile(r"^\+\d+,\d°$"))
    watched.fits()
    watched.picture("history-replay-german")


def test_a_recording_that_is_being_closed_is_not_called_damaged(
    stage: Stages, look: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told as running, then as being saved, also to a page loaded meanwhile, and then whole by itself."""
    gate = threading.Event()
    close = Keeper.close

    def slow(keeper: Keeper) -> list[Path]:
        assert gate.wait(60.0)
        return close(keeper)

    monkeypatch.setattr(Keeper, "close", slow)
    one = stage(speed=12.0)
    seen = look(one.url)
    page = seen.open("#history")
    seen.until("hipturn.store.running && hipturn.store.reps.size > 1")
    page.reload()
    badge = page.locator(".recording .badge")
    expect(badge).to_have_text("running now")
    one.command(command="stop")
    try:
        expect(badge).to_have_text("being saved")
        page.reload()
        expect(badge).to_have_text("being saved")
        expect(page.locator("a.recording")).to_have_count(1)
    finally:
        gate.set()
    expect(badge).to_have_count(0)
    expect(page.locator(".recording .legs")).to_contain_text("controlled")
    expect(page.locator(".broken")).to_have_count(0)
    assert one.do(lambda: one.hub.status.closing) == []


def test_the_list_stays_under_the_hands_when_it_is_told_anew(
    stage: Stages, look: Looks, folder: Path
) -> None:
    """The focus stays on its recording, what one looks at where it is, and what was shown is still shown."""
    for day in range(70):
        shutil.copy(folder / MISHAPS, folder / f"copy-{day:02}.mcap")
    one = stage(folder=folder)
    seen = look(one.url)
    page = seen.open("#history")
    page.get_by_role("button", name="Show more").click()
    links = page.locator("a.recording")
    shown = links.count()
    assert shown > 60
    link = links.nth(50)
    link.focus()
    seen.until("scrollY > 0 && hipturn.store.running")
    place = "document.activeElement.getBoundingClientRect().top"
    name, top = link.get_attribute("href"), page.evaluate(place)
    page.evaluate("document.querySelector('.days').firstChild.dataset.before = true")
    one.command(command="stop")
    seen.until("!document.querySelector('.days').firstChild.dataset.before")
    assert page.evaluate("document.activeElement.getAttribute('href')") == name
    assert page.evaluate(place) == pytest.approx(top, abs=2.0)
    assert links.count() >= shown
