"""Datasets, jobs and their edges as rows: written anew by every event that names them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from groundplan.controlplane.db import lineage_tables as tables
from groundplan.controlplane.lineage.naming import stable_uuid
from groundplan.controlplane.lineage.received import ColumnLineage, Dataset, Job
from groundplan.controlplane.problem import ApiProblem

#: Marquez's kinds of dataset and job, for what says none.
DB_TABLE, BATCH = "DB_TABLE", "BATCH"
ANONYMOUS = "anonymous"
GONE = "DROP"


def dataset(connection: sa.Connection, given: Dataset, run: str | None, *, output: bool) -> dict[str, Any]:
    """Write a dataset as an event names it; return namespace, name, the version it has now, and its id.

    What a run writes gets a version of its own; what it reads keeps the one that it has.
    """
    before = _known(connection, given)
    if before is None:
        namespace(connection, given.namespace)
    elif not output and not given.all_facets:  # only named: nothing is said of it
        return {key: before[key] for key in ("namespace", "name", "version", "id")}
    values = {**_described(given, before), **_facets(given, before)}
    keeps = before is not None and not (output and run is not None) and values["fields"] == before["fields"]
    version = before["version"] if before is not None and keeps else _version(given, run, values["fields"])
    values |= {"version": version, "updated_at": sa.func.now()}
    if output:
        values |= {"deleted": values["lifecycle_state"] == GONE, "modified_at": sa.func.now()}
    elif before is not None:
        values["lifecycle_state"] = before["lifecycle_state"]
    key = {"namespace": given.namespace, "name": given.name}
    upsert = insert(tables.datasets).values(**key, **values)
    found = upsert.on_conflict_do_update(index_elements=list(key), set_=values).returning(tables.datasets.c.id)
    id = connection.execute(found).scalar_one()
    if not keeps:
        _keep_version(connection, {**key, **values}, run if output else None)
    if output and (given.lineage is not None or given.columns):
        _columns(connection, id, given.lineage or ColumnLineage())
    return {**key, "version": version, "id": id}


def _known(connection: sa.Connection, given: Dataset) -> Mapping[str, Any] | None:
    table = tables.datasets
    where = (table.c.namespace == given.namespace, table.c.name == given.name)
    return connection.execute(sa.select(table).where(*where)).mappings().one_or_none()


def _described(given: Dataset, before: Mapping[str, Any] | None) -> dict[str, Any]:
    source = given.text("dataSource", "name") or (before["source"] if before else given.namespace)
    kept = before or {"type": DB_TABLE, "physical_name": given.name, "description": None}
    return {
        "type": kept["type"],
        "physical_name": kept["physical_name"],
        "source": source,
        "description": given.text("documentation", "description") or kept["description"],
        "lifecycle_state": given.text("lifecycleStateChange", "lifecycleStateChange"),
    }


def _facets(given: Dataset, before: Mapping[str, Any] | None) -> dict[str, Any]:
    kept = {
        name: value for name, value in (before["facets"] if before else {}).items() if name != "lifecycleStateChange"
    }
    tagged = {each["name"]: each["tags"] for each in (before["fields"] if before else ())}
    columns = [
        {"name": c.name, "type": c.type, "description": c.description, "tags": tagged.get(c.name, [])}
        for c in given.columns
    ]
    return {
        "facets": {**kept, **given.all_facets},
        "fields": columns or (before["fields"] if before else []),
    }


def _version(given: Dataset, run: str | None, fields: Any) -> str:
    declared = given.text("version", "datasetVersion") or ""
    return stable_uuid(given.namespace, given.name, run or "", declared, repr([(f["name"], f["type"]) for f in fields]))


def _keep_version(connection: sa.Connection, values: Mapping[str, Any], run: str | None) -> None:
    kept = ("namespace", "name", "description", "lifecycle_state", "fields", "facets", "version")
    row = {key: values[key] for key in kept}
    upsert = insert(tables.dataset_versions).values(**row, run_id=run)
    again = {"facets": upsert.excluded.facets, "lifecycle_state": upsert.excluded.lifecycle_state}
    connection.execute(upsert.on_conflict_do_update(index_elements=["version"], set_=again))


def _columns(connection: sa.Connection, id: int, given: ColumnLineage) -> None:
    """Write how a dataset's columns come from others', in place of what was known."""
    table = tables.columns
    connection.execute(sa.delete(table).where(table.c.dataset == id))
    sources: dict[tuple[str, str], int] = {}
    rows: dict[tuple[str, int, str], dict[str, Any]] = {}
    named = [(field, c, told) for field, told in given.fields_.items() for c in told.inputFields]
    for field, column, told in (*named, *(("", column, None) for column in given.dataset)):
        key = (column.namespace, column.name)
        if key not in sources:
            source = Dataset(namespace=key[0], name=key[1])
            sources[key] = dataset(connection, source, None, output=False)["id"]
        rows[field, sources[key], column.field] = {
            "dataset": id,
            "field": field,
            "source": sources[key],
            "source_field": column.field,
            "transformation": told.transformationType if told else "INDIRECT",
            "description": told.transformationDescription if told else None,
        }
    if rows:
        connection.execute(sa.insert(table), list(rows.values()))


def job(connection: sa.Connection, given: Job, run: str | None) -> Mapping[str, Any]:
    """Write a job as an event names it; return its row."""
    table, facets = tables.jobs, given.facets or {}
    where = (table.c.namespace == given.namespace, table.c.name == given.name)
    before = connection.execute(sa.select(table).where(*where)).mappings().one_or_none()
    if before is None:
        namespace(connection, given.namespace)
    told = {
        "type": _text(facets, "jobType", "processingType"),
        "description": _text(facets, "documentation", "description"),
        "location": _text(facets, "sourceCodeLocation", "url"),
        "latest_run": run,
    }
    values: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    values |= {"facets": {**(before["facets"] if before else {}), **facets}, "updated_at": sa.func.now()}
    first = {"type": BATCH, "version": stable_uuid(given.namespace, given.name)}
    upsert = insert(table).values(namespace=given.namespace, name=given.name, **{**first, **values})
    statement = upsert.on_conflict_do_update(index_elements=["namespace", "name"], set_=values)
    return connection.execute(statement.returning(table)).mappings().one()


def _text(facets: Mapping[str, Mapping[str, Any]], facet: str, key: str) -> str | None:
    value = facets.get(facet, {}).get(key)
    return value if isinstance(value, str) and value.isprintable() else None


def edges(
    connection: sa.Connection,
    id: int,
    version: str,
    at: datetime | None,
    inputs: Iterable[Mapping[str, Any]],
    outputs: Iterable[Mapping[str, Any]],
) -> None:
    """Write what a job reads and writes, in place of what it did before ``at``, or beside it where that is None."""
    table = tables.edges
    rows = {
        (each["id"], output): {"job": id, "dataset": each["id"], "output": output}
        for output, side in ((False, inputs), (True, outputs))
        for each in side
    }
    if at is not None:
        connection.execute(sa.delete(table).where(table.c.job == id))
        now = sa.update(tables.jobs).where(tables.jobs.c.id == id)
        connection.execute(now.values(version=version, edges_at=at))
    if rows:
        connection.execute(insert(table).on_conflict_do_nothing(), list(rows.values()))


def namespace(connection: sa.Connection, name: str, owner: str | None = None, description: str | None = None) -> None:
    """Write a namespace; one that an event only names belongs to nobody yet."""
    upsert = insert(tables.namespaces).values(name=name, owner=owner or ANONYMOUS, description=description)
    if owner is None:
        connection.execute(upsert.on_conflict_do_nothing())
        return
    values = {"owner": owner, "description": description, "updated_at": sa.func.now()}
    connection.execute(upsert.on_conflict_do_update(index_elements=["name"], set_=values))


def tag(connection: sa.Connection, row: Mapping[str, Any], field: str | None, name: str) -> None:
    """Tag a dataset, or one of its columns. ApiProblem 404 for a column that it has not."""
    name_tag(connection, name, None)
    table = tables.datasets
    if field is None:
        values: dict[str, Any] = {"tags": sorted({*row["tags"], name})}
    else:
        if field not in [each["name"] for each in row["fields"]]:
            raise ApiProblem(404, "no such field", path=row["name"], value=field)
        fields = [
            {**each, "tags": sorted({*each["tags"], name})} if each["name"] == field else each for each in row["fields"]
        ]
        values = {"fields": fields}
    connection.execute(sa.update(table).where(table.c.id == row["id"]).values(**values, updated_at=sa.func.now()))


def name_tag(connection: sa.Connection, name: str, description: str | None) -> None:
    """Write a tag; None leaves what it meant."""
    upsert = insert(tables.tags).values(name=name, description=description)
    if description is None:
        connection.execute(upsert.on_conflict_do_nothing())
        return
    connection.execute(upsert.on_conflict_do_update(index_elements=["name"], set_={"description": description}))
