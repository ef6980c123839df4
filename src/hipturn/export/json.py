"""JSON: one document with everything, described by the JSON Schema beside this file.

Samples are arrays side by side, one a column, so that a day of them is not a hundred million keys.
"""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from hipturn.export.measured import Measured
from hipturn.export.tables import Table
from hipturn.export.whole import files

FORMAT, VERSION = "hipturn-export", 1


def write(measured: Measured, out: Path) -> list[Path]:
    """Write the document; return its path."""
    with files(out) as (part,), part.open("w", encoding="utf-8", errors="replace", newline="") as file:
        json.dump(document(measured), file, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        file.write("\n")
    return [out]


def targets(out: Path) -> list[Path]:
    """Return the file that ``-o OUT`` leads to."""
    return [out]


def document(measured: Measured) -> dict[str, Any]:
    """Return the document as plain objects."""
    samples, tables = measured.samples(), measured.tables()
    return {
        "format": FORMAT,
        "version": VERSION,
        "session": dict(measured.session),
        "summary": dict(measured.summary),
        "calibrations": measured.calibration_lines(),
        **{table.name: table.rows() for table in tables},
        "samples": _side_by_side(samples),
        "columns": {table.name: _described(table) for table in (samples, *tables)},
    }


def _side_by_side(table: Table) -> dict[str, list[Any]]:
    rows = table.rows()
    return {c.name: [row[c.name] for row in rows] for c in table.columns}


def _described(table: Table) -> dict[str, dict[str, str]]:
    return {c.name: {"unit": c.unit, "meaning": c.meaning} for c in table.columns}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    text = resources.files("hipturn.export").joinpath("export.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
