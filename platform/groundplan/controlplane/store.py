"""Resources and events: every write appends its event in the same transaction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from groundplan.controlplane.audit import chain
from groundplan.controlplane.db.tables import resources


@dataclass(frozen=True)
class Actor:
    """Who asks, why, and the id by which the request's log lines and events are found together."""

    name: str
    reason: str | None = None
    correlation_id: str | None = None


@dataclass(frozen=True)
class Resource:
    """One declared thing and how it stands. ``status``: ready, pending, failed, waiting, refused, drifted."""

    project: str
    kind: str
    name: str
    digest: str
    data_digest: str
    properties: Mapping[str, Any]
    upstream: Mapping[str, str]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    status: str = "pending"
    message: str | None = None
    generation: int = 1

    @property
    def id(self) -> str:
        """The plan's node id."""
        return f"{self.project}/{self.kind}/{self.name}"

    def document(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return asdict(self)


_COLUMNS = [resources.c[name] for name in Resource.__dataclass_fields__]


def get(connection: sa.Connection, project: str, kind: str, name: str, lock: bool = False) -> Resource | None:
    """Return one resource, or None; with ``lock`` nobody changes it before this transaction ends."""
    where = (resources.c.project == project, resources.c.kind == kind, resources.c.name == name)
    query = sa.select(*_COLUMNS).where(*where)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return Resource(**row) if row else None


def every(connection: sa.Connection, project: str | None = None, kind: str | None = None) -> list[Resource]:
    """Return the resources of a project, of a kind, or all, by id."""
    query = sa.select(*_COLUMNS).order_by(resources.c.project, resources.c.kind, resources.c.name)
    if project is not None:
        query = query.where(resources.c.project == project)
    if kind is not None:
        query = query.where(resources.c.kind == kind)
    return [Resource(**row) for row in connection.execute(query).mappings()]


def declare(connection: sa.Connection, wanted: Resource, actor: Actor) -> Resource:
    """Write what is declared now, as pending; what was known of it (outputs) stays until the work is done."""
    before = get(connection, wanted.project, wanted.kind, wanted.name, lock=True)
    made = replace(
        wanted,
        outputs=before.outputs if before else {},
        generation=before.generation + 1 if before else 1,
        status="pending",
        message=None,
    )
    values = asdict(made)
    statement = insert(resources).values(values)
    key = ["project", "kind", "name"]
    rest = {name: statement.excluded[name] for name in values if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_={**rest, "updated_at": sa.func.now()}))
    append(connection, actor, "declare", made, before, made)
    return made


def settle(connection: sa.Connection, resource: Resource, actor: Actor) -> None:
    """Write how the work ended, unless something else has been declared meanwhile."""
    where = (
        resources.c.project == resource.project,
        resources.c.kind == resource.kind,
        resources.c.name == resource.name,
        resources.c.digest == resource.digest,
    )
    values = {
        "outputs": dict(resource.outputs),
        "status": resource.status,
        "message": resource.message,
        "updated_at": sa.func.now(),
    }
    before = get(connection, resource.project, resource.kind, resource.name, lock=True)
    if before and connection.execute(sa.update(resources).where(*where).values(values)).rowcount:
        after = replace(before, outputs=resource.outputs, status=resource.status, message=resource.message)
        append(connection, actor, resource.status, resource, before, after)


def note(connection: sa.Connection, resource: Resource, outputs: Mapping[str, Any], actor: Actor, action: str) -> None:
    """Write outputs that changed without work on the resource itself; nothing where they say so already."""
    before = get(connection, resource.project, resource.kind, resource.name, lock=True)
    if before is None or before.outputs == {**before.outputs, **outputs}:
        return
    after = replace(before, outputs={**before.outputs, **outputs})
    where = (resources.c.project == resource.project, resources.c.kind == resource.kind)
    statement = sa.update(resources).where(*where, resources.c.name == resource.name)
    connection.execute(statement.values(outputs=after.outputs, updated_at=sa.func.now()))
    append(connection, actor, action, after, before, after)


def remove(connection: sa.Connection, resource: Resource, actor: Actor) -> None:
    """Remove a resource; its history stays."""
    where = (resources.c.project == resource.project, resources.c.kind == resource.kind)
    connection.execute(sa.delete(resources).where(*where, resources.c.name == resource.name))
    append(connection, actor, "delete", resource, resource, None)


def append(
    connection: sa.Connection,
    actor: Actor,
    action: str,
    about: Resource,
    before: Resource | None,
    after: Resource | None,
) -> None:
    """Append one event about a resource."""
    documents = (asdict(before) if before else None, asdict(after) if after else None)
    record(connection, actor, action, (about.project, about.kind, about.name), *documents)


def record(
    connection: sa.Connection,
    actor: Actor,
    action: str,
    about: tuple[str, str, str],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Append one event, written when the transaction commits; ``about`` is project, kind and name."""
    project, kind, name = about
    values = {"project": project, "kind": kind, "name": name, "before": before, "after": after}
    who = {"actor": actor.name, "reason": actor.reason, "correlation_id": actor.correlation_id}
    chain.gather(connection, {"action": action, **values, **who})
