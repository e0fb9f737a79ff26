"""Column lineage as Marquez's API shows it: each column as a node, from the raw ones to those that depend on them."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.db import lineage_tables as tables
from groundplan.controlplane.lineage import queries

_At = tuple[int, str]


def column_lineage(connection: sa.Connection, node_id: str, depth: int, downstream: bool) -> dict[str, Any]:
    """Return the columns that those of a node are made of and, when asked, those that depend on them."""
    kind, row, field = queries.node(connection, node_id)
    rows = {each["id"]: each for each in connection.execute(sa.select(tables.datasets)).mappings()}
    made_of = _made_of(connection, rows)
    if kind == "job":
        written = sa.select(tables.edges.c.dataset).where(tables.edges.c.job == row["id"], tables.edges.c.output)
        starts = {(id, name) for id in connection.execute(written).scalars() for name in _names(rows[id])}
    else:
        starts = {(row["id"], field)} if field else {(row["id"], name) for name in _names(row)}
    turned = _turned(made_of)
    reached = _walk(starts, {at: set(how) for at, how in made_of.items()}, depth)
    if downstream:
        reached |= _walk(starts, turned, depth)
    ordered = sorted(reached, key=lambda at: _id(at, rows))
    return {"graph": [_node(at, made_of.get(at, {}), turned.get(at, set()) & reached, rows, reached) for at in ordered]}


_How = dict[_At, tuple[str | None, str | None]]


def _made_of(connection: sa.Connection, rows: Mapping[int, Mapping[str, Any]]) -> dict[_At, _How]:
    """Return column → the columns that it is made of → how. What decides over all rows reaches every column."""
    found: dict[_At, _How] = {}
    for edge in connection.execute(sa.select(tables.columns)).mappings():
        how = (edge["transformation"], edge["description"])
        for name in [edge["field"]] if edge["field"] else _names(rows[edge["dataset"]]):
            given = found.setdefault((edge["dataset"], name), {})
            given.setdefault((edge["source"], edge["source_field"]), how)
    return found


def _names(row: Mapping[str, Any]) -> list[str]:
    return [each["name"] for each in row["fields"]]


def _turned(made_of: Mapping[_At, _How]) -> dict[_At, set[_At]]:
    found: dict[_At, set[_At]] = {}
    for at, sources in made_of.items():
        for source in sources:
            found.setdefault(source, set()).add(at)
    return found


def _walk(starts: set[_At], next_to: Mapping[_At, set[_At]], depth: int) -> set[_At]:
    seen, ahead = set(starts), set(starts)
    for _ in range(depth):
        ahead = {each for at in ahead for each in next_to.get(at, ())} - seen
        if not ahead:
            break
        seen |= ahead
    return seen


def _id(at: _At, rows: Mapping[int, Mapping[str, Any]]) -> str:
    return f"datasetField:{rows[at[0]]['namespace']}:{rows[at[0]]['name']}:{at[1]}"


def _node(
    at: _At, sources: _How, targets: set[_At], rows: Mapping[int, Mapping[str, Any]], reached: set[_At]
) -> dict[str, Any]:
    types = {each["name"]: each["type"] for each in rows[at[0]]["fields"]}
    inputs = [
        {**_field(each, rows), "transformationType": how[0], "transformationDescription": how[1]}
        for each, how in sorted(sources.items())
    ]
    here = _id(at, rows)
    return {
        "id": here,
        "type": "DATASET_FIELD",
        "data": {**_field(at, rows), "fieldType": types.get(at[1]), "inputFields": inputs},
        "inEdges": [{"origin": each, "destination": here} for each in _ids(sources.keys() & reached, rows)],
        "outEdges": [{"origin": here, "destination": each} for each in _ids(targets, rows)],
    }


def _ids(ats: set[_At], rows: Mapping[int, Mapping[str, Any]]) -> list[str]:
    return sorted(_id(at, rows) for at in ats)


def _field(at: _At, rows: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    row = rows[at[0]]
    about = {"namespace": row["namespace"], "dataset": row["name"], "datasetVersion": row["version"]}
    return {**about, "field": at[1]}
