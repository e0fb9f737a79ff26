"""Which columns of its inputs each column of a SQL statement is made of. The statement is read, never run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

#: A column of an input: the input's name, and the column's.
Column = tuple[str, str]

#: Declared type → the type that the statement sees.
_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN", "timestamp": "TIMESTAMPTZ"}
#: Clauses whose columns decide which rows there are, and so touch every column of the result.
_CLAUSES = ("where", "group", "having", "qualify", "windows", "order", "laterals")


@dataclass(frozen=True)
class Columns:
    """How the columns of a table come from those of its inputs.

    ``direct``: column → the columns that it is computed from. ``everywhere``: columns that every one depends on,
    because they filter, join, group or order the rows.
    """

    direct: Mapping[str, frozenset[Column]]
    everywhere: frozenset[Column] = field(default=frozenset())


def columns_of_sql(text: str, tables: Mapping[str, Mapping[str, str]]) -> Columns | None:
    """Return how a SELECT's columns come from ``tables`` (input → column → declared type).

    None for a statement that is not understood: then every column of its inputs has to be taken to reach every one.
    """
    schema: dict[str, object] = {
        name: {column: _TYPES.get(type, "VARCHAR") for column, type in fields.items()}
        for name, fields in tables.items()
    }
    try:
        statement = parse_one(text, dialect="duckdb")
        qualified = qualify(
            statement, schema=schema, dialect="duckdb", validate_qualify_columns=False, quote_identifiers=False
        )
        scope = build_scope(qualified)
        return _Reader(scope, tables).columns() if scope is not None else None
    except Exception:  # a parser that trips over a statement, in whatever way, has not understood it
        return None


class _NotUnderstood(Exception):
    """A column that belongs to no input, as far as we can see."""


class _Reader:
    """Follows the columns of one statement through its subqueries to the tables."""

    def __init__(self, root: Scope, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._root = root
        self._tables = tables
        self._scopes = list(root.traverse())
        #: Innermost scopes come first: a column of an outer query, seen in an inner one, belongs to where it stands.
        self._of = {id(column): scope for scope in reversed(self._scopes) for column in scope.columns}
        self._known: dict[tuple[int, str], frozenset[Column]] = {}

    def columns(self) -> Columns:
        """Return the columns of the whole statement."""
        direct = {name: self._output(self._root, name) for name in _names(self._root)}
        everywhere = {c for scope in self._scopes for e in _deciding(scope) for c in self._below(e)}
        for scope in filter(_compares_rows, self._scopes):
            everywhere.update(c for name in _names(scope) for c in self._output(scope, name))
        return Columns(direct, frozenset(everywhere))

    def _output(self, scope: Scope, name: str) -> frozenset[Column]:
        key = (id(scope), name)
        if key not in self._known:
            self._known[key] = frozenset()  # a recursive query reads itself: what it reads there is what it read here
            self._known[key] = frozenset(self._made_of(scope, name))
        return self._known[key]

    def _made_of(self, scope: Scope, name: str) -> Iterator[Column]:
        if scope.set_operation_scopes:
            place = _names(scope).index(name)
            for branch in scope.set_operation_scopes:
                yield from self._output(branch, _names(branch)[place])
            return
        found = [each for each in _query(scope).selects if each.alias_or_name == name]
        if not found:
            raise _NotUnderstood(name)
        yield from self._below(found[0])

    def _below(self, expression: exp.Expr) -> Iterator[Column]:
        for column in expression.find_all(exp.Column):
            yield from self._resolve(column)

    def _resolve(self, column: exp.Column) -> frozenset[Column]:
        scope = self._of.get(id(column))
        while scope is not None and column.table not in scope.sources:
            scope = scope.parent
        if scope is None:
            raise _NotUnderstood(column.sql())
        source = scope.sources[column.table]
        if isinstance(source, Scope):
            return self._output(source, column.name)
        if column.name not in self._tables.get(source.name, {}):
            raise _NotUnderstood(column.sql())
        return frozenset({(source.name, column.name)})


def _query(scope: Scope) -> exp.Query:
    query = scope.expression
    if not isinstance(query, exp.Query):
        raise _NotUnderstood(query.sql())
    return query


def _names(scope: Scope) -> list[str]:
    return [str(name) for name in _query(scope).named_selects]


def _compares_rows(scope: Scope) -> bool:
    """Whether a query is a set operation that keeps or drops rows by all their columns: any but UNION ALL."""
    query = scope.expression
    return isinstance(query, exp.SetOperation) and not (isinstance(query, exp.Union) and not query.args["distinct"])


def _deciding(scope: Scope) -> Iterator[exp.Expr]:
    """Yield the parts of a query that decide which rows it returns."""
    query = scope.expression
    for clause in _CLAUSES:
        given = query.args.get(clause)
        yield from given if isinstance(given, list) else [given] if given is not None else []
    for join in query.args.get("joins") or ():
        yield from (part for part in (join.args.get("on"), *(join.args.get("using") or ())) if part is not None)
    if not isinstance(query, exp.Select):
        return
    grouped = query.args.get("group")
    if query.args.get("distinct") or (grouped is not None and grouped.args.get("all")):
        yield from (each for each in query.selects if not each.find(exp.AggFunc))
    yield from (each for each in query.selects if each.find(exp.Unnest, exp.Explode))
