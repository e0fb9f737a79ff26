"""Durable work: a workflow runs a resource's steps, one after the other; after a crash it goes on with the next.

DBOS keeps what each step returned, in our PostgreSQL. A step that was cut off runs again: steps are idempotent.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from groundplan.controlplane import operations, store
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.kinds import KINDS
from groundplan.controlplane.kinds.base import Carry
from groundplan.controlplane.problem import ApiProblem, as_parts, one_line
from groundplan.controlplane.store import Actor, Resource
from groundplan.errors import GroundplanError

log = structlog.get_logger()

#: One version for ever: a workflow that an older build began is finished by this one, by its idempotent steps.
VERSION = "1"
#: Seconds in which work that is nearly done may end before a stop; the rest goes on at the next start.
GRACE = 3
#: A workflow's states in which it goes on by itself.
ALIVE = frozenset({"PENDING", "ENQUEUED", "DELAYED"})


class Workflows:
    """Runs operations. One a process: DBOS keeps one registry of workflows a process."""

    _platform: Platform | None = None

    @classmethod
    def launch(cls, platform: Platform) -> None:
        """Start the engine of durable workflows; operations that were cut off go on at once."""
        cls._platform = platform
        url = platform.engine.url.set(drivername="postgresql+psycopg")
        config: DBOSConfig = {
            "name": "groundplan",
            "system_database_url": url.render_as_string(hide_password=False),
            "application_version": VERSION,
            "executor_id": "controlplane",
            "run_migrations": True,
            "log_level": "WARNING",
        }
        DBOS(config=config)
        DBOS.launch()
        resume(platform)

    @classmethod
    def stop(cls) -> None:
        """Stop the engine; what is at work goes on at the next start."""
        DBOS.destroy(workflow_completion_timeout_sec=GRACE)

    @classmethod
    def platform(cls) -> Platform:
        """Return the platform that workflows work on."""
        if cls._platform is None:
            raise RuntimeError("workflows have not been launched")
        return cls._platform

    @classmethod
    def start(cls, operation: str, resource: Resource, actor: Actor, request: Mapping[str, Any]) -> None:
        """Start an operation's workflow under the operation's id; one that was started before just goes on."""
        with SetWorkflowID(operation):
            DBOS.start_workflow(reconcile, operation, resource.document(), vars(actor), dict(request))

    @classmethod
    def ensure(cls, row: Mapping[str, Any], resource: Resource) -> None:
        """See to it that a running operation is at work: a crash may have come between its row and its start."""
        status = DBOS.get_workflow_status(row["id"])
        if status is None:
            actor = Actor(row["actor"], row["reason"], row["correlation_id"])
            cls.start(row["id"], resource, actor, row["request"])
        elif status.status not in ALIVE:
            with cls.platform().engine.begin() as connection:
                operations.end(connection, row["id"], "failed", as_parts(ApiProblem(500, "it was cut off")))


def begin(platform: Platform, wanted: Resource, actor: Actor, request: Mapping[str, Any]) -> tuple[Resource, str]:
    """Write what is declared, and a new operation for it, which the caller starts. Under the resource's lock.

    What was at work on the resource is cancelled: only the newest declaration counts.
    """
    cancel(platform, wanted, "something else has been declared meanwhile")
    with platform.engine.begin() as connection:
        declared = store.declare(connection, wanted, actor)
        return declared, operations.begin(connection, declared, actor, request)


def cancel(platform: Platform, resource: Resource, why: str) -> None:
    """Cancel what is at work on a resource. A step that runs now ends by itself, and what it says does not count."""
    kind = KINDS[resource.kind]
    with platform.engine.begin() as connection:
        rows = operations.running(connection, resource)
        for row in rows:
            operations.end(connection, row["id"], "cancelled", as_parts(ApiProblem(409, why, path=resource.id)))
    for row in rows:
        if kind.long:
            DBOS.cancel_workflow(row["id"])
            kind.cancel(platform, row["id"])


def resume(platform: Platform) -> None:
    """Take up every operation that a crash cut off before, or outside, its durable workflow."""
    with platform.engine.connect() as connection:
        rows = operations.unfinished(connection)
        found = {row["id"]: store.get(connection, row["project"], row["kind"], row["name"]) for row in rows}
    for row in rows:
        resource = found[row["id"]]
        if resource is not None and resource.digest == row["digest"] and KINDS[row["kind"]].long:
            Workflows.ensure(row, resource)
        else:
            with platform.engine.begin() as connection:
                operations.end(connection, row["id"], "cancelled", as_parts(ApiProblem(409, "it was cut off")))


@DBOS.workflow()
def reconcile(operation: str, document: Carry, actor: Carry, request: Carry | None = None) -> None:
    """Run every step of the resource's kind, then write how it ended."""
    carry: Carry = {}
    try:
        for number in range(len(KINDS[document["kind"]].steps())):
            carry = run_step(operation, document, actor, number, carry, request or {})
    except Exception as error:  # whatever it was, the operation says so: this is where a run's errors end
        fail(operation, document, actor, as_parts(error))
        if not isinstance(error, GroundplanError):
            log.exception("operation failed", operation=operation, correlation_id=actor.get("correlation_id"))
        return
    succeed(operation, document, actor, carry)
    # A step must not start workflows, so the workflow does.
    for follower, resource in follow_up(document, actor, request or {}) if KINDS[document["kind"]].leads else ():
        Workflows.start(follower, Resource(**resource), Actor(**actor), {})


@DBOS.step()
def run_step(
    operation: str, document: Carry, actor: Carry, number: int, carry: Carry, request: Carry | None = None
) -> Carry:
    """Run one step; what it returns is kept. One step a resource at a time, also of an operation that was cancelled."""
    platform, resource = Workflows.platform(), Resource(**document)
    say = partial(operations.say, platform.engine, operation)
    work = Work(platform, resource, Actor(**actor), operation, say, request or {})
    with (
        structlog.contextvars.bound_contextvars(operation=operation, correlation_id=actor.get("correlation_id")),
        locked(platform.engine, f"work/{resource.id}"),
    ):
        if work.cancelled():
            raise ApiProblem(409, "something else has been declared meanwhile", path=resource.id)
        return KINDS[resource.kind].steps()[number](work, carry)


@DBOS.step(retries_allowed=True, max_attempts=8)
def succeed(operation: str, document: Carry, actor: Carry, outcome: Carry) -> None:
    """Write a resource's new state and the operation's end, in one transaction.

    An outcome with a ``refusal`` is one where nothing changed: what a person asked for failed, the resource did not.
    """
    refusal = outcome.get("refusal")
    resource = Resource(**{**document, **{key: value for key, value in outcome.items() if key != "refusal"}})
    with Workflows.platform().engine.begin() as connection:
        if operations.end(connection, operation, "failed" if refusal else "succeeded", refusal):
            store.settle(connection, resource, Actor(**actor))


@DBOS.step(retries_allowed=True, max_attempts=8)
def fail(operation: str, document: Carry, actor: Carry, error: Carry) -> None:
    """Write why it failed, in one transaction; what was known of the resource stays."""
    with Workflows.platform().engine.begin() as connection:
        before = store.get(connection, document["project"], document["kind"], document["name"])
        outputs = before.outputs if before else {}
        failed = Resource(**{**document, "outputs": outputs, "status": "failed", "message": one_line(error)})
        if operations.end(connection, operation, "failed", error):
            store.settle(connection, failed, Actor(**actor))


@DBOS.step(retries_allowed=True, max_attempts=8)
def follow_up(document: Carry, actor: Carry, request: Carry) -> list[tuple[str, Carry]]:
    """Begin the operations of what follows the resource and was not declared with it; return them to be started."""
    platform, resource, begun = Workflows.platform(), Resource(**document), []
    for follower in KINDS[resource.kind].followers(platform, resource, request):
        with locked(platform.engine, f"resource/{follower.id}"):
            declared, operation = begin(platform, follower, Actor(**actor), {})
        begun.append((operation, declared.document()))
    return begun
