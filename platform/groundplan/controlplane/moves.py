"""The history of a model's aliases: every move, what an alias was at an instant, and what a rollback leads to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane import registry
from groundplan.controlplane.db.tables import alias_moves
from groundplan.controlplane.retirements import retired
from groundplan.controlplane.rules import history as rules


def moves_of(connection: sa.Connection, project: str, model: str, alias: str | None = None) -> list[dict[str, Any]]:
    """Return the moves of a model's aliases, or of one, oldest first; ``at`` is a datetime."""
    query = sa.select(alias_moves).where(alias_moves.c.project == project, alias_moves.c.model == model)
    if alias is not None:
        query = query.where(alias_moves.c.alias == alias)
    return [dict(row) for row in connection.execute(query.order_by(alias_moves.c.seq)).mappings()]


def standing_at(
    connection: sa.Connection, project: str, model: str, instant: datetime, alias: str | None = None
) -> dict[str, dict[str, Any] | None]:
    """Return what each alias (or one) was at an instant: its version, since when, by whom, why, on what evidence.

    None for one that pointed to nothing then.
    """
    moves = moves_of(connection, project, model, alias)
    names = sorted({move["alias"] for move in moves} | ({alias} if alias else set()))
    found = {name: rules.at([move for move in moves if move["alias"] == name], instant) for name in names}
    return {name: shown(move) if move else None for name, move in found.items()}


def shown(move: Mapping[str, Any]) -> dict[str, Any]:
    """Return a move as the API shows where an alias stood after it."""
    kept = {key: move[key] for key in ("actor", "reason", "cause", "evidence")}
    return {"version": move["to_version"], "since": move["at"].isoformat(), **kept}


def rollback_target(connection: sa.Connection, project: str, model: str, alias: str) -> int | None:
    """Return the pair version that an alias goes back to, None when there is none any more that was not retired."""
    now = registry.pointer(connection, project, model, alias).version
    gone = retired(connection, project, model)
    for version in rules.earlier(moves_of(connection, project, model, alias)):
        pair = registry.standing(connection, project, model, version)
        if pair is not None and pair["version"] != now and pair["digest"] not in gone:
            return int(pair["version"])
    return None
