"""Who is measured, how each is started, and how each is asked."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from benchmarks.serving import ours
from benchmarks.serving.environment import HERE
from benchmarks.serving.material import Entities, Material
from benchmarks.serving.running import Group, free_port
from tests.support.clone import free_port_base

from groundplan.local.launch import ha_proxy

HOST = "127.0.0.1"
#: (its processes, what it is given, the rivals' Python) → URL that takes requests.
Start = Callable[[Group, Material, Path], str]
#: Of Ray Serve, as its documentation gives them; and what keeps every listener on loopback, as in the product.
LOOPBACK = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "__RAY_WORKER_PROCESS_SETUP_HOOK_ENV_VAR": "groundplan_runtime.loopback.apply",
}
FASTEST = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}


@dataclass(frozen=True)
class Contender:
    """``letter`` is that of the issue; ``body`` makes a request, ``values`` reads its answer."""

    name: str
    letter: str
    start: Start
    body: Callable[[Entities], Any] = lambda entities: {"entities": entities}
    values: Callable[[Any], list[float]] = lambda answer: answer["predictions"]


def _ours(answer: Any) -> list[float]:
    return [each["value"] for each in answer["predictions"]]


def _ray_head(topology: str) -> Start:
    return lambda group, material, _: ours.on_ray(topology, group, material)


def _single(group: Group, material: Material, _: Path) -> str:
    return ours.single(group, material)


def _environment(material: Material) -> dict[str, str]:
    """What all rivals' processes see: the pair's own code, the stores and their credentials, their set-up."""
    stack = {**material.runtime.environment()}
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH"):
        stack.pop(name, None)
    paths = f"{HERE}:{ours.PYTHONPATH}"
    return {**stack, "PYTHONPATH": paths, "BENCH_SETUP": str(material.setup), "FEAST_USAGE": "False"}


def _mlflow(group: Group, material: Material, python: Path) -> str:
    port, model = free_port(), group.folder / "mlflow"
    environment = _environment(material)
    if not model.exists():
        command = [str(python), str(HERE / "mlflow_save.py"), str(model)]
        subprocess.run(command, env={**environment, "PATH": "/usr/bin:/bin"}, check=True, cwd=group.folder)
    words = ["models", "serve", "-m", str(model), "-h", HOST, "-p", str(port), "-w", "1", "--env-manager", "local"]
    path = {"PATH": f"{python.parent}:/usr/bin:/bin"}  # it starts its server by name
    group.start([str(python.parent / "mlflow"), *words], environment | path)
    group.await_(lambda: httpx.get(f"http://{HOST}:{port}/ping", timeout=5).status_code == 200)
    return f"http://{HOST}:{port}/invocations"


def _bento(group: Group, material: Material, python: Path) -> str:
    port = free_port()
    words = ["serve", "bento_service:Delay", "--working-dir", str(HERE), "--host", HOST, "--port", str(port)]
    home = {"BENTOML_HOME": str(group.folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    path = {"PATH": f"{python.parent}:/usr/bin:/bin"}
    group.start([str(python.parent / "bentoml"), *words], _environment(material) | home | path)
    group.await_(lambda: httpx.get(f"http://{HOST}:{port}/readyz", timeout=5).status_code == 200)
    return f"http://{HOST}:{port}/predict"


def _litserve(group: Group, material: Material, python: Path) -> str:
    port = free_port()
    group.start([str(python), str(HERE / "litserve_server.py"), str(port)], _environment(material))
    group.await_(lambda: httpx.get(f"http://{HOST}:{port}/health", timeout=5).status_code == 200)
    return f"http://{HOST}:{port}/predict"


def _fastapi(module: str) -> Start:
    def start(group: Group, material: Material, python: Path) -> str:
        port = free_port()
        words = [f"{module}:app", "--host", HOST, "--port", str(port), "--no-access-log", "--log-level", "warning"]
        group.start([str(python), "-m", "uvicorn", *words], _environment(material))
        group.await_(lambda: httpx.get(f"http://{HOST}:{port}/openapi.json", timeout=5).status_code == 200)
        return f"http://{HOST}:{port}/predict"

    return start


def _ray(flags: Mapping[str, str], way: str, proxy: bool = False) -> Start:
    def start(group: Group, material: Material, python: Path) -> str:
        base = free_port_base()
        environment = _environment(material) | LOOPBACK | flags | {"RAY_TMPDIR": str(group.folder)}
        environment |= ha_proxy.environment(_proxy_options(group.folder, base)) if proxy else {}
        group.start([str(python), str(HERE / "ray_tiers.py"), str(base + 6), way], environment)
        group.await_(lambda: httpx.get(f"http://{HOST}:{base + 6}/openapi.json", timeout=5).status_code == 200)
        return f"http://{HOST}:{base + 6}/predict"

    return start


def _proxy_options(folder: Path, base: int) -> dict[str, str]:
    ports = {"serve_metrics": 28, "serve_statistics": 29, "doors_first": 86, "doors_last": 99}
    return {"temp": str(folder / "ray"), **{name: str(base + offset) for name, offset in ports.items()}}


CONTENDERS = (
    Contender("fused", "ours", _ray_head("fused"), values=_ours),
    Contender("tiered", "ours", _ray_head("tiered"), values=_ours),
    Contender("single", "ours", _single, values=_ours),
    Contender("mlflow", "a", _mlflow, body=lambda entities: {"dataframe_records": entities}),
    Contender("bentoml", "b", _bento, values=lambda answer: answer),
    Contender("litserve", "c", _litserve),
    Contender("ray_default", "d", _ray({}, "frames")),
    Contender("ray_fastest", "d", _ray(FASTEST, "frames", proxy=True)),
    Contender("ray_default_arrays", "d'", _ray({}, "arrays")),
    Contender("ray_fastest_arrays", "d'", _ray(FASTEST, "arrays", proxy=True)),
    Contender("fastapi", "e", _fastapi("fastapi_frames")),
    Contender("fastapi_arrays", "e'", _fastapi("fastapi_arrays")),
)
