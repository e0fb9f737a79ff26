"""What each part asks for unless the stack says otherwise."""

from dataclasses import dataclass

from groundplan.spec.cluster import ClusterSpec, PartSpec
from groundplan_components.kubernetes.pods import Size
from groundplan_components.kubernetes.scaling import Scaling


@dataclass(frozen=True)
class Default:
    """CPUs and MiB asked for, GiB of volume, replicas."""

    cpus: float
    memory_mb: int
    storage_gb: int = 0
    replicas: int = 1


#: Seen on a laptop under the example project (docs/kubernetes.md), rounded up.
DEFAULTS = {
    "database": Default(0.25, 512, storage_gb=10),
    "objects": Default(0.25, 512, storage_gb=20),
    "online_store": Default(0.1, 128, storage_gb=2),
    "mlflow": Default(0.25, 1024, replicas=1),
    "feast": Default(0.1, 512),
    "controlplane": Default(0.25, 1024),
    "identity": Default(0.1, 256, replicas=2),
    "gateway": Default(0.2, 128, replicas=2),
    "ray_operator": Default(0.1, 256),
    "gateway_operator": Default(0.1, 256),
    "proxy": Default(0.2, 128),
    "ray_head": Default(0.5, 2048),
    "ray_worker": Default(1.0, 3072),
    "prometheus": Default(0.1, 512, storage_gb=10),
    "grafana": Default(0.1, 128),
    "backup": Default(0.1, 256),
    "run": Default(0.25, 512),
}
EMPTY = PartSpec()


def size(part: str, cluster: ClusterSpec, gpus: int = 0) -> Size:
    """Return what one pod of a part may use; what only one of request and limit says, the other follows."""
    said, default = _said(part, cluster), DEFAULTS[part]
    cpus = said.cpus or min(default.cpus, said.cpu_limit or default.cpus)
    memory = said.memory_mb or min(default.memory_mb, said.memory_limit_mb or default.memory_mb)
    return Size(cpus, memory, said.cpu_limit or 4 * cpus, said.memory_limit_mb or 2 * memory, gpus)


def scaling(part: str, cluster: ClusterSpec) -> Scaling:
    """Return how a part grows."""
    said = _said(part, cluster)
    return Scaling(replicas(part, cluster), said.scale, said.right_size)


def replicas(part: str, cluster: ClusterSpec) -> int:
    """Return how many pods a part has."""
    return _said(part, cluster).replicas or DEFAULTS[part].replicas


def storage_gb(part: str, cluster: ClusterSpec) -> int:
    """Return how large a part's volume is, in GiB."""
    return _said(part, cluster).storage_gb or DEFAULTS[part].storage_gb


def _said(part: str, cluster: ClusterSpec) -> PartSpec:
    return cluster.parts.get(part, EMPTY)  # type: ignore[call-overload, no-any-return]
