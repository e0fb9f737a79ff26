"""Where the platform's data is: services in the cluster, or a cloud's own. The same interface for both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

BUCKET = "groundplan"
REGION = "us-east-1"


@dataclass(frozen=True)
class DataServices:
    """PostgreSQL, an object store that speaks S3, an online store that speaks Redis' protocol.

    Addresses as pods reach them; a cloud knows them only when they are made, so they may be outputs. ``objects``:
    the URL of an S3 endpoint, None where it is AWS' own. ``secrets``: names of docs/contracts.md → values;
    ``ready``: what must stand. ``resource``: the database itself, with whose removal every ML resource is gone; None:
    it runs in the cluster.
    """

    database: pulumi.Input[str]
    online_store: pulumi.Input[str]
    objects: pulumi.Input[str] | None
    secrets: Mapping[str, pulumi.Input[str]]
    ready: Sequence[pulumi.Resource] = ()
    resource: pulumi.Resource | None = None
    bucket: pulumi.Input[str] = BUCKET
    region: str = REGION
    #: Whether the services want TLS of their clients.
    tls: bool = False
    #: Workload → the role whose rights its run is given.
    roles: Mapping[str, str] = field(default_factory=dict)

    def endpoints(self) -> dict[str, pulumi.Input[str]]:
        """Return them by the names of ``runtime.json``."""
        found: dict[str, pulumi.Input[str]] = {"database": self.database, "online_store": self.online_store}
        return found | ({"objects": self.objects} if self.objects is not None else {})
