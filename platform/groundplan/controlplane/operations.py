"""Long work as people see it: begun or joined, its messages, its end."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.db.tables import operation_messages, operations
from groundplan.controlplane.store import Actor, Resource

RUNNING = "running"


def running(connection: sa.Connection, resource: Resource) -> list[Mapping[str, Any]]:
    """Return the rows of the operations that are at work on a resource, whatever its digest was then."""
    query = sa.select(operations).where(*_of(resource), operations.c.status == RUNNING)
    return list(connection.execute(query.order_by(operations.c.created_at)).mappings())


def unfinished(connection: sa.Connection) -> list[Mapping[str, Any]]:
    """Return the rows of all operations that are at work."""
    return list(connection.execute(sa.select(operations).where(operations.c.status == RUNNING)).mappings())


def begin(connection: sa.Connection, resource: Resource, actor: Actor, request: Mapping[str, Any]) -> str:
    """Write a new operation; its id is ``<kind>:<project>:<name>:<digest>``, and the attempt after the first."""
    base = f"{resource.kind}:{resource.project}:{resource.name}:{resource.digest}"
    where = (*_of(resource), operations.c.digest == resource.digest)
    attempts = connection.execute(sa.select(sa.func.count()).select_from(operations).where(*where)).scalar_one()
    id = f"{base}:{attempts + 1}" if attempts else base
    connection.execute(
        sa.insert(operations).values(
            id=id,
            project=resource.project,
            kind=resource.kind,
            name=resource.name,
            digest=resource.digest,
            status=RUNNING,
            request=dict(request),
            actor=actor.name,
            reason=actor.reason,
            correlation_id=actor.correlation_id,
        )
    )
    return id


def _of(resource: Resource) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        operations.c.project == resource.project,
        operations.c.kind == resource.kind,
        operations.c.name == resource.name,
    )


def say(engine: sa.Engine, id: str, text: str) -> None:
    """Add one line to what an operation tells."""
    with engine.begin() as connection:
        connection.execute(sa.insert(operation_messages).values(operation=id, text=text))


def end(connection: sa.Connection, id: str, status: str, error: Mapping[str, Any] | None = None) -> bool:
    """Write how an operation ended: succeeded, failed or cancelled. False when it had ended before."""
    values = {"status": status, "error": error, "finished_at": sa.func.now()}
    where = (operations.c.id == id, operations.c.status == RUNNING)
    return bool(connection.execute(sa.update(operations).where(*where).values(values)).rowcount)


def is_running(connection: sa.Connection, id: str) -> bool:
    """Whether an operation still is at work: it may have been cancelled."""
    found = connection.execute(sa.select(operations.c.status).where(operations.c.id == id)).scalar_one_or_none()
    return found == RUNNING


def find(connection: sa.Connection, id: str) -> Mapping[str, Any] | None:
    """Return one operation's row, or None."""
    return connection.execute(sa.select(operations).where(operations.c.id == id)).mappings().one_or_none()


def messages(connection: sa.Connection, id: str, after: int) -> list[dict[str, Any]]:
    """Return what an operation told after the message ``after``: seq, at, text."""
    columns = (operation_messages.c.seq, operation_messages.c.at, operation_messages.c.text)
    query = sa.select(*columns).where(operation_messages.c.operation == id, operation_messages.c.seq > after)
    rows = connection.execute(query.order_by(operation_messages.c.seq)).mappings()
    return [{"seq": row["seq"], "at": row["at"].isoformat(), "text": row["text"]} for row in rows]
