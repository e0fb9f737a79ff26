"""The outbox: what happened, to be told as lineage. Written in the transaction of what it tells of; never lost."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from groundplan.controlplane.db.lineage_tables import outbox
from groundplan.controlplane.db.tables import events

#: One at a time stores, one at a time sends, whatever processes there are.
STORING, SENDING = 706173, 706174


def put(connection: sa.Connection, events: Sequence[int]) -> None:
    """Put events (their numbers) into the outbox, in their own transaction."""
    connection.execute(insert(outbox).on_conflict_do_nothing(), [{"event": number} for number in events])


def mine(connection: sa.Connection, task: int) -> bool:
    """Whether this transaction is the one that stores, or sends, until it ends."""
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(task))).scalar_one())


def to_store(connection: sa.Connection, limit: int) -> list[Mapping[str, Any]]:
    """Return the oldest events that are not stored yet, as their rows."""
    query = sa.select(events).join(outbox, outbox.c.event == events.c.seq).where(outbox.c.stored_at.is_(None))
    return list(connection.execute(query.order_by(events.c.seq).limit(limit)).mappings())


def to_send(connection: sa.Connection) -> Mapping[str, Any] | None:
    """Return the oldest row that is stored and not sent yet, or None."""
    query = sa.select(outbox).where(outbox.c.stored_at.is_not(None), outbox.c.sent_at.is_(None))
    return connection.execute(query.order_by(outbox.c.event).limit(1)).mappings().one_or_none()


def stored(connection: sa.Connection, event: int, documents: list[dict[str, Any]], problem: str | None = None) -> None:
    """Write that an event is stored; ``problem`` says why it could not be put as lineage, and never will be."""
    values = {"documents": documents, "stored_at": sa.func.now(), "problem": problem}
    # What says nothing need not be sent.
    sent = {} if documents else {"sent_at": sa.func.now()}
    connection.execute(sa.update(outbox).where(outbox.c.event == event).values(**values, **sent))


def sent(connection: sa.Connection, event: int, problem: str | None = None) -> None:
    """Write that an event is with the declared Marquez; ``problem`` says why that refused it for good."""
    done = {"sent_at": sa.func.now(), "tries": outbox.c.tries + 1, "problem": problem}
    connection.execute(sa.update(outbox).where(outbox.c.event == event).values(**done))


def not_sent(connection: sa.Connection, event: int, problem: str) -> None:
    """Write why an event could not be sent now; it is tried again."""
    values = {"tries": outbox.c.tries + 1, "problem": problem}
    connection.execute(sa.update(outbox).where(outbox.c.event == event).values(**values))


def standing(connection: sa.Connection) -> dict[str, Any]:
    """Return how many events wait to be stored and to be sent, the first that waits, and those refused for good."""
    counted = sa.select(
        sa.func.count().filter(outbox.c.stored_at.is_(None)).label("to_store"),
        sa.func.count().filter(outbox.c.stored_at.is_not(None), outbox.c.sent_at.is_(None)).label("to_send"),
    )
    waiting = outbox.c.sent_at.is_(None) & (outbox.c.tries > 0)
    first = sa.select(outbox.c.event, outbox.c.tries, outbox.c.problem).where(waiting).order_by(outbox.c.event).limit(1)
    over = (outbox.c.sent_at.is_not(None)) & outbox.c.problem.is_not(None)
    refused = sa.select(outbox.c.event, outbox.c.problem).where(over).order_by(outbox.c.event.desc()).limit(20)
    row = connection.execute(first).mappings().one_or_none()
    return {
        **connection.execute(counted).mappings().one(),
        "first": dict(row) if row else None,
        "refused": [dict(row) for row in connection.execute(refused).mappings()],
    }
