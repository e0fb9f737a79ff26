"""Commands of a person without the data folder: over a gateway, with their token, or one clear line."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from groundplan.cli import _through
from groundplan.cli._gateway import Gateway, choose, chosen
from groundplan.cli._provider import Provider
from groundplan.cli._tokens import Tokens
from groundplan.errors import GroundplanError
from groundplan.local.folder import private
from tests.unit.cli.conftest import Desk

URL = "https://platform.example:15408"
FOUND = {"models": [], "next": None, "count": 0}


@pytest.fixture
def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[httpx.Request]:
    """A gateway that remembers what it was asked; the person's own settings lie in a folder of the test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/v1/audit/events":
            error = {"what": "your roles do not allow this here", "path": request.url.path, "fix": "groundplan whoami"}
            return httpx.Response(403, json={"error": error})
        return httpx.Response(200, json=FOUND)

    monkeypatch.setattr(_through, "client", lambda _: httpx.Client(transport=httpx.MockTransport(answer)))
    return seen


def sign_in(token: str = "the-token") -> None:
    """Keep a sign-in as `groundplan login` does."""
    choose(URL, None)
    tokens = Tokens(Provider(f"{URL}/identity"), _kept())
    tokens.keep({"access_token": token, "expires_in": 900})


def _kept() -> Path:
    from groundplan.cli._checkout import open_checkout  # noqa: PLC0415
    from groundplan.cli._platform import open_platform  # noqa: PLC0415
    from groundplan.cli._tokens import open_tokens  # noqa: PLC0415

    path = open_tokens(open_platform(open_checkout("local")), Provider(f"{URL}/identity")).path
    private(path.parent)
    return path


def test_a_command_asks_the_gateway_with_the_person_s_token(desk: Desk, asked: list[httpx.Request]) -> None:
    sign_in()
    desk.command("--gateway", URL, "models")
    (request,) = asked
    assert str(request.url).startswith(f"{URL}/v1/catalogue/models?")
    assert request.headers["authorization"] == "Bearer the-token"
    assert "x-groundplan-actor" not in request.headers
    assert not (desk.files.root / ".groundplan/local").exists()


def test_the_environment_names_the_gateway(
    desk: Desk, asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in()
    monkeypatch.setenv("GROUNDPLAN_GATEWAY", f"{URL}/")
    desk.command("models")
    assert str(asked[0].url).startswith(f"{URL}/v1/")


def test_who_is_not_signed_in_is_told_so(desk: Desk, asked: list[httpx.Request]) -> None:
    found = desk.command("--gateway", URL, "models")
    assert found.err.strip() == "error: nobody is signed in; fix: groundplan login"
    assert not asked


def test_a_refusal_is_one_line(desk: Desk, asked: list[httpx.Request]) -> None:
    sign_in()
    found = desk.command("--gateway", URL, "audit", "list")
    assert found.err.strip().endswith("your roles do not allow this here; fix: groundplan whoami")
    assert len(found.err.strip().splitlines()) == 1


def test_the_sign_in_of_a_stack_elsewhere_is_the_person_s_own(desk: Desk, asked: list[httpx.Request]) -> None:
    (desk.files.root / ".groundplan/local").mkdir(parents=True)
    sign_in()
    kept = json.loads(_kept().read_text())
    assert kept["issuer"] == f"{URL}/identity"
    assert kept["expires_at"] > time.time()
    assert ".groundplan/local" not in str(_kept())


def test_without_either_the_fix_names_both(desk: Desk) -> None:
    found = desk.command("models")
    assert "groundplan up local, or --gateway URL where it runs elsewhere" in found.err


@pytest.mark.parametrize(("url", "authority", "said"), [
    ("http://localhost:1", None, "--gateway: is no address"), ("https://a/b", None, "--gateway: is no address"),
    ("https://user@host", None, "--gateway: is no address"), (None, "x.pem", "no gateway is named"),
])  # fmt: skip
def test_a_wrong_gateway_is_told(url: str | None, authority: str | None, said: str) -> None:
    with pytest.raises(GroundplanError, match=said):
        choose(url, authority)


Write = Callable[[Path], object]


@pytest.mark.parametrize("write", [lambda _: None, lambda path: path.write_text("nothing")], ids=["missing", "no PEM"])
def test_an_authority_that_is_none_is_told(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "ca.pem")
    with pytest.raises(GroundplanError, match=r"--gateway-ca .*ca\.pem: cannot be read"):
        Gateway(URL, tmp_path / "ca.pem").verify()


@pytest.fixture(autouse=True)
def _nobody_chosen() -> object:
    yield
    choose(None, None)
    assert chosen() is None
