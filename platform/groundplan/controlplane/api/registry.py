"""Routes of the registry, its history and of the status."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from groundplan.controlplane import moves, personal, registry, store
from groundplan.controlplane.api.common import IdentityDep, PlatformDep, authorized, find_declared
from groundplan.controlplane.api.sight import Sight, SightDep
from groundplan.controlplane.context import Platform
from groundplan.controlplane.store import Resource

router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)])


@router.get("/registry/models")
def models(platform: PlatformDep, identity: IdentityDep, sight: SightDep) -> dict[str, Any]:
    """Return every model that the caller may look at: its pair versions, aliases and metrics."""
    with platform.engine.connect() as connection:
        found = [m for m in store.every(connection, kind="model") if identity.may("viewer", m.project)]
    return {"models": [_model(platform, sight, model) for model in found]}


@router.get("/registry/models/{project}/{model}")
def model(project: str, model: str, platform: PlatformDep, sight: SightDep) -> dict[str, Any]:
    """Return one model."""
    return _model(platform, sight, find_declared(platform, project, "model", model))


@router.get("/registry/models/{project}/{model}/versions")
def versions(project: str, model: str, platform: PlatformDep, sight: SightDep) -> dict[str, Any]:
    """Return a model's pair versions, oldest first."""
    return {"versions": _model(platform, sight, find_declared(platform, project, "model", model))["versions"]}


@router.get("/registry/models/{project}/{model}/history")
def history(
    project: str,
    model: str,
    platform: PlatformDep,
    sight: SightDep,
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
        was = moves.standing_at(connection, project, model, at, alias) if at else {}
        declared = store.get(connection, project, "model", model)
    if not sight.of(declared, project):
        found = [_unseen(move) for move in found]
        was = {name: _unseen(move) if move else None for name, move in was.items()}
    told = {"moves": [{**move, "at": move["at"].isoformat()} for move in found]}
    return {**told, "at": at.isoformat(), "was": was} if at else told


def _unseen(move: dict[str, Any]) -> dict[str, Any]:
    return {**move, "evidence": personal.evidence(move["evidence"])}


def _model(platform: Platform, sight: Sight, found: Resource) -> dict[str, Any]:
    with platform.engine.connect() as connection:
        pairs = registry.pairs_of(connection, found.project, found.name)
        aliases = registry.aliases_of(connection, found.project, found.name)
    shown = ("version", "digest", "run_id", "metrics", "state", "trained_by")
    listed = [{key: pair[key] for key in shown} | {"created_at": pair["created_at"].isoformat()} for pair in pairs]
    for row, pair in zip(listed, pairs, strict=True):
        row["source"] = (
            {key: pair["source"][key] for key in ("stack", "version", "content")} if pair["source"] else None
        )
    keys = ("alias", "version", "generation", "hold_reason", "hold_actor")
    return {
        "project": found.project,
        "name": found.name,
        "status": found.status,
        "message": sight.document(found.document())["message"],
        "personal": found.properties.get("personal", []),
        "version": found.outputs.get("version"),
        "metrics": found.outputs.get("metrics", {}),
        "versions": listed,
        "aliases": [{key: alias[key] for key in keys} for alias in aliases],
    }


@router.get("/status")
def status(platform: PlatformDep, identity: IdentityDep, sight: SightDep) -> dict[str, Any]:
    """Return what is declared and how it stands: resources, models, aliases, applications, endpoints.

    Of the projects that the caller may look at.
    """
    with platform.engine.connect() as connection:
        found = [r for r in store.every(connection) if identity.may("viewer", r.project)]
    shown = ("project", "kind", "name", "status", "message", "digest", "data_digest")
    told = [sight.document(r.document()) for r in found]
    of = {kind: [each for each in told if each["kind"] == kind] for kind in ("alias", "serving_application")}
    return {
        "stack": platform.runtime.stack,
        "resources": [{key: each[key] for key in shown} for each in told],
        "models": [_model(platform, sight, each) for each in found if each.kind == "model"],
        "aliases": [_standing(each) for each in of["alias"]],
        "applications": [_standing(each) for each in of["serving_application"]],
        "endpoints": dict(platform.runtime.endpoints),
    }


def _standing(document: dict[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in ("project", "name", "status", "message")} | document["outputs"]
