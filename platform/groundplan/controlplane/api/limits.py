"""No request body is larger than its route needs: the rest is refused before it is held in memory."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Bytes: a declaration, and the zip of a project's code.
MAX_BODY = 1024 * 1024
MAX_CODE = 64 * 1024 * 1024
#: A file of a pair that comes from another environment; and its manifest, with its evidence.
MAX_FILE = 512 * 1024 * 1024
MAX_MANIFEST = 16 * 1024 * 1024


class BodyLimit:
    """ASGI middleware: counts what arrives, whatever the headers say."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a body that ends in 413 when it grows too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = limit_of(scope["path"])
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, f"the body is larger than {limit} bytes")
            return message

        await self._app(scope, counted, send)


def limit_of(path: str) -> int:
    """Return how many bytes a request to ``path`` may bring."""
    parts = path.strip("/").split("/")
    if parts[:3] == ["v1", "registry", "models"] and parts[5:6] in (["imports"], ["pairs:import"]):
        return MAX_FILE if parts[5] == "imports" else MAX_MANIFEST
    return MAX_CODE if parts[:2] == ["v1", "projects"] and parts[3:4] == ["code"] else MAX_BODY
