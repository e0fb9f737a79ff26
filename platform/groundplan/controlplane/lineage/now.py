"""Impact and lineage of what there is now: the graph of what ran, beside what is declared and how it stands."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane import store
from groundplan.controlplane.lineage import graphs
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Resource
from groundplan.errors import GroundplanError
from groundplan.lineage import PREDICTION, Declared, Graph, Known, Point, find_point, impact_of, trace

#: What of a thing's outputs says how it stands.
STANDING = ("version", "points_to", "serves", "aliases", "endpoint", "retrain_due")


def impact(connection: sa.Connection, stack: str, text: str) -> dict[str, Any]:
    """Return what a change of what ``text`` names touches. ApiProblem 404 when it names nothing."""
    rows, known, graph = _all(connection, stack)
    point = _point(text, graph, known)
    found = impact_of(point, graph.downstream(point.node, point.column), known)
    touched = {point.node, *(id for ids in found.touched.values() for id in ids)}
    return {**found.document(), "now": {row.id: _standing(row) for row in rows if row.id in touched}}


def lineage(connection: sa.Connection, stack: str, text: str) -> dict[str, Any]:
    """Return what is up and down from what ``text`` names. ApiProblem 404 when it names nothing."""
    _, known, graph = _all(connection, stack)
    return trace(graph, _point(text, graph, known))


def _all(connection: sa.Connection, stack: str) -> tuple[Sequence[Resource], Known, Graph]:
    rows = store.every(connection)
    known = Known((Declared(r.project, r.kind, r.name, r.properties) for r in rows), lambda *_: None)
    graph = graphs.whole(connection, stack)
    for row in rows:
        if row.kind == "feature_view":  # an entity is no dataset: what is keyed by it is told by the declaration
            graph.add(row.id, (f"{row.project}/entity/{name}" for name in row.properties["entities"]))
    return rows, known, graph


def _standing(row: Resource) -> dict[str, Any]:
    return {"status": row.status, **{key: row.outputs[key] for key in STANDING if key in row.outputs}}


def _point(text: str, graph: Graph, known: Known) -> Point:
    try:
        return find_point(text, {id: _columns(id, graph, known) for id in graph.sources})
    except GroundplanError as error:
        raise ApiProblem(404, str(error), path="node") from error


def _columns(id: str, graph: Graph, known: Known) -> Sequence[str]:
    return [PREDICTION] if "/pair/" in id else list(known.fields(id)) or graph.columns_of(id)
