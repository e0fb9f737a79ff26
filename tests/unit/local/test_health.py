"""Asking a service whether it is healthy, and how often."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from groundplan.local import waiting
from groundplan.local.folder import Folder
from groundplan.local.health import healthy
from groundplan.local.program import Program
from groundplan.local.supervisor import Running
from groundplan.provider.handler import Context


class Service(BaseHTTPRequestHandler):
    """Answers ``/<status>`` with that status."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "well"), [(200, True), (204, True), (401, False), (404, False), (503, False)])
def test_only_success_over_http_is_health(url: str, status: int, well: bool, tmp_path: Path) -> None:
    assert healthy({"kind": "http", "url": f"{url}/{status}"}, {}, tmp_path) is well


def test_where_nobody_listens_is_no_health(tmp_path: Path) -> None:
    assert not healthy({"kind": "http", "url": "http://127.0.0.1:9/"}, {}, tmp_path)


@pytest.mark.parametrize(("seconds", "least", "most"), [(0.0, 0.2, 0.2), (1.0, 0.7, 1.0)])
def test_what_is_slow_to_ask_is_asked_less_often_the_longer_it_is_waited_for(
    seconds: float, least: float, most: float, folder: Folder, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock of its own: a question takes ``seconds``; the longest pause within ten seconds."""
    clock, pauses = [0.0], []

    def asked(*_: object) -> bool:
        clock[0] += seconds
        return clock[0] > 10

    def pause(length: float) -> None:
        pauses.append(length)
        clock[0] += length

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", pause)
    monkeypatch.setattr(waiting, "healthy", asked)
    monkeypatch.setattr(waiting.Supervisor, "look", lambda *_: Running("x", "RUNNING", 1, 1, ""))
    program = Program(folder, "x", ("x",), {}, {}, {"kind": "tcp", "port": 1})
    assert waiting.await_healthy(program, ctx, 60) is None
    assert least <= max(pauses) <= most
