"""What a preview takes the platform's pods for is what the components make of them."""

from groundplan.capacity import workers_of
from groundplan.capacity.nodes import PARTS
from groundplan.spec.cluster import ClusterSpec, PartSpec, RayWorkersSpec
from groundplan_components.kubernetes.sizes import DEFAULTS, size


def test_a_worker_asks_and_gives_what_its_pod_does() -> None:
    for part in (PartSpec(), PartSpec(cpus=2, memory_mb=8192), PartSpec(cpu_limit=0.5), PartSpec(memory_limit_mb=1024)):
        cluster = ClusterSpec(parts={"ray_worker": part}, ray_workers={"gpu": RayWorkersSpec(min=1, max=3, gpus=1)})
        (workers,) = workers_of(cluster)
        pod = size("ray_worker", cluster, 1)
        assert (workers.size.cpus, workers.size.memory_mb, workers.size.gpus) == (pod.cpus, pod.memory_mb, pod.gpus)
        assert (workers.room.cpus, workers.room.memory_mb) == (pod.cpu_limit, pod.memory_limit_mb)
        assert (workers.low, workers.high) == (1, 3)


def test_the_platforms_own_parts_are_as_the_components_make_them() -> None:
    made = {name: (part.cpus, part.memory_mb, part.replicas) for name, part in DEFAULTS.items()}
    assert {name: made[name] for name in PARTS} == PARTS
    data, other = {"database", "objects", "online_store", "backup"}, {"ray_worker", "run"}
    in_kind = {"gateway_operator", "proxy"}  # where there is no node that costs anything
    assert set(made) == set(PARTS) | data | other | in_kind, "a new part asks for room, too"
