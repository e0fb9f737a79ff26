"""Routes of the registry, its history and of the status."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from groundplan.controlplane import moves, registry, store
from groundplan.controlplane.api.common import IdentityDep, PlatformDep, authorized, find_declared
from groundplan.controlplane.context import Platform
from groundplan.controlplane.store import Resource

router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)])


@router.get("/registry/models")
def models(platform: PlatformDep, identity: IdentityDep) -> dict[str, Any]:
    """Return every model that the caller may look at: its pair versions, aliases and metrics."""
    with platform.engine.connect() as connection:
        found = [m for m in store.every(connection, kind="model") if identity.may("viewer", m.project)]
    return {"models": [_model(platform, model) for model in found]}


@router.get("/registry/models/{project}/{model}")
def model(project: str, model: str, platform: PlatformDep) -> dict[str, Any]:
    """Return one model."""
    return _model(platform, find_declared(platform, project, "model", model))


@router.get("/registry/models/{project}/{model}/versions")
def versions(project: str, model: str, platform: PlatformDep) -> dict[str, Any]:
    """Return a model's pair versions, oldest first."""
    return {"versions": _model(platform, find_declared(platform, project, "model", model))["versions"]}


@router.get("/registry/models/{project}/{model}/history")
def history(
    project: str,
    model: str,
    platform: PlatformDep,
    alias: str | None = None,
    at: Annotated[
        AwareDatetime | None, Query(description="an instant with its zone, as in 2026-11-17T14:05:00Z")
    ] = None,
) -> dict[str, Any]:
    """Return every move of a model's aliases: who, when, why, from, to, evidence.

    With ``at``, also what each alias (or ``alias``) was at that instant.
    """
    with platform.engine.connect() as connection:
        found = moves.moves_of(connection, project, model, alias)
        told = {"moves": [{**move, "at": move["at"].isoformat()} for move in found]}
        if at is None:
            return told
        return {**told, "at": at.isoformat(), "was": moves.standing_at(connection, project, model, at, alias)}


def _model(platform: Platform, found: Resource) -> dict[str, Any]:
    with platform.engine.connect() as connection:
        pairs = registry.pairs_of(connection, found.project, found.name)
        aliases = registry.aliases_of(connection, found.project, found.name)
    shown = ("version", "digest", "run_id", "metrics", "state", "trained_by")
    listed = [{key: pair[key] for key in shown} | {"created_at": pair["created_at"].isoformat()} for pair in pairs]
    keys = ("alias", "version", "generation", "hold_reason", "hold_actor")
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


@router.get("/status")
def status(platform: PlatformDep, identity: IdentityDep) -> dict[str, Any]:
    """Return what is declared and how it stands: resources, models, aliases, applications, endpoints.

    Of the projects that the caller may look at.
    """
    with platform.engine.connect() as connection:
        found = [r for r in store.every(connection) if identity.may("viewer", r.project)]
    shown = ("project", "kind", "name", "status", "message", "digest", "data_digest")
    brief = [{k: r.document()[k] for k in shown} for r in found]
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
