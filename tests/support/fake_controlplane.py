"""A small, honest stand-in for the control plane's REST API: what the provider's own tests talk to.

It keeps resources by digest, runs "operations" that a test finishes, and lets a test change things behind the
provider's back. Only for unit, component and provider lifecycle tests: the real one has its own.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "a-token"
RESOURCE = re.compile(r"^/v1/projects/([^/]+)/resources/([^/]+)/([^/]+)$")
CODE = re.compile(r"^/v1/projects/([^/]+)/code/([^/]+)$")
OPERATION = re.compile(r"^/v1/operations/([^/]+)$")
Answer = tuple[int, dict[str, Any] | None]


class FakeControlPlane:
    """The state of the stand-in; ``url`` while it runs."""

    def __init__(self, token: Callable[[], str]) -> None:
        self.url = ""
        self.token = token
        self.resources: dict[str, dict[str, Any]] = {}
        self.code: dict[str, bytes] = {}
        self.operations: dict[str, dict[str, Any]] = {}
        #: Slugs whose PUT is long work, and what their operations say before they end.
        self.slow: dict[str, list[str]] = {}
        #: Ids whose next PUT ends with this status and message.
        self.outcomes: dict[str, tuple[str, str]] = {}
        #: Slug → outputs that its resources have.
        self.outputs: dict[str, dict[str, Any]] = {}
        #: While set, running operations do not end.
        self.hold = threading.Event()
        self.puts: list[str] = []
        self.changed = threading.Condition()

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """Answer one request."""
        url = urlsplit(target)
        path = unquote(url.path)
        routes = ((RESOURCE, self._resource), (CODE, self._code), (OPERATION, self._operation))
        for pattern, route in routes:
            if match := pattern.match(path):
                with self.changed:
                    return route(method, match.groups(), body, parse_qs(url.query))
        return 404, _error("no such route")

    def _resource(self, method: str, parts: tuple[str, ...], body: bytes, query: dict[str, list[str]]) -> Answer:
        id = "/".join(parts)
        if method == "PUT":
            return self._put(id, parts, json.loads(body))
        if id not in self.resources:
            return 404, _error(f"{id} is not there")
        if method == "DELETE":
            return 200, {"resource": self.resources.pop(id)}
        return 200, {"resource": self.resources[id]}

    def _put(self, id: str, parts: tuple[str, ...], body: dict[str, Any]) -> Answer:
        self.puts.append(id)
        project, slug, name = parts
        if body["properties"].get("description") == "refuse me":
            return 409, _error("this is refused", path="description", value="refuse me", fix="say something else")
        old = self.resources.get(id)
        if old == self._made(project, slug, name, body, "ready", None):
            return 200, {"resource": old}
        status, message = self.outcomes.pop(id, ("ready", None))
        made = self._made(project, slug, name, body, status, message)
        if slug not in self.slow:
            self.resources[id] = made
            return 200, {"resource": made}
        operation = f"{slug}:{project}:{name}:{body['digest']}"
        self.resources[id] = {**made, "status": "pending"}
        said = [{"seq": i + 1, "at": "", "text": text} for i, text in enumerate(self.slow[slug])]
        self.operations.setdefault(operation, {"id": operation, "messages": said, "made": made, "key": id})
        return 202, {"resource": self.resources[id], "operation": operation}

    def _made(
        self, project: str, slug: str, name: str, body: dict[str, Any], status: str, message: str | None
    ) -> dict[str, Any]:
        kept = {key: body[key] for key in ("digest", "data_digest", "properties", "upstream")}
        own = {"project": project, "kind": slug, "name": name, "outputs": self.outputs.get(slug, {})}
        return {**own, **kept, "status": status, "message": message}

    def _operation(self, method: str, parts: tuple[str, ...], body: bytes, query: dict[str, list[str]]) -> Answer:
        operation = self.operations.get(parts[0])
        if operation is None:
            return 404, _error("no such operation")
        after = int(query["after"][0])
        said = [message for message in operation["messages"] if message["seq"] > after]
        if self.hold.is_set():
            self.changed.wait(float(query["wait"][0]))
            return 200, {"id": parts[0], "status": "running", "messages": said, "error": None, "resource": None}
        made = operation["made"]
        self.resources[operation["key"]] = made
        failed = made["status"] == "failed"
        error = {"what": made["message"]} if failed else None
        status = "failed" if failed else "succeeded"
        return 200, {"id": parts[0], "status": status, "messages": said, "error": error, "resource": made}

    def _code(self, method: str, parts: tuple[str, ...], body: bytes, query: dict[str, list[str]]) -> Answer:
        key = "/".join(parts)
        if method == "PUT":
            self.code[key] = body
            return 200, {}
        return (200, None) if key in self.code else (404, None)


def _error(what: str, **more: str) -> dict[str, Any]:
    return {"error": {"what": what, "path": None, "value": None, "allowed": None, "fix": None, **more}}


@contextmanager
def fake_controlplane(
    port: int = 0, host: str = "127.0.0.1", token: Callable[[], str] = lambda: TOKEN
) -> Iterator[FakeControlPlane]:
    """Run a stand-in on loopback (a free port unless told) until the block ends; it lets in who brings ``token``."""
    fake = FakeControlPlane(token)
    server = ThreadingHTTPServer((host, port), _request_handler(fake))
    fake.url = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _request_handler(fake: FakeControlPlane) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            allowed = self.headers.get("Authorization") == f"Bearer {fake.token()}"
            status, answer = fake.answer(self.command, self.path, body) if allowed else (401, _error("a wrong token"))
            content = b"" if answer is None or self.command == "HEAD" else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            # A client that was killed in the middle hears nothing.
            with suppress(BrokenPipeError):
                self.wfile.write(content)

        do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Request
