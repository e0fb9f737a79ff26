"""Every SQL statement bound against its real schema: empty tables of the declared inputs, no data, no network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from groundplan.checks.binding import SQL_TYPES, Binder, BindError
from groundplan.errors import Problem, suggest
from groundplan.spec import FeatureViewSpec, LoadedProject, ProjectSpec, TrainingSpec, entities_of

_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
#: Declared type → the SQL types that are stored as it without loss that would surprise.
_FITS = {
    "string": {"VARCHAR"},
    "int64": _WHOLE,
    "float64": {"DOUBLE", "FLOAT", "DECIMAL", *_WHOLE},
    "bool": {"BOOLEAN"},
    "timestamp": {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATE"},
    "number": {"DOUBLE", "FLOAT", "DECIMAL", "BOOLEAN", *_WHOLE},
}
_CAST = {**SQL_TYPES, "number": "DOUBLE"}


@dataclass(frozen=True)
class _Statement:
    """One statement: where it is, what it reads, what it must return (column → declared type)."""

    place: str
    file: str
    tables: Mapping[str, Mapping[str, str]]
    returns: Mapping[str, str]


def check_sql(projects: Sequence[LoadedProject]) -> list[Problem]:
    """Return what is wrong with the SQL of valid projects: at most one problem for a statement that does not bind,
    one for each column that it ought to return and does not.
    """
    problems: list[Problem] = []
    with Binder() as binder:
        for project in projects:
            for statement in _statements(project.spec):
                problems.extend(_check(project, statement, binder))
    return problems


def _statements(spec: ProjectSpec) -> Iterator[_Statement]:
    for name, view in spec.feature_views.items():
        if view.sql:
            yield _Statement(f"feature_views.{name}", view.sql, _tables(spec, view.inputs), _columns(spec, view))
    for name, model in spec.training.items():
        tables = _tables(spec, model.examples.inputs)
        yield _Statement(f"training.{name}.examples", model.examples.sql, tables, _example_columns(spec, model))


def _tables(spec: ProjectSpec, inputs: Sequence[str]) -> dict[str, Mapping[str, str]]:
    sources, views = spec.data_sources, spec.feature_views
    return {name: sources[name].fields if name in sources else _columns(spec, views[name]) for name in inputs}


def _columns(spec: ProjectSpec, view: FeatureViewSpec) -> dict[str, str]:
    return {**_keys(spec, view.entities), view.timestamp: "timestamp", **view.fields}


def _example_columns(spec: ProjectSpec, model: TrainingSpec) -> dict[str, str]:
    keys = _keys(spec, entities_of(spec.feature_services[model.feature_service], spec))
    return {**keys, model.examples.timestamp: "timestamp", model.examples.target: "number"}


def _keys(spec: ProjectSpec, entities: Sequence[str]) -> dict[str, str]:
    return {spec.entities[name].join_key: spec.entities[name].type for name in entities}


def _check(project: LoadedProject, statement: _Statement, binder: Binder) -> Iterator[Problem]:
    file = f"{project.source}/{statement.file}"
    try:
        text = project.file(statement.file).read_text(encoding="utf-8")
        given = binder.bind(text, statement.tables)
    except UnicodeDecodeError:
        yield Problem(file, None, statement.place, "is not UTF-8 text")
    except BindError as error:
        yield Problem(file, error.line, statement.place, error.what, error.value, error.allowed, error.fix)
    else:
        yield from _mismatches(file, statement, given)


def _mismatches(file: str, statement: _Statement, given: Mapping[str, str]) -> Iterator[Problem]:
    for column, declared in statement.returns.items():
        if column not in given:
            fix = suggest(column, given) or f"select … as {column}"
            yield Problem(
                file, None, statement.place, "does not return a declared column", column, ", ".join(given), fix
            )
        elif given[column].partition("(")[0] not in _FITS[declared]:
            fix = f"cast({column} as {_CAST[declared]}), or change the declared type"
            what = f"returns {column} as another type than declared"
            yield Problem(file, None, statement.place, what, given[column], declared, fix)
