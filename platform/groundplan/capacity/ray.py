"""Replicas on Ray's worker pods, and those on nodes: what a cluster with declared groups of workers can hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from groundplan.capacity.demand import Ask, Size, doubled
from groundplan.capacity.pools import Pool, place
from groundplan.capacity.shortages import UPGRADE, over_quota, steady, unfit, unfit_runs, words
from groundplan.spec.cost import QuotasSpec


@dataclass(frozen=True)
class Workers:
    """A group of Ray's worker pods: what each asks of a node, what it gives to replicas, how many there are.

    It gives what its limits are (Ray counts those), which may be more than what it asks for.
    """

    name: str
    size: Size
    low: int
    high: int
    room: Size

    @property
    def pool(self) -> Pool:
        """The group as machines for replicas. Ray keeps no CPU work off pods with GPUs."""
        where, type = f"cluster.ray_workers.{self.name}", f"worker pods ({words(self.room)})"
        return Pool(self.name, where, type, self.room, self.room, self.low, self.high)


def worker_asks(asks: Sequence[Ask], groups: Sequence[Workers]) -> tuple[Ask, ...]:
    """Return what Ray's workers ask of nodes: with the fewest replicas, and at the most, roll-outs included."""
    pools, serving = [group.pool for group in groups], [ask for ask in asks if ask.kind == "serving"]
    names = dict.fromkeys(ask.of for ask in serving)
    moments = [place(serving, pools, most=True), *(place(doubled(serving, name), pools) for name in names)]
    low = place(serving, pools).machines
    high = {group.name: max(moment.machines[group.name] for moment in moments) for group in groups}
    return tuple(
        Ask(ray_account(g), "Ray", f"workers {g.name}", "serving", g.size, low[g.name], max(low[g.name], high[g.name]))
        for g in groups
    )


def ray_account(group: Workers) -> str:
    """Return under what a group's pods are written down where projects are: theirs by what they run there."""
    return f"ray:{group.name}"


def ray_shares(asks: Sequence[Ask], groups: Sequence[Workers], most: bool = False) -> dict[str, dict[str, float]]:
    """Return each project's part of each group's workers: account → project → 0 … 1; the rest is the platform's."""
    serving = [ask for ask in asks if ask.kind == "serving"]
    placed = place(serving, [group.pool for group in groups], most)
    found: dict[str, dict[str, float]] = {ray_account(group): {} for group in groups}
    for (name, project), share in placed.shares.items():
        total = sum(value for (group, _), value in placed.shares.items() if group == name)
        found[f"ray:{name}"][project] = share / max(total, placed.machines[name])
    return found


def ray_shortages(
    asks: Sequence[Ask],
    groups: Sequence[Workers],
    own: Sequence[Ask],
    nodes: Sequence[Pool],
    quotas: QuotasSpec | None = None,
) -> tuple[str, ...]:
    """Return what does not fit: replicas on Ray's workers; then those, runs and the platform's own pods on nodes.

    ``nodes`` are the node groups; none where the stack does not say which there are.
    """
    runs = [ask for ask in asks if ask.kind == "run"]
    lines = steady([ask for ask in asks if ask.kind != "run"], [group.pool for group in groups])
    if not nodes:
        return tuple(lines)
    pods = [*own, *worker_asks(asks, groups)]
    lines += (
        unfit(pods, nodes, "with the fewest replicas")
        or list(unfit_runs([*pods, *runs], nodes))
        or unfit(pods, nodes, "with the most replicas, or while one application is rolled out", most=True)
        or unfit(doubled(pods), nodes, f"during {UPGRADE}")
    )
    return (*lines, *over_quota(pods, nodes, quotas or QuotasSpec()))
