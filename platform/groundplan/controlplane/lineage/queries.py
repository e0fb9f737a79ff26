"""What Marquez's API asks the tables of lineage: one thing by its name, or a list of them with its count."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.db import lineage_tables as tables
from groundplan.controlplane.lineage import shown
from groundplan.controlplane.problem import ApiProblem

Row = Mapping[str, Any]


def one(connection: sa.Connection, table: sa.Table, what: str, **where: str) -> Row:
    """Return the one row of a name. ApiProblem 404 when there is none."""
    found = maybe(connection, table, **where)
    if found is None:
        raise ApiProblem(404, f"no such {what}", path=" ".join(where), value=" ".join(where.values()))
    return found


def maybe(connection: sa.Connection, table: sa.Table, **where: str) -> Row | None:
    """Return the one row of a name, or None."""
    query = sa.select(table).where(*(table.c[name] == value for name, value in where.items()))
    return connection.execute(query).mappings().one_or_none()


def some(
    connection: sa.Connection, table: sa.Table, order: Any, limit: int, offset: int, **where: Any
) -> tuple[list[Row], int]:
    """Return a page of rows, and how many there are."""
    asked = [table.c[name] == value for name, value in where.items()]
    count = connection.execute(sa.select(sa.func.count()).select_from(table).where(*asked)).scalar_one()
    query = sa.select(table).where(*asked).order_by(order).limit(limit).offset(offset)
    return list(connection.execute(query).mappings()), int(count)


def run(connection: sa.Connection, id: str | None) -> Row | None:
    """Return a run by its id, or None."""
    return maybe(connection, tables.runs, id=id) if id else None


def jobs(connection: sa.Connection, rows: list[Row]) -> list[dict[str, Any]]:
    """Return jobs as the API shows them, with what they read and write and their latest runs."""
    ids = [row["id"] for row in rows]
    sides: dict[tuple[int, bool], list[Row]] = {}
    query = (
        sa.select(tables.edges.c.job, tables.edges.c.output, tables.datasets.c.namespace, tables.datasets.c.name)
        .join(tables.datasets, tables.datasets.c.id == tables.edges.c.dataset)
        .where(tables.edges.c.job.in_(ids))
        .order_by(tables.datasets.c.namespace, tables.datasets.c.name)
    )
    for edge in connection.execute(query).mappings():
        sides.setdefault((edge["job"], edge["output"]), []).append(edge)
    latest = [row["latest_run"] for row in rows if row["latest_run"]]
    found = connection.execute(sa.select(tables.runs).where(tables.runs.c.id.in_(latest))).mappings()
    runs = {each["id"]: each for each in found}
    return [
        shown.job(row, sides.get((row["id"], False), []), sides.get((row["id"], True), []), runs.get(row["latest_run"]))
        for row in rows
    ]


def dataset_version(connection: sa.Connection, namespace: str, name: str, version: str) -> dict[str, Any]:
    """Return one version of a dataset. ApiProblem 404 when there is none."""
    now = one(connection, tables.datasets, "dataset", namespace=namespace, name=name)
    where = {"namespace": namespace, "name": name, "version": version}
    row = one(connection, tables.dataset_versions, "dataset version", **where)
    return shown.dataset_version(row, now, run(connection, row["run_id"]))


def dataset_versions(
    connection: sa.Connection, namespace: str, name: str, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """Return a page of a dataset's versions, newest first, and how many there are."""
    now = one(connection, tables.datasets, "dataset", namespace=namespace, name=name)
    newest = tables.dataset_versions.c.seq.desc()
    where = {"namespace": namespace, "name": name}
    rows, count = some(connection, tables.dataset_versions, newest, limit, offset, **where)
    return [shown.dataset_version(row, now, run(connection, row["run_id"])) for row in rows], count


def search(
    connection: sa.Connection, text: str, kind: str | None, newest: bool, limit: int, namespace: str | None = None
) -> dict[str, Any]:
    """Return the datasets and jobs whose name has a text in it; ``%`` stands for any characters, ``_`` for any one."""
    found = []
    for name, table in (("DATASET", tables.datasets), ("JOB", tables.jobs)):
        if kind is None or kind.upper() == name:
            columns = (table.c.namespace, table.c.name, table.c.updated_at)
            like = table.c.name.ilike(f"%{text}%")
            here = [like, ~table.c.deleted] if name == "DATASET" else [like]
            here += [table.c.namespace == namespace] if namespace else []
            query = sa.select(sa.literal(name).label("type"), *columns).where(*here)
            found.append(query)
    both = sa.union_all(*found).subquery()
    count = connection.execute(sa.select(sa.func.count()).select_from(both)).scalar_one()
    order = both.c.updated_at.desc() if newest else both.c.name
    rows = connection.execute(sa.select(both).order_by(order, both.c.namespace).limit(limit)).mappings()
    results = [
        {
            "type": row["type"],
            "name": row["name"],
            "updatedAt": shown.instant(row["updated_at"]),
            "namespace": row["namespace"],
            "nodeId": f"{row['type'].lower()}:{row['namespace']}:{row['name']}",
        }
        for row in rows
    ]
    return {"totalCount": count, "results": results}


def node(connection: sa.Connection, id: str) -> tuple[str, Row, str | None]:
    """Return what a node id names: its kind (dataset, job or datasetField), its row, and the field.

    ``<kind>:<namespace>:<name>``, where namespaces too may have colons in them: the parts are those that exist.
    ApiProblem 404 for what is not there, 422 for what is no node id.
    """
    kind, _, rest = id.partition("#")[0].partition(":")
    table = {"dataset": tables.datasets, "job": tables.jobs, "datasetField": tables.datasets}.get(kind)
    if table is None or ":" not in rest:
        allowed = "dataset:<namespace>:<name>, job:<namespace>:<name>, datasetField:<namespace>:<name>:<field>"
        raise ApiProblem(422, "is no node id", path="nodeId", value=id[:200], allowed=allowed)
    field = None
    if kind == "datasetField":
        rest, _, field = rest.rpartition(":")
    parts = rest.split(":")
    ways = [(":".join(parts[:at]), ":".join(parts[at:])) for at in range(1, min(len(parts), 32))]
    query = sa.select(table).where(sa.tuple_(table.c.namespace, table.c.name).in_(ways)).limit(1)
    found = connection.execute(query).mappings().one_or_none() if ways else None
    if found is None:
        raise ApiProblem(404, "no such node", path="nodeId", value=id[:200])
    return kind, found, field
