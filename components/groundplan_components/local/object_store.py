"""SeaweedFS: artifacts, raw data and features, over S3."""

import pulumi

from groundplan_components.local.part import Part
from groundplan_components.local.site import Site

PORTS = (
    "objects",
    "objects_master",
    "objects_master_grpc",
    "objects_volume",
    "objects_volume_grpc",
    "objects_filer",
    "objects_filer_grpc",
    "objects_iam_grpc",
)

#: Its volumes are written and closed after 1 s; then its filer waits for ever for a subscription of its own.
STOP = 5
#: Sockets that it makes at fixed paths under /tmp (0700: the supervisor's umask) and leaves when it is killed.
SOCKETS = {
    "master": "objects_master_grpc",
    "volume": "objects_volume_grpc",
    "filer": "objects_filer_grpc",
    "s3": "objects_iam_grpc",
}


class ObjectStore(Part):
    """An S3-compatible store with one bucket and one generated key."""

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ObjectStore", name, site.endpoints["objects"], opts)
        self.run(
            "objects",
            **site.service(*PORTS),
            command=site.module("groundplan.local.launch.seaweed", *site.named_ports(*PORTS)),
            health={"kind": "http", "url": f"{site.endpoints['objects']}/healthz", "timeout": 60},
            setup=[site.module("groundplan_runtime.setup_bucket")],
            stop_seconds=STOP,
            scratch=[f"/tmp/seaweedfs-{each}-grpc-{site.ports[port]}.sock" for each, port in SOCKETS.items()],  # noqa: S108
        )
