"""What a person does on the page, for the tests of the live view."""

import time
from typing import Any

from playwright.sync_api import Page

PATIENCE_S = 30.0


def until(page: Page, expression: str, within_s: float = PATIENCE_S) -> Any:
    """Return what an expression in the page comes to once that is true.

    Asked from outside: the page's policy forbids what `wait_for_function` would do in it.
    """
    end_s = time.monotonic() + within_s
    while not (found := page.evaluate(expression)):
        if time.monotonic() > end_s:
            shown = page.evaluate("document.body.innerText")
            raise AssertionError(f"{expression} did not come true within {within_s:.0f} s; shown is\n{shown}")
        page.wait_for_timeout(20)
    return found


def step(page: Page, *names: str) -> str:
    """Wait until the coach is in one of these steps, as the page knows it."""
    known = ",".join(f'"{name}"' for name in names)
    return str(until(page, f"[{known}].includes(hipturn.store.coach?.step) && hipturn.store.coach.step"))


def choose(page: Page, choice: str, side: str = "right") -> None:
    """Open the choice, and choose."""
    if not page.locator(".choose").is_visible():
        page.locator("button:visible", has_text="Choose").click()
    page.locator(f"label:has(input[name=side][value={side}])").click()
    page.locator(f"label:has(input[value='{choice}'])").click()


def start(page: Page, choice: str, side: str = "right") -> None:
    """Choose and start; read the safety words where they come."""
    choose(page, choice, side)
    page.locator("button.start").click()
    until(page, "document.querySelector('dialog[open]') || document.querySelector('.choose').hidden")
    if page.locator("dialog.safety").is_visible():
        page.locator("dialog.safety button[value=read]").click()
    until(page, "document.querySelector('.choose').hidden")
