"""What the API does with resources: declare, look, delete; idempotent by digest."""

from dataclasses import replace

from groundplan.controlplane import operations, store
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.kinds import KINDS
from groundplan.controlplane.kinds.base import Kind
from groundplan.controlplane.problem import ApiProblem, as_parts
from groundplan.controlplane.store import Actor, Resource
from groundplan.controlplane.workflows import Workflows


def kind_of(slug: str) -> Kind:
    """Return a kind by its slug. ApiProblem 404 for an unknown one."""
    if slug not in KINDS:
        raise ApiProblem(404, "unknown kind", path="kind", value=slug, allowed=", ".join(KINDS))
    return KINDS[slug]


def declare(platform: Platform, wanted: Resource, actor: Actor, force: bool = False) -> tuple[Resource, str | None]:
    """Make a resource match its declaration; return it, and the operation when that takes long.

    The same digest again does nothing when all is as it says, and joins the operation that is at work on it.
    """
    kind = kind_of(wanted.kind)
    with locked(platform.engine, f"resource/{wanted.id}"):
        with platform.engine.connect() as connection:
            before = store.get(connection, wanted.project, wanted.kind, wanted.name)
            joined = operations.running(connection, wanted)
        if joined and before:
            return before, joined
        if before and not force and _settled(platform, kind, before, wanted):
            return before, None
        kind.admit(platform, wanted)
        return _begin(platform, kind, wanted, actor)


def _settled(platform: Platform, kind: Kind, before: Resource, wanted: Resource) -> bool:
    if before.digest != wanted.digest or before.status not in ("ready", "refused", "waiting"):
        return False
    return before.status == "ready" and kind.intact(platform, before)


def _begin(platform: Platform, kind: Kind, wanted: Resource, actor: Actor) -> tuple[Resource, str | None]:
    with platform.engine.begin() as connection:
        declared = store.declare(connection, wanted, actor)
        operation = operations.begin(connection, declared, actor)
    if kind.long:
        Workflows.start(operation, declared, actor)
        return declared, operation
    return _now(platform, kind, declared, actor, operation), None


def _now(platform: Platform, kind: Kind, declared: Resource, actor: Actor, operation: str) -> Resource:
    """Do short work within the request."""
    work = Work(platform, declared, actor, operation, lambda text: operations.say(platform.engine, operation, text))
    carry: dict[str, object] = {}
    try:
        for step in kind.steps():
            carry = step(work, carry)
    except Exception as error:
        with platform.engine.begin() as connection:
            store.settle(connection, replace(declared, status="failed", message=as_parts(error)["what"]), actor)
            operations.end(connection, operation, "failed", as_parts(error))
        raise
    settled = replace(declared, **carry)  # type: ignore[arg-type]
    with platform.engine.begin() as connection:
        store.settle(connection, settled, actor)
        operations.end(connection, operation, "succeeded")
    return settled


def look(platform: Platform, project: str, slug: str, name: str) -> Resource | None:
    """Return a resource as it really is, or None. A resource that is being worked on is shown as declared."""
    kind = kind_of(slug)
    with platform.engine.connect() as connection:
        row = store.get(connection, project, slug, name)
    if row is None or row.status == "pending":
        return row
    observed = kind.observe(platform, row)
    return replace(row, **vars(observed)) if observed else None


def delete(platform: Platform, project: str, slug: str, name: str, actor: Actor, purge: bool) -> Resource | None:
    """Remove a resource and what it made; None when it is not there. ApiProblem 409 while others need it."""
    kind = kind_of(slug)
    with platform.engine.connect() as connection:
        row = store.get(connection, project, slug, name)
        if row is None:
            return None
        users = [r.id for r in store.every(connection, project) if row.id in r.upstream]
    if users:
        raise ApiProblem(409, "others are made from it", path=row.id, value=", ".join(users), fix="delete those first")
    kind.delete(platform, row, purge)
    with platform.engine.begin() as connection:
        store.remove(connection, row, actor)
    return row
