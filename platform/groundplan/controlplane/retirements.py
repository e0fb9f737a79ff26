"""Retirements of pair versions: append-only, each with its event. A retired version is loaded by no alias any more."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.db.tables import pairs, retirements
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor, record


def write(connection: sa.Connection, project: str, model: str, version: int, retired: bool, actor: Actor) -> None:
    """Write that somebody retires a pair version, or takes that back, with the event in the same transaction."""
    who = {"actor": actor.name, "reason": actor.reason, "correlation_id": actor.correlation_id}
    row = {"project": project, "model": model, "version": version, "retired": retired}
    connection.execute(sa.insert(retirements).values(**row, **who))
    before, after = {"version": version, "retired": not retired}, {"version": version, "retired": retired}
    record(connection, actor, "retire" if retired else "restore", (project, "pair", model), before, after)


def retirements_of(
    connection: sa.Connection, project: str | None = None, model: str | None = None
) -> list[dict[str, Any]]:
    """Return the retirements of a model, of a project's or of all models, oldest first, each with its pair's digest."""
    same = sa.and_(
        pairs.c.project == retirements.c.project,
        pairs.c.model == retirements.c.model,
        pairs.c.version == retirements.c.version,
    )
    query = sa.select(retirements, pairs.c.digest).select_from(retirements.join(pairs, same))
    given = {retirements.c.project: project, retirements.c.model: model}
    where = [column == value for column, value in given.items() if value is not None]
    found = connection.execute(query.where(*where, pairs.c.state != "purged").order_by(retirements.c.seq))
    return [dict(row) for row in found.mappings()]


def retired(connection: sa.Connection, project: str, model: str) -> dict[str, dict[str, Any]]:
    """Return the pairs of a model that are retired now: digest, which outlives a number, → who, when, why."""
    last = {row["digest"]: row for row in retirements_of(connection, project, model)}
    return {digest: row for digest, row in last.items() if row["retired"]}


def refuse_retired(connection: sa.Connection, project: str, model: str, pair: Mapping[str, Any], path: str) -> None:
    """Raise :class:`ApiProblem` 409 when a pair is retired: no alias may come to point to it."""
    found = retired(connection, project, model).get(pair["digest"])
    if found is not None:
        raise ApiProblem(
            409, words(pair["version"], found), path=path, fix="restore it in the catalogue, or take another"
        )


def words(version: int, found: dict[str, Any]) -> str:
    """Return a retirement in words."""
    return f"pair version {version} was retired by {found['actor']}: {found['reason']}"
