"""What the catalogue tells of a model: the line in a list, and its page."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from groundplan.controlplane.catalogue.reading import Known, Row
from groundplan.controlplane.catalogue.versions import Version, versions_of
from groundplan.controlplane.rules.history import earlier
from groundplan.controlplane.rules.lifecycle import ACTIONS, STAGES, why_not
from groundplan.controlplane.store import Resource
from groundplan.spec import gate_words

#: Tells whether who asks has the rights of a role in the model's project.
May = Callable[[str], bool]
#: Words for the events of a pair version in a model's history.
TRAINED, TAKEN, APPROVED, RETIRED, RESTORED, MOVED = "trained", "taken", "approved", "retired", "restored", "moved"


def summary(known: Known) -> dict[str, Any]:
    """Return a model as a list shows it; ``metrics`` are those of ``version``, the furthest in its life."""
    model, project = known.model, known.project
    versions = versions_of(known)
    first = leading(versions)
    given: Mapping[str, Any] = project.properties if project else {}
    stages = [version.stage for version in versions]
    return {
        "project": model.project,
        "name": model.name,
        "description": model.properties.get("description", ""),
        "tags": model.properties.get("tags", {}),
        "kind": model.properties["kind"],
        "owner": given.get("owner", ""),
        "team": given.get("team", ""),
        "status": model.status,
        "personal": model.properties.get("personal", []),
        "features": features_read(known),
        "version": first.pair["version"] if first else None,
        "stage": first.stage if first else None,
        "metric": model.properties["validation"]["metric"],
        "metrics": first.pair["metrics"] if first else {},
        "trained_at": first.pair["created_at"].isoformat() if first else None,
        "stages": {stage: stages.count(stage) for stage in STAGES if stage in stages},
        "aliases": {row["alias"]: row["version"] for row in known.pointers},
        "applications": [application.name for application in known.applications],
    }


def leading(versions: list[Version]) -> Version | None:
    """Return the version that stands for a model: the furthest in its life that is not retired, the newest of those."""
    alive = [version for version in versions if version.stage != "retired"]
    return max(alive or versions[:1], key=lambda version: STAGES.index(version.stage), default=None)


def features_read(known: Known) -> list[str]:
    """Return the features that a model reads, as ``<view>__<field>``."""
    views = known.service.properties["views"] if known.service else {}
    return [f"{view}__{field}" for view, fields in views.items() for field in fields]


def page(known: Known, others: Iterable[Resource], lineage: dict[str, Any], actor: str, has: May) -> dict[str, Any]:
    """Return all that is told of one model; ``others`` are its project's resources."""
    model = known.model
    versions = [version_document(known, version, actor, has) for version in versions_of(known)]
    return {
        **summary(known),
        "message": model.message,
        "project_description": (known.project.properties if known.project else {}).get("description", ""),
        "declared": _declared(model),
        "versions": versions,
        "aliases": [_alias(known, alias) for alias in known.aliases],
        "reads": _reads(known, others),
        "applications": [_application(application) for application in known.applications],
        "history": history(known),
        "lineage": lineage,
    }


def _declared(model: Resource) -> dict[str, Any]:
    shown = ("kind", "feature_service", "baseline", "as_of", "validation", "preprocessor", "hyperparameters", "retrain")
    declared = {name: model.properties[name] for name in shown if name in model.properties}
    return {**declared, "target": model.properties["examples"]["target"]}


def version_document(known: Known, version: Version, actor: str, has: May) -> dict[str, Any]:
    """Return one pair version: its stage, what that comes from, and what the asking person may do with it."""
    pair = version.pair
    return {
        "version": pair["version"],
        "stage": version.stage,
        "digest": pair["digest"],
        "run_id": pair["run_id"],
        "metrics": pair["metrics"],
        "trained_by": pair["trained_by"],
        "source": from_of(pair),
        "created_at": pair["created_at"].isoformat(),
        "aliases": list(version.facts.aliases),
        "applications": list(version.facts.answers),
        "shadowed_in": list(version.facts.shadows),
        "gates": [{"alias": alias, **verdict} for alias, verdicts in version.gates.items() for verdict in verdicts],
        "approvals": [_said(row) for row in version.approvals],
        "retired": _said(version.retirement) if version.retirement else None,
        "actions": {action: _answer(known, version, action, actor, has) for action in ACTIONS},
    }


def _said(row: Row) -> dict[str, Any]:
    return {"actor": row["actor"], "reason": row["reason"], "at": row["at"].isoformat()}


def _answer(known: Known, version: Version, action: str, actor: str, has: May) -> dict[str, Any]:
    """Say whether somebody may do something with a version now; where not, why, in one line."""
    refusal = None
    if not has(ACTIONS[action].role):
        refusal = f"it needs the role {ACTIONS[action].role} in {known.model.project}"
    refusal = refusal or why_not(action, version.stage, version.facts)
    if refusal is None and action in _MORE:
        refusal = _MORE[action](known, version, actor)
    return {"allowed": refusal is None, "why": refusal}


def _approving(known: Known, version: Version, actor: str) -> str | None:
    asking = [gate for alias in known.aliases for gate in alias.properties.get("gates") or () if "approval" in gate]
    if not asking:
        return "no alias of this model asks for an approval"
    if actor == version.pair["trained_by"]:
        return f"{actor} trained it: somebody else has to approve it"
    waits = [alias.outputs.get("waits") or {} for alias in known.aliases]
    asked = {wait["asked_by"] for wait in waits if wait.get("version") == version.pair["version"]}
    if asked == {actor}:
        return f"{actor} asked for it: somebody else has to approve it"
    if not asked and any(row["actor"] == actor for row in version.approvals):
        return f"{actor} approved it already"
    by = {name for gate in asking for name in gate["approval"].get("by") or ()}
    everybody = any(not gate["approval"].get("by") for gate in asking)
    return None if everybody or actor in by else f"{' or '.join(sorted(by))} may approve it"


def _promoting(known: Known, version: Version, _: str) -> str | None:
    elsewhere = [alias for alias in known.aliases if alias.properties["alias"] not in version.facts.aliases]
    if not known.aliases:
        return "no alias is declared"
    return None if elsewhere else "every alias points to it already"


def _going_back(known: Known, version: Version, _: str) -> str | None:
    retired = {row["digest"]: row["retired"] for row in known.retirements}
    alive = {pair["version"] for pair in known.committed if not retired.get(pair["digest"])}
    for alias in version.facts.aliases:
        moves = [move for move in known.moves if move["alias"] == alias]
        if any(number in alive and number != version.pair["version"] for number in earlier(moves)):
            return None
    return "there is nothing to go back to"


_MORE: dict[str, Callable[[Known, Version, str], str | None]] = {
    "approve": _approving,
    "promote": _promoting,
    "rollback": _going_back,
}


def _alias(known: Known, alias: Resource) -> dict[str, Any]:
    given = alias.properties
    row: Row = next((each for each in known.pointers if each["alias"] == given["alias"]), {})
    return {
        "alias": given["alias"],
        "version": row.get("version"),
        "rule": "follows latest" if given.get("follow") else f"version {given.get('version')}",
        "hold": {"reason": row["hold_reason"], "actor": row["hold_actor"]} if row.get("hold_reason") else None,
        "gates": [gate_words(gate) for gate in given.get("gates") or ()],
        "status": alias.status,
        "message": alias.message,
        "waits": alias.outputs.get("waits"),
    }


def _reads(known: Known, others: Iterable[Resource]) -> dict[str, Any]:
    by = {(other.kind, other.name): other for other in others}
    taken: Mapping[str, list[str]] = known.service.properties["views"] if known.service else {}
    views = [_view(name, fields, by.get(("feature_view", name))) for name, fields in taken.items()]
    entities = sorted({entity for view in views for entity in view["entities"] or ()})
    keys = [by["entity", entity].properties for entity in entities if ("entity", entity) in by]
    return {
        "feature_service": known.model.properties["feature_service"],
        "join_keys": [[key["join_key"], key["type"]] for key in keys],
        "views": views,
    }


def _view(name: str, fields: list[str], view: Resource | None) -> dict[str, Any]:
    given: Mapping[str, Any] = view.properties if view else {}
    types = given.get("fields", {})
    kept = {key: given.get(key) for key in ("description", "tags", "entities", "ttl", "online")}
    kept["personal"] = given.get("personal", [])
    return {"view": name, **kept, "fields": {field: types.get(field) for field in fields}}


def _application(application: Resource) -> dict[str, Any]:
    given, outputs = application.properties, application.outputs
    kept = {key: given.get(key) for key in ("route", "topology", "traffic", "shadow")}
    told = {key: outputs.get(key) for key in ("serves", "aliases", "endpoint")}
    return {"name": application.name, **kept, **told, "status": application.status, "message": application.message}


def history(known: Known) -> list[dict[str, Any]]:
    """Return what happened to a model's versions, the newest first: trainings, approvals, moves, retirements."""
    told = [
        *(_made(row) for row in known.committed),
        *(_event(APPROVED, row, row["actor"]) for row in known.approvals),
        *(_event(RETIRED if row["retired"] else RESTORED, row, row["actor"]) for row in known.retirements),
        *(_moved(row) for row in known.moves),
    ]
    told.sort(key=lambda event: event["at"], reverse=True)
    return [{**event, "at": event["at"].isoformat()} for event in told]


def from_of(pair: Row) -> dict[str, Any] | None:
    """Return where a pair was trained, of one that came from another environment: its stack and number there."""
    return {key: pair["source"][key] for key in ("stack", "version")} if pair.get("source") else None


def _made(row: Row) -> dict[str, Any]:
    source = from_of(row)
    reason = f"version {source['version']} of {source['stack']}" if source else None
    event = _event(TAKEN if source else TRAINED, row, row["trained_by"])
    return {**event, "reason": reason, "at": row["created_at"]}


def _event(what: str, row: Row, actor: str | None) -> dict[str, Any]:
    told = {"what": what, "at": row.get("at"), "actor": actor, "version": row.get("version")}
    return {**told, "reason": row.get("reason")}


def _moved(row: Row) -> dict[str, Any]:
    more = {"version": row["to_version"], "alias": row["alias"], "from": row["from_version"], "cause": row["cause"]}
    return {**_event(MOVED, row, row["actor"]), **more}
