"""Pair versions in MLflow: registered under one number, and registered again when a hand took a half away."""

from collections.abc import Mapping
from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.adapters.mlflow import Half
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.kinds import jobs, shared

#: What a pair version is made of, beside its number and what the registry says of it.
KEPT = ("run_id", "metrics", "features", "trained_by", "trained_on", "source")


def is_whole(platform: Platform, project: str, model: str, pair: Mapping[str, Any]) -> bool:
    """Whether both halves of a committed pair are in MLflow, under its number and of its digest."""
    if platform.shares:
        return shared.number_of(platform, project, model, pair) == pair["version"]
    return platform.mlflow.has_pair(registry.mlflow_name(project, model), pair["version"], pair["digest"])


def register(work: Work, model: str, digest: str, trained: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    """Register both halves under one number and make the pair visible; return the number. Doing it again is harmless.

    ``trained`` is the result of its training; ``values`` are those of :data:`KEPT`. One at a time a model: numbers are
    given by who comes first, and looked at by everybody who comes after. In a shared registry it is registered already.
    """
    if work.platform.shares:
        return shared.adopt(work, model, digest, {key: values.get(key) for key in KEPT})
    project, platform = work.resource.project, work.platform
    name = registry.mlflow_name(project, model)
    with locked(platform.engine, f"model/{name}"):
        with platform.engine.connect() as connection:
            taken = registry.taken(connection, project, model, digest)
            before = registry.pair_by_digest(connection, project, model, digest)
        if before is not None and not platform.mlflow.has_pair(name, before["version"], digest):
            taken.add(before["version"])
        halves = _half(trained["preprocessor"]), _half(trained["model"])
        version = platform.mlflow.register_pair(name, digest, *halves, taken)
        made = {"digest": digest, **{key: values.get(key) for key in KEPT}}
        with platform.engine.begin() as connection:
            registry.commit_pair(connection, project, model, version, made, work.actor)
        platform.mlflow.commit_pair(name, version)
    return version


def usable(work: Work, model: str, pair: Mapping[str, Any]) -> int | None:
    """Return the number under which a committed pair can be loaded.

    That is its own, or a new one when it lost a half: what its training logged is registered again. None when that is
    gone too: the pair is given up. Only its owner registers again in a shared registry: until then, ApiProblem 409.
    """
    project, platform = work.resource.project, work.platform
    if is_whole(platform, project, model, pair):
        return int(pair["version"])
    if platform.shares:
        return shared.adopt(work, model, pair["digest"], {key: pair[key] for key in KEPT})
    trained = jobs.result_of(platform, f"{project}/model/{model}", pair["digest"])
    if trained is None:
        work.say(f"{model}: pair version {pair['version']} is gone from MLflow, and what it was made of too")
        with platform.engine.begin() as connection:
            registry.void_pair(connection, project, model, pair["version"], work.actor)
        return None
    version = register(work, model, pair["digest"], trained, pair)
    work.say(f"{model}: pair version {pair['version']} lost a half in MLflow; the same pair is version {version} now")
    return version


def _half(made: Mapping[str, Any]) -> Half:
    return Half(model_uri=made["model_uri"], model_id=made.get("model_id"), run_id=made["run_id"])
