"""Approvals of pair versions: append-only, each with its event."""

from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.db.tables import approvals, pairs
from groundplan.controlplane.store import Actor, record


def approve(connection: sa.Connection, project: str, model: str, version: int, actor: Actor) -> None:
    """Write that somebody lets a pair version pass, with the event in the same transaction."""
    who = {"actor": actor.name, "reason": actor.reason, "correlation_id": actor.correlation_id}
    connection.execute(sa.insert(approvals).values(project=project, model=model, version=version, **who))
    record(connection, actor, "approve", (project, "pair", model), None, {"version": version})


def approvals_of(connection: sa.Connection, project: str, model: str, digest: str) -> list[dict[str, Any]]:
    """Return the approvals of a pair, oldest first, under whatever number it was approved."""
    same = sa.and_(
        pairs.c.project == approvals.c.project,
        pairs.c.model == approvals.c.model,
        pairs.c.version == approvals.c.version,
    )
    columns = (approvals.c.version, approvals.c.actor, approvals.c.reason, approvals.c.at)
    query = sa.select(*columns).select_from(approvals.join(pairs, same)).order_by(approvals.c.seq)
    where = (approvals.c.project == project, approvals.c.model == model, pairs.c.digest == digest)
    return [
        {**row, "at": row["at"].isoformat()}
        for row in connection.execute(query.where(*where, pairs.c.state != "purged")).mappings()
    ]
