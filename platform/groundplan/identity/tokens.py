"""Access and id tokens: made, and our own access tokens read again."""

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from groundplan.identity.issuer import Issuer
from groundplan.identity.keys import ALGORITHM
from groundplan.identity.problem import OAuthProblem
from groundplan.spec.browser import Page, page_audience

AUDIENCE = "groundplan"
#: What a page's token is said to be of.
BROWSER = "groundplan-browser"
ACCESS = timedelta(minutes=15)


def access_token(issuer: Issuer, subject: Any, client_id: str, scope: str, family: str | None = None) -> str:
    """Return an access token (RFC 9068) that says who somebody is and what they may do. ``subject``: their row."""
    claims = _who(issuer, subject, AUDIENCE, client_id) | {"scope": scope}
    if family:
        claims["sid"] = family
    return _signed(issuer, claims, "at+jwt")


def page_token(issuer: Issuer, subject: Any, page: Page) -> str:
    """Return the token of a page's cookie, good for nothing but that page. ``subject``: their row."""
    return _signed(issuer, _who(issuer, subject, page_audience(page), BROWSER), "JWT")


def _who(issuer: Issuer, subject: Any, audience: str, client_id: str) -> dict[str, Any]:
    claims = {
        **_life(issuer), "aud": audience, "sub": subject.name, "client_id": client_id,
        "jti": secrets.token_urlsafe(16), "name": subject.display, "groups": subject.groups, "roles": subject.roles,
    }  # fmt: skip
    return claims | ({"email": subject.email} if subject.email else {})


def id_token(issuer: Issuer, subject: Any, family: Any, nonce: str | None, access: str) -> str:
    """Return what tells a client who signed in (OpenID Connect Core, section 2). ``family``: the row of the sign-in."""
    claims = {
        **_life(issuer), **profile(subject), "aud": family.client_id, "auth_time": int(family.signed_in.timestamp()),
        "sid": family.id, "at_hash": _at_hash(access),
    }  # fmt: skip
    if nonce:
        claims["nonce"] = nonce
    return _signed(issuer, claims, "JWT")


def profile(subject: Any) -> dict[str, Any]:
    """Return what is told of somebody; ``subject``: their row."""
    found = {"sub": subject.name, "name": subject.display, "preferred_username": subject.name}
    found |= {"groups": subject.groups, "roles": subject.roles}
    return found | ({"email": subject.email} if subject.email else {})


def read_access_token(issuer: Issuer, token: str) -> dict[str, Any]:
    """Return the claims of an access token of ours. OAuthProblem ``invalid_token`` for anything else, or a dead one."""
    claims = read(issuer, token)
    now = int(issuer.now().timestamp())
    registry = jwt.JWTClaimsRegistry(
        now=now, iss={"essential": True, "value": issuer.url}, aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True}, sub={"essential": True},
    )  # fmt: skip
    try:
        registry.validate(claims)
    except JoseError as error:
        raise invalid_token(str(error)) from None
    return claims


def read(issuer: Issuer, token: str) -> dict[str, Any]:
    """Return the claims of anything that we signed, dead or alive. OAuthProblem ``invalid_token`` when we did not."""
    try:
        return dict(jwt.decode(token, issuer.keys.verifying(issuer.now()), algorithms=[ALGORITHM]).claims)
    except (JoseError, ValueError) as error:
        raise invalid_token(f"it is not ours: {type(error).__name__}") from None


def invalid_token(why: str) -> OAuthProblem:
    """Return the refusal of a bearer token (RFC 6750)."""
    return OAuthProblem("invalid_token", why, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _life(issuer: Issuer) -> dict[str, Any]:
    now = issuer.now()
    return {"iss": issuer.url, "iat": int(now.timestamp()), "exp": int((now + ACCESS).timestamp())}


def _signed(issuer: Issuer, claims: dict[str, Any], kind: str) -> str:
    key = issuer.keys.signing(issuer.now())
    return str(jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": kind}, claims, key))


def _at_hash(access: str) -> str:
    half = hashlib.sha256(access.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()
