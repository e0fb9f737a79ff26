"""The chain: every event carries the hash of the one before it, and its own over that and all it says.

Events are gathered while a transaction works and written at its very end, under one lock: what is numbered, chained
and committed in one order is the same order, and nobody waits for a transaction that still works. The lock is the
last one that a transaction takes, so it can be part of no deadlock.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.audit.canonical import canonical
from groundplan.controlplane.db.tables import events

#: Shared by all of PostgreSQL's users of this database: the lock under which events are chained.
CHAINING = 706175
#: What stands in for the hash before the first event.
START = "0" * 64
#: What an event says, all of it under the hash.
SAID = ("seq", "at", "actor", "action", "project", "kind", "name", "before", "after", "reason", "correlation_id")
#: Where a connection keeps what its transaction has gathered.
GATHERED = "groundplan.events"
#: Where an engine keeps what is to be called with the numbers of new events.
THEN = "groundplan_then"
Then = Callable[[sa.Connection, Sequence[int]], None]


def install(engine: sa.Engine, *then: Then) -> None:
    """Have the events that a transaction of this engine gathers written when it commits, dropped when it does not.

    ``then`` are called with the connection and the new events' numbers, in the same transaction, and under the lock:
    what they do is short.
    """
    engine.update_execution_options(**{THEN: then})
    sa.event.listen(engine, "commit", write)
    sa.event.listen(engine, "rollback", _drop)


def gather(connection: sa.Connection, event: Mapping[str, Any]) -> None:
    """Add an event to those that are written with the transaction. Nothing of it can be changed afterwards."""
    if not sa.event.contains(connection.engine, "commit", write):
        raise RuntimeError("this engine does not chain events: make it with db.engine.make_engine")
    connection.info.setdefault(GATHERED, []).append(json.loads(json.dumps(event)))


def write(connection: sa.Connection) -> None:
    """Number, chain and write what was gathered. The last thing that a transaction does."""
    gathered = connection.info.pop(GATHERED, ())
    if not gathered:
        return
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAINING})
    at = connection.execute(sa.select(sa.func.now())).scalar_one()
    seq, previous = head(connection)
    rows = []
    for seq, event in enumerate(gathered, seq + 1):  # noqa: B020 - the head's number goes on here
        row = {**event, "seq": seq, "at": at}
        previous, row["previous"] = hash_of(previous, row), previous
        rows.append({**row, "hash": previous})
    connection.execute(sa.insert(events), rows)
    for each in connection.get_execution_options().get(THEN, ()):
        each(connection, [row["seq"] for row in rows])


def _drop(connection: sa.Connection) -> None:
    connection.info.pop(GATHERED, None)


def head(connection: sa.Connection) -> tuple[int, str]:
    """Return the newest event's number and hash; 0 and :data:`START` when there is none."""
    query = sa.select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).limit(1)
    found = connection.execute(query).one_or_none()
    return (int(found.seq), str(found.hash)) if found else (0, START)


def hash_of(previous: str, event: Mapping[str, Any]) -> str:
    """Return the hash of an event that follows the one of the hash ``previous``: SHA-256, in hex.

    Over the canonical JSON of ``{"event": {what :data:`SAID` names}, "previous": previous}``; ``at`` in UTC, with
    microseconds, as in ``2026-11-21T11:41:29.000000+00:00``.
    """
    said = {key: event[key] for key in SAID}
    at = said["at"]
    instant = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    said["at"] = instant.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(canonical({"event": said, "previous": previous})).hexdigest()
