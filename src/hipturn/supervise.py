"""What may fail without stopping the measurement: listeners and services, reported and started again."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from hipturn.errors import HipturnError
from hipturn.session import Heard
from hipturn.units import NS_PER_S

_log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Pauses between attempts double from the first to the longest."""
STEADY_S = 60.0
"""What ran so long before it failed starts with the first pause again."""

Tell = Callable[[str, str | None], object]
"""Told which part does not work and why, or None when it works again."""


def pause_s(failures: int) -> float:
    """Return how long to leave something alone that has failed so often in a row."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 16))


def reason(error: BaseException) -> str:
    """Return one line on an error."""
    text = " ".join(str(error).split())
    return text if isinstance(error, HipturnError) and text else f"{type(error).__name__}: {text}"[:200]


class Fan:
    """Passes on what is heard to listeners by name; one that raises is left alone for a while."""

    def __init__(
        self,
        listeners: Mapping[str, Callable[[Heard], None]],
        tell: Tell,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._listeners = dict(listeners)
        self._tell = tell
        self._clock = clock
        self._failures = dict.fromkeys(listeners, 0)
        self._until_ns = dict.fromkeys(listeners, 0)
        self.failures = 0
        """Failures of all listeners so far."""

    def hear(self, heard: Heard) -> None:
        """Pass it on to all that work; never raises."""
        for name, listener in self._listeners.items():
            failed = self._failures[name]
            if failed and self._clock() < self._until_ns[name]:
                continue
            try:
                listener(heard)
            except Exception as error:
                self._failed(name, error)
            else:
                if failed and self._clock() > self._until_ns[name] + NS_PER_S:
                    self._failures[name] = 0
                    _log.info("%s works again", name)
                    self._tell(name, None)

    def _failed(self, name: str, error: Exception) -> None:
        self.failures += 1
        self._failures[name] += 1
        wait_s = pause_s(self._failures[name])
        self._until_ns[name] = self._clock() + round(wait_s * NS_PER_S)
        _log.error("%s failed and is left alone for %g s", name, wait_s, exc_info=error)
        self._tell(name, f"{name} failed ({reason(error)}), trying again")


async def kept_up(name: str, run: Callable[[], Awaitable[None]], tell: Tell) -> None:
    """Run a service until cancelled; whenever it fails or ends, report it and start it again."""
    failures = 0
    while True:
        began_s = time.monotonic()
        tell(name, None)
        try:
            await run()
            what = "it ended"
        except Exception as error:
            _log.exception("%s failed", name)
            what = reason(error)
        failures = 1 if time.monotonic() - began_s > STEADY_S else failures + 1
        wait_s = pause_s(failures)
        tell(name, f"{name} is down ({what}), starting again in {wait_s:g} s")
        await asyncio.sleep(wait_s)
