"""Everybody can use it: axe-core on every view, panel and dialog, in light and dark, hand and table."""

from page.leading import choose, step
from page.stage import Stages
from page.watching import DESKTOP, PHONE, Looks


def test_every_view_of_a_session_is_accessible(stage: Stages, look: Looks) -> None:
    """A session gone through once, looked at by a phone and a laptop at the same time."""
    one = stage(speed=15.0, answers=False)
    seen = {
        name: look(one.url, size=size, dark=True, calm=True)
        for name, size in (("phone", PHONE), ("desktop", DESKTOP))
    }
    leads = seen["phone"].open()
    seen["desktop"].open()

    def looked(view: str) -> None:
        one.source.speed = 0.5  # who is looked at waits
        for name, each in seen.items():
            each.accessible()
            each.fits()
            each.picture(f"{view}-{name}-dark")
            with each.other_theme():
                each.picture(f"{view}-{name}-light")
        one.source.speed = 15.0

    one.until(lambda: one.hub.status.session is not None)
    one.command(command="stop")
    for each in seen.values():
        each.page.locator(".choose").wait_for()
    looked("choose")
    for panel in ("settings", "sound"):
        for each in seen.values():
            each.page.locator(f"[popovertarget={panel}-panel]").click()
        looked(panel)
        for each in seen.values():
            each.page.keyboard.press("Escape")
    for each in seen.values():
        choose(each.page, "drill:prone-rotation")
        each.page.locator("button.start").click()
        each.page.locator("dialog.safety").wait_for()
    looked("safety")
    seen["desktop"].page.get_by_role("button", name="Not now").click()
    leads.locator("dialog.safety button[value=read]").click()
    for each in seen.values():
        step(each.page, "question")
    looked("question")
    leads.get_by_role("button", name="Yes").click()
    step(leads, "trial")
    looked("live")
    one.do(one.source.lose)
    for each in seen.values():
        each.page.locator(".notices .notice:visible").first.wait_for()
    looked("lost")
    one.do(one.source.link)
    step(leads, "question")
    looked("pain")
    leads.get_by_role("group", name="Pain from 0 to 10?").get_by_role("button", name="2", exact=True).click()
    for each in seen.values():
        step(each.page, "done")
    looked("results")
