"""How a text file is written, from its first bytes: encoding, lines, delimiter, decimal sign."""

import codecs
import re
import stat
from pathlib import Path

from hipturn.errors import InputError

HEAD_BYTES = 1 << 16
"""What is looked at to recognise a file: every header there is lies in it, with some rows below."""
DELIMITERS = ",;\t"
_COMMA, _POINT = (re.compile(rf"[-+]?\d+{sign}\d+(?:[eE][-+]?\d+)?") for sign in (",", r"\."))

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def head(path: Path) -> tuple[str, str]:
    """Return the encoding and the first characters of a file; raise `InputError` if it cannot be read.

    An encoding is never wrong about ASCII, which all numbers are: UTF-16 and UTF-8 are recognised for
    certain, Chinese (GB 18030) by decoding without fault, and all else is taken for Windows Latin.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise InputError(f"{path}: not a file that can be looked into twice: save it first")
        with path.open("rb") as file:
            data = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            # a character may be cut at the end of what was read
            return encoding, codecs.getincrementaldecoder(encoding)().decode(data)
        except UnicodeError:
            continue
    if marked:
        raise InputError(f"{path.name}: begins as {marked} text and does not go on so: save it as UTF-8")
    return "latin-1", data.decode("latin-1")


def starts_with(path: Path, data: bytes) -> bool:
    """Return True if the file, which can be read, begins with these bytes."""
    with path.open("rb") as file:
        return file.read(len(data)) == data


def split(line: str) -> tuple[str, list[str]]:
    """Return the delimiter that a header line most likely has, and its names without spaces and quotes."""
    delimiter = max(DELIMITERS, key=line.count)
    return delimiter, [name.strip().strip('"').strip() for name in line.split(delimiter)]


def decimal_of(delimiter: str, rows: list[str]) -> str:
    """Return the decimal sign of some rows: a comma if numbers have it and none has a point.

    Clock times and names may have either in them.
    """
    if delimiter == ",":
        return "."
    cells = [cell.strip().strip('"') for row in rows for cell in row.split(delimiter)]
    commas = sum(_COMMA.fullmatch(cell) is not None for cell in cells)
    return "," if commas and not any(_POINT.fullmatch(cell) for cell in cells) else "."
