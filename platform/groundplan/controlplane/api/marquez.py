"""Marquez's API (``/api/v1``): what its clients, and OpenLineage's, say and ask. Paths and fields are Marquez's own.

Modelled on its OpenAPI document (``spec/openapi.yml`` of MarquezProject/marquez); docs/lineage.md says what differs.
"""

from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import AwareDatetime, ValidationError

from groundplan.controlplane.api.common import PlatformDep, authorized
from groundplan.controlplane.api.encoded import PathName
from groundplan.controlplane.db import lineage_tables as tables
from groundplan.controlplane.lineage import column_graph, graphs, queries
from groundplan.controlplane.lineage.ingest import ingest
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.problem import shown as value_shown

router = APIRouter(prefix="/api/v1", dependencies=[Depends(authorized)], tags=["marquez"])

Limit = Annotated[int, Query(ge=0, le=1000)]
Offset = Annotated[int, Query(ge=0, le=2**31)]
Depth = Annotated[int, Query(ge=0, le=100)]
NodeId = Annotated[str, Query(alias="nodeId", max_length=4096)]


@router.post("/lineage", status_code=201)
def record_lineage(event: Annotated[dict[str, Any], Body()], platform: PlatformDep) -> Response:
    """Take one OpenLineage event: of a run, a job or a dataset. One that came before changes nothing."""
    try:
        with platform.engine.begin() as connection:
            ingest(connection, event)
    except RecursionError:
        raise ApiProblem(422, "is nested too deep", path="event") from None
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"]) or "event"
        raise ApiProblem(422, str(first["msg"]), path=path, value=value_shown(first.get("input"))) from None
    return Response(status_code=201)


@router.get("/lineage")
def lineage(platform: PlatformDep, node_id: NodeId, depth: Depth = 20) -> dict[str, Any]:
    """Return the graph around a job or dataset."""
    with platform.engine.connect() as connection:
        return graphs.lineage(connection, node_id, depth)


@router.get("/column-lineage")
def column_lineage(
    platform: PlatformDep,
    node_id: NodeId,
    depth: Depth = 20,
    downstream: Annotated[bool, Query(alias="withDownstream")] = False,
) -> dict[str, Any]:
    """Return what columns are made of and, ``withDownstream``, what depends on them."""
    with platform.engine.connect() as connection:
        return column_graph.column_lineage(connection, node_id, depth, downstream)


@router.get("/search")
def search(
    platform: PlatformDep,
    q: Annotated[str, Query(min_length=1, max_length=1024)],
    filter: Annotated[Literal["DATASET", "JOB", "dataset", "job"] | None, Query()] = None,
    sort: Annotated[Literal["NAME", "UPDATE_AT", "name", "update_at", "updated_at"], Query()] = "name",
    limit: Limit = 10,
    namespace: Annotated[str | None, Query(max_length=1024)] = None,
) -> dict[str, Any]:
    """Return datasets and jobs by a part of their name."""
    with platform.engine.connect() as connection:
        return queries.search(connection, q, filter, sort.lower().startswith("update"), limit, namespace)


@router.get("/events/lineage")
def lineage_events(
    platform: PlatformDep,
    before: AwareDatetime | None = None,
    after: AwareDatetime | None = None,
    sort: Annotated[Literal["asc", "desc"], Query(alias="sortDirection")] = "desc",
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Return the events that were received, newest first, as they were."""
    at = tables.received.c.event_time
    asked = [at < before] if before else []
    asked += [at >= after] if after else []
    return _events(platform, asked, sort == "desc", limit, offset)


@router.get("/events")
def events(platform: PlatformDep, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """Return the events that were received, newest first: where older clients ask for them."""
    return _events(platform, [], True, limit, offset)


@router.get("/events/{namespace}")
def events_of(namespace: PathName, platform: PlatformDep, limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
    """Return the events of a namespace's jobs."""
    return _events(platform, [tables.received.c.namespace == namespace], True, limit, offset)


def _events(platform: Any, asked: list[Any], newest_first: bool, limit: int, offset: int) -> dict[str, Any]:
    table = tables.received
    order = (table.c.event_time.desc(), table.c.seq.desc()) if newest_first else (table.c.event_time, table.c.seq)
    query = sa.select(table.c.event).where(*asked).order_by(*order).limit(limit).offset(offset)
    with platform.engine.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(table).where(*asked)).scalar_one()
        return {"events": list(connection.execute(query).scalars()), "totalCount": count}
