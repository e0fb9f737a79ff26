"""`groundplan login`, `token`, `whoami`, `logout` against a real issuer, with a person at the browser."""

import json
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from groundplan.cli import login, logout, token, whoami
from groundplan.cli._loopback import sign_in
from groundplan.cli._provider import Provider
from groundplan.cli._tokens import Tokens
from groundplan.cli.main import run
from groundplan.errors import GroundplanError, Refused, ServiceError
from groundplan.identity.app import make_app
from groundplan.identity.issuer import Issuer
from tests.runtime.identity.conftest import Person, Running
from tests.support.clone import free_port_base

PATIENCE = 30


@pytest.fixture(scope="module")
def provider(running: Running) -> Iterator[Provider]:
    """An issuer known by its loopback address, on the same database: there is no gateway in this test."""
    port = free_port_base()
    issuer = Issuer(f"http://127.0.0.1:{port}/identity", running.issuer.engine, running.issuer.seal)
    server = uvicorn.Server(uvicorn.Config(make_app(issuer), port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    end = time.monotonic() + PATIENCE
    while not server.started:
        assert time.monotonic() < end
        assert thread.is_alive()
        thread.join(0.02)
    yield Provider(issuer.url)
    server.should_exit = True
    thread.join()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: Provider) -> Path:
    """A checkout whose stack has a data folder, and the issuer of this test."""
    (tmp_path / "Pulumi.yaml").write_text("name: groundplan\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "local.yaml").write_text("name: local\ntarget: local\n")
    (tmp_path / ".groundplan" / "local").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for module in (login, logout, token, whoami):
        monkeypatch.setattr(module, "open_provider", lambda _: provider)
    return tmp_path


class Browser:
    """Opens what it is told to on a thread of its own and signs in there, as `ana` unless told otherwise."""

    def __init__(self, running: Running, name: str = "ana") -> None:
        self.running, self.name = running, name
        self.seen: list[httpx.Response] = []

    def __call__(self, address: str) -> bool:
        threading.Thread(target=self._work, args=(address,)).start()
        return True

    def _work(self, address: str) -> None:
        person = Person(self.running)
        page = person._kept(httpx.get(address, trust_env=False))
        answer = person.submit(page, self.name, self.running.secret(self.name))
        target = answer.headers["location"]
        strange = target.replace("state=", "state=x")
        self.seen += [httpx.get(url, trust_env=False) for url in (strange, target)]


def test_a_person_signs_in_is_known_and_signs_out(
    checkout: Path, running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = Browser(running)
    monkeypatch.setattr("webbrowser.open", browser)
    assert _ran(capsys, "login").startswith("local: signed in as ana")
    assert [answer.status_code for answer in browser.seen] == [404, 200]
    assert "You are signed in" in browser.seen[1].text
    file = checkout / ".groundplan" / "local" / "login" / "tokens.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    said = _ran(capsys, "whoami")
    assert "ana (Ana <Lima>)" in said
    assert "roles: flights:ml_engineer" in said
    assert json.loads(_ran(capsys, "whoami", "--json"))["email"] == "ana@example.org"
    refresh = json.loads(file.read_text())["refresh_token"]
    assert _ran(capsys, "token").count(".") == 2
    assert _ran(capsys, "logout") == "local: signed out\n"
    assert not file.exists()
    answer = running.token(grant_type="refresh_token", client_id="groundplan-cli", refresh_token=refresh)
    assert answer.status_code == 400
    assert _ran(capsys, "logout") == "local: nobody was signed in\n"
    assert "nobody is signed in; fix: groundplan login" in _failed(capsys, "token")


def test_an_old_token_is_renewed_and_an_ended_sign_in_says_so(
    provider: Provider, running: Running, tmp_path: Path
) -> None:
    tokens = Tokens(provider, tmp_path / "login" / "tokens.json")
    tokens.keep(sign_in(provider, Browser(running), PATIENCE))
    first = tokens.access()
    assert tokens.access() == first
    _age(tokens.path)
    second = tokens.access()
    assert second != first
    kept = tokens.read()
    assert kept
    assert kept.refresh_token
    provider.revoke(kept.refresh_token, kept.client_id)
    _age(tokens.path)
    with pytest.raises(Refused, match="groundplan login"):
        tokens.access()
    assert not tokens.path.exists()


def test_many_at_once_renew_it_once(provider: Provider, running: Running, tmp_path: Path) -> None:
    tokens = Tokens(provider, tmp_path / "login" / "tokens.json")
    tokens.keep(sign_in(provider, Browser(running), PATIENCE))
    _age(tokens.path)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(tokens.access())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(got) == 6
    assert len(set(got)) == 1


def test_a_service_account_by_options_and_by_environment(
    checkout: Path, running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = str(running.runtime.secret_file("identity-client-ci"))
    assert "signed in as ci" in _ran(capsys, "login", "--client-id", "ci", "--client-secret-file", secret)
    file = checkout / ".groundplan" / "local" / "login" / "tokens.json"
    assert running.secret("ci") not in file.read_text()
    _age(file)
    assert _ran(capsys, "token").count(".") == 2
    _ran(capsys, "logout")
    monkeypatch.setenv("GROUNDPLAN_CLIENT_ID", "ci")
    assert "GROUNDPLAN_CLIENT_SECRET_FILE" in _failed(capsys, "token")
    monkeypatch.setenv("GROUNDPLAN_CLIENT_SECRET_FILE", secret)
    assert "ci (ci)" in _ran(capsys, "whoami")
    assert not file.exists()
    wrong = checkout / "wrong"
    wrong.write_text("wrong")
    monkeypatch.setenv("GROUNDPLAN_CLIENT_SECRET_FILE", str(wrong))
    assert "the service account or its secret is wrong" in _failed(capsys, "token")
    monkeypatch.setenv("GROUNDPLAN_CLIENT_SECRET_FILE", str(checkout / "missing"))
    assert "cannot be read (No such file" in _failed(capsys, "token")


def test_what_ends_a_login_without_a_token(provider: Provider) -> None:
    with pytest.raises(GroundplanError, match="nobody signed in within 0 s"):
        sign_in(provider, lambda _: None, 0.2)

    def denied(address: str) -> None:
        asked = httpx.URL(address).params
        back = f"{asked['redirect_uri']}?error=access_denied&state={asked['state']}"
        threading.Thread(target=httpx.get, args=(back,), kwargs={"trust_env": False}).start()

    with pytest.raises(Refused, match="access_denied"):
        sign_in(provider, denied, PATIENCE)

    def mixed_up(address: str) -> None:
        asked = httpx.URL(address).params
        back = f"{asked['redirect_uri']}?code=x&iss=https%3A%2F%2Fother.example&state={asked['state']}"
        threading.Thread(target=httpx.get, args=(back,), kwargs={"trust_env": False}).start()

    with pytest.raises(Refused, match="not of"):
        sign_in(provider, mixed_up, PATIENCE)


def test_an_issuer_that_is_down_or_another(provider: Provider, running: Running) -> None:
    with pytest.raises(ServiceError, match="does not answer"):
        Provider(f"http://127.0.0.1:{free_port_base()}/identity").tokens({})
    with pytest.raises(ServiceError, match="is not the description of"):
        Provider(running.address).tokens({})  # it calls itself by the gateway's address


def _age(file: Path) -> None:
    kept: dict[str, Any] = json.loads(file.read_text())
    file.write_text(json.dumps({**kept, "expires_at": 0}))


def _ran(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        run(list(words))
    said = capsys.readouterr()
    assert not end.value.code, said.err
    return said.out


def _failed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        run(list(words))
    assert end.value.code == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error
