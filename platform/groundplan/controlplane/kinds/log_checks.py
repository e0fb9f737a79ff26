"""Checks over an application's prediction log: what was served computed again, and shadows beside the answers."""

from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.context import Work
from groundplan.controlplane.kinds import jobs
from groundplan.controlplane.kinds.base import find
from groundplan.controlplane.kinds.trained_on import features_of


def skew(work: Work, sample: int) -> dict[str, Any]:
    """Run the skew job over the newest logged rows; return its result (contract, "Jobs on Ray"). Raises as jobs do."""
    platform, resource = work.platform, work.resource
    project, model = resource.project, resource.properties["model"]
    with platform.engine.connect() as connection:
        versions = [pair["version"] for pair in registry.pairs_of(connection, project, model)]
    features = {str(n): features_of(platform, project, model, n) for n in versions}
    name = registry.mlflow_name(project, model)
    there = [n for n in versions if platform.mlflow.has_pair(name, n)]
    properties = {
        "application": resource.name,
        "sample": sample,
        "features": features,
        "views": _views(work, sorted({view for each in features.values() for view in each["views"]})),
        "versions": {str(n): platform.mlflow.source_uris(name, n) for n in there},
    }
    return _run(work, "skew", properties)


def shadow(work: Work, sample: int, tolerance: float) -> dict[str, Any]:
    """Run the shadow job over the newest logged rows; return its result. Raises as jobs do."""
    name = work.resource.name
    return _run(work, "shadow", {"application": name, "sample": sample, "tolerance": tolerance})


def _run(work: Work, job: str, properties: dict[str, Any]) -> dict[str, Any]:
    # Each asking looks anew: its operation, not the declaration, says whether it was done.
    return jobs.run(work, job, once=f"{job}-{work.operation.replace(':', '-')}", properties=properties)


def _views(work: Work, names: list[str]) -> dict[str, dict[str, str]]:
    """Return where each view's rows lie; one that is gone is left out, and its rows count as older."""
    views = {name: find(work.platform, work.resource.project, "feature_view", name) for name in names}
    return {
        name: {"uri": view.outputs["uri"], "timestamp": view.properties["timestamp"]}
        for name, view in views.items()
        if view is not None and "uri" in view.outputs
    }
