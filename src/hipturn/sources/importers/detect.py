"""Which format a file or folder is in, by its content."""

from pathlib import Path

from hipturn.errors import InputError
from hipturn.sources.importers import text, witmotion, xio, xsens_dot

FORMATS = ("xsens-dot", "witmotion", "xio")
_MCAP = b"\x89MCAP"


def kind(path: Path) -> str:
    """Return one of `FORMATS`; raise `InputError` if it is none or cannot be read."""
    if path.is_dir():
        if xio.devices(path):
            return "xio"
        raise InputError(
            f"{path}: a folder, and no Inertial.csv or Quaternion.csv of x-io is in it: name one file"
        )
    _, start = text.head(path)
    if not start.strip():
        raise InputError(f"{path.name}: the file is empty")
    if text.starts_with(path, _MCAP):
        raise InputError(f"{path.name}: that is an MCAP recording already: try hipturn replay")
    if xio.is_header(path):
        return "xio"
    if xsens_dot.header(path):
        return "xsens-dot"
    if witmotion.header(path):
        return "witmotion"
    raise InputError(
        f"{path.name}: not recognised as {', '.join(FORMATS)}: any other table needs --format csv with "
        "--acc and --gyr or --quat (columns), their units, and --rate or --time"
    )
