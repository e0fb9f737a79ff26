"""What every target gives: a platform that ML resources can live on. The interface that kind and aws implement too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pulumi

from groundplan.plan import Plan
from groundplan.spec import StackSpec
from groundplan_components.resources import Groundplan


@dataclass(frozen=True)
class Platform:
    """A platform as deployed.

    ``endpoints``: part → address, all known to the plan; ``ready``: what must stand before any ML resource;
    ``database``: with its removal all ML resources are gone, so a control plane that is down blocks no destroy.
    """

    provider: Groundplan
    endpoints: Mapping[str, str]
    credentials: Mapping[str, pulumi.Output[str]]
    ready: Sequence[pulumi.Resource]
    database: pulumi.Resource
    #: ``<project>/<application>`` → address and process, of applications that are one process.
    applications: Mapping[str, str] = field(default_factory=dict)
    singles: Mapping[str, pulumi.Resource] = field(default_factory=dict)
    #: Who signs tokens; and, of the stack's own issuer, secret name → generated password or client secret.
    issuer: str = ""
    identities: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    #: Path of the certificate by which clients know the gateway; none where a public authority signed it.
    gateway_ca: str | None = None


class Target(Protocol):
    """Deploys the platform's parts on one kind of place."""

    def __call__(self, stack: StackSpec, plan: Plan, stack_id: str, root: Path) -> Platform:
        """Declare every part, in order. GroundplanError when something it needs is missing."""
        ...
