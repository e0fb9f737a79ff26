"""Models: one training a digest, one pair version a training, the same number on both halves."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.kinds import jobs, shared
from groundplan.controlplane.kinds.base import Carry, Kind, Observed, Outcome, Step, need, project_resources
from groundplan.controlplane.kinds.features import describe
from groundplan.controlplane.kinds.pairs import is_whole, register, usable
from groundplan.controlplane.kinds.trained_on import declared_features
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor, Resource
from groundplan.controlplane.transfer.importing import imported


class Model(Kind):
    """A declared model; its outputs name the pair version that its digest made."""

    slug = "model"
    long = True
    leads = True

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Its features and the inputs of its examples have to be there, and its pairs be of this registry."""
        shared.refuse_other_numbers(platform, resource)
        _views(platform, resource)
        jobs.tables(platform, resource, resource.properties["examples"]["inputs"])

    def steps(self) -> Sequence[Step]:
        """Train (or find what this digest made before), then register both halves and make the pair visible."""
        return (self._train, self._register, self._commit)

    def _train(self, work: Work, _: Carry) -> Carry:
        platform, resource = work.platform, work.resource
        if work.request.get("import"):
            return self._taken(work)
        found = self._found(work)
        if found is not None:
            return found
        views = {view.name: describe(view) for view in _views(platform, resource)}
        features = declared_features(platform, resource.project, resource.properties["feature_service"])
        registry_uri = platform.objects.put(
            f"results/{resource.id}/{resource.data_digest}.feast", platform.feast.snapshot(resource.project)
        )
        holdout = f"s3://{platform.runtime.bucket}/results/{resource.id}/{resource.data_digest}.holdout.parquet"
        made = jobs.run(
            work,
            "train",
            holdout,
            inputs=jobs.tables(platform, resource, resource.properties["examples"]["inputs"]),
            views=views,
            entities=_entities(platform, resource),
            feature_service=resource.properties["feature_service"],
            registry_uri=registry_uri,
            experiment=resource.project,
        )
        trained_on = {"views": views, "holdout": holdout}
        return {**made, "features": features, "trained_on": trained_on, "trained_by": work.actor.name}

    def _found(self, work: Work) -> Carry | None:
        """Return the pair version that need not be trained: this declaration's, or the last where a person decides."""
        resource = work.resource
        with work.platform.engine.connect() as connection:
            known = registry.pair_by_digest(connection, resource.project, resource.name, resource.data_digest)
            earlier = registry.pairs_of(connection, resource.project, resource.name)
        if resource.properties.get("source"):
            return self._latest_taken(work, earlier)
        version = usable(work, resource.name, known) if known else None
        if version is not None:
            work.say(f"{resource.name}: this declaration made pair version {version}; selecting it again")
            return {"version": version}
        if resource.properties.get("retrain") != "manual" or work.request.get("train"):
            return None
        lasting = (usable(work, resource.name, pair) for pair in reversed(earlier) if pair != known)
        version = next((each for each in lasting if each is not None), None)
        return None if version is None else {"version": version, "retrain_due": True}

    def _taken(self, work: Work) -> Carry:
        """Return a pair of another environment as a training would; the number that it has here, if it came before."""
        resource, digest = work.resource, str(work.request["digest"])
        with work.platform.engine.connect() as connection:
            known = registry.pair_by_digest(connection, resource.project, resource.name, digest)
        version = usable(work, resource.name, known) if known else None
        if version is not None:
            work.say(f"{resource.name}: that pair came before; it is version {version} here")
            return {"version": version}
        return {**imported(work, work.request["import"]), "digest": digest}

    def _latest_taken(self, work: Work, known: Sequence[Mapping[str, Any]]) -> Carry:
        """Return the pair that was taken last: an environment with a source trains none, whatever it declares."""
        last = work.resource.outputs.get("version")
        ordered = sorted(known, key=lambda pair: (pair["version"] == last, pair["version"]), reverse=True)
        lasting = (usable(work, work.resource.name, pair) for pair in ordered if pair["source"])
        return {"version": next((each for each in lasting if each is not None), None)}

    def _register(self, work: Work, trained: Carry) -> Carry:
        if "version" in trained:
            return trained
        resource = work.resource
        version = register(work, resource.name, trained.get("digest", resource.data_digest), trained, trained)
        work.say(f"{resource.name}: registered pair version {version}")
        return {"version": version}

    def _commit(self, work: Work, made: Carry) -> Carry:
        resource = work.resource
        if made["version"] is None:
            return Outcome(status="waiting", message=waits_for(resource, work.platform.runtime.stack)).carry()
        with work.platform.engine.connect() as connection:
            pair = registry.standing(connection, resource.project, resource.name, int(made["version"]))
        if pair is None:
            raise ApiProblem(409, f"pair version {made['version']} was given up meanwhile", fix="groundplan up")
        outputs = {"version": pair["version"], "run_id": pair["run_id"], "metrics": pair["metrics"]}
        due = bool(made.get("retrain_due"))
        message = f"a training is due; groundplan train {resource.name}" if due else None
        return Outcome({**outputs, "retrain_due": due}, message=message).carry()

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """The pair it names has to be one of ours, and both its halves in MLflow."""
        version = resource.outputs.get("version")
        with platform.engine.connect() as connection:
            known = registry.pairs_of(connection, resource.project, resource.name)
        pair = next((pair for pair in known if pair["version"] == version), None)
        lost = resource.status == "ready" and not (pair and is_whole(platform, resource.project, resource.name, pair))
        status, message = (
            ("drifted", f"pair version {version} is gone") if lost else (resource.status, resource.message)
        )
        return Observed(resource.properties, resource.outputs, status, message)

    def joins(self, resource: Resource, running: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
        """A training that runs is the one that is asked for, unless it is one that only says that one is due."""
        if asked.get("import"):
            return asked == running
        return super().joins(resource, running, asked) or resource.properties.get("retrain") != "manual"

    def cancel(self, platform: Platform, operation: str) -> None:
        """Stop its training."""
        jobs.stop(platform, operation)

    def followers(self, platform: Platform, resource: Resource, request: Mapping[str, Any]) -> Sequence[Resource]:
        """After a training that a person asked for, or a pair that came: the aliases that follow the model."""
        asked = request.get("train") or request.get("import")
        found = project_resources(platform, resource.project, "alias") if asked else []
        return [a for a in found if a.properties["model"] == resource.name and a.properties.get("follow")]

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Retire it: its versions stay, unless purged. What is in a shared registry is its owner's."""
        if not purge:
            return
        if not platform.shares:
            platform.mlflow.delete_models(registry.mlflow_name(resource.project, resource.name))
        platform.objects.delete_prefix(f"results/{resource.project}/model/{resource.name}/")
        with platform.engine.begin() as connection:
            registry.forget_pairs(connection, resource.project, resource.name, actor)


def waits_for(resource: Resource, stack: str) -> str:
    """Return what a model of an environment with a source waits for, before the first pair came."""
    source = resource.properties["source"]["stack"]
    brings = f"groundplan promote {resource.project}/{resource.name} --from {source} --to {stack} --reason …"
    return f"has no pair yet, and trains none: its pairs come from {source}; {brings}"


def _views(platform: Platform, resource: Resource) -> list[Resource]:
    service = need(platform, resource.project, "feature_service", resource.properties["feature_service"])
    return [need(platform, resource.project, "feature_view", view) for view in service.properties["views"]]


def _entities(platform: Platform, resource: Resource) -> dict[str, dict[str, Any]]:
    names = sorted({name for view in _views(platform, resource) for name in view.properties["entities"]})
    return jobs.entities_of(platform, resource.project, names)
