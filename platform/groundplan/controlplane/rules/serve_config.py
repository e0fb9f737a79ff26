"""What an application is told: the pair versions it holds, and where each alias points. Pure.

Every version is served with the features it was trained on. A flip has two steps: first everything holds both
versions and the old one answers; then the door names the new one. The one before stays warm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

IMPORT_PATHS = {"tiered": "groundplan_serving.app:tiered", "fused": "groundplan_serving.app:fused"}
#: Deployments by tier, in the order in which a request meets them.
DEPLOYMENTS = {
    "api": "ForecastAPI",
    "features": "FeastService",
    "preprocessing": "PreprocessingService",
    "model": "ModelService",
}
FUSED = "FusedAPI"
#: What a tier scales on where it is not said: its bottleneck.
TARGETS = {
    "api": ("queue", 8.0),
    "features": ("query_ms", 10.0),
    "preprocessing": ("cpu", 70.0),
    "model": ("gpu", 80.0),
}
#: Batches at work at a time, for each replica of the largest tier.
LANES = 4
COLOURS = ("blue", "green")
Live = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """What an application shall be. ``shape`` is its topology and code's digest: another one is deployed beside."""

    project: str
    name: str
    shape: str
    properties: Mapping[str, Any]
    timeout_s: float

    @property
    def topology(self) -> str:
        """Return tiered, fused or single."""
        return str(self.properties["topology"])


@dataclass(frozen=True)
class Pair:
    """A pair version as serving needs it: where its halves lie, and its features."""

    preprocessor: str
    model: str
    features: Mapping[str, Any]


def live_config(wish: Wish, pointers: Mapping[str, int], pairs: Mapping[int, Pair], keep: Sequence[int] = ()) -> Live:
    """Return all that is live of an application: ``door``, ``features``, ``halves``.

    ``pointers`` name the version of each alias that points somewhere: the others get no traffic until they do.
    ``keep`` are versions to hold that no alias names. ``pairs`` knows every version.
    """
    given = wish.properties
    held = {str(n): pairs[n] for n in sorted({*pointers.values(), *keep})}
    features = {n: dict(pair.features) for n, pair in held.items()}
    door = {
        "model": given["model"],
        "aliases": dict(sorted(pointers.items())),
        "traffic": {alias: weight for alias, weight in given["traffic"].items() if alias in pointers and weight},
        "sticky": list(given.get("sticky", ())),
        "shadow": [alias for alias in given.get("shadow", ()) if alias in pointers],
        "features": {str(n): features[str(n)] for n in sorted({*pointers.values()})},
        "max_batch": given["max_batch"],
        "timeout_s": wish.timeout_s,
        "lanes": LANES * max(most_replicas(tier) for tier in given["tiers"].values()),
    }
    halves = {n: {"preprocessor": pair.preprocessor, "model": pair.model} for n, pair in held.items()}
    return {
        "door": door,
        "features": {"features": features, "timeout_s": wish.timeout_s},
        "halves": {"versions": halves, "drain_s": wish.timeout_s},
    }


def steps(now: Live | None, target: Live) -> list[Live]:
    """Return what to tell one after the other to come from ``now`` to ``target``: warm, then flip.

    The last alone where nothing answers yet, or no version has to be warmed.
    """
    if now is None or held(target) <= held(now):
        return [target]
    warm = {
        "door": now["door"],
        "features": {**target["features"], "features": now["features"]["features"] | target["features"]["features"]},
        "halves": {**target["halves"], "versions": now["halves"]["versions"] | target["halves"]["versions"]},
    }
    return [warm, target]


def held(live: Live) -> set[int]:
    """Return the versions that an application is told to hold."""
    return {int(n) for n in live["halves"]["versions"]}


def application_config(wish: Wish, live: Live, name: str, route: str) -> dict[str, Any]:
    """Return the application's entry in the Serve config, under a name and a route prefix."""
    return {
        "name": name,
        "route_prefix": route,
        "import_path": IMPORT_PATHS[wish.topology],
        "args": {"project": wish.project, "application": wish.name, "shape": wish.shape},
        "runtime_env": {},
        "deployments": _deployments(wish, live),
    }


def _deployments(wish: Wish, live: Live) -> list[dict[str, Any]]:
    tiers = wish.properties["tiers"]
    if wish.topology == "fused":
        return [_deployment(FUSED, "api", fused_tier(tiers), live)]
    parts = {"api": "door", "features": "features", "preprocessing": "halves", "model": "halves"}
    return [_deployment(name, tier, tiers[tier], live[parts[tier]]) for tier, name in DEPLOYMENTS.items()]


def fused_tier(tiers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the size of all tiers in one: replicas and bounds of ``api``, resources of all together."""
    memory = [tier["memory_mb"] for tier in tiers.values() if tier.get("memory_mb")]
    together = {key: round(sum(tier[key] for tier in tiers.values()), 6) for key in ("cpus", "gpus")}
    return {**tiers["api"], **together} | ({"memory_mb": sum(memory)} if memory else {})


def _deployment(name: str, tier: str, size: Mapping[str, Any], user_config: Mapping[str, Any]) -> dict[str, Any]:
    actor: dict[str, Any] = {"num_cpus": size["cpus"]}
    if size.get("gpus"):
        actor["num_gpus"] = size["gpus"]
    if size.get("memory_mb"):
        actor["memory"] = size["memory_mb"] * 2**20
    # The door bounds itself, with an answer that says so; Serve's bound behind it is wider.
    ongoing = size["max_ongoing"] * (8 if tier == "api" else 1)
    bounds = {"max_ongoing_requests": ongoing, "max_queued_requests": size["max_queued"]}
    return {"name": name, **_replicas(tier, size), "ray_actor_options": actor, **bounds, "user_config": user_config}


def _replicas(tier: str, size: Mapping[str, Any]) -> dict[str, Any]:
    replicas = size["replicas"]
    if not isinstance(replicas, Mapping):
        return {"num_replicas": replicas}
    metric, target = next(iter((size.get("target") or {}).items()), TARGETS[tier])
    policy = {
        "policy_function": "groundplan_serving.autoscaling:ByMetric",
        "policy_kwargs": {"metric": metric, "target": target},
    }
    scaling = {
        "min_replicas": replicas["min"],
        "max_replicas": replicas["max"],
        "look_back_period_s": 10,
        "upscale_delay_s": 5,
        "downscale_delay_s": 60,
        "policy": policy,
    }
    return {"autoscaling_config": scaling}


def most_replicas(tier: Mapping[str, Any]) -> int:
    """Return the most replicas that a tier may have."""
    replicas = tier["replicas"]
    return int(replicas["max"] if isinstance(replicas, Mapping) else replicas)


def live_of(config: Mapping[str, Any]) -> Live | None:
    """Return what an entry of the Serve config says that is live, None when it is none of ours."""
    told = {each["name"]: each.get("user_config") or {} for each in config.get("deployments", [])}
    if FUSED in told:
        found: Live = told[FUSED]
    else:
        parts = {"door": "api", "features": "features", "halves": "model"}
        found = {part: told.get(DEPLOYMENTS[tier], {}) for part, tier in parts.items()}
    whole = all(found.get(part) for part in ("door", "features", "halves"))
    return found if whole else None


def told_tiers(config: Mapping[str, Any], tiers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the declared ``tiers`` with what Serve has in place of the declared values, for drift.

    What the entry does not name is left as declared: it may be another version's.
    """
    found = {each["name"]: each for each in config.get("deployments", [])}
    if FUSED in found:
        return {tier: dict(size) for tier, size in tiers.items()} | {
            "api": {**tiers["api"], **_sizes(found[FUSED], keys=("replicas",))}
        }
    return {tier: {**size, **_sizes(found.get(DEPLOYMENTS[tier], {}))} for tier, size in tiers.items()}


def _sizes(deployment: Mapping[str, Any], keys: Sequence[str] = ("replicas", "cpus")) -> dict[str, Any]:
    scaling = deployment.get("autoscaling_config") or {}
    replicas = {"min": scaling["min_replicas"], "max": scaling["max_replicas"]} if scaling else None
    cpus = (deployment.get("ray_actor_options") or {}).get("num_cpus")
    sizes = {"replicas": replicas or deployment.get("num_replicas"), "cpus": cpus}
    return {key: sizes[key] for key in keys if sizes[key] is not None}


def other_colour(name: str) -> str:
    """Return the other name of an application: ``p-a-blue`` ↔ ``p-a-green``."""
    base, _, colour = name.rpartition("-")
    return f"{base}-{COLOURS[1 - COLOURS.index(colour)]}"
