"""Printed pages and HTML files as their readers find them."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from hipturn.errors import UsageError
from hipturn.report import pdf

A4_PT = (595.0, 842.0)
EMPTY = {"meta", "br", "link", "img", "input", "hr"}


@dataclass
class Page(HTMLParser):
    """What a browser would make of a file: elements, their attributes, and the text to be read."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in EMPTY:
            self.inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag, f"{tag} closes what it did not open"

    def handle_data(self, data: str) -> None:
        if data.strip():
            (self.styles if self.inside and self.inside[-1] == "style" else self.words).append(data)

    @property
    def text(self) -> str:
        """All that is to be read, in one line."""
        return " ".join(" ".join(self.words).split())


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.inside == [], "an element is not closed"
    return page


def printed(html: Path) -> list[str]:
    """Print a file as a person would; return the text of each page, all of them A4."""
    try:
        program = pdf.browser()
    except UsageError as error:
        pytest.skip(str(error))
    if shutil.which("pdfinfo") is None:
        pytest.skip("pdfinfo is not installed (poppler-utils)")
    path = html.with_suffix(".printed.pdf")
    path.write_bytes(pdf.printed(html, program))
    return pages(path)


def pages(path: Path) -> list[str]:
    """Return the text of each page of a PDF whose pages are all A4."""
    info = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True).stdout
    facts = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    width, height = (float(word) for word in facts["Page size"].split() if word[0].isdigit())
    assert (width, height) == pytest.approx(A4_PT, abs=1.0), facts["Page size"]
    text = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True
    ).stdout
    found = text.split("\f")[:-1]
    assert len(found) == int(facts["Pages"])
    return [" ".join(each.split()) for each in found]


def inked(path: Path) -> list[float]:
    """Return how far down each page of a PDF is used, its foot aside: a share of its height."""
    with tempfile.TemporaryDirectory() as place:
        command = ["pdftoppm", "-r", "20", "-gray", str(path), f"{place}/p"]
        subprocess.run(command, check=True, capture_output=True)
        found = []
        for page in sorted(Path(place).iterdir()):
            with Image.open(page) as picture:
                height = picture.height - round(0.06 * picture.height)
                below = picture.crop((0, 0, picture.width, height)).point(lambda shade: 255 * (shade < 200))
                box = below.getbbox()
                found.append((box[3] if box else 0) / height)
    return found
