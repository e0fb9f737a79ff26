"""What a plan asks of machines: every replica and every run, with its size."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from groundplan.plan import Node, Plan
from groundplan.spec import seconds

#: Taken for a replica that declares no memory: what a process of a tier has been seen to hold.
REPLICA_MEMORY_MB = 512
PLATFORM = "platform"


@dataclass(frozen=True)
class Size:
    """CPUs, memory in MiB and GPUs: of a replica, a run, a machine."""

    cpus: float
    memory_mb: float
    gpus: float = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(self.cpus + other.cpus, self.memory_mb + other.memory_mb, self.gpus + other.gpus)

    def __sub__(self, other: "Size") -> "Size":
        return Size(self.cpus - other.cpus, self.memory_mb - other.memory_mb, self.gpus - other.gpus)

    def times(self, count: float) -> "Size":
        """Return ``count`` of it together."""
        return Size(self.cpus * count, self.memory_mb * count, self.gpus * count)

    def fits(self, room: "Size") -> bool:
        """Return whether it fits into ``room``; a millionth of a CPU is no shortage."""
        pairs = ((self.cpus, room.cpus), (self.memory_mb, room.memory_mb), (self.gpus, room.gpus))
        return all(mine <= theirs + 1e-6 for mine, theirs in pairs)

    def share_of(self, whole: "Size") -> float:
        """Return its largest share of a machine: what it keeps others from."""
        pairs = ((self.cpus, whole.cpus), (self.memory_mb, whole.memory_mb), (self.gpus, whole.gpus))
        return max(mine / theirs if theirs else (1.0 if mine else 0.0) for mine, theirs in pairs)


@dataclass(frozen=True)
class Ask:
    """Some replicas of one size, between ``low`` and ``high`` of them; ``of``: the application, model or service."""

    project: str
    of: str
    what: str
    kind: Literal["serving", "run", "platform"]
    size: Size
    low: int
    high: int
    #: How long one runs at most, in hours; 0: for ever.
    hours: float = 0


def asks_of(plan: Plan) -> tuple[Ask, ...]:
    """Return what the applications and the runs of a plan ask for, in plan order."""
    return tuple(ask for node in plan.nodes for ask in _asks(node))


def together(asks: Iterable[Ask], most: bool = False) -> Size:
    """Return what they take together: with their fewest replicas, or their most."""
    total = Size(0, 0, 0)
    for ask in asks:
        total = total + ask.size.times(ask.high if most else ask.low)
    return total


def doubled(asks: Iterable[Ask], of: str | None = None) -> tuple[Ask, ...]:
    """Return the asks with twice the replicas of one application, or (None) of all: a roll-out, blue beside green."""
    return tuple(
        replace(ask, low=2 * ask.low, high=2 * ask.high) if ask.kind == "serving" and of in (None, ask.of) else ask
        for ask in asks
    )


def _asks(node: Node) -> Iterator[Ask]:
    if node.kind == "ServingApplication":
        yield from _serving(node)
    elif node.properties.get("resources") and not node.properties.get("source"):  # a model with a source trains none
        yield _run(node)


def _run(node: Node) -> Ask:
    given = node.properties["resources"]
    size = Size(float(given["cpus"]), float(given["memory_mb"]), float(given.get("gpus") or 0))
    what = {"Model": "training", "DataSource": "ingestion", "FeatureView": "feature run"}[node.kind]
    return Ask(node.project, f"{node.project}/{node.name}", what, "run", size, 0, 1, _hours(given["timeout"]))


def _serving(node: Node) -> Iterator[Ask]:
    tiers, of = node.properties["tiers"], f"{node.project}/{node.name}"
    if node.properties["topology"] == "tiered":
        for name, tier in tiers.items():
            yield Ask(node.project, of, f"{name} tier", "serving", _size(tier), *_replicas(tier))
        return
    # One process does all: replicas of ``api``, the resources of all tiers together.
    whole = Size(0, 0, 0)
    for tier in tiers.values():
        whole = whole + _size(tier)
    yield Ask(node.project, of, "replica", "serving", whole, *_replicas(tiers["api"]))


def _size(tier: Mapping[str, Any]) -> Size:
    return Size(float(tier["cpus"]), float(tier.get("memory_mb") or REPLICA_MEMORY_MB), float(tier.get("gpus") or 0))


def _replicas(tier: Mapping[str, Any]) -> tuple[int, int]:
    given = tier["replicas"]
    return (int(given["min"]), int(given["max"])) if isinstance(given, Mapping) else (int(given), int(given))


def _hours(timeout: str) -> float:
    return seconds(timeout) / 3600
