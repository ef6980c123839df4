"""A figure as a part of a page: SVG whose text is text, the same bytes for the same figure."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from hipturn.report.html import Html, element

LOOK: Any = {
    "svg.fonttype": "none",
    "font.family": ["sans-serif"],
    # what a page's own letters take the place of is measured by these, which are wider than most
    "font.sans-serif": ["DejaVu Sans"],
    # names come from people and files
    "text.parse_math": False,
    "font.size": 8.0,
    "axes.edgecolor": "#8a8a8a",
    "axes.linewidth": 0.6,
    "axes.titlesize": 8.5,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.5,
}
IDS = re.compile(r'(?<= id=")([^"]+)|(?<=url\(#)([^)]+)|(?<=href="#)([^"]+)')


@contextmanager
def look() -> Iterator[None]:
    """Draw within this as reports are drawn."""
    with matplotlib.rc_context(LOOK):
        yield


def inline(figure: Figure, name: str, label: str) -> Html:
    """Return the figure as an SVG element with its own ids; `label` says what it shows."""
    out = io.StringIO()
    untold = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({**LOOK, "svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata=untold, transparent=True)
    text = out.getvalue()
    svg = Html(IDS.sub(lambda found: f"{name}-{found[0]}", text[text.index("<svg") :]).strip())
    return element("figure", svg, class_="picture", role="img", aria_label=label)
