"""The issuer's routes, below ``/identity``, and what every answer carries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundplan.identity import authorize, browser, endings, token
from groundplan.identity.authorize import SCOPES, with_query
from groundplan.identity.db import migrate
from groundplan.identity.issuer import Issuer
from groundplan.identity.keys import ALGORITHM
from groundplan.identity.pages import page
from groundplan.identity.problem import OAuthProblem, PageProblem, RedirectProblem

log = structlog.get_logger()
PREFIX = "/identity"
#: How long others may keep keys and discovery: less than a new key is published before it signs.
PUBLIC = "public, max-age=300"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def make_app(issuer: Issuer) -> Starlette:
    """Return the issuer's application. Its start migrates the tables and makes the first key."""
    routes = [
        Route("/.well-known/openid-configuration", _discovery),
        Route("/jwks", _jwks),
        Route("/authorize", authorize.show, methods=["GET"]),
        Route("/authorize", authorize.submit, methods=["POST"]),
        Route("/browser", browser.show, methods=["GET"]),
        Route("/browser", browser.submit, methods=["POST"]),
        Route("/token", token.exchange, methods=["POST"]),
        Route("/userinfo", endings.userinfo, methods=["GET", "POST"]),
        Route("/revoke", endings.revoke, methods=["POST"]),
        Route("/logout", endings.sign_out, methods=["GET", "POST"]),
        Route("/healthz", _health),
    ]
    problems = {OAuthProblem: _refused, PageProblem: _told, RedirectProblem: _sent_back, sa.exc.DBAPIError: _down}
    app = Starlette(
        routes=[Mount(PREFIX, routes=routes)], lifespan=_lifespan, exception_handlers=problems,
        middleware=[Middleware(_Dressed)],
    )  # fmt: skip
    app.state.issuer = issuer
    return app


class _Dressed:
    """Every answer carries the headers, a page and an error as well; all but keys and discovery is kept by nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, dressed)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    issuer: Issuer = app.state.issuer
    await run_in_threadpool(migrate, issuer.engine)
    await run_in_threadpool(issuer.keys.signing, issuer.now())
    yield
    issuer.engine.dispose()


def _discovery(request: Request) -> Response:
    """OpenID Connect Discovery, section 3, and RFC 8414."""
    url = request.app.state.issuer.url
    ends = {"authorization": "authorize", "token": "token", "userinfo": "userinfo", "revocation": "revoke"}
    document = {
        "issuer": url,
        **{f"{name}_endpoint": f"{url}/{path}" for name, path in ends.items()},
        "end_session_endpoint": f"{url}/logout",
        "jwks_uri": f"{url}/jwks",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login"],
        "claims_supported": ["sub", "name", "preferred_username", "email", "groups", "roles", "auth_time", "nonce"],
        "authorization_response_iss_parameter_supported": True,
        "request_uri_parameter_supported": False,
    }
    return JSONResponse(document, headers={"Cache-Control": PUBLIC})


async def _jwks(request: Request) -> Response:
    issuer: Issuer = request.app.state.issuer
    keys = await run_in_threadpool(issuer.keys.public, issuer.now())
    return JSONResponse({"keys": keys}, headers={"Cache-Control": PUBLIC})


async def _health(request: Request) -> Response:
    """Healthy: the database answers, and there is a key to sign with."""
    issuer: Issuer = request.app.state.issuer
    await run_in_threadpool(issuer.keys.signing, issuer.now())
    return JSONResponse({"status": "ok"})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthProblem)  # noqa: S101 - registered for nothing else
    log.info("refused", path=request.url.path, error=error.error, why=error.description)
    body = {"error": error.error, "error_description": error.description}
    return JSONResponse(body, error.status, headers=error.headers)


async def _told(_: Request, error: Exception) -> Response:
    assert isinstance(error, PageProblem)  # noqa: S101 - registered for nothing else
    return page("message.html", "This did not work", error.status, headers=error.headers, message=error.text)


async def _sent_back(request: Request, error: Exception) -> Response:
    assert isinstance(error, RedirectProblem)  # noqa: S101 - registered for nothing else
    issuer: Issuer = request.app.state.issuer
    values = {"error": error.error, "error_description": str(error), "state": error.state, "iss": issuer.url}
    return RedirectResponse(with_query(error.redirect_uri, values), 303)


async def _down(_: Request, error: Exception) -> Response:
    # The code or token is as it was: whoever asked may ask again.
    log.error("database", why=type(error).__name__)
    body = {"error": "temporarily_unavailable", "error_description": "the issuer's database does not answer"}
    return JSONResponse(body, 503, headers={"Retry-After": "2"})
