"""The control plane: feature registry, lineage, training, pairs, aliases and serving, over REST."""

from dataclasses import replace

import pulumi

from groundplan_components.kubernetes import made
from groundplan_components.kubernetes.part import Shared, http_probe, own_pod
from groundplan_components.kubernetes.pods import Mount, Probes
from groundplan_components.kubernetes.site import Site
from groundplan_components.kubernetes.workload import Workload, WorkloadSpec

NAME, TEMPLATES = "controlplane", "/etc/groundplan-templates"
SECRETS = (
    "database-controlplane", "database-feast", "objects-access-key", "objects-secret-key", "online-store",
    "controlplane-token", "gateway-token", "mlflow-token", "ray-token", "serving-token",
)  # fmt: skip


class ControlPlane(pulumi.ComponentResource):
    """Our own service, which is the feature registry too and speaks Marquez's API. Needs every other part.

    Alive while its process answers; ready only with its database and Ray: a restart would mend neither of those. It
    alone, beside Ray's operator, asks the API server: it makes a Job for every run, and the RayService that answers.
    """

    def __init__(self, title: str, site: Site, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:ControlPlane", title, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        first = made.Made(f"{title}-made", site, shared, NAME, own)
        probes = Probes(http_probe("/healthz"), alive={"tcpSocket": {"port": "http"}})
        pod = own_pod(
            site, "controlplane", shared, ("groundplan.controlplane",), probes, secrets=SECRETS, stop_seconds=45,
            environment={"GROUNDPLAN_TEMPLATES": TEMPLATES},
            more=(Mount("templates", TEMPLATES, {"configMap": {"name": made.TEMPLATES, "defaultMode": 0o440}}),),
        )  # fmt: skip
        pod = replace(pod, token=True, settings=made.digest(site, shared))
        # Two would take up each other's unfinished work.
        spec = WorkloadSpec(pod, alone=True, doors=site.door("controlplane"))
        after = pulumi.ResourceOptions(parent=self, depends_on=[first])
        self.server = Workload("Server", title, spec, site.place, after)
        self.register_outputs({"address": site.url("controlplane")})
