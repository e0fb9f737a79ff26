"""The authorization endpoint: a client sends somebody, they sign in, and go back with a code (RFC 6749, 7636, 9207)."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from groundplan.identity.clients import Client
from groundplan.identity.families import Asked, new_code
from groundplan.identity.issuer import Issuer
from groundplan.identity.problem import OAuthProblem, PageProblem, RedirectProblem
from groundplan.identity.requests import query
from groundplan.identity.signin import session_of
from groundplan.identity.signin_page import SESSION_COOKIE, Onward, show_signin, take_signin

SCOPES = ("openid", "profile", "email", "groups", "offline_access")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST = 512


@dataclass(frozen=True)
class _Request:
    asked: Asked
    client: Client
    state: str | None
    prompt: str


async def show(request: Request) -> Response:
    """Answer ``GET /authorize``: the sign-in page, or straight back for who is signed in."""
    issuer: Issuer = request.app.state.issuer
    wanted = _read(issuer, request)
    cookie = request.cookies.get(SESSION_COOKIE)
    if wanted.client.silent and wanted.prompt != "login" and _navigates(request):
        answer = await _let_back(issuer, wanted, cookie)
        if answer is not None:
            return answer
    if wanted.prompt == "none":
        raise RedirectProblem(wanted.asked.redirect_uri, wanted.state, "login_required", "nobody is signed in")
    return show_signin(issuer, request, _onward(wanted))


def _navigates(request: Request) -> bool:
    """Tell whether a window goes here. A script of another page of our origin that fetches it would read the code."""
    said = {name: request.headers.get(f"sec-fetch-{name}") for name in ("mode", "dest")}
    return said["mode"] in (None, "navigate") and said["dest"] in (None, "document")


async def submit(request: Request) -> Response:
    """Answer ``POST /authorize``: the form of the sign-in page."""
    issuer: Issuer = request.app.state.issuer
    wanted = _read(issuer, request)
    return await take_signin(issuer, request, _onward(wanted), lambda session: _let_back(issuer, wanted, session))


def with_query(address: str, values: dict[str, str | None]) -> str:
    """Return an address that has no query with one."""
    return f"{address}?{urlencode({name: value for name, value in values.items() if value is not None})}"


def _onward(wanted: _Request) -> Onward:
    return Onward(wanted.client.title, wanted.asked.redirect_uri)


def _code(issuer: Issuer, wanted: _Request, session: str | None) -> str | None:
    with issuer.engine.begin() as connection:
        row = session_of(connection, issuer, session)
        if row is None:
            return None
        return new_code(connection, issuer, wanted.asked, row.subject, row.digest, row.signed_in)


async def _let_back(issuer: Issuer, wanted: _Request, session: str | None) -> Response | None:
    code = await run_in_threadpool(_code, issuer, wanted, session)
    return _back(issuer, wanted, code) if code else None


def _back(issuer: Issuer, wanted: _Request, code: str) -> Response:
    values = {"code": code, "state": wanted.state, "iss": issuer.url}
    return RedirectResponse(with_query(wanted.asked.redirect_uri, values), 303)


def _read(issuer: Issuer, request: Request) -> _Request:
    """Return what a client asks for. PageProblem while it is unsure who asks, RedirectProblem after that."""
    try:
        given = query(request)
    except OAuthProblem as problem:
        raise PageProblem(f"The program that sent you here made a mistake: {problem.description}.") from None
    client = issuer.clients.get(given.get("client_id", ""))
    if client is None:
        raise PageProblem("The program that sent you here is not known (client_id).")
    redirect_uri = given.get("redirect_uri", "")
    if not client.redirects_to(redirect_uri):
        raise PageProblem("The program that sent you here gave an address that is not its own (redirect_uri).")
    fault = _fault(given)
    if fault:
        raise RedirectProblem(redirect_uri, given.get("state"), *fault)
    scope = " ".join(each for each in SCOPES if each in given["scope"].split())
    asked = Asked(client.id, redirect_uri, scope, given["code_challenge"], given.get("nonce"))
    return _Request(asked, client, given.get("state"), given.get("prompt", ""))


def _fault(given: dict[str, str]) -> tuple[str, str] | None:
    if any(len(value) > _LONGEST for value in given.values()):
        return "invalid_request", f"a parameter is longer than {_LONGEST} characters"
    if given.get("response_type") != "code":
        return "unsupported_response_type", "response_type must be code"
    if "openid" not in given.get("scope", "").split():
        return "invalid_scope", "scope must hold openid"
    if given.get("code_challenge_method") != "S256":
        return "invalid_request", "code_challenge_method must be S256"
    if not _CHALLENGE.fullmatch(given.get("code_challenge", "")):
        return "invalid_request", "code_challenge must be the SHA-256 of the verifier, base64url"
    if "request" in given or "request_uri" in given:
        return "request_not_supported", "request objects are not supported"
    return None
