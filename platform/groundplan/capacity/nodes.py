"""The machines that a stack on AWS declares, and what the platform itself takes of them."""

from groundplan.capacity.demand import PLATFORM, Ask, Size
from groundplan.capacity.pools import Pool, room_of
from groundplan.spec.aws import AwsSpec, NodeGroupSpec
from groundplan.spec.cluster import ClusterSpec, PartName, PartSpec
from groundplan.spec.offers import offers

#: Part → CPUs and MiB that one of its pods asks for, and how many there are, where the stack says nothing else: as in
#: ``groundplan_components.kubernetes.sizes``. On AWS data services are none of the cluster's.
PARTS: dict[PartName, tuple[float, int, int]] = {
    "mlflow": (0.25, 1024, 1),
    "feast": (0.1, 512, 1),
    "controlplane": (0.25, 1024, 1),
    "identity": (0.1, 256, 2),
    "gateway": (0.2, 128, 2),
    "ray_operator": (0.1, 256, 1),
    "ray_head": (0.5, 2048, 1),
    "prometheus": (0.1, 512, 1),
    "grafana": (0.1, 128, 1),
}
#: Of load balancer, autoscaler, DNS and metrics together.
CONTROLLERS = Ask(PLATFORM, "platform", "controllers", "platform", Size(0.5, 1024), 1, 1)


def platform_asks(cluster: ClusterSpec) -> tuple[Ask, ...]:
    """Return what the platform's own pods ask of nodes, Ray's workers aside."""
    return (*(_part(name, cluster) for name in PARTS), CONTROLLERS)


def _part(name: PartName, cluster: ClusterSpec) -> Ask:
    (cpus, memory, count), said = PARTS[name], cluster.parts.get(name, PartSpec())
    size, replicas = Size(said.cpus or cpus, said.memory_mb or memory), said.replicas or count
    return Ask(PLATFORM, "platform", name, "platform", size, replicas, replicas)


def pools_of(aws: AwsSpec) -> tuple[Pool, ...]:
    """Return the declared node groups as pools, in their order; a type that nobody knows is left out.

    A group of several types counts as the smallest of them: which one comes is the market's choice.
    """
    return tuple(pool for name, group in aws.eks.node_groups.items() if (pool := _pool(name, group)))


def _pool(name: str, group: NodeGroupSpec) -> Pool | None:
    found = [offers().types[type] for type in group.instances if type in offers().types]
    if not found:
        return None
    machine = Size(
        min(type.vcpus for type in found), min(type.memory_mb for type in found), min(type.gpus for type in found)
    )
    return Pool(
        name,
        f"aws.eks.node_groups.{name}",
        group.instances[0],
        machine,
        room_of(machine),
        group.min,
        group.max,
        spot=group.market == "spot",
        gpus_only=machine.gpus > 0,
    )
