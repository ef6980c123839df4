"""A folder of recordings analysed anew, in parallel, into one dataset of Parquet files.

`dataset` says where what lies and when a recording is done, `work` does one recording, `processes`
and `cluster` do many; `run` is all of it. Resumable because a recording's last file is the one that
says it is done, idempotent because a file's name is made of what went into it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hipturn import offline
from hipturn.batch.dataset import Dataset, config_key, content_key, place_key
from hipturn.batch.work import Job, Outcome, Status
from hipturn.errors import InputError

Spread = Callable[[Iterable[Job]], Iterator[Outcome]]
"""Does jobs in any order, each once as far as anyone can tell."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with every recording."""

    request: offline.Request
    samples: bool = False
    """Keep every sample, not only what was found in them."""
    deidentify: bool = False


def recordings_in(folder: Path) -> list[Path]:
    """Return the recordings in a folder and the folders in it, in the order of their names."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: name one with recordings in it")
    found = sorted(path for path in folder.rglob("*.mcap") if path.is_file())
    if not found:
        raise InputError(f"{folder}: no recording is in it (their names end in .mcap)")
    return found


def run(
    folder: Path, out: Path, plan: Plan, spread: Spread, on_outcome: Callable[[Outcome], None]
) -> list[Outcome]:
    """Bring the dataset up to date with the folder; return what became of each recording, by name.

    Raises `InputError` when there is nothing to do or nowhere to write; a recording that cannot be
    analysed is an outcome and ends nothing.
    """
    paths = recordings_in(folder)
    config = config_key(plan.request, deidentify=plan.deidentify)
    dataset = Dataset(out)
    outcomes: list[Outcome] = []
    seen: dict[str, str] = {}

    def hear(outcome: Outcome) -> None:
        outcomes.append(outcome)
        on_outcome(outcome)

    def jobs() -> Iterator[Job]:
        for path in paths:
            name = path.relative_to(folder).as_posix()
            try:
                key = content_key(path)
            except OSError as error:
                reason = f"{path} cannot be read ({error.strerror}): check its permissions"
                hear(Outcome(name, "", Status.FAILED, reason=reason))
                continue
            if key in seen:
                hear(Outcome(name, key, Status.COPY, reason=f"the same as {seen[key]}"))
                continue
            seen[key] = name
            if dataset.has(config, key, samples=plan.samples):
                hear(Outcome(name, key, Status.THERE))
                continue
            yield Job(
                str(path.absolute()), name, key, str(out.absolute()), config, plan.request,
                place=None if plan.deidentify else place_key(folder, name),
                samples=plan.samples, deidentify=plan.deidentify,
            )  # fmt: skip

    with dataset.locked():
        dataset.sweep()
        for outcome in spread(jobs()):
            hear(outcome)
        places = {place_key(folder, name): key for key, name in seen.items()}
        dataset.supersede(config, places)
        outcomes.sort(key=lambda outcome: outcome.name)
        failures = [o.line() for o in outcomes if o.status is Status.FAILED]
        if plan.deidentify:
            failures = [
                {k: v for k, v in line.items() if k not in ("recording", "reason")} for line in failures
            ]
        dataset.tell_failed(failures)
    return outcomes


__all__ = ["Dataset", "Job", "Outcome", "Plan", "Spread", "Status", "recordings_in", "run"]
