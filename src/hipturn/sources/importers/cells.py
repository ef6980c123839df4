"""The cells of a CSV file as numbers, with the line to look at when something is wrong."""

import csv
import difflib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipturn.errors import InputError
from hipturn.model import FloatArray, IntArray

MISSING = frozenset(("", "na", "n/a", "null", "none", "-"))
"""What programs write where there is no value; NaN, which is a number, is understood without."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the file is written."""

    delimiter: str = ","
    decimal: str = "."
    skip_rows: int = 0


def read(path: Path, wanted: list[str], form: Form) -> tuple[FloatArray, IntArray]:
    """Return the wanted columns, NaN where a cell is missing, shape (rows, columns), and each row's line.

    Raises `InputError`.
    """
    rows: list[list[float]] = []
    lines: list[int] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for _ in range(form.skip_rows):
                if not file.readline():
                    break
            reader = csv.reader(file, delimiter=form.delimiter)
            header = [name.strip() for name in next(reader, [])]
            where = _find(path, header, wanted, form)
            for row in reader:
                if not row:
                    continue
                line = form.skip_rows + reader.line_num
                if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
                    raise InputError(
                        f"{path.name}, line {line}: {len(row)} cells below a header of {len(header)}: "
                        "is the decimal sign the delimiter too, or a column without name?"
                    )
                rows.append([_number(path, row, i, line, form.decimal) for i in where])
                lines.append(line)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name}: not UTF-8 text (byte {error.start}): if it is a table, save it as CSV in UTF-8"
        ) from error
    except csv.Error as error:
        raise InputError(f"{path.name}: not CSV below line {len(lines)} ({error})") from error
    if not rows:
        raise InputError(f"{path.name}: there are no rows below the header")
    return np.array(rows, dtype=np.float64), np.array(lines, dtype=np.int64)


def _find(path: Path, names: list[str], wanted: list[str], form: Form) -> list[int]:
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


def _number(path: Path, row: list[str], i: int, line: int, decimal: str) -> float:
    text = row[i].strip() if i < len(row) else ""
    if text.lower() in MISSING:
        return math.nan
    try:
        # Python would read 1_5 as 15
        value = float(text.replace("_", "?") if decimal == "." else text.replace(decimal, "."))
    except ValueError:
        hint = "; is the decimal sign a comma? try --decimal ," if "," in text and decimal == "." else ""
        raise InputError(f"{path.name}, line {line}: {text[:40]!r} is not a number{hint}") from None
    return value if math.isfinite(value) else math.nan
