"""What is left of documents for who may not see personal data: what is named stays, what is new is withheld."""

import copy
from typing import Any

from groundplan.controlplane import personal
from groundplan.controlplane.personal import WITHHELD

CONTRACT = {"passed": False, "gate": "2 sample requests answered between 0 and 5", "value": 7.5, "bound": 5.0,
            "reason": "request 1, row 1 (k Jane): 7.5 is more than 5", "fix": None}  # fmt: skip
METRIC = {**CONTRACT, "gate": "mae below 11", "reason": "mae 7.5 is below 11"}


def document(**changes: Any) -> dict[str, Any]:
    """A resource that holds personal data."""
    return {
        "project": "p", "kind": "alias", "name": "m@a", "properties": {"personal": ["p/entity/e"]}, "outputs": {},
        "status": "ready", "message": None, **changes,
    }  # fmt: skip


def test_what_holds_none_is_told_whole() -> None:
    for marks in ({}, {"personal": []}):
        given = document(properties=marks, outputs={"new": 1}, status="failed", message="Jane")
        assert personal.resource(given) == given


def test_outputs_are_told_by_name_alone() -> None:
    skew = {
        "rows": 3,
        "compared": 3,
        "feature_differences": {"v__f": 1},
        "examples": [{"logged": "Jane"}],
        "new": "Jane",
    }
    outputs = {"version": 3, "metrics": {"mae": 1.0}, "skew": skew, "sample": ["Jane"], "reasons": ["Jane"],
               "evidence": {"metrics": {"mae": 1.0}, "gates": [CONTRACT, METRIC]}}  # fmt: skip
    given = document(outputs=outputs)
    kept = copy.deepcopy(given)
    found = personal.resource(given)
    assert given == kept, "what was given is not changed"
    assert "Jane" not in str(found)
    assert found["outputs"].keys() == {"version", "metrics", "skew", "reasons", "evidence"}
    assert found["outputs"]["skew"] == {"rows": 3, "compared": 3, "feature_differences": {"v__f": 1}, "examples": []}
    contract, metric = found["outputs"]["evidence"]["gates"]
    assert (contract["passed"], contract["value"], contract["reason"]) == (False, None, WITHHELD)
    assert metric == METRIC


def test_messages_that_may_quote_are_withheld() -> None:
    for status in ("failed", "refused"):
        assert personal.resource(document(status=status, message="Jane"))["message"] == WITHHELD
    assert personal.resource(document(status="waiting", message="waits"))["message"] == "waits"
    assert personal.resource(document(status="failed"))["message"] is None


def test_sample_requests_are_no_property() -> None:
    gates = [{"contract": {"requests": [[{"k": "Jane"}]], "between": [0.0, 5.0]}}, {"metric": "mae", "below": 1.0}]
    found = personal.resource(document(properties={"personal": ["x"], "gates": gates, "example": [{"k": "Jane"}]}))
    assert found["properties"] == {
        "personal": ["x"],
        "gates": [{"contract": {"requests": [], "between": [0.0, 5.0]}}, {"metric": "mae", "below": 1.0}],
    }


def test_an_event_is_cut_whatever_it_was_marked_then() -> None:
    told = document(properties={}, status="failed", message="Jane")
    event = {"project": "p", "before": None, "after": told, "hash": "h"}
    assert personal.event(event) == {
        **event, "after": {**told, "message": WITHHELD}, "withheld": WITHHELD,
    }  # fmt: skip
    moved = {"project": "p", "before": {"version": 1}, "after": {"version": 2, "evidence": {"gates": [CONTRACT]}}}
    assert "Jane" not in str(personal.event(moved))
    plain = {"project": "p", "before": {"version": 1}, "after": {"version": 2, "evidence": None}}
    assert personal.event(plain) == plain
