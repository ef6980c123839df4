"""Make docs/page.png anew: ``python docs/page_picture.py``.

A real session with the virtual sensor, looked at in Chromium. Takes a minute: the person on the mat takes as
long as people do.
"""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

COLOURS = 96
"""Enough for the page's few; a quarter of the bytes."""
READY = "hipturn.store.angle?.deg > 26 && /^[7-9]/.test(document.querySelector('.count').innerText)"


def main() -> None:
    """Start a session, wait for a moment that shows everything, and keep it."""
    picture = Path(__file__).with_name("page.png")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hipturn", "run", "--sensor", "virtual", "--headless", "--port", "0"]
        command += ["--drill", "side-lying-activation", "--side", "left", "--recordings", folder]
        session = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            url = next(re.findall(r"http://\S+", line)[0] for line in session.stderr or () if "page:" in line)
            with sync_playwright() as driver:
                browser = driver.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
                )
                page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
                page.goto(url)
                while not page.evaluate(READY):
                    page.wait_for_timeout(50)
                page.screenshot(path=str(picture))
        finally:
            session.send_signal(signal.SIGINT)
            session.communicate()
    shown = Image.open(picture).convert("RGB")
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    main()
