"""Names with a slash in them: clients of Marquez send it encoded, and the routes have to see it so."""

from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator
from starlette.types import ASGIApp, Receive, Scope, Send

from groundplan.controlplane.lineage.received import plain

PREFIX = b"/api/v1/"


class EncodedPaths:
    """ASGI middleware: below ``/api/v1`` the path is matched as it was sent, its names decoded by the routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its path encoded."""
        raw = scope.get("raw_path") or b""
        if scope["type"] == "http" and raw.startswith(PREFIX):
            scope = {**scope, "path": raw.decode("latin-1")}
        await self._app(scope, receive, send)


#: A part of such a path: one name, decoded.
PathName = Annotated[str, BeforeValidator(lambda text: unquote(str(text))), AfterValidator(plain)]
