"""The gate of a metric: below or above a bound, better than the baseline or than production. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from groundplan.controlplane.rules.case import Case, Verdict
from groundplan.spec import gate_words

#: Which way a metric is better, by its name or the last word of it (``folds_mae`` is a mae).
LOWER_IS_BETTER = frozenset({"mae", "mse", "rmse", "mape", "smape", "wape", "logloss", "pinball"})
HIGHER_IS_BETTER = frozenset({"accuracy", "auc", "f1", "precision", "recall", "r2"})


def metric_gate(gate: Mapping[str, Any], case: Case) -> Verdict:
    """Hold a metric against its bound. What cannot be judged is refused."""
    if gate.get("better_than") == "production":
        return _against_production(gate, case)
    if gate.get("better_than") == "baseline":
        return _better(gate, case.metrics, _number(case.metrics.get(f"baseline_{gate['metric']}")))
    return _bounded(gate, case.metrics)


def compares(gate: Mapping[str, Any], case: Case) -> bool:
    """Whether the gate needs both versions measured on the same data."""
    other = case.production not in (None, case.version)
    return gate.get("better_than") == "production" and other and not case.returning


def _against_production(gate: Mapping[str, Any], case: Case) -> Verdict:
    name = gate_words(gate)
    if case.returning:
        return Verdict(True, name, None, None, "it was here before: a return need not be better")
    if case.production is None:
        return Verdict(True, name, None, None, "there is no production version yet to be better than")
    if case.production == case.version:
        return Verdict(True, name, None, None, "it is the production version")
    if case.scores is None:
        return Verdict(None, name, None, None, _expected(gate, case))
    verdict = _better(gate, case.scores["candidate"], _number(case.scores["production"].get(gate["metric"])))
    return Verdict(**{**vars(verdict), "reason": f"{verdict.reason} (version {case.production}, on the same data)"})


def _expected(gate: Mapping[str, Any], case: Case) -> str:
    metric, recorded = gate["metric"], case.production_metrics or {}
    told = "`up` measures both on the same data"
    if metric in case.metrics and metric in recorded:
        told += f"; at their trainings: {case.metrics[metric]:.4g} and {recorded[metric]:.4g}"
    return told


def _better(gate: Mapping[str, Any], metrics: Mapping[str, float], other: float | None) -> Verdict:
    metric, name, against = str(gate["metric"]), gate_words(gate), gate["better_than"]
    value, lower = _number(metrics.get(metric)), _lower_is_better(metric)
    if value is None or lower is None:
        return Verdict(False, name, value, None, _unknown(metric, metrics))
    if other is None:
        return Verdict(False, name, value, None, f"{metric} {value:.4g}: {against} has no {metric} to compare with")
    margin = float(gate.get("by") or 0.0)
    bound = other - margin if lower else other + margin
    passed = value < bound if lower else value > bound
    what = "is better than" if passed else "is not better than"
    short = f" by {margin:g}" if margin else ""
    return Verdict(passed, name, value, bound, f"{metric} {value:.4g} {what} {against}'s {other:.4g}{short}")


def _bounded(gate: Mapping[str, Any], metrics: Mapping[str, float]) -> Verdict:
    metric, name = str(gate["metric"]), gate_words(gate)
    side = next(side for side in ("below", "above") if gate.get(side) is not None)
    value, bound = _number(metrics.get(metric)), float(gate[side])
    if value is None:
        return Verdict(False, name, value, bound, _unknown(metric, metrics))
    passed = value < bound if side == "below" else value > bound
    return Verdict(passed, name, value, bound, f"{metric} {value:.4g} is {'' if passed else 'not '}{side} {bound:.4g}")


def _lower_is_better(metric: str) -> bool | None:
    word = metric.rsplit("_", 1)[-1]
    if word in LOWER_IS_BETTER:
        return True
    return False if word in HIGHER_IS_BETTER else None


def _unknown(metric: str, metrics: Mapping[str, float]) -> str:
    if metric in metrics:
        return f"{metric} is no finite number"
    known = sorted(name for name in metrics if _lower_is_better(name) is not None and not name.startswith("baseline_"))
    return f"unknown metric {metric}; this version has {', '.join(known) or 'none that a gate can judge'}"


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(given) if math.isfinite(given) else None
