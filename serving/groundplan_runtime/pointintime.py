"""The point-in-time join: to each example the newest row of each view that was known at its time, and not too old.

One engine for training (through Feast's offline store), for materialization and for tests: DuckDB's ASOF join.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundplan_runtime import schema, sql

ROW = "__groundplan_row"


@dataclass(frozen=True)
class View:
    """One view to join. ``keys`` and ``fields`` map its columns to those of examples and answer; ttl in seconds."""

    name: str
    table: Any
    keys: Mapping[str, str]
    timestamp: str
    ttl: float | None
    fields: Mapping[str, str]


def join(examples: Any, timestamp: str, views: Sequence[View], threads: int = 2) -> Any:
    """Return the examples (Arrow) in their order with the views' fields beside them; null where nothing was known.

    A row is known from its timestamp on, that moment included, and for ``ttl`` seconds, their end included.
    """
    import pyarrow as pa

    numbered = examples.append_column(ROW, pa.array(range(examples.num_rows), pa.int64()))
    tables = {"examples": _in_microseconds(numbered, timestamp)}
    tables |= {f"view_{number}": _in_microseconds(view.table, view.timestamp) for number, view in enumerate(views)}
    fields = [
        _field(number, view, field, timestamp) for number, view in enumerate(views) for field in view.fields.items()
    ]
    joins = [_join(number, view, timestamp) for number, view in enumerate(views)]
    kept = [f"examples.{_quoted(name)}" for name in examples.column_names]
    text = f"SELECT {', '.join([*kept, *fields])} FROM examples {' '.join(joins)} ORDER BY examples.{ROW}"  # noqa: S608
    return sql.run(text, tables, "point-in-time join", threads=threads)


def _in_microseconds(table: Any, timestamp: str) -> Any:
    instants = schema.cast_column(table[timestamp], "timestamp", timestamp)
    return table.set_column(table.schema.get_field_index(timestamp), timestamp, instants)


def _field(number: int, view: View, field: tuple[str, str], timestamp: str) -> str:
    column, name = f"view_{number}.{_quoted(field[0])}", _quoted(field[1])
    if not view.ttl:
        return f"{column} AS {name}"
    expiry = f"view_{number}.{_quoted(view.timestamp)} + to_microseconds({int(view.ttl * 1_000_000)})"
    return f"CASE WHEN {expiry} >= examples.{_quoted(timestamp)} THEN {column} END AS {name}"


def _join(number: int, view: View, timestamp: str) -> str:
    table = f"view_{number}"
    on = [f"{table}.{_quoted(own)} = examples.{_quoted(theirs)}" for own, theirs in view.keys.items()]
    on.append(f"{table}.{_quoted(view.timestamp)} <= examples.{_quoted(timestamp)}")
    return f"ASOF LEFT JOIN {table} ON {' AND '.join(on)}"


def latest(table: Any, keys: Sequence[str], timestamp: str, start: Any, end: Any) -> Any:
    """Return the newest row of each entity within [start, end], as an Arrow table."""
    partition = ", ".join(_quoted(key) for key in keys)
    newest = f"QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY {_quoted(timestamp)} DESC) = 1"
    text = f"{_window(table, timestamp, start, end)} {newest}"
    return sql.run(text, {"rows": _in_microseconds(table, timestamp)}, "latest rows")


def between(table: Any, timestamp: str, start: Any, end: Any) -> Any:
    """Return all rows within [start, end], as an Arrow table; ``None`` leaves that end open."""
    text = _window(table, timestamp, start, end)
    return sql.run(text, {"rows": _in_microseconds(table, timestamp)}, "rows in a window")


def exactly(asked: Any, rows: Any, keys: Sequence[str], timestamp: str, asked_at: str) -> Any:
    """Return, in the order of ``asked``, the row of each entity (``keys``) known from exactly the instant ``asked_at``.

    Both are Arrow tables. The answer has the columns of ``rows``, null where there is no such row.
    """
    import pyarrow as pa

    numbered = asked.append_column(ROW, pa.array(range(asked.num_rows), pa.int64()))
    tables = {"asked": _in_microseconds(numbered, asked_at), "rows": _in_microseconds(rows, timestamp)}
    on = [f'"rows".{_quoted(key)} = asked.{_quoted(key)}' for key in keys]
    on.append(f'"rows".{_quoted(timestamp)} = asked.{_quoted(asked_at)}')
    columns = ", ".join(f'"rows".{_quoted(name)}' for name in rows.column_names)
    text = f'SELECT {columns} FROM asked LEFT JOIN "rows" ON {" AND ".join(on)} ORDER BY asked.{ROW}'  # noqa: S608
    return sql.run(text, tables, "rows at exact instants")


def _window(table: Any, timestamp: str, start: Any, end: Any) -> str:
    bounds = [
        f"{_quoted(timestamp)} {sign} {_instant(at)}" for sign, at in ((">=", start), ("<=", end)) if at is not None
    ]
    columns = ", ".join(_quoted(name) for name in table.column_names)
    return f'SELECT {columns} FROM "rows" WHERE {" AND ".join(bounds) or "true"}'  # noqa: S608


def _instant(at: Any) -> str:
    text = at.isoformat() if at.tzinfo else f"{at.isoformat()}+00:00"
    return f"TIMESTAMPTZ '{text}'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
