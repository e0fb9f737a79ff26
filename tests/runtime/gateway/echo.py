"""Services behind the gateway that answer with what reached them, and remember it."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reached:
    """One request as it arrived."""

    service: str
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Echo:
    (
        """One service on a free port. ``answer`` replaces its answers: (status, body); ``reached``: all that came.
    ``more``: headers of its answers."""
        ""
    )

    service: str
    port: int
    reached: list[Reached] = field(default_factory=list)
    fixed: dict[str, bytes] = field(default_factory=dict)
    answer: Callable[[Reached], tuple[int, bytes]] | None = None
    healthy: bool = True
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None
        self._open: set[socket.socket] = set()

    def start(self) -> None:
        """Listen."""
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                echo._open.add(self.connection)

            def log_message(self, *_: Any) -> None:
                pass

            def _take(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = _chunks(self.rfile) if self.headers.get("Transfer-Encoding") else self.rfile.read(size)
                echo._respond(self, Reached(echo.service, self.command, self.path, list(self.headers.items()), body))

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _take

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()
            self._server = None

    def leave(self) -> None:
        """Listen no more, unwell, and go on answering whoever is connected: a pod whose place another one has taken."""
        assert self._server
        self._server.shutdown()
        self._server.server_close()
        self._server, self.healthy = None, False

    def _respond(self, handler: BaseHTTPRequestHandler, request: Reached) -> None:
        checked = any("Envoy/HC" in value for value in request.header("user-agent"))
        path = request.path.partition("?")[0]
        if checked:
            status, body = (200 if self.healthy else 503), b"{}"
        elif path in self.fixed:
            status, body = 200, self.fixed[path]
        else:
            self.reached.append(request)
            status, body = (
                self.answer(request) if self.answer else (200, json.dumps({"service": self.service}).encode())
            )
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        for name, value in self.more.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(b"" if request.method == "HEAD" else body)


def _chunks(stream: Any) -> bytes:
    whole = b""
    while size := int(stream.readline().split(b";")[0], 16):
        whole += stream.read(size)
        stream.readline()
    stream.readline()
    return whole
