"""The FastAPI application: routes, errors in one shape, correlation ids in every log line."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from groundplan.controlplane.api import (
    audit,
    catalogue,
    lineage,
    marquez,
    marquez_before,
    marquez_things,
    promotion,
    registry,
    resources,
    services,
    transfer,
)
from groundplan.controlplane.api.common import CORRELATION, correlation_id
from groundplan.controlplane.api.encoded import EncodedPaths
from groundplan.controlplane.api.limits import BodyLimit
from groundplan.controlplane.api.page import CataloguePage
from groundplan.controlplane.audit.checkpoints import Checkpoints
from groundplan.controlplane.context import Platform
from groundplan.controlplane.db.engine import migrate
from groundplan.controlplane.lineage.delivery import Delivery
from groundplan.controlplane.problem import ApiProblem, as_parts, service_of, shown
from groundplan.controlplane.restore import Restorer
from groundplan.controlplane.workflows import Workflows
from groundplan.errors import GroundplanError
from groundplan_runtime.errors import RuntimeProblem

log = structlog.get_logger()


def make_app(platform: Platform) -> FastAPI:
    """Return the control plane's application. Its start migrates the tables and takes up work that was cut off."""
    app = FastAPI(title="Groundplan control plane", version="1", lifespan=_lifespan)
    app.state.platform, app.state.restorer, app.state.delivery = platform, Restorer(platform), Delivery(platform)
    app.state.checkpoints = Checkpoints(platform)
    app.add_middleware(BodyLimit)
    app.add_middleware(EncodedPaths)
    app.middleware("http")(_traced)
    app.add_exception_handler(ApiProblem, _problem)
    app.add_exception_handler(GroundplanError, _unavailable)
    app.add_exception_handler(RuntimeProblem, _unavailable)
    app.add_exception_handler(sa.exc.DataError, _not_data)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.include_router(resources.router)
    app.include_router(registry.router)
    app.include_router(promotion.router)
    for each in (lineage, marquez, marquez_things, marquez_before, audit, catalogue, services, transfer):
        app.include_router(each.router)
    app.mount("/catalogue", CataloguePage())
    app.add_api_route("/healthz", _health, methods=["GET"])
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # In threads: all of it waits for the database, and DBOS refuses to be asked from an event loop.
    await run_in_threadpool(_start, app)
    yield
    await run_in_threadpool(_stop, app)


def _start(app: FastAPI) -> None:
    migrate(app.state.platform.engine)
    Workflows.launch(app.state.platform)
    app.state.restorer.start()
    app.state.delivery.start()
    app.state.checkpoints.start()


def _stop(app: FastAPI) -> None:
    app.state.delivery.stop()
    app.state.restorer.stop()
    Workflows.stop()
    app.state.checkpoints.stop()


def _health(request: Request) -> dict[str, str]:
    """Healthy: the database answers, and what was served before is served again."""
    with request.app.state.platform.engine.connect() as connection:
        connection.execute(sa.text("SELECT 1 FROM resources LIMIT 1"))
    if not request.app.state.restorer.restored.is_set():
        raise ApiProblem(503, "applications are being restored", path="serving")
    return {"status": "ok"}


async def _traced(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    request.state.correlation_id = correlation_id(request)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=request.state.correlation_id)
    try:
        response = await call_next(request)
    except Exception as error:  # what no handler knows: answered like the rest, and logged whole
        response = _unexpected(request, error)
    response.headers[CORRELATION] = request.state.correlation_id
    if request.url.path != "/healthz":
        log.info("request", method=request.method, path=request.url.path, status=response.status_code)
    return response


def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiProblem)  # noqa: S101 - registered for nothing else
    return JSONResponse(error.body(), status_code=error.status)


def _unavailable(_: Request, error: Exception) -> JSONResponse:
    return _problem(_, ApiProblem(503, " ".join(str(error).split())))


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    return _problem(_, ApiProblem(422, str(first["msg"]), path=path, value=shown(first.get("input"))))


def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    return _problem(_, ApiProblem(error.status_code, str(error.detail), path=_.url.path))


def _not_data(_: Request, error: Exception) -> JSONResponse:
    # PostgreSQL's text holds no NUL, its numbers have an end: no declaration needs either.
    return _problem(_, ApiProblem(422, str(as_parts(error)["what"]).splitlines()[0], path=_.url.path))


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected", exc_info=error)
    if service_of(error):
        return _problem(request, ApiProblem(503, as_parts(error)["what"], fix="groundplan status"))
    what = f"unexpected {type(error).__name__}"
    return _problem(request, ApiProblem(500, what, fix="groundplan logs controlplane"))
