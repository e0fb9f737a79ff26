"""Routes of the catalogue: find models, look at one, see what it served, retire its versions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request

from groundplan.controlplane import registry, retirements, store
from groundplan.controlplane.api.common import ActorDep, PlatformDep, authorized, find_declared
from groundplan.controlplane.api.permissions import may_in, permit
from groundplan.controlplane.api.promotion import Why
from groundplan.controlplane.api.sight import Sight, SightDep
from groundplan.controlplane.catalogue import documents, finding, unseen
from groundplan.controlplane.catalogue.reading import Known, read
from groundplan.controlplane.catalogue.versions import Version, versions_of
from groundplan.controlplane.context import Platform
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.rules.lifecycle import ACTIONS, STAGES, why_not
from groundplan.controlplane.rules.neighbours import neighbours
from groundplan.controlplane.store import Actor

router = APIRouter(prefix="/v1/catalogue", dependencies=[Depends(authorized)])
Text = Annotated[str, Query(max_length=200)]


@router.get("/models")
def models(
    request: Request,
    platform: PlatformDep,
    q: Text = "",
    owner: Text = "",
    feature: Text = "",
    tag: Text = "",
    metric: Annotated[list[str], Query(max_length=10)] = [],  # noqa: B006 - FastAPI copies it
    stage: Text = "",
    sort: Text = "name",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> dict[str, Any]:
    """Find models: by words, owner or team, feature (or view), tag, metrics, stage. All that is said has to hold.

    `metric` is a bound as in `mae<20`, and may be given more than once. `sort` is name, project, owner, stage, trained
    or a metric; `-` before it turns it round. Models of projects in which who asks has no role are not there.
    """
    wanted = finding.Wanted(q, owner, feature, tag, tuple(metric), stage, sort)
    with platform.engine.connect() as connection:
        found = read(connection)
    seen = [known for known in found if may_in(request, known.model.project)("viewer")]
    return finding.find((documents.summary(known) for known in seen), wanted, limit, cursor)


@router.get("/lifecycle")
def lifecycle() -> dict[str, Any]:
    """Return the stages of a pair version in their order, and who may move what: the one table."""
    return {"stages": list(STAGES), "actions": {name: vars(action) for name, action in ACTIONS.items()}}


@router.get("/models/{project}/{model}")
def model(
    project: str, model: str, request: Request, platform: PlatformDep, actor: ActorDep, sight: SightDep
) -> dict[str, Any]:
    """Return all that is known of a model, and what who asks may do with each of its versions."""
    _may_read(request, project)
    known = _known(platform, project, model)
    with platform.engine.connect() as connection:
        others = store.every(connection, project)
    lineage = neighbours(known.model, others)
    told = documents.page(known, others, lineage, actor.name, may_in(request, project))
    return told if sight.of(known.model, project) else unseen.page(told)


@router.get("/models/{project}/{model}/versions/{version}")
def version(
    project: str, model: str, version: int, request: Request, platform: PlatformDep, actor: ActorDep, sight: SightDep
) -> dict[str, Any]:
    """Return one pair version: its stage, metrics, gates, approvals, and what who asks may do with it."""
    _may_read(request, project)
    return _told(request, platform, (project, model, version), actor, sight)


@router.get("/models/{project}/{model}/usage")
def usage(
    project: str, model: str, request: Request, platform: PlatformDep, hours: Annotated[int, Query(ge=1, le=168)] = 24
) -> dict[str, Any]:
    """Return how many predictions (rows) the applications of a model logged, by hour (UTC), the oldest first."""
    _may_read(request, project)
    known = _known(platform, project, model)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    wanted = [now - timedelta(hours=back) for back in reversed(range(hours))]
    return {
        "applications": [
            {"application": application.name, "hours": _logged(platform, project, application.name, wanted)}
            for application in known.applications
        ]
    }


def _logged(platform: Platform, project: str, application: str, hours: list[datetime]) -> list[dict[str, Any]]:
    counted = platform.objects.rows_logged(project, application, hours)
    return [{"hour": hour.isoformat(), "rows": rows} for hour, rows in zip(hours, counted, strict=True)]


@router.post("/models/{project}/{model}/versions/{version}:retire")
def retire(
    project: str,
    model: str,
    version: int,
    body: Why,
    request: Request,
    platform: PlatformDep,
    actor: ActorDep,
    sight: SightDep,
) -> dict[str, Any]:
    """Retire a pair version: no alias comes to point to it any more. 409, with what does, while something loads it."""
    permit(request, "retire", project)
    _retirement(platform, (project, model, version), "retire", replace(actor, reason=body.reason))
    return _told(request, platform, (project, model, version), actor, sight)


@router.post("/models/{project}/{model}/versions/{version}:restore")
def restore(
    project: str,
    model: str,
    version: int,
    body: Why,
    request: Request,
    platform: PlatformDep,
    actor: ActorDep,
    sight: SightDep,
) -> dict[str, Any]:
    """Take a retirement back."""
    permit(request, "restore", project)
    _retirement(platform, (project, model, version), "restore", replace(actor, reason=body.reason))
    return _told(request, platform, (project, model, version), actor, sight)


def _retirement(platform: Platform, about: tuple[str, str, int], action: str, actor: Actor) -> None:
    """Write a retirement, or that one is taken back; nothing where it is so already."""
    project, model, number = about
    wanted = action == "retire"
    # Under the lock of the model's aliases: none comes to point to it between the look and the row.
    with locked(platform.engine, registry.lock_of(project, model)), platform.engine.begin() as connection:
        found = _version(_read(connection, project, model), number)
        if found.facts.retired == wanted:
            return
        refusal = why_not(action, found.stage, found.facts)
        if refusal is not None:
            what = f"pair version {number} cannot be retired: {refusal}"
            fix = "move what loads it to another version first: groundplan promote, or the alias's rule"
            raise ApiProblem(409, what, path=f"{project}/{model}", value=str(number), fix=fix)
        retirements.write(connection, project, model, found.pair["version"], wanted, actor)


def _told(
    request: Request, platform: Platform, about: tuple[str, str, int], actor: Actor, sight: Sight
) -> dict[str, Any]:
    project, model, number = about
    known = _known(platform, project, model)
    told = documents.version_document(known, _version(known, number), actor.name, may_in(request, project))
    return told if sight.of(known.model, project) else unseen.version(told)


def _may_read(request: Request, project: str) -> None:
    if not may_in(request, project)("viewer"):
        raise ApiProblem(403, f"may not read models of {project}", path=project, allowed="the role viewer")


def _known(platform: Platform, project: str, model: str) -> Known:
    find_declared(platform, project, "model", model)
    with platform.engine.connect() as connection:
        return _read(connection, project, model)


def _read(connection: sa.Connection, project: str, model: str) -> Known:
    known = read(connection, project, model)
    if not known:
        raise ApiProblem(404, "no such model", path=project, value=model)
    return known[0]


def _version(known: Known, number: int) -> Version:
    versions = versions_of(known)
    found = next((version for version in versions if version.pair["version"] == number), None)
    if found is None:
        allowed = ", ".join(str(version.pair["version"]) for version in reversed(versions)) or "none yet"
        path = f"{known.model.project}/{known.model.name}"
        raise ApiProblem(404, "no such pair version", path=path, value=str(number), allowed=allowed)
    return found
