"""Feast's feature server: online features, for whoever may read them."""

import pulumi

from groundplan_components.kubernetes.part import Shared, http_probe, own_pod
from groundplan_components.kubernetes.pods import Probes
from groundplan_components.kubernetes.site import Site
from groundplan_components.kubernetes.sizes import replicas
from groundplan_components.kubernetes.workload import Workload, WorkloadSpec

SECRETS = ("database-feast-reader", "feast-token")
#: What opens the online store: a user who only reads, where the store knows more than one.
READER, ONLY = "online-store-reader", "online-store"


class FeatureServer(pulumi.ComponentResource):
    """Feast's own server, which only reads: there may be several. Needs the database and the online store."""

    def __init__(self, title: str, site: Site, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:FeatureServer", title, None, opts)
        pod = own_pod(
            site, "feast", shared, ("groundplan_runtime.feature_server",), Probes(http_probe("/health")),
            secrets=(*SECRETS, ONLY if READER in site.without else READER),
        )  # fmt: skip
        spec = WorkloadSpec(pod, replicas("feast", site.cluster))
        self.server = Workload("Server", title, spec, site.place, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"address": site.url("feast")})
