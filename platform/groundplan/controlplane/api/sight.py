"""What who asks may see of personal data: every route that tells of resources, events or verdicts asks here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends

from groundplan.controlplane import personal
from groundplan.controlplane.api.common import IdentityDep, PlatformDep
from groundplan.controlplane.context import Platform
from groundplan.controlplane.identity import Identity
from groundplan.controlplane.store import Resource
from groundplan.spec import marked


@dataclass(frozen=True)
class Sight:
    """The eyes of one caller."""

    identity: Identity
    platform: Platform

    def of(self, resource: Resource | None, project: str) -> bool:
        """Tell whether they may see the values of a resource; of one that is gone, of its project as it ever was."""
        if self.identity.sees(project):
            return True
        if resource is not None:
            return not marked(resource.properties)
        with self.platform.engine.connect() as connection:
            return project not in self.platform.marks.projects(connection)

    def document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a resource's document as they may see it."""
        return dict(document) if self.identity.sees(document["project"]) else personal.resource(document)

    def event(self, event: Mapping[str, Any], marks: frozenset[str]) -> dict[str, Any]:
        """Return an event as they may see it; ``marks`` as :meth:`marks` has them."""
        plain = event["project"] not in marks or self.identity.sees(event["project"])
        return dict(event) if plain else personal.event(event)

    def marks(self, connection: sa.Connection) -> frozenset[str]:
        """Return the projects that hold personal data or ever did."""
        return self.platform.marks.projects(connection)

    def permit(self, resource: Resource, what: str) -> None:
        """Raise ApiProblem 403 for what would show or use the personal data of a resource that holds some."""
        if not self.identity.sees(resource.project) and marked(resource.properties):
            raise personal.refusal(resource.project, f"may not {what}")

    def permit_declaring(self, wanted: Resource, what: str) -> None:
        """Raise ApiProblem 403 for a declaration that reads personal data, or would take a mark away."""
        if self.identity.sees(wanted.project):
            return
        with self.platform.engine.connect() as connection:
            if personal.touches(connection, wanted):
                raise personal.refusal(wanted.project, f"may not {what}")


def sight_of(identity: IdentityDep, platform: PlatformDep) -> Sight:
    """Return the sight of who asks. After :func:`groundplan.controlplane.api.common.authorized`."""
    return Sight(identity, platform)


SightDep = Annotated[Sight, Depends(sight_of)]
