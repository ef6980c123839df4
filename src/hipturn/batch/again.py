"""Every recording of a folder replayed, in parallel: what this version and these settings make of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hipturn import offline
from hipturn.batch.processes import in_processes
from hipturn.compared import compared
from hipturn.errors import HipturnError
from hipturn.lines import Line
from hipturn.recording import Reader


@dataclass(frozen=True, slots=True)
class Task:
    """A recording to replay."""

    path: Path
    name: str
    request: offline.Request
    diff: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of it: a summary and, where asked for, the comparison; or why there is none."""

    name: str
    summary: Line | None = None
    comparison: tuple[Line, ...] = ()
    reason: str | None = None
    """Why it could not be replayed, or what is damaged or missing in it."""


def replay(task: Task) -> Replayed:
    """Replay one; whatever goes wrong is in what is returned."""
    try:
        analysis = offline.analyse(task.path, task.request)
        _, events, tail = analysis.lines(task.name)
        found = compared(Reader(task.path).events(), events, analysis.at_cut) if task.diff else []
    except (HipturnError, OSError) as error:
        return lost(task, str(error))
    return Replayed(task.name, tail, tuple(found), analysis.problem)


def lost(task: Task, reason: str) -> Replayed:
    """Return what becomes of a recording that cannot be replayed."""
    return Replayed(task.name, reason=" ".join(reason.split()))


def replay_all(
    folder: Path, paths: Iterable[Path], request: offline.Request, *, diff: bool, jobs: int
) -> Iterator[Replayed]:
    """Yield what becomes of each recording, in the order they were given."""
    tasks = [Task(path, path.relative_to(folder).as_posix(), request, diff) for path in paths]
    done: dict[str, Replayed] = {}
    waiting = iter(tasks)
    due = next(waiting, None)
    for each in in_processes(tasks, max(1, min(jobs, len(tasks))), replay, lost):
        done[each.name] = each
        while due is not None and due.name in done:
            yield done.pop(due.name)
            due = next(waiting, None)
