"""Marquez's API, asked by the clients that were written against Marquez itself: both unchanged."""

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn
from marquez_client import MarquezClient
from marquez_client.models import DatasetId, DatasetType, JobType
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset
from openlineage.client.transport.http import HttpConfig, HttpTransport

from tests.runtime.controlplane.conftest import Plane

DEADLINE = 30
PRODUCER = "https://example.org/etl"


@pytest.fixture(scope="module")
def url(plane: Plane) -> Iterator[str]:
    """The control plane at a port of its own: these clients speak HTTP and nothing else."""
    listening = socket.create_server(("127.0.0.1", 0))
    # The application was started by the client of the plane: it is only served once more.
    server = uvicorn.Server(uvicorn.Config(plane.http.app, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    end = time.monotonic() + DEADLINE
    while not server.started:
        assert time.monotonic() < end, "it does not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(DEADLINE)


@pytest.fixture(scope="module")
def token(plane: Plane) -> str:
    """What lets a client in."""
    return str(plane.platform.runtime.secret("controlplane-token"))


@pytest.fixture(scope="module")
def marquez(url: str, token: str) -> MarquezClient:
    """Marquez's own client."""
    return MarquezClient(url, api_key=token)


@pytest.fixture(scope="module")
def emit(url: str, token: str) -> OpenLineageClient:
    """OpenLineage's own client."""
    config = HttpConfig.from_dict({"url": url, "auth": {"type": "api_key", "apiKey": token}})
    return OpenLineageClient(transport=HttpTransport(config))


def event(state: RunState, run: str, job: str, reads: list[str], writes: list[Any], namespace: str = "etl") -> RunEvent:
    """An event of a run."""
    outputs = [w if isinstance(w, OutputDataset) else OutputDataset(namespace=namespace, name=w) for w in writes]
    return RunEvent(
        eventType=state,
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(runId=run),
        job=Job(namespace=namespace, name=job),
        inputs=[InputDataset(namespace=namespace, name=name) for name in reads],
        outputs=outputs,
        producer=PRODUCER,
    )


def table(name: str, columns: dict[str, list[tuple[str, str]]], namespace: str = "etl") -> OutputDataset:
    """A table whose columns come from those of others, as (table, column)."""
    fields = [schema_dataset.SchemaDatasetFacetFields(name=c, type="DOUBLE") for c in columns]
    made = {
        column: column_lineage_dataset.Fields(
            inputFields=[column_lineage_dataset.InputField(namespace, t, c) for t, c in sources],
            transformationType="IDENTITY",
        )
        for column, sources in columns.items()
    }
    facets = {
        "schema": schema_dataset.SchemaDatasetFacet(fields=fields),
        "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields=made),
    }
    return OutputDataset(namespace=namespace, name=name, facets=facets)


def test_a_run_told_by_openlineage_is_found_by_marquez(emit: OpenLineageClient, marquez: MarquezClient) -> None:
    run = str(uuid.uuid4())
    emit.emit(event(RunState.START, run, "orders.daily", ["raw.orders"], []))
    assert marquez.get_job_run(run)["state"] == "RUNNING"
    emit.emit(
        event(RunState.COMPLETE, run, "orders.daily", [], [table("mart.orders", {"total": [("raw.orders", "sum")]})])
    )
    found = marquez.get_job_run(run)
    assert found["state"] == "COMPLETED"
    assert found["durationMs"] >= 0
    job = marquez.get_job("etl", "orders.daily")
    assert job["inputs"] == [{"namespace": "etl", "name": "raw.orders"}]
    assert job["outputs"] == [{"namespace": "etl", "name": "mart.orders"}]
    assert job["latestRun"]["id"] == run
    assert [each["id"] for each in marquez.list_job_runs("etl", "orders.daily")["runs"]] == [run]
    dataset = marquez.get_dataset("etl", "mart.orders")
    assert [(f["name"], f["type"]) for f in dataset["fields"]] == [("total", "DOUBLE")]
    versions = marquez.list_dataset_versions("etl", "mart.orders")["versions"]
    assert versions[0]["version"] == dataset["currentVersion"]
    one = marquez.get_dataset_version("etl", "mart.orders", dataset["currentVersion"])
    assert one["createdByRun"]["id"] == run
    assert "columnLineage" in one["facets"]
    assert "etl" in [each["name"] for each in marquez.list_namespaces()["namespaces"]]
    assert "mart.orders" in [each["name"] for each in marquez.list_datasets("etl")["datasets"]]
    assert "orders.daily" in [each["name"] for each in marquez.list_jobs("etl")["jobs"]]
    assert marquez.list_events("etl")["events"][0]["run"]["runId"] == run


def test_columns_are_followed_both_ways(emit: OpenLineageClient, marquez: MarquezClient) -> None:
    chain = [("c.a", {"x": [("c.raw", "r")], "y": [("c.raw", "s")]}), ("c.b", {"z": [("c.a", "x")]})]
    for name, columns in chain:
        read = sorted({t for sources in columns.values() for t, _ in sources})
        emit.emit(event(RunState.COMPLETE, str(uuid.uuid4()), f"make {name}", read, [table(name, columns)]))

    def ids(answer: dict[str, Any]) -> list[str]:
        return [node["id"] for node in answer["graph"]]

    found = marquez.get_column_lineage_by_dataset_field("etl", "c.raw", "r", with_downstream=True)
    assert ids(found) == ["datasetField:etl:c.a:x", "datasetField:etl:c.b:z", "datasetField:etl:c.raw:r"]
    assert ids(marquez.get_column_lineage_by_dataset("etl", "c.b"))[1:] == ids(found)[1:]
    assert ids(marquez.get_column_lineage_by_job("etl", "make c.b")) == ids(found)
    z = next(node for node in found["graph"] if node["id"].endswith(":z"))
    assert z["data"]["inputFields"][0]["field"] == "x"
    assert z["inEdges"] == [{"origin": "datasetField:etl:c.a:x", "destination": "datasetField:etl:c.b:z"}]


def test_the_graph_ends_where_it_is_told_to(emit: OpenLineageClient, plane: Plane) -> None:
    for step in range(4):
        emit.emit(event(RunState.COMPLETE, str(uuid.uuid4()), f"step{step}", [f"d{step}"], [f"d{step + 1}"], "chain"))
    for depth, jobs in ((0, 1), (1, 2), (2, 3), (20, 4)):
        answer = plane.http.get("/api/v1/lineage", params={"nodeId": "dataset:chain:d0", "depth": depth}).json()
        found = [node["id"] for node in answer["graph"] if node["type"] == "JOB"]
        assert found == [f"job:chain:step{n}" for n in range(jobs)]
    d1 = next(node for node in answer["graph"] if node["id"] == "dataset:chain:d1")
    assert d1["inEdges"] == [{"origin": "job:chain:step0", "destination": "dataset:chain:d1"}]
    assert d1["outEdges"] == [{"origin": "dataset:chain:d1", "destination": "job:chain:step1"}]
    assert d1["data"]["id"] == {"namespace": "chain", "name": "d1"}
    found = plane.http.get("/api/v1/search", params={"q": "STEP1", "filter": "JOB"}).json()
    assert [each["nodeId"] for each in found["results"]] == ["job:chain:step1"]


def test_the_calls_of_before_openlineage_work_too(marquez: MarquezClient) -> None:
    assert marquez.create_namespace("old", "ana", "of before")["ownerName"] == "ana"
    assert marquez.get_namespace("old")["description"] == "of before"
    marquez.create_source("warehouse", "POSTGRESQL", "jdbc:postgresql://db.example.org/x", "a database")
    assert marquez.get_source("warehouse")["type"] == "POSTGRESQL"
    assert "warehouse" in [each["name"] for each in marquez.list_sources()["sources"]]
    columns = [{"name": "a", "type": "INTEGER", "tags": ["PII"]}, {"name": "b", "type": "TEXT"}]
    made = marquez.create_dataset("old", "t", DatasetType.DB_TABLE, "public.t", "warehouse", "a table", fields=columns)
    assert (made["physicalName"], made["sourceName"], made["description"]) == ("public.t", "warehouse", "a table")
    assert made["fields"][0]["tags"] == ["PII"]
    job = marquez.create_job("old", "j", JobType.BATCH, inputs=[DatasetId("old", "t")], outputs=[DatasetId("old", "u")])
    assert job["outputs"] == [{"namespace": "old", "name": "u"}]
    run = marquez.create_job_run("old", "j", run_args={"k": "v"}, mark_as_running=True)
    assert (run["state"], run["args"]) == ("RUNNING", {"k": "v"})
    assert marquez.mark_job_run_as_failed(run["id"])["state"] == "FAILED"
    assert marquez.mark_job_run_as_completed(run["id"])["state"] == "FAILED", "what has ended stays so"
    assert marquez.create_tag("SENSITIVE", "not for all")["name"] == "SENSITIVE"
    assert {"name": "SENSITIVE", "description": "not for all"} in marquez.list_tags()["tags"]
    assert marquez.tag_dataset("old", "t", "SENSITIVE")["tags"] == ["SENSITIVE"]
    assert marquez.tag_dataset_field("old", "t", "b", "PII")["fields"][1]["tags"] == ["PII"]


def test_names_may_have_slashes_and_colons(emit: OpenLineageClient, marquez: MarquezClient) -> None:
    namespace, name = "s3://bucket-1", "landing/2013/flights.csv"
    written = OutputDataset(namespace=namespace, name=name)
    emit.emit(event(RunState.COMPLETE, str(uuid.uuid4()), "a/b:c", [], [written], "postgres://db:5432"))
    assert marquez.get_dataset(namespace, name)["name"] == name
    assert marquez.get_job("postgres://db:5432", "a/b:c")["outputs"] == [{"namespace": namespace, "name": name}]
    assert marquez.get_column_lineage_by_dataset(namespace, name) == {"graph": []}


def test_an_event_that_comes_twice_is_one(plane: Plane) -> None:
    document = _document()
    for _ in range(2):
        assert plane.http.post("/api/v1/lineage", json=document).status_code == 201
    assert plane.http.get("/api/v1/events/twice").json()["totalCount"] == 1
    assert plane.http.get("/api/v1/namespaces/twice/jobs/j/runs").json()["totalCount"] == 1


def test_what_comes_late_does_not_unsay_what_is(emit: OpenLineageClient, marquez: MarquezClient) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    emit.emit(event(RunState.START, first, "late", ["in1"], []))
    emit.emit(event(RunState.COMPLETE, second, "late", ["in2"], ["out2"]))
    emit.emit(event(RunState.FAIL, first, "late", [], []))
    job = marquez.get_job("etl", "late")
    assert [each["name"] for each in job["outputs"]] == ["out2"], "a run that failed wrote nothing"
    emit.emit(event(RunState.START, second, "late", [], []))
    assert marquez.get_job_run(second)["state"] == "COMPLETED"


def _document(**changes: Any) -> dict[str, Any]:
    given = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "producer": PRODUCER,
        "run": {"runId": "0176a8c2-fe01-7439-87e6-56a1a1b4029f"},
        "job": {"namespace": "twice", "name": "j"},
    }
    return {**given, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"eventTime": "yesterday"},
        {"eventTime": "2026-01-01T00:00:00"},
        {"eventType": "DONE"},
        {"run": {"runId": "7"}},
        {"run": {}},
        {"job": None},
        {"job": {"namespace": "", "name": "j"}},
        {"job": {"namespace": "bad", "name": "x" * 1025}},
        {"job": {"namespace": "bad", "name": "nul\x00"}},
        {"job": {"namespace": "bad", "name": "half \ud800"}},
        {"outputs": [{"namespace": "bad", "name": "d", "facets": {"schema": {"fields": "none"}}}]},
        {"outputs": [{"namespace": "bad", "name": "d", "facets": {"columnLineage": {"fields": {"a": 7}}}}]},
        {"inputs": [{"namespace": "bad", "name": f"d{n}"} for n in range(1001)]},
        {"inputs": [{"namespace": "bad", "name": "d", "facets": {"f": {"text": "nul\x00"}}}]},
        {"run": {"runId": str(uuid.uuid4()), "facets": {"nominalTime": {"nominalStartTime": "noon"}}}},
    ],
)
def test_a_bad_event_is_one_line_and_changes_nothing(plane: Plane, changes: dict[str, Any]) -> None:
    # As text of our own: this client cannot send half a character, another one can.
    answer = plane.http.post("/api/v1/lineage", content=json.dumps(_document(**changes)))
    assert answer.status_code == 422, answer.text
    assert "\n" not in answer.json()["error"]["what"]
    assert plane.http.get("/api/v1/namespaces/bad").status_code == 404


def test_hostile_requests_are_refused(plane: Plane, url: str) -> None:
    post = plane.http.post
    assert post("/api/v1/lineage", content=b"x" * (2 << 20)).status_code == 413
    assert post("/api/v1/lineage", content=b'{"a":' * 60_000).status_code in (400, 422)
    assert post("/api/v1/lineage", content=b"[]").status_code == 422
    for depth in (100, 400, 700, 900, 980):
        deep = json.dumps(_document(deep="@")).replace('"@"', '{"a":' * depth + "1" + "}" * depth)
        assert post("/api/v1/lineage", content=deep).status_code in (201, 400, 422), depth
    assert httpx.post(f"{url}/api/v1/lineage", json=_document(), trust_env=False).status_code == 401
    for query, status in (
        ({"nodeId": "dataset:a"}, 422),
        ({"nodeId": "table:a:b"}, 422),
        ({"nodeId": "dataset:none:such"}, 404),
        ({"nodeId": "dataset:" + ":" * 2000}, 404),
        ({"nodeId": "dataset:a:b", "depth": 10**9}, 422),
        ({"nodeId": "dataset:\x00:b"}, 422),
        ({}, 422),
    ):
        answer = plane.http.get("/api/v1/lineage", params=query)
        assert answer.status_code == status, (query, answer.text)
    for path in ("namespaces/%00", "namespaces/" + "x" * 2000, "jobs/runs/7", "namespaces/%ff/datasets"):
        assert plane.http.get(f"/api/v1/{path}").status_code in (404, 422), path


def test_a_dataset_and_a_job_may_be_told_without_a_run(plane: Plane) -> None:
    about = {"eventTime": "2026-01-01T00:00:00Z", "producer": PRODUCER}
    facets = {"schema": {"fields": [{"name": "a", "type": "INT"}]}}
    dataset = {**about, "dataset": {"namespace": "still", "name": "d", "facets": facets}}
    job = {**about, "job": {"namespace": "still", "name": "j"}, "inputs": [{"namespace": "still", "name": "d"}]}
    for document in (dataset, job):
        assert plane.http.post("/api/v1/lineage", json=document).status_code == 201
    assert plane.http.get("/api/v1/namespaces/still/datasets/d").json()["fields"][0]["name"] == "a"
    assert plane.http.get("/api/v1/namespaces/still/jobs/j").json()["inputs"] == [{"namespace": "still", "name": "d"}]
