"""Materialize and train as jobs, on a real Feast store of plain files: what is online, and what is learned from."""

import json
import zipfile
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from feast import FeatureStore
from feast.repo_config import RepoConfig

from groundplan_runtime import feast_repo
from groundplan_runtime.jobs.run import main
from tests.runtime.test_training import AS_OF, _examples

STORE = {"type": "groundplan_runtime.offline.ObjectStoreDuckDBOfflineStore"}
MODEL = {
    "kind": "linear",
    "feature_service": "s",
    "examples": {"sql": "e.sql", "inputs": ["raw"], "timestamp": "event_timestamp", "target": "delay"},
    "baseline": "v__naive",
    "as_of": "2013-03-01T00:00:00Z",
    "validation": {"holdout": "7d", "metric": "mae", "folds": 1},
    "preprocessor": {"impute": "median", "scale": False, "categorical": ["carrier"]},
    "hyperparameters": {},
}


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    keys = ("stack", "stack_id", "data_dir", "bucket", "secrets_dir")
    (tmp_path / "runtime.json").write_text(json.dumps({k: str(tmp_path) for k in keys} | {"endpoints": {}}))
    monkeypatch.setenv("GROUNDPLAN_RUNTIME", str(tmp_path / "runtime.json"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    rows = _examples()
    rows["event_timestamp"] = rows["event_timestamp"].astype("datetime64[us, UTC]")
    rows.drop(columns=["v__wind", "v__naive"]).to_parquet(tmp_path / "raw.parquet")
    view = rows.rename(columns={"v__wind": "wind", "v__naive": "naive"}).drop(columns="delay")
    view.to_parquet(tmp_path / "v.parquet")
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("e.sql", "SELECT carrier, event_timestamp, delay FROM raw")
    monkeypatch.setattr(feast_repo, "store", lambda *_: _store(tmp_path))

    def run(job: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        document = {
            "job": job, "project": "t", "name": "delay", "digest": "d", "properties": properties,
            "code_uri": str(tmp_path / "code.zip"), "result_uri": str(tmp_path / "r.json"),
        }  # fmt: skip
        monkeypatch.setenv("GROUNDPLAN_JOB", json.dumps(document | more))
        main()
        return dict(json.loads((tmp_path / "r.json").read_text()))

    run.rows, run.folder = rows, tmp_path  # type: ignore[attr-defined]
    return run


def _store(folder: Path) -> FeatureStore:
    config = RepoConfig(
        project="t", provider="local", registry=str(folder / "registry.db"), entity_key_serialization_version=3,
        offline_store=STORE, online_store={"type": "sqlite", "path": str(folder / "online.db")},
    )  # fmt: skip
    made = FeatureStore(config=config)
    entity = feast_repo.entity("carrier", {"join_key": "carrier", "type": "string"})
    fields = {"wind": "float64", "naive": "float64"}
    given = {"entities": ["carrier"], "timestamp": "event_timestamp", "ttl": "3h", "fields": fields}
    view = feast_repo.feature_view("v", given, {"carrier": entity}, str(folder / "v.parquet"))
    service = feast_repo.feature_service("s", {"views": {"v": ["wind", "naive"]}}, {"v": view})
    made.apply([entity, view, service])
    return made


def test_what_is_online_is_what_was_known_at_as_of(platform: Any) -> None:
    as_of = AS_OF - pd.Timedelta("20d")
    result = platform("materialize", {"view": "v", "as_of": as_of.isoformat().replace("+00:00", "Z")})
    rows = platform.rows
    known = rows[(rows.event_timestamp <= as_of) & (rows.event_timestamp >= as_of - pd.Timedelta("3h"))]
    newest = known.sort_values("event_timestamp").groupby("carrier").v__wind.last()
    assert result == {"rows": len(newest)}
    online = _store(platform.folder).get_online_features(["v:wind"], [{"carrier": each} for each in newest.index])
    assert online.to_dict()["wind"] == newest.tolist()


def test_nothing_within_the_ttl_is_a_clear_error(platform: Any) -> None:
    error = platform("materialize", {"view": "v", "as_of": "2020-01-01T00:00:00Z"})["error"]
    assert (error["path"], error["what"]) == ("feature_views.v.ttl", "no row lies within its ttl at as_of")


def _train(platform: Any, **view: str) -> dict[str, Any]:
    uri = {"uri": str(platform.folder / "v.parquet")} | view
    return dict(
        platform("train", MODEL, inputs={"raw": {"uri": str(platform.folder / "raw.parquet")}}, views={"v": uri})
    )


def test_a_training_logs_a_pair_that_beats_the_baseline(platform: Any) -> None:
    result = _train(platform)
    assert result["metrics"]["mae"] < result["metrics"]["baseline_mae"] / 3
    assert result["rows"] == (platform.rows.event_timestamp < AS_OF - pd.Timedelta("7d")).sum()
    columns = pd.DataFrame({"carrier": ["UA"], "v__wind": [10.0], "v__naive": [20.0]})
    matrix = mlflow.pyfunc.load_model(result["preprocessor"]["model_uri"]).predict(columns)
    assert mlflow.pyfunc.load_model(result["model"]["model_uri"]).predict(matrix)[0] == pytest.approx(25, abs=1)


def test_rows_other_than_declared_are_refused(platform: Any) -> None:
    error = _train(platform, uri="s3://elsewhere/v.parquet")["error"]
    assert error["path"] == "feature_views.v"
    assert "groundplan up" in error["fix"]
