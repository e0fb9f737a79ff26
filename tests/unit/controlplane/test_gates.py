"""Gates judge by direction, refuse what they cannot judge, and say why in one line."""

import math

import pytest

from groundplan.controlplane.rules.gates import choose_version, evaluate

METRICS = {"mae": 10.0, "baseline_mae": 12.0, "auc": 0.8, "baseline_auc": 0.9, "folds_mae": 11.0, "rows_train": 5.0}


def judge(metric: str, against: object, production: dict[str, float] | None = None) -> tuple[bool, float | None, str]:
    """One gate's verdict on METRICS."""
    (verdict,) = evaluate([{"metric": metric, "better_than": against}], METRICS, production)
    assert "\n" not in verdict.reason
    return verdict.passed, verdict.bound, verdict.reason


@pytest.mark.parametrize(
    ("metric", "against", "passed", "bound"),
    [
        ("mae", "baseline", True, 12.0),
        ("auc", "baseline", False, 0.9),
        ("auc", 0.7, True, 0.7),
        ("mae", 10, False, 10.0),  # as good is not better
        ("folds_mae", 11.5, True, 11.5),
        ("mae", math.nan, False, None),
        ("mae", True, False, None),
    ],
)
def test_direction_and_bound(metric: str, against: object, passed: bool, bound: float | None) -> None:
    assert judge(metric, against)[:2] == (passed, bound)


def test_production() -> None:
    assert judge("mae", "production", {"mae": 11.0})[:2] == (True, 11.0)
    assert judge("mae", "production", {"mae": 9.0})[:2] == (False, 9.0)
    passed, _, reason = judge("mae", "production")
    assert passed
    assert "no production version yet" in reason
    passed, _, reason = judge("mae", "production", {"rmse": 1.0})
    assert not passed
    assert "production has no mae" in reason


@pytest.mark.parametrize("metric", ["mea", "rmse", "rows_train"])
def test_a_metric_that_cannot_be_judged_is_refused_and_the_known_ones_named(metric: str) -> None:
    passed, bound, reason = judge(metric, "baseline")
    assert (passed, bound) == (False, None)
    assert f"unknown metric {metric}" in reason
    assert reason.endswith("auc, folds_mae, mae")


def test_a_value_that_is_no_number_never_passes() -> None:
    (verdict,) = evaluate([{"metric": "mae", "better_than": 5}], {"mae": math.nan}, None)
    assert not verdict.passed


def test_a_missing_baseline_is_refused() -> None:
    assert judge("folds_mae", "baseline")[0] is False


def test_choose_version() -> None:
    pairs = [{"version": 1, "digest": "a"}, {"version": 3, "digest": "a"}, {"version": 4, "digest": "b"}]
    assert choose_version("latest", None, pairs, "a") == 3
    assert choose_version("latest", None, pairs, "c") is None
    assert choose_version("latest", None, pairs, None) is None
    assert choose_version(None, 1, pairs, "b") == 1
    assert choose_version(None, 2, pairs, "b") is None


def test_a_return_need_not_be_better_than_what_it_replaces() -> None:
    gates = [{"metric": "mae", "better_than": "production"}, {"metric": "mae", "better_than": "baseline"}]
    old, live = {"mae": 10.0, "baseline_mae": 12.0}, {"mae": 9.0}
    assert [v.passed for v in evaluate(gates, old, live)] == [False, True]
    assert [v.passed for v in evaluate(gates, old, live, returning=True)] == [True, True]
    # What it is held against by itself still counts.
    assert [v.passed for v in evaluate(gates, {**old, "baseline_mae": 1.0}, live, returning=True)] == [True, False]
