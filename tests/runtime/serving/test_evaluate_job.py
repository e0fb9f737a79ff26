"""The job that gates ask: two pairs on one hold-out, and a pair's answers from a real online store."""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from groundplan_runtime import feast_repo, frames
from groundplan_runtime.config import Runtime
from groundplan_runtime.jobs.run import main
from tests.runtime.test_train_job import MODEL, platform  # noqa: F401 - a fixture
from tests.runtime.test_training import AS_OF

CARRIER = {"join_key": "carrier", "type": "string"}
FEATURES = {
    "name": "s",
    "views": {"v": {"join_keys": {"carrier": "string"}, "fields": {"wind": "float64", "naive": "float64"}}},
    "entities": {"carrier": CARRIER},
}


def train(platform: Any, as_of: str) -> dict[str, Any]:  # noqa: F811
    """A pair as the job is told of it, its result, and where its hold-out lies."""
    name = as_of[:10]
    view = {"uri": str(platform.folder / "v.parquet"), "timestamp": "event_timestamp", "ttl": "3h"}
    holdout = str(platform.folder / "holdouts" / f"{name}.parquet")
    inputs = {"raw": {"uri": str(platform.folder / "raw.parquet")}}
    result = platform("train", {**MODEL, "as_of": as_of}, inputs=inputs, views={"v": view}, output_uri=holdout)
    halves = {half: result[half]["model_uri"] for half in ("preprocessor", "model")}
    pair = {**halves, "features": FEATURES, "views": {"v": view}}
    return {"pair": pair, "metrics": result["metrics"], "holdout": holdout}


def test_both_are_measured_on_the_candidate_s_hold_out_to_the_last_bit(platform: Any) -> None:  # noqa: F811
    older, newer = train(platform, "2013-02-20T00:00:00Z"), train(platform, "2013-03-01T00:00:00Z")
    pairs = {"candidate": newer["pair"], "production": older["pair"]}
    result = platform("evaluate", {}, pairs=pairs, inputs={"holdout": {"uri": newer["holdout"]}})
    assert result["scores"]["candidate"] == {key: newer["metrics"][key] for key in ("mae", "rmse", "r2")}
    assert result["answers"] == []
    rows = platform.rows[(platform.rows.event_timestamp >= AS_OF - pd.Timedelta("7d")) & platform.rows.v__naive.notna()]
    rows = rows[rows.event_timestamp < AS_OF]
    matrix = mlflow.pyfunc.load_model(older["pair"]["preprocessor"]).predict(
        frames.normal(rows[["carrier", "v__wind", "v__naive"]])
    )
    told = mlflow.pyfunc.load_model(older["pair"]["model"]).predict(matrix)
    expected = float(np.abs(np.asarray(told) - rows.delay.to_numpy()).mean())
    assert result["scores"]["production"]["mae"] == pytest.approx(expected, rel=1e-12)
    assert result["scores"]["production"]["mae"] != older["metrics"]["mae"], "its own hold-out was another"


def test_the_candidate_answers_from_the_online_store(
    services: Runtime,
    platform: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = train(platform, "2013-03-01T00:00:00Z")
    monkeypatch.undo()  # Feast's own store again
    monkeypatch.chdir(platform.folder)
    store = feast_repo.store(services, "t")
    entity = feast_repo.entity("carrier", CARRIER)
    given = {"entities": ["carrier"], "timestamp": "event_timestamp", "ttl": "3h"}
    view = feast_repo.feature_view(
        "v", {**given, "fields": {"wind": "float64", "naive": "float64"}}, {"carrier": entity}, "unused"
    )
    store.apply([entity, view])
    now = pd.DataFrame({"carrier": ["UA", "AA"], "wind": [10.0, 1.0], "naive": [20.0, 2.0]})
    store.write_to_online_store("v", now.assign(event_timestamp=AS_OF))
    runtime = json.loads((Path(services.data_dir) / "runtime.json").read_text())
    runtime["endpoints"]["mlflow"] = f"sqlite:///{platform.folder}/mlflow.db"
    (platform.folder / "live.json").write_text(json.dumps(runtime))
    monkeypatch.setenv("GROUNDPLAN_RUNTIME", str(platform.folder / "live.json"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runtime["endpoints"]["mlflow"])
    requests = [[{"carrier": "UA"}, {"carrier": "AA"}], [{"carrier": "NOPE"}], [{"airline": "UA"}]]
    document = {
        "job": "evaluate", "project": "t", "name": "delay@production", "digest": "d", "properties": {},
        "result_uri": str(platform.folder / "r.json"), "pairs": {"candidate": pair["pair"]}, "requests": requests,
    }  # fmt: skip
    monkeypatch.setenv("GROUNDPLAN_JOB", json.dumps(document))
    assert main() == 0
    result = json.loads((platform.folder / "r.json").read_text())
    assert result["scores"] is None
    known, unknown, wrong = result["answers"]
    matrix = mlflow.pyfunc.load_model(pair["pair"]["preprocessor"]).predict(
        pd.DataFrame({"carrier": ["UA", "AA"], "v__wind": [10.0, 1.0], "v__naive": [20.0, 2.0]})
    )
    assert known == list(mlflow.pyfunc.load_model(pair["pair"]["model"]).predict(matrix).astype("float64"))
    assert len(unknown) == 1, "what is not known is imputed, as in serving"
    assert "carrier" in wrong
