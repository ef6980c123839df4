"""The cells of a text table, with the line to look at when something is wrong."""

import array
import csv
import difflib
import io
import math
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from hipturn.errors import InputError
from hipturn.model import FloatArray, IntArray

MISSING = frozenset(("", "na", "n/a", "null", "none", "-"))
"""What programs write where there is no value; NaN, which is a number, is understood without."""
LINES_BETWEEN_NEWS = 4096
"""Lines read before the watcher hears again how far it is: some milliseconds of reading."""

Watch = Callable[[float], None]
"""Hears from time to time which share of a file has been read."""
MOST_LINE = 1 << 20
"""Characters in a line: a thousand times what any sensor's row has."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the file is written."""

    delimiter: str = ","
    decimal: str = "."
    skip_rows: int = 0
    encoding: str = "utf-8-sig"


def rows(path: Path, form: Form, watch: Watch | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield each row's line number and cells, the header first.

    Blank lines are left out, and a last row that was cut off: its last number is not whole.
    Raises `InputError` for what cannot be read, is no text table, or has rows within a quoted cell.
    """
    line = form.skip_rows
    names: int | None = None
    before = 0
    try:
        with path.open("rb") as raw:
            status = path.stat()
            if stat.S_ISCHR(status.st_mode):
                raise InputError(f"{path}: that is a device, not a file")
            text = io.TextIOWrapper(raw, encoding=form.encoding, newline="")
            lines = _lines(path, text)
            for _ in zip(range(form.skip_rows), lines):
                pass
            reader = csv.reader(lines, delimiter=form.delimiter)
            held: tuple[int, list[str]] | None = None
            for row in reader:
                first, line = line + 1, form.skip_rows + reader.line_num
                if line > first and names is not None:
                    cells = min(names, len(held[1])) if held else names
                    _holds_no_row(path, row, (first, line), form.delimiter, cells)
                if watch is not None and reader.line_num % LINES_BETWEEN_NEWS == 0 and status.st_size:
                    watch(raw.tell() / status.st_size)
                if not row:
                    continue
                if names is None:
                    names = len([name for name in row if name.strip()])
                    yield line, row
                    continue
                if held is not None:
                    yield held
                    before = len(held[1])
                held = line, row
            if held is not None and (len(held[1]) >= min(names or 0, before) or _ends(path, status)):
                yield held
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        encoding = "UTF-8" if form.encoding.startswith("utf-8") else form.encoding
        raise InputError(
            f"{path.name}: not {encoding} text (byte {error.start}): "
            "if it is a table, save it as CSV in UTF-8"
        ) from error
    except UnicodeError as error:
        raise InputError(f"{path.name}: not {form.encoding} text ({error}): save it as UTF-8") from error
    except csv.Error as error:
        raise InputError(
            f"{path.name}: not CSV below line {line} ({error}): is a quote opened there and not closed?"
        ) from error


def _holds_no_row(path: Path, row: list[str], lines: tuple[int, int], delimiter: str, cells: int) -> None:
    """Raise `InputError` if a cell that goes over several lines has room for a row of `cells` in it.

    A note may have line breaks in it; a quote that nobody closed takes whole rows with it.
    """
    if cells > 1 and any(cell.count(delimiter) >= cells - 1 for cell in row):
        raise InputError(
            f"{path.name}, line {lines[0]}: a quoted cell goes on to line {lines[1]} and takes whole rows "
            "with it: close the quote, or take it out"
        )


def _lines(path: Path, text: TextIO) -> Iterator[str]:
    """Yield the lines; raise `InputError` for one that is none of a table, before it fills the memory."""
    n = 0
    while line := text.readline(MOST_LINE):
        n += 1
        if len(line) == MOST_LINE and line[-1] not in "\r\n":
            raise InputError(
                f"{path.name}: line {n} has more than {MOST_LINE} characters: that is no table of samples"
            )
        yield line


def _ends(path: Path, status: os.stat_result) -> bool:
    """Return True if the file ends with a line end, as far as it can be looked into twice."""
    if not stat.S_ISREG(status.st_mode):
        return True
    with path.open("rb") as raw:
        raw.seek(-min(2, status.st_size), os.SEEK_END)
        # UTF-16 writes a line end in two bytes
        end = raw.read()
    return b"\n" in end or b"\r" in end


def read(
    path: Path, wanted: Sequence[str], form: Form, watch: Watch | None = None
) -> tuple[FloatArray, IntArray]:
    """Return the wanted columns, NaN where a cell is missing, shape (rows, columns), and each row's line.

    Raises `InputError`.
    """
    table = rows(path, form, watch)
    header = [name.strip() for name in next(table, (0, [""]))[1]]
    where = _find(path, header, wanted, form)
    # 8 bytes a cell, where a list of floats would take 40
    numbers, lines = array.array("d"), array.array("q")
    for line, row in table:
        fits(path, row, len(header), line)
        numbers.extend([number(path, row[i] if i < len(row) else "", line, form.decimal) for i in where])
        lines.append(line)
    if not lines:
        raise InputError(f"{path.name}: there are no rows below the header")
    return np.array(numbers).reshape(len(lines), len(wanted)), np.array(lines, dtype=np.int64)


def fits(path: Path, row: list[str], names: int, line: int) -> None:
    """Raise `InputError` if a row has values below no name."""
    if len(row) > names and any(cell.strip() for cell in row[names:]):
        raise InputError(
            f"{path.name}, line {line}: {len(row)} cells below a header of {names}: "
            "is the decimal sign the delimiter too, or a column without name?"
        )


def number(path: Path, text: str, line: int, decimal: str) -> float:
    """Return what a cell says, NaN where it says nothing or is not finite; raise `InputError`."""
    text = text.strip()
    if text.lower() in MISSING:
        return math.nan
    try:
        # Python would read 1_5 as 15
        value = float(text.replace("_", "?") if decimal == "." else text.replace(decimal, "."))
    except ValueError:
        hint = "; is the decimal sign a comma? try --decimal ," if "," in text and decimal == "." else ""
        raise InputError(f"{path.name}, line {line}: {text[:40]!r} is not a number{hint}") from None
    return value if math.isfinite(value) else math.nan


def _find(path: Path, names: list[str], wanted: Sequence[str], form: Form) -> list[int]:
    """Return where in the header the wanted columns are."""
    if not any(names):
        raise InputError(f"{path.name}: the file is empty or its header line is")
    for column in wanted:
        if names.count(column) == 1:
            continue
        if column in names:
            raise InputError(f"{path.name}: {names.count(column)} columns are called {column!r}: rename one")
        if len(names) == 1:
            guess = next((d for d in ";\t,| " if d in names[0] and d != form.delimiter), None)
            if guess:
                shown = "'\\t'" if guess == "\t" else repr(guess)
                raise InputError(
                    f"{path.name}: the header is one column with delimiter {form.delimiter!r}: "
                    f"try --delimiter {shown}"
                )
        near = difflib.get_close_matches(column, names, n=1, cutoff=0.4)
        # a quote that is never closed makes the rest of the file a name
        shown = " ".join(", ".join(names[:12]).split())[:200]
        hint = f"did you mean {near[0][:60]!r}?" if near else f"the header has {shown}"
        raise InputError(f"{path.name}: no column is called {column!r}: {hint}")
    return [names.index(column) for column in wanted]
