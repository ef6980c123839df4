"""The log on stderr: lines for people, or one JSON object each for programs."""

import contextlib
import json
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from hipturn.errors import UsageError
from hipturn.plain import printable

LEVELS = ("debug", "info", "warning", "error")
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A JSON object a record: time in UTC, level, logger, text, and what was given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _PLAIN},
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class Words(logging.Formatter):
    """A line for people; nothing in it can steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as time, level where it matters, text and what was given as ``extra``."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        text = printable(record.getMessage())
        line = f"{at}  {level}{text}"
        if record.exc_info and record.levelno >= logging.ERROR:
            line += "\n" + self.formatException(record.exc_info)
        return line


class _Stderr(logging.Handler):
    """Writes to what is stderr now: a live display takes its place for a while."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; where that fails, its terminal gone or its disk full, nothing else is stopped."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()


def set_up(level: str, *, as_json: bool, file: Path | None = None) -> None:
    """Send the log to stderr, or to a file and five older ones of a megabyte; may be called again.

    Raises `UsageError` for a file that cannot be written.
    """
    try:
        handler: logging.Handler = _Stderr() if file is None else _rotating(file)
    except OSError as error:
        raise UsageError(f"log.file {file}: cannot be written ({error.strerror}): name another") from error
    handler.setFormatter(JsonLines() if as_json else Words())
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h.formatter, JsonLines | Words)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    set_level(level)


def _rotating(file: Path) -> logging.Handler:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return RotatingFileHandler(file, maxBytes=1 << 20, backupCount=5, encoding="utf-8")


def set_level(level: str) -> None:
    """Log from `level` on; of other libraries only what is a warning at least, unless debugging."""
    logging.getLogger("hipturn").setLevel(level.upper())
    logging.getLogger().setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
