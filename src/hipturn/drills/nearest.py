"""A hint for whoever mistyped a name."""

import difflib
from collections.abc import Iterable


def nearest(name: str, among: Iterable[str]) -> str:
    """Return ``: did you mean X?``, or what there is."""
    names = list(among)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f": did you mean {near[0]}?" if near else f": there are {', '.join(names)}"
