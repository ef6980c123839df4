"""Parquet: ``OUT.parquet`` a row a sample, ``OUT.reps.parquet`` a row a repetition.

A column's unit and meaning are its field's metadata, as Arrow readers show them; the file's own
key-value metadata repeats them as JSON under ``hipturn.columns``, for readers that know no Arrow,
beside the session under ``hipturn.session``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipturn.errors import UsageError
from hipturn.export.measured import Measured
from hipturn.export.tables import Column, Kind, Table
from hipturn.export.whole import files

if TYPE_CHECKING:
    import pyarrow as pa


def write(measured: Measured, out: Path) -> list[Path]:
    """Write both files; return them."""
    import_pyarrow()
    paths = targets(out)
    about = {
        "session": dict(measured.session),
        "summary": dict(measured.summary),
        "calibrations": measured.calibration_lines(),
    }
    with files(*paths) as parts:
        for table, part in zip((measured.samples(), measured.tables()[0]), parts):
            write_table(table, part, {f"hipturn.{key}": json.dumps(value) for key, value in about.items()})
    return paths


def targets(out: Path) -> list[Path]:
    """Return the files that ``-o OUT`` leads to."""
    return [out, out.with_name(f"{out.name.removesuffix('.parquet')}.reps.parquet")]


def write_table(table: Table, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a table to a file; raise OSError."""
    import pyarrow.parquet as pq

    pq.write_table(arrow(table, metadata), path, compression="zstd")


def arrow(table: Table, metadata: Mapping[str, str]) -> "pa.Table":
    """Return the table as Arrow holds it, NaN as a missing value."""
    import pyarrow as pa

    columns = {c.name: {"kind": c.kind, "unit": c.unit, "meaning": c.meaning} for c in table.columns}
    schema = pa.schema(
        [pa.field(c.name, _type(c.kind), metadata=_field(c)) for c in table.columns],
        metadata={"hipturn.columns": json.dumps(columns), **metadata},
    )
    arrays = [
        pa.array(table.values[c.name], _type(c.kind), from_pandas=c.kind == "number") for c in table.columns
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _field(column: Column) -> dict[str, str]:
    return {"unit": column.unit, "meaning": column.meaning}


def _type(kind: Kind) -> "pa.DataType":
    import pyarrow as pa

    types: dict[Kind, Any] = {
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
    }
    return types[kind]


def import_pyarrow() -> None:
    """Raise `UsageError` that says how to get what writes Parquet, where it is missing."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install 'hipturn[parquet]'") from error
