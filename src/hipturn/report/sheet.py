"""What both reports are made of: one or two sheets of A4 in a file that asks nobody for anything.

No script, no font, no picture from elsewhere; the policy in the head forbids them. Whatever may be long (a
name, a note, a list) has a limit, so that two sheets stay two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import resources

from hipturn import __version__
from hipturn.export.measured import ROLE
from hipturn.model import Rep, Verdict
from hipturn.offline import Analysis
from hipturn.report.html import Child, Html, element, joined
from hipturn.report.words import Say, short

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
LONGEST_NAME = 60
"""Letters of a name that are shown."""


def document(title: str, sheets: Sequence[Html], say: Say) -> str:
    """Return the file with its sheets."""
    style = (resources.files("hipturn.report") / "page.css").read_text(encoding="utf-8")
    head = joined(
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Html('<meta name="viewport" content="width=device-width">'),
        element("title", title),
        element("style", Html(style)),
    )
    pages = [
        element("section", sheet, _footer(n, len(sheets), say), class_="page")
        for n, sheet in enumerate(sheets, 1)
    ]
    body = element("body", *pages)
    return f'<!DOCTYPE html>\n<html lang="{say.language}">\n{element("head", head)}\n{body}\n</html>\n'


def _footer(n: int, of: int, say: Say) -> Html:
    page = element("span", say("page", n=n, of=of))
    return element("footer", element("span", f"hipturn {__version__}"), page)


def head(title: str, facts: Mapping[str, str | None], of: str = "") -> Html:
    """Return the head of the first sheet: what it is, of what file, whose; an unknown fact is left out."""
    told = [
        element("div", element("dt", name), element("dd", short(value, LONGEST_NAME)))
        for name, value in facts.items()
        if value
    ]
    file = element("small", short(of, LONGEST_NAME)) if of else None
    return joined(element("header", element("h1", title), file), element("dl", *told, class_="facts"))


def part(title: str, *children: Child, note: str = "") -> Html:
    """Return a part of a sheet under its heading."""
    beside = joined(" ", element("small", note)) if note else None
    return element("section", element("h2", title, beside), *children)


def caption(*texts: str) -> Html:
    """Return what is said beneath a picture."""
    return element("p", " ".join(text for text in texts if text), class_="caption")


def counted(reps: Sequence[Rep], say: Say) -> str:
    """Return the count in words."""
    if not reps:
        return say("counts.none")
    verdicts = [rep.verdict for rep in reps]
    return say("counts", reps=len(reps), **{verdict.value: verdicts.count(verdict) for verdict in Verdict})


def table(
    heads: Sequence[Child],
    rows: Iterable[Sequence[Child]],
    numbers: Iterable[int] = (),
    classes: Sequence[str] = (),
) -> Html:
    """Return a table; `numbers` are the columns that stand right, `classes` one a row where there are any."""
    right = set(numbers)

    def cells(kind: str, row: Sequence[Child]) -> list[Html]:
        return [element(kind, cell, class_="number" if n in right else None) for n, cell in enumerate(row)]

    body = [
        element("tr", *cells("td", row), class_=classes[n] if classes else None) for n, row in enumerate(rows)
    ]
    return element("table", element("thead", element("tr", *cells("th", heads))), element("tbody", *body))


def cards(values: Iterable[tuple[str, str, str, bool]]) -> Html:
    """Return the figures to see first: what, how much, how it went, and whether it is external rotation."""
    return element(
        "div",
        *(
            element(
                "div", element("span", what), element("b", value), element("span", how),
                class_="external" if external else None,
            )
            for what, value, how, external in values
        ),
        class_="lead",
    )  # fmt: skip


def method(say: Say, *texts: str) -> Html:
    """Return how it was measured, a paragraph each."""
    return part(say("method"), element("div", *(element("p", text) for text in texts), class_="method"))


def safety(say: Say) -> Html:
    """Return the safety words."""
    return element("p", say("safety"), class_="safety")


def unnamed(analysis: Analysis) -> Analysis:
    """Return it with numbers for sensors that are not named after a place on the body, as exports have."""
    names = dict.fromkeys(block.stream for block in analysis.angles)
    called = {name: name if ROLE.fullmatch(name) else f"sensor-{n}" for n, name in enumerate(names, 1)}
    return replace(
        analysis,
        angles=[replace(block, stream=called[block.stream]) for block in analysis.angles],
        events=[replace(event, stream=called.get(event.stream, "sensor")) for event in analysis.events],
    )
