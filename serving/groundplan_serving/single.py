"""One process that is a whole application: ``python -m groundplan_serving.single project=p application=a port=8000``.

For development. The control plane tells it what is live (``PUT /-/live``, with its token), as it tells Ray Serve; a
process that was restarted has forgotten it, is seen, and is told again.
"""

import asyncio
import hmac
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from groundplan_runtime.config import Runtime
from groundplan_serving.door import Door
from groundplan_serving.entry import Entry
from groundplan_serving.errors import Fault
from groundplan_serving.inside import inside, reconfigure_all, respond
from groundplan_serving.log import PredictionLog
from groundplan_serving.tiers import FeastService, ModelService, PreprocessingService

HOST = "127.0.0.1"


class Single:
    """The application: its door and its tiers, in this process."""

    def __init__(self, runtime: Runtime, project: str, application: str) -> None:
        args = {"project": project, "application": application}
        self._runtime, self._route = runtime, f"/{project}/{application}"
        self._tiers = FeastService(args), PreprocessingService(), ModelService()
        self._entry = Entry(runtime)
        self._log = PredictionLog(runtime, project, application)
        self._door = Door(inside(*self._tiers), self._log)
        self._told: dict[str, Any] | None = None
        self._telling = asyncio.Lock()

    def app(self) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route("/-/live", self._live, methods=["GET", "PUT"]),
            Mount(self._route, routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PUT", "DELETE"])]),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(self._log.close)

    async def _answer(self, request: Request) -> JSONResponse:
        path = f"/{request.path_params['path']}"
        return self._entry.refused(request, path) or await respond(self._door, request.method, path, request.body)

    async def _live(self, request: Request) -> JSONResponse:
        """Take over what is live, answer when it is; or say what was told last."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(token.encode(), self._runtime.secret("controlplane-token").encode()):
            return _refused(Fault(401, "not authorized", path="authorization"))
        if request.method == "GET":
            return JSONResponse(self._told or {})
        told = await request.json()
        try:
            async with self._telling:
                await reconfigure_all(told["live"], self._door, *self._tiers)
                self._told = told
        except (KeyError, ValidationError) as error:
            return _refused(Fault(422, f"is not what an application is told: {error}"))
        return JSONResponse(told)


def _refused(fault: Fault) -> JSONResponse:
    return JSONResponse(fault.body(), status_code=fault.status)


def main() -> None:
    """Serve until told to stop."""
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    runtime = Runtime.load()
    runtime.apply_environment()
    app = Single(runtime, words["project"], words["application"]).app()
    uvicorn.run(app, host=HOST, port=int(words["port"]), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
