"""Signing in by the browser: authorization code with PKCE, the answer sent to a port of this machine (RFC 8252)."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from groundplan.cli._provider import Provider
from groundplan.errors import GroundplanError, Refused

CLIENT = "groundplan-cli"
SCOPE = "openid profile email groups offline_access"
PATH = "/callback"
#: How long one connection to the port may take: one that says nothing must not hold up the next, in seconds.
PATIENCE = 5.0
PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>{0}</title><h1>{0}</h1><p>You can close this page."
POLICY = "default-src 'none'; frame-ancestors 'none'"


def sign_in(provider: Provider, show: Callable[[str], None], within: float) -> dict[str, Any]:
    """Return the tokens of whoever signs in at the address that ``show`` is given, within so many seconds.

    Raises Refused when the issuer says no, GroundplanError when nobody signed in.
    """
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    with _Listener(("127.0.0.1", 0), _Callback) as listener:
        listener.state, listener.got = state, None
        redirect = f"http://127.0.0.1:{listener.server_port}{PATH}"
        show(_address(provider, redirect, verifier, state))
        got = _await(listener, within)
    if "error" in got:
        raise Refused(f"{provider.issuer}: {got.get('error_description') or got['error']}")
    # Another issuer's answer, mixed in, would send the code to the wrong place (RFC 9207).
    if got.get("iss", provider.issuer) != provider.issuer or "code" not in got:
        raise Refused(f"the answer is not of {provider.issuer}")
    fields = {"grant_type": "authorization_code", "code": got["code"], "redirect_uri": redirect}
    return provider.tokens({**fields, "client_id": CLIENT, "code_verifier": verifier})


class _Listener(HTTPServer):
    state: str
    got: dict[str, str] | None


class _Callback(BaseHTTPRequestHandler):
    """Takes one answer: the one with our state; anything else that knocks gets 404."""

    timeout = PATIENCE
    server: _Listener

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        given = dict(parse_qsl(parts.query))
        known = hmac.compare_digest(given.get("state", "").encode(), self.server.state.encode())
        if parts.path != PATH or not known:
            self._answer(404, "Nothing is here")
            return
        self.server.got = given
        self._answer(200, "Signing in failed" if "error" in given else "You are signed in")

    def _answer(self, status: int, title: str) -> None:
        body = PAGE.format(title).encode()
        self.send_response(status)
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
        for name, value in {**headers, "Content-Security-Policy": POLICY, "Cache-Control": "no-store"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what is asked holds the code."""


def _await(listener: _Listener, within: float) -> dict[str, str]:
    end = time.monotonic() + within
    while listener.got is None:
        left = end - time.monotonic()
        if left <= 0:
            raise GroundplanError(f"nobody signed in within {within:.0f} s; fix: groundplan login")
        listener.timeout = left
        listener.handle_request()
    return listener.got


def _address(provider: Provider, redirect: str, verifier: str, state: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": CLIENT, "redirect_uri": redirect, "scope": SCOPE, "state": state,
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{provider.described['authorization_endpoint']}?{urlencode(asked)}"
