"""The skew check over real services: nothing found where nothing is wrong, everything found that was planted.

Parquet in the object store, materialized by Feast into Valkey, read by our reader, answered by a trained pair, logged.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from groundplan_runtime import feast_repo, pairs, prediction_files, storage
from groundplan_runtime.config import Runtime
from groundplan_runtime.jobs import skew
from groundplan_runtime.jobs.document import Job
from groundplan_runtime.jobs.features import checked
from groundplan_runtime.jobs.run import main
from groundplan_runtime.online import OnlineReader
from groundplan_runtime.training.fit import Task, fit
from groundplan_runtime.training.kinds import KINDS
from groundplan_runtime.training.log import log
from groundplan_serving.log import PredictionLog, Served

AS_OF = pd.Timestamp("2013-03-01", tz="UTC")
ENTITIES = {
    "origin": {"join_key": "origin", "type": "string"},
    "gate": {"join_key": "gate", "type": "int64"},
}
VIEWS: dict[str, dict[str, Any]] = {
    "weather": {"entities": ["origin"], "fields": {"temp": "float64", "sky": "string", "seen": "timestamp"}},
    "gates": {"entities": ["gate", "origin"], "fields": {"waiting": "int64", "open": "bool", "gap": "float64"}},
}
ORIGINS, GATES = ["JFK", "EWR", "LGA"], [1, 2, 3, 2**40]
FEATURES = {
    "name": "all",
    "views": {
        view: {"join_keys": {name: ENTITIES[name]["type"] for name in given["entities"]}, "fields": given["fields"]}
        for view, given in VIEWS.items()
    },
    "entities": ENTITIES,
}


def rows_of(view: str) -> Any:
    """A view's rows of three hours before as_of, with sub-second instants, and holes in every column."""
    values = {"origin": ORIGINS, "gate": GATES}
    names = VIEWS[view]["entities"]
    hours = [AS_OF - pd.Timedelta(hours=n, microseconds=7) for n in range(1, 4)]
    frame = pd.MultiIndex.from_product([*(values[n] for n in names), hours], names=[*names, "at"]).to_frame(index=False)
    noise, count = np.random.default_rng(len(view)), len(frame)
    made: dict[str, Any] = {
        "temp": noise.normal(10, 5, count),
        "sky": noise.choice(["clear", "fog"], count).astype(object),
        "seen": frame["at"] - pd.Timedelta(minutes=3),
        "waiting": pd.array(noise.integers(0, 9, count), dtype="Int64"),
        "open": noise.choice([True, False], count).astype(object),
        "gap": noise.normal(0, 1, count),
    }
    for position, field_ in enumerate(VIEWS[view]["fields"]):
        frame[field_] = made[field_]
        frame.loc[position::5, field_] = None
    keys = {name: ENTITIES[name]["type"] for name in names}
    return checked(pa.Table.from_pandas(frame, preserve_index=False), keys, "at", VIEWS[view]["fields"], view)


@dataclass
class World:
    """A project that was served: where its rows, pair and log are."""

    runtime: Runtime
    project: str
    run: Callable[..., dict[str, Any]]
    uris: dict[str, str]
    pair: dict[str, str]
    views: dict[str, Any] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """The log's folder."""
        return prediction_files.folder(self.runtime.bucket, self.project, "a")

    def check(self, **changes: Any) -> dict[str, Any]:
        """Run the job, with changed properties."""
        views = {view: {"uri": uri, "timestamp": "at"} for view, uri in self.uris.items()}
        given = skew.properties("a", {7: FEATURES}, views, {7: self.pair})
        return self.run(**{**given, **changes})


def train(folder: Path) -> dict[str, str]:
    """A pair over all features; a text feature and an integer key are categories. Returns its halves' URIs."""
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("skew", artifact_location=f"file://{folder}/artifacts")
    noise, count = np.random.default_rng(1), 500
    names = [f"{view}__{name}" for view, given in VIEWS.items() for name in given["fields"]]
    frame = pd.DataFrame({name: noise.normal(5, 3, count) for name in names})
    frame["weather__sky"] = noise.choice(["clear", "fog"], count).astype(object)
    frame["weather__seen"] = 1_362_000_000 + 60.0 * np.arange(count)
    frame["gate"] = noise.choice([1.0, 2.0, 3.0], count)
    frame["event_timestamp"] = pd.date_range(AS_OF - pd.Timedelta("59d"), AS_OF - pd.Timedelta("1h"), periods=count)
    frame["delay"] = 2 * frame["weather__temp"] + noise.normal(0, 1, count)
    given = {"impute": "mean", "scale": True, "categorical": ["weather__sky", "gate"]}
    declared = {
        "kind": "xgboost", "hyperparameters": {"n_estimators": 20}, "preprocessor": given, "feature_service": "s",
        "validation": {"holdout": "7d"}, "as_of": "2013-03-01T00:00:00Z",
    }  # fmt: skip
    task = Task(declared, names, "event_timestamp", "delay", AS_OF, 1, KINDS["xgboost"])
    job = Job("train", "t", "delay", "d1", declared, "unused", experiment="skew")
    result = log(job, fit(task, frame, lambda _: None))
    return {half: result[half]["model_uri"] for half in ("preprocessor", "model")}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    before = mlflow.get_tracking_uri()
    yield train(tmp_path_factory.mktemp("pair"))
    mlflow.set_tracking_uri(before)


def materialize(runtime: Runtime, project: str) -> dict[str, str]:
    """Write the rows, register the views, fill the online store; return the URIs of the rows."""
    store = feast_repo.store(runtime, project)
    entities = {name: feast_repo.entity(name, each) for name, each in ENTITIES.items()}
    uris = {view: f"s3://{runtime.bucket}/features/{project}/{view}/d1.parquet" for view in VIEWS}
    made = []
    for view, given in VIEWS.items():
        storage.write_table(uris[view], rows_of(view))
        made.append(feast_repo.feature_view(view, given | {"timestamp": "at", "ttl": "3h"}, entities, uris[view]))
    store.apply([*entities.values(), *made])
    store.materialize(AS_OF - pd.Timedelta("3h"), AS_OF.to_pydatetime(), feature_views=list(VIEWS))
    return uris


def serve(runtime: Runtime, project: str, pair: dict[str, str], version: int = 7) -> None:
    """Answer requests of one to five rows and log them, as the door does."""
    preprocessor, model = pairs.load_preprocessor(pair["preprocessor"]), pairs.load_model(pair["model"])
    keys = [{"origin": origin, "gate": gate} for origin in ORIGINS for gate in GATES]
    kept = PredictionLog(runtime, project, "a", seconds=0.2)

    async def run() -> None:
        reader = OnlineReader(runtime, project)
        for number in range(40):
            entities = [keys[(number + n) % len(keys)] for n in range(1 + number % 5)]
            block = await reader.read(FEATURES, entities)
            values = model.predict(preprocessor.transform(block))
            columns = {key: [each[key] for each in entities] for key in ("origin", "gate")}
            kept.add(Served(f"r{number}", time.time(), "production", version, "answer", columns, block, values, {}))
        await reader.close()

    asyncio.run(run())
    kept.close()
    assert kept.stats()["dropped"] == 0


@pytest.fixture
def world(services: Runtime, pair: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    project = f"p{uuid.uuid4().hex[:8]}"
    tracking = mlflow.get_tracking_uri()
    uris = materialize(services, project)
    serve(services, project, pair)
    monkeypatch.setenv("GROUNDPLAN_RUNTIME", str(services.data_dir / "runtime.json"))

    def run(**properties: Any) -> dict[str, Any]:
        document = {
            "job": "skew", "project": project, "name": "a", "digest": "d", "properties": properties,
            "result_uri": str(tmp_path / "result.json"),
        }  # fmt: skip
        monkeypatch.setenv("GROUNDPLAN_JOB", json.dumps(document))
        main()
        return dict(json.loads((tmp_path / "result.json").read_text()))

    # Jobs take MLflow's address from the runtime's endpoints; here it is a file.
    monkeypatch.setattr(Runtime, "environment", lambda _: {"MLFLOW_TRACKING_URI": tracking})
    return World(services, project, run, uris, pair)


def rewrite(uri: str, change: Callable[[pd.DataFrame], None]) -> None:
    """Change a Parquet object by hand."""
    table = storage.read_table(uri)
    frame = table.to_pandas()
    change(frame)
    storage.write_table(uri, pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False))


CLEAN = {"feature_differences": {}, "prediction_differences": 0, "older_features": 0, "examples": []}
SERVED = sum(1 + number % 5 for number in range(40))


def test_honest_rows_differ_in_nothing(world: World) -> None:
    assert world.check() == {"rows": SERVED, "compared": SERVED, **CLEAN}
    assert world.check(sample=30) == {"rows": 30, "compared": 30, **CLEAN}


def test_a_planted_feature_and_a_planted_prediction_are_found(world: World) -> None:
    newest = AS_OF - pd.Timedelta(hours=1, microseconds=7)

    def feature(frame: pd.DataFrame) -> None:
        row = frame[(frame.origin == "EWR") & (frame["at"] == newest)].index[0]
        frame.loc[row, "temp"] = np.nextafter(frame.loc[row, "temp"], 99)
        frame.loc[row, "sky"] = "storm"

    def prediction(frame: pd.DataFrame) -> None:
        frame.loc[0, "value"] = np.nextafter(frame.loc[0, "value"], 99)

    rewrite(world.uris["weather"], feature)
    file = storage.files(world.log)[0][0]
    rewrite(file, prediction)
    found = world.check()
    log = prediction_files.newest(world.log, 1000).to_pandas()
    touched = int((log.origin == "EWR").sum())
    assert found["feature_differences"] == {"weather__sky": touched, "weather__temp": touched}
    assert (found["prediction_differences"], found["older_features"]) == (1, 0)
    sky = next(each for each in found["examples"] if each["what"] == "weather__sky")
    assert (sky["computed"], sky["version"], sky["alias"]) == ("storm", 7, "production")
    assert sky["logged"] in ("clear", "fog", None)
    assert len(found["examples"]) <= skew.EXAMPLES


def test_a_planted_prediction_alone_is_shown_whole(world: World) -> None:
    file = storage.files(world.log)[0][0]
    rewrite(file, lambda frame: frame.__setitem__("value", frame["value"].where(frame.index != 1, 0.125)))
    found = world.check()
    assert (found["feature_differences"], found["prediction_differences"]) == ({}, 1)
    row = storage.read_table(file).to_pylist()[1]
    shown = found["examples"][0]
    assert (shown["what"], shown["logged"], shown["request_id"], shown["row"]) == (
        "prediction", 0.125, row["request_id"], row["row"],
    )  # fmt: skip


def test_rows_that_the_view_has_no_more_are_counted_and_not_called_different(world: World) -> None:
    table = storage.read_table(world.uris["gates"])
    storage.write_table(world.uris["gates"], table.filter(pa.compute.not_equal(table["gate"], 2)))
    rows = prediction_files.newest(world.log, 1000)
    gone = pa.compute.sum(pa.compute.equal(rows["gate"], 2)).as_py()
    assert world.check() == {"rows": SERVED, "compared": SERVED, **CLEAN, "older_features": gone}
    since = {view: {"uri": uri, "timestamp": "at", "since": "2200-01-01T00:00:00Z"} for view, uri in world.uris.items()}
    assert world.check(views=since)["older_features"] == SERVED


def test_versions_that_are_not_served_any_more_are_left_out(world: World) -> None:
    serve(world.runtime, world.project, world.pair, version=8)
    assert world.check() == {"rows": 2 * SERVED, "compared": SERVED, **CLEAN}


def test_an_empty_log_and_missing_properties(world: World) -> None:
    assert world.check(application="nobody") == {"rows": 0, "compared": 0, **CLEAN}
    error = world.run(application="a", features={"7": FEATURES}, views={}, versions={})["error"]
    assert (error["what"], error["value"]) == ("is missing", "views.gates, views.weather")
    assert world.check(sample=0)["error"]["path"] == "sample"
