"""The issuer as the local stack runs it, on a real PostgreSQL, and a person with a browser."""

import base64
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from groundplan.identity.db import make_engine
from groundplan.identity.declaration import Subject
from groundplan.identity.issuer import Issuer
from groundplan.spec.browser import PAGES, page_cookie
from groundplan_runtime.config import Runtime
from tests.support.clone import free_port_base
from tests.support.local_stack import LocalStack, make_site

CALLBACK = "http://127.0.0.1:50505/callback"
ANA = Subject("ana", "user", "Ana <Lima>", "ana@example.org", ("engineers",), ("flights:ml_engineer",))
BEN = Subject("ben", "user", "Ben", "ben@example.org", (), ())
CI = Subject("ci", "service_account", "ci", None, ("deployers",), ("*:ml_engineer",))
PEOPLE = (ANA, BEN, CI)
#: Where the cookies of pages behind the gateway are for; every other one is for the issuer alone.
PAGE_PATHS = {page_cookie(place): f"/{place}" for place in PAGES}


@dataclass
class Running:
    """A running issuer: its loopback address, what it calls itself, and its insides for what time would take long."""

    stack: LocalStack
    runtime: Runtime
    issuer: Issuer
    address: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30))

    def secret(self, name: str) -> str:
        """The generated password or client secret of somebody."""
        return self.runtime.secret(next(one.secret for one in PEOPLE if one.name == name))

    def token(self, **fields: str) -> httpx.Response:
        """Ask the token endpoint."""
        return self.http.post(f"{self.address}/token", data=fields)

    def pid(self) -> int:
        """The issuer's process, as its supervisor knows it."""
        found = [p for p in self.stack.processes() if "groundplan.identity" in p.cmdline()]
        assert len(found) == 1, found
        return found[0].pid


@dataclass
class Person:
    """Somebody at a browser: keeps cookies as one does, follows nothing by itself. ``client``: who sent them here."""

    running: Running
    client: str = "groundplan-cli"
    redirect_uri: str = CALLBACK
    cookies: dict[str, str] = field(default_factory=dict)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def asked(self, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; ``None`` leaves one out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        usual = {
            "client_id": self.client, "redirect_uri": self.redirect_uri, "response_type": "code", "state": "s1",
            "scope": "openid profile email groups offline_access", "nonce": "n1", "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def open(self, address: str | None = None, **changes: str | None) -> httpx.Response:
        """Open the sign-in page."""
        url = address or f"{self.running.address}/authorize"
        return self._kept(self.running.http.get(url, params=self.asked(**changes), headers=self._cookie()))

    def submit(self, page: httpx.Response, username: str, password: str, **fields: str) -> httpx.Response:
        """Fill in the page's form and send it."""
        action = re.search(r'action="([^"]*)"', page.text)
        csrf = re.search(r'name="csrf" value="([^"]*)"', page.text)
        assert action
        assert csrf
        data = {"username": username, "password": password, "csrf": csrf[1], **fields}
        url = f"{page.url.copy_with(query=None)}{unescape(action[1])}"
        return self._kept(self.running.http.post(url, data=data, headers=self._cookie()))

    def sign_in(self, name: str = "ana", **changes: str | None) -> str:
        """Sign in; return the code that the client gets."""
        answer = self.submit(self.open(**changes), name, self.running.secret(name))
        assert answer.status_code == 303, answer.text
        return str(sent_back(answer)["code"])

    def tokens(self, code: str, **changes: str) -> httpx.Response:
        """Exchange a code as the client would."""
        usual = {"client_id": self.client, "redirect_uri": self.redirect_uri, "code_verifier": self.verifier}
        return self.running.token(**{"grant_type": "authorization_code", "code": code, **usual, **changes})

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            path = PAGE_PATHS.get(name, "/identity")
            assert {"HttpOnly", "Secure", f"Path={path}", "SameSite=strict"} <= {
                a.strip() for a in attributes.split(";")
            }
            gone = "Max-Age=0" in attributes
            self.cookies.pop(name, None) if gone else self.cookies.update({name: value})
        return answer

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}


def sent_back(answer: httpx.Response) -> dict[str, str]:
    """What a redirect tells the client."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def refusal(answer: httpx.Response) -> tuple[int, Any]:
    """Status and error code of an answer of the token endpoint."""
    return answer.status_code, answer.json()["error"]


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """PostgreSQL and the issuer, of the local stack's own kind."""
    site = make_site(
        tmp_path_factory.mktemp("id") / "data", free_port_base(), subjects=tuple(one.secret for one in PEOPLE)
    )
    stack = LocalStack(site, ["Database", "Identity"], PEOPLE)
    try:
        stack.up()
        runtime = Runtime.load(Path(site.folder) / "runtime.json")
        with mock.patch.dict(os.environ, runtime.environment()):
            url = f"{site.endpoints['gateway']}/identity"
            issuer = Issuer(url, make_engine(runtime), runtime.secret("identity-seal"))
            yield Running(stack, runtime, issuer, f"{site.endpoints['identity']}/identity")
    finally:
        stack.down()


@pytest.fixture
def person(running: Running) -> Person:
    """Somebody with a fresh browser, sent by the command line."""
    return Person(running)
