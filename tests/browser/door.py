"""What stands in for the gateway and the issuer: one address with the page, the API and a sign-in behind it.

Its issuer checks what the page must get right (the code once, PKCE, the rotation of refresh tokens); its tokens are
unsigned. The real ones have tests of their own.
"""

import base64
import hashlib
import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

#: Who can sign in: their names, and their roles as a token has them.
PEOPLE = {
    "ana": ("Ana Lima", ["flights:ml_engineer", "flights:approver", "shop:viewer"]),
    "ben": ("Ben Okafor", ["*:approver"]),
    "cleo": ("Cleo Martin", ["flights:viewer"]),
}


class Door:
    """ASGI: signs people in below ``/identity``, and lets the rest through to the control plane as who they are."""

    def __init__(self, app: ASGIApp, token: str, proof: str) -> None:
        self._app, self._token, self._proof = app, token, proof
        self._codes: dict[str, tuple[str, str, str]] = {}
        self._refreshes: dict[str, str] = {}
        self._access: dict[str, tuple[str, float]] = {}
        self._machines: set[str] = set()
        #: Seconds that an access token lives.
        self.lifetime = 900.0
        #: How often a refresh token was taken.
        self.renewals = 0
        #: How many of the next requests to the API or the issuer nothing answers: 503, as the gateway says it.
        self.silent = 0
        #: What the API was asked for, as (method, path).
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        if self.silent and scope["path"].startswith(("/identity/", "/v1/")):
            self.silent -= 1
            await JSONResponse({"error": {"what": "the service behind the gateway does not answer"}}, 503)(
                scope, receive, send
            )
            return
        if scope["path"].startswith("/identity/"):
            response = await self._identity(request)
            await response(scope, receive, send)
            return
        if scope["path"].startswith("/v1/"):
            self.asked.append((scope["method"], scope["path"]))
            who = self._person(request.headers.get("authorization", ""))
            if who is None:
                await JSONResponse({"error": {"what": "who are you?"}}, 401)(scope, receive, send)
                return
            headers = self._told(who)
            dropped = (b"authorization", *(headers if who in PEOPLE else ()))
            kept = [(name, value) for name, value in scope["headers"] if name not in dropped]
            scope = {**scope, "headers": [*kept, *headers.items()]}
        await self._app(scope, receive, send)

    def _told(self, who: str) -> dict[bytes, bytes]:
        """What the gateway tells of a person; a machine asks with the control plane's own token, as the deployer."""
        if who not in PEOPLE:
            return {b"authorization": f"Bearer {self._token}".encode()}
        name, roles = PEOPLE[who]
        payload = json.dumps({"sub": who, "name": name, "roles": roles}).encode()
        identity = base64.urlsafe_b64encode(payload).rstrip(b"=")
        return {b"x-groundplan-gateway": self._proof.encode(), b"x-groundplan-identity": identity}

    def machine(self, name: str) -> str:
        """Return a token of a machine: the seed's own."""
        token = secrets.token_urlsafe()
        self._access[token] = name, float("inf")
        self._machines.add(token)
        return token

    def end_tokens(self) -> None:
        """Let every person's access token be over, as the gateway sees it: the page only notices by a 401."""
        self._access = {token: who for token, who in self._access.items() if token in self._machines}

    def end_sessions(self) -> None:
        """Let every session be over."""
        self.end_tokens()
        self._refreshes.clear()

    def _person(self, authorization: str) -> str | None:
        person, until = self._access.get(authorization.removeprefix("Bearer "), ("", 0.0))
        return person if until > time.time() else None

    async def _identity(self, request: Request) -> Response:
        here = f"{request.url.scheme}://{request.url.netloc}/identity"
        if request.url.path == "/identity/.well-known/openid-configuration":
            ends = {"authorization": "authorize", "token": "token", "end_session": "logout"}
            document: dict[str, Any] = {f"{name}_endpoint": f"{here}/{path}" for name, path in ends.items()}
            return JSONResponse({"issuer": here, "scopes_supported": ["openid", "profile", "email"], **document})
        query = request.query_params
        if request.url.path == "/identity/logout":
            return RedirectResponse(query["post_logout_redirect_uri"])
        if request.url.path == "/identity/authorize" and "as" not in query:
            links = "".join(f'<p><a href="?{urlencode({**query, "as": name})}">{name}</a></p>' for name in PEOPLE)
            return HTMLResponse(f"<!doctype html><title>Sign in</title>{links}")
        if request.url.path == "/identity/authorize":
            assert query["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe()
            self._codes[code] = query["as"], query["code_challenge"], query["redirect_uri"]
            return RedirectResponse(
                f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': here})}"
            )
        given = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        person = self._coded(given) if given["grant_type"] == "authorization_code" else self._renewed(given)
        return JSONResponse({"error": "invalid_grant"}, 400) if person is None else JSONResponse(self._tokens(person))

    def _coded(self, given: dict[str, str]) -> str | None:
        person, challenge, redirect = self._codes.pop(given["code"], ("", "", ""))
        proof = base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest()).decode().rstrip("=")
        return person if proof == challenge and given["redirect_uri"] == redirect else None

    def _renewed(self, given: dict[str, str]) -> str | None:
        self.renewals += 1
        return self._refreshes.pop(given["refresh_token"], None)

    def _tokens(self, person: str) -> dict[str, str]:
        until = time.time() + self.lifetime
        claims = {
            "sub": person,
            "name": PEOPLE[person][0],
            "email": f"{person}@example.org",
            "exp": until,
            "jti": secrets.token_hex(),
        }
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        access, refresh = f"e30.{body}.", secrets.token_urlsafe()
        self._access[access], self._refreshes[refresh] = (person, until), person
        return {"access_token": access, "id_token": access, "refresh_token": refresh, "token_type": "Bearer"}
