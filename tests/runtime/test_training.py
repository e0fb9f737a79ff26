"""Preprocessor, kinds, splits, measuring: nothing of the hold-out is seen, the baseline has the same rows."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from groundplan_runtime import frames
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.preprocessor import Preprocessor
from groundplan_runtime.training import split
from groundplan_runtime.training.fit import Task, fit
from groundplan_runtime.training.kinds import KINDS, kind

AS_OF = pd.Timestamp("2013-03-01", tz="UTC")
SMALL = {"xgboost": {"n_estimators": 20, "max_depth": 3}, "linear": {"alpha": 0.1}}
DECLARED = {
    "validation": {"holdout": "7d", "folds": 2},
    "preprocessor": {"impute": "median", "scale": True, "categorical": ["carrier"]},
    "baseline": "v__naive",
}


def _examples(count: int = 1000) -> pd.DataFrame:
    """The delay is twice the wind, and more with UA; the naive forecast is the mean."""
    noise = np.random.default_rng(1)
    frame = pd.DataFrame({
        "carrier": noise.choice(["AA", "UA"], count),
        "event_timestamp": pd.date_range(AS_OF - timedelta(days=59), AS_OF - timedelta(hours=1), periods=count),
        "v__wind": noise.normal(10, 3, count),
        "v__naive": 20.0,
    })  # fmt: skip
    frame["delay"] = 2 * frame.v__wind + 5 * (frame.carrier == "UA") + noise.normal(0, 0.1, count)
    return frame


def _task(word: str, **declared: Any) -> Task:
    given = DECLARED | {"kind": word, "hyperparameters": SMALL.get(word, {})} | declared
    return Task(given, ["v__wind", "v__naive"], "event_timestamp", "delay", AS_OF, 1, KINDS[word])


@pytest.mark.parametrize("word", ["xgboost", "linear"])
def test_it_beats_the_naive_forecast_the_same_way_twice_and_after_a_file(word: str, tmp_path: Path) -> None:
    rows = _examples()
    first, again = (fit(_task(word), rows, lambda _: None) for _ in range(2))
    assert first.metrics == again.metrics
    assert first.metrics["mae"] < first.metrics["baseline_mae"] / 3
    assert first.metrics["rows_holdout"] == (rows.event_timestamp >= AS_OF - timedelta(days=7)).sum()
    assert {"fold_1_mae", "fold_2_mae", "folds_mae"} <= set(first.metrics)
    first.model.save(tmp_path)
    loaded = kind(word)()
    loaded.load(tmp_path)
    matrix = first.preprocessor.transform(rows.head(20))
    np.testing.assert_array_equal(loaded.predict(matrix), first.model.predict(matrix))


def test_nothing_of_the_holdout_or_later_is_learned() -> None:
    rows = _examples()
    changed = rows.copy()
    late = changed.event_timestamp >= AS_OF - timedelta(days=7)
    changed.loc[late, ["v__wind", "delay"]] *= 100
    changed.loc[late, "carrier"] = "ZZ"
    later = rows.tail(50).assign(event_timestamp=AS_OF + timedelta(days=1), delay=1e9)
    first = fit(_task("linear"), rows, lambda _: None)
    other = fit(_task("linear"), pd.concat([changed, later], ignore_index=True), lambda _: None)
    assert first.preprocessor == other.preprocessor
    matrix = first.preprocessor.transform(rows)
    np.testing.assert_array_equal(first.model.predict(matrix), other.model.predict(matrix))
    assert first.metrics["folds_mae"] == other.metrics["folds_mae"]
    assert first.metrics["rows_holdout"] == other.metrics["rows_holdout"]


def test_the_baseline_is_measured_on_the_same_rows() -> None:
    rows = _examples()
    held = rows.event_timestamp >= AS_OF - timedelta(days=7)
    rows.loc[rows[held].index[:10], "v__naive"] = np.nan
    found = fit(_task("linear"), rows, lambda _: None).metrics
    known = rows[held].iloc[10:]
    assert found["rows_holdout"] == len(known)
    assert found["baseline_mae"] == pytest.approx((known.delay - 20).abs().mean())


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"validation": {"holdout": "90d", "folds": 0}}, "no examples to train on"),
        ({"validation": {"holdout": "7d", "folds": 19}}, "not enough examples; got 19; fix: fewer folds"),
        ({"baseline": "v__nothing"}, "baseline: no such feature; got v__nothing; allowed: v__wind, v__naive"),
        ({"hyperparameters": {"alfa": 1}}, "unknown hyperparameter; got alfa; allowed: alpha"),
        ({"preprocessor": {"impute": "guess", "scale": False, "categorical": []}}, "unknown way to impute"),
        ({"preprocessor": {"impute": "mean", "scale": False, "categorical": ["x"]}}, "no such column; got x"),
    ],
)
def test_a_users_mistake_is_one_line(change: dict[str, Any], line: str) -> None:
    with pytest.raises(RuntimeProblem, match=line):
        fit(_task("linear", **change), _examples(), lambda _: None)


def test_a_value_that_xgboost_refuses_is_one_line() -> None:
    with pytest.raises(RuntimeProblem, match=r"hyperparameters: .*max_depth") as caught:
        fit(_task("xgboost", hyperparameters={"max_depth": -3}), _examples(), lambda _: None)
    assert "\n" not in str(caught.value)


def test_the_preprocessor_imputes_encodes_and_survives_json() -> None:
    frame = frames.normal({"a": [1.0, None, 3.0], "b": [True, False, None], "carrier": ["AA", "UA", None]})
    made = Preprocessor.fit(frame, ["a", "b"], ["carrier"], "median", scale=False)
    again = Preprocessor.from_dict(json.loads(json.dumps(made.as_dict())))
    found = again.transform({"a": [None, 5], "b": [None, True], "carrier": ["UA", "never seen"]})
    assert found.to_dict("list") == {
        "a": [2.0, 5.0], "b": [0.5, 1.0], "carrier=AA": [0.0, 0.0], "carrier=UA": [1.0, 0.0]
    }  # fmt: skip
    assert set(map(str, found.dtypes)) == {"float64"}
    with pytest.raises(RuntimeProblem, match="missing column; got b"):
        again.transform({"a": [1], "carrier": ["AA"]})


def test_folds_roll_towards_the_holdout() -> None:
    rows = _examples()
    windows = list(split.folds(rows, "event_timestamp", AS_OF, timedelta(days=7), 3))
    for past, window in windows:
        assert past.event_timestamp.max() < window.event_timestamp.min()
    ends = [window.event_timestamp.max() for _, window in windows]
    assert ends == sorted(ends)
    assert ends[-1] == rows.event_timestamp.max()
