"""The application on a real Ray: pins one pair version, flips live, and says which tier is down."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pytest
import ray
from ray import serve

from groundplan_runtime.block import Block
from groundplan_serving.app import deployment
from groundplan_serving.ingress import ForecastAPI
from groundplan_serving.tiers import ModelService, PreprocessingService
from tests.load.halves import Doubler, Selector

ARGS = {"project": "t", "application": "a"}
FIELDS = "abcdefghijklmnop"
FEATURES = {
    "name": "fs",
    "views": {"v": {"join_keys": {"origin": "string"}, "fields": dict.fromkeys(FIELDS, "float64")}},
    "entities": {"origin": {"join_key": "origin", "type": "string"}},
}


class Features:
    """Stands where FeastService stands, with values in memory and ways to misbehave."""

    async def fetch(self, version: int, entities: list[dict[str, Any]]) -> Block:
        """Return one column; ``SLOW`` never answers, ``DIE`` takes the replica down."""
        origin = entities[0]["origin"]
        if origin == "SLOW":
            await asyncio.Event().wait()
        if origin == "DIE":
            os.kill(os.getpid(), signal.SIGKILL)
        if origin == "WIDE":
            names = tuple(f"v__{field}" for field in FIELDS)
            numbers = np.tile(np.arange(float(len(entities)))[:, None], (1, len(names)))
            return Block(len(entities), names, numbers, {}, {"v": np.ones(len(entities))})
        times = np.array([np.nan if each["origin"] == "XXX" else 1.0 for each in entities])
        return Block(len(entities), ("v__a",), np.full((len(entities), 1), 2.0), {}, {"v": times})

    async def ready(self) -> bool:
        """Answer."""
        return True


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Callable[..., None]]]:
    """The application's URL, and a function that deploys it with (versions, active)."""
    folder = tmp_path_factory.mktemp("pair")
    for version in (1, 2):
        mlflow.pyfunc.save_model(folder / f"p{version}", python_model=Selector())
        mlflow.pyfunc.save_model(folder / f"m{version}", python_model=Doubler(version))
    runtime_file = write_runtime(folder)
    root = Path(__file__).resolve().parents[2]
    env = {"GROUNDPLAN_RUNTIME": str(runtime_file), "PYTHONPATH": f"{root / 'serving'}:{root}"}
    env["RAY_SERVE_USE_GRPC_BY_DEFAULT"] = "1"  # between replicas, as on the local target
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        "local",  # a cluster of its own, whatever else of Ray runs on this machine
        num_cpus=2,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        object_store_memory=100 * 2**20,
        log_to_driver=False,
        runtime_env={"env_vars": env},
    )
    port = free_port()
    serve.start(http_options={"host": "127.0.0.1", "port": port})

    def deploy(versions: list[int], active: dict[str, int]) -> None:
        serve.run(bound(folder, versions, active), name="t-a", route_prefix="/t/a")

    yield f"http://127.0.0.1:{port}/t/a", deploy
    serve.shutdown()
    ray.shutdown()


def write_runtime(folder: Path) -> Path:
    """A runtime configuration whose services nobody asks."""
    names = ["objects", "mlflow", "controlplane", "ray", "serve"]
    endpoints = {name: "http://127.0.0.1:1" for name in names} | {
        "database": "127.0.0.1:1",
        "online_store": "127.0.0.1:1",
    }
    secrets = folder / "secrets"
    secrets.mkdir()
    document = {"stack": "t", "stack_id": "x", "data_dir": str(folder), "bucket": "b", "secrets_dir": str(secrets)}
    path = folder / "runtime.json"
    path.write_text(json.dumps(document | {"endpoints": endpoints}))
    return path


def bound(folder: Path, versions: list[int], active: dict[str, int]) -> serve.Application:
    """The four tiers of :func:`groundplan_serving.app.tiered`, with features from memory and pairs from ``folder``."""
    uris = {str(n): {"preprocessor": str(folder / f"p{n}"), "model": str(folder / f"m{n}")} for n in versions}
    halves = {"versions": uris, "drain_s": 1}
    door = {"model": "m", "aliases": active, "traffic": {"production": 100}, "max_batch": 100_000, "timeout_s": 3}
    door["features"] = {str(n): FEATURES for n in active.values()}
    preprocessing = deployment(PreprocessingService).options(user_config=halves).bind()
    model = deployment(ModelService).options(user_config=halves).bind()
    features = deployment(Features).bind()
    return deployment(ForecastAPI).options(user_config=door).bind(ARGS, features, preprocessing, model)


def ask(url: str, origin: str = "JFK") -> httpx.Response:
    """One prediction request."""
    return httpx.post(f"{url}/predict/feast/batch", json={"entities": [{"origin": origin}]}, timeout=30)


def test_no_pair_yet_is_a_503_that_names_the_alias(app: tuple[str, Callable[..., None]]) -> None:
    url, deploy = app
    deploy([1], {})
    answer = ask(url)
    assert answer.status_code == 503
    assert "production" in answer.json()["error"]["what"]


def test_a_flip_is_live_and_both_halves_follow(app: tuple[str, Callable[..., None]]) -> None:
    url, deploy = app
    for versions, active in (([1], 1), ([1, 2], 1), ([1, 2], 2), ([2], 2)):
        deploy(versions, {"production": active})
        body = ask(url).json()
        assert "error" not in body, body
        assert (body["preprocessor_version"], body["model_version"]) == (active, active)
        assert [each["value"] for each in body["predictions"]] == [2.0 * active]


def test_a_version_that_is_not_held_is_never_answered_by_another(app: tuple[str, Callable[..., None]]) -> None:
    url, deploy = app
    deploy([1], {"production": 2})
    answer = ask(url)
    assert answer.status_code == 503
    assert "does not hold version 2" in answer.json()["error"]["what"]


def test_mistakes_and_dead_tiers_are_one_line(app: tuple[str, Callable[..., None]]) -> None:
    url, deploy = app
    deploy([1], {"production": 1})
    assert ask(url, "XXX").status_code == 404
    for origin in ("SLOW", "DIE"):
        answer = ask(url, origin)
        assert answer.status_code == 503
        assert "FeastService" in answer.json()["error"]["what"]
        assert "\n" not in answer.json()["error"]["what"]
    assert httpx.get(f"{url}/nope").status_code == 404
    assert httpx.get(f"{url}/predict/feast/batch").status_code == 405


def test_what_is_too_large_for_a_message_goes_through_shared_memory(app: tuple[str, Callable[..., None]]) -> None:
    """40,000 entities of 16 columns: 5 MB between the tiers, where gRPC takes 4 MiB."""
    url, deploy = app
    deploy([1], {"production": 1})
    rows = 40_000
    answer = httpx.post(f"{url}/predict/feast/batch", json={"entities": [{"origin": "WIDE"}] * rows}, timeout=60)
    assert answer.status_code == 200, answer.text[:500]
    assert [each["value"] for each in answer.json()["predictions"]] == [float(n) for n in range(rows)]
