"""What the API does with resources: declare, look, delete; idempotent by digest."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from groundplan.controlplane import operations, store
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.kinds import KINDS
from groundplan.controlplane.kinds.base import Kind
from groundplan.controlplane.problem import ApiProblem, as_parts, one_line
from groundplan.controlplane.rules.dependents import needed_by
from groundplan.controlplane.store import Actor, Resource
from groundplan.controlplane.workflows import Workflows, begin, cancel


def kind_of(slug: str) -> Kind:
    """Return a kind by its slug. ApiProblem 404 for an unknown one."""
    if slug not in KINDS:
        raise ApiProblem(404, "unknown kind", path="kind", value=slug, allowed=", ".join(KINDS))
    return KINDS[slug]


def declare(
    platform: Platform,
    wanted: Resource,
    actor: Actor,
    force: bool = False,
    request: Mapping[str, Any] | None = None,
) -> tuple[Resource, str | None]:
    """Make a resource match its declaration; return it, and the operation when that takes long.

    The same digest again does nothing when all is as it says, and joins the operation that is at work on it.
    ``request`` is what a person asks for beside the declaration; it, and ``force``, work on what is declared now, and
    do so in any case.
    """
    kind, asked = kind_of(wanted.kind), request or {}
    with locked(platform.engine, f"resource/{wanted.id}"):
        with platform.engine.connect() as connection:
            before = store.get(connection, wanted.project, wanted.kind, wanted.name)
            running = operations.running(connection, wanted)
        joined = next((row for row in running if _joins(kind, wanted, row, asked)), None)
        if (force or asked) and (before is None or before.digest != wanted.digest):
            raise ApiProblem(409, "it was declared anew, or deleted, meanwhile", path=wanted.id, fix="try again")
        if joined and before:
            Workflows.ensure(joined, before)
            return before, joined["id"]
        if before and not running and not asked and not force and _settled(platform, kind, before, wanted):
            return before, None
        kind.admit(platform, wanted)
        declared, operation = begin(platform, wanted, actor, asked)
        if not kind.long:
            return _now(platform, kind, declared, actor, operation), None
        Workflows.start(operation, declared, actor, asked)
        return declared, operation


def _joins(kind: Kind, wanted: Resource, row: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    # Short work is done under the resource's lock: a row of one that seems to run was left by a crash.
    return kind.long and row["digest"] == wanted.digest and kind.joins(wanted, row["request"], asked)


def _settled(platform: Platform, kind: Kind, before: Resource, wanted: Resource) -> bool:
    return before.digest == wanted.digest and before.status == "ready" and kind.intact(platform, before)


def _now(platform: Platform, kind: Kind, declared: Resource, actor: Actor, operation: str) -> Resource:
    """Do short work within the request."""
    work = Work(platform, declared, actor, operation, partial(operations.say, platform.engine, operation))
    carry: dict[str, Any] = {}
    try:
        for step in kind.steps():
            carry = step(work, carry)
    except Exception as error:
        failed = replace(declared, status="failed", message=one_line(as_parts(error)))
        with platform.engine.begin() as connection:
            store.settle(connection, failed, actor)
            operations.end(connection, operation, "failed", as_parts(error))
        raise
    settled = replace(declared, **carry)
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
    """Remove a resource and what it made; None when it is not there. ApiProblem 409 while others need it.

    What is at work on it is cancelled first.
    """
    kind = kind_of(slug)
    with locked(platform.engine, f"resource/{project}/{slug}/{name}"):
        with platform.engine.connect() as connection:
            row = store.get(connection, project, slug, name)
            others = store.every(connection, project)
        if row is None:
            return None
        users = needed_by(row, others)
        if users:
            parts = {"path": row.id, "value": ", ".join(users), "fix": "delete those first"}
            raise ApiProblem(409, "others need it", **parts)
        cancel(platform, row, "it is being deleted")
        with locked(platform.engine, f"work/{row.id}"):
            kind.delete(platform, row, purge, actor)
        with platform.engine.begin() as connection:
            store.remove(connection, row, actor)
    return row
