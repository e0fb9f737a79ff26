"""Models: one training a digest, one pair version a training, the same number on both halves."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.adapters.mlflow import Half
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.kinds import jobs
from groundplan.controlplane.kinds.base import Carry, Kind, Observed, Outcome, Step, need, project_resources
from groundplan.controlplane.kinds.features import describe
from groundplan.controlplane.kinds.trained_on import declared_features
from groundplan.controlplane.store import Actor, Resource


class Model(Kind):
    """A declared model; its outputs name the pair version that its digest made."""

    slug = "model"
    long = True
    leads = True

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Its features and the inputs of its examples have to be there."""
        _views(platform, resource)
        jobs.tables(platform, resource, resource.properties["examples"]["inputs"])

    def steps(self) -> Sequence[Step]:
        """Train (or find what this digest made before), register both halves, make the pair visible."""
        return (self._train, self._register, self._commit)

    def _train(self, work: Work, _: Carry) -> Carry:
        platform, resource = work.platform, work.resource
        with platform.engine.connect() as connection:
            known = registry.pair_by_digest(connection, resource.project, resource.name, resource.data_digest)
            earlier = registry.pairs_of(connection, resource.project, resource.name)
        if known and not platform.mlflow.has_pair(
            registry.mlflow_name(resource.project, resource.name), known["version"]
        ):
            work.say(f"{resource.name}: pair version {known['version']} is gone from MLflow; it gets a new number")
            with platform.engine.begin() as connection:
                registry.void_pair(connection, resource.project, resource.name, known["version"], work.actor)
            known, earlier = None, []
        if known:
            work.say(f"{resource.name}: this declaration made pair version {known['version']}; selecting it again")
            return {"version": known["version"]}
        if resource.properties.get("retrain") == "manual" and earlier and not work.request.get("train"):
            return {"version": earlier[-1]["version"], "retrain_due": True}
        features = declared_features(platform, resource.project, resource.properties["feature_service"])
        made = jobs.run(
            work,
            "train",
            inputs=jobs.tables(platform, resource, resource.properties["examples"]["inputs"]),
            views={view.name: describe(view) for view in _views(platform, resource)},
            entities=_entities(platform, resource),
            feature_service=resource.properties["feature_service"],
            experiment=resource.project,
        )
        return {**made, "features": features}

    def _register(self, work: Work, trained: Carry) -> Carry:
        if "version" in trained:
            return trained
        resource, mlflow = work.resource, work.platform.mlflow
        name = registry.mlflow_name(resource.project, resource.name)
        with locked(work.platform.engine, f"model/{name}"):
            halves = _half(trained["preprocessor"]), _half(trained["model"])
            version = mlflow.register_pair(name, resource.data_digest, *halves)
        work.say(f"{resource.name}: registered pair version {version}")
        return {**trained, "version": version}

    def _commit(self, work: Work, made: Carry) -> Carry:
        resource, version = work.resource, int(made["version"])
        if "run_id" in made:
            kept = {key: made.get(key) for key in ("run_id", "metrics", "features")}
            values = {"digest": resource.data_digest, **kept}
            with work.platform.engine.begin() as connection:
                registry.commit_pair(connection, resource.project, resource.name, version, values, work.actor)
            work.platform.mlflow.commit_pair(registry.mlflow_name(resource.project, resource.name), version)
        with work.platform.engine.connect() as connection:
            pairs = registry.pairs_of(connection, resource.project, resource.name)
        pair = next(pair for pair in pairs if pair["version"] == version)
        outputs = {"version": version, "run_id": pair["run_id"], "metrics": pair["metrics"]}
        due = bool(made.get("retrain_due"))
        message = f"a training is due; groundplan train {resource.name}" if due else None
        return Outcome({**outputs, "retrain_due": due}, message=message).carry()

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """The pair it names has to be one of ours, and both its halves in MLflow."""
        version, name = resource.outputs.get("version"), registry.mlflow_name(resource.project, resource.name)
        with platform.engine.connect() as connection:
            known = {pair["version"] for pair in registry.pairs_of(connection, resource.project, resource.name)}
        there = version is not None and version in known and platform.mlflow.has_pair(name, version)
        lost = resource.status == "ready" and not there
        status, message = (
            ("drifted", f"pair version {version} is gone") if lost else (resource.status, resource.message)
        )
        return Observed(resource.properties, resource.outputs, status, message)

    def joins(self, resource: Resource, running: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
        """A training that runs is the one that is asked for, unless it is one that only says that one is due."""
        return super().joins(resource, running, asked) or resource.properties.get("retrain") != "manual"

    def cancel(self, platform: Platform, operation: str) -> None:
        """Stop its training."""
        jobs.stop(platform, operation)

    def followers(self, platform: Platform, resource: Resource, request: Mapping[str, Any]) -> Sequence[Resource]:
        """After a training that a person asked for: the aliases that follow the model."""
        found = project_resources(platform, resource.project, "alias") if request.get("train") else []
        return [a for a in found if a.properties["model"] == resource.name and a.properties.get("follow")]

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Retire it: its versions stay, unless purged."""
        if not purge:
            return
        platform.mlflow.delete_models(registry.mlflow_name(resource.project, resource.name))
        platform.objects.delete_prefix(f"results/{resource.project}/model/{resource.name}/")
        with platform.engine.begin() as connection:
            registry.forget_pairs(connection, resource.project, resource.name, actor)


def _views(platform: Platform, resource: Resource) -> list[Resource]:
    service = need(platform, resource.project, "feature_service", resource.properties["feature_service"])
    return [need(platform, resource.project, "feature_view", view) for view in service.properties["views"]]


def _entities(platform: Platform, resource: Resource) -> dict[str, dict[str, Any]]:
    names = sorted({name for view in _views(platform, resource) for name in view.properties["entities"]})
    return jobs.entities_of(platform, resource.project, names)


def _half(made: Mapping[str, Any]) -> Half:
    return Half(model_uri=made["model_uri"], model_id=made.get("model_id"), run_id=made["run_id"])
