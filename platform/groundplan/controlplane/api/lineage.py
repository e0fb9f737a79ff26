"""Lineage and impact in the platform's own words, the outbox, and every ``groundplan up``."""

from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from groundplan.controlplane import store
from groundplan.controlplane.api.common import ActorDep, PlatformDep, authorized
from groundplan.controlplane.context import Platform
from groundplan.controlplane.lineage import graphs, outbox
from groundplan.controlplane.problem import ApiProblem
from groundplan.errors import GroundplanError
from groundplan.lineage import Declared, Graph, Known, Point, find_point, impact_of, trace
from groundplan.lineage.declared import PREDICTION

router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)])

Node = Annotated[str, Query(min_length=1, max_length=1024, description="features/<view>, <view>.<column>, a node id")]
#: What of a thing's outputs says how it stands now.
NOW = ("version", "points_to", "serves", "aliases", "endpoint", "retrain_due")


class Change(BaseModel):
    """One node that an ``up`` made, changed or removed."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(max_length=256)]
    action: Literal["create", "update", "delete"]


class Up(BaseModel):
    """One ``groundplan up``."""

    model_config = ConfigDict(extra="forbid")

    plan_digest: Annotated[str, Field(max_length=64)]
    changes: Annotated[list[Change], Field(max_length=10000)]
    succeeded: bool
    commit: Annotated[str, Field(max_length=64)] | None = None
    dirty: bool | None = None


@router.post("/ups", status_code=201)
def post_up(up: Up, platform: PlatformDep, actor: ActorDep) -> dict[str, Any]:
    """Keep that an ``up`` was made: of which commit and plan, and what it changed. It is an event like any other."""
    about = ("stack", "up", platform.runtime.stack)
    with platform.engine.begin() as connection:
        store.record(connection, actor, "up", about, None, up.model_dump())
    return {"up": up.model_dump()}


@router.get("/impact")
def impact(node: Node, platform: PlatformDep) -> dict[str, Any]:
    """Return what a change of a node or column touches now: models, endpoints, teams, trainings that are due."""
    with platform.engine.connect() as connection:
        found, known = _now(connection, platform)
    graph, point = found
    at = _point(node, graph, known)
    touched = impact_of(at, graph.downstream(at.node, at.column), known)
    own = [id for ids in touched.touched.values() for id in ids]
    return {**touched.document(), "now": {id: point[id] for id in (at.node, *own) if id in point}}


@router.get("/lineage")
def lineage(node: Node, platform: PlatformDep) -> dict[str, Any]:
    """Return all that a node or column depends on, and all that depends on it, with the edges between them."""
    with platform.engine.connect() as connection:
        (graph, _), known = _now(connection, platform)
    return trace(graph, _point(node, graph, known))


@router.get("/lineage/outbox")
def standing(platform: PlatformDep) -> dict[str, Any]:
    """Return how many events wait to be told as lineage, and why the first of them does."""
    target = platform.runtime.endpoints.get("lineage")
    with platform.engine.connect() as connection:
        found = outbox.standing(connection)
    return {"target": target or "local", **found, "to_send": found["to_send"] if target else 0}


def _now(connection: sa.Connection, platform: Platform) -> tuple[tuple[Graph, dict[str, Any]], Known]:
    """Return the graph of lineage, how each thing stands, and what is declared."""
    rows = store.every(connection)
    known = Known((Declared(r.project, r.kind, r.name, r.properties) for r in rows), lambda *_: None)
    standing = {r.id: {key: r.outputs[key] for key in NOW if key in r.outputs} | {"status": r.status} for r in rows}
    graph = graphs.whole(connection, platform.runtime.stack)
    for row in rows:
        if row.kind == "feature_view":  # an entity is no dataset: what is keyed by it is told by the declaration
            graph.add(row.id, (f"{row.project}/entity/{name}" for name in row.properties["entities"]))
    return (graph, standing), known


def _point(text: str, graph: Graph, known: Known) -> Point:
    fields = {
        id: known.fields(id) or ([PREDICTION] if "/pair/" in id else graph.columns_of(id)) for id in graph.sources
    }
    try:
        return find_point(text, fields)
    except GroundplanError as error:
        raise ApiProblem(404, str(error), path="node") from error
