"""One recording: analysed, and written so that it is there whole or not at all."""

import os
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from hipturn import offline
from hipturn.batch.dataset import Dataset, config_key
from hipturn.errors import HipturnError
from hipturn.export import Measured, deidentified, measure
from hipturn.export.parquet import write_table
from hipturn.export.tables import Column, Table


class Status(StrEnum):
    """What became of a recording."""

    DONE = "done"
    THERE = "there"
    """It was in the dataset already."""
    COPY = "copy"
    """Another file has the very same content."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A recording to do. Everything in it can be sent to another process or computer."""

    path: str
    name: str
    """The path from the folder of recordings."""
    key: str
    dataset: str
    config: str
    request: offline.Request
    place: str | None = None
    samples: bool = False
    deidentify: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    name: str
    key: str
    status: Status
    reps: int = 0
    samples: int = 0
    elapsed_s: float = 0.0
    reason: str | None = None
    """Why it failed, or what is damaged or missing in it, in one line."""

    def line(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "v": 1,
            "type": "recording",
            "recording": self.name,
            "key": self.key,
            "status": self.status,
            "reps": self.reps,
            "samples": self.samples,
            "elapsed_s": round(self.elapsed_s, 4),
            "reason": self.reason,
        }


def work(job: Job) -> Outcome:
    """Do a recording; whatever goes wrong is in the outcome."""
    begun = time.perf_counter()
    try:
        if config_key(job.request, deidentify=job.deidentify) != job.config:
            # on another computer: it would silently give other results
            return failed(job, "this worker has another hipturn, settings file or reference: make them equal")
        measured = measure(Path(job.path), job.request)
        problem = measured.problem
        _write(job, deidentified(measured) if job.deidentify else measured)
    except HipturnError as error:
        return failed(job, str(error))
    except OSError as error:
        return failed(job, f"{job.dataset} cannot be written ({error.strerror or error}): free some space")
    except Exception as error:
        return failed(job, f"a mistake in hipturn ({type(error).__name__}: {error}): please report it")
    samples = sum(len(stream.t_ns) for stream in measured.streams.values())
    took_s = time.perf_counter() - begun
    return Outcome(job.name, job.key, Status.DONE, len(measured.reps), samples, took_s, problem)


def failed(job: Job, reason: str) -> Outcome:
    """Return the outcome of a recording that could not be done."""
    return Outcome(job.name, job.key, Status.FAILED, reason=" ".join(reason.split()))


def _write(job: Job, measured: Measured) -> None:
    """Write the recording's part of each table, the one that says it is done last."""
    dataset = Dataset(Path(job.dataset))
    tables = [table for table in measured.tables() if len(table)]
    if job.samples:
        tables.append(measured.samples())
    for table in [*(_with_key(table, job.key) for table in tables), _recording(job, measured)]:
        path = dataset.path(table.name, job.config, job.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # two workers may do the same recording where one was given up for lost: each has its own part
        part = path.with_name(f"{path.name}.{os.getpid()}-{time.monotonic_ns()}.part")
        try:
            write_table(table, part, {})
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


KEY = Column("key", "text", "", "the recording, by its content")


def _with_key(table: Table, key: str) -> Table:
    return Table(table.name, (KEY, *table.columns), {"key": [key] * len(table), **table.values})


RECORDING = (
    KEY,
    Column("recording", "text", "", "its path in the folder of recordings"),
    Column("place", "text", "", "name of that place, to notice when another recording lies there"),
    Column("wall_time", "text", "", "when it began, ISO 8601"),
    Column("side", "text", "", "left or right leg"),
    Column("drill", "text", "", "what was trained or tested"),
    Column("position", "text", "", "in which position"),
    Column("sensor", "text", "", "name of the sensor"),
    Column("driver", "text", "", "kind of sensor"),
    Column("program", "text", "", "what recorded it"),
    Column("rate_hz", "number", "Hz", "nominal sample rate"),
    Column("samples", "integer", "1", "samples received"),
    Column("duration_s", "number", "s", "from the first sample to the last"),
    Column("reps", "integer", "1", "repetitions"),
    Column("controlled", "integer", "1", "repetitions that count"),
    Column("uncontrolled", "integer", "1", "repetitions that do not"),
    Column("void", "integer", "1", "repetitions with samples lost in them"),
    Column("holds", "integer", "1", "holds"),
    Column("gaps", "integer", "1", "gaps"),
    Column("max_deg", "number", "deg", "largest angle, internal positive"),
    Column("min_deg", "number", "deg", "smallest angle"),
    Column("arc_deg", "number", "deg", "from the smallest to the largest"),
    Column("source", "text", "", "where the calibration came from"),
    Column("zero", "text", "", "gravity or pose"),
    Column("grade", "text", "", "quality of the calibration"),
    Column("observability", "number", "1", "cosine of the femur axis' elevation"),
    Column("problem", "text", "", "what is damaged or missing in the recording"),
)


def _recording(job: Job, measured: Measured) -> Table:
    """Return the row that says what the recording is and that it is done."""
    known = {
        **measured.session,
        **measured.summary,
        **measured.calibration_lines()[-1],
        "key": job.key,
        "recording": None if job.deidentify else job.name,
        "place": job.place,
        "problem": measured.problem,
    }
    return Table("recordings", RECORDING, {c.name: [_plain(known[c.name])] for c in RECORDING})


def _plain(value: Any) -> Any:
    """Return text as its own type: Arrow does not know the enumerations."""
    return str(value) if isinstance(value, str) else value
