"""This computer's own voice, kept to what the hub says: it sounds only while the machine is the speaker."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from hipturn.config import Settings
from hipturn.session import Heard
from hipturn.sinks.hub import Hub
from hipturn.sinks.voice import Speaker, Voice, Where, audible

FINISH_S = 8.0
"""How long the last words may take."""


def speaker(settings: Settings) -> Speaker:
    """Return who speaks at first by the settings `voice.…`."""
    chosen = str(settings["voice.speaker"])
    can = audible() and float(settings["voice.volume"]) > 0.0
    match chosen:
        case "machine" | "page" | "off":
            return Speaker(chosen, can)
        case _:
            return Speaker("auto", can)


@contextlib.asynccontextmanager
async def speaking(
    hub: Hub, settings: Settings, make: Callable[..., Voice] = Voice
) -> AsyncIterator[Callable[[Heard], None]]:
    """Give the context what hears a session and speaks; its thread begins when this computer first speaks."""
    loop = asyncio.get_running_loop()

    def tell(why: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be over before the thread is
            loop.call_soon_threadsafe(hub.mute, why)

    voice: Voice = make(tell, volume=float(settings["voice.volume"]), pitch=bool(settings["voice.pitch"]))

    def follow(where: Where) -> None:
        voice.on = where == "machine"
        if voice.on:
            voice.open()

    hub.watch_speaker(follow)
    try:
        yield voice.hear
    finally:
        # the last word is the result: whoever lies there has not seen it
        await asyncio.to_thread(voice.close, FINISH_S)
