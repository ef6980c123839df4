"""Documents as a list of what is to be run: their Python, and their commands with what they print."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from cli_runs import done

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(python)?\n(.*?)^```", re.S | re.M)


def ran(name: str) -> Iterator[str]:
    """Run a document's blocks in order, here and now; yield each command that printed what is shown.

    … stands for what differs each time, on a line of its own for any lines.
    """
    for found in BLOCK.finditer((ROOT / "docs" / name).read_text(encoding="utf-8")):
        if found[1]:
            exec(compile(found[2], f"docs/{name}", "exec"), {})
            yield "python"
        for command, shown in re.findall(r"^\$ hipturn ([^\n]+)\n((?:[^$][^\n]*\n)*)", found[2], re.M):
            printed = done(*shlex.split(command)).out
            pattern = re.escape(shown).replace("…\\\n", "(?:.*\\n)*?").replace("…", ".*?")
            assert re.fullmatch(pattern, printed), (command, printed)
            yield command
