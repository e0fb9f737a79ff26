"""Routes of the registry, of what people do by hand (train, move, release), of the status and the events."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from groundplan.controlplane import registry, service, store
from groundplan.controlplane.api.common import ActorDep, PlatformDep, authorized
from groundplan.controlplane.context import Platform
from groundplan.controlplane.db.tables import events
from groundplan.controlplane.kinds.base import rows_of
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor, Resource

router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)])


class Move(BaseModel):
    """A move by hand: where to, and why. It holds the alias there until it is released."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    reason: str = Field(min_length=3)


@router.get("/registry/models")
def models(platform: PlatformDep) -> dict[str, Any]:
    """Return every model: its pair versions, aliases and metrics."""
    with platform.engine.connect() as connection:
        found = store.every(connection, kind="model")
    return {"models": [_model(platform, model) for model in found]}


@router.get("/registry/models/{project}/{model}")
def model(project: str, model: str, platform: PlatformDep) -> dict[str, Any]:
    """Return one model."""
    return _model(platform, _find(platform, project, "model", model))


@router.get("/registry/models/{project}/{model}/versions")
def versions(project: str, model: str, platform: PlatformDep) -> dict[str, Any]:
    """Return a model's pair versions, oldest first."""
    return {"versions": _model(platform, _find(platform, project, "model", model))["versions"]}


@router.get("/registry/models/{project}/{model}/history")
def history(project: str, model: str, platform: PlatformDep) -> dict[str, Any]:
    """Return every move of a model's aliases: who, when, why, from, to, evidence."""
    with platform.engine.connect() as connection:
        return {"moves": registry.history(connection, project, model)}


def _model(platform: Platform, found: Resource) -> dict[str, Any]:
    with platform.engine.connect() as connection:
        pairs = registry.pairs_of(connection, found.project, found.name)
        aliases = registry.aliases_of(connection, found.project, found.name)
    shown = ("version", "digest", "run_id", "metrics", "state")
    listed = [{key: pair[key] for key in shown} | {"created_at": pair["created_at"].isoformat()} for pair in pairs]
    keys = ("alias", "version", "generation", "hold_reason")
    return {
        "project": found.project,
        "name": found.name,
        "status": found.status,
        "message": found.message,
        "version": found.outputs.get("version"),
        "metrics": found.outputs.get("metrics", {}),
        "versions": listed,
        "aliases": [{key: alias[key] for key in keys} for alias in aliases],
    }


@router.post("/projects/{project}/models/{name}:train", status_code=202)
def train(project: str, name: str, platform: PlatformDep, actor: ActorDep) -> dict[str, Any]:
    """Train a model now as it is declared; what this declaration made before is selected, not made again."""
    found = _find(platform, project, "model", name)
    return _begun(platform, found, replace(actor, reason="train"), {"train": True})


@router.post("/projects/{project}/aliases/{name}:move", status_code=202)
def move(project: str, name: str, body: Move, platform: PlatformDep, actor: ActorDep) -> dict[str, Any]:
    """Move an alias by hand, with the applications that load it, and hold it there, with a reason."""
    found = _find(platform, project, "alias", name)
    with platform.engine.connect() as connection:
        known = [pair["version"] for pair in registry.pairs_of(connection, project, found.properties["model"])]
    if body.version not in known:
        allowed = ", ".join(map(str, known)) or "none yet"
        raise ApiProblem(409, "no such pair version", path="version", value=str(body.version), allowed=allowed)
    return _begun(platform, found, replace(actor, reason=body.reason), {"version": body.version})


@router.post("/projects/{project}/aliases/{name}:release", status_code=202)
def release(project: str, name: str, platform: PlatformDep, actor: ActorDep) -> dict[str, Any]:
    """Lift the hold; the alias follows its rule again."""
    found = _find(platform, project, "alias", name)
    return _begun(platform, found, replace(actor, reason="released"), {"release": True})


def _begun(platform: Platform, found: Resource, actor: Actor, request: dict[str, Any]) -> dict[str, Any]:
    resource, operation = service.declare(platform, found, actor, request=request)
    return {"resource": resource.document(), "operation": operation}


def _find(platform: Platform, project: str, kind: str, name: str) -> Resource:
    with platform.engine.connect() as connection:
        found = store.get(connection, project, kind, name)
        others = [r.name for r in store.every(connection, project, kind)]
    if found is None:
        raise ApiProblem(404, f"no such {kind}", path=project, value=name, allowed=", ".join(others) or "none yet")
    return found


@router.get("/status")
def status(platform: PlatformDep) -> dict[str, Any]:
    """Return what is declared and how it stands: resources, models, aliases, applications, endpoints."""
    with platform.engine.connect() as connection:
        found = store.every(connection)
    brief = [{k: r.document()[k] for k in ("project", "kind", "name", "status", "message", "digest")} for r in found]
    of = {kind: [r for r in found if r.kind == kind] for kind in ("model", "alias", "serving_application")}
    return {
        "stack": platform.runtime.stack,
        "resources": brief,
        "models": [_model(platform, model) for model in of["model"]],
        "aliases": [
            {"project": a.project, "name": a.name, "status": a.status, "message": a.message, **a.outputs}
            for a in of["alias"]
        ],
        "applications": [
            {"project": a.project, "name": a.name, "status": a.status, "message": a.message, **a.outputs}
            for a in of["serving_application"]
        ],
        "endpoints": dict(platform.runtime.endpoints),
    }


@router.get("/events")
def list_events(
    platform: PlatformDep, after: int = 0, limit: int = Query(default=100, ge=1, le=1000)
) -> dict[str, Any]:
    """Return events after ``after``, oldest first: who did what to what, before and after, why."""
    query = sa.select(events).where(events.c.seq > after).order_by(events.c.seq).limit(limit)
    with platform.engine.connect() as connection:
        found = rows_of(connection, query)
    return {"events": [{**event, "at": event["at"].isoformat()} for event in found]}
