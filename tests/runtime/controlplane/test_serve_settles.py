"""Who is told that an application runs is answered: at its route, a first one for a while and not for a moment."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from groundplan.controlplane import discovery
from groundplan.controlplane.adapters import ray_serve
from groundplan.controlplane.adapters.ray_serve import RayServe
from groundplan.errors import ServiceError
from groundplan_runtime.config import Runtime

CONFIG = {"name": "p-a", "route_prefix": "/p/a", "import_path": "x:y"}
RUNS = {"status": "RUNNING", "message": "", "config": CONFIG, "deployments": {"d": {"status": "HEALTHY", "config": {}}}}


class Told(RayServe):
    """Serve of whom its dashboard says at once that everything runs."""

    def observe(self, application: str) -> dict[str, Any]:
        return RUNS

    def _put_all(self, applications: list[dict[str, Any]]) -> None:
        """Taken."""

    def _others(self, names: set[str]) -> list[dict[str, Any]]:
        return []


class _Proxy(http.server.BaseHTTPRequestHandler):
    """Serve's proxy; how often it was asked for the application is counted. It knows the route after some such asks."""

    asked = knows_after = 0

    def do_GET(self) -> None:
        ours = self.path == f"{CONFIG['route_prefix']}/healthz"
        type(self).asked += ours
        self.send_response(404 if ours and self.asked <= self.knows_after else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def proxy(port: int, knows_after: int = 0) -> Iterator[None]:
    """Serve's proxy at a port, until the block ends."""
    _Proxy.asked, _Proxy.knows_after = 0, knows_after
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), _Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def serve(port: int, tmp_path: Path) -> Told:
    endpoints = {"ray": "http://127.0.0.1:9", "serve": f"http://127.0.0.1:{port}"}
    return Told(Runtime("s", "i", tmp_path, "b", tmp_path, endpoints))


def test_the_first_application_is_reached_for_a_while(serve: Told, port: int) -> None:
    serve.put(CONFIG)
    with proxy(port):
        serve.wait_running("p-a", 60, print)
        assert _Proxy.asked >= ray_serve.SETTLED / (ray_serve.POLL + discovery.ANSWER)
        asked = _Proxy.asked
        serve.wait_running("p-a", 60, print)
        assert _Proxy.asked == asked + 1, "the next time it has only to answer"


def test_what_comes_to_a_serve_that_answers_is_waited_for_until_its_route_is_known(serve: Told, port: int) -> None:
    with proxy(port, knows_after=2):
        serve.put(CONFIG)
        assert _Proxy.asked == 0
        serve.wait_running("p-a", 60, print)
        assert _Proxy.asked == 3


def test_a_route_that_is_never_known_is_told(serve: Told, port: int) -> None:
    with proxy(port, knows_after=1_000_000):
        serve.put(CONFIG)
        with pytest.raises(ServiceError, match=rf"p-a runs, and http://127\.0\.0\.1:{port}/p/a does not answer"):
            serve.wait_running("p-a", 0.5, print)


def test_a_serve_that_is_never_reached_is_told(serve: Told, port: int) -> None:
    serve.put(CONFIG)
    with pytest.raises(ServiceError, match=rf"p-a runs, and http://127\.0\.0\.1:{port}/p/a does not answer"):
        serve.wait_running("p-a", 0.5, print)
