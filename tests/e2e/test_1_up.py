"""From nothing to a prediction, and the second ``up``."""

import asyncio
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from feast import FeatureStore
from feast.repo_config import RepoConfig

from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime
from groundplan_runtime.online import OnlineReader
from tests.e2e.door import Door
from tests.support.clone import Clone

ENTITIES = [{"origin": "JFK", "carrier": "AA"}, {"origin": "EWR", "carrier": "UA"}]


def test_up_ends_with_a_prediction_beside_both_errors(clone: Clone) -> None:
    tail = clone.first_up[-4000:]
    assert re.search(r"JFK\s+AA\s+-?\d+\.\d", tail), tail
    assert re.search(r"baseline|naive", tail)


def test_the_model_beats_the_naive_baseline(clone: Clone) -> None:
    status = json.loads(clone.groundplan("status", "--json").stdout)
    model = next(m for m in status["models"] if m["name"] == "delay")
    assert model["metrics"]["mae"] < model["metrics"]["baseline_mae"]


def test_the_answer_names_one_pair_version_twice(clone: Clone) -> None:
    answer = clone.predict(ENTITIES)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["preprocessor_version"] == body["model_version"] == 1
    assert [p["entity"] for p in body["predictions"]] == ENTITIES
    assert all(isinstance(p["value"], float) for p in body["predictions"])


@pytest.mark.parametrize(
    "entities",
    [
        [],
        [{"origin": "JFK"}],
        [{"origin": "JFK", "carrier": "AA", "gate": "1"}],
        [{"origin": 7, "carrier": "AA"}],
        [{"origin": "XXX", "carrier": "AA"}],
        [{"origin": "JFK", "carrier": "AA"}] * 5000,
        "JFK",
    ],
    ids=["empty", "missing-key", "unknown-key", "wrong-type", "unknown-entity", "oversized", "no-list"],
)
def test_bad_requests_get_one_clear_line(clone: Clone, entities: list[dict[str, object]]) -> None:
    answer = clone.predict(entities)  # type: ignore[arg-type]
    assert 400 <= answer.status_code < 500, answer.text
    error = answer.json()["error"]
    assert error["what"]
    assert "\n" not in error["what"]
    assert "Traceback" not in answer.text


def test_a_second_up_and_preview_change_nothing(clone: Clone) -> None:
    clone.pulumi("preview", "-s", "local", "--expect-no-changes")
    clone.pulumi("up", "-s", "local", "--yes", "--expect-no-changes")
    clone.pulumi("preview", "-s", "local", "--refresh", "--expect-no-changes")
    assert clone.groundplan("preview", "local").returncode == 0


def test_outputs_name_every_endpoint(clone: Clone) -> None:
    endpoints = clone.outputs()["endpoints"]
    assert set(endpoints) >= {"predict", "controlplane", "mlflow", "feast", "ray", "objects", "database"}


def test_feast_s_own_client_gets_through_the_gateway_what_the_application_reads(clone: Clone, tmp_path: Path) -> None:
    door = Door(clone, clone.outputs())
    features = read_by(door, "delay")
    asked = [f"{view}:{field}" for view, told in features["views"].items() for field in told["fields"]]
    config = RepoConfig(
        project="flights", provider="local", registry=str(tmp_path / "registry.db"), entity_key_serialization_version=3,
        online_store={"type": "remote", "path": f"{door.url}/feast/flights", "cert": door.outputs["gateway_ca"]},
        auth={"type": "oidc", "token": door.machine("ci")},
    )  # fmt: skip
    store = FeatureStore(config=config)
    found = store.get_online_features(asked, ENTITIES, full_feature_names=True).to_dict()
    block = asyncio.run(read(clone, features))
    assert len(asked) == len(block.names) + len(block.texts) - len(features["entities"])
    for name, values in block.columns().items():
        told = found[name] if name in block.texts else [math.nan if value is None else value for value in found[name]]
        assert told == (values if name in block.texts else pytest.approx(values, rel=0, abs=0, nan_ok=True)), name
    assert door.ask("GET", "/feast/flights/health", door.machine("ci")).status_code == 200
    assert door.ask("POST", "/feast/flights/push", door.machine("ci"), json={}).status_code in (403, 404)
    assert door.http.post("/feast/flights/get-online-features", json={}).status_code == 401


def read_by(door: Door, application: str) -> dict[str, Any]:
    """The features that an application was told to read, by Ray Serve's own word."""
    headers = {"Authorization": f"Bearer {door.outputs['credentials']['ray-token']}"}
    url = f"{door.outputs['endpoints']['ray']}/api/serve/applications/"
    found = httpx.get(url, headers=headers, timeout=30, trust_env=False).json()["applications"]
    ours = next(each for name, each in found.items() if name.startswith(f"flights-{application}"))
    config = ours["deployed_app_config"]
    told = [each["user_config"]["features"] for each in config["deployments"] if "features" in each["user_config"]]
    return dict(next(iter(told[0].values())))


async def read(clone: Clone, features: dict[str, Any]) -> Block:
    """What the application's own reader reads for the same entities."""
    reader = OnlineReader(Runtime.load(clone.path / ".groundplan/local/runtime.json"), "flights")
    try:
        return await reader.read(features, ENTITIES)
    finally:
        await reader.close()


def test_what_was_served_is_found_again_in_the_offline_store(clone: Clone) -> None:
    """The whole way of a skew check: route, prediction log in the object store, job on Ray, comparison, command."""
    assert clone.predict(ENTITIES * 50).status_code == 200
    deadline = time.monotonic() + 60  # the log is written every few seconds
    while (found := json.loads(clone.groundplan("skew", "--json").stdout))["rows"] < 100:
        assert time.monotonic() < deadline, found
    assert found["compared"] == found["rows"]
    assert not found["feature_differences"]
    assert not found["prediction_differences"]
    assert found["older_features"] == 0


def test_no_secret_lies_in_the_state_or_the_arguments(clone: Clone) -> None:
    secrets = [
        p.read_text().strip()
        for p in (clone.path / ".groundplan/local/secrets").iterdir()
        if p.name.endswith(SECRET_FILES)
    ]
    assert len(secrets) >= 6
    state = "".join(p.read_text() for p in (clone.path / ".groundplan/state").rglob("*.json*") if p.is_file())
    arguments = " ".join(word for p in clone.processes() for word in p.cmdline())
    for secret in secrets:
        assert secret not in state
        assert secret not in arguments


SECRET_FILES = ("admin", "mlflow", "feast", "controlplane", "key", "store", "token")


def test_nothing_listens_beyond_loopback(clone: Clone) -> None:
    listening = [c.laddr for p in clone.processes() for c in p.net_connections("inet") if c.status == "LISTEN"]
    assert listening
    assert {a.ip for a in listening} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
