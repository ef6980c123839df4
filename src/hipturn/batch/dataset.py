"""Where what lies in a dataset, and when a recording is done.

::

    DATASET/recordings/config=CONFIG/KEY.parquet   one row; written last: it says that the rest is whole
            reps/config=CONFIG/KEY.parquet         a row a repetition
            holds/…  gaps/…  slips/…  samples/…    the last one on demand
            failed.jsonl                           what the last run could not analyse, and why

KEY is a recording's content, CONFIG all that was asked of it and the version of hipturn: the same
work has the same name, so doing it twice cannot double it, and results under different settings lie
side by side. The layout is Hive's: DuckDB, Polars, Spark and Arrow see `config` as a column.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from hipturn import __version__, config, offline, places
from hipturn.core import calibration as calibrations
from hipturn.errors import InputError
from hipturn.export.whole import replace_text, unwritable
from hipturn.model import Calibration

LAYOUT = 1
TABLES = ("recordings", "reps", "holds", "gaps", "slips", "samples")
KEY_LENGTH = 16
"""Hex digits of a key: among a million recordings two are alike with a chance of one in 37 million."""


def _short(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:KEY_LENGTH]


def content_key(path: Path) -> str:
    """Return the name of a file's content; raise OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:KEY_LENGTH]


def place_key(folder: Path, name: str) -> str:
    """Return the name of a place in a folder, whatever lies there."""
    return _short(str(folder.absolute()).encode(), name.encode("utf-8", "surrogateescape"))


def config_key(request: offline.Request, *, deidentify: bool) -> str:
    """Return the name of all that decides what comes out of a recording, besides the recording."""
    given = request.calibration
    reference: list[Any] | None = None
    if request.reference is not None:
        path, from_s, to_s = offline.parse_reference(request.reference)
        try:
            reference = [content_key(path), str(from_s), str(to_s)]
        except OSError as error:
            raise InputError(f"--reference {path}: cannot be read ({error.strerror})") from error
    told = {
        "layout": LAYOUT,
        "version": __version__,
        "file": config.effective(places.config_file(), {}, {}),
        "set": dict(request.settings),
        "calibration": calibrations.to_dict(given) if isinstance(given, Calibration) else given,
        "side": request.side and request.side.value,
        "reference": reference,
        "deidentify": deidentify,
    }
    return _short(json.dumps(told, sort_keys=True).encode())


class Dataset:
    """A folder of tables."""

    def __init__(self, root: Path) -> None:
        """Make the folder if it is missing; raise `InputError` if it cannot be one or is another's."""
        self.root = root
        try:
            if root.exists() and not root.is_dir():
                raise InputError(f"-o {root}: that is not a folder: name one for the dataset")
            if not root.exists() and not root.parent.is_dir():
                raise InputError(f"-o {root}: there is no folder {root.parent}: make it first")
            if root.exists() and any(root.iterdir()) and not (root / "recordings").is_dir():
                raise InputError(f"-o {root}: that folder holds something else: name a new one")
            (root / "recordings").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(root, error) from error

    def path(self, table: str, config: str, key: str) -> Path:
        """Return where a recording's part of a table lies."""
        return self.root / table / f"config={config}" / f"{key}.parquet"

    def has(self, config: str, key: str, *, samples: bool) -> bool:
        """Return whether a recording is done, its samples too if they are wanted."""
        wanted = ("recordings", "samples") if samples else ("recordings",)
        return all(self.path(table, config, key).exists() for table in wanted)

    def sweep(self) -> None:
        """Remove what a run that was killed left: files half-written, and parts of what is not done."""
        for part in self.root.rglob("*.part"):
            part.unlink(missing_ok=True)
        for table in TABLES[1:]:
            for path in (self.root / table).glob("config=*/*.parquet"):
                if not (self.root / "recordings" / path.parent.name / path.name).exists():
                    path.unlink(missing_ok=True)

    def supersede(self, config: str, now: Mapping[str, str]) -> None:
        """Remove recordings in whose place another lies now; `now` is the key in each place.

        What was only moved keeps its key, and what lies nowhere any more stays: nobody said that it is
        wrong.
        """
        import pyarrow.parquet as pq

        kept = set(now.values())
        for path in (self.root / "recordings" / f"config={config}").glob("*.parquet"):
            key = path.stem
            if key in kept:
                continue
            (place,) = pq.read_table(path, columns=["place"], partitioning=None)["place"].to_pylist()
            if place in now:
                for table in TABLES:
                    self.path(table, config, key).unlink(missing_ok=True)

    def tell_failed(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Write what could not be analysed."""
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        try:
            replace_text(self.root / "failed.jsonl", text)
        except OSError as error:
            raise unwritable(self.root / "failed.jsonl", error) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other batches out; raise `InputError` if one is in. The end of the process unlocks."""
        try:
            file = (self.root / ".lock").open("a")
        except OSError as error:
            raise unwritable(self.root, error) from error
        with file:
            try:
                _lock(file)
            except OSError as error:
                raise InputError(
                    f"-o {self.root}: another batch is writing to it: wait until it is done"
                ) from error
            yield


def _lock(file: IO[str]) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
