"""What will not fit on the machines that a stack declares, whatever its target."""

from groundplan.capacity.demand import Size, asks_of
from groundplan.capacity.local import local_shortages
from groundplan.capacity.nodes import platform_asks, pools_of
from groundplan.capacity.ray import Workers, ray_shortages
from groundplan.plan import Plan
from groundplan.spec import StackSpec
from groundplan.spec.cluster import ClusterSpec, PartSpec

#: What a worker asks for where nothing is said, as in ``groundplan_components.kubernetes.sizes``.
RAY_WORKER = Size(1.0, 3072)


def shortages_of(stack: StackSpec, plan: Plan) -> tuple[str, ...]:
    """Return one line a shortage, with its fix; none where the stack does not say which machines there are."""
    asks = asks_of(plan)
    if stack.target == "local":
        return tuple(local_shortages(asks, stack.local.ray.cpus))
    nodes = pools_of(stack.aws) if stack.aws is not None else ()
    return ray_shortages(asks, workers_of(stack.cluster), platform_asks(stack.cluster), nodes, stack.capacity.quotas)


def workers_of(cluster: ClusterSpec) -> tuple[Workers, ...]:
    """Return the declared groups of Ray's workers, as ``groundplan_components.kubernetes.sizes`` makes their pods."""
    said = cluster.parts.get("ray_worker", PartSpec())
    cpus = said.cpus or min(RAY_WORKER.cpus, said.cpu_limit or RAY_WORKER.cpus)
    memory = said.memory_mb or min(RAY_WORKER.memory_mb, said.memory_limit_mb or RAY_WORKER.memory_mb)
    limits = said.cpu_limit or 4 * cpus, said.memory_limit_mb or 2 * memory
    return tuple(
        Workers(name, Size(cpus, memory, group.gpus), group.min, group.max, Size(*limits, group.gpus))
        for name, group in sorted(cluster.ray_workers.items())
    )
