"""Feast's feature server: online features, for whoever may read them."""

import pulumi

from groundplan_components.local.part import Part
from groundplan_components.local.site import Site


class FeatureServer(Part):
    """Feast's own server, which only reads. Needs the database and the online store."""

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("FeatureServer", name, site.endpoints["feast"], opts)
        self.run(
            "feast",
            **site.service("feast"),
            command=site.module("groundplan_runtime.feature_server"),
            health={"kind": "http", "url": f"{site.endpoints['feast']}/health", "timeout": 60},
        )
