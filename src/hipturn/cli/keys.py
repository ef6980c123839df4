"""Keys as they are pressed, without waiting for a line and without standing in the loop's way."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

NAMES: Mapping[str, str] = {
    "\x1b[5~": "page-up",
    "\x1b[6~": "page-down",
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1bOC": "right",
    "\x1bOD": "left",
    "\r": "enter",
    "\n": "enter",
    " ": "space",
    "\x7f": "backspace",
    "\b": "backspace",
    "\x1b": "escape",
}
"""What POSIX terminals send."""

WINDOWS: Mapping[str, str] = {
    "I": "page-up",
    "Q": "page-down",
    "H": "up",
    "P": "down",
    "M": "right",
    "K": "left",
}
"""What follows a 0 or 0xE0 in Windows' console."""

POLL_S = 0.03
"""Windows has no descriptor to wait for: looked at this often."""


def named(text: str) -> list[str]:
    """Return the names of the keys that sent this; a letter or digit is its own name, in lower case."""
    keys = []
    while text:
        sent = next((known for known in NAMES if text.startswith(known)), text[0])
        if sent == "\x1b" and text[1:2] in ("[", "O"):
            # another key with a sequence of its own: none of ours, and not its letters either
            end = next((i for i, c in enumerate(text[2:], 2) if "@" <= c <= "~"), len(text) - 1)
            text = text[end + 1 :]
            continue
        if sent in NAMES or sent.isprintable():
            keys.append(NAMES.get(sent, sent.lower()))
        text = text[len(sent) :]
    return keys


@contextlib.asynccontextmanager
async def pressed(on_key: Callable[[str], None]) -> AsyncIterator[bool]:
    """Call back for each key pressed while the context lasts; give whether there is a keyboard at all."""
    try:
        there = sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # closed
        there = False
    if not there:
        yield False
    elif sys.platform == "win32":
        polling = asyncio.create_task(_polled(on_key), name="keys")
        try:
            yield True
        finally:
            polling.cancel()
    else:
        with _watched(sys.stdin.fileno(), on_key):
            yield True


@contextlib.contextmanager
def _watched(descriptor: int, on_key: Callable[[str], None]) -> Any:
    """Have the terminal give single keys, unseen, and put it back as it was."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            text = os.read(descriptor, 256).decode(errors="ignore")
        except OSError:
            text = ""
        if not text:
            # the terminal is gone: asked again it would answer at once, for ever
            loop.remove_reader(descriptor)
        for key in named(text):
            on_key(key)

    # Ctrl-C keeps its meaning
    tty.setcbreak(descriptor, termios.TCSADRAIN)
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def _polled(on_key: Callable[[str], None]) -> None:
    import importlib

    console: Any = importlib.import_module("msvcrt")
    while True:
        while console.kbhit():
            sign = console.getwch()
            if sign in "\x00\xe0":
                key = WINDOWS.get(console.getwch())
                if key is not None:
                    on_key(key)
            else:
                for key in named(sign):
                    on_key(key)
        await asyncio.sleep(POLL_S)
