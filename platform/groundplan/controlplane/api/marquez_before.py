"""The part of Marquez's API that OpenLineage replaced: sources, datasets, jobs and runs said one by one.

Its clients still have these calls (marked as deprecated), so they work; events say more.
"""

from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from groundplan.controlplane.api.common import PlatformDep, authorized
from groundplan.controlplane.api.encoded import PathName
from groundplan.controlplane.db import lineage_tables as tables
from groundplan.controlplane.lineage import queries, said, shown
from groundplan.controlplane.lineage.received import MOST, Dataset, Field_, Name

router = APIRouter(prefix="/api/v1", dependencies=[Depends(authorized)], tags=["marquez, before OpenLineage"])


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore")


class CreatedSource(_Given):
    """Where datasets lie."""

    type: Name
    connectionUrl: Name
    description: str | None = None


class CreatedField(Field_):
    """A column, with its tags."""

    tags: list[Name] = []


class CreatedDataset(_Given):
    """A table or stream."""

    type: Literal["DB_TABLE", "STREAM"]
    physicalName: Name
    sourceName: Name
    fields_: Annotated[list[CreatedField], Field(alias="fields", max_length=10 * MOST)] = []
    tags: Annotated[list[Name], Field(max_length=MOST)] = []
    description: str | None = None
    runId: UUID | None = None
    schemaLocation: str | None = None


class DatasetId(_Given):
    """A dataset's name."""

    namespace: Name
    name: Name


class CreatedJob(_Given):
    """What a job reads and writes."""

    type: Literal["BATCH", "STREAM", "SERVICE"]
    inputs: Annotated[list[DatasetId], Field(max_length=MOST)]
    outputs: Annotated[list[DatasetId], Field(max_length=MOST)]
    location: Name | None = None
    description: str | None = None
    runId: UUID | None = None


class CreatedRun(_Given):
    """A run that is to begin."""

    id: UUID | None = None
    nominalStartTime: AwareDatetime | None = None
    nominalEndTime: AwareDatetime | None = None
    args: dict[str, Any] | None = None


@router.put("/sources/{source}", deprecated=True)
def put_source(source: PathName, given: CreatedSource, platform: PlatformDep) -> dict[str, Any]:
    """Say where datasets lie."""
    with platform.engine.begin() as connection:
        said.source(connection, source, given.type, given.connectionUrl, given.description)
        return shown.source(queries.one(connection, tables.sources, "source", name=source))


@router.put("/namespaces/{namespace}/datasets/{dataset}", deprecated=True)
def put_dataset(namespace: PathName, dataset: PathName, given: CreatedDataset, platform: PlatformDep) -> dict[str, Any]:
    """Say what a dataset is."""
    columns = [{"name": c.name, "type": c.type, "description": c.description} for c in given.fields_]
    facets: dict[str, dict[str, Any]] = {"schema": {"fields": columns}, "dataSource": {"name": given.sourceName}}
    facets |= {"documentation": {"description": given.description}} if given.description else {}
    named = Dataset(namespace=namespace, name=dataset, facets=facets)
    tags = {column.name: column.tags for column in given.fields_}
    with platform.engine.begin() as connection:
        run = str(given.runId) if given.runId else None
        said.dataset(connection, named, run, given.type, given.physicalName, given.tags, tags)
        return shown.dataset(queries.one(connection, tables.datasets, "dataset", namespace=namespace, name=dataset))


@router.put("/namespaces/{namespace}/jobs/{job}", deprecated=True)
def put_job(namespace: PathName, job: PathName, given: CreatedJob, platform: PlatformDep) -> dict[str, Any]:
    """Say what a job reads and writes."""
    inputs, outputs = ([(each.namespace, each.name) for each in side] for side in (given.inputs, given.outputs))
    facets: dict[str, dict[str, Any]] = {"jobType": {"processingType": given.type}}
    facets |= {"documentation": {"description": given.description}} if given.description else {}
    facets |= {"sourceCodeLocation": {"url": given.location}} if given.location else {}
    run = str(given.runId) if given.runId else None
    with platform.engine.begin() as connection:
        said.job(connection, (namespace, job), facets, inputs, outputs, run)
        return queries.jobs(connection, [queries.one(connection, tables.jobs, "job", namespace=namespace, name=job)])[0]


@router.post("/namespaces/{namespace}/jobs/{job}/runs", status_code=201, deprecated=True)
def post_run(namespace: PathName, job: PathName, given: CreatedRun, platform: PlatformDep) -> dict[str, Any]:
    """Say that a run is to begin."""
    id = str(given.id or uuid4())
    nominal = (given.nominalStartTime, given.nominalEndTime)
    with platform.engine.begin() as connection:
        queries.one(connection, tables.jobs, "job", namespace=namespace, name=job)
        said.run(connection, id, (namespace, job), nominal, given.args or {})
        return shown.run_shown(queries.one(connection, tables.runs, "run", id=id))


@router.post("/jobs/runs/{id}/{action}", deprecated=True)
def mark_run(
    id: UUID,
    action: Literal["start", "complete", "fail", "abort"],
    platform: PlatformDep,
    at: Annotated[AwareDatetime | None, Query()] = None,
) -> dict[str, Any]:
    """Say how a run stands."""
    with platform.engine.begin() as connection:
        queries.one(connection, tables.runs, "run", id=str(id))
        said.mark(connection, str(id), action, at)
        return shown.run_shown(queries.one(connection, tables.runs, "run", id=str(id)))
