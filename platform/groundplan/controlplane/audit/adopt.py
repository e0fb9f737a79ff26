"""The chain over events that were there before it, and what else the registry held then."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.audit import chain, guard
from groundplan.controlplane.db.tables import events

#: The event that holds the audited tables as they were when their changes began to be chained.
ADOPT, REGISTRY = "adopt", "registry"
#: Rows that are chained at once.
BATCH = 1000


def chain_existing(connection: sa.Connection, tables: tuple[str, ...]) -> None:
    """Chain the events that there are, in their order; append what the tables hold now, as one event; guard them.

    Events of before the chain do not tell all of it: who rebuilds the registry begins with that event.
    """
    connection.execute(sa.text("ALTER TABLE events DISABLE TRIGGER events_append_only"))
    seq, previous = _chained(connection)
    connection.execute(sa.text("ALTER TABLE events ENABLE TRIGGER events_append_only"))
    adopt(connection, tables, seq, previous)
    guard.protect(connection, *tables)


def _chained(connection: sa.Connection) -> tuple[int, str]:
    seq, previous = 0, chain.START
    said = [events.c[name] for name in chain.SAID]
    while (
        rows := connection.execute(sa.select(*said).where(events.c.seq > seq).order_by(events.c.seq).limit(BATCH))
        .mappings()
        .all()
    ):
        for row in rows:
            own = chain.hash_of(previous, row)
            where = events.c.seq == row["seq"]
            connection.execute(sa.update(events).where(where).values(previous=previous, hash=own))
            seq, previous = row["seq"], own
    return seq, previous


def adopt(connection: sa.Connection, tables: tuple[str, ...], seq: int, previous: str) -> None:
    """Append the event that holds the rows of these tables, unless they are empty."""
    held = {name: [_plain(row) for row in _rows(connection, name)] for name in tables}
    if not any(held.values()):
        return
    at = connection.execute(sa.select(sa.func.now())).scalar_one()
    said = {"actor": "controlplane", "action": ADOPT, "project": "stack", "kind": REGISTRY, "name": "tables"}
    event = {**said, "seq": seq + 1, "at": at, "before": None, "after": held, "reason": None, "correlation_id": None}
    own = chain.hash_of(previous, event)
    connection.execute(sa.insert(events).values(**event, previous=previous, hash=own))


def _rows(connection: sa.Connection, name: str) -> list[dict[str, Any]]:
    # As the table is now: what a later migration adds to it is not there yet.
    key = ", ".join(sa.inspect(connection).get_pk_constraint(name)["constrained_columns"])
    found = connection.execute(sa.text(f"SELECT * FROM {name} ORDER BY {key}"))  # noqa: S608 - names of ours
    return [dict(row) for row in found.mappings()]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}
