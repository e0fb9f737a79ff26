"""Durable work: a workflow runs a resource's steps, one after the other; after a crash it goes on with the next.

DBOS keeps what each step returned, in our PostgreSQL. A step that was cut off runs again: steps are idempotent.
"""

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from groundplan.controlplane import operations, store
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.kinds import KINDS
from groundplan.controlplane.kinds.base import Carry
from groundplan.controlplane.problem import ApiProblem, as_parts
from groundplan.controlplane.store import Actor, Resource

log = structlog.get_logger()

#: One version for ever: a workflow that an older build began is finished by this one, by its idempotent steps.
VERSION = "1"


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

    @classmethod
    def stop(cls) -> None:
        """Stop the engine; what is at work goes on at the next start."""
        DBOS.destroy()

    @classmethod
    def platform(cls) -> Platform:
        """Return the platform that workflows work on."""
        if cls._platform is None:
            raise RuntimeError("workflows have not been launched")
        return cls._platform

    @classmethod
    def start(cls, operation: str, resource: Resource, actor: Actor) -> None:
        """Start an operation's workflow under the operation's id."""
        with SetWorkflowID(operation):
            DBOS.start_workflow(reconcile, operation, resource.document(), vars(actor))


@DBOS.workflow()
def reconcile(operation: str, document: Carry, actor: Carry) -> None:
    """Run every step of the resource's kind, then write how it ended."""
    carry: Carry = {}
    try:
        for number in range(len(KINDS[document["kind"]].steps())):
            carry = run_step(operation, document, actor, number, carry)
    except Exception as error:  # whatever it was, the operation says so: this is where a run's errors end
        fail(operation, document, actor, as_parts(error))
        if not isinstance(error, ApiProblem):
            log.exception("operation failed", operation=operation)
        return
    succeed(operation, document, actor, carry)


@DBOS.step()
def run_step(operation: str, document: Carry, actor: Carry, number: int, carry: Carry) -> Carry:
    """Run one step; what it returns is kept."""
    platform = Workflows.platform()
    work = Work(platform, Resource(**document), Actor(**actor), operation, _teller(platform.engine, operation))
    return KINDS[document["kind"]].steps()[number](work, carry)


def _teller(engine: sa.Engine, operation: str):  # type: ignore[no-untyped-def]
    def say(text: str) -> None:
        operations.say(engine, operation, text)

    return say


@DBOS.step()
def succeed(operation: str, document: Carry, actor: Carry, outcome: Carry) -> None:
    """Write a resource's new state and the operation's end, in one transaction."""
    resource = Resource(**{**document, **outcome})
    with Workflows.platform().engine.begin() as connection:
        store.settle(connection, resource, Actor(**actor))
        operations.end(connection, operation, "succeeded")


@DBOS.step()
def fail(operation: str, document: Carry, actor: Carry, error: Carry) -> None:
    """Write why it failed, in one transaction; what was known of the resource stays."""
    parts = [error["what"], *(f"{k}: {error[k]}" for k in ("path", "value", "allowed", "fix") if error.get(k))]
    with Workflows.platform().engine.begin() as connection:
        before = store.get(connection, document["project"], document["kind"], document["name"])
        outputs = before.outputs if before else {}
        failed = Resource(**{**document, "outputs": outputs, "status": "failed", "message": "; ".join(parts)})
        store.settle(connection, failed, Actor(**actor))
        operations.end(connection, operation, "failed", error)
