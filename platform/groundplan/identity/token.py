"""The token endpoint: codes, refresh tokens and client credentials become tokens (RFC 6749)."""

import base64
import binascii
from typing import Any
from urllib.parse import unquote_plus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from groundplan.identity import families
from groundplan.identity.issuer import Issuer
from groundplan.identity.passwords import matches
from groundplan.identity.problem import OAuthProblem
from groundplan.identity.requests import form
from groundplan.identity.tokens import ACCESS, access_token, id_token

Answer = dict[str, Any]


async def exchange(request: Request) -> Response:
    """Answer ``POST /token``."""
    fields = await form(request)
    fields |= _basic(request, fields)
    issuer: Issuer = request.app.state.issuer
    grants = {"authorization_code": _by_code, "refresh_token": _by_refresh, "client_credentials": _by_secret}
    grant = grants.get(_needed(fields, "grant_type"))
    if grant is None:
        raise OAuthProblem("unsupported_grant_type", f"grant_type must be one of {', '.join(grants)}")
    return JSONResponse(await run_in_threadpool(grant, issuer, fields))


def public_client(issuer: Issuer, fields: dict[str, str]) -> str:
    """Return the id of the public client that asks. OAuthProblem ``invalid_client`` for any other."""
    client = fields.get("client_id", "")
    if client not in issuer.clients:
        raise _invalid_client("client_id is not known")
    if "client_secret" in fields:
        raise _invalid_client("this client has no secret")
    return client


def _by_code(issuer: Issuer, fields: dict[str, str]) -> Answer:
    client = public_client(issuer, fields)
    code, uri, verifier = (_needed(fields, name) for name in ("code", "redirect_uri", "code_verifier"))
    family, refresh, nonce = families.spend_code(issuer, client, code, uri, verifier)
    return _tokens(issuer, family, refresh, nonce)


def _by_refresh(issuer: Issuer, fields: dict[str, str]) -> Answer:
    client = public_client(issuer, fields)
    family, refresh = families.rotate(issuer, client, _needed(fields, "refresh_token"))
    return _tokens(issuer, family, refresh, None)


def _by_secret(issuer: Issuer, fields: dict[str, str]) -> Answer:
    client = fields.get("client_id", "")
    with issuer.engine.connect() as connection:
        row = issuer.subject(connection, client)
    kept = row.secret_hash if row is not None and row.kind == "service_account" else None
    if not matches(fields.get("client_secret", ""), kept):
        raise _invalid_client("the service account or its secret is wrong")
    return _answer(access_token(issuer, row, client, "groups"), "groups")


def _tokens(issuer: Issuer, family: Any, refresh: str, nonce: str | None) -> Answer:
    with issuer.engine.connect() as connection:
        subject = issuer.subject(connection, family.subject)
    if subject is None:
        raise OAuthProblem("invalid_grant", "the account has just been removed")
    access = access_token(issuer, subject, family.client_id, family.scope, family.id)
    more = {"refresh_token": refresh, "id_token": id_token(issuer, subject, family, nonce, access)}
    return {**_answer(access, family.scope), **more}


def _answer(access: str, scope: str) -> Answer:
    return {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": int(ACCESS.total_seconds()),
        "scope": scope,
    }


def _basic(request: Request, fields: dict[str, str]) -> dict[str, str]:
    """The client's id and secret from the header (section 2.3.1: form-encoded, then base64)."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    if "client_secret" in fields:
        raise OAuthProblem("invalid_request", "the client proves itself twice")
    try:
        name, colon, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid_client("the Authorization header cannot be read") from None
    if not colon or fields.get("client_id", name) != unquote_plus(name):
        raise _invalid_client("the Authorization header names another client")
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def _needed(fields: dict[str, str], name: str) -> str:
    if name not in fields:
        raise OAuthProblem("invalid_request", f"{name} is missing")
    return fields[name]


def _invalid_client(why: str) -> OAuthProblem:
    return OAuthProblem("invalid_client", why, 401, {"WWW-Authenticate": 'Basic realm="groundplan"'})
