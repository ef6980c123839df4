"""A page as PDF, printed by the Chromium that is on this computer."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hipturn.errors import InputError, UsageError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ),
}
"""Where it is where it is not on the path, by platform."""
LONGEST_S = 120.0


def browser() -> str:
    """Return the program that prints; raise `UsageError` where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    found = found or next((place for place in PLACES.get(sys.platform, ()) if Path(place).exists()), None)
    if found is None:
        raise UsageError(
            "--pdf needs Chromium, Chrome or Edge, and none was found: install one, "
            "or print the HTML file from any browser"
        )
    return found


def printed(page: Path, program: str) -> bytes:
    """Return an HTML file as PDF; raise `InputError` in one line where the browser cannot."""
    with tempfile.TemporaryDirectory(prefix="hipturn-", ignore_cleanup_errors=True) as folder:
        out = Path(folder) / "page.pdf"
        command = [
            program,
            "--headless",
            "--disable-gpu",
            "--disable-extensions",
            "--no-first-run",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={out}",
            page.absolute().as_uri(),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # its sandbox refuses to run for root, as in a container; the page has no script to fence in
            command.insert(1, "--no-sandbox")
        try:
            ended = subprocess.run(command, capture_output=True, timeout=LONGEST_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(
                f"--pdf: {program} did not print it ({error}): the HTML file is there"
            ) from error
        if not out.exists():
            told = ended.stderr.decode(errors="replace").strip().splitlines()
            raise InputError(
                f"--pdf: {program} printed nothing ({told[-1] if told else ended.returncode}): "
                "the HTML file is there"
            )
        return out.read_bytes()
