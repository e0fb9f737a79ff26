"""What a stack on AWS takes in a month: its network, cluster, nodes, data and runs, as lines of a bill."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from groundplan.capacity import PLATFORM, Ask, Placement, Pool, asks_of, place, ray_shares, worker_asks, workers_of
from groundplan.capacity.nodes import platform_asks, pools_of
from groundplan.cost.bill import Bill, Line, tidy
from groundplan.cost.prices import HOURS
from groundplan.plan import Plan
from groundplan.spec.aws import AwsSpec
from groundplan.spec.cluster import ClusterSpec
from groundplan.spec.cost import UsageSpec

#: Interface endpoints that one name of ``aws.network.endpoints`` stands for; others are one.
ENDPOINTS = {"ecr": 2, "ssm": 3}
#: Zones that a network has where none are named.
ZONES = 3
#: Keys and secrets that the components make, as in ``groundplan_components.aws``.
KEYS, SECRETS = 2, 10
#: What RDS Proxy bills at least.
PROXY_VCPUS = 2


def aws_bill(aws: AwsSpec, cluster: ClusterSpec, plan: Plan, usage: UsageSpec) -> Bill:
    """Return the bill of a stack on AWS."""
    pools, asks, groups = pools_of(aws), asks_of(plan), workers_of(cluster)
    pods = [*platform_asks(cluster), *worker_asks(asks, groups)]
    low = _own(place(pods, pools), ray_shares(asks, groups))
    high = _own(place(pods, pools, most=True), ray_shares(asks, groups, most=True))
    lines = [
        *_network(aws, usage),
        *_cluster(aws, usage),
        *(line for pool in pools for line in _nodes(aws, pool, low, high)),
        *_database(aws),
        *_data(aws, usage),
        *_runs(asks, pools, usage),
    ]
    return Bill(aws.region, tidy(lines), _gpu_hours(asks, usage))


def _own(placed: Placement, workers: Mapping[str, Mapping[str, float]]) -> Placement:
    """Return a placement in which the share of Ray's workers is that of the projects whose replicas they run."""
    shares: dict[tuple[str, str], float] = {}
    for (pool, account), share in placed.shares.items():
        parts = workers.get(account, {account: 1.0})
        for owner, part in {PLATFORM: 1 - sum(parts.values()), **parts}.items():
            shares[pool, owner] = shares.get((pool, owner), 0.0) + share * part
    return replace(placed, shares=shares)


def _network(aws: AwsSpec, usage: UsageSpec) -> Iterator[Line]:
    zones = len(aws.network.zones) or ZONES
    if aws.network.adopt is None:
        gateways = zones if aws.network.nat == "per_zone" else 1
        yield Line("network", "nat.gateway", HOURS * gateways, HOURS * gateways)
        yield Line("network", "nat.gb", 0, usage.nat_gb)
        count = sum(ENDPOINTS.get(name, 1) for name in aws.network.endpoints) * zones
        yield Line("network", "endpoint.interface", HOURS * count, HOURS * count)
    yield Line("logs", "logs.gb", 0, usage.logs_gb, note="flow logs and control plane: cost.usage.logs_gb")
    if aws.door is not None:
        yield Line("load balancer", "alb.balancer", HOURS, HOURS)
        yield Line("load balancer", "alb.unit", 0, HOURS * usage.alb_units)


def _cluster(aws: AwsSpec, usage: UsageSpec) -> Iterator[Line]:
    yield Line("cluster", "eks.cluster", HOURS, HOURS, note="a version in extended support costs six times that")
    if aws.eks.runner is not None:
        yield Line("runner", f"node.{aws.eks.runner.instance}", HOURS, HOURS)
    yield Line("images", "ecr.gb", 0, usage.images_gb)
    yield Line("keys and secrets", "kms.key", KEYS, KEYS)
    yield Line("keys and secrets", "secrets.secret", SECRETS, SECRETS)


def _nodes(aws: AwsSpec, pool: Pool, low: Placement, high: Placement) -> Iterator[Line]:
    """Each project bears its replicas' share of the nodes; what is left over is the platform's."""
    component = f"nodes {pool.name}"
    item = f"{'spot' if pool.spot else 'node'}.{pool.type}"
    shares = [_shares(pool, placed) for placed in (low, high)]
    for project in sorted({*shares[0], *shares[1]}):
        hours = [HOURS * share.get(project, 0.0) for share in shares]
        yield Line(component, item, min(hours), max(hours), project)
    disk = aws.eks.node_groups[pool.name].disk_gb
    counts = [placed.machines[pool.name] * disk for placed in (low, high)]
    yield Line(component, "ebs.gp3_gb", min(counts), max(counts), note="the nodes' disks")


def _shares(pool: Pool, placed: Placement) -> dict[str, float]:
    own = {project: share for (name, project), share in placed.shares.items() if name == pool.name}
    total, machines = sum(own.values()), placed.machines[pool.name]
    # A replica's largest share may be another resource's than its neighbour's: together more than there is.
    scale = machines / total if total > machines else 1.0
    scaled = {project: share * scale for project, share in own.items()}
    rest = machines - sum(scaled.values())
    return {**scaled, PLATFORM: scaled.get(PLATFORM, 0.0) + rest}


def _database(aws: AwsSpec) -> Iterator[Line]:
    given = aws.database
    copies = (2 if given.multi_az else 1) + (1 if given.replica else 0)
    yield Line("database", f"rds.{given.instance}", HOURS * copies, HOURS * copies)
    if given.proxy:
        vcpus = HOURS * max(_vcpus(given.instance), PROXY_VCPUS)
        yield Line("database", "rds.proxy_vcpu", vcpus, vcpus, note="by the vCPUs of the database")
    most = max(given.max_storage_gb, given.storage_gb)
    yield Line("database", "rds.gp3_gb", given.storage_gb * copies, most * copies)


def _vcpus(instance: str) -> int:
    """Return the vCPUs of a class, ``db.m7g.2xlarge``, by its size: two up to large, then four for every ``x``."""
    size = instance.rsplit(".", 1)[-1]
    if not size.endswith("xlarge"):
        return 2
    return 4 * int(size.removesuffix("xlarge") or 1)


def _data(aws: AwsSpec, usage: UsageSpec) -> Iterator[Line]:
    nodes = HOURS * (1 + aws.cache.replicas)
    yield Line("online store", f"cache.valkey.{aws.cache.instance.removeprefix('cache.')}", nodes, nodes)
    copies = 2 if aws.objects.replicate_to else 1
    yield Line("objects", "s3.gb", 0, usage.objects_gb * copies, note="cost.usage.objects_gb")


def _runs(asks: Sequence[Ask], pools: Sequence[Pool], usage: UsageSpec) -> Iterator[Line]:
    """A training may come with any change, or not at all; one with GPUs starts a node for itself."""
    for ask in asks:
        pool = next((pool for pool in pools if pool.takes(ask.size)), None)
        if ask.kind != "run" or ask.what != "training" or pool is None:
            continue
        share = 1.0 if pool.low == 0 else ask.size.share_of(pool.room)
        item = f"{'spot' if pool.spot else 'node'}.{pool.type}"
        note = f"{ask.of}: {usage.trainings} a month (cost.usage.trainings), each at most {ask.hours:g} h"
        yield Line("training", item, 0, usage.trainings * ask.hours * share, ask.project, note)


def _gpu_hours(asks: Sequence[Ask], usage: UsageSpec) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for ask in (ask for ask in asks if ask.size.gpus):
        low, high = found.get(ask.project, (0.0, 0.0))
        if ask.kind == "run":
            high += ask.size.gpus * ask.hours * usage.trainings
        else:
            low, high = low + ask.size.gpus * ask.low * HOURS, high + ask.size.gpus * ask.high * HOURS
        found[ask.project] = (low, high)
    return found
