"""What the control plane does, told as lineage by itself: on a real PostgreSQL, through its own API."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from groundplan.controlplane import store
from groundplan.controlplane.db import lineage_tables
from groundplan.controlplane.db.tables import events
from groundplan.controlplane.store import Actor
from tests.runtime.controlplane.conftest import Plane
from tests.runtime.controlplane.told import STORY, declare, is_stored, until, upload

OURS = "test.w"


@pytest.fixture(scope="module")
def told(plane: Plane) -> Iterator[Plane]:
    """The whole story of project ``w``: made, trained, promoted, served, and told."""
    upload(plane.http, "w")
    for kind, name, properties in STORY:
        operation = declare(plane.http, "w", kind, name, properties)
        if operation:
            assert plane.ended(operation)["status"] == "succeeded"
    until(lambda: is_stored(plane.http), "all is told")
    yield plane
    for kind, name, _ in reversed(STORY):
        plane.http.delete(f"/v1/projects/w/resources/{kind}/{name}")


def get(plane: Plane, path: str, **query: Any) -> Any:
    answer = plane.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def job(plane: Plane, name: str) -> Any:
    return get(plane, f"/api/v1/namespaces/{OURS}/jobs/{name}")


def dataset(plane: Plane, name: str) -> Any:
    return get(plane, f"/api/v1/namespaces/{OURS}/datasets/{name}")


def names(ids: list[dict[str, str]]) -> list[str]:
    return sorted(each["name"] for each in ids)


def test_every_stage_is_a_job_that_ran(told: Plane) -> None:
    expected = {
        "data_source.raw": (["projects/w/data/raw.csv"], ["data_source.raw"]),
        "feature_view.hourly": (["data_source.raw"], ["feature_view.hourly"]),
        "feature_service.fs": (["feature_view.hourly"], ["feature_service.fs"]),
        "materialization.hourly": (["feature_view.hourly"], ["materialization.hourly"]),
        "model.forecast": (["data_source.raw", "feature_service.fs"], ["model.forecast"]),
        "pair.forecast": (["model.forecast"], ["pair.forecast"]),
        "alias.forecast@production": (["pair.forecast"], ["alias.forecast@production"]),
        "serving_application.a": (["alias.forecast@production", "materialization.hourly"], ["serving_application.a"]),
    }
    for name, (inputs, outputs) in expected.items():
        found = job(told, name)
        assert (names(found["inputs"]), names(found["outputs"])) == (inputs, outputs), name
        assert found["latestRun"]["state"] == "COMPLETED", name
        owners = {each["name"] for each in found["facets"]["ownership"]["owners"]}
        assert owners == {"team:weather_people", "w@example.org"}
    assert job(told, "serving_application.a")["type"] == "SERVICE"
    run = job(told, "model.forecast")["latestRun"]
    assert run["facets"]["groundplan_change"]["actor"] == "deployer"
    assert run["durationMs"] >= 0


def test_datasets_say_what_they_hold(told: Plane) -> None:
    view = dataset(told, "feature_view.hourly")
    assert {f["name"]: f["type"] for f in view["fields"]} == {
        "k": "string",
        "t": "timestamp",
        "temp": "float64",
        "wet": "float64",
    }
    facets = view["facets"]
    assert facets["outputStatistics"]["rowCount"] == facets["dataQualityMetrics"]["rowCount"] == 3
    assert facets["tags"]["tags"][0]["key"] == "domain"
    assert facets["dataSource"]["uri"].startswith("s3://groundplan/features/w/hourly/")
    assert view["description"] == "By the hour"
    pair = dataset(told, "alias.forecast@production")["facets"]["groundplan_pairVersion"]
    assert (pair["version"], pair["alias"]) == (1, "production")
    assert dataset(told, "pair.forecast")["facets"]["groundplan_pairVersion"]["metrics"]["mae"] == 10.0
    assert dataset(told, "serving_application.a")["facets"]["groundplan_serving"]["aliases"] == {"production": 1}
    namespace = get(told, f"/api/v1/namespaces/{OURS}")
    assert (namespace["ownerName"], namespace["description"]) == ("weather_people", "A story")
    sql = job(told, "feature_view.hourly")["facets"]["sql"]
    assert "rain * 2" in sql["query"]


def test_from_a_raw_column_to_the_endpoint_in_one_query(told: Plane) -> None:
    query = {"nodeId": f"datasetField:{OURS}:data_source.raw:temp", "withDownstream": True}
    found = {node["id"].split(":", 2)[2] for node in get(told, "/api/v1/column-lineage", **query)["graph"]}
    assert {"feature_view.hourly:temp", "pair.forecast:prediction", "serving_application.a:prediction"} <= found
    assert "feature_view.hourly:wet" not in found
    assert "projects/w/data/raw.csv:temp" in found
    ours = get(told, "/v1/lineage", node="raw.temp")
    assert "w/serving_application/a" in ours["downstream"]
    assert ours["downstream"]["w/feature_view/hourly"] == ["temp"]
    back = get(told, "/v1/lineage", node="w/serving_application/a")
    assert "w/data_source/raw" in back["upstream"]
    assert "file:projects/w/data/raw.csv" in back["upstream"]


@pytest.mark.parametrize(
    ("node", "models", "applications"),
    [
        ("features/hourly", ["w/model/forecast"], ["w/serving_application/a"]),
        ("hourly.temp", ["w/model/forecast"], ["w/serving_application/a"]),
        ("hourly.wet", [], []),
        ("raw.rain", [], []),
        ("raw.known", ["w/model/forecast"], ["w/serving_application/a"]),
        ("raw.unused", [], []),
        ("sources/raw", ["w/model/forecast"], ["w/serving_application/a"]),
        ("w/entity/e", ["w/model/forecast"], ["w/serving_application/a"]),
        ("forecast@production", [], ["w/serving_application/a"]),
    ],
)
def test_impact_says_what_a_change_touches(told: Plane, node: str, models: list[str], applications: list[str]) -> None:
    found = get(told, "/v1/impact", node=node)
    assert found["touched"]["models"] == models
    assert found["touched"]["applications"] == applications
    assert list(found["teams"]) == ["weather_people"]
    assert found["training"] == dict.fromkeys(models, "on_change")
    if applications:
        assert found["now"]["w/serving_application/a"]["serves"] == 1


def test_what_is_not_there_is_told_with_what_is_near(told: Plane) -> None:
    answer = told.http.get("/v1/impact", params={"node": "features/hourli"})
    assert answer.status_code == 404
    assert "did you mean w/feature_view/hourly?" in answer.json()["error"]["what"]
    answer = told.http.get("/v1/impact", params={"node": "hourly.tamp"})
    assert "allowed: k, t, temp, wet" in answer.json()["error"]["what"]


def test_others_that_read_ours_are_touched(told: Plane) -> None:
    report = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "producer": "https://example.org/bi",
        "run": {"runId": "0176a8c2-fe01-7439-87e6-56a1a1b40299"},
        "job": {"namespace": "bi", "name": "weekly report"},
        "inputs": [{"namespace": OURS, "name": "feature_view.hourly"}],
    }
    assert told.http.post("/api/v1/lineage", json=report).status_code == 201
    assert get(told, "/v1/impact", node="raw.temp")["others"] == ["bi:weekly report"]


def test_an_up_is_told_with_commit_plan_and_changes(told: Plane) -> None:
    up = {
        "plan_digest": "0123456789abcdef",
        "changes": [{"id": "w/model/forecast", "action": "update"}],
        "succeeded": True,
    }
    answer = told.http.post("/v1/ups", json={**up, "commit": "c" * 40, "dirty": False})
    assert answer.status_code == 201, answer.text
    until(lambda: is_stored(told.http), "it is told")
    run = get(told, "/api/v1/namespaces/test/jobs/up/runs")["runs"][0]
    assert run["state"] == "COMPLETED"
    assert run["facets"]["groundplan_up"]["commit"] == "c" * 40
    assert run["facets"]["groundplan_up"]["changes"] == up["changes"]
    assert told.http.post("/v1/ups", json={**up, "changes": [{"id": "x", "action": "burn"}]}).status_code == 422


def test_a_failure_is_told_with_its_reason(told: Plane) -> None:
    told.platform.jobs.mistake = {"what": "has no column x", "path": "data_sources.broken"}
    try:
        source = {"kind": "csv", "path": "data/b.csv", "fields": {"k": "string"}, "code": "2"}
        operation = declare(told.http, "w", "data_source", "broken", source)
        assert operation
        assert told.ended(operation)["status"] == "failed"
    finally:
        told.platform.jobs.mistake = None
    until(lambda: is_stored(told.http), "it is told")
    run = job(told, "data_source.broken")["latestRun"]
    assert run["state"] == "FAILED"
    assert "has no column x" in run["facets"]["errorMessage"]["message"]
    told.http.delete("/v1/projects/w/resources/data_source/broken")
    until(lambda: is_stored(told.http), "its end is told")
    assert dataset(told, "data_source.broken")["deleted"]


def test_an_event_that_cannot_be_told_keeps_nobody_waiting(told: Plane) -> None:
    with told.platform.engine.begin() as connection:
        odd = store.Resource("w", "model", "odd", "of another", "release", {}, {})
        store.append(connection, Actor("somebody"), "ready", odd, None, odd)
        store.append(connection, Actor("somebody"), "delete", odd, odd, None)
    with told.platform.engine.connect() as connection:
        about = (events.c.name == "odd", events.c.action == "ready")
        number = connection.execute(sa.select(events.c.seq).where(*about)).scalar_one()
    until(lambda: is_stored(told.http), "those after it are told")
    refused = {each["event"]: each["problem"] for each in get(told, "/v1/lineage/outbox")["refused"]}
    assert "KeyError" in refused[number]


def test_the_tables_are_those_that_the_migrations_made(told: Plane) -> None:
    inspector = sa.inspect(told.platform.engine)
    for table in lineage_tables.TABLES:
        made = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert made == {column.name: column.nullable for column in table.columns}, table.name
