"""Groups of like machines, and how many of them a number of replicas takes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from groundplan.capacity.demand import Ask, Size


@dataclass(frozen=True)
class Pool:
    """A group of like machines that grows from ``low`` to ``high`` of them.

    ``machine`` is what one has, ``room`` what it leaves to replicas. ``where`` is its place in the stack's YAML.
    """

    name: str
    where: str
    type: str
    machine: Size
    room: Size
    low: int
    high: int
    spot: bool = False
    #: What does not ask for GPUs is kept away (a taint), and what does runs nowhere else.
    gpus_only: bool = False

    def takes(self, size: Size) -> bool:
        """Return whether one of its machines, empty, would hold something of this size."""
        return size.fits(self.room) and not (self.gpus_only and not size.gpus)


@dataclass
class Placement:
    """How many machines of each pool are up, what each project takes of them, and what found no room."""

    machines: dict[str, int]
    #: (pool, project) → machines' worth, by each replica's largest share of one.
    shares: dict[tuple[str, str], float] = field(default_factory=dict)
    left: list[tuple[Ask, int]] = field(default_factory=list)


def place(asks: Iterable[Ask], pools: Sequence[Pool], most: bool = False) -> Placement:
    """Place replicas on machines, largest first, each on the first that has room (first-fit decreasing).

    A scheduler may do a little better or worse: first-fit decreasing takes at most 11/9 of the best
    (Johnson 1973), counted by one resource.
    """
    packing = _Packing(pools)
    ordered = sorted(asks, key=lambda ask: (ask.size.gpus, ask.size.cpus, ask.size.memory_mb), reverse=True)
    for ask in ordered:
        packing.add(ask, ask.high if most else ask.low)
    return packing.placement


def unbounded(pools: Sequence[Pool]) -> list[Pool]:
    """Return the pools as if they might grow without end: to say how large they would have to be."""
    return [replace(pool, high=max(pool.high, 100_000)) for pool in pools]


class _Packing:
    def __init__(self, pools: Sequence[Pool]) -> None:
        self.pools = pools
        self.free: dict[str, list[Size]] = {pool.name: [pool.room] * pool.low for pool in pools}
        self.placement = Placement({pool.name: pool.low for pool in pools})

    def add(self, ask: Ask, count: int) -> None:
        for done in range(count):
            if not self._one(ask):
                self.placement.left.append((ask, count - done))
                return

    def _one(self, ask: Ask) -> bool:
        able = [pool for pool in self.pools if pool.takes(ask.size)]
        return any(self._into(pool, ask) for pool in able) or any(self._grown(pool, ask) for pool in able)

    def _into(self, pool: Pool, ask: Ask) -> bool:
        for index, room in enumerate(self.free[pool.name]):
            if ask.size.fits(room):
                self._take(pool, index, ask)
                return True
        return False

    def _grown(self, pool: Pool, ask: Ask) -> bool:
        if len(self.free[pool.name]) >= pool.high:
            return False
        self.free[pool.name].append(pool.room)
        self.placement.machines[pool.name] += 1
        self._take(pool, -1, ask)
        return True

    def _take(self, pool: Pool, index: int, ask: Ask) -> None:
        self.free[pool.name][index] = self.free[pool.name][index] - ask.size
        key = (pool.name, ask.project)
        share = ask.size.share_of(pool.room)
        self.placement.shares[key] = self.placement.shares.get(key, 0.0) + share


def room_of(machine: Size) -> Size:
    """Return what a Kubernetes node leaves to workloads, once kubelet, the system and its daemons have theirs.

    About what EKS reserves (https://github.com/awslabs/amazon-eks-ami: 255 MiB and 11 MiB a pod, up to 6 % of a
    core) and CNI, proxy, CSI and log agents request: half a CPU, 7 % of the memory and 512 MiB.
    """
    return Size(max(machine.cpus - 0.5, 0), max(math.floor(machine.memory_mb * 0.93) - 512, 0), machine.gpus)
