"""Ray: jobs that make features and train, and Serve, which answers requests."""

from dataclasses import dataclass

import pulumi

from groundplan.local.folder import short_folder
from groundplan.spec.stack import DOOR_OFFSETS, RAY_WORKER_OFFSETS
from groundplan_components.local.part import Part
from groundplan_components.local.site import Site

PORTS = (
    "ray",
    "serve",
    "ray_gcs",
    "ray_node_manager",
    "ray_object_manager",
    "ray_agent_http",
    "ray_agent_grpc",
    "ray_runtime_env",
    "ray_metrics",
    "ray_dashboard_metrics",
    "serve_metrics",
    "serve_statistics",
    "serve_fallback",
    "serve_fallback_grpc",
)


@dataclass(frozen=True)
class RaySize:
    """What Ray may hand out: CPUs, memory and object store in MiB; and where its workers' ports begin."""

    cpus: float
    memory_mb: int
    object_store_mb: int
    port_base: int


class Ray(Part):
    """A Ray head with dashboard and Serve, all on loopback, with token authentication."""

    def __init__(self, name: str, site: Site, size: RaySize, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Ray", name, site.endpoints["ray"], opts)
        temp = str(short_folder(site.stack_id) / "ray")
        first, last = (size.port_base + offset for offset in RAY_WORKER_OFFSETS)
        first_door, last_door = (size.port_base + offset for offset in DOOR_OFFSETS)
        words = [
            *site.named_ports(*PORTS),
            f"ray_workers_first={first}",
            f"ray_workers_last={last}",
            f"doors_first={first_door}",
            f"doors_last={last_door}",
            f"cpus={size.cpus:g}",
            f"memory_mb={size.memory_mb}",
            f"object_store_mb={size.object_store_mb}",
            f"temp={temp}",
        ]
        self.run(
            "ray",
            **site.service(*PORTS),
            command=site.module("groundplan.local.launch.ray_head", *words),
            health={"kind": "command", "command": site.module("groundplan.local.launch.probe", "ray"), "timeout": 240},
            stop_seconds=6,
            scratch=[temp, str(short_folder(site.stack_id) / "h")],
        )
