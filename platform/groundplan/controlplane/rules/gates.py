"""Gates of an alias, and which pair version it should point to. Pure: numbers in, verdicts out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Which way a metric is better, by its name or the last word of it (``folds_mae`` is a mae).
LOWER_IS_BETTER = frozenset({"mae", "mse", "rmse", "mape", "smape", "wape", "logloss", "pinball"})
HIGHER_IS_BETTER = frozenset({"accuracy", "auc", "f1", "precision", "recall", "r2"})


@dataclass(frozen=True)
class Verdict:
    """What one gate says of a pair version: its value, the bound it was held against, and why, in one line."""

    passed: bool
    gate: str
    value: float | None
    bound: float | None
    reason: str


def evaluate(
    gates: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, float],
    production: Mapping[str, float] | None,
    returning: bool = False,
) -> list[Verdict]:
    """Hold a pair version's ``metrics`` against each gate, in order; ``production`` are those of the one that answers.

    A gate is ``{"metric", "better_than": "baseline" | "production" | number}``. What cannot be judged is refused.
    A version that the alias pointed to before is ``returning``: a rollback need not be better than what it replaces.
    """
    return [_returned(gate) if returning and _relative(gate) else _judge(gate, metrics, production) for gate in gates]


def choose_version(
    follow: str | None, pinned: int | None, pairs: Sequence[Mapping[str, Any]], digest: str | None
) -> int | None:
    """Return the pair version that an alias should point to, or None when there is none such.

    A pinned one has to be there. ``follow: latest`` is the newest pair with the model's current ``digest``.
    """
    if pinned is not None:
        return pinned if any(pair["version"] == pinned for pair in pairs) else None
    if follow != "latest" or digest is None:
        return None
    return max((int(pair["version"]) for pair in pairs if pair["digest"] == digest), default=None)


def _relative(gate: Mapping[str, Any]) -> bool:
    return gate["better_than"] == "production"


def _returned(gate: Mapping[str, Any]) -> Verdict:
    name = f"{gate['metric']} better than production"
    return Verdict(True, name, None, None, "it was here before: a return need not be better")


def _judge(gate: Mapping[str, Any], metrics: Mapping[str, float], production: Mapping[str, float] | None) -> Verdict:
    metric, against = str(gate["metric"]), gate["better_than"]
    name = f"{metric} better than {against}"
    value, lower = metrics.get(metric), _lower_is_better(metric)
    if value is None or lower is None:
        return Verdict(False, name, value, None, _unknown(metric, metrics))
    if against == "production" and production is None:
        return Verdict(True, name, value, None, f"{metric} {value:.4g}: no production version yet to be better than")
    bound = _bound(metric, against, metrics, production or {})
    if bound is None:
        return Verdict(False, name, value, None, f"{metric} {value:.4g}: {against} has no {metric} to compare with")
    # A comparison with NaN is false: refused.
    passed = value < bound if lower else value > bound
    what = "is better than" if passed else "is not better than"
    return Verdict(passed, name, value, bound, f"{metric} {value:.4g} {what} {_of(against)}{bound:.4g}")


def _lower_is_better(metric: str) -> bool | None:
    word = metric.rsplit("_", 1)[-1]
    if word in LOWER_IS_BETTER:
        return True
    return False if word in HIGHER_IS_BETTER else None


def _unknown(metric: str, metrics: Mapping[str, float]) -> str:
    known = sorted(name for name in metrics if _lower_is_better(name) is not None and not name.startswith("baseline_"))
    return f"unknown metric {metric}; this version has {', '.join(known) or 'none that a gate can judge'}"


def _bound(metric: str, against: Any, metrics: Mapping[str, float], production: Mapping[str, float]) -> float | None:
    if against == "baseline":
        return _number(metrics.get(f"baseline_{metric}"))
    return _number(production.get(metric) if against == "production" else against)


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(given) if math.isfinite(given) else None


def _of(against: Any) -> str:
    return f"{against}'s " if isinstance(against, str) else ""
