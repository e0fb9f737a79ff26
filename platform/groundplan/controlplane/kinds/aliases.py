"""Aliases and their gates: one row that says where an alias points, moved by rule, by number, or held by a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.kinds.base import Carry, Kind, Observed, Outcome, Step, need, project_resources
from groundplan.controlplane.kinds.serving import flip, waiting
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.rules.gates import Verdict, choose_version, evaluate
from groundplan.controlplane.store import Actor, Resource


class Alias(Kind):
    """Where an alias of a model points. A refused gate is its outcome, not an error."""

    slug = "alias"
    long = True
    leads = True

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Its model has to be there."""
        need(platform, resource.project, "model", resource.properties["model"])

    def steps(self) -> Sequence[Step]:
        """Decide, move (with the applications that load it), mirror to MLflow."""
        return (self._decide, self._move, self._mirror)

    def _decide(self, work: Work, _: Carry) -> Carry:
        platform, resource = work.platform, work.resource
        model = need(platform, resource.project, "model", resource.properties["model"])
        with platform.engine.connect() as connection:
            pairs = registry.pairs_of(connection, resource.project, model.name)
            now = registry.pointer(connection, resource.project, model.name, resource.properties["alias"])
            before = registry.pointed_to(connection, resource.project, model.name, resource.properties["alias"])
        asked = work.request.get("version")
        if asked is not None:  # a person's word, held until released
            return {"target": asked, "hold": {"reason": work.actor.reason, "actor": work.actor.name}}
        if now.hold and not work.request.get("release"):
            return {"target": now.version, "hold": {"reason": now.hold, "actor": now.hold_actor}}
        target = _target(resource, model, pairs)
        if target is None or target == now.version:
            return {"target": target}
        verdicts = _verdicts(platform, resource, pairs, target, returning=target in before)
        evidence = [vars(verdict) for verdict in verdicts]
        refused = [verdict.reason for verdict in verdicts if not verdict.passed]
        return {
            "target": now.version if refused else target,
            "evidence": evidence,
            "refused": refused,
            "wanted": target,
        }

    def _move(self, work: Work, decided: Carry) -> Carry:
        resource, target, held = work.resource, decided["target"], decided.get("hold") or {}
        model, alias = resource.properties["model"], resource.properties["alias"]
        if target is not None:
            move_to(work, model, alias, int(target), decided.get("evidence"), held.get("reason"))
        elif work.request.get("release"):
            with work.platform.engine.begin() as connection:
                registry.hold(connection, resource.project, model, alias, None, work.actor)
        return decided

    def _mirror(self, work: Work, decided: Carry) -> Carry:
        resource = work.resource
        model, alias = resource.properties["model"], resource.properties["alias"]
        with work.platform.engine.connect() as connection:
            now = registry.pointer(connection, resource.project, model, alias)
        mirror(work.platform, resource.project, model, alias, now.version)
        outputs = {"points_to": now.version, "generation": now.generation}
        if resource.outputs.get("points_to") == now.version and resource.outputs.get("evidence"):
            outputs["evidence"] = resource.outputs["evidence"]  # why it points there has not changed
        outputs |= {key: decided[key] for key in ("evidence", "hold") if decided.get(key)}
        return Outcome(outputs, *_status(resource, decided)).carry()

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Compare our row with MLflow's two."""
        model, alias = resource.properties["model"], resource.properties["alias"]
        with platform.engine.connect() as connection:
            ours = registry.pointer(connection, resource.project, model, alias).version
        theirs = platform.mlflow.observe_alias(registry.mlflow_name(resource.project, model), alias)
        if resource.status == "pending" or theirs == (ours, ours):
            return Observed(resource.properties, resource.outputs, resource.status, resource.message)
        message = f"moved by hand in MLflow: preprocessor {theirs[0]}, model {theirs[1]}; ours {ours}"
        moved = next((version for version in theirs if version != ours), None)
        return Observed(resource.properties, {**resource.outputs, "points_to": moved}, "drifted", message)

    def followers(self, platform: Platform, resource: Resource, request: Mapping[str, Any]) -> Sequence[Resource]:
        """The applications that waited for it to point somewhere."""
        return waiting(platform, resource)

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Forget it, here and in MLflow; its history stays."""
        model, alias = resource.properties["model"], resource.properties["alias"]
        platform.mlflow.delete_alias(registry.mlflow_name(resource.project, model), alias)
        with platform.engine.begin() as connection:
            registry.drop(connection, resource.project, model, alias, actor)


def move_to(work: Work, model: str, alias: str, target: int, evidence: Any = None, hold: str | None = None) -> None:
    """Move an alias, with every application that loads it, and hold it there or not. Doing it again is harmless."""
    platform, project = work.platform, work.resource.project
    with locked(platform.engine, registry.lock_of(project, model)):
        with platform.engine.connect() as connection:
            now = registry.pointer(connection, project, model, alias)

        def move() -> None:
            with platform.engine.begin() as connection:
                if now.version != target:
                    registry.move(connection, project, model, alias, now, target, work.actor, evidence)
                registry.hold(connection, project, model, alias, hold, work.actor)

        flip(work, model, alias, target, move)


def mirror(platform: Platform, project: str, model: str, alias: str, version: int | None) -> None:
    """Make MLflow's two aliases say what ours says."""
    name = registry.mlflow_name(project, model)
    if version is None:
        platform.mlflow.delete_alias(name, alias)
    elif platform.mlflow.observe_alias(name, alias) != (version, version):
        platform.mlflow.set_alias(name, alias, version)


def _target(resource: Resource, model: Resource, pairs: Sequence[Mapping[str, Any]]) -> int | None:
    pinned = resource.properties.get("version")
    target = choose_version(resource.properties.get("follow"), pinned, pairs, _digest(model, pairs))
    if pinned is not None and target is None:
        allowed = ", ".join(str(pair["version"]) for pair in pairs) or "none yet"
        raise ApiProblem(409, "no such pair version", path=f"{resource.id}.version", value=str(pinned), allowed=allowed)
    return target


def _digest(model: Resource, pairs: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the digest of the pair that the model names: with ``retrain: manual`` that is not its declaration's."""
    return next((pair["digest"] for pair in pairs if pair["version"] == model.outputs.get("version")), None)


def _verdicts(
    platform: Platform, resource: Resource, pairs: Sequence[Mapping[str, Any]], target: int, returning: bool
) -> Sequence[Verdict]:
    metrics = {pair["version"]: pair["metrics"] for pair in pairs}
    with platform.engine.connect() as connection:
        live = registry.pointer(connection, resource.project, resource.properties["model"], "production").version
    gates = resource.properties.get("gates") or []
    return evaluate(gates, metrics[target], metrics.get(live) if live else None, returning=returning)


def _status(resource: Resource, decided: Carry) -> tuple[str, str | None]:
    if decided.get("refused"):
        reasons, stays = "; ".join(decided["refused"]), decided["target"]
        where = f"stays at {stays}" if stays is not None else "points to nothing yet"
        return "refused", f"{resource.name} {where}; {decided['wanted']} is refused: {reasons}"
    if decided.get("hold"):
        return "ready", f"held at {decided['target']} by {decided['hold']['actor']}: {decided['hold']['reason']}"
    if decided["target"] is None:
        return "waiting", f"{resource.properties['model']} has no pair version yet"
    return "ready", None


class Gates(Kind):
    """Stands for all gates of a project: refused while an alias that may not was refused."""

    slug = "gates"

    def steps(self) -> Sequence[Step]:
        """Look at how the aliases' gates ended."""
        return (lambda work, _: self._judge(work.platform, work.resource).carry(),)

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Look at how they stand now: an alias may have been moved since."""
        now = self._judge(platform, resource)
        return Observed(resource.properties, now.outputs, now.status, now.message)

    def _judge(self, platform: Platform, resource: Resource) -> Outcome:
        found = project_resources(platform, resource.project, "alias")
        gated = [alias for alias in found if alias.name in resource.properties["aliases"]]
        reasons = [a.message for a in gated if a.status == "refused" and a.properties.get("on_refusal") != "hold"]
        if reasons:
            return Outcome({"reasons": reasons}, "refused", "; ".join(str(reason) for reason in reasons))
        return Outcome()
