"""The graph of lineage as it is now: read whole, in a few queries, and followed in memory."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.db import lineage_tables as tables
from groundplan.controlplane.lineage import queries, shown
from groundplan.controlplane.lineage.naming import id_of
from groundplan.controlplane.problem import ApiProblem
from groundplan.lineage import Column, Columns, Graph


def lineage(connection: sa.Connection, node_id: str, depth: int) -> dict[str, Any]:
    """Return the part of the graph around a node as Marquez's API shows it.

    Jobs at most ``depth`` jobs away, in either direction, and all that they read and write.
    """
    kind, row, _ = queries.node(connection, node_id)
    if kind == "datasetField":
        raise ApiProblem(422, "is a column", path="nodeId", value=node_id[:200], fix="ask /api/v1/column-lineage")
    edges = _edges(connection)
    start = {row["id"]} if kind == "job" else {job for job, dataset, _ in edges if dataset == row["id"]}
    jobs = _around(start, edges, depth)
    near = [edge for edge in edges if edge[0] in jobs]
    datasets = {dataset for _, dataset, _ in near} | ({row["id"]} if kind == "dataset" else set())
    return {"graph": _graph(connection, jobs, datasets, near)}


_Edges = list[tuple[int, int, bool]]


def _edges(connection: sa.Connection) -> _Edges:
    """Return every edge (job, dataset, whether it is written) but those of datasets that are gone."""
    columns = (tables.edges.c.job, tables.edges.c.dataset, tables.edges.c.output)
    alive = sa.select(*columns).join(tables.datasets, tables.datasets.c.id == tables.edges.c.dataset)
    return [
        (job, dataset, output) for job, dataset, output in connection.execute(alive.where(~tables.datasets.c.deleted))
    ]


def _around(start: set[int], edges: _Edges, depth: int) -> set[int]:
    of_job: dict[int, set[int]] = {}
    of_dataset: dict[int, set[int]] = {}
    for job, dataset, _ in edges:
        of_job.setdefault(job, set()).add(dataset)
        of_dataset.setdefault(dataset, set()).add(job)
    seen, ahead = set(start), set(start)
    for _ in range(depth):
        ahead = {next for job in ahead for dataset in of_job.get(job, ()) for next in of_dataset[dataset]} - seen
        if not ahead:
            break
        seen |= ahead
    return seen


def _graph(connection: sa.Connection, jobs: set[int], datasets: set[int], edges: _Edges) -> list[dict[str, Any]]:
    of_jobs = _rows(connection, tables.jobs, jobs)
    of_datasets = _rows(connection, tables.datasets, datasets)
    names = {("job", row["id"]): f"job:{row['namespace']}:{row['name']}" for row in of_jobs}
    names |= {("dataset", row["id"]): f"dataset:{row['namespace']}:{row['name']}" for row in of_datasets}
    into: dict[str, list[dict[str, str]]] = {}
    out_of: dict[str, list[dict[str, str]]] = {}
    for job, dataset, output in sorted(edges):
        ends = names["job", job], names["dataset", dataset]
        origin, destination = ends if output else ends[::-1]
        edge = {"origin": origin, "destination": destination}
        out_of.setdefault(origin, []).append(edge)
        into.setdefault(destination, []).append(edge)
    told = [
        ("JOB", names["job", row["id"]], each)
        for row, each in zip(of_jobs, queries.jobs(connection, of_jobs), strict=True)
    ]
    told += [("DATASET", names["dataset", row["id"]], shown.dataset(row)) for row in of_datasets]
    return [
        {"id": id, "type": type, "data": data, "inEdges": into.get(id, []), "outEdges": out_of.get(id, [])}
        for type, id, data in sorted(told, key=lambda each: each[1])
    ]


def _rows(connection: sa.Connection, table: sa.Table, ids: Iterable[int]) -> list[Mapping[str, Any]]:
    query = sa.select(table).where(table.c.id.in_(list(ids))).order_by(table.c.namespace, table.c.name)
    return list(connection.execute(query).mappings())


def whole(connection: sa.Connection, stack: str) -> Graph:
    """Return all of lineage, datasets by their plan node ids; of other names ``<namespace>:<name>``.

    A job that writes nothing stands for itself: what only reads, as a report, is touched too.
    """
    named = sa.select(tables.datasets.c.id, tables.datasets.c.namespace, tables.datasets.c.name)
    ids = {id: id_of(stack, *name) for id, *name in connection.execute(named.where(~tables.datasets.c.deleted))}
    reads: dict[int, set[str]] = {}
    writes: dict[int, set[str]] = {}
    for job, dataset, output in _edges(connection):
        (writes if output else reads).setdefault(job, set()).add(ids[dataset])
    columns = _columns(connection, ids)
    graph = Graph()
    for job, name in _only_reading(connection, reads.keys() - writes.keys()):
        graph.add(name, reads[job])
    for job, made in writes.items():
        for id in made:
            graph.add(id, reads.get(job, ()), columns.get(id))
    return graph


def _only_reading(connection: sa.Connection, jobs: Iterable[int]) -> list[tuple[int, str]]:
    return [(row["id"], f"{row['namespace']}:{row['name']}") for row in _rows(connection, tables.jobs, jobs)]


def _columns(connection: sa.Connection, ids: Mapping[int, str]) -> dict[str, Columns]:
    direct: dict[str, dict[str, set[Column]]] = {}
    everywhere: dict[str, set[Column]] = {}
    table = tables.columns
    query = sa.select(table.c.dataset, table.c.field, table.c.source, table.c.source_field)
    for dataset, field, source, source_field in connection.execute(query):
        if dataset not in ids or source not in ids:
            continue
        column = (ids[source], source_field)
        made = direct.setdefault(ids[dataset], {})
        (made.setdefault(field, set()) if field else everywhere.setdefault(ids[dataset], set())).add(column)
    return {
        id: Columns({name: frozenset(made_of) for name, made_of in made.items()}, frozenset(everywhere.get(id, ())))
        for id, made in direct.items()
    }
