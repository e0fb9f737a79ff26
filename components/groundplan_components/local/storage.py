"""The stack's data folder, its generated secrets, and the files by which its processes find each other."""

import pulumi

from groundplan_components.local.site import Site
from groundplan_components.resources import DataFolder, RuntimeConfig, Secret

SECRETS = (
    "database-admin",
    "database-mlflow",
    "database-feast",
    "database-feast-reader",
    "database-controlplane",
    "database-identity",
    "identity-seal",
    "objects-access-key",
    "objects-secret-key",
    "objects-sts",
    "online-store",
    "online-store-reader",
    "controlplane-token",
    "ray-token",
    "mlflow-token",
    "mlflow-reader-token",
    "feast-token",
    "gateway-token",
    "serving-token",
)
#: What the registry's owner has, not who reads it.
OWNERS = ("mlflow-token", "mlflow-reader-token")


class Storage(pulumi.ComponentResource):
    """Everything that a service needs before it starts. ``secrets``: name → resource; ``runtime``: depend on it."""

    folder: DataFolder
    secrets: dict[str, Secret]
    runtime: RuntimeConfig

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:platform:Storage", name, None, opts)
        where = {"folder": site.folder, "stack_id": site.stack_id}
        self.folder = DataFolder(
            "data-folder", **where, stack=site.stack, root=site.root, keep=site.keep, code=site.code,
            sources=list(site.sources), opts=pulumi.ResourceOptions(parent=self),
        )  # fmt: skip
        inside = pulumi.ResourceOptions(parent=self, depends_on=[self.folder])
        names = [each for each in SECRETS if site.registry is None or each not in OWNERS]
        self.secrets = {
            each: Secret(each, **where, name=each, keep=site.keep, opts=inside) for each in (*names, *site.subjects)
        }
        self.runtime = RuntimeConfig(
            "runtime-config", **where, stack=site.stack, bucket=site.bucket, endpoints=site.endpoints,
            applications=site.applications, registry=site.registry,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.folder, *self.secrets.values()]),
        )  # fmt: skip
        self.register_outputs({"folder": site.folder})
