"""Aliases and their gates: one row that says where an alias points, moved by rule, by number, or held by a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundplan.controlplane import registry
from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.db.engine import locked
from groundplan.controlplane.kinds import jobs
from groundplan.controlplane.kinds.base import Carry, Kind, Observed, Outcome, Step, need, project_resources
from groundplan.controlplane.kinds.decisions import BY_HAND, Pair, followed, wish_of
from groundplan.controlplane.kinds.judging import asked_of, judged
from groundplan.controlplane.kinds.pairs import is_whole, usable
from groundplan.controlplane.kinds.serving import flip, waiting
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.retirements import refuse_retired
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
        wish = wish_of(platform, resource, work.request, followed(model, pairs))
        decided: Carry = {"cause": wish.cause, "wanted": None}
        if wish.pair is not None:
            wanted = _usable(work, wish.pair, "it is gone from MLflow, and cannot be made from what is left")
            decided |= {"wanted": wanted, "target": wanted, "evidence": _evidence(wish.pair)}
            if wish.judged:
                decided |= judged(work, {**wish.pair, "version": wanted})
        if wish.pair is None or decided.get("refused"):  # it stays; what it points to may have lost a half
            why = "; ".join(decided.get("refused") or ["there is no pair version to follow"])
            decided["target"] = _usable(work, wish.current, f"it is gone from MLflow; and {why}")
        if decided["target"] not in (None, decided["wanted"]) or wish.stays:
            decided["cause"] = "same_pair"  # under another number, if it is moved at all
        return {**decided, "hold": _hold(work, wish.now, bool(decided.get("refused")))}

    def _move(self, work: Work, decided: Carry) -> Carry:
        resource = work.resource
        model, alias = resource.properties["model"], resource.properties["alias"]
        if decided["target"] is not None:
            reason = (decided.get("hold") or {}).get("reason")
            move_to(work, model, alias, int(decided["target"]), decided, asked_of(work), reason)
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
        outputs: dict[str, Any] = {"points_to": now.version, "generation": now.generation}
        if now.hold:
            outputs["hold"] = {"reason": now.hold, "actor": now.hold_actor}
        moved = now.version == decided["wanted"] and decided.get("evidence", {}).get("gates")
        outputs["evidence"] = decided["evidence"] if moved else resource.outputs.get("evidence")
        if decided.get("refused"):
            return self._refused(work, decided, outputs, now.version)
        return Outcome(_known(outputs), *_status(resource, decided, now)).carry()

    def _refused(self, work: Work, decided: Carry, outputs: dict[str, Any], stays: int | None) -> Carry:
        """A refusal of what the declaration asks for is its outcome; of what a person asks for, that person's error."""
        resource, reasons = work.resource, "; ".join(decided["refused"])
        where = f"stays at {stays}" if stays is not None else "points to nothing yet"
        message = f"{resource.name} {where}; {decided['wanted']} is refused: {reasons}"
        if decided.get("waits"):
            outputs["waits"] = decided["waits"]
        fix = next(iter(decided.get("fixes") or ()), None)
        if work.request.get("cause") not in BY_HAND:
            told = f"{message}; {fix}" if fix else message
            return Outcome(_known({**outputs, "evidence": decided["evidence"]}), "refused", told).carry()
        before = work.request.get("before") or {}
        refusal = {"what": message, "path": None, "value": None, "allowed": None, "fix": fix}
        status = before.get("status") if before.get("status") in ("ready", "refused", "waiting") else "ready"
        return {**Outcome(_known(outputs), str(status), before.get("message")).carry(), "refusal": refusal}

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Compare our row with MLflow's two, and look whether both halves of its pair are there."""
        model, alias = resource.properties["model"], resource.properties["alias"]
        with platform.engine.connect() as connection:
            ours = registry.pointer(connection, resource.project, model, alias).version
            pairs = registry.pairs_of(connection, resource.project, model)
        name = registry.mlflow_name(resource.project, model)
        theirs = (ours, ours) if platform.shares else platform.mlflow.observe_alias(name, alias)
        pair = next((pair for pair in pairs if pair["version"] == ours), None)
        whole = ours is None or (pair is not None and is_whole(platform, resource.project, model, pair))
        if resource.status == "pending" or (whole and theirs == (ours, ours)):
            return Observed(resource.properties, resource.outputs, resource.status, resource.message)
        if not whole:
            message = f"pair version {ours} lost a half in MLflow; the next `up` registers it again"
            return Observed(resource.properties, resource.outputs, "drifted", message)
        message = f"moved by hand in MLflow: preprocessor {theirs[0]}, model {theirs[1]}; ours {ours}"
        moved = next((version for version in theirs if version != ours), None)
        return Observed(resource.properties, {**resource.outputs, "points_to": moved}, "drifted", message)

    def cancel(self, platform: Platform, operation: str) -> None:
        """Stop what measures for its gates."""
        jobs.stop(platform, operation)

    def followers(self, platform: Platform, resource: Resource, request: Mapping[str, Any]) -> Sequence[Resource]:
        """The applications that waited for it to point somewhere."""
        return waiting(platform, resource)

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Forget it, here and in MLflow; its history stays."""
        model, alias = resource.properties["model"], resource.properties["alias"]
        mirror(platform, resource.project, model, alias, None)
        with platform.engine.begin() as connection:
            registry.drop(connection, resource.project, model, alias, actor)


def _hold(work: Work, now: registry.Pointer, refused: bool) -> dict[str, Any] | None:
    """Return who holds the alias where it will be: who moves it by hand, or who held it before."""
    if work.request.get("version") is not None and not refused:
        asked = asked_of(work)
        return {"reason": asked.reason, "actor": asked.name}
    if now.hold and not work.request.get("release"):
        return {"reason": now.hold, "actor": now.hold_actor}
    return None


def _usable(work: Work, pair: Pair | None, gone: str) -> int | None:
    """Return the number under which a pair can be loaded, None for none. ApiProblem 409 (``gone``) when it is lost."""
    if pair is None:
        return None
    version = usable(work, work.resource.properties["model"], pair)
    if version is None:
        what = f"{work.resource.name} is meant to point to pair version {pair['version']}: {gone}"
        raise ApiProblem(409, what, path=work.resource.id, fix="groundplan up trains it; groundplan promote another")
    return version


def _evidence(pair: Pair) -> dict[str, Any]:
    return {"metrics": pair["metrics"], "gates": []}


def _known(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in outputs.items() if value is not None or key == "points_to"}


def move_to(
    work: Work, model: str, alias: str, target: int, why: Mapping[str, Any], asked: Actor, hold: str | None = None
) -> None:
    """Move an alias, with every application that loads it, and hold it there or not. Doing it again is harmless.

    ``why`` has the ``cause`` and the ``evidence`` that the history keeps. ApiProblem 409 when the pair lost a half
    since it was decided: an alias never points to half a pair.
    """
    platform, project = work.platform, work.resource.project
    with locked(platform.engine, registry.lock_of(project, model)):
        with platform.engine.connect() as connection:
            now = registry.pointer(connection, project, model, alias)
            pair = registry.standing(connection, project, model, target)
        if pair is None or pair["version"] != target or not is_whole(platform, project, model, pair):
            raise ApiProblem(409, f"pair version {target} lost a half in MLflow meanwhile", fix="try again")
        if now.version != target:
            with platform.engine.connect() as connection:  # it may have been retired since it was decided
                refuse_retired(connection, project, model, pair, work.resource.id)

        def move() -> None:
            with platform.engine.begin() as connection:
                if now.version != target:
                    evidence, cause = why.get("evidence"), str(why["cause"])
                    registry.move(connection, project, model, alias, now, target, asked, evidence, cause)
                registry.hold(connection, project, model, alias, hold, asked)

        flip(work, model, alias, target, move)


def mirror(platform: Platform, project: str, model: str, alias: str, version: int | None) -> None:
    """Make MLflow's two aliases say what ours says. A shared registry shows those of its owner."""
    if platform.shares:
        return
    name = registry.mlflow_name(project, model)
    if version is None:
        platform.mlflow.delete_alias(name, alias)
    elif platform.mlflow.observe_alias(name, alias) != (version, version):
        platform.mlflow.set_alias(name, alias, version)


def _status(resource: Resource, decided: Carry, now: registry.Pointer) -> tuple[str, str | None]:
    if now.hold:
        lifts = f"groundplan release {resource.project}/{resource.name} lifts it"
        return "ready", f"held at {now.version} by {now.hold_actor}: {now.hold}; {lifts}"
    if decided["wanted"] is None:
        return "waiting", f"{resource.properties['model']} has no pair version yet"
    pinned = resource.properties.get("version")
    if pinned is not None and pinned != decided["wanted"]:
        return "ready", f"pair version {pinned} lost a half in MLflow: {decided['wanted']} is the same pair"
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
