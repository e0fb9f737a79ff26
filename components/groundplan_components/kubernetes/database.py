"""PostgreSQL: rows of the tracking server, the feature registry, the control plane and the issuer."""

import pulumi

from groundplan_components.kubernetes.part import DATA, Shared, own_pod, python_probe, tcp_probe
from groundplan_components.kubernetes.pods import Mount, Probes
from groundplan_components.kubernetes.site import PORTS, Site
from groundplan_components.kubernetes.sizes import storage_gb
from groundplan_components.kubernetes.task import Task
from groundplan_components.kubernetes.workload import Storage, Workload, WorkloadSpec

ROLES = ("controlplane", "feast", "identity", "mlflow")
SECRETS = ("database-admin", "database-feast-reader", *(f"database-{role}" for role in ROLES))
LAUNCH = "groundplan.local.launch"
SHM = Mount("shm", "/dev/shm", {"emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}}, read_only=False)  # noqa: S108


class Database(pulumi.ComponentResource):
    """PostgreSQL 18 with one volume."""

    def __init__(self, title: str, site: Site, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:Database", title, None, opts)
        pod = own_pod(
            site, "database", shared, (f"{LAUNCH}.postgres", f"database={PORTS['database']}"),
            Probes(python_probe("database"), alive=tcp_probe("postgres")), image="services", port="postgres",
            secrets=("database-admin",), stop_seconds=60,
            data=Mount("data", DATA, None, read_only=False), more=(SHM,),
        )  # fmt: skip
        spec = WorkloadSpec(pod, storage=Storage(storage_gb("database", site.cluster)))
        self.server = Workload("Server", title, spec, site.place, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"address": site.address("database")})


def roles(title: str, site: Site, shared: Shared, opts: pulumi.ResourceOptions) -> Task:
    """Declare the job that makes a role and a database for each service, wherever PostgreSQL runs."""
    pod = own_pod(
        site, "database", shared, (f"{LAUNCH}.postgres_setup",), name="database-setup", image="services",
        secrets=SECRETS,
    )  # fmt: skip
    return Task(title, pod, site.place, opts)
