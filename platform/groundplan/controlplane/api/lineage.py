"""Lineage and impact in the platform's own words, the outbox, and every ``groundplan up``."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from groundplan.controlplane import store
from groundplan.controlplane.api.common import ActorDep, PlatformDep, authorized
from groundplan.controlplane.lineage import now, outbox

router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)])

Node = Annotated[str, Query(min_length=1, max_length=1024, description="features/<view>, <view>.<column>, a node id")]


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
        return now.impact(connection, platform.runtime.stack, node)


@router.get("/lineage")
def lineage(node: Node, platform: PlatformDep) -> dict[str, Any]:
    """Return all that a node or column depends on, and all that depends on it, with the edges between them."""
    with platform.engine.connect() as connection:
        return now.lineage(connection, platform.runtime.stack, node)


@router.get("/lineage/outbox")
def standing(platform: PlatformDep) -> dict[str, Any]:
    """Return how many events wait to be told as lineage, and why the first of them does."""
    target = platform.runtime.endpoints.get("lineage")
    with platform.engine.connect() as connection:
        found = outbox.standing(connection)
    return {"target": target or "local", **found, "to_send": found["to_send"] if target else 0}
