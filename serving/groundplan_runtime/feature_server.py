"""Feast's own feature server behind the gateway, a project below its name: it reads online features, and does no more.

``python -m groundplan_runtime.feature_server``. Feast is loaded when a project is first asked for: who never asks pays
for a small process alone. Of Feast's routes those in :data:`OPENED` exist here; what pushes, writes or materializes
does not, and its registry and online store are read by users who may read only.
"""

import asyncio
import contextlib
import os
import sys
import time
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from groundplan_runtime import feast_repo
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.guard import OPEN, App, Guard, Scope

SECRET, PLACE = "feast-token", "/feast/"
#: What exists here of Feast's server: path → method.
OPENED = {"/get-online-features": "POST", "/health": "GET"}
#: Seconds after which the registry is read again: what is applied is answered with by then.
FRESH = 5.0
#: Seconds for which an idle connection is kept: longer than the gateway does (an hour), or a request on its way to one
#: that is being closed would be lost.
LINGER = 3900


class Project:
    """Feast's server of one project."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        from feast.feature_server import get_app

        self._store = feast_repo.store(runtime, name, reads_only=True)
        # Feast's own timer, which its lifespan would start, ends for good at the first error of the database.
        self.app = get_app(self._store, registry_ttl_sec=0)
        self.app.router.routes[:] = [each for each in self.app.routes if getattr(each, "path", "") in OPENED]
        self._until = time.monotonic() + FRESH

    async def refresh(self) -> None:
        """Read the registry again when it is due; with one that does not answer, what was known stays."""
        if time.monotonic() > self._until:
            self._until = time.monotonic() + FRESH  # others go on with what is known meanwhile
            await run_in_threadpool(self._store.refresh_registry)


class Projects:
    """Every project that has been asked for."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self._made, self._making = runtime, dict[str, Project](), asyncio.Lock()

    async def answer(self, request: Request) -> Any:
        """Hand a request on to the server of its project, as that one's own path."""
        project = await self._find(request.path_params["project"])
        await project.refresh()
        return _below(project.app, request.url.path.rpartition("/")[2])

    async def _find(self, name: str) -> Project:
        if name not in self._made:  # who is known waits for nobody
            async with self._making:
                if name not in self._made:
                    self._made[name] = await run_in_threadpool(self._make, name)
        return self._made[name]

    def _make(self, name: str) -> Project:
        if not name.isidentifier() or not feast_repo.registered(self._runtime, name):
            raise HTTPException(404, f"no project {name!r} has features")
        return Project(self._runtime, name)


def _below(app: App, path: str) -> App:
    async def asked(scope: Scope, receive: Any, send: Any) -> None:
        with contextlib.suppress(Exception):  # Feast has answered it and told its log; Starlette raises it again
            await app({**scope, "path": f"/{path}", "raw_path": f"/{path}".encode()}, receive, send)

    return asked


def make(runtime: Runtime) -> Guard:
    """Return the application."""
    projects = Projects(runtime)
    routes = [Route(f"/{{project}}{path}", projects.answer, methods=[method]) for path, method in OPENED.items()]
    handlers: Any = {HTTPException: _refused, RuntimeProblem: _down}
    return Guard(Starlette(routes=[Route(OPEN, _well), *routes], exception_handlers=handlers), runtime, SECRET, PLACE)


async def _well(_: Request) -> Response:
    return PlainTextResponse("OK")


async def _refused(request: Request, error: HTTPException) -> Response:
    there = ", ".join(f"{method} {PLACE}<project>{path}" for path, method in OPENED.items())
    problem = RuntimeProblem(error.detail, path=request.url.path, value=request.method, allowed=there)
    return JSONResponse({"error": problem.as_dict()}, error.status_code, error.headers)


async def _down(_: Request, problem: RuntimeProblem) -> Response:
    return JSONResponse({"error": problem.as_dict()}, 503)


def main() -> int:
    """Serve on the declared endpoint until told to stop. Returns 1, with one line, when it is not configured."""
    try:
        runtime = Runtime.load()
        app = make(runtime)
        port = int(runtime.endpoint("feast").rpartition(":")[2])
    except RuntimeProblem as problem:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    os.environ.update(runtime.environment())
    patience = {"timeout_keep_alive": LINGER, "timeout_graceful_shutdown": 5}
    uvicorn.run(app, host=runtime.bind, port=port, log_level="warning", lifespan="off", **patience)
    return 0


if __name__ == "__main__":
    sys.exit(main())
