"""MLflow: runs, models, and the registry of pairs."""

import pulumi

from groundplan_components.kubernetes.part import Shared, http_probe, own_pod
from groundplan_components.kubernetes.pods import Probes
from groundplan_components.kubernetes.site import PORTS, Site
from groundplan_components.kubernetes.sizes import replicas
from groundplan_components.kubernetes.workload import Workload, WorkloadSpec

SECRETS = ("database-mlflow", "objects-access-key", "objects-secret-key", "mlflow-token")


class Tracking(pulumi.ComponentResource):
    """MLflow's server: it keeps nothing itself, so there may be several. Needs the database and the object store."""

    def __init__(self, title: str, site: Site, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:Tracking", title, None, opts)
        pod = own_pod(
            site, "mlflow", shared, ("groundplan.local.launch.tracking", f"mlflow={PORTS['mlflow']}"),
            Probes(http_probe("/health")), secrets=SECRETS,
            environment={"GROUNDPLAN_HOSTS": ",".join(site.hosts("mlflow"))},
        )  # fmt: skip
        spec = WorkloadSpec(pod, replicas("mlflow", site.cluster), doors=site.door("mlflow"))
        self.server = Workload("Server", title, spec, site.place, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"address": site.url("mlflow")})
