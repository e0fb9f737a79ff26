"""Everything of AWS that the platform stands on, in the order in which it can be made and unmade."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from groundplan.plan import Plan
from groundplan.spec.cost import CostSpec
from groundplan_components.aws.budget import Budget
from groundplan_components.aws.cache import Cache
from groundplan_components.aws.database import ADMIN, Database
from groundplan_components.aws.dns import Door
from groundplan_components.aws.eks import Cluster
from groundplan_components.aws.identity import Identities
from groundplan_components.aws.irsa import Irsa
from groundplan_components.aws.keys import Keys
from groundplan_components.aws.network import Network
from groundplan_components.aws.objects import Buckets
from groundplan_components.aws.registry import Registry
from groundplan_components.aws.runner import Runner
from groundplan_components.aws.site import Site


@dataclass(frozen=True)
class Infrastructure:
    """What was declared. ``door``, ``runner`` and ``irsa`` are None where none is declared."""

    network: Network
    keys: Keys
    buckets: Buckets
    database: Database
    cache: Cache
    registry: Registry
    cluster: Cluster
    identities: Identities
    door: Door | None
    runner: Runner | None
    irsa: Irsa | None


def declare(
    site: Site, cost: CostSpec, plan: Plan, provider: aws.Provider, secrets: Mapping[str, pulumi.Input[str]]
) -> Infrastructure:
    """Declare budget, keys, network, data, cluster, identities and the door.

    ``secrets``: the platform's, by the names of docs/contracts.md.
    """
    opts = pulumi.ResourceOptions(providers=[provider])
    Budget("budget", site.stack, cost, opts)
    keys = Keys("keys", site, opts)
    network = Network("network", site, keys, opts)
    buckets = Buckets("objects", site, keys, opts)
    database = Database("database", site, network, keys, passwords(secrets), opts)
    cache = Cache("cache", site, network, keys, secrets["online-store"], secrets["online-store-reader"], opts)
    registry = Registry("registry", site, keys, opts)
    cluster = Cluster("eks", site, network, keys, opts)
    irsa = Irsa("irsa", site, cluster.cluster, opts) if site.aws.eks.irsa else None
    identities = Identities("identities", site, plan, cluster.cluster, buckets, keys, opts)
    door = Door("door", site, network, cluster, buckets, opts) if site.aws.door else None
    runner = Runner("runner", site, network, cluster, opts) if site.aws.eks.runner else None
    return Infrastructure(network, keys, buckets, database, cache, registry, cluster, identities, door, runner, irsa)


def passwords(secrets: Mapping[str, pulumi.Input[str]]) -> dict[str, pulumi.Input[str]]:
    """Return role of the database → password, of secrets ``database-<role>``; that of the administrator by its name."""
    named = {name.removeprefix("database-"): each for name, each in secrets.items() if name.startswith("database-")}
    return {ADMIN if name == "admin" else name.replace("-", "_"): each for name, each in named.items()}
