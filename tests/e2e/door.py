"""A running stack as people and programs have it, by its gateway and their browsers; and as who kills it has it."""

import base64
import hashlib
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Page

from groundplan.local import processes
from tests.support.clone import Clone

T = TypeVar("T")
#: Seconds in which whatever was killed is back at work: Ray takes most of them.
DEADLINE = 150
#: A service of the stack → what answers again once it is back, as `GET /services` calls it.
SERVICES = {
    "identity": "identity",
    "gateway": None,  # it is what asks
    "database": "database",
    "objects": "objects",
    "online-store": "online_store",
    "mlflow": "mlflow",
    "feast": "feast",
    "controlplane": "controlplane",
    "ray": "ray",
}


def until(ask: Callable[[], T | None], what: str, deadline: float = DEADLINE) -> T:
    """Return the first answer of ``ask`` that is true; what cannot be asked now is asked again. Fails at the end."""
    end, why = time.monotonic() + deadline, ""
    while time.monotonic() < end:
        try:
            if found := ask():
                return found
        except (httpx.TransportError, psutil.NoSuchProcess) as error:
            why = f"; last: {error!r}"
        time.sleep(0.1)
    raise AssertionError(f"not within {deadline:g} s: {what}{why}")


@dataclass
class Door:
    """The gateway of a clone's stack."""

    clone: Clone
    outputs: dict[str, Any]
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where everybody reaches the platform."""
        return str(self.outputs["gateway"])

    @cached_property
    def http(self) -> httpx.Client:
        """A client that trusts the stack's authority and nobody else."""
        trust = ssl.create_default_context(cafile=str(self.outputs["gateway_ca"]))
        return httpx.Client(base_url=self.url, verify=trust, trust_env=False, timeout=30)

    def certificate(self) -> str:
        """What the browser trusts beside its own authorities: the digest of the gateway's public key (RFC 7469)."""
        text = (Path(self.outputs["gateway_ca"]).parent / "gateway.pem").read_bytes()
        key = x509.load_pem_x509_certificate(text).public_key()
        digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
        return base64.b64encode(digest).decode()

    def machine(self, account: str) -> str:
        """The access token of a service account: asked for once, and used until the end."""
        if account not in self._tokens:
            secret = self.outputs["identities"][f"identity-client-{account}"]
            form = {"grant_type": "client_credentials", "client_id": account, "client_secret": secret}

            def answer() -> httpx.Response | None:
                found = self.http.post("/identity/token", data=form)
                return found if found.status_code != 503 else None  # the gateway does not lead there yet

            given = until(answer, f"a token for {account}")
            assert given.status_code == 200, given.text
            self._tokens[account] = given.json()["access_token"]
        return self._tokens[account]

    def ask(self, method: str, path: str, token: str, **parts: Any) -> httpx.Response:
        """Send a request with a bearer token."""
        return self.http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **parts)

    def read(self, path: str) -> Any:
        """What the platform's administrators read; asked again while a service comes back."""

        def answer() -> httpx.Response | None:
            found = self.ask("GET", path, self.machine("ci"))
            return found if found.status_code < 500 else None

        found = until(answer, f"GET {path}")
        assert found.status_code == 200, found.text
        return found.json()

    def predicted(self) -> tuple[int, int] | None:
        """Preprocessor's and model's version of one answer, asked for with a service account's token; None for none."""
        body = {"entities": [{"origin": "JFK", "carrier": "AA"}]}
        answer = self.ask("POST", "/serve/flights/delay/predict/feast/batch", self.machine("ci"), json=body)
        # Serve's own proxy says 404, in plain text, in the moment in which it is back and knows no route yet.
        if answer.status_code >= 500 or (answer.status_code, answer.headers["content-type"]) == (404, "text/plain"):
            return None
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert isinstance(told["predictions"][0]["value"], float)
        return told["preprocessor_version"], told["model_version"]

    def answers_with(self, version: int) -> None:
        """Wait until predictions are answered again: the first one that is must be of that pair."""
        assert until(self.predicted, "a prediction") == (version, version)


@dataclass
class Person:
    """Somebody at a browser of their own."""

    name: str
    page: Page
    context: BrowserContext
    door: Door
    #: The bearer token that the page last asked with.
    token: str = ""
    #: What the browser complained of.
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str = "/catalogue/") -> None:
        """Open a page of the gateway; asked again while it comes back, or leads to no issuer yet that came back."""

        def answer() -> bool | None:
            return all(self.door.http.get(path).status_code == 200 for path in ("/healthz", "/identity/jwks")) or None

        until(answer, "the platform is well")
        self.page.goto(address)

    def sign_in(self, look: Callable[[Page], None] = lambda _: None) -> None:
        """By the issuer's page, with the password that was generated. ``look``: at that page."""
        self.open()
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_label("User name").fill(self.name)
        self.page.get_by_label("Password").fill(self.door.outputs["identities"][f"identity-user-{self.name}"])
        look(self.page)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name="Sign out").wait_for()

    def do(self, button: str, reason: str) -> None:
        """Press a button of the page, give a reason, confirm."""
        self.page.get_by_role("button", name=button).first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("Reason").fill(reason)
        dialog.get_by_role("button").last.click()

    def asks(self, path: str, **body: Any) -> tuple[int, str]:
        """What the platform says to a request with the token of this person's page: the status and why."""
        answer = self.door.ask("POST", path, self.token, json=body)
        return answer.status_code, answer.json().get("error", {}).get("what", "")


@contextmanager
def person(browser: Browser, door: Door, name: str, **options: Any) -> Iterator[Person]:
    """Give somebody a browser profile of their own."""
    context = browser.new_context(base_url=door.url, **options)
    context.set_default_timeout(60_000)
    made = Person(name, context.new_page(), context, door)
    made.page.on("request", lambda request: _remember(made, request.headers))
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    yield made
    context.close()


def _remember(person: Person, headers: dict[str, str]) -> None:
    person.token = headers.get("authorization", "").removeprefix("Bearer ") or person.token


def supervised(clone: Clone, service: str) -> psutil.Process | None:
    """The process that the supervisor itself started for a service; None while there is none."""
    found = processes.of_folder(clone.path / ".groundplan/local", service)
    return next((p for p in found if (above := p.parent()) and "supervisor.supervisord" in above.cmdline()), None)


def kill(door: Door, service: str) -> None:
    """``kill -9`` a service; wait until the supervisor has started it again, and it is at work."""
    victim = until(lambda: supervised(door.clone, service), f"{service} runs")
    victim.kill()

    def another() -> bool | None:
        now = supervised(door.clone, service)
        return (now is not None and now.pid != victim.pid) or None

    until(another, f"the supervisor starts {service} again")
    if name := SERVICES[service]:
        until(lambda: _well(door, name), f"{service} answers again")


def _well(door: Door, name: str) -> bool | None:
    answer = door.ask("GET", "/services", door.machine("ci"))
    if answer.status_code != 200:
        return None
    return next(each["health"] for each in answer.json()["services"] if each["name"] == name) == "ok" or None


def part_of_ray(clone: Clone, title: str) -> list[psutil.Process]:
    """Ray's processes whose title begins so."""
    found = processes.of_folder(clone.path / ".groundplan/local", "ray")
    return [p for p in found if _title(p).startswith(title)]


def _title(process: psutil.Process) -> str:
    """What it calls itself, in full; a process that ends meanwhile is called nothing."""
    try:
        return Path((process.cmdline() or [""])[0]).name
    except psutil.NoSuchProcess:
        return ""
