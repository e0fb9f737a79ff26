"""Three lines for training and serving, the same names in both, over a real Feast store on plain files."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from feast import FeatureStore
from feast.repo_config import RepoConfig

from groundplan_runtime import feast_repo, retrieval
from groundplan_runtime.features import Features
from groundplan_runtime.offline import TYPE

NOON = pd.Timestamp("2013-01-01 12:00", tz="UTC")
ORIGIN = {"join_key": "origin", "type": "string"}
VIEW = {"entities": ["origin"], "timestamp": "at", "ttl": "3h", "fields": {"temp": "float64", "flights": "int64"}}
SERVICE = {"views": {"weather": ["temp", "flights"]}}


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    rows = [("JFK", NOON - pd.Timedelta("1h"), 1.5, 3), ("JFK", NOON + pd.Timedelta("1h"), 9.0, 9)]
    rows += [("EWR", NOON - pd.Timedelta("5h"), 7.0, 7)]
    frame = pd.DataFrame(rows, columns=["origin", "at", "temp", "flights"])
    frame.to_parquet(tmp_path / "weather.parquet", coerce_timestamps="us", allow_truncated_timestamps=True)
    config = RepoConfig(
        project="p", provider="local", registry=str(tmp_path / "registry.db"), entity_key_serialization_version=3,
        offline_store={"type": TYPE}, online_store={"type": "sqlite", "path": str(tmp_path / "online.db")},
    )  # fmt: skip
    made = FeatureStore(config=config)
    entity = feast_repo.entity("origin", ORIGIN)
    view = feast_repo.feature_view(
        "weather", VIEW | {"digest": "d"}, {"origin": entity}, str(tmp_path / "weather.parquet")
    )
    made.apply([entity, view, feast_repo.feature_service("hourly", SERVICE, {"weather": view})])
    return made


@pytest.fixture
def features(store: FeatureStore) -> Any:
    def strategy(kind: type[Any]) -> Any:
        made = object.__new__(kind)
        made.store, made._services = store, {}
        return lambda _: made

    with retrieval.using(past=strategy(retrieval.Historical), present=strategy(retrieval.Online)):
        yield Features("p", "hourly")


def test_history_and_now_agree_at_the_moment_that_was_materialized(store: FeatureStore, features: Features) -> None:
    store.materialize(start_date=NOON - pd.Timedelta("3h"), end_date=NOON.to_pydatetime(), feature_views=["weather"])
    keys = [{"origin": "JFK"}, {"origin": "EWR"}, {"origin": "LGA"}]
    now = features.now(keys)
    assert now == {
        "origin": ["JFK", "EWR", "LGA"],
        "weather__temp": [1.5, None, None],
        "weather__flights": [3, None, None],
    }
    history = features.history(pd.DataFrame(keys).assign(event_timestamp=NOON))
    assert {name: [None if pd.isna(v) else v for v in history[name]] for name in now} == now


def test_examples_keep_their_order_and_their_other_columns(features: Features) -> None:
    examples = pd.DataFrame({
        "origin": ["EWR", "JFK", "JFK"],
        "event_timestamp": [NOON - pd.Timedelta("4h"), NOON + pd.Timedelta("1h"), NOON - pd.Timedelta("2h")],
        "delay": [1.0, 2.0, 3.0],
    })  # fmt: skip
    found = features.history(examples)
    assert found["delay"].tolist() == [1.0, 2.0, 3.0]
    assert found["weather__temp"].fillna(-1).tolist() == [7.0, 9.0, -1.0]


def test_the_registry_keeps_the_digest_and_the_rows(store: FeatureStore, features: Features) -> None:
    assert store.get_feature_view("weather").tags[feast_repo.DIGEST_TAG] == "d"
    views = features.views()
    assert views["weather"]["fields"] == ["temp", "flights"]
    assert views["weather"]["keys"] == {"origin": "string"}
    assert views["weather"]["uri"].endswith("weather.parquet")


def test_a_test_swaps_the_strategy_and_the_client_does_not_change() -> None:
    frame = pd.DataFrame({"origin": ["JFK"], "event_timestamp": [NOON], "temp": [2.0]})
    memory = retrieval.InMemory({"weather": frame}, {"weather": ["origin"]}, {"hourly": {"weather": ["temp"]}})
    with retrieval.using(past=lambda _: memory, present=lambda _: memory):
        client = Features("p", "hourly")
    assert client.now([{"origin": "JFK"}, {"origin": "EWR"}])["weather__temp"] == [2.0, None]
    assert asyncio.run(client.anow([{"origin": "JFK"}]))["weather__temp"] == [2.0]
    later = pd.DataFrame({"origin": ["JFK"], "event_timestamp": [NOON + pd.Timedelta("1h")]})
    assert client.history(later)["weather__temp"].tolist() == [2.0]


def test_instants_and_durations() -> None:
    assert feast_repo.instant("2014-01-01T00:00:00Z") == datetime(2014, 1, 1, tzinfo=UTC)
    assert feast_repo.duration("28d").days == 28
