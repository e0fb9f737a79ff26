"""What all contenders are given: the stack's pair, features and entities, taken from what it serves."""

import itertools
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from groundplan.controlplane.rules.serve_config import live_of
from groundplan_runtime.config import Runtime

SEED = 20130101
PROJECT, APPLICATION = "flights", "delay"
ORIGINS = ("EWR", "JFK", "LGA")
CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "UA", "US", "VX", "WN")
Entities = list[dict[str, Any]]


@dataclass(frozen=True)
class Material:
    """``folder`` is scratch; ``live`` what the stack's application is told; ``setup`` what rivals read."""

    folder: Path
    runtime: Runtime
    live: dict[str, Any]
    setup: Path
    known: Entities

    def batches(self, count: int, size: int) -> list[Entities]:
        """Return requests of ``size`` entities each, the same in every run."""
        drawn = random.Random(SEED)
        return [drawn.choices(self.known, k=size) for _ in range(count)]


def prepare(stack: Path, folder: Path) -> Material:
    """Take it from the running stack of the checkout at ``stack``. The stack's Ray is not needed afterwards."""
    runtime = Runtime.load(stack / ".groundplan/local/runtime.json")
    live = _live(runtime)
    version, halves = next(iter(live["halves"]["versions"].items()))
    pair = {half: _download(runtime, halves[half], folder / half) for half in ("preprocessor", "model")}
    setup = folder / "setup.json"
    features = live["features"]["features"][version]
    setup.write_text(json.dumps({**pair, **_feast(runtime), "service": features["name"]}, indent=2))
    return Material(folder, runtime, live, setup, _known(runtime))


def _live(runtime: Runtime) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {runtime.secret('ray-token')}"}
    answer = httpx.get(f"{runtime.endpoint('ray')}/api/serve/applications/", headers=headers, timeout=180)
    answer.raise_for_status()
    found = [each["deployed_app_config"] for each in answer.json()["applications"].values()]
    told = [live for config in found if (live := live_of(config)) is not None]
    if not told:
        raise SystemExit(f"the stack serves no application: {runtime.endpoint('ray')}")
    return told[0]


def _download(runtime: Runtime, uri: str, target: Path) -> str:
    """Fetch one half in a process of its own: MLflow's settings are a process's."""
    target.mkdir(parents=True, exist_ok=True)
    code = "import sys, mlflow; mlflow.artifacts.download_artifacts(sys.argv[1], dst_path=sys.argv[2])"
    environment = {**os.environ, **runtime.environment(), "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    subprocess.run([sys.executable, "-c", code, uri, str(target)], env=environment, check=True)
    return str(target)


def _feast(runtime: Runtime) -> dict[str, Any]:
    """Feast's configuration as a user writes it: registry in PostgreSQL, cached; Valkey online."""
    config = {
        "project": PROJECT,
        "provider": "local",
        "registry": {
            "registry_type": "sql",
            "path": f"postgresql+psycopg://feast@{runtime.endpoint('database')}/feast",
            "cache_ttl_seconds": 3600,
        },
        "online_store": {"type": "redis", "connection_string": runtime.endpoint("online_store")},
        "offline_store": {"type": "file"},
        "entity_key_serialization_version": 3,
    }
    return {"feast": config, "password_file": str(runtime.secret_file("online-store"))}


def _known(runtime: Runtime) -> Entities:
    """Return the entities for which the stack's own application has every feature."""
    every = [{"origin": o, "carrier": c} for o, c in itertools.product(ORIGINS, CARRIERS)]
    url = f"{runtime.endpoint('serve')}/{PROJECT}/{APPLICATION}/predict/feast/batch"
    shown = {"X-Groundplan-Gateway": runtime.secret("serving-token")}
    with httpx.Client(timeout=60, headers=shown) as http:
        found = [each for each in every if http.post(url, json={"entities": [each]}).status_code == 200]
    if len(found) < 10:
        raise SystemExit(f"the stack answers for {len(found)} entities only: {url}")
    return found
