"""Routes of what people do by hand: train, promote, roll back, release, approve; and what `up` would promote."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from groundplan.controlplane import approvals, moves, personal, registry, service, store
from groundplan.controlplane.api.common import ActorDep, PlatformDep, authorized, find_declared
from groundplan.controlplane.api.sight import Sight, SightDep
from groundplan.controlplane.context import Platform
from groundplan.controlplane.kinds.base import project_resources
from groundplan.controlplane.kinds.decisions import foresee
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.retirements import refuse_retired
from groundplan.controlplane.rules.gate_approval import may_approve
from groundplan.controlplane.store import Actor, Resource

router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)])


class Why(BaseModel):
    """Why a person does it: the history keeps it."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=3, max_length=500)


class Move(Why):
    """A move by hand: where to, and why. It holds the alias there until it is released."""

    version: int = Field(ge=1)


class Wanted(BaseModel):
    """An alias as a preview declares it."""

    model_config = ConfigDict(extra="ignore")

    properties: dict[str, Any]
    upstream: dict[str, str] = {}


@router.post("/projects/{project}/models/{name}:train", status_code=202)
def train(project: str, name: str, platform: PlatformDep, actor: ActorDep, sight: SightDep) -> dict[str, Any]:
    """Train a model now as it is declared; what this declaration made before is selected, not made again."""
    found = find_declared(platform, project, "model", name)
    sight.permit(found, f"train {found.id}")
    return _begun(platform, sight, found, replace(actor, reason="train"), {"train": True})


@router.post("/projects/{project}/aliases/{name}:move", status_code=202)
def move(
    project: str, name: str, body: Move, platform: PlatformDep, actor: ActorDep, sight: SightDep
) -> dict[str, Any]:
    """Promote a version by hand, with the applications that load the alias, and hold it there.

    The alias's gates have their say: an operation that they refuse fails with which gate, the value and the bound.
    """
    found = find_declared(platform, project, "alias", name)
    with platform.engine.connect() as connection:
        known = {pair["version"]: pair for pair in registry.pairs_of(connection, project, found.properties["model"])}
        if body.version in known:
            refuse_retired(connection, project, found.properties["model"], known[body.version], "version")
    if body.version not in known:
        allowed = ", ".join(map(str, known)) or "none yet"
        raise ApiProblem(409, "no such pair version", path="version", value=str(body.version), allowed=allowed)
    wanted = {"version": body.version, "cause": "promote"}
    return _by_hand(platform, sight, found, replace(actor, reason=body.reason), wanted)


class Skew(BaseModel):
    """What a skew check looks at."""

    model_config = ConfigDict(extra="forbid")

    sample: int = Field(default=1000, ge=1, le=1_000_000)


@router.post("/projects/{project}/applications/{name}:skew", status_code=202)
def skew(
    project: str, name: str, body: Skew, platform: PlatformDep, actor: ActorDep, sight: SightDep
) -> dict[str, Any]:
    """Compute the newest logged answers again, features offline and predictions by pair; the result is an output."""
    found = find_declared(platform, project, "serving_application", name)
    sight.permit(found, f"check {found.id}")
    return _begun(platform, sight, found, replace(actor, reason="skew check"), {"skew": {"sample": body.sample}})


class Shadow(BaseModel):
    """What a comparison of shadows looks at; the tolerance is in the target's unit."""

    model_config = ConfigDict(extra="forbid")

    sample: int = Field(default=10_000, ge=1, le=1_000_000)
    tolerance: float = Field(default=0.0, ge=0)


@router.post("/projects/{project}/applications/{name}:shadow", status_code=202)
def shadow(
    project: str, name: str, body: Shadow, platform: PlatformDep, actor: ActorDep, sight: SightDep
) -> dict[str, Any]:
    """Hold what shadows would have answered against what was answered; the result is an output."""
    found = find_declared(platform, project, "serving_application", name)
    sight.permit(found, f"check {found.id}")
    return _begun(platform, sight, found, replace(actor, reason="shadow check"), {"shadow": body.model_dump()})


@router.post("/projects/{project}/aliases/{name}:rollback", status_code=202)
def rollback(
    project: str, name: str, body: Why, platform: PlatformDep, actor: ActorDep, sight: SightDep
) -> dict[str, Any]:
    """Take an alias back to what it pointed to before, and hold it there. No gate holds a rollback up."""
    found = find_declared(platform, project, "alias", name)
    with platform.engine.connect() as connection:
        target = moves.rollback_target(connection, project, found.properties["model"], found.properties["alias"])
    if target is None:
        raise ApiProblem(409, f"{name} pointed to nothing else before: there is nothing to go back to", path=found.id)
    wanted = {"version": target, "cause": "rollback"}
    return _by_hand(platform, sight, found, replace(actor, reason=body.reason), wanted)


@router.post("/projects/{project}/aliases/{name}:release", status_code=202)
def release(project: str, name: str, platform: PlatformDep, actor: ActorDep, sight: SightDep) -> dict[str, Any]:
    """Lift the hold; the alias follows its rule again."""
    found = find_declared(platform, project, "alias", name)
    return _begun(platform, sight, found, replace(actor, reason="released"), {"release": True})


@router.post("/projects/{project}/aliases/{name}:decide")
def decide(
    project: str, name: str, body: Wanted, platform: PlatformDep, actor: ActorDep, sight: SightDep
) -> dict[str, Any]:
    """Return what an alias so declared would point to, and what its gates say. Writes nothing, measures nothing."""
    for key in ("model", "alias"):
        if not isinstance(body.properties.get(key), str):
            raise ApiProblem(422, "is missing", path=f"properties.{key}")
    wanted = Resource(project, "alias", name, "", "", body.properties, body.upstream)
    found = foresee(platform, wanted, actor.name)
    with platform.engine.connect() as connection:
        model = store.get(connection, project, "model", body.properties["model"])
    return found if sight.of(model, project) else {**found, **personal.evidence(found)}


@router.post("/registry/models/{project}/{model}/versions/{version}:approve", status_code=202)
def approve(
    project: str, model: str, version: int, body: Why, platform: PlatformDep, actor: ActorDep, sight: SightDep
) -> dict[str, Any]:
    """Let a version pass the gates that wait for an approval; the aliases that waited are worked on at once.

    409 where nothing asks for one, 403 for who may not: among them who trained it, or asked for all that waits.
    """
    found, approver = find_declared(platform, project, "model", model), replace(actor, reason=body.reason)
    with platform.engine.connect() as connection:
        pair = registry.standing(connection, project, found.name, version)
    if pair is None:
        raise ApiProblem(404, "no such pair version", path=f"{project}/{model}", value=str(version))
    gated = list(_gated(platform, project, model))
    waiting = list(_waiting(gated, pair["version"]))
    _may(gated, pair, approver, f"{project}/{model}")
    _second(waiting, pair["version"], approver, f"{project}/{model}")
    with platform.engine.begin() as connection:
        approvals.approve(connection, project, model, pair["version"], approver)
    begun = [_retried(platform, sight, alias, approver) for alias in waiting]
    approval = {"version": pair["version"], "actor": approver.name, "reason": approver.reason}
    return {"approval": approval, "aliases": begun}


def _gated(platform: Platform, project: str, model: str) -> Iterator[tuple[Resource, list[dict[str, Any]]]]:
    """Yield the aliases of a model that ask for an approval, and the gates that do."""
    for alias in project_resources(platform, project, "alias"):
        gates = [gate for gate in alias.properties.get("gates") or () if "approval" in gate]
        if gates and alias.properties["model"] == model:
            yield alias, gates


def _may(gated: list[tuple[Resource, list[dict[str, Any]]]], pair: Any, approver: Actor, path: str) -> None:
    if not gated:
        raise ApiProblem(409, "no alias of this model asks for an approval", path=path)
    if approver.name == pair["trained_by"]:
        what = f"{approver.name} trained version {pair['version']}: somebody else has to approve it"
        raise ApiProblem(403, what, path=path)
    if not any(may_approve(gate, approver.name) for _, gates in gated for gate in gates):
        allowed = sorted({actor for _, gates in gated for gate in gates for actor in gate["approval"]["by"]})
        raise ApiProblem(403, "may not approve it", path=path, value=approver.name, allowed=", ".join(allowed))


def _second(waiting: list[Resource], version: int, approver: Actor, path: str) -> None:
    """Nobody approves what they asked for themselves: written down it would count for nothing."""
    if waiting and all(alias.outputs["waits"]["asked_by"] == approver.name for alias in waiting):
        what = f"{approver.name} asked for the promotion of version {version}: somebody else has to approve it"
        raise ApiProblem(403, what, path=path)


def _waiting(gated: list[tuple[Resource, list[dict[str, Any]]]], version: int) -> Iterator[Resource]:
    for alias, _ in gated:
        if (alias.outputs.get("waits") or {}).get("version") == version:
            yield alias


def _retried(platform: Platform, sight: Sight, alias: Resource, approver: Actor) -> dict[str, Any]:
    waits = alias.outputs["waits"]
    request = {"approved": waits["version"], "asked_by": waits["asked_by"], "reason": waits["reason"]}
    if waits["by_hand"]:
        before = {"status": alias.status, "message": alias.message}
        request |= {"version": waits["version"], "cause": "promote", "before": before}
    return {"alias": alias.name, **_begun(platform, sight, alias, approver, request)}


def _by_hand(
    platform: Platform, sight: Sight, alias: Resource, actor: Actor, request: dict[str, Any]
) -> dict[str, Any]:
    before = {"status": alias.status, "message": alias.message}
    asked = {**request, "asked_by": actor.name, "reason": actor.reason, "before": before}
    return _begun(platform, sight, alias, actor, asked)


def _begun(platform: Platform, sight: Sight, found: Resource, actor: Actor, request: dict[str, Any]) -> dict[str, Any]:
    resource, operation = service.declare(platform, found, actor, request=request)
    return {"resource": sight.document(resource.document()), "operation": operation}
