"""Routes by which a pair goes from one environment's registry to another's: exported there, imported here."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from groundplan.controlplane import service
from groundplan.controlplane.api.common import ActorDep, PlatformDep, authorized, find_declared
from groundplan.controlplane.api.promotion import Why
from groundplan.controlplane.api.sight import Sight, SightDep
from groundplan.controlplane.context import Platform
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.transfer.exporting import exported, exported_file
from groundplan.controlplane.transfer.importing import admitted, blob_key, keep
from groundplan.controlplane.transfer.manifest import SHA256, sha256

router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)])


class Import(Why):
    """A pair to be taken in: its manifest; its files were uploaded before."""

    manifest: dict[str, Any] = Field(description="as GET …/pairs/{digest} of the other environment answers")


@router.get("/registry/models/{project}/{model}/pairs/{digest}")
def manifest(project: str, model: str, digest: str, platform: PlatformDep, sight: SightDep) -> dict[str, Any]:
    """Return a pair's manifest: its evidence, and the sha256 of each of its files."""
    _may_take(platform, sight, project, model)
    return exported(platform, project, model, digest)


@router.get("/registry/models/{project}/{model}/pairs/{digest}/files/{name}")
def file(project: str, model: str, digest: str, name: str, platform: PlatformDep, sight: SightDep) -> Response:
    """Return one file of a pair: ``preprocessor``, ``model`` (tars), ``holdout``, ``view.<name>`` (Parquet)."""
    _may_take(platform, sight, project, model)
    data = exported_file(platform, project, model, digest, name)
    return Response(data, media_type="application/octet-stream")


@router.head("/registry/models/{project}/{model}/imports/{hash}")
def has_file(project: str, model: str, hash: str, platform: PlatformDep) -> Response:
    """Whether a file was uploaded."""
    there = platform.objects.exists(f"s3://{platform.runtime.bucket}/{_key(platform, project, model, hash)}")
    return Response(status_code=200 if there else 404)


@router.put("/registry/models/{project}/{model}/imports/{hash}")
async def put_file(project: str, model: str, hash: str, request: Request, platform: PlatformDep) -> dict[str, Any]:
    """Keep a file of a pair, by its sha256. ApiProblem 422 for bytes of another one."""
    key = await run_in_threadpool(_key, platform, project, model, hash)
    content = await request.body()
    if sha256(content) != hash:
        raise ApiProblem(422, "its bytes have another sha256", path="body", value=sha256(content), allowed=hash)
    return {"uri": await run_in_threadpool(platform.objects.put, key, content)}


@router.post("/registry/models/{project}/{model}/pairs:import", status_code=202)
def take(project: str, model: str, body: Import, platform: PlatformDep, actor: ActorDep) -> dict[str, Any]:
    """Take a pair in under the next number here; the aliases that follow the model are worked on, gates and all.

    The same pair again has the number that it has. ApiProblem 409 or 422 for one that may not come in.
    """
    found = find_declared(platform, project, "model", model)
    allowed = admitted(platform, found, body.manifest)
    request = {"import": keep(platform, allowed), "digest": allowed["digest"]}
    resource, operation = service.declare(platform, found, replace(actor, reason=body.reason), request=request)
    return {"resource": resource.document(), "operation": operation}


def _may_take(platform: Platform, sight: Sight, project: str, model: str) -> None:
    """A pair brings the rows that it is judged by: who takes one of personal data has to be one who may see them."""
    sight.permit(find_declared(platform, project, "model", model), f"take pairs of {project}/model/{model} elsewhere")


def _key(platform: Platform, project: str, model: str, hash: str) -> str:
    find_declared(platform, project, "model", model)
    if not SHA256.fullmatch(hash):
        raise ApiProblem(422, "is no sha256", path="hash", value=hash[:80], allowed="64 hex digits")
    return blob_key(project, hash)
