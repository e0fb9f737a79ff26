"""Groundplan's own contenders: the product's launcher, application and settings, on a Ray head of their own."""

import json
import sys
from pathlib import Path
from typing import Any

import httpx
from benchmarks.serving.material import APPLICATION, PROJECT, Material
from benchmarks.serving.running import Group, free_port
from tests.support.clone import ROOT, free_port_base

from groundplan.compose import load
from groundplan.controlplane.rules.serve_config import Wish, application_config
from groundplan.local.launch import ray_head
from groundplan.plan import build_plan
from groundplan.spec.stack import DOOR_OFFSETS, PORT_OFFSETS, RAY_WORKER_OFFSETS

PYTHONPATH = f"{ROOT / 'platform'}:{ROOT / 'serving'}"
ROUTE = f"/{PROJECT}/{APPLICATION}"
HOST = "http://127.0.0.1"
RANGES = {
    "ray_workers_first": RAY_WORKER_OFFSETS[0],
    "ray_workers_last": RAY_WORKER_OFFSETS[1],
    "doors_first": DOOR_OFFSETS[0],
    "doors_last": DOOR_OFFSETS[1],
}


def on_ray(topology: str, group: Group, material: Material) -> str:
    """Start a Ray head as the local target does, deploy what the control plane would; return the prediction URL."""
    base = free_port_base()
    environment = _environment(material, group.folder, base)
    names = {*ray_head.PORT_FLAGS.values(), "ray_dashboard_metrics", "serve", "serve_metrics", "serve_statistics"}
    ports = {name: base + offset for name, offset in {**PORT_OFFSETS, **RANGES}.items() if name in {*names, *RANGES}}
    size = {"cpus": 2, "memory_mb": 4096, "object_store_mb": 256, "temp": _short(group.folder, "ray")}
    words = [f"{name}={value}" for name, value in {**ports, **size}.items()]
    group.start([sys.executable, "-m", "groundplan.local.launch.ray_head", *words], environment)
    serve, ray = base + PORT_OFFSETS["serve"], base + PORT_OFFSETS["ray"]
    group.await_(lambda: httpx.get(f"{HOST}:{serve}/-/routes", timeout=5).status_code in (200, 503))
    _deploy(topology, f"{HOST}:{ray}", material)
    group.await_(lambda: _status(f"{HOST}:{serve}{ROUTE}"))
    return f"{HOST}:{serve}{ROUTE}/predict/feast/batch"


def single(group: Group, material: Material) -> str:
    """Start the one process of topology ``single``, and tell it what is live."""
    port = free_port()
    words = [f"project={PROJECT}", f"application={APPLICATION}", f"port={port}"]
    environment = _environment(material, group.folder, port)
    group.start([sys.executable, "-m", "groundplan_serving.single", *words], environment)
    headers = {"Authorization": f"Bearer {material.runtime.secret('controlplane-token')}"}
    url = f"{HOST}:{port}"
    group.await_(lambda: httpx.get(f"{url}/-/live", headers=headers, timeout=5).status_code == 200)
    httpx.put(f"{url}/-/live", headers=headers, json={"live": material.live}, timeout=60).raise_for_status()
    return f"{url}{ROUTE}/predict/feast/batch"


def wish(topology: str) -> Wish:
    """Return what this checkout declares, in another topology."""
    stack, projects = load(ROOT, "local")
    node = build_plan(stack, projects).node(f"{PROJECT}/serving_application/{APPLICATION}")
    return Wish(PROJECT, APPLICATION, "benchmark", {**node.properties, "topology": topology}, timeout_s=5.0)


def _deploy(topology: str, ray: str, material: Material) -> None:
    config = application_config(wish(topology), material.live, f"{PROJECT}-{APPLICATION}-blue", ROUTE)
    headers = {"Authorization": f"Bearer {material.runtime.secret('ray-token')}"}
    answer = httpx.put(f"{ray}/api/serve/applications/", headers=headers, json={"applications": [config]}, timeout=60)
    answer.raise_for_status()


def _status(url: str) -> bool:
    answer = httpx.get(f"{url}/healthz", timeout=5)
    return answer.status_code == 200 and answer.json().get("status") == "ok"


def _environment(material: Material, folder: Path, base: int) -> dict[str, str]:
    """A runtime document of our own: the stack's stores, our Ray."""
    stack = material.runtime
    own = {name: f"{HOST}:{base + PORT_OFFSETS[name]}" for name in ("ray", "serve")}
    # Without a gateway: its cost is measured by itself (benchmarks/gateway.py), and our rivals have none.
    shared = {name: address for name, address in stack.endpoints.items() if name != "gateway"}
    document: dict[str, Any] = {
        "stack": stack.stack,
        "stack_id": stack.stack_id,
        "data_dir": str(folder),
        "bucket": stack.bucket,
        "secrets_dir": str(stack.secrets_dir),
        "endpoints": {**shared, **own},
    }
    (folder / "logs").mkdir(exist_ok=True)
    path = folder / f"runtime-{base}.json"
    path.write_text(json.dumps(document))
    return {"GROUNDPLAN_RUNTIME": str(path), "PYTHONPATH": PYTHONPATH, **stack.environment()}


def _short(folder: Path, name: str) -> str:
    """Return a short path: Ray's sockets lie below it."""
    return str(folder / name)
