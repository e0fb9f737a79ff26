"""What is said one by one, in Marquez's words of before OpenLineage, as the same rows that events write."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from groundplan.controlplane.db import lineage_tables as tables
from groundplan.controlplane.lineage import queries, written
from groundplan.controlplane.lineage.ingest import ENDED, STATES, take_turn
from groundplan.controlplane.lineage.ingest import edges_of as write_edges
from groundplan.controlplane.lineage.received import Dataset, Job

_ACTIONS = {"start": "START", "complete": "COMPLETE", "fail": "FAIL", "abort": "ABORT"}


def source(connection: sa.Connection, name: str, type: str, url: str, description: str | None) -> None:
    """Write where datasets lie."""
    values = {"type": type, "connection_url": url, "description": description}
    upsert = insert(tables.sources).values(name=name, **values)
    again = {**values, "updated_at": sa.func.now()}
    connection.execute(upsert.on_conflict_do_update(index_elements=["name"], set_=again))


def dataset(
    connection: sa.Connection,
    named: Dataset,
    run: str | None,
    type: str,
    physical_name: str,
    tags: Sequence[str],
    field_tags: Mapping[str, Sequence[str]],
) -> None:
    """Write a dataset with its tags."""
    take_turn(connection)
    id = written.dataset(connection, named, run, output=True)["id"]
    table = tables.datasets
    values = {"type": type, "physical_name": physical_name}
    connection.execute(sa.update(table).where(table.c.id == id).values(values))
    for field, tag in [*((None, tag) for tag in tags), *((f, t) for f, some in field_tags.items() for t in some)]:
        row = queries.one(connection, table, "dataset", namespace=named.namespace, name=named.name)
        written.tag(connection, row, field, tag)


def job(
    connection: sa.Connection,
    name: tuple[str, str],
    facets: dict[str, dict[str, Any]],
    inputs: Sequence[tuple[str, str]],
    outputs: Sequence[tuple[str, str]],
    run: str | None,
) -> None:
    """Write a job with what it reads and writes."""
    take_turn(connection)
    known = written.job(connection, Job(namespace=name[0], name=name[1], facets=facets), run)
    sides = [
        [written.dataset(connection, Dataset(namespace=n, name=d), run, output=output) for n, d in side]
        for output, side in ((False, inputs), (True, outputs))
    ]
    write_edges(connection, known, sides[0], sides[1], datetime.now(UTC), run)


def run(
    connection: sa.Connection,
    id: str,
    job: tuple[str, str],
    nominal: tuple[datetime | None, datetime | None],
    args: Mapping[str, Any],
) -> None:
    """Write a run that is to begin; one of that id that is there stays as it is."""
    values = {"nominal_start_at": nominal[0], "nominal_end_at": nominal[1], "args": dict(args)}
    row = {"id": id, "namespace": job[0], "job": job[1], "state": "NEW", **values}
    connection.execute(insert(tables.runs).values(row).on_conflict_do_nothing())
    of_job = (tables.jobs.c.namespace == job[0], tables.jobs.c.name == job[1])
    connection.execute(sa.update(tables.jobs).where(*of_job).values(latest_run=id))


def mark(connection: sa.Connection, id: str, action: str, at: datetime | None) -> None:
    """Write how a run stands; what has ended stays so."""
    table, state = tables.runs, STATES[_ACTIONS[action]]
    when = at or datetime.now(UTC)
    times = {"ended_at": when} if state in ENDED else {"started_at": when}
    where = (table.c.id == id, table.c.state.not_in(ENDED))
    connection.execute(sa.update(table).where(*where).values(state=state, updated_at=sa.func.now(), **times))
