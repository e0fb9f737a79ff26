"""The authorization endpoint: a client sends somebody, they sign in, and go back with a code (RFC 6749, 7636, 9207)."""

import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from groundplan.identity.clients import Client
from groundplan.identity.families import Asked, new_code
from groundplan.identity.issuer import Issuer
from groundplan.identity.pages import page
from groundplan.identity.problem import OAuthProblem, PageProblem, RedirectProblem
from groundplan.identity.requests import form, query
from groundplan.identity.signin import SESSION, session_of, sign_in

SCOPES = ("openid", "profile", "email", "groups", "offline_access")
#: Both for the issuer's paths alone: the services behind the same gateway never see them.
SESSION_COOKIE, FORM_COOKIE = "__Secure-groundplan-session", "__Secure-groundplan-form"
COOKIE: dict[str, Any] = {"path": "/identity", "secure": True, "httponly": True, "samesite": "strict"}
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST = 512
WRONG = "The user name or the password is wrong."
STALE = "This page was open for too long, or cookies are off. Please sign in again."


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
        code = await run_in_threadpool(_code, issuer, wanted, cookie)
        if code:
            return _back(issuer, wanted, code)
    if wanted.prompt == "none":
        raise RedirectProblem(wanted.asked.redirect_uri, wanted.state, "login_required", "nobody is signed in")
    return _form(issuer, request, wanted)


def _navigates(request: Request) -> bool:
    """Tell whether a window goes here. A script of another page of our origin that fetches it would read the code."""
    said = {name: request.headers.get(f"sec-fetch-{name}") for name in ("mode", "dest")}
    return said["mode"] in (None, "navigate") and said["dest"] in (None, "document")


async def submit(request: Request) -> Response:
    """Answer ``POST /authorize``: the form of the sign-in page."""
    issuer: Issuer = request.app.state.issuer
    wanted = _read(issuer, request)
    fields = await form(request)
    name = fields.get("username", "")
    if not form_is_ours(issuer, request, fields):
        return _form(issuer, request, wanted, 400, STALE, name)
    try:
        session = await run_in_threadpool(sign_in, issuer, name, fields.get("password", ""))
    except PageProblem as problem:
        return _form(issuer, request, wanted, problem.status, problem.text, name, problem.headers)
    if session is None:
        return _form(issuer, request, wanted, 401, WRONG, name)
    code = await run_in_threadpool(_code, issuer, wanted, session)
    if code is None:
        raise PageProblem("This account has just been removed.", 403)
    answer = _back(issuer, wanted, code)
    answer.set_cookie(SESSION_COOKIE, session, max_age=int(SESSION.total_seconds()), **COOKIE)
    answer.delete_cookie(FORM_COOKIE, **COOKIE)
    return answer


def form_mark(issuer: Issuer, request: Request) -> tuple[str, str]:
    """Return the cookie of a form and the mark in it: only a page of ours, in this browser, has both."""
    cookie = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    return cookie, issuer.mark("form", cookie, request.url.path, request.url.query)


def form_is_ours(issuer: Issuer, request: Request, fields: dict[str, str]) -> bool:
    """Tell whether what was posted comes from the page that this browser was shown."""
    if FORM_COOKIE not in request.cookies:
        return False
    return hmac.compare_digest(form_mark(issuer, request)[1].encode(), fields.get("csrf", "").encode())


def with_query(address: str, values: dict[str, str | None]) -> str:
    """Return an address that has no query with one."""
    return f"{address}?{urlencode({name: value for name, value in values.items() if value is not None})}"


def _form(
    issuer: Issuer, request: Request, wanted: _Request, status: int = 200, message: str = "", name: str = "",
    headers: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    cookie, mark = form_mark(issuer, request)
    answer = page(
        "signin.html", "Sign in", status, onward=wanted.asked.redirect_uri, headers=headers, message=message,
        username=name[:40], csrf=mark, client=wanted.client.title, action=f"?{request.url.query}",
    )  # fmt: skip
    answer.set_cookie(FORM_COOKIE, cookie, **COOKIE)
    return answer


def _code(issuer: Issuer, wanted: _Request, session: str | None) -> str | None:
    with issuer.engine.begin() as connection:
        row = session_of(connection, issuer, session)
        if row is None:
            return None
        return new_code(connection, issuer, wanted.asked, row.subject, row.digest, row.signed_in)


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
