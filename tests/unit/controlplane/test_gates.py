"""Gates judge by direction, refuse what they cannot judge, and say why in one line with the value and the bound."""

import math
from typing import Any

import pytest

from groundplan.controlplane.rules.case import Case, Verdict
from groundplan.controlplane.rules.gates import choose_version, evaluate, needs_production, requests_of

METRICS = {"mae": 10.0, "baseline_mae": 12.0, "r2": 0.3, "baseline_r2": 0.4, "rows_train": 5.0}
BEATS = {"metric": "mae", "better_than": "production"}
ASKS = {"contract": {"requests": [[{"k": "a"}, {"k": "b"}]], "between": [-1.0, 5.0]}}
APPROVAL: dict[str, Any] = {"approval": {}}


def case(**known: Any) -> Case:
    """What is known of version 3."""
    return Case(3, **{"metrics": METRICS, "approve": "groundplan approve p/m 3", **known})


def judge(gate: dict[str, Any], **known: Any) -> Verdict:
    """One gate's verdict."""
    (verdict,) = evaluate([gate], case(**known))
    assert "\n" not in verdict.reason
    return verdict


@pytest.mark.parametrize(
    ("gate", "passed", "bound"),
    [
        ({"metric": "mae", "below": 20}, True, 20.0),
        ({"metric": "mae", "below": 10}, False, 10.0),  # as good as the bound is not below it
        ({"metric": "r2", "above": 0.2}, True, 0.2),
        ({"metric": "r2", "above": 0.3}, False, 0.3),
        ({"metric": "mae", "better_than": "baseline"}, True, 12.0),
        ({"metric": "mae", "better_than": "baseline", "by": 1.5}, True, 10.5),
        ({"metric": "mae", "better_than": "baseline", "by": 2.5}, False, 9.5),
        ({"metric": "r2", "better_than": "baseline"}, False, 0.4),
        ({"metric": "r2", "better_than": "baseline", "by": 0.1}, False, 0.5),
    ],
)
def test_direction_and_bound(gate: dict[str, Any], passed: bool, bound: float) -> None:
    verdict = judge(gate)
    assert (verdict.passed, verdict.bound, verdict.value) == (passed, bound, METRICS[gate["metric"]])
    assert f"{METRICS[gate['metric']]:.4g}" in verdict.reason


@pytest.mark.parametrize("gate", [{"metric": "rmse", "below": 1}, {"metric": "rmse", "better_than": "baseline"}])
def test_a_metric_that_cannot_be_judged_is_refused_and_the_known_ones_named(gate: dict[str, Any]) -> None:
    verdict = judge(gate)
    assert verdict.passed is False
    assert verdict.reason == "unknown metric rmse; this version has mae, r2"
    assert judge(gate, metrics={"rmse": math.nan}).reason == "rmse is no finite number"


def test_a_missing_baseline_is_refused() -> None:
    verdict = judge({"metric": "mae", "better_than": "baseline"}, metrics={"mae": 1.0})
    assert (verdict.passed, verdict.reason) == (False, "mae 1: baseline has no mae to compare with")


def test_production_is_judged_by_the_scores_on_the_same_data_not_by_what_was_recorded() -> None:
    known = {"production": 2, "production_metrics": {"mae": 99.0}}
    scores = {"candidate": {"mae": 10.5}, "production": {"mae": 10.0}}
    verdict = judge(BEATS, **known, scores=scores)
    assert (verdict.passed, verdict.value, verdict.bound) == (False, 10.5, 10.0)
    assert verdict.reason == "mae 10.5 is not better than production's 10 (version 2, on the same data)"
    assert judge(BEATS, **known, scores={"candidate": {"mae": 9.5}, "production": {"mae": 10.0}}).passed
    by = {**BEATS, "by": 1.0}
    assert judge(by, **known, scores={"candidate": {"mae": 9.5}, "production": {"mae": 10.0}}).passed is False
    open_yet = judge(BEATS, **known)
    assert open_yet.passed is None
    assert "at their trainings: 10 and 99" in open_yet.reason


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({}, "there is no production version yet to be better than"),
        ({"production": 3}, "it is the production version"),
        ({"production": 2, "returning": True}, "it was here before: a return need not be better"),
    ],
)
def test_where_there_is_nothing_to_be_better_than(known: dict[str, Any], reason: str) -> None:
    assert not needs_production([BEATS], case(**known))
    verdict = judge(BEATS, **known)
    assert (verdict.passed, verdict.reason) == (True, reason)
    # What it is held against by itself still counts.
    assert judge({"metric": "mae", "below": 1}, **known).passed is False


def test_only_a_comparison_is_measured() -> None:
    assert needs_production([BEATS], case(production=2))
    assert not needs_production([{"metric": "mae", "better_than": "baseline"}], case(production=2))
    assert requests_of([BEATS, ASKS]) == [[{"k": "a"}, {"k": "b"}]]


@pytest.mark.parametrize(
    ("answer", "passed", "reason"),
    [
        ([1.0, 5.0], True, "2 answers from 1 to 5, all between -1 and 5"),
        ([1.0, 5.5], False, "request 1, row 2 (k b): 5.5 is more than 5"),
        ([-2.0, 5.5], False, "request 1, row 1 (k a): -2 is less than -1"),
        ([1.0, None], False, "request 1, row 2 (k b): the answer is no finite number"),
        ([1.0, math.inf], False, "request 1, row 2 (k b): the answer is no finite number"),
        ([1.0], False, "request 1: 1 numbers for 2 rows"),
        ("KeyError: 'k'", False, "request 1 is not answered: KeyError: 'k'"),
    ],
)
def test_a_contract_is_one_finite_number_a_row_in_range(answer: Any, passed: bool, reason: str) -> None:
    verdict = judge(ASKS, answers=[([{"k": "a"}, {"k": "b"}], answer)])
    assert (verdict.passed, verdict.reason) == (passed, reason)


def test_a_contract_nobody_was_asked_for_is_open_or_refused() -> None:
    assert judge(ASKS).passed is None
    assert judge(ASKS, answers=[]).reason == "request 1 is not answered: no reason given"
    assert judge({"contract": {"requests": [], "between": [0, 1]}}, answers=[]).passed is False


def approved(*actors: str) -> list[dict[str, str]]:
    """Approvals by these."""
    return [{"actor": actor, "reason": "looks right", "at": "now"} for actor in actors]


@pytest.mark.parametrize(
    ("by", "approvals", "passed"),
    [
        ([], [], False),
        ([], approved("ben"), True),
        ([], approved("ann"), False),  # ann trained it
        ([], approved("cat"), False),  # cat asked for it
        ([], approved("ann", "ben"), True),
        (["dan"], approved("ben"), False),
        (["dan", "ben"], approved("ben"), True),
        (["ann"], approved("ann"), False),
    ],
)
def test_an_approval_is_by_somebody_else(by: list[str], approvals: list[dict[str, str]], passed: bool) -> None:
    gate = {"approval": {"by": by} if by else {}}
    verdict = judge(gate, trained_by="ann", asked_by="cat", approvals=approvals)
    assert verdict.passed is passed
    assert verdict.fix == (None if passed else "groundplan approve p/m 3")


def test_a_missing_approval_says_who_may() -> None:
    known = {"trained_by": "ann", "asked_by": "cat"}
    assert judge(APPROVAL, **known).reason == "it waits for an approval; anybody but ann and cat may approve it"
    named = judge({"approval": {"by": ["ann", "ben"]}}, **known, approvals=approved("ann"))
    assert "ann trained it or asked for it, so that approval does not count; ben may approve it" in named.reason
    assert "all who may approve trained it" in judge({"approval": {"by": ["ann"]}}, **known).reason


def test_choose_version() -> None:
    pairs = [{"version": 1, "digest": "a"}, {"version": 3, "digest": "a"}, {"version": 4, "digest": "b"}]
    assert choose_version("latest", None, pairs, "a") == 3
    assert choose_version("latest", None, pairs, "c") is None
    assert choose_version("latest", None, pairs, None) is None
    assert choose_version(None, 1, pairs, "b") == 1
    assert choose_version(None, 2, pairs, "b") is None
