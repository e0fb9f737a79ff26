"""Where an alias should point, and what its gates are to look at. Reads, and writes nothing: previews ask here too."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from groundplan.controlplane import approvals, registry
from groundplan.controlplane.context import Platform
from groundplan.controlplane.kinds.base import find
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.registry import Pointer
from groundplan.controlplane.retirements import refuse_retired, retired, words
from groundplan.controlplane.rules.case import Case
from groundplan.controlplane.rules.gates import choose_version, hold_against
from groundplan.controlplane.store import Resource
from groundplan.spec import gate_words

Pair = Mapping[str, Any]
#: What a person asked for with a command: no rule of the YAML is held against where it points before.
BY_HAND = ("promote", "rollback")


@dataclass(frozen=True)
class Wish:
    """Where an alias should point: which pair, and for what cause."""

    now: Pointer
    pair: Pair | None
    cause: str
    #: The pair that it points to now.
    current: Pair | None

    @property
    def stays(self) -> bool:
        """Whether it is the pair that it points to already, be it under another number."""
        return self.pair is not None and self.current is not None and self.current["digest"] == self.pair["digest"]

    @property
    def judged(self) -> bool:
        """Whether its gates have a say in it."""
        return self.pair is not None and not self.stays and self.cause in ("follow", "promote")


def wish_of(platform: Platform, resource: Resource, request: Mapping[str, Any], digest: str | None) -> Wish:
    """Return where an alias should point: where a person says, else where it is held, else what its rule says.

    ``digest`` is that of the pair that ``follow: latest`` leads to. ApiProblem 409 for a version that is not there.
    """
    given = resource.properties
    with platform.engine.connect() as connection:
        now = registry.pointer(connection, resource.project, given["model"], given["alias"])
        pairs = registry.pairs_of(connection, resource.project, given["model"])

        def standing(version: int, path: str) -> Pair:
            found = registry.standing(connection, resource.project, given["model"], version)
            if found is None:
                allowed = ", ".join(str(pair["version"]) for pair in pairs) or "none yet"
                raise ApiProblem(409, "no such pair version", path=path, value=str(version), allowed=allowed)
            return found

        pair: Pair | None
        current = registry.standing(connection, resource.project, given["model"], now.version) if now.version else None
        if request.get("version") is not None:
            pair, cause = standing(int(request["version"]), "version"), str(request.get("cause", "promote"))
        elif now.hold and now.version is not None and not request.get("release"):
            pair, cause = standing(now.version, f"{resource.id}.hold"), "held"
        elif given.get("version") is not None:
            pair, cause = standing(int(given["version"]), f"{resource.id}.version"), "version"
            if pair["version"] != now.version:
                refuse_retired(connection, resource.project, given["model"], pair, f"{resource.id}.version")
        else:
            version = choose_version(given.get("follow"), None, pairs, digest)
            pair, cause = next((p for p in pairs if p["version"] == version), None), "follow"
    return Wish(now, pair, cause, current)


def followed(model: Resource | None, pairs: list[dict[str, Any]]) -> str | None:
    """Return the digest of the pair that a model names: with ``retrain: manual`` that is not its declaration's."""
    version = model.outputs.get("version") if model else None
    return next((pair["digest"] for pair in pairs if pair["version"] == version), None)


def case_of(platform: Platform, resource: Resource, pair: Pair, asked_by: str) -> Case:
    """Return what is known of a pair that an alias may move to, before anything is measured."""
    project, model, alias = resource.project, resource.properties["model"], resource.properties["alias"]
    with platform.engine.connect() as connection:
        live = registry.pointer(connection, project, model, "production").version
        production = registry.standing(connection, project, model, live) if live else None
        before = registry.pointed_to(connection, project, model, alias)
        returning = any(registry.digest_of(connection, project, model, version) == pair["digest"] for version in before)
        approved = approvals.approvals_of(connection, project, model, pair["digest"])
        gone = retired(connection, project, model).get(pair["digest"])
    return Case(
        version=pair["version"],
        metrics=pair["metrics"],
        production=production["version"] if production else None,
        production_metrics=production["metrics"] if production else None,
        returning=returning,
        trained_by=pair.get("trained_by"),
        asked_by=asked_by,
        approvals=approved,
        retired=words(pair["version"], gone) if gone else None,
        approve=f"groundplan approve {project}/{model} {pair['version']} --reason …",
    )


def foresee(platform: Platform, resource: Resource, asked_by: str) -> dict[str, Any]:
    """Return what the declaration ``resource`` of an alias would do now, for a preview.

    ``training``: the pair that it would point to is not trained yet. ``gates`` are verdicts, or (before a training)
    words.
    """
    given = resource.properties
    model = find(platform, resource.project, "model", given["model"])
    with platform.engine.connect() as connection:
        pairs = registry.pairs_of(connection, resource.project, given["model"])
    sourced = bool(model and model.properties.get("source"))
    declared = resource.upstream.get(f"{resource.project}/model/{given['model']}")
    known = not sourced and any(pair["digest"] == declared for pair in pairs)
    manual = bool(pairs) and model is not None and (sourced or model.properties.get("retrain") == "manual")
    digest = declared if known else followed(model, pairs) if manual else None
    wish = wish_of(platform, resource, {}, digest)
    gates = given.get("gates") or []
    training = wish.cause == "follow" and wish.pair is None and not sourced
    verdicts = (
        hold_against(gates, case_of(platform, resource, wish.pair, asked_by)) if wish.judged and wish.pair else []
    )
    return {
        "from": wish.now.version,
        "to": wish.pair["version"] if wish.pair else None,
        "cause": wish.cause,
        "training": training,
        "hold": {"reason": wish.now.hold, "actor": wish.now.hold_actor} if wish.now.hold else None,
        "gates": [asdict(verdict) for verdict in verdicts],
        "words": [gate_words(gate) for gate in gates],
    }
