"""What Ray Serve is told about an application, and the steps of a flip. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

IMPORT_PATH = "groundplan_serving.app:build"
#: Deployments by tier, in the order in which a request meets them.
DEPLOYMENTS = {
    "api": "ForecastAPI",
    "features": "FeastService",
    "preprocessing": "PreprocessingService",
    "model": "ModelService",
}


def application_config(
    project: str,
    application: str,
    *,
    args: Mapping[str, Any],
    halves: Mapping[str, Any],
    live: Mapping[str, Any],
    tiers: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the application's entry in the Serve config.

    A change of ``args`` restarts everything. ``live`` (which version answers), ``halves`` (which versions are held)
    and a tier's number of replicas change in place; a tier's CPUs replace the replicas of that tier only.
    """
    user_configs = {"api": live, "preprocessing": halves, "model": halves}
    return {
        "name": f"{project}-{application}",
        "route_prefix": f"/{project}/{application}",
        "import_path": IMPORT_PATH,
        "args": dict(args),
        "runtime_env": {},
        "deployments": [
            _deployment(name, tiers.get(tier, {}), user_configs.get(tier)) for tier, name in DEPLOYMENTS.items()
        ],
    }


def _deployment(name: str, tier: Mapping[str, Any], user_config: Mapping[str, Any] | None) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name}
    if "replicas" in tier:
        told["num_replicas"] = tier["replicas"]
    if "cpus" in tier:
        told["ray_actor_options"] = {"num_cpus": tier["cpus"]}
    if user_config is not None:
        told["user_config"] = dict(user_config)
    return told


def told(config: Mapping[str, Any], tiers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what an entry says of what was declared: ``tiers``, with what Serve has in place of the declared values.

    What the entry does not name is left as declared: it may be another version's.
    """
    found = {each["name"]: each for each in config.get("deployments", [])}
    return {"tiers": {tier: {**given, **_sizes(found.get(DEPLOYMENTS[tier], {}))} for tier, given in tiers.items()}}


def _sizes(deployment: Mapping[str, Any]) -> dict[str, Any]:
    cpus = (deployment.get("ray_actor_options") or {}).get("num_cpus")
    sizes = {"replicas": deployment.get("num_replicas"), "cpus": cpus}
    return {key: value for key, value in sizes.items() if value is not None}


def warm_steps(running: Sequence[int], current: int | None, target: int, keep: int = 1) -> list[tuple[list[int], int]]:
    """Return the (versions held, version that answers) to put one after the other to go from ``current`` to ``target``.

    First both are held and the old one answers; then the new one answers, and ``keep`` versions from before stay
    warm, the last one first. The last step is the one that flips; it alone is left when there is nothing to flip
    from, or the flip was made and only has to be told again.
    """
    others = sorted({*running} - {target, current}, reverse=True)
    before = others if current is None or current == target else [current, *others]
    flipped = (sorted({target, *before[:keep]}), target)
    if current is None or current == target:
        return [flipped]
    return [(sorted({*flipped[0], current}), current), flipped]
