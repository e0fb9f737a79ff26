"""Our events in OpenLineage's words, each from the row that was appended."""

from datetime import UTC, datetime
from typing import Any

import pytest

from groundplan.controlplane.lineage.events import Told, documents
from groundplan.controlplane.lineage.received import Event
from groundplan.lineage import Declared, Known

PROJECT = Declared("p", "project", "p", {"team": "core", "owner": "ana@example.org"})
SOURCE = Declared(
    "p", "data_source", "s", {"kind": "package", "package": "x", "file": "a.csv", "fields": {"k": "string"}}
)


def told(kind: str, name: str, action: str, after: Any, before: Any = None, **more: Any) -> Told:
    """One appended event, among what is declared."""
    who = {"actor": "ana", "reason": None, "correlation_id": "c-1", "at": datetime(2026, 1, 1, tzinfo=UTC), "seq": 7}
    row = {
        "project": "p",
        "kind": kind,
        "name": name,
        "action": action,
        "before": before,
        "after": after,
        **who,
        **more,
    }
    return Told(row, Known([PROJECT, SOURCE], lambda *_: None), "local", "id")


def resource(properties: Any, outputs: Any = None, **more: Any) -> dict[str, Any]:
    """A resource's document."""
    given = {"digest": "d", "data_digest": "dd", "generation": 2, "message": None, "status": "ready"}
    return {**given, "properties": properties, "outputs": outputs or {}, **more}


def one(about: Told) -> dict[str, Any]:
    """The one document of an event, which is one that would be received."""
    (document,) = documents(about)
    Event.model_validate(document)
    return document


def test_begin_and_end_are_one_run() -> None:
    properties = dict(SOURCE.properties)
    begun = one(told("data_source", "s", "declare", resource(properties)))
    ended = one(told("data_source", "s", "ready", resource(properties, {"rows": 3, "uri": "s3://b/x"}), seq=8))
    assert begun["run"]["runId"] == ended["run"]["runId"]
    assert (begun["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert begun["inputs"][0]["namespace"] == "package"
    assert "outputs" not in begun or begun["outputs"] == []
    facets = ended["outputs"][0]["facets"]
    assert facets["columnLineage"]["fields"]["k"]["inputFields"][0]["name"] == "x/a.csv"
    assert facets["ownership"]["owners"][0]["name"] == "team:core"
    assert ended["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 3


def test_another_attempt_is_another_run() -> None:
    first, second = (
        one(told("data_source", "s", "declare", resource(dict(SOURCE.properties), generation=n))) for n in (1, 2)
    )
    assert first["run"]["runId"] != second["run"]["runId"]


def test_a_move_names_both_versions_and_its_evidence() -> None:
    gate = {"passed": True, "gate": "mae", "value": 1.0, "bound": 2.0}
    after = {"version": 3, "generation": 2, "evidence": {"metrics": {"mae": 1.0}, "gates": [gate]}}
    document = one(told("alias", "m@production", "move", after, {"version": 2, "generation": 1}))
    pair = document["outputs"][0]["facets"]["groundplan_pairVersion"]
    assert (pair["previousVersion"], pair["version"], pair["alias"]) == (2, 3, "production")
    assert pair["gates"] == [gate]
    assert document["inputs"][0]["name"] == "pair.m"


def test_a_pair_of_another_environment_is_made_of_the_pair_there() -> None:
    made = {"version": 3, "digest": "d", "run_id": "r", "metrics": {}}
    document = one(told("pair", "m", "commit", {**made, "source": {"stack": "dev", "version": 7}}))
    (read,) = document["inputs"]
    here = document["outputs"][0]
    assert (read["name"], read["namespace"]) == (here["name"], here["namespace"].replace("local", "dev", 1))
    assert read["namespace"] != here["namespace"]
    assert one(told("pair", "m", "commit", made))["inputs"][0]["name"] == "model.m"


def test_what_is_gone_is_dropped() -> None:
    for about in (
        told("data_source", "s", "delete", None, resource(dict(SOURCE.properties))),
        told("alias", "m@production", "drop", None, {"version": 3}),
        told("alias", "m@production", "move", {"version": None, "generation": 3}, {"version": 3}),
    ):
        change = one(about)["outputs"][0]["facets"]["lifecycleStateChange"]
        assert change["lifecycleStateChange"] == "DROP"


@pytest.mark.parametrize(
    ("kind", "action"),
    [("alias", "hold"), ("alias", "ready"), ("pair", "approve"), ("entity", "ready"), ("gates", "refused")],
)
def test_what_lineage_has_no_word_for_is_not_told(kind: str, action: str) -> None:
    assert documents(told(kind, "x", action, resource({}))) == []


def test_an_up_that_failed_says_so() -> None:
    up = {"plan_digest": "d", "changes": [{"id": "p/model/m", "action": "update"}], "commit": None, "dirty": None}
    document = one(told("up", "local", "up", {**up, "succeeded": False}))
    assert document["eventType"] == "FAIL"
    assert (document["job"]["namespace"], document["job"]["name"]) == ("local", "up")
    assert "commit" not in document["run"]["facets"]["groundplan_up"]
