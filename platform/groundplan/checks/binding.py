"""Binding one SELECT in an empty in-memory DuckDB that can reach no file, no network and no extension."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from groundplan.errors import suggest

#: Declared type → the type of the column in SQL. Timestamps are in UTC with their zone.
SQL_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}
_CLOSED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Without this a table name is looked up among the variables of the calling Python code.
    "python_enable_replacements": "false",
    "errors_as_json": "true",
    "lock_configuration": "true",
}
_DESCRIBE = "describe "
_NEAR = re.compile(r'Did you mean "([^"]+)"')


@dataclass
class BindError(Exception):
    """Why a statement does not bind: the line if DuckDB names one, and the parts of a problem."""

    what: str
    line: int | None = None
    value: str | None = None
    allowed: str | None = None
    fix: str | None = None


class Binder:
    """A DuckDB for binding. Use it as a context manager."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config=_CLOSED)

    def __enter__(self) -> "Binder":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def bind(self, text: str, tables: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Return the columns and SQL types that a SELECT returns, given tables of declared fields. Runs nothing.

        BindError when it is not one SELECT, or does not bind.
        """
        self._connection.execute("begin")
        try:
            for name, fields in tables.items():
                columns = ", ".join(f'"{field}" {SQL_TYPES[kind]}' for field, kind in fields.items())
                self._connection.execute(f'create table "{name}" ({columns})')
            self._one_select(text)
            rows = self._connection.execute(_DESCRIBE + text).fetchall()
        except duckdb.Error as error:
            raise _bind_error(error, text, tables) from None
        finally:
            self._connection.execute("rollback")
        return {str(name): str(kind) for name, kind, *_ in rows}

    def _one_select(self, text: str) -> None:
        try:
            kinds = [statement.type for statement in self._connection.extract_statements(text)]
        except duckdb.Error as error:
            raise _bind_error(error, text, {}, prefix=0) from None
        if kinds != [duckdb.StatementType.SELECT]:
            given = ", ".join(kind.name for kind in kinds) or "none"
            raise BindError(
                "must be one SELECT statement", None, given, "one SELECT", "keep the SELECT alone in its file"
            )


def _bind_error(
    error: duckdb.Error, text: str, tables: Mapping[str, Mapping[str, str]], prefix: int = len(_DESCRIBE)
) -> BindError:
    details = _details(error)
    message = str(details.get("exception_message", error))
    position = details.get("position")
    line = None
    if position is not None:
        # DuckDB counts bytes, from the start of what it was given.
        line = text.encode()[: max(int(position) - prefix, 0)].count(b"\n") + 1
    what = message.splitlines()[0].rstrip("!.")
    if details.get("type") == "Table":
        name = str(details.get("name"))
        return BindError("no such table", line, name, f"its inputs: {', '.join(tables)}", suggest(name, tables))
    near = _NEAR.search(message)
    fix = f"did you mean {near.group(1)}?" if near else None
    return BindError(what, line, details.get("name"), details.get("candidates"), fix)


def _details(error: duckdb.Error) -> dict[str, Any]:
    try:
        found = json.loads(str(error).partition(": ")[2])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
