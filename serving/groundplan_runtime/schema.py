"""The five types a field may have, and tables cast to them with one clear line where a column does not fit."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundplan_runtime.errors import RuntimeProblem

TYPES = ("string", "int64", "float64", "bool", "timestamp")


def arrow_type(kind: str) -> Any:
    """Return the Arrow type of a field's type; timestamps are µs, UTC. RuntimeProblem for an unknown word."""
    import pyarrow as pa

    known = {
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    if kind not in known:
        raise RuntimeProblem("unknown type", path="fields", value=kind, allowed=", ".join(TYPES))
    return known[kind]


def cast(table: Any, fields: Mapping[str, str], path: str) -> Any:
    """Return the table with exactly the declared fields, in their order and type.

    Text without a zone and naive timestamps are UTC; NaN and infinities become null. Raises RuntimeProblem that
    names the column that is missing or does not fit.
    """
    import pyarrow as pa

    require(table, list(fields), path)
    columns = [cast_column(table[name], kind, f"{path}.{name}") for name, kind in fields.items()]
    return pa.table(columns, schema=pa.schema([(name, arrow_type(kind)) for name, kind in fields.items()]))


def require(table: Any, columns: Sequence[str], path: str) -> None:
    """Raise RuntimeProblem when the table lacks one of the columns."""
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise RuntimeProblem(
            "no such column", path=path, value=", ".join(missing), allowed=", ".join(table.column_names)
        )


def cast_column(column: Any, kind: str, path: str) -> Any:
    """Return one column in a field's type; RuntimeProblem with the first value that does not fit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if kind == "timestamp":
            return _timestamps(column)
        found = pc.cast(column, arrow_type(kind))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise RuntimeProblem(f"does not hold {kind}: {error}", path=path, value=column.type, allowed=kind) from None
    if kind != "float64":
        return found
    return pc.if_else(pc.is_finite(found), found, None)


def _timestamps(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _parsed(column)
    if not pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.timestamp("us")) if pa.types.is_date(column.type) else _refuse(column)
    if column.type.tz is None:
        column = pc.assume_timezone(column, "UTC")
    return pc.cast(column, pa.timestamp("us", tz="UTC"), safe=False)  # ns are cut: DuckDB and Feast hold µs


def _parsed(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(column, pa.timestamp("us", tz="UTC"))  # with a zone, each its own
    except pa.ArrowInvalid:
        return pc.cast(column, pa.timestamp("us"))


def _refuse(column: Any) -> Any:
    import pyarrow as pa

    raise pa.ArrowInvalid(f"{column.type} is no point in time")


def span(table: Any, column: str | None) -> dict[str, str | None]:
    """Return the earliest and latest instant of a column, ISO 8601 ending in Z, as a job's result names them."""
    import pyarrow.compute as pc

    if column is None or table.num_rows == 0:
        return {"min_timestamp": None, "max_timestamp": None}
    ends = pc.min_max(table[column]).as_py()
    return {
        f"{end}_timestamp": ends[end].isoformat().replace("+00:00", "Z") if ends[end] else None
        for end in ("min", "max")
    }
