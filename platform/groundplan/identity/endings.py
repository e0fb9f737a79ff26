"""Userinfo, revocation (RFC 7009) and the end of a session (OpenID Connect RP-Initiated Logout)."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from groundplan.identity import families
from groundplan.identity.authorize import with_query
from groundplan.identity.browser import leave
from groundplan.identity.issuer import Issuer
from groundplan.identity.pages import page
from groundplan.identity.problem import OAuthProblem, PageProblem
from groundplan.identity.requests import form, query
from groundplan.identity.signin import end_session, session_of
from groundplan.identity.signin_page import COOKIE, FORM_COOKIE, SESSION_COOKIE, form_is_ours, form_mark
from groundplan.identity.token import public_client
from groundplan.identity.tokens import invalid_token, profile, read, read_access_token


async def userinfo(request: Request) -> Response:
    """Answer ``/userinfo``: who bears an access token, as they are now."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise OAuthProblem("invalid_request", "a bearer token is needed", 401, {"WWW-Authenticate": "Bearer"})
    return JSONResponse(await run_in_threadpool(_userinfo, request.app.state.issuer, token.strip()))


async def revoke(request: Request) -> Response:
    """Answer ``POST /revoke``: end the sign-in that a token came of. 200 whether there was one or not."""
    fields = await form(request)
    issuer: Issuer = request.app.state.issuer
    await run_in_threadpool(_revoke, issuer, public_client(issuer, fields), fields.get("token", ""))
    return JSONResponse({})


async def sign_out(request: Request) -> Response:
    """Answer ``/logout``: with an id token of the session at once, else when the person confirms it."""
    issuer: Issuer = request.app.state.issuer
    given = query(request)
    hint = given.get("id_token_hint")
    posted = await form(request) if request.method == "POST" else {}
    claims = read(issuer, hint) if hint else {}
    if not hint and not (posted and form_is_ours(issuer, request, posted)):
        cookie, mark = form_mark(issuer, request)
        question = page("signout.html", "Sign out", csrf=mark, action=f"?{request.url.query}")
        question.set_cookie(FORM_COOKIE, cookie, **COOKIE)
        return question
    onward = _onward(issuer, given, claims)
    await run_in_threadpool(_sign_out, issuer, request.cookies.get(SESSION_COOKIE), claims.get("sid"))
    answer = onward or page("message.html", "Signed out", message="You are signed out.")
    answer.delete_cookie(SESSION_COOKIE, **COOKIE)
    leave(answer)
    return answer


def _userinfo(issuer: Issuer, token: str) -> dict[str, object]:
    claims = read_access_token(issuer, token)
    with issuer.engine.connect() as connection:
        subject = issuer.subject(connection, str(claims["sub"]))
        ended = "sid" in claims and families.family_of(connection, issuer, str(claims["sid"])) is None
    if subject is None or ended:
        raise invalid_token("its sign-in has ended")
    return profile(subject)


def _revoke(issuer: Issuer, client: str, token: str) -> None:
    with issuer.engine.begin() as connection:
        family = families.family_of_token(connection, token)
        if family is None:
            family = families.family_of(connection, issuer, _sid(issuer, token))
        if family is not None and family.client_id == client:
            families.revoke(connection, issuer, family.id)


def _sid(issuer: Issuer, token: str) -> str:
    try:
        return str(read(issuer, token).get("sid", ""))
    except OAuthProblem:
        return ""


def _sign_out(issuer: Issuer, cookie: str | None, sid: str | None) -> None:
    with issuer.engine.begin() as connection:
        row = session_of(connection, issuer, cookie)
        if row is not None:
            end_session(connection, issuer, row.digest)
        family = families.family_of(connection, issuer, sid) if sid else None
        if family is not None:
            families.revoke(connection, issuer, family.id)
            end_session(connection, issuer, family.session or "")


def _onward(issuer: Issuer, given: dict[str, str], claims: dict[str, object]) -> Response | None:
    target = given.get("post_logout_redirect_uri")
    if target is None:
        return None
    client = issuer.clients.get(str(claims.get("aud") or given.get("client_id", "")))
    if client is None or target not in client.redirects:
        raise PageProblem("The program that sent you here gave an address that is not its own.")
    state = {"state": given["state"]} if "state" in given else {}
    return RedirectResponse(with_query(target, {**state}) if state else target, 303)
