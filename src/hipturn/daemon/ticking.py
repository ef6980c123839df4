"""What must happen several times a second whether samples come or not, and the service manager's watchdog."""

import asyncio
import logging
from collections.abc import Callable

from hipturn.host.notify import Notifier
from hipturn.sinks.hub import Hub

TICK_S = 0.1
"""How often the recorder may close a chunk, and staleness and the watchdog are looked at."""

_log = logging.getLogger(__name__)


async def ticking(hub: Hub, notifier: Notifier, each: Callable[[], None], stuck: Callable[[], bool]) -> None:
    """Call `each` at every tick, for ever; the watchdog is fed unless the loop is `stuck`."""
    loop = asyncio.get_running_loop()
    watchdog_s = notifier.watchdog_s()
    due_s = alive_s = loop.time()
    while True:
        due_s += TICK_S
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        late_s = loop.time() - due_s
        if late_s > 1.0:
            _log.warning("the program was held up for %.1f s", late_s)
            due_s = loop.time()
        each()
        hub.tick(late_s)
        notifier.status(hub.status.words)
        if watchdog_s is not None and loop.time() - alive_s > watchdog_s / 4 and not stuck():
            alive_s = loop.time()
            notifier.alive()
