"""MLflow's server behind the gateway: it answers what shows its own token, as an app of MLflow's (``--app-name``)."""

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem

SECRET = "mlflow-token"  # noqa: S105  (a file's name)
#: Asked by health checks.
OPEN = "/health"
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
WORDS = {
    "what": "did not come through the gateway, and shows no token of this service",
    "path": "Authorization",
    "value": None,
    "allowed": None,
    "fix": "ask the gateway at /mlflow/",
}


class Guard:
    """ASGI: lets pass what bears the token."""

    def __init__(self, app: App, token: str) -> None:
        if not token:
            raise RuntimeProblem("is empty", path=SECRET, fix="`groundplan up` writes it again")
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer, or refuse with 401."""
        if scope["type"] == "lifespan" or scope.get("path") == OPEN or self._bears(scope):
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps({"error": WORDS}).encode()})

    def _bears(self, scope: Scope) -> bool:
        given = [value for key, value in scope.get("headers", []) if key == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)


def make() -> Guard:
    """Return the application: a factory, which MLflow finds by its entry point ``mlflow.app``."""
    from mlflow.server.fastapi_app import app

    return Guard(app, Runtime.load().secret(SECRET))
