"""Fits and measures: folds, the pair, and the naive forecast on the same rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundplan_runtime import frames
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.feast_repo import duration
from groundplan_runtime.preprocessor import Preprocessor
from groundplan_runtime.training import split
from groundplan_runtime.training.kinds import Kind


@dataclass(frozen=True)
class Task:
    """What is to be fitted: the declaration of a model, and the columns of its examples."""

    declared: Mapping[str, Any]
    features: Sequence[str]
    timestamp: str
    target: str
    as_of: Any
    threads: int
    make: Callable[[], Kind]


@dataclass(frozen=True)
class Fitted:
    """A pair, what it was measured at and on. ``sample`` are a few rows as they enter the preprocessor.

    ``held`` are the rows that it was measured on, whole: the next version is compared with it on such rows.
    """

    preprocessor: Preprocessor
    model: Kind
    metrics: dict[str, float]
    sample: Any
    held: Any = None


def fit(task: Task, examples: Any, say: Callable[[str], None]) -> Fitted:
    """Return the pair fitted on all rows before the hold-out, and its errors on the hold-out beside the baseline's.

    The pair that is returned is the one that was measured: it is not fitted again with the hold-out.
    """
    validation = task.declared["validation"]
    length, wanted = duration(validation["holdout"]), int(validation.get("folds", 0))
    rows = split.before(examples, task.timestamp, task.as_of)
    train, held = split.holdout(rows, task.timestamp, task.as_of, length)
    metrics: dict[str, float] = {}
    for number, parts in enumerate(split.folds(train, task.timestamp, task.as_of - length, length, wanted), 1):
        metrics[f"fold_{number}_mae"] = _error(task, *parts)["mae"]
        say(f"fold {number} of {wanted}: MAE {metrics[f'fold_{number}_mae']:.3f}")
    if wanted:
        metrics["folds_mae"] = sum(metrics.values()) / wanted
    held, naive = _with_baseline(task, train, held)
    preprocessor, model = _pair(task, train)
    metrics |= errors(_predict(preprocessor, model, held), held[task.target])
    metrics |= {f"baseline_{name}": value for name, value in errors(naive, held[task.target]).items()}
    metrics |= {"rows_train": float(len(train)), "rows_holdout": float(len(held))}
    say(f"hold-out of {len(held):,} rows: MAE {metrics['mae']:.3f}, baseline {metrics['baseline_mae']:.3f}")
    return Fitted(preprocessor, model, metrics, held[preprocessor.inputs].head(5), held)


def errors(predicted: Any, actual: Any) -> dict[str, float]:
    """Return mean absolute and root mean squared error, in the target's unit, and the coefficient of determination.

    R² is 1 - Σ(actual - predicted)² / Σ(actual - mean)²; of a constant target, 1 for a perfect forecast and else 0.
    """
    import numpy as np

    known = np.asarray(actual, dtype="float64")
    difference = np.asarray(predicted, dtype="float64") - known
    squares = difference**2
    spread = float(((known - known.mean()) ** 2).sum())
    r2 = 1.0 - float(squares.sum()) / spread if spread else float(not squares.any())
    return {"mae": float(np.abs(difference).mean()), "rmse": float(np.sqrt(squares.mean())), "r2": r2}


def _error(task: Task, train: Any, window: Any) -> dict[str, float]:
    return errors(_predict(*_pair(task, train), window), window[task.target])


def _pair(task: Task, train: Any) -> tuple[Preprocessor, Kind]:
    given = task.declared["preprocessor"]
    columns = [*task.features, *(name for name in given["categorical"] if name not in task.features)]
    missing = [name for name in given["categorical"] if name not in train.columns]
    if missing:
        allowed = ", ".join(name for name in train.columns if name not in (task.timestamp, task.target))
        raise RuntimeProblem(
            "no such column", path="preprocessor.categorical", value=", ".join(missing), allowed=allowed
        )
    normal = frames.normal(train[columns])
    preprocessor = Preprocessor.fit(normal, task.features, given["categorical"], given["impute"], given["scale"])
    model = task.make()
    model.fit(preprocessor.transform(normal), train[task.target], task.declared["hyperparameters"], task.threads)
    return preprocessor, model


def _predict(preprocessor: Preprocessor, model: Kind, rows: Any) -> Any:
    return model.predict(preprocessor.transform(rows))


def _with_baseline(task: Task, train: Any, held: Any) -> tuple[Any, Any]:
    """Return the held-out rows that have a naive forecast, and that forecast: both are measured on the same rows."""
    import numpy as np

    name = task.declared.get("baseline")
    if name is None:  # the naive forecast where none is declared: what was usual
        return held, np.full(len(held), train[task.target].median())
    if name not in task.features:
        raise RuntimeProblem("no such feature", path="baseline", value=name, allowed=", ".join(task.features))
    known = held[held[name].notna()]
    if known.empty:
        raise RuntimeProblem("has no value in the hold-out", path="baseline", value=name)
    return known, known[name].astype("float64")
