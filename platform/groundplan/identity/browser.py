"""Lets a browser in at a page behind the gateway: a cookie for that page alone, got by the session at the issuer."""

import re
from typing import cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from groundplan.identity.issuer import Issuer
from groundplan.identity.pages import page
from groundplan.identity.problem import PageProblem
from groundplan.identity.signin import session_of
from groundplan.identity.signin_page import COOKIE, SESSION_COOKIE, Onward, show_signin, take_signin
from groundplan.identity.tokens import ACCESS, page_token
from groundplan.spec.browser import PAGES, Page, page_cookie

#: A path of ours, and a query, of characters that are read in one way.
_TO = re.compile(rf"/({'|'.join(PAGES)})(/[A-Za-z0-9_.@~=+:/%,-]*)?(\?[A-Za-z0-9_.@~=+:/%,&?!*()'\[\]-]*)?")
_ODD = re.compile(r"//|/\.{1,2}(?:/|\?|$)")
_LONGEST = 2000


async def show(request: Request) -> Response:
    """Answer ``GET /browser?to=``: straight to the page for who is signed in, the sign-in page for others."""
    issuer: Issuer = request.app.state.issuer
    place, to = _to(request)
    session = request.cookies.get(SESSION_COOKIE)
    if session is None and request.headers.get("sec-fetch-site") == "cross-site":
        # A link on another site led here, so the browser kept its cookies back: from a page of ours it sends them.
        return page("onward.html", "One moment", to=f"?{request.url.query}")
    return await _let_in(issuer, session, place, to) or show_signin(issuer, request, Onward(PAGES[place]))


async def submit(request: Request) -> Response:
    """Answer ``POST /browser?to=``: the form of the sign-in page."""
    issuer: Issuer = request.app.state.issuer
    place, to = _to(request)
    return await take_signin(issuer, request, Onward(PAGES[place]), lambda session: _let_in(issuer, session, place, to))


def leave(answer: Response) -> None:
    """Take the cookies of all pages back."""
    for place in PAGES:
        answer.delete_cookie(page_cookie(place), **{**COOKIE, "path": f"/{place}"})


async def _let_in(issuer: Issuer, session: str | None, place: Page, to: str) -> Response | None:
    token = await run_in_threadpool(_token, issuer, session, place)
    if token is None:
        return None
    answer = RedirectResponse(to, 303)
    attributes = {**COOKIE, "path": f"/{place}"}
    answer.set_cookie(page_cookie(place), token, max_age=int(ACCESS.total_seconds()), **attributes)
    return answer


def _token(issuer: Issuer, session: str | None, place: Page) -> str | None:
    with issuer.engine.begin() as connection:
        row = session_of(connection, issuer, session)
        subject = issuer.subject(connection, row.subject) if row is not None else None
        return page_token(issuer, subject, place) if subject is not None else None


def _to(request: Request) -> tuple[Page, str]:
    """Return the page that somebody wants, and where in it. PageProblem for what is no page of ours.

    The gateway puts it there as it was asked for, without encoding it.
    """
    given = str(request.url.query).removeprefix("to=")
    found = _TO.fullmatch(given)
    if found is None or _ODD.search(given) or len(given) > _LONGEST:
        raise PageProblem("This leads to no page of the platform.")
    # Its own links are relative: without the slash they would lead beside it.
    return cast(Page, found[1]), given if found[2] else f"/{found[1]}/{found[3] or ''}"
