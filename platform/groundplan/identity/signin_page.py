"""The sign-in page: shown, and its form taken, whatever it lets somebody in at; and the cookies of our pages."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from groundplan.identity.issuer import Issuer
from groundplan.identity.pages import page
from groundplan.identity.problem import PageProblem
from groundplan.identity.requests import form
from groundplan.identity.signin import SESSION, sign_in

#: Both for the issuer's paths alone: the services behind the same gateway never see them.
SESSION_COOKIE, FORM_COOKIE = "__Secure-groundplan-session", "__Secure-groundplan-form"
COOKIE: dict[str, Any] = {"path": "/identity", "secure": True, "httponly": True, "samesite": "strict"}
WRONG = "The user name or the password is wrong."
STALE = "This page was open for too long, or cookies are off. Please sign in again."


@dataclass(frozen=True)
class Onward:
    """What somebody signs in to, as the page names it, and where its form may lead (a client's address)."""

    title: str
    address: str | None = None


def show_signin(
    issuer: Issuer, request: Request, onward: Onward, status: int = 200, message: str = "", name: str = "",
    headers: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    """Return the page with its form."""
    cookie, mark = form_mark(issuer, request)
    answer = page(
        "signin.html", "Sign in", status, onward=onward.address, headers=headers, message=message,
        username=name[:40], csrf=mark, client=onward.title, action=f"?{request.url.query}",
    )  # fmt: skip
    answer.set_cookie(FORM_COOKIE, cookie, **COOKIE)
    return answer


async def take_signin(
    issuer: Issuer, request: Request, onward: Onward, let_in: Callable[[str], Awaitable[Response | None]]
) -> Response:
    """Return the answer to the form: what ``let_in`` makes of the new session, or the page again with what is wrong.

    PageProblem when the session lets nobody in: its account has just been removed.
    """
    fields = await form(request)
    name = fields.get("username", "")
    if not form_is_ours(issuer, request, fields):
        return show_signin(issuer, request, onward, 400, STALE, name)
    try:
        session = await run_in_threadpool(sign_in, issuer, name, fields.get("password", ""))
    except PageProblem as problem:
        return show_signin(issuer, request, onward, problem.status, problem.text, name, problem.headers)
    if session is None:
        return show_signin(issuer, request, onward, 401, WRONG, name)
    answer = await let_in(session)
    if answer is None:
        raise PageProblem("This account has just been removed.", 403)
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
