"""Markup that escapes whatever it is given, unless that is markup already."""

from html import escape


class Html(str):
    """Markup: what goes into a page as it is."""

    __slots__ = ()


Child = str | None
"""`Html` as it is, other text escaped, None left out."""


def element(name: str, *children: Child, **attributes: str | None) -> Html:
    """Return an element; an attribute that is None is left out, ``class_`` stands for ``class``."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{told}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """Return the children one after the other."""
    given = (child for child in children if child is not None)
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in given))


def broken(*children: Child) -> Html:
    """Return what there is of the children, each on a line of its own."""
    given = [child for child in children if child]
    return Html("<br>".join(joined(child) for child in given))
