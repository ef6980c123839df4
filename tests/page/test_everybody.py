"""Everybody can use it: axe-core on every view, panel and dialog, in light and dark, hand and table."""

from page.leading import choose, step
from page.stage import Stages
from page.watching import DESKTOP, PHONE, Looks

SIZES = {"phone": PHONE, "desktop": DESKTOP}


def test_every_view_of_a_session_is_accessible(stage: Stages, look: Looks) -> None:
    """A session gone through once; whatever it shows is looked at small and large, dark and light."""
    one = stage(speed=15.0, answers=False)
    seen = look(one.url, dark=True, calm=True)
    page = seen.open()

    def looked(view: str) -> None:
        one.source.speed = 0.5  # who is looked at waits
        for name, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            seen.accessible()
            seen.fits()
            seen.picture(f"{view}-{name}-dark")
            with seen.other_theme():
                seen.picture(f"{view}-{name}-light")
        one.source.speed = 15.0

    one.until(lambda: one.hub.status.session is not None)
    one.command(command="stop")
    page.locator(".choose").wait_for()
    looked("choose")
    for panel in ("settings", "sound"):
        page.locator(f"[popovertarget={panel}-panel]").click()
        looked(panel)
        page.keyboard.press("Escape")
    choose(page, "drill:prone-rotation")
    page.locator("button.start").click()
    page.locator("dialog.safety").wait_for()
    looked("safety")
    page.locator("dialog.safety button[value=read]").click()
    step(page, "question")
    looked("question")
    page.get_by_role("button", name="Yes").click()
    step(page, "trial")
    looked("live")
    one.do(one.source.lose)
    page.locator(".notices .notice:visible").first.wait_for()
    looked("lost")
    one.do(one.source.link)
    step(page, "question")
    looked("pain")
    page.get_by_role("group", name="Pain from 0 to 10?").get_by_role("button", name="2", exact=True).click()
    step(page, "done")
    looked("results")
