"""Stages and who may move what: the whole table."""

import pytest

from groundplan.controlplane.rules.lifecycle import ACTIONS, STAGES, Facts, stage_of, why_not

MEASURED = Facts(metrics=True)


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        (Facts(), "draft"),
        (Facts(metrics=True, refused=True), "draft"),
        (Facts(metrics=True, refused=True, approved=True), "draft"),
        (MEASURED, "validated"),
        (Facts(metrics=True, refused=True, passed=True), "validated"),  # what came after it beats it now
        (Facts(metrics=True, aliases=("latest",)), "validated"),  # latest only says what was trained last
        (Facts(metrics=True, approved=True), "approved"),
        (Facts(metrics=True, aliases=("latest", "canary")), "staging"),
        (Facts(metrics=True, shadows=("a",)), "staging"),
        (Facts(metrics=True, aliases=("production",)), "production"),
        (Facts(metrics=True, aliases=("latest",), answers=("a",)), "production"),
        (Facts(metrics=True, approved=True, aliases=("production",), answers=("a",)), "production"),
        (Facts(metrics=True, approved=True, aliases=("latest",), retired=True), "retired"),
    ],
)
def test_the_stage_follows_from_what_is_known(facts: Facts, stage: str) -> None:
    assert stage_of(facts) == stage


@pytest.mark.parametrize(
    ("action", "stages"),
    [
        ("promote", {"draft", "validated", "approved", "staging", "production"}),
        ("approve", {"draft", "validated", "approved", "staging", "production"}),
        ("rollback", {"staging", "production"}),
        ("retire", {"draft", "validated", "approved"}),
        ("restore", {"retired"}),
    ],
)
def test_what_can_be_done_in_which_stage(action: str, stages: set[str]) -> None:
    assert {stage for stage in STAGES if why_not(action, stage, Facts(aliases=("production",))) is None} == stages


def test_who_may_move_what() -> None:
    assert {name: action.role for name, action in ACTIONS.items()} == {
        "promote": "ml_engineer",
        "approve": "approver",
        "rollback": "ml_engineer",
        "retire": "ml_engineer",
        "restore": "ml_engineer",
    }


def test_what_serves_is_named_when_a_retirement_is_refused() -> None:
    facts = Facts(metrics=True, aliases=("latest", "production"), answers=("a", "b"), shadows=("c",))
    assert why_not("retire", "production", facts) == (
        "it answers in a, b; it is shadowed in c; production points to it"
    )
