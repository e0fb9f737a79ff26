"""What the traffic and the tiers of a serving application may say."""

from collections.abc import Iterator

from groundplan.spec.finding import Finding, Path
from groundplan.spec.project import ReplicasSpec, ServingSpec, TierSpec

#: What a tier may scale on beside ``queue``, ``cpu`` and ``gpu``, which all may.
OWN = {"query_ms": "features"}


def traffic_findings(path: Path, app: ServingSpec) -> Iterator[Finding]:
    """Yield what is wrong with an application's weights, shadows and tiers."""
    if app.alias and app.traffic:
        yield Finding((*path, "traffic"), "either alias or traffic, not both", fix="remove alias")
    total = sum(app.traffic.values())
    if app.traffic and abs(total - 100) > 1e-6:
        yield Finding((*path, "traffic"), "the weights are not 100 together", f"{total:g}", "percent, 100 in all")
    for index, name in enumerate(app.shadow):
        if name in app.traffic or name == app.alias:
            yield Finding((*path, "shadow", index), "answers already, so it is no shadow", name, fix="remove it")
    for name in type(app.tiers).model_fields:
        yield from _tier((*path, "tiers", name), name, getattr(app.tiers, name))
    if app.topology == "single" and app.tiers.api.replicas != 1:
        here = (*path, "tiers", "api", "replicas")
        yield Finding(here, "topology single is one process", fix="replicas: 1, or topology: fused")


def _tier(path: Path, name: str, tier: TierSpec) -> Iterator[Finding]:
    targets = tier.target.model_dump(exclude_none=True)
    scales = isinstance(tier.replicas, ReplicasSpec)
    if isinstance(tier.replicas, ReplicasSpec) and tier.replicas.min > tier.replicas.max:
        value = f"min {tier.replicas.min}, max {tier.replicas.max}"
        yield Finding((*path, "replicas"), "min is more than max", value)
    if len(targets) > 1:
        yield Finding((*path, "target"), "a tier scales on one thing", ", ".join(targets), "one key")
    if targets and not scales:
        yield Finding((*path, "target"), "a fixed number of replicas has no target", fix="replicas: {min: 1, max: 4}")
    for key in targets:
        if OWN.get(key, name) != name:
            yield Finding((*path, "target", key), f"only the tier {OWN[key]} scales on this", allowed="queue, cpu, gpu")
