"""A service behind the gateway: it answers what shows its own token, which the gateway alone is given."""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem

#: Asked by health checks, without a token.
OPEN = "/health"
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
WHAT = "did not come through the gateway, and shows no token of this service"


class Guard:
    """ASGI: lets pass what bears the token of ``secret``; ``place``: where the service is behind the gateway.

    ``readers`` is a second secret, which need not be there, for what ``reads`` names: GETs of paths that fit it.
    """

    def __init__(self, app: App, runtime: Runtime, secret: str, place: str, readers: str = "", reads: str = "") -> None:
        self._app, self._expected, self._place = app, _bearer(runtime, secret), place
        there = bool(readers) and runtime.secret_file(readers).exists()
        self._readers, self._reads = _bearer(runtime, readers) if there else None, re.compile(reads)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer, or refuse with 401."""
        if scope["type"] == "lifespan" or scope.get("path") == OPEN or self._bears(scope):
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        problem = RuntimeProblem(WHAT, path="Authorization", fix=f"ask the gateway at {self._place}")
        headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps({"error": problem.as_dict()}).encode()})

    def _bears(self, scope: Scope) -> bool:
        given = [value for key, value in scope.get("headers", []) if key == b"authorization"]
        if len(given) != 1:
            return False
        return hmac.compare_digest(given[0], self._expected) or self._may_read(scope, given[0])

    def _may_read(self, scope: Scope, given: bytes) -> bool:
        if self._readers is None or scope["type"] != "http" or scope.get("method") != "GET":
            return False
        path = str(scope.get("path", ""))
        return hmac.compare_digest(given, self._readers) and self._reads.fullmatch(path) is not None


def _bearer(runtime: Runtime, secret: str) -> bytes:
    token = runtime.secret(secret)
    if not token:
        raise RuntimeProblem("is empty", path=secret, fix="`groundplan up` writes it again")
    return f"Bearer {token}".encode()
