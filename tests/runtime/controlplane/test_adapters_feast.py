"""Feast's real registry (PostgreSQL) and online store (Valkey) behind the adapter."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest

from groundplan.controlplane.adapters.feast import FeastAdapter
from groundplan_runtime import feast_repo
from groundplan_runtime.config import Runtime

ORIGIN = {"join_key": "origin", "type": "string", "description": "Airport"}
NUMBER = {"join_key": "number", "type": "int64", "description": ""}
ENTITIES = {"origin": ORIGIN, "number": NUMBER}
URI = "s3://groundplan/features/p/weather/d1.parquet"
VIEW: dict[str, Any] = {
    "entities": ["origin"],
    "timestamp": "at",
    "ttl": "36h",
    "fields": {"s": "string", "i": "int64", "f": "float64", "b": "bool", "t": "timestamp"},
    "online": True,
    "description": "Weather",
    "tags": {"tier": "gold"},
}
SERVICE = {"views": {"weather": ["f", "i"]}}
NOON = pd.Timestamp("2024-01-01 12:00", tz="UTC")


@pytest.fixture(scope="module")
def adapter(database: Runtime) -> FeastAdapter:
    return FeastAdapter(database)


@pytest.fixture
def project() -> str:
    return f"p{uuid.uuid4().hex[:8]}"


def apply_view(adapter: FeastAdapter, project: str, name: str = "weather", **changes: Any) -> dict[str, Any]:
    properties = VIEW | changes
    entities = {entity: ENTITIES[entity] for entity in properties["entities"]}
    adapter.apply_feature_view(project, name, properties, uri=URI, entities=entities)
    return properties


def load(adapter: FeastAdapter, project: str, name: str = "weather", **keys: Any) -> None:
    row = {**(keys or {"origin": "JFK"}), "at": NOON, "s": "x", "i": 1, "f": 1.5, "b": True, "t": NOON}
    adapter._store(project).write_to_online_store(name, pd.DataFrame([row]))


def online(adapter: FeastAdapter, project: str, name: str = "weather") -> Any:
    store = adapter._store(project)
    store.refresh_registry()
    return store.get_online_features([f"{name}:f"], [{"origin": "JFK"}]).to_dict()["f"]


def test_what_is_declared_is_what_is_observed(adapter: FeastAdapter, project: str) -> None:
    assert adapter.observe(project, "entity", "origin", ORIGIN) is None
    adapter.apply_entity(project, "origin", ORIGIN)
    apply_view(adapter, project)
    adapter.apply_feature_service(project, "hourly", SERVICE)
    assert adapter.observe(project, "entity", "origin", ORIGIN) == ORIGIN
    assert adapter.observe(project, "feature_view", "weather", VIEW) == VIEW | {"uri": URI}
    assert adapter.observe(project, "feature_service", "hourly", SERVICE) == SERVICE


def test_every_kind_of_key_and_several_keys_come_back(adapter: FeastAdapter, project: str) -> None:
    adapter.apply_entity(project, "number", NUMBER)
    assert adapter.observe(project, "entity", "number", NUMBER) == NUMBER
    both = apply_view(adapter, project, entities=["origin", "number"])
    found = adapter.observe(project, "feature_view", "weather", both)
    assert found is not None
    assert (found["entities"], found["fields"]) == (both["entities"], both["fields"])


def test_a_ttl_is_spelled_as_declared_while_it_means_the_same(adapter: FeastAdapter, project: str) -> None:
    apply_view(adapter, project, ttl="48h")
    spelled = {like: adapter.observe(project, "feature_view", "weather", {"ttl": like}) for like in ("2d", "48h", "3h")}
    assert [found and found["ttl"] for found in spelled.values()] == ["2d", "48h", "2d"]


def test_a_change_by_hand_is_seen(adapter: FeastAdapter, project: str, database: Runtime) -> None:
    apply_view(adapter, project)
    theirs = feast_repo.store(database, project)
    view = theirs.get_feature_view("weather")
    view.description, view.tags = "Mine now", {}
    theirs.apply([view])
    found = adapter.observe(project, "feature_view", "weather", VIEW)
    assert found == VIEW | {"uri": URI, "description": "Mine now", "tags": {}}


def test_applying_again_changes_what_is_there(adapter: FeastAdapter, project: str) -> None:
    apply_view(adapter, project)
    fewer = apply_view(adapter, project, fields={"f": "float64"}, ttl="3h", tags={})
    assert adapter.observe(project, "feature_view", "weather", fewer) == fewer | {"uri": URI}


def test_deleting_is_idempotent_and_leaves_the_rest(adapter: FeastAdapter, project: str) -> None:
    adapter.apply_entity(project, "origin", ORIGIN)
    apply_view(adapter, project)
    adapter.apply_feature_service(project, "hourly", SERVICE)
    for kind, name in (("feature_service", "hourly"), ("feature_view", "weather"), ("entity", "origin")):
        assert adapter.observe(project, kind, name, {}) is not None
        for _ in range(2):
            adapter.delete(project, kind, name)
            assert adapter.observe(project, kind, name, {}) is None
    assert adapter._store(project).list_data_sources() == []


def test_a_refused_view_leaves_the_registered_one_as_it_was(adapter: FeastAdapter, project: str) -> None:
    apply_view(adapter, project)
    with pytest.raises(KeyError):
        apply_view(adapter, project, ttl="3h", fields={"f": "no such type"})
    assert adapter.observe(project, "feature_view", "weather", VIEW) == VIEW | {"uri": URI}


def test_online_rows_are_noticed_and_dropped(adapter: FeastAdapter, project: str) -> None:
    assert not adapter.has_online_rows(project, "weather")
    apply_view(adapter, project)
    assert not adapter.has_online_rows(project, "weather")
    load(adapter, project)
    assert adapter.has_online_rows(project, "weather")
    assert online(adapter, project) == [1.5]
    for _ in range(2):
        adapter.drop_online(project, "weather")
        assert not adapter.has_online_rows(project, "weather")
    assert online(adapter, project) == [None]


def test_a_store_emptied_behind_our_back_is_noticed(adapter: FeastAdapter, project: str) -> None:
    apply_view(adapter, project, entities=["origin", "number"])
    load(adapter, project, origin="JFK", number=7)
    assert adapter.has_online_rows(project, "weather")
    with adapter._online._connect() as client:
        client.flushall()
    assert not adapter.has_online_rows(project, "weather")


def test_dropping_a_view_leaves_another_of_the_same_entity(adapter: FeastAdapter, project: str) -> None:
    for name in ("weather", "delay"):
        apply_view(adapter, project, name)
        load(adapter, project, name)
    adapter.drop_online(project, "weather")
    assert not adapter.has_online_rows(project, "weather")
    assert (online(adapter, project), online(adapter, project, "delay")) == ([None], [1.5])


@pytest.mark.parametrize("way", ["drop", "delete"])
def test_a_project_whose_name_ends_like_ours_keeps_its_rows(adapter: FeastAdapter, project: str, way: str) -> None:
    other = f"my_other_{project}"  # Feast's own deletion would take these too
    for each in (project, other):
        apply_view(adapter, each)
    load(adapter, other)
    assert not adapter.has_online_rows(project, "weather")
    load(adapter, project)
    if way == "drop":
        adapter.drop_online(project, "weather")
    else:
        adapter.delete(project, "feature_view", "weather")
    assert adapter.has_online_rows(other, "weather")
    assert online(adapter, other) == [1.5]


def test_deleting_a_view_takes_its_rows(adapter: FeastAdapter, project: str) -> None:
    apply_view(adapter, project)
    load(adapter, project)
    adapter.delete(project, "feature_view", "weather")
    apply_view(adapter, project)
    assert not adapter.has_online_rows(project, "weather")


def test_threads_share_one_adapter_from_its_first_call(database: Runtime, project: str) -> None:
    fresh = FeastAdapter(database)
    names = [f"view_{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: apply_view(fresh, project, name), names))
        found = list(pool.map(lambda name: fresh.observe(project, "feature_view", name, VIEW), names))
    assert found == [VIEW | {"uri": URI}] * 6
