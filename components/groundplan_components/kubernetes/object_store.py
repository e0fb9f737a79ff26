"""SeaweedFS: artifacts, raw data, features and predictions, over S3."""

import pulumi

from groundplan_components.kubernetes.part import DATA, Shared, http_probe, own_pod
from groundplan_components.kubernetes.pods import Mount, Probes
from groundplan_components.kubernetes.site import PORTS, Site
from groundplan_components.kubernetes.sizes import storage_gb
from groundplan_components.kubernetes.task import Task
from groundplan_components.kubernetes.workload import Storage, Workload, WorkloadSpec

KEYS = ("objects-access-key", "objects-secret-key")
SECRETS = (*KEYS, "objects-sts")
#: Ports that only the pod itself uses.
INSIDE = {
    "objects_master": 9333, "objects_master_grpc": 19333, "objects_volume": 8180, "objects_volume_grpc": 18180,
    "objects_filer": 8888, "objects_filer_grpc": 18888, "objects_iam_grpc": 18333,
}  # fmt: skip


class ObjectStore(pulumi.ComponentResource):
    """An S3-compatible store with one volume."""

    def __init__(self, title: str, site: Site, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:ObjectStore", title, None, opts)
        ports = [f"{name}={port}" for name, port in {"objects": PORTS["objects"], **INSIDE}.items()]
        pod = own_pod(
            site, "objects", shared, ("groundplan.local.launch.seaweed", *ports), Probes(http_probe("/healthz", "s3")),
            image="services", port="s3", secrets=SECRETS, data=Mount("data", DATA, None, read_only=False),
        )  # fmt: skip
        spec = WorkloadSpec(pod, storage=Storage(storage_gb("objects", site.cluster)))
        self.server = Workload("Server", title, spec, site.place, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"address": site.url("objects")})


def buckets(title: str, site: Site, shared: Shared, opts: pulumi.ResourceOptions) -> Task:
    """Declare the job that makes the stack's buckets."""
    pod = own_pod(site, "objects", shared, ("groundplan_runtime.setup_bucket",), name="objects-setup", secrets=KEYS)
    return Task(title, pod, site.place, opts)
