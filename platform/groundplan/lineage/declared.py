"""The graph of what is declared: of a plan's nodes, or of the resources that a control plane holds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from groundplan.lineage.columns import Column, Columns, columns_of_sql
from groundplan.lineage.graph import Graph

#: What a model's pair is read by: its one column.
PREDICTION = "prediction"
#: Project and path → the text of a file of a project's code, None where it cannot be had.
Text = Callable[[str, str], str | None]


@dataclass(frozen=True)
class Declared:
    """One declared thing: its project, its kind's slug, its name, and its properties as the plan has them."""

    project: str
    kind: str
    name: str
    properties: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The plan's node id."""
        return f"{self.project}/{self.kind}/{self.name}"


class Known:
    """Everything that is declared, by id, and the text of its SQL."""

    def __init__(self, declared: Iterable[Declared], text: Text) -> None:
        self.by_id = {each.id: each for each in declared}
        self.text = text

    def find(self, project: str, kind: str, name: str) -> Declared | None:
        """Return one declared thing, or None."""
        return self.by_id.get(f"{project}/{kind}/{name}")

    def table(self, project: str, name: str) -> Declared | None:
        """Return the data source or feature view of a name: what SQL calls a table."""
        return self.find(project, "data_source", name) or self.find(project, "feature_view", name)

    def fields(self, id: str) -> dict[str, str]:
        """Return the columns of a node with their types; empty where it has none that are known."""
        each = self.by_id.get(id)
        return _FIELDS[each.kind](self, each) if each is not None and each.kind in _FIELDS else {}


def declared_graph(known: Known) -> Graph:
    """Return the graph of all that is declared."""
    graph = Graph()
    for each in known.by_id.values():
        made_of, columns = reads_of(known, each)
        graph.add(each.id, made_of, columns)
    return graph


def reads_of(known: Known, each: Declared) -> tuple[tuple[str, ...], Columns | None]:
    """Return the ids of what a declared thing is made of, and how its columns come from theirs, where that is known."""
    reads = _READS.get(each.kind)
    return reads(known, each) if reads else ((), None)


def _view(known: Known, each: Declared) -> tuple[tuple[str, ...], Columns | None]:
    given = each.properties
    entities = tuple(f"{each.project}/entity/{name}" for name in given["entities"])
    inputs = {name: known.table(each.project, name) for name in given["inputs"]}
    made_of = (*entities, *(table.id for table in inputs.values() if table))
    columns = _of_sql(known, each.project, given.get("sql"), inputs)
    if columns is None or not set(known.fields(each.id)) <= set(columns.direct):
        return made_of, None
    keys = {(id, column) for id in entities for column in known.fields(id)}
    return made_of, Columns(columns.direct, columns.everywhere | keys)


def _of_sql(known: Known, project: str, path: str | None, inputs: Mapping[str, Declared | None]) -> Columns | None:
    """Return the columns of a statement of a project's, its tables named by their node ids."""
    text = known.text(project, path) if path else None
    if text is None or any(table is None for table in inputs.values()):
        return None
    ids = {name: table.id for name, table in inputs.items() if table}
    found = columns_of_sql(text, {name: known.fields(id) for name, id in ids.items()})
    if found is None:
        return None
    direct = {name: _by_id(columns, ids) for name, columns in found.direct.items()}
    return Columns(direct, _by_id(found.everywhere, ids))


def _by_id(columns: Iterable[Column], ids: Mapping[str, str]) -> frozenset[Column]:
    return frozenset((ids[table], column) for table, column in columns)


def _feature_service(known: Known, each: Declared) -> tuple[tuple[str, ...], Columns | None]:
    views = each.properties["views"]
    direct = {
        f"{view}__{field}": frozenset({(f"{each.project}/feature_view/{view}", field)})
        for view, fields in views.items()
        for field in fields
    }
    ids = {view: f"{each.project}/feature_view/{view}" for view in views}
    keys = {(id, key) for view, id in ids.items() for key in _row_keys(known, each.project, view)}
    return tuple(ids.values()), Columns(direct, frozenset(keys))


def _row_keys(known: Known, project: str, view: str) -> set[str]:
    """Return the columns by which a view's rows are found: its join keys and its timestamp."""
    found = known.find(project, "feature_view", view)
    return set(known.fields(found.id)) - set(found.properties["fields"]) if found else set()


def _materialization(known: Known, each: Declared) -> tuple[tuple[str, ...], Columns | None]:
    view = f"{each.project}/feature_view/{each.properties['view']}"
    fields = known.fields(view)
    keys = _row_keys(known, each.project, each.properties["view"])
    direct = {name: frozenset({(view, name)}) for name in fields}
    return (view,), Columns(direct, frozenset((view, key) for key in keys)) if fields else None


def _model(known: Known, each: Declared) -> tuple[tuple[str, ...], Columns | None]:
    """A model is one column: what it predicts comes from all its features, and from what its examples read."""
    given = each.properties
    service = f"{each.project}/feature_service/{given['feature_service']}"
    inputs = {name: known.table(each.project, name) for name in given["examples"]["inputs"]}
    made_of = (service, *(table.id for table in inputs.values() if table))
    examples = _of_sql(known, each.project, given["examples"]["sql"], inputs)
    if examples is None:
        return made_of, None
    read = {column for columns in examples.direct.values() for column in columns} | examples.everywhere
    features = {(service, name) for name in known.fields(service)}
    return made_of, Columns({PREDICTION: frozenset(features | read)})


def _alias(_: Known, each: Declared) -> tuple[tuple[str, ...], Columns | None]:
    model = f"{each.project}/model/{each.properties['model']}"
    return (model,), Columns({PREDICTION: frozenset({(model, PREDICTION)})})


def _application(known: Known, each: Declared) -> tuple[tuple[str, ...], Columns | None]:
    """An application answers with what its aliases point to, from the features that are online."""
    given = each.properties
    names = dict.fromkeys((*given["traffic"], *given.get("shadow", ())))
    aliases = [f"{each.project}/alias/{given['model']}@{name}" for name in names]
    online = _online(known, each)
    read = {(alias, PREDICTION) for alias in aliases} | {(id, c) for id, columns in online.items() for c in columns}
    return (*aliases, *online), Columns({PREDICTION: frozenset(read)})


def _online(known: Known, each: Declared) -> dict[str, set[str]]:
    model = known.find(each.project, "model", each.properties["model"])
    service = model and known.find(each.project, "feature_service", model.properties["feature_service"])
    views = service.properties["views"] if service else {}
    ids = {view: f"{each.project}/materialization/{view}" for view in views}
    return {
        ids[view]: {*fields, *_row_keys(known, each.project, view)}
        for view, fields in views.items()
        if ids[view] in known.by_id
    }


def _fields_of_view(known: Known, each: Declared) -> dict[str, str]:
    keys: dict[str, str] = {}
    for name in each.properties["entities"]:
        keys |= known.fields(f"{each.project}/entity/{name}")
    return {**keys, each.properties["timestamp"]: "timestamp", **each.properties["fields"]}


def _fields_of_service(known: Known, each: Declared) -> dict[str, str]:
    typed = {view: known.fields(f"{each.project}/feature_view/{view}") for view in each.properties["views"]}
    return {
        f"{view}__{name}": typed[view].get(name, "float64")
        for view, names in each.properties["views"].items()
        for name in names
    }


_READS: dict[str, Callable[[Known, Declared], tuple[tuple[str, ...], Columns | None]]] = {
    "feature_view": _view,
    "feature_service": _feature_service,
    "materialization": _materialization,
    "model": _model,
    "alias": _alias,
    "serving_application": _application,
}
_FIELDS: dict[str, Callable[[Known, Declared], dict[str, str]]] = {
    "entity": lambda _, each: {each.properties["join_key"]: each.properties["type"]},
    "data_source": lambda _, each: dict(each.properties["fields"]),
    "feature_view": _fields_of_view,
    "feature_service": _fields_of_service,
    "materialization": lambda known, each: known.fields(f"{each.project}/feature_view/{each.properties['view']}"),
    **dict.fromkeys(("model", "pair", "alias", "serving_application"), lambda *_: {PREDICTION: "float64"}),
}
