"""Which services there are, where they are reached, and whether they are well: asked now, all at once."""

import socket
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from groundplan_runtime.config import Runtime

#: Service → where its health is asked, below its own address; and where people find it, behind the gateway.
HEALTH = {
    "controlplane": "/healthz",
    "identity": "/identity/healthz",
    "mlflow": "/health",
    "feast": "/health",
    "objects": "/status",
    "ray": "/api/gcs_healthz",
    "serve": "/-/routes",
}
PLACES = {
    "controlplane": "/v1",
    "identity": "/identity",
    "mlflow": "/mlflow/",
    "feast": "/feast",
    "ray": "/ray/",
    "serve": "/serve",
}
#: Seconds for one answer, and the first status that is none. (Serve says 503 while it has no application.)
ANSWER, WRONG = 2.0, 504
#: What a cluster has from its first serving application on, and the health of what is not there and need not be.
WITH_APPLICATIONS = frozenset({"ray", "serve"})
NONE_YET = "none yet"


def services(runtime: Runtime, unborn: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return every service with its `health`, how long it took to say so (`ms`), and its place if it has one.

    Health is ok, down, or none yet: those that are ``unborn`` are not asked.
    """
    named = [name for name in runtime.endpoints if name != "gateway"]
    found = _all({name: _check(runtime, name) for name in named if name not in unborn})
    none = {"health": NONE_YET, "ms": 0.0}
    return [{"name": name, "path": PLACES.get(name), **found.get(name, none)} for name in named]


def well(runtime: Runtime, name: str) -> bool:
    """Return whether a service is well now, as :func:`services` has it."""
    return bool(_timed(_check(runtime, name))["health"] == "ok")


def answers(runtime: Runtime, route: str) -> bool:
    """Return whether what is behind a route of Serve answers now."""
    return bool(_timed(_application(runtime.endpoint("serve"), route))["health"] == "ok")


def applications(runtime: Runtime, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the health of applications, ``<project>/<application>``: well is what answers with some version."""
    address = {name: runtime.applications.get(name, runtime.endpoints.get("serve", "")) for name in names}
    return _all({name: _application(url, f"/{name}") for name, url in address.items()})


def _application(url: str, route: str) -> Callable[[], bool]:
    return _http(f"{url}{route}/healthz", {}, 400)


def _all(checks: Mapping[str, Callable[[], bool]]) -> dict[str, dict[str, Any]]:
    if not checks:
        return {}
    with ThreadPoolExecutor(len(checks)) as pool:
        return dict(zip(checks, pool.map(_timed, checks.values()), strict=True))


def _timed(check: Callable[[], bool]) -> dict[str, Any]:
    start = time.monotonic()
    try:
        well = check()
    except (OSError, httpx.HTTPError):
        well = False
    return {"health": "ok" if well else "down", "ms": round((time.monotonic() - start) * 1000, 1)}


def _check(runtime: Runtime, name: str) -> Callable[[], bool]:
    address = runtime.endpoints[name]
    if not address.startswith("http"):
        return _tcp(address)
    token = runtime.secret("ray-token") if name == "ray" and runtime.secret_file("ray-token").exists() else None
    return _http(f"{address}{HEALTH.get(name, '/')}", {"Authorization": f"Bearer {token}"} if token else {}, WRONG)


def _http(url: str, headers: Mapping[str, str], wrong: int) -> Callable[[], bool]:
    return lambda: httpx.get(url, headers=headers, timeout=ANSWER, trust_env=False).status_code < wrong


def _tcp(address: str) -> Callable[[], bool]:
    host, _, port = address.rpartition(":")

    def answers() -> bool:
        with socket.create_connection((host, int(port)), timeout=ANSWER):
            return True

    return answers
