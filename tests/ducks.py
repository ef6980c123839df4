"""DuckDB reads what we wrote: an independent reader of CSV and Parquet."""

from typing import Any

import duckdb


def rows(query: str) -> list[tuple[Any, ...]]:
    """Return what a query gives."""
    return duckdb.connect().execute(query).fetchall()


def columns(query: str) -> Any:
    """Return what a query gives as an array a column, masked where a value is missing."""
    return duckdb.connect().execute(query).fetchnumpy()
