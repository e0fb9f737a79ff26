"""What a kind of resource can do. Steps are idempotent: one that a crash cut off is run again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundplan.controlplane import store
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor, Resource

#: What a step is given and returns: plain JSON values, kept between the steps by the durable workflow.
Carry = dict[str, Any]
Step = Callable[[Work, Carry], Carry]


@dataclass(frozen=True)
class Observed:
    """A resource as it really is."""

    properties: Mapping[str, Any]
    outputs: Mapping[str, Any]
    status: str = "ready"
    message: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How work ended: what the resource's row says from then on."""

    outputs: dict[str, Any] = field(default_factory=dict)
    status: str = "ready"
    message: str | None = None

    def carry(self) -> Carry:
        """Return it as the carry of a last step."""
        return {"outputs": self.outputs, "status": self.status, "message": self.message}


class Kind:
    """One kind: its steps, what it needs first, what is really there, how it goes."""

    slug = ""
    #: Long work is answered with 202 and an operation; short work is done within the request.
    long = False
    #: Whether other resources may have to be worked on once this one is done: see :meth:`followers`.
    leads = False

    def steps(self) -> Sequence[Step]:
        """Return the steps in their order; the last returns :meth:`Outcome.carry`."""
        return ()

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Raise :class:`ApiProblem` 409 when what the resource needs is not there yet."""

    def intact(self, platform: Platform, resource: Resource) -> bool:
        """Whether a settled resource still is what it says: then nothing is to be done."""
        observed = self.observe(platform, resource)
        return observed is not None and observed.status == "ready" and same(observed.properties, resource.properties)

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Return what is really there; None when it is gone."""
        return Observed(resource.properties, resource.outputs, resource.status, resource.message)

    def joins(self, resource: Resource, running: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
        """Whether what is at work on the same digest, for the request ``running``, also does what is asked for now."""
        return not asked or asked == running

    def cancel(self, platform: Platform, operation: str) -> None:
        """Stop what an operation that was cancelled runs elsewhere."""

    def followers(self, platform: Platform, resource: Resource, request: Mapping[str, Any]) -> Sequence[Resource]:
        """Return the resources on which to work anew now that the work on this one, for that request, is done."""
        return ()

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Remove what the kind made outside its own row."""


def same(real: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether every property that is looked at is as declared."""
    return all(wanted.get(key) == value for key, value in real.items())


def find(platform: Platform, project: str, kind: str, name: str) -> Resource | None:
    """Return a resource by name, or None."""
    with platform.engine.connect() as connection:
        return store.get(connection, project, kind, name)


def need(platform: Platform, project: str, kind: str, name: str) -> Resource:
    """Return a resource that another one needs. ApiProblem 409 when it is not there or not made yet."""
    found = find(platform, project, kind, name)
    word = kind.replace("_", " ")
    if found is None:
        raise ApiProblem(409, f"needs the {word} {name}, which is not there", path=f"{project}/{kind}/{name}")
    if found.status in ("pending", "failed") and not found.outputs:
        raise ApiProblem(409, f"needs the {word} {name}, which is {found.status}", path=found.id, fix="groundplan up")
    return found


def project_resources(platform: Platform, project: str, kind: str) -> list[Resource]:
    """Return a project's resources of one kind."""
    with platform.engine.connect() as connection:
        return store.every(connection, project, kind)
