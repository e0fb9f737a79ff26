"""Who needs what."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from groundplan.controlplane.rules.dependents import needed_by


@dataclass(frozen=True)
class Thing:
    """A declared resource."""

    kind: str
    name: str
    upstream: dict[str, str] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    project: str = "p"

    @property
    def id(self) -> str:
        return f"{self.project}/{self.kind}/{self.name}"


PROJECT = Thing("project", "p")
VIEW = Thing("feature_view", "v")
SERVICE = Thing("feature_service", "fs", {"p/feature_view/v": "1"})
MODEL = Thing("model", "m", {"p/feature_service/fs": "1"})
PINNED = Thing("alias", "m@production", {}, {"model": "m", "alias": "production", "version": 3})
LATEST = Thing("alias", "m@latest", {"p/model/m": "1"}, {"model": "m", "alias": "latest"})
APPLICATION = Thing("serving_application", "a", {}, {"model": "m", "traffic": {"production": 100.0}})
EVERYTHING = [PROJECT, VIEW, SERVICE, MODEL, PINNED, LATEST, APPLICATION]


@pytest.mark.parametrize(
    ("resource", "users"),
    [
        (PROJECT, [thing.id for thing in EVERYTHING if thing is not PROJECT]),
        (VIEW, ["p/feature_service/fs"]),
        (SERVICE, ["p/model/m"]),
        (MODEL, ["p/alias/m@latest", "p/alias/m@production", "p/serving_application/a"]),
        (PINNED, ["p/serving_application/a"]),
        (LATEST, []),
        (APPLICATION, []),
    ],
)
def test_what_needs_it(resource: Thing, users: list[str]) -> None:
    assert needed_by(resource, EVERYTHING) == sorted(users)


def test_a_project_does_not_need_itself() -> None:
    assert needed_by(PROJECT, [PROJECT]) == []
