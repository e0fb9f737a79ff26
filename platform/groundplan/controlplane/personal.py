"""Answers without the values of personal data, for callers who may not see those.

What is told to everybody: names, digests, versions, counts, metrics. What is not, of what holds personal data or comes
of it: rows, sample requests and what was answered to them, and texts in which a job may have quoted a value.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane import store
from groundplan.controlplane.db.tables import events
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Resource
from groundplan.lineage import Declared, Known, reads_of
from groundplan.spec import marked
from groundplan.spec.gates import CONTRACT

WITHHELD = "withheld: personal data"
#: Outputs that hold no value of a row. What is not named here is withheld.
TOLD = frozenset({
    "version", "metrics", "run_id", "retrain_due", "rows", "uri", "min_timestamp", "max_timestamp", "columns",
    "points_to", "generation", "hold", "waits", "serves", "aliases", "endpoint", "shadow",
})  # fmt: skip
#: Of a skew check: counts.
COUNTS = ("rows", "compared", "feature_differences", "prediction_differences", "older_features")
#: Statuses whose message may quote a value: what a job failed of, what a gate was answered.
QUOTING = ("failed", "refused")


def refusal(project: str, what: str) -> ApiProblem:
    """Return the refusal of what shows, moves or declares personal data."""
    fix = f"a grant with personal_data: true in {project} (access in stacks/<env>.yaml)"
    return ApiProblem(403, f"{what}: it holds personal data", path=project, allowed=f"{project}:personal_data", fix=fix)


def resource(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource's document without values, where it holds personal data."""
    if not marked(document["properties"]):
        return dict(document)
    quotes = document.get("message") is not None and document.get("status") in QUOTING
    return {
        **document,
        "properties": _properties(document["properties"]),
        "outputs": outputs(document.get("outputs") or {}),
        "message": WITHHELD if quotes else document.get("message"),
    }


def _properties(given: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in given.items() if key != "example"}
    return {**kept, "gates": [_gate(gate) for gate in given["gates"]]} if given.get("gates") else kept


def _gate(gate: Mapping[str, Any]) -> dict[str, Any]:
    """Sample requests name people."""
    contract = gate.get("contract")
    return {**gate, "contract": {**contract, "requests": []}} if isinstance(contract, Mapping) else dict(gate)


def outputs(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource's outputs without values."""
    found = {key: value for key, value in given.items() if key in TOLD}
    if isinstance(given.get("skew"), Mapping):
        found["skew"] = {key: given["skew"][key] for key in COUNTS if key in given["skew"]} | {"examples": []}
    if "evidence" in given:
        found["evidence"] = evidence(given["evidence"])
    return found | ({"reasons": [WITHHELD]} if given.get("reasons") else {})


def evidence(given: Any) -> Any:
    """Return why an alias moved, without what a contract's sample requests were answered."""
    if not isinstance(given, Mapping):
        return given
    return {**given, "gates": [verdict(each) for each in given.get("gates") or ()]}


def verdict(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a gate's verdict; of a contract, whether it passed and no more."""
    if not CONTRACT.match(str(given.get("gate"))):
        return dict(given)
    return {**given, "value": None, "reason": WITHHELD}


def event(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event without values. Its hash stays that of the whole one: ``withheld`` says that it is not whole."""
    sides = {side: _side(given[side]) for side in ("before", "after")}
    same = all(sides[side] == given[side] for side in sides)
    return {**given, **sides} | ({} if same else {"withheld": WITHHELD})


def _side(document: Any) -> Any:
    if not isinstance(document, Mapping):
        return document
    if isinstance(document.get("properties"), Mapping):
        # It may have been marked since: then what it held before is withheld, too.
        named = {**document, "properties": {**document["properties"], "personal": [""]}}
        found = resource(named)
        marks = {key: document["properties"][key] for key in ("personal",) if key in document["properties"]}
        kept = {key: value for key, value in found["properties"].items() if key != "personal"}
        return {**found, "properties": {**kept, **marks}}
    return {**document, "evidence": evidence(document["evidence"])} if "evidence" in document else document


def touches(connection: sa.Connection, wanted: Resource) -> bool:
    """Tell whether a declaration reads personal data, says so, or takes the place of one that does.

    By its own names of what it reads, table by table: its SQL and Python may read every column.
    """
    others = store.every(connection, wanted.project)
    marks = {each.id for each in others if marked(each.properties)}
    if wanted.id in marks or marked(wanted.properties):
        return True
    known = Known((Declared(r.project, r.kind, r.name, r.properties) for r in others), lambda *_: None)
    try:
        made_of, _ = reads_of(known, Declared(wanted.project, wanted.kind, wanted.name, wanted.properties))
    except (KeyError, TypeError, AttributeError, ValueError):
        return bool(marks)  # who declares what cannot be read is not let near
    return not marks.isdisjoint(made_of)


class Marks:
    """Projects that hold personal data or ever did: their events may tell of it."""

    def __init__(self) -> None:
        self._projects: frozenset[str] = frozenset()
        self._seen = 0

    def projects(self, connection: sa.Connection) -> frozenset[str]:
        """Return them; looks at the events that are new since the last look."""
        last = connection.execute(sa.select(sa.func.coalesce(sa.func.max(events.c.seq), 0))).scalar_one()
        named = events.c.after["properties"]["personal"][0].astext.is_not(None)
        new = sa.select(events.c.project).distinct().where(events.c.seq > self._seen, events.c.seq <= last, named)
        found = self._projects | frozenset(connection.execute(new).scalars())
        self._projects, self._seen = found, last
        return found
