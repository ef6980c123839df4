"""CSV: ``OUT.csv`` a row a sample, ``OUT.reps.csv`` a row a repetition, and what is in them.

The third file, ``OUT.csv-metadata.json``, is laid out as CSV on the Web describes tables
(https://www.w3.org/TR/tabular-metadata/): a unit and a meaning for each column; session,
calibrations, holds, gaps and slips are its notes. A missing value is an empty cell, true and false are 1
and 0, several reasons are parted by semicolons.
"""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hipturn.export.measured import Measured
from hipturn.export.tables import Column, Table, listed
from hipturn.export.whole import files

DATATYPES = {"number": "double", "integer": "integer", "text": "string", "texts": "string"}


def write(measured: Measured, out: Path) -> list[Path]:
    """Write the three files; return them."""
    paths = targets(out)
    samples, (reps, holds, gaps, slips) = measured.samples(), measured.tables()
    with files(*paths) as parts:
        for table, part in zip((samples, reps), parts):
            with part.open("w", encoding="utf-8", errors="replace", newline="") as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow(column.name for column in table.columns)
                rows.writerows(zip(*(_cells(table, column) for column in table.columns)))
        notes = {
            "session": dict(measured.session),
            "summary": dict(measured.summary),
            "calibrations": measured.calibration_lines(),
            "holds": holds.rows(),
            "gaps": gaps.rows(),
            "slips": slips.rows(),
        }
        described = _metadata({paths[0].name: samples, paths[1].name: reps}, notes)
        parts[2].write_text(
            json.dumps(described, indent=1, ensure_ascii=False) + "\n",
            encoding="utf-8",
            errors="replace",
            newline="",
        )
    return paths


def targets(out: Path) -> list[Path]:
    """Return the files that ``-o OUT`` leads to."""
    stem = out.name.removesuffix(".csv")
    return [out, out.with_name(f"{stem}.reps.csv"), out.with_name(f"{out.name}-metadata.json")]


def _cells(table: Table, column: Column) -> Iterator[str]:
    values = listed(table.values[column.name])
    match column.kind:
        case "number":
            form = f".{column.decimals}f"
            return ("" if v is None or math.isnan(v) else format(v, form) for v in values)
        case "boolean":
            return ("1" if v else "0" for v in values)
        case "texts":
            return (";".join(v) for v in values)
        case _:
            return ("" if v is None else str(v) for v in values)


def _metadata(tables: dict[str, Table], notes: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "tables": [
            {"url": name, "tableSchema": {"columns": [_described(c) for c in table.columns]}}
            for name, table in tables.items()
        ],
        "notes": [notes],
    }


def _described(column: Column) -> dict[str, Any]:
    boolean: dict[str, Any] = {"base": "boolean", "format": "1|0"}
    described: dict[str, Any] = {
        "name": column.name,
        "titles": column.name,
        "dc:description": column.meaning,
        "datatype": boolean if column.kind == "boolean" else DATATYPES[column.kind],
    }
    if column.unit:
        # UCUM, as the QUDT vocabulary spells it in linked data
        described["http://qudt.org/schema/qudt/ucumCode"] = column.unit
    if column.kind == "texts":
        described["separator"] = ";"
    return described
