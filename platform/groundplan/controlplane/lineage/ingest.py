"""What an OpenLineage event says, as rows of the tables that Marquez's API tells of; said twice, it changes nothing."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from groundplan.controlplane.db import lineage_tables as tables
from groundplan.controlplane.lineage import written
from groundplan.controlplane.lineage.naming import stable_uuid
from groundplan.controlplane.lineage.received import Dataset, Event, Job, Run

#: Events are written one after the other: two that name the same things would wait for each other, crosswise.
WRITING = 706175
STATES = {
    "START": "RUNNING",
    "RUNNING": "RUNNING",
    "COMPLETE": "COMPLETED",
    "FAIL": "FAILED",
    "ABORT": "ABORTED",
}
ENDED = frozenset({"COMPLETED", "FAILED", "ABORTED"})


def ingest(connection: sa.Connection, document: Mapping[str, Any]) -> bool:
    """Write one event; False when it had been written before. ValidationError when it is not as it must be."""
    event = Event.model_validate(document)
    take_turn(connection)
    if not _receive(connection, event, document):
        return False
    if event.job is None:
        written.dataset(connection, _of_nothing(event), None, output=True)
    else:
        _job(connection, event, event.job)
    return True


def take_turn(connection: sa.Connection) -> None:
    """Wait until this transaction is the one that writes lineage, and be it until it ends."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITING)))


def _receive(connection: sa.Connection, event: Event, document: Mapping[str, Any]) -> bool:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    about = event.job or _of_nothing(event)
    values = {
        "id": hashlib.sha256(text.encode()).hexdigest(),
        "event_time": event.eventTime,
        "run_id": str(event.run.runId) if event.run else None,
        "namespace": about.namespace,
        "event": dict(document),
    }
    statement = insert(tables.received).values(values).on_conflict_do_nothing()
    return bool(connection.execute(statement).rowcount)


def _of_nothing(event: Event) -> Dataset:
    if event.dataset is None:
        raise ValueError("is about nothing")
    return event.dataset


def _job(connection: sa.Connection, event: Event, job: Job) -> None:
    run = str(event.run.runId) if event.run else None
    inputs = [written.dataset(connection, each, run, output=False) for each in event.inputs or ()]
    outputs = [written.dataset(connection, each, run, output=True) for each in event.outputs or ()]
    known = written.job(connection, job, run)
    if event.run is None:
        edges_of(connection, known, inputs, outputs, event.eventTime, None)
        return
    before = _run(connection, event, job, event.run)
    all_in, all_out = (_together(before[side], new) for side, new in (("inputs", inputs), ("outputs", outputs)))
    # A run that has only begun, or that failed, does not unsay what the one before it wrote.
    ended = event.eventType == "COMPLETE"
    version = edges_of(connection, known, all_in, all_out, before["started_at"], run, add=not ended)
    values = {"inputs": all_in, "outputs": all_out, "job_version": version}
    connection.execute(sa.update(tables.runs).where(tables.runs.c.id == run).values(values))


def _together(before: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what a run's events named together: a later one need not repeat what an earlier one said."""
    found = {(each["namespace"], each["name"]): dict(each) for each in (*before, *new)}
    return [found[key] for key in sorted(found)]


def _run(connection: sa.Connection, event: Event, job: Job, run: Run) -> Mapping[str, Any]:
    """Write what an event says of its run; return the run's row. What has ended stays so, whatever comes late."""
    table, facets = tables.runs, run.facets or {}
    connection.execute(
        insert(table)
        .values(id=str(run.runId), namespace=job.namespace, job=job.name, state="NEW", created_at=event.eventTime)
        .on_conflict_do_nothing()
    )
    row = connection.execute(sa.select(table).where(table.c.id == str(run.runId))).mappings().one()
    state = STATES.get(event.eventType or "", row["state"])
    values: dict[str, Any] = {"facets": {**row["facets"], **facets}, "updated_at": sa.func.now()}
    if row["state"] not in ENDED:
        values["state"] = state
        values |= {"ended_at": event.eventTime} if state in ENDED else {}
    values["started_at"] = min(filter(None, (row["started_at"], event.eventTime)))
    nominal = facets.get("nominalTime", {})
    values |= {
        column: sa.cast(nominal[key], sa.DateTime(timezone=True))
        for column, key in (("nominal_start_at", "nominalStartTime"), ("nominal_end_at", "nominalEndTime"))
        if isinstance(nominal.get(key), str)
    }
    connection.execute(sa.update(table).where(table.c.id == row["id"]).values(values))
    return {**row, "started_at": values["started_at"]}


def edges_of(
    connection: sa.Connection,
    known: Mapping[str, Any],
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    at: datetime,
    run: str | None,
    *,
    add: bool = False,
) -> str:
    """Write a job's version, which is what it reads and writes, and return it.

    These are its edges from now on, unless those of a run that began later are there; ``add``: beside what was there.
    """
    sides = [[{"namespace": each["namespace"], "name": each["name"]} for each in side] for side in (inputs, outputs)]
    version = stable_uuid(known["namespace"], known["name"], json.dumps(sides))
    values = {
        "version": version,
        "namespace": known["namespace"],
        "name": known["name"],
        "location": known["location"],
        "inputs": sides[0],
        "outputs": sides[1],
        "latest_run": run,
    }
    upsert = insert(tables.job_versions).values(values)
    connection.execute(upsert.on_conflict_do_update(index_elements=["version"], set_={"latest_run": run}))
    if known["edges_at"] is None or known["edges_at"] <= at:
        written.edges(connection, known["id"], version, None if add else at, inputs, outputs)
    return version
