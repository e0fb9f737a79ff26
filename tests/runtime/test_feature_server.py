"""Feast's feature server as the local stack runs it: its answers, to whom, what it has not got, and crashes."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import psutil
import psycopg
import pytest
import redis
from feast import FeatureStore
from feast.repo_config import RepoConfig
from starlette.testclient import TestClient

from groundplan.local.processes import of_folder
from groundplan_runtime import feast_repo
from groundplan_runtime.config import Runtime
from groundplan_runtime.feature_server import FRESH, make
from tests.support.clone import free_port_base
from tests.support.listening import assert_loopback_only
from tests.support.local_stack import LocalStack, make_site

ORIGIN = {"join_key": "origin", "type": "string"}
TYPES = {"s": "string", "i": "int64", "f": "float64", "b": "bool"}
NOON = pd.Timestamp("2024-01-01 12:00", tz="UTC")
ROW = {"origin": "JFK", "at": NOON, "s": "x", "i": 7, "f": 1.5, "b": True}
ASKED = {"features": ["weather:f", "weather:i"], "entities": {"origin": ["JFK", "XXX"]}, "full_feature_names": True}
PATH = "/get-online-features"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The feature server beside the database and the online store."""
    folder = tmp_path_factory.mktemp("features") / "data"
    site = make_site(folder, free_port_base(), str(uuid.uuid4()), keep=False)
    made = LocalStack(site, ["Database", "OnlineStore", "FeatureServer"])
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def runtime(stack: LocalStack) -> Iterator[Runtime]:
    """How its parts are found, and this process's environment set for them."""
    found = Runtime.load(Path(stack.site.folder) / "runtime.json")
    with pytest.MonkeyPatch.context() as patch:
        for key, value in found.environment().items():
            patch.setenv(key, value)
        yield found


@pytest.fixture(scope="module")
def http(runtime: Runtime) -> Iterator[httpx.Client]:
    """A client that shows the server's own token, as the gateway does. The first request loads Feast."""
    headers = {"Authorization": f"Bearer {runtime.secret('feast-token')}"}
    with httpx.Client(base_url=runtime.endpoint("feast"), headers=headers, timeout=300, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def project(runtime: Runtime, http: httpx.Client) -> str:
    """A project with a view, a service and a row; asked for when it was not there yet."""
    name = f"p{uuid.uuid4().hex[:8]}"
    assert http.get(f"/{name}/health").status_code == 404
    apply(runtime, name, "weather", {"hourly": ["f", "i"]})
    return name


def apply(runtime: Runtime, project: str, view: str, services: dict[str, list[str]]) -> None:
    """Apply a view and services of it, as the control plane does, and write a row."""
    store, entity = feast_repo.store(runtime, project), feast_repo.entity("origin", ORIGIN)
    properties = {"entities": ["origin"], "timestamp": "at", "ttl": "3h", "fields": TYPES}
    views = {view: feast_repo.feature_view(view, properties, {"origin": entity}, f"unused/{view}")}
    made = [feast_repo.feature_service(name, {"views": {view: fields}}, views) for name, fields in services.items()]
    store.apply([entity, *views.values(), *made])
    store.write_to_online_store(view, pd.DataFrame([ROW]))


def eventually(check: Callable[[], Any], what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def ask(http: httpx.Client, project: str, **asked: Any) -> dict[str, list[Any]]:
    """Ask for features; return feature → values."""
    answer = http.post(f"/{project}{PATH}", json=asked)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    names = body["metadata"]["feature_names"]
    return {name: result["values"] for name, result in zip(names, body["results"], strict=True)}


def test_it_answers_what_the_store_holds(http: httpx.Client, runtime: Runtime, project: str) -> None:
    found = ask(http, project, **ASKED)
    assert found == {"origin": ["JFK", "XXX"], "weather__f": [1.5, None], "weather__i": [7, None]}
    rows = [{"origin": "JFK"}, {"origin": "XXX"}]
    store = feast_repo.store(runtime, project)
    assert found == store.get_online_features(ASKED["features"], rows, full_feature_names=True).to_dict()
    assert ask(http, project, **{**ASKED, "features": [], "feature_service": "hourly"}) == found
    assert http.get(f"/{project}/health").status_code == 200


def test_feast_s_own_client_asks_it(runtime: Runtime, project: str, tmp_path: Path) -> None:
    config = RepoConfig(
        project=project, provider="local", registry=str(tmp_path / "registry.db"), entity_key_serialization_version=3,
        online_store={"type": "remote", "path": f"{runtime.endpoint('feast')}/{project}"},
        auth={"type": "oidc", "token": runtime.secret("feast-token")},
    )  # fmt: skip
    rows = [{"origin": "JFK"}, {"origin": "XXX"}]
    found = FeatureStore(config=config).get_online_features(ASKED["features"], rows, full_feature_names=True)
    assert found.to_dict() == {"origin": ["JFK", "XXX"], "weather__f": [1.5, None], "weather__i": [7, None]}


def test_what_did_not_come_through_the_gateway_is_refused(http: httpx.Client, project: str) -> None:
    for token in ("", "Bearer", "Bearer wrong"):
        answer = http.post(f"/{project}{PATH}", json=ASKED, headers={"Authorization": token})
        assert answer.status_code == 401, answer.text
        assert answer.json()["error"]["fix"] == "ask the gateway at /feast/"
    assert httpx.get(f"{http.base_url}/health", trust_env=False).status_code == 200, "the supervisor asks without"


def test_an_unknown_project_is_one_line_and_is_not_made(http: httpx.Client, runtime: Runtime, project: str) -> None:
    for name in ("nobody", "x' OR 'a'='a", "%00", "health"):
        answer = http.post(f"/{name}{PATH}", json=ASKED)
        assert answer.status_code == 404, answer.text
        assert "\n" not in answer.json()["error"]["what"]
    with psycopg.connect(f"host={host(runtime)[0]} port={host(runtime)[1]} user=feast dbname=feast") as database:
        for table in ("projects", "feast_metadata"):
            assert {row[0] for row in database.execute(f"SELECT project_id FROM {table}")} == {project}


def host(runtime: Runtime) -> list[str]:
    return runtime.endpoint("database").split(":")


def is_there(runtime: Runtime) -> bool:
    """Whether the database takes who applies."""
    at, port = host(runtime)
    try:
        psycopg.connect(f"host={at} port={port} user=feast dbname=feast").close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "push"), ("POST", "write-to-online-store"), ("POST", "materialize"), ("POST", "materialize-incremental"),
    ("POST", "retrieve-online-documents"), ("POST", "search"), ("GET", "v1/vector_stores"), ("GET", "chat"),
    ("POST", "chat"), ("GET", "docs"), ("GET", "openapi.json"), ("GET", "static/chat/index.html"), ("GET", ""),
    ("POST", "get-online-features/push"), ("POST", "get-online-features/../push"), ("POST", "%2e%2e/push"),
])  # fmt: skip
def test_nothing_else_of_feast_is_there(http: httpx.Client, project: str, method: str, path: str) -> None:
    before = ask(http, project, **ASKED)
    row = {"origin": ["JFK"], "at": [NOON.isoformat()], "s": ["y"], "i": [8], "f": [2.5], "b": [False]}
    body = {"feature_view_name": "weather", "push_source_name": "weather", "df": row, "end_ts": "2024-01-02T00:00:00"}
    answer = http.request(method, f"/{project}/{path}", json=body)
    assert answer.status_code == 404, answer.text
    assert answer.json()["error"]["allowed"].startswith("POST /feast/<project>/get-online-features")
    assert http.request("PUT", f"/{project}{PATH}", json=ASKED).status_code == 405
    assert ask(http, project, **ASKED) == before


@pytest.mark.parametrize(("asked", "status", "words"), [
    ({"features": ["nothing:f"]}, 404, "nothing"), ({"feature_service": "nothing"}, 404, "nothing"),
    ({"features": ["weather:nothing"]}, 500, "nothing"), ({"entities": {"gate": ["1"]}}, 500, "origin"),
    ({"entities": {"origin": [["JFK"]]}}, 500, ""), ({"entities": "JFK"}, 422, "entities"),
])  # fmt: skip
def test_a_mistake_is_answered_as_feast_does(
    http: httpx.Client, project: str, asked: dict[str, Any], status: int, words: str
) -> None:
    answer = http.post(f"/{project}{PATH}", json=ASKED | asked)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert "Traceback" not in answer.text


def test_it_may_read_and_nothing_else(runtime: Runtime, project: str) -> None:
    store = feast_repo.store(runtime, project, reads_only=True)
    with pytest.raises(redis.exceptions.NoPermissionError):
        store.write_to_online_store("weather", pd.DataFrame([ROW | {"at": NOON + pd.Timedelta(hours=1)}]))
    at, port = host(runtime)
    with psycopg.connect(f"host={at} port={port} user=feast_reader dbname=feast") as database:
        assert database.execute("SELECT count(*) FROM feature_views").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.execute("DELETE FROM feature_views")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(f"host={at} port={port} user=feast_reader dbname=mlflow")


def test_what_is_applied_later_appears(http: httpx.Client, runtime: Runtime, project: str) -> None:
    asked = {"feature_service": "late", "entities": {"origin": ["JFK"]}}
    assert http.post(f"/{project}{PATH}", json=asked).status_code == 404
    apply(runtime, project, "traffic", {"late": ["f"], "hourly": ["i"]})
    eventually(lambda: http.post(f"/{project}{PATH}", json=asked).status_code == 200, "the view", FRESH + 10)
    assert ask(http, project, **asked) == {"origin": ["JFK"], "f": [1.5]}
    again = {"feature_service": "hourly", "entities": {"origin": ["JFK"]}}
    assert ask(http, project, **again) == {"origin": ["JFK"], "i": [7]}, "the changed service"


def test_a_registry_that_does_not_answer_at_first_is_one_line(runtime: Runtime) -> None:
    nowhere = replace(runtime, endpoints={**runtime.endpoints, "database": "127.0.0.1:1"})
    answer = TestClient(make(nowhere)).get(
        "/p/health", headers={"Authorization": f"Bearer {runtime.secret('feast-token')}"}
    )
    assert answer.status_code == 503
    assert answer.json()["error"]["what"] == "Feast's registry does not answer"


@pytest.mark.parametrize("service", ["database", "online-store", "feast"])
def test_it_survives_a_crash(
    http: httpx.Client, stack: LocalStack, runtime: Runtime, project: str, service: str
) -> None:
    before = ask(http, project, **ASKED)
    for process in of_folder(stack.folder.root, service):
        process.kill()

    def answers(asked: dict[str, Any] = ASKED) -> bool:
        try:
            return http.post(f"/{project}{PATH}", json=asked).status_code == 200
        except httpx.TransportError:
            return False

    eventually(answers, f"answers after {service}'s end", 60)
    assert ask(http, project, **ASKED) == before
    if service == "database":  # the registry is read again, too: what is applied from now on appears
        eventually(lambda: is_there(runtime), "the database is back", 60)
        apply(runtime, project, "gusts", {"windy": ["f"]})
        windy = {"feature_service": "windy", "entities": {"origin": ["JFK"]}}
        eventually(lambda: answers(windy), "the service that was applied after it", FRESH + 30)


def test_it_listens_on_loopback_only(stack: LocalStack) -> None:
    assert assert_loopback_only(of_folder(stack.folder.root, "feast")) == 1
    assert psutil.Process(of_folder(stack.folder.root, "feast")[0].pid).memory_info().rss < 700 * 2**20
