"""What the page shows when what it knows is old, and how it comes back by itself."""

import re
from pathlib import Path

from playwright.sync_api import Page, WebSocketRoute

from page.leading import step, until
from page.stage import Stage, Stages
from page.watching import PHONE, Looks

OLD = "document.documentElement.dataset.stale === 'true'"
FRESH = "document.documentElement.dataset.stale === 'false'"
FIGURES = "document.querySelector('.figures').dataset.fresh"


def measuring(one: Stage, page: Page) -> None:
    one.command(command="start", drill="seated-mobilisation", side="right")
    step(page, "reps")
    until(page, f"{FIGURES} === 'true' && {FRESH}")


def test_a_sensor_that_falls_silent(stage: Stages, look: Looks) -> None:
    """The page says so with a time that runs, marks the angle as old, and takes it back when samples come."""
    one = stage(speed=6.0)
    seen = look(one.url, size=PHONE)
    page = seen.open()
    measuring(one, page)
    one.do(lambda: setattr(one.source, "silent", True))
    until(page, f"{FIGURES} === 'false' && {OLD}")
    notice = page.locator(".notice.alarm:visible")
    assert re.match(r"Stale since \d+ s", notice.inner_text())
    assert "stale" in page.locator("#sensor").inner_text()
    until(page, "/^[2-9] s old$/.test(document.querySelector('.age').textContent)")
    seen.fits()
    seen.picture("live-stale", whole=False)
    one.do(lambda: setattr(one.source, "silent", False))
    until(page, f"{FIGURES} === 'true' && {FRESH}")
    assert not notice.is_visible()


def test_a_lost_link(stage: Stages, look: Looks) -> None:
    """The word is the API's, with since when and that it is tried again; the session goes on after it."""
    one = stage(speed=6.0)
    page = look(one.url).open()
    measuring(one, page)
    recording = page.evaluate("hipturn.store.recording")
    one.do(one.source.lose)
    until(page, OLD)
    words = one.do(lambda: one.hub.status.words)
    assert words.startswith("lost, since")
    shown = until(page, "document.querySelector('#sensor').innerText.includes('since') && "
                        "document.querySelector('#sensor').innerText")  # fmt: skip
    assert "lost" in shown and "retrying" in shown
    one.do(one.source.link)
    until(page, f"{FRESH} && {FIGURES} === 'true'")
    assert page.evaluate("hipturn.store.recording") == recording


def test_the_states_are_the_apis_words(stage: Stages, look: Looks) -> None:
    one = stage(linked=False)
    page = look(one.url).open()
    until(page, "document.querySelector('.state-word').textContent === 'searching'")
    one.do(one.source.link)
    until(page, "['ready', 'measuring'].includes(document.querySelector('.state-word').textContent)")
    assert page.locator(".state-word").inner_text() == one.do(lambda: one.hub.status.state.value)


def test_the_program_ends_and_comes_back(tmp_path: Path, look: Looks) -> None:
    """Everything shown is called old with a time that runs; the page connects again without being asked."""
    first = Stage(folder=tmp_path / "recordings", speed=6.0)
    with first.open():
        seen = look(first.url)
        page = seen.open()
        until(page, "hipturn.store.open && hipturn.store.running")
        seen.allow("WebSocket connection to")
    until(page, OLD)
    notice = page.locator(".notice.alarm:visible")
    notice.wait_for()
    assert re.match(r"No connection to hipturn. What you see is \d+ s old", notice.inner_text())
    assert page.locator(".state-word").inner_text() == "no connection"
    # it told the end of its session before: there is only a new one to begin, once it is back
    assert page.locator("button.start").is_disabled()
    seen.picture("ended-offline", whole=False)
    with Stage(folder=tmp_path / "recordings", speed=6.0, port=first.port).open():
        until(page, FRESH)
        assert page.evaluate("hipturn.measures.reconnects") >= 1
        until(page, "hipturn.store.freshAngle() !== null || hipturn.store.coach !== null")
        assert not notice.is_visible()


def test_a_link_that_is_cut_in_the_midst_of_a_session(stage: Stages, look: Looks) -> None:
    """Nothing can be told to the session until it is back; what is shown stays, and is called old."""
    seen = look(stage(speed=6.0).url)
    sockets: list[WebSocketRoute] = []
    away: list[bool] = []

    def between(socket: WebSocketRoute) -> None:
        if away:
            socket.close()
        else:
            sockets.append(socket)
            socket.connect_to_server()

    seen.page.route_web_socket(re.compile("/api/v1/live"), between)
    page = seen.open()
    until(page, f"{FRESH} && hipturn.store.running")
    away.append(True)
    sockets[0].close()
    until(page, OLD)
    page.locator(".notice.alarm:visible").wait_for()
    assert page.get_by_role("button", name="Pause").is_disabled()
    seen.picture("live-offline", whole=False)
    away.clear()
    until(page, FRESH)
    assert page.get_by_role("button", name="Pause").is_enabled()


def test_a_network_that_closes_nothing(stage: Stages, look: Looks) -> None:
    """A link over which nothing comes any more is noticed, told, given up and made anew."""
    one = stage(speed=6.0)
    seen = look(one.url)
    sockets: list[WebSocketRoute] = []
    dead: list[WebSocketRoute] = []

    def between(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        server = socket.connect_to_server()
        server.on_message(lambda message: None if socket in dead else socket.send(message))

    seen.page.route_web_socket(re.compile("/api/v1/live"), between)
    page = seen.open()
    until(page, FRESH)
    dead.append(sockets[0])
    until(page, OLD, within_s=12.0)
    until(page, FRESH, within_s=12.0)
    assert len(sockets) == 2


def test_what_is_caught_up_on_behind_the_newest_stands_before_it(stage: Stages, look: Looks) -> None:
    """The newest repetition may come over the stream while the earlier ones are still asked for."""
    page = look(stage(linked=False).url).open()
    until(page, "window.hipturn")
    for n in (4, 1, 2, 3, 4):
        page.evaluate("n => hipturn.store.hearEvent({ type: 'rep', n, verdict: 'controlled' })", n)
    assert page.evaluate("[...hipturn.store.reps.keys()]") == [1, 2, 3, 4]
    assert page.evaluate("hipturn.store.rep.n") == 4


def test_what_was_missed_is_caught_up(stage: Stages, look: Looks) -> None:
    """A page that is opened in the middle knows each repetition so far, once."""
    one = stage(speed=6.0)
    page = look(one.url).open()
    measuring(one, page)
    until(page, "hipturn.store.reps.size >= 3")
    page.reload()
    until(page, "hipturn.store.reps.size >= 3")
    numbers = page.evaluate("[...hipturn.store.reps.keys()]")
    assert numbers == list(range(1, len(numbers) + 1))
    shown = one.do(lambda: (one.hub.status.coach or {})["count"])
    until(page, f"Number(document.querySelector('.count').textContent.split('/')[0]) >= {shown}")


def test_a_new_session_begins_with_nothing_of_the_last(stage: Stages, look: Looks) -> None:
    """No angle, no repetition and no best of the last session is shown in the next."""
    one = stage(speed=6.0)
    page = look(one.url).open()
    measuring(one, page)
    until(page, "hipturn.store.reps.size >= 1")
    one.command(command="start", drill="prone-rotation", side="left")
    until(page, "hipturn.store.coach?.drill === 'prone-rotation'")
    assert page.evaluate("[hipturn.store.reps.size, hipturn.store.angle, hipturn.store.trace.length]") == [
        0,
        None,
        0,
    ]
    assert "left leg" in page.locator("#measure .seen-from").inner_text()
