"""Who needs a resource: as long as somebody does, it is not deleted. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class Declared(Protocol):
    """A declared resource, as far as this rule looks."""

    @property
    def id(self) -> str:
        """``<project>/<kind>/<name>``."""

    @property
    def kind(self) -> str:
        """Its kind's slug."""

    @property
    def project(self) -> str:
        """Its project."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """What it declares."""

    @property
    def upstream(self) -> Mapping[str, str]:
        """Ids of what feeds it."""


def needed_by(resource: Declared, others: Iterable[Declared]) -> list[str]:
    """Return the ids of those of a project's resources that need ``resource``, sorted.

    A project is needed by all of its; the rest by what they feed, and by what names them.
    """
    return sorted(other.id for other in others if other.id != resource.id and _needs(other, resource))


def _needs(other: Declared, resource: Declared) -> bool:
    if resource.kind == "project":
        return other.project == resource.project
    if resource.kind == "model":
        # An alias that is pinned to a number, and an application, name a model that does not feed them.
        return resource.id in other.upstream or _names(other, resource.name)
    if resource.kind == "alias":
        return other.kind == "serving_application" and _loads(other, resource)
    return resource.id in other.upstream


def _names(other: Declared, model: str) -> bool:
    return other.kind in ("alias", "serving_application") and other.properties.get("model") == model


def _loads(application: Declared, alias: Declared) -> bool:
    given, name = application.properties, alias.properties.get("alias")
    loaded = name in given.get("traffic", {}) or name in given.get("shadow", ())
    return loaded and given.get("model") == alias.properties.get("model")
