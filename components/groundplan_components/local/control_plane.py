"""The control plane: features, training, pairs, aliases and serving, over REST."""

import pulumi

from groundplan_components.local.part import Part
from groundplan_components.local.site import Site


class ControlPlane(Part):
    """Our own service. Needs every other part."""

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ControlPlane", name, site.endpoints["controlplane"], opts)
        self.run(
            "controlplane",
            **site.service("controlplane"),
            command=site.module("groundplan.controlplane"),
            health={"kind": "http", "url": f"{site.endpoints['controlplane']}/healthz", "timeout": 120},
            stop_seconds=20,
        )
