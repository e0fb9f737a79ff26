"""Valkey: the feature values that serving reads."""

import pulumi

from groundplan_components.kubernetes.part import DATA, Shared, own_pod, python_probe, tcp_probe
from groundplan_components.kubernetes.pods import Mount, Probes
from groundplan_components.kubernetes.site import PORTS, Site
from groundplan_components.kubernetes.sizes import storage_gb
from groundplan_components.kubernetes.workload import Storage, Workload, WorkloadSpec

SECRETS = ("online-store", "online-store-reader")


class OnlineStore(pulumi.ComponentResource):
    """Valkey with a generated password, an append-only file and one volume."""

    def __init__(self, title: str, site: Site, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:OnlineStore", title, None, opts)
        pod = own_pod(
            site, "online_store", shared,
            ("groundplan.local.launch.valkey", f"online_store={PORTS['online-store']}"),
            Probes(python_probe("online_store"), alive=tcp_probe("redis")),
            image="services", port="redis", secrets=SECRETS, data=Mount("data", DATA, None, read_only=False),
        )  # fmt: skip
        spec = WorkloadSpec(pod, storage=Storage(storage_gb("online_store", site.cluster)))
        self.server = Workload("Server", title, spec, site.place, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"address": site.address("online-store")})
