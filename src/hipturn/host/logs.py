"""The log on stderr: lines for people, or one JSON object each for programs."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

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
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.getMessage())
        line = f"{at}  {level}{text}"
        if record.exc_info and record.levelno >= logging.ERROR:
            line += "\n" + self.formatException(record.exc_info)
        return line


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what is stderr now: a live display takes its place for a while."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """Where to write."""
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:
        """Do nothing: a log that cannot be written, its terminal gone or its disk full, stops nothing."""


def set_up(level: str, *, as_json: bool) -> None:
    """Send the log to stderr from `level` on; may be called again to change either."""
    handler = _Stderr()
    handler.setFormatter(JsonLines() if as_json else Words())
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h.formatter, JsonLines | Words)]:
        root.removeHandler(old)
    root.addHandler(handler)
    set_level(level)


def set_level(level: str) -> None:
    """Log from `level` on; of other libraries only what is a warning at least, unless debugging."""
    logging.getLogger("hipturn").setLevel(level.upper())
    logging.getLogger().setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
