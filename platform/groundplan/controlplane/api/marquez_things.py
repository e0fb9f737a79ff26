"""Marquez's API (``/api/v1``): namespaces, datasets, jobs, runs, tags and sources, as its clients ask for them."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from groundplan.controlplane.api.common import PlatformDep, authorized
from groundplan.controlplane.api.encoded import PathName
from groundplan.controlplane.api.marquez import Limit, Offset
from groundplan.controlplane.db import lineage_tables as tables
from groundplan.controlplane.lineage import queries, shown, written

router = APIRouter(prefix="/api/v1", dependencies=[Depends(authorized)], tags=["marquez"])


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class CreatedNamespace(_Given):
    """Whose a namespace is."""

    ownerName: str
    description: str | None = None


class CreatedTag(_Given):
    """What a tag means."""

    description: str | None = None


@router.put("/namespaces/{namespace}")
def put_namespace(namespace: PathName, given: CreatedNamespace, platform: PlatformDep) -> dict[str, Any]:
    """Make a namespace, or say anew whose it is."""
    with platform.engine.begin() as connection:
        written.namespace(connection, namespace, given.ownerName, given.description)
        return shown.namespace(queries.one(connection, tables.namespaces, "namespace", name=namespace))


@router.get("/namespaces")
def namespaces(platform: PlatformDep, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """Return the namespaces."""
    with platform.engine.connect() as connection:
        rows, _ = queries.some(connection, tables.namespaces, tables.namespaces.c.name, limit, offset)
    return {"namespaces": [shown.namespace(row) for row in rows]}


@router.get("/namespaces/{namespace}")
def namespace(namespace: PathName, platform: PlatformDep) -> dict[str, Any]:
    """Return a namespace."""
    with platform.engine.connect() as connection:
        return shown.namespace(queries.one(connection, tables.namespaces, "namespace", name=namespace))


@router.get("/namespaces/{namespace}/datasets")
def datasets(namespace: PathName, platform: PlatformDep, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """Return a namespace's datasets."""
    table = tables.datasets
    with platform.engine.connect() as connection:
        queries.one(connection, tables.namespaces, "namespace", name=namespace)
        rows, count = queries.some(connection, table, table.c.name, limit, offset, namespace=namespace, deleted=False)
    return {"datasets": [shown.dataset(row) for row in rows], "totalCount": count}


@router.get("/namespaces/{namespace}/datasets/{dataset}")
def dataset(namespace: PathName, dataset: PathName, platform: PlatformDep) -> dict[str, Any]:
    """Return a dataset as it is now, with its facets."""
    with platform.engine.connect() as connection:
        return shown.dataset(queries.one(connection, tables.datasets, "dataset", namespace=namespace, name=dataset))


@router.get("/namespaces/{namespace}/datasets/{dataset}/versions")
def dataset_versions(
    namespace: PathName, dataset: PathName, platform: PlatformDep, limit: Limit = 100, offset: Offset = 0
) -> dict[str, Any]:
    """Return a dataset's versions, newest first."""
    with platform.engine.connect() as connection:
        versions, count = queries.dataset_versions(connection, namespace, dataset, limit, offset)
    return {"versions": versions, "totalCount": count}


@router.get("/namespaces/{namespace}/datasets/{dataset}/versions/{version}")
def dataset_version(namespace: PathName, dataset: PathName, version: UUID, platform: PlatformDep) -> dict[str, Any]:
    """Return one version of a dataset: its columns and facets then, and the run that made it."""
    with platform.engine.connect() as connection:
        return queries.dataset_version(connection, namespace, dataset, str(version))


@router.post("/namespaces/{namespace}/datasets/{dataset}/tags/{tag}")
def tag_dataset(namespace: PathName, dataset: PathName, tag: PathName, platform: PlatformDep) -> dict[str, Any]:
    """Tag a dataset."""
    return _tagged(platform, namespace, dataset, None, tag)


@router.post("/namespaces/{namespace}/datasets/{dataset}/fields/{field}/tags/{tag}")
def tag_field(
    namespace: PathName, dataset: PathName, field: PathName, tag: PathName, platform: PlatformDep
) -> dict[str, Any]:
    """Tag a column of a dataset."""
    return _tagged(platform, namespace, dataset, field, tag)


def _tagged(platform: Any, namespace: str, dataset: str, field: str | None, tag: str) -> dict[str, Any]:
    with platform.engine.begin() as connection:
        row = queries.one(connection, tables.datasets, "dataset", namespace=namespace, name=dataset)
        written.tag(connection, row, field, tag)
        return shown.dataset(queries.one(connection, tables.datasets, "dataset", namespace=namespace, name=dataset))


@router.get("/namespaces/{namespace}/jobs")
def jobs(namespace: PathName, platform: PlatformDep, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """Return a namespace's jobs."""
    with platform.engine.connect() as connection:
        queries.one(connection, tables.namespaces, "namespace", name=namespace)
        rows, count = queries.some(connection, tables.jobs, tables.jobs.c.name, limit, offset, namespace=namespace)
        return {"jobs": queries.jobs(connection, rows), "totalCount": count}


@router.get("/namespaces/{namespace}/jobs/{job}")
def job(namespace: PathName, job: PathName, platform: PlatformDep) -> dict[str, Any]:
    """Return a job: what it reads and writes, its latest run."""
    with platform.engine.connect() as connection:
        return queries.jobs(connection, [queries.one(connection, tables.jobs, "job", namespace=namespace, name=job)])[0]


@router.get("/namespaces/{namespace}/jobs/{job}/versions")
def job_versions(
    namespace: PathName, job: PathName, platform: PlatformDep, limit: Limit = 100, offset: Offset = 0
) -> dict[str, Any]:
    """Return a job's versions, newest first."""
    table = tables.job_versions
    with platform.engine.connect() as connection:
        queries.one(connection, tables.jobs, "job", namespace=namespace, name=job)
        rows, count = queries.some(connection, table, table.c.seq.desc(), limit, offset, namespace=namespace, name=job)
        versions = [shown.job_version(row, queries.run(connection, row["latest_run"])) for row in rows]
    return {"versions": versions, "totalCount": count}


@router.get("/namespaces/{namespace}/jobs/{job}/versions/{version}")
def job_version(namespace: PathName, job: PathName, version: UUID, platform: PlatformDep) -> dict[str, Any]:
    """Return one version of a job."""
    where = {"namespace": namespace, "name": job, "version": str(version)}
    with platform.engine.connect() as connection:
        row = queries.one(connection, tables.job_versions, "job version", **where)
        return shown.job_version(row, queries.run(connection, row["latest_run"]))


@router.get("/namespaces/{namespace}/jobs/{job}/runs")
def runs(
    namespace: PathName, job: PathName, platform: PlatformDep, limit: Limit = 100, offset: Offset = 0
) -> dict[str, Any]:
    """Return a job's runs, newest first."""
    table = tables.runs
    with platform.engine.connect() as connection:
        queries.one(connection, tables.jobs, "job", namespace=namespace, name=job)
        rows, count = queries.some(connection, table, table.c.seq.desc(), limit, offset, namespace=namespace, job=job)
    return {"runs": [shown.run_shown(row) for row in rows], "totalCount": count}


@router.get("/jobs/runs/{id}")
def run(id: UUID, platform: PlatformDep) -> dict[str, Any]:
    """Return a run."""
    with platform.engine.connect() as connection:
        return shown.run_shown(queries.one(connection, tables.runs, "run", id=str(id)))


@router.get("/jobs/runs/{id}/facets")
def run_facets(id: UUID, platform: PlatformDep, type: Literal["run", "job"] = "run") -> dict[str, Any]:
    """Return the facets of a run, or of its job."""
    with platform.engine.connect() as connection:
        row = queries.one(connection, tables.runs, "run", id=str(id))
        of_job = queries.one(connection, tables.jobs, "job", namespace=row["namespace"], name=row["job"])
    return {"runId": str(id), "facets": (row if type == "run" else of_job)["facets"]}


@router.put("/tags/{tag}")
def put_tag(tag: PathName, given: CreatedTag, platform: PlatformDep) -> dict[str, Any]:
    """Make a tag, or say anew what it means."""
    with platform.engine.begin() as connection:
        written.name_tag(connection, tag, given.description)
    return {"name": tag, "description": given.description}


@router.get("/tags")
def all_tags(platform: PlatformDep, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """Return the tags."""
    with platform.engine.connect() as connection:
        rows, _ = queries.some(connection, tables.tags, tables.tags.c.name, limit, offset)
    return {"tags": [dict(row) for row in rows]}


@router.get("/sources")
def sources(platform: PlatformDep, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """Return the sources: where datasets lie."""
    with platform.engine.connect() as connection:
        rows, _ = queries.some(connection, tables.sources, tables.sources.c.name, limit, offset)
    return {"sources": [shown.source(row) for row in rows]}


@router.get("/sources/{source}")
def source(source: PathName, platform: PlatformDep) -> dict[str, Any]:
    """Return a source."""
    with platform.engine.connect() as connection:
        return shown.source(queries.one(connection, tables.sources, "source", name=source))
