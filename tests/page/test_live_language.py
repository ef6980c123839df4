"""A German session on a German page: everything that is to be read is German, to the last label."""

import re
from functools import partial

from playwright.sync_api import Page

from hipturn.status import State
from page.leading import choose, step, until
from page.stage import Stages
from page.watching import Looks, Watched
from vocabulary import foreign, spoken

READ = """() => [...document.querySelectorAll("body, body *")]
  .filter((node) => node.checkVisibility())
  .flatMap((node) => [
    ...[...node.childNodes].filter((one) => one.nodeType === Node.TEXT_NODE).map((one) => one.data),
    node.getAttribute("aria-label"), node.getAttribute("title"), node.getAttribute("placeholder"),
  ])
  .filter((text) => text && text.trim())"""
"""All that can be read or is read out now: texts, accessible names, hints."""
CALENDAR = (
    "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag Januar Februar März April Mai Juni Juli \
August September Oktober November Dezember"
)
OTHERS = "English acted seated mobilisation rotation right left VQF MQTT"
"""What is called so everywhere: the other language, the sensor, drill and filter in names of files."""


def english(page: Page, known: set[str]) -> dict[str, str]:
    """The words that are of no German text, each with where it stands."""
    return {
        word: text
        for text in page.evaluate(READ)
        for word in foreign(text) - known
        if not re.fullmatch(r"\S+\.mcap", text)
    }


def german(seen: Watched) -> set[str]:
    """The page's own words, beside those of coach and terminal."""
    texts = seen.page.evaluate(
        "import('/static/i18n.js').then(({ CATALOGUES }) => Object.values(CATALOGUES.de))"
    )
    own = set().union(*(spoken(re.sub(r"\{\w+\}", " ", text)) for text in texts))
    return own | spoken(CALENDAR) | spoken(OTHERS)


def test_nothing_on_a_german_page_is_english(stage: Stages, look: Looks) -> None:
    """Choice, panels, safety, session, what does not work, results, history, replay."""
    one = stage(speed=12.0, answers=False)
    seen = look(one.url, language="de")
    page = seen.open()
    until(page, "hipturn.store.running")
    known = german(seen)
    found: dict[str, str] = {}

    def read() -> None:
        found.update(english(page, known))

    page.locator("button:visible", has_text="Auswahl").click()
    page.locator(".offer").first.wait_for()
    for choice in ("routine:hip-internal-rotation", "drill:prone-rotation"):
        choose(page, choice)
        read()
    for panel in ("settings", "sound"):
        page.locator(f"[popovertarget={panel}-panel]").click()
        read()
        page.keyboard.press("Escape")
    page.locator("button.start").click()
    page.locator("dialog.safety").wait_for()
    read()
    page.locator("dialog.safety button[value=read]").click()
    step(page, "question")
    read()
    page.get_by_role("button", name="Ja").click()
    for each in ("stand", "setup", "hold", "rotations"):
        step(page, each)
        read()
    for part in ("recording", "voice", "catalogue", "MQTT"):
        one.do(partial(one.hub.trouble, part, "it failed (No space left on device), trying again"))
    until(page, "Object.keys(hipturn.store.status.troubles).length === 4")
    read()
    for part in ("recording", "voice", "catalogue", "MQTT"):
        one.do(partial(one.hub.trouble, part, None))
    step(page, "trial")
    read()
    one.do(one.source.lose)
    until(page, f"hipturn.store.status.state === '{State.LOST.value}'")
    read()
    one.do(one.source.link)
    step(page, "question")
    read()
    page.keyboard.press("0")
    step(page, "done")
    page.locator(".results h1").wait_for()
    page.locator("#reference").select_option("adults-prone")
    read()
    recording = page.evaluate("hipturn.store.coach.result.recording")
    page.goto(f"{one.url}#history")
    page.locator("a.recording").first.wait_for()
    read()
    page.goto(f"{one.url}#history/{recording}")
    page.locator(".player").wait_for()
    read()
    assert found == {}
