"""Drivers that other packages bring, as entry points of the group `GROUP` (docs/drivers.md).

They are looked for when a name is none of hipturn's own or all names are wanted, and once. One that
cannot be used is told in a line and left out: it must not keep anybody from measuring with another.
"""

import logging
from collections.abc import Mapping
from functools import cache

from hipturn import drivers
from hipturn.drivers import Driver

GROUP = "hipturn.drivers"
ABOUT = ("title", "trust", "untried", "commands", "measuring_only", "rates_hz", "rate_hz")
MEMBERS = (*ABOUT, "at", "matches", "decoder", "start", "stop", "battery")
"""What a driver must have beside its name."""

_log = logging.getLogger(__name__)


@cache
def found() -> Mapping[str, Driver]:
    """Return the drivers of other packages by name."""
    # costs more than all else a command imports
    from importlib.metadata import entry_points

    usable: dict[str, Driver] = {}
    for entry in entry_points(group=GROUP):
        package = entry.dist.name if entry.dist else "an unknown package"
        try:
            driver = entry.load()()
            if reason := _unusable(driver, entry.name, {*drivers.built_in(), *usable}):
                raise TypeError(reason)
            usable[entry.name] = driver
        except Exception as error:  # whatever foreign code raises
            what = " ".join(f"{type(error).__name__}: {error}".split())
            _log.warning(
                "the driver %r of %s cannot be used (%s): update or remove that package",
                entry.name,
                package,
                what,
            )
    return usable


def _unusable(driver: object, name: str, taken: set[str]) -> str | None:
    """Return why something is no driver that can go by this name."""
    if name in taken:
        return "there is another driver of this name"
    if missing := [member for member in ("name", *MEMBERS) if not hasattr(driver, member)]:
        return f"it lacks {', '.join(missing)}"
    told = driver.name  # type: ignore[attr-defined]
    return None if told == name else f"it calls itself {told!r}"
