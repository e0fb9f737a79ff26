"""Routes of declared resources, the code of projects, and operations."""

import re
import time
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from groundplan.controlplane import operations, service, store
from groundplan.controlplane.api.common import ActorDep, PlatformDep, authorized
from groundplan.controlplane.api.sight import Sight, SightDep
from groundplan.controlplane.context import Platform
from groundplan.controlplane.personal import WITHHELD
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Resource

router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)])

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}(@[a-z][a-z0-9_]{0,39})?")
DIGEST = re.compile(r"[0-9a-f]{16}")
#: Seconds between two looks of a long poll.
LOOK = 0.2


class Declaration(BaseModel):
    """What a resource shall be."""

    model_config = ConfigDict(extra="forbid")

    digest: str
    data_digest: str
    properties: dict[str, Any]
    upstream: dict[str, str] = {}
    reason: str | None = None


@router.put("/projects/{project}/resources/{kind}/{name}")
def declare(
    project: str,
    kind: str,
    name: str,
    body: Declaration,
    response: Response,
    platform: PlatformDep,
    actor: ActorDep,
    sight: SightDep,
) -> dict[str, Any]:
    """Make a resource match; 202 with an operation where that takes long. The same digest again changes nothing."""
    for path, value in (("project", project), ("name", name)):
        _check(NAME, path, value, "a to z, 0 to 9 and _, up to 40, beginning with a letter")
    _check(DIGEST, "digest", body.digest, "16 hex digits")
    wanted = Resource(project, kind, name, body.digest, body.data_digest, body.properties, body.upstream)
    sight.permit_declaring(wanted, f"declare {wanted.id}")
    found, operation = service.declare(platform, wanted, replace(actor, reason=body.reason))
    response.status_code = 202 if operation else 200
    return {"resource": sight.document(found.document())} | ({"operation": operation} if operation else {})


@router.get("/projects/{project}/resources/{kind}/{name}")
def look(project: str, kind: str, name: str, platform: PlatformDep, sight: SightDep) -> dict[str, Any]:
    """Return a resource as it really is: looked up in Feast, MLflow, Serve."""
    found = service.look(platform, project, kind, name)
    if found is None:
        raise ApiProblem(404, "no such resource", path=f"{project}/{kind}/{name}")
    return {"resource": sight.document(found.document())}


@router.delete("/projects/{project}/resources/{kind}/{name}")
def delete(
    project: str,
    kind: str,
    name: str,
    platform: PlatformDep,
    actor: ActorDep,
    sight: SightDep,
    purge: bool = False,
) -> dict[str, Any]:
    """Remove a resource and what it made; data and versions stay unless purged."""
    # Else who declares it again, without its mark, would read what it made.
    with platform.engine.connect() as connection:
        there = store.get(connection, project, kind, name)
    if there is not None:
        sight.permit(there, f"remove {there.id}")
    found = service.delete(platform, project, kind, name, actor, purge)
    if found is None:
        raise ApiProblem(404, "no such resource", path=f"{project}/{kind}/{name}")
    return {"resource": sight.document(found.document())}


@router.get("/operations/{operation}")
def follow(
    operation: str, platform: PlatformDep, sight: SightDep, after: int = 0, wait: float = Query(default=0, ge=0, le=30)
) -> dict[str, Any]:
    """Return an operation and what it told after message ``after``; waits up to ``wait`` seconds for news."""
    end = time.monotonic() + wait
    while True:
        with platform.engine.connect() as connection:
            found = operations.find(connection, operation)
            said = operations.messages(connection, operation, after)
        if found is None:
            raise ApiProblem(404, "no such operation", path="operation", value=operation)
        if said or found["status"] != operations.RUNNING or time.monotonic() >= end:
            return _operation(platform, sight, dict(found), said)
        time.sleep(LOOK)


def _operation(platform: Platform, sight: Sight, found: dict[str, Any], said: list[dict[str, Any]]) -> dict[str, Any]:
    with platform.engine.connect() as connection:
        resource = store.get(connection, found["project"], found["kind"], found["name"])
    state = {key: found[key] for key in ("id", "status", "error")}
    if not sight.of(resource, found["project"]):
        # A job says what it likes, and its error quotes what it failed of.
        said = [{**each, "text": WITHHELD} for each in said]
        state["error"] = {"what": WITHHELD} if found["error"] else None
    return {**state, "messages": said, "resource": sight.document(resource.document()) if resource else None}


@router.head("/projects/{project}/code/{digest}")
def has_code(project: str, digest: str, platform: PlatformDep) -> Response:
    """Whether a project's code of that digest has been uploaded."""
    there = platform.objects.exists(f"s3://{platform.runtime.bucket}/{_code_key(project, digest)}")
    return Response(status_code=200 if there else 404)


@router.put("/projects/{project}/code/{digest}")
async def put_code(project: str, digest: str, request: Request, platform: PlatformDep) -> dict[str, Any]:
    """Keep a project's code, a zip."""
    key, content = _code_key(project, digest), await request.body()
    if not content.startswith(b"PK"):
        raise ApiProblem(422, "not a zip", path="body", value=f"{len(content)} bytes", allowed="a zip of the code")
    return {"uri": await run_in_threadpool(platform.objects.put, key, content)}


def _code_key(project: str, digest: str) -> str:
    _check(NAME, "project", project, "a project's name")
    _check(DIGEST, "digest", digest, "16 hex digits")
    return f"code/{project}/{digest}.zip"


def _check(pattern: re.Pattern[str], path: str, value: str, allowed: str) -> None:
    if not pattern.fullmatch(value):
        raise ApiProblem(422, "is not as it must be", path=path, value=value[:80], allowed=allowed)
