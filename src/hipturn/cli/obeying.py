"""The simulated person hears the coach as a real one would, does what is asked, and answers questions."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from hipturn import commands
from hipturn.coach import Prompt, Show, prompt_line
from hipturn.commands import Told
from hipturn.daemon import STREAM
from hipturn.model import HostNs, SessionStart
from hipturn.session import Heard
from hipturn.status import Status

THINKS_S = 1.5
"""Time a simulated person takes to answer: long enough for somebody who watches to be quicker."""


class Obeying:
    """Passes prompts and what is shown on to the person; answers that there is no pain and all is well."""

    def __init__(self, say: Callable[[Mapping[str, Any]], None], tell: Callable[[Told], None]) -> None:
        self._say, self._tell = say, tell
        self._asked: str | None = None
        self._busy = False

    def hear(self, heard: Heard) -> None:
        """Pass it on."""
        match heard:
            case SessionStart():
                self._asked, self._busy = None, True
                told = {"v": 1, "type": "session", "drill": heard.drill, "position": heard.position}
                self._say(told)
            case Prompt():
                self._say(prompt_line(heard))
            case Show():
                line = heard.line()
                self._say(line)
                question = line["question"]
                asked, self._asked = self._asked, question["id"] if question else None
                if question and question["id"] != asked:
                    asyncio.get_running_loop().call_later(THINKS_S, self._answer, question)

    def look(self, status: Status) -> None:
        """Rest when the session is over, however it ended."""
        if status.session is None and self._busy:
            self._busy = False
            self._say({"v": 1, "type": "session", "drill": None, "position": None})

    def _answer(self, question: Mapping[str, Any]) -> None:
        if self._asked != question["id"]:
            return  # somebody was quicker
        self._asked = None
        command = {"command": "answer", "question": question["id"], "value": answer(question)}
        self._tell(commands.parse(command, STREAM, HostNs(time.monotonic_ns())))


def answer(question: Mapping[str, Any]) -> int | bool | str:
    """Return what somebody says who is well: no pain, warmed up, the first choice."""
    match question["kind"]:
        case "scale":
            return 0
        case "yes-no":
            return True
        case _:
            first = (question.get("options") or ["yes"])[0]
            return str(first["value"] if isinstance(first, Mapping) else first)
