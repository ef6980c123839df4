"""Nothing is taken out of anybody's hands: by a session elsewhere, a late answer, a line told anew."""

from playwright.sync_api import Page, Route

from page.leading import choose, start, step, until
from page.stage import Stage, Stages
from page.watching import PHONE, Looks

ACTIVE = "document.activeElement"


def idle(one: Stage, page: Page) -> None:
    """Wait until no session runs and the choice is shown."""
    one.until(lambda: one.hub.status.session is not None)
    one.command(command="stop")
    page.locator(".choose").wait_for()
    page.locator(".offer").first.wait_for()


def test_who_is_choosing_goes_on_when_a_session_begins_elsewhere(stage: Stages, look: Looks) -> None:
    """What is typed goes where it was begun; the session that runs is one press away."""
    one = stage(speed=4.0)
    page = look(one.url, size=PHONE).open()
    idle(one, page)
    page.locator("#person").press_sequentially("qz")
    one.command(command="start", drill="seated-mobilisation", side="right")
    until(page, "hipturn.store.running && hipturn.store.coach !== null")
    page.keyboard.type(" p1")
    assert page.locator("#person").input_value() == "qz p1"
    page.get_by_role("button", name="Back to the session").click()
    page.locator(".live").wait_for()
    assert one.do(lambda: one.hub.status.session) is not None


def test_pressed_twice_a_session_begins_once(stage: Stages, look: Looks) -> None:
    one = stage(speed=4.0)
    page = look(one.url).open()
    idle(one, page)
    page.evaluate("import('/static/prefs.js').then((prefs) => prefs.set('safetyRead', true))")
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.post_data or ""))
    page.locator("button.start").dblclick()
    until(page, "hipturn.store.running")
    assert sum('"start"' in body for body in sent) == 1


def test_a_late_answer_in_the_other_language_is_left(stage: Stages, look: Looks) -> None:
    """Changed while the choice is fetched: what is shown is of the language that was chosen last."""
    one = stage(linked=False)
    page = look(one.url).open()
    page.locator(".offer").first.wait_for()
    held: list[Route] = []
    page.route("**/drills?language=de", lambda route: held.append(route))
    page.evaluate("import('/static/prefs.js').then((prefs) => prefs.set('language', 'de'))")
    until_held(page, held)
    page.evaluate("import('/static/prefs.js').then((prefs) => prefs.set('language', 'en'))")
    page.locator(".offer-title", has_text="Mobilise").wait_for()
    with page.expect_response("**/drills?language=de"):
        held.pop().continue_()
    page.wait_for_timeout(200)
    assert page.locator(".offer-title", has_text="Mobilisieren").count() == 0


def test_what_could_not_be_fetched_is_asked_for_again(stage: Stages, look: Looks) -> None:
    """The program was away when the choice was opened: with the link the choice is there."""
    one = stage(linked=False)
    seen = look(one.url)
    seen.allow("ERR_FAILED")
    for what in ("drills", "references"):
        seen.page.route(f"**/{what}?*", lambda route: route.abort())
    page = seen.open()
    until(page, "hipturn.store.status !== null")
    page.wait_for_timeout(200)
    assert page.locator(".offer").count() == 0
    page.unroute_all()
    page.evaluate("hipturn.store.link(false); hipturn.store.link(true)")
    page.locator(".offer").first.wait_for()


def test_an_overtaken_answer_brings_no_old_session_back(stage: Stages, look: Looks) -> None:
    """What was missed of a session comes when the next has begun: the page stays with that."""
    one = stage(speed=10.0)
    page = look(one.url).open()
    until(page, "hipturn.store.running && hipturn.store.reps.size > 0")
    held: list[Route] = []
    page.route("**/api/v1/results", lambda route: held.append(route))
    page.reload()
    until_held(page, held)
    until(page, "hipturn.store.recording")
    old = page.evaluate("hipturn.store.recording")
    late = page.request.get(f"{one.url}api/v1/results").json()
    assert late["lines"][0]["recording"] == old
    one.command(command="start", drill="prone-rotation", side="left")
    until(page, f"hipturn.store.recording !== {old!r}")
    page.evaluate("window.begun = []; hipturn.store.on('session', (name) => window.begun.push(name))")
    with page.expect_response("**/api/v1/results"):
        held.pop().fulfill(json=late)
    page.wait_for_timeout(200)
    assert page.evaluate("window.begun") == []


def test_what_is_pressed_stays_when_a_line_is_told_anew(stage: Stages, look: Looks) -> None:
    """The buttons of a question, the beats to choose from, and what is read out of an exercise."""
    one = stage(speed=16.0, answers=False)
    page = look(one.url).open()
    until(page, "hipturn.store.running")
    choose(page, "drill:prone-rotation")
    again = "hipturn.store.hear({ ...hipturn.store.status }, performance.now())"
    kept = "((node) => (() => { %s; return node.isConnected; })())(%s)"
    assert page.evaluate(kept % (again, "document.querySelector('.about').firstChild"))
    start(page, "drill:prone-rotation")
    step(page, "question")
    button = page.get_by_role("button", name="Yes")
    button.focus()
    page.evaluate("hipturn.store.hear({ ...hipturn.store.coach, t_s: 99 }, performance.now())")
    assert page.evaluate(f"{ACTIVE}.textContent") == "Yes"
    page.get_by_role("button", name="Voice and sounds").click()
    page.locator("#beat").focus()
    assert page.evaluate(kept % (again, "document.querySelector('#beat').options[2]"))


def test_results_take_no_focus_from_who_is_elsewhere(stage: Stages, look: Looks) -> None:
    """In a panel one stays in it; who compares with another group stays at that choice."""
    one = stage(speed=16.0)
    page = look(one.url).open()
    until(page, "hipturn.store.running")
    start(page, "drill:prone-rotation")
    step(page, "trial")
    page.get_by_role("button", name="Voice and sounds").click()
    page.locator("#volume").focus()
    step(page, "done")
    page.locator(".results h1").wait_for()
    assert page.evaluate(f"{ACTIVE}.id") == "volume"
    page.keyboard.press("Escape")
    page.locator("#reference").focus()
    page.keyboard.press("ArrowDown")
    until(page, "document.querySelector('.results').innerText.includes('Kouyoumdjian')")
    assert page.evaluate(f"{ACTIVE}.id") == "reference"


def test_a_replay_that_comes_late_takes_no_focus(stage: Stages, look: Looks) -> None:
    """Measuring a recording takes seconds: who has gone on to something else by then is left there."""
    one = stage(speed=12.0)
    page = look(one.url).open()
    until(page, "hipturn.store.reps.size > 0")
    one.command(command="stop")
    one.until(lambda: not one.hub.status.closing)
    page.goto(f"{one.url}#history")
    page.locator("a.recording").first.wait_for()
    held: list[Route] = []
    page.route("**/angles?*", lambda route: held.append(route))
    page.locator("a.recording").first.click()
    until_held(page, held)
    page.locator("#to-measure").focus()
    held.pop().continue_()
    page.locator(".player").wait_for()
    page.wait_for_timeout(100)
    assert page.evaluate(f"{ACTIVE}.id") == "to-measure"


def until_held(page: Page, held: list[Route]) -> None:
    for _ in range(500):
        if held:
            return
        page.wait_for_timeout(10)
    raise AssertionError("the page did not ask")
