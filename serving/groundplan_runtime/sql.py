"""A project's SQL, in a DuckDB that can reach nothing: no file, no network, no extension, only its inputs."""

from collections.abc import Mapping
from typing import Any

from groundplan_runtime.errors import RuntimeProblem

_SHUT = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


def connect(tables: Mapping[str, Any], threads: int = 2, memory_mb: int = 2048) -> Any:
    """Return a shut DuckDB connection, session in UTC, that sees the Arrow tables under their names."""
    import duckdb

    connection = duckdb.connect(":memory:", config=_SHUT)
    for name, table in tables.items():
        connection.register(name, table)
    for setting in (
        "SET TimeZone = 'UTC'",
        f"SET threads = {int(threads)}",
        f"SET memory_limit = '{int(memory_mb)}MB'",
        "SET preserve_insertion_order = true",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.execute(setting)
    return connection


def run(statement: str, tables: Mapping[str, Any], path: str, **limits: int) -> Any:
    """Return what one SELECT makes of the tables (Arrow). RuntimeProblem with DuckDB's words and the file."""
    import duckdb

    with connect(tables, **limits) as connection:
        try:
            found = connection.sql(statement)
            if found is None:
                raise RuntimeProblem("returns no rows", path=path, fix="write one SELECT")
            return found.to_arrow_table()
        except duckdb.Error as error:
            raise RuntimeProblem(str(error), path=path, fix=f"inputs: {', '.join(tables)}") from None
