"""What will not fit, one clear line a shortage, each with its fix."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from groundplan.capacity.demand import Ask, Size, doubled
from groundplan.capacity.pools import Pool, place, unbounded
from groundplan.spec.cost import QuotasSpec

UPGRADE = (
    "an upgrade of the Ray cluster, which KubeRay does by starting a second one beside it "
    "(github.com/ray-project/kuberay/issues/4239)"
)
#: Quota → which one it is at AWS (Service Quotas, EC2).
QUOTA_CODES = {
    "standard": "L-1216C47A",
    "standard_spot": "L-34B43A08",
    "g": "L-DB2E81BA",
    "g_spot": "L-3819A6DF",
    "p": "L-417A185B",
    "p_spot": "L-7212CCBC",
}

#: First letters of an instance type → its quota.
FAMILIES = dict.fromkeys(("a", "c", "d", "h", "i", "m", "r", "t", "z"), "standard") | {"g": "g", "vt": "g", "p": "p"}


def shortages(asks: Sequence[Ask], pools: Sequence[Pool], quotas: QuotasSpec | None = None) -> tuple[str, ...]:
    """Return what does not fit into node groups and quotas: at rest, scaled out, while rolling out, while upgrading.

    A moment is looked at only when the one before fits: what cannot run at all needs no word on its roll-out.
    """
    serving = [ask for ask in asks if ask.kind != "run"]
    lines = steady(asks, pools) or unfit(doubled(serving), pools, f"during {UPGRADE}")
    return (*lines, *over_quota(serving, pools, quotas or QuotasSpec()))


def steady(asks: Sequence[Ask], pools: Sequence[Pool]) -> list[str]:
    """Return what does not fit at rest, else what does not while a run, all replicas or a roll-out come on top."""
    serving = [ask for ask in asks if ask.kind != "run"]
    lines = unfit(serving, pools, "with the fewest replicas") or list(unfit_runs(asks, pools))
    return lines or [*unfit(serving, pools, "with the most replicas", most=True), *_rollouts(serving, pools)]


def _rollouts(serving: Sequence[Ask], pools: Sequence[Pool]) -> Iterator[str]:
    for name in dict.fromkeys(ask.of for ask in serving if ask.kind == "serving"):
        when = f"while {name} is rolled out (the new one stands beside the old until it answers)"
        yield from unfit(doubled(serving, name), pools, when)


def unfit_runs(asks: Sequence[Ask], pools: Sequence[Pool]) -> Iterator[str]:
    """Yield a line for each run that does not fit beside what fits without it; one at a time, as they queue."""
    serving = [ask for ask in asks if ask.kind != "run"]
    for run in (ask for ask in asks if ask.kind == "run"):
        if place([*serving, replace(run, low=1)], pools).left:
            yield f"{run.of}: runs of its {run.what} ({words(run.size)}) {_fix([replace(run, low=1)], pools)}"


def unfit(asks: Sequence[Ask], pools: Sequence[Pool], when: str, most: bool = False) -> list[str]:
    """Return a line for each ask that finds no room at a moment, which ``when`` names."""
    lines = []
    for ask, missing in place(asks, pools, most).left:
        count, fix = ask.high if most else ask.low, _fix(asks, pools, ask, most)
        lines.append(
            f"{ask.of}: {when}, {missing} of {count} replicas of its {ask.what} ({words(ask.size)} each) {fix}"
        )
    return lines


def _fix(asks: Sequence[Ask], pools: Sequence[Pool], of: Ask | None = None, most: bool = False) -> str:
    """Say why it (the first, unless told) does not fit, and what would help: a larger group, or larger machines."""
    ask = of or asks[0]
    able = [pool for pool in pools if pool.takes(ask.size)]
    if not able:
        kind = "with GPUs " if ask.size.gpus else ""
        have = ", ".join(f"{p.where} ({p.type}: {words(p.room)})" for p in pools) or "none"
        return f"fit no machine; there is: {have}; fix: add a node group {kind}whose nodes leave {words(ask.size)}"
    wanted = place(asks, unbounded(pools), most)
    pool = next((pool for pool in able if wanted.machines[pool.name] > pool.high), able[0])
    needs = max(wanted.machines[pool.name], pool.high + 1)
    fix = f"{pool.where}.max: {needs}, or fewer replicas"
    return f"do not fit: {pool.where} grows to {pool.high} {pool.type}; fix: {fix}"


def over_quota(serving: Sequence[Ask], pools: Sequence[Pool], quotas: QuotasSpec) -> Iterator[str]:
    """Yield the quotas that a roll-out of everything at once would pass."""
    surge = place(doubled(serving), unbounded(pools)).machines
    for family, allowed in quotas.model_dump().items():
        own = [pool for pool in pools if family_of(pool) == family]
        if allowed is None or not own:
            continue
        needed = sum(min(surge[p.name], max(p.high, p.low)) * p.machine.cpus for p in own)
        if needed > allowed:
            groups = ", ".join(f"{p.name} ({p.type})" for p in own)
            yield (
                f"capacity.quotas.{family}: a roll-out of everything takes {needed:g} vCPUs of {groups}; "
                f"the quota is {allowed}; fix: ask for {needed:g} (Service Quotas {QUOTA_CODES[family]}), "
                "or fewer replicas"
            )


def family_of(pool: Pool) -> str:
    """Return the quota that an instance type counts against: ``standard``, ``g``, ``p``, with ``_spot``; or ``other``.

    The families are those of https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html.
    """
    letters = re.match(r"[a-z]*", pool.type)
    family = FAMILIES.get(letters.group() if letters else "", "other")
    return f"{family}_spot" if pool.spot else family


def cpu_words(count: float) -> str:
    """Return a number of CPUs in words."""
    return f"{count:g} CPU" if count == 1 else f"{count:g} CPUs"


def words(size: Size) -> str:
    """Return a size in words: ``2 CPUs, 512 MiB, 1 GPU``."""
    gpus = [f"{size.gpus:g} GPU" if size.gpus == 1 else f"{size.gpus:g} GPUs"] if size.gpus else []
    return ", ".join([cpu_words(size.cpus), f"{size.memory_mb:g} MiB", *gpus])
