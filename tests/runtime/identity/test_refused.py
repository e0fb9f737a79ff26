"""What the issuer must not do, each tried over HTTP."""

from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from groundplan.identity import db, families
from tests.runtime.identity.conftest import CALLBACK, Person, Running, refusal, sent_back

WEB = "groundplan-web"


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/callback", "http://127.0.0.1:0/callback", "http://127.0.0.1:70000/callback",
        "http://localhost:5000/callback", "https://127.0.0.1:5000/callback", "http://127.0.0.1:5000/callback/",
        "http://127.0.0.1:5000/callback?x=1", "http://127.0.0.1:5000/callback#x", "http://127.0.0.1:5000/callback\n",
        "http://127.0.0.1:5000@evil.example/callback", "http://evil.example:5000/callback",
        "http://127.0.0.1.evil.example:5000/callback", "http://127.0.0.1:5000/../callback", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_no_answer_goes_to_another_address(person: Person, uri: str) -> None:
    answer = person.open(redirect_uri=uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_the_web_client_goes_to_its_page_alone(person: Person, running: Running) -> None:
    page = f"{running.issuer.url.removesuffix('identity')}catalogue/"
    person.client = WEB
    assert person.open(redirect_uri=page).status_code == 200
    for other in (CALLBACK, f"{page}x", page.removesuffix("/"), f"{page}?a=b"):
        assert person.open(redirect_uri=other).status_code == 400, other


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"state": "x" * 600}, "invalid_request"),
    ],
)
def test_a_wrong_request_goes_back_with_its_error(
    person: Person, running: Running, changes: dict[str, str | None], error: str
) -> None:
    answer = person.open(**changes)
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    told = sent_back(answer)
    assert (told["error"], told["iss"]) == (error, running.issuer.url)
    assert "code" not in told


def test_a_parameter_twice_or_an_unknown_client_is_told_to_the_person(person: Person, running: Running) -> None:
    twice = running.http.get(f"{running.address}/authorize?client_id=groundplan-cli&client_id=groundplan-web")
    assert (twice.status_code, "location" in twice.headers) == (400, False)
    assert person.open(client_id="ci").status_code == 400


def test_a_code_works_once_and_a_second_try_ends_what_the_first_brought(person: Person, running: Running) -> None:
    code = person.sign_in()
    tokens = person.tokens(code).json()
    assert refusal(person.tokens(code)) == (400, "invalid_grant")
    refresh = running.token(
        grant_type="refresh_token", client_id="groundplan-cli", refresh_token=tokens["refresh_token"]
    )
    assert refusal(refresh) == (400, "invalid_grant")
    userinfo = running.http.get(
        f"{running.address}/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert userinfo.status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "x" * 64}, {"redirect_uri": "http://127.0.0.1:50506/callback"}, {"client_id": WEB},
    ],
)  # fmt: skip
def test_a_code_tried_wrongly_is_spent(person: Person, changes: dict[str, str]) -> None:
    code = person.sign_in()
    assert refusal(person.tokens(code, **changes)) == (400, "invalid_grant")
    assert refusal(person.tokens(code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": "password", "username": "ana", "password": "x"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "client_id": "ci", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "ana", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "groundplan-cli"}, 401, "invalid_client"),
        ({"grant_type": "authorization_code", "client_id": "nobody", "code": "x"}, 401, "invalid_client"),
        ({"grant_type": "authorization_code", "client_id": "groundplan-cli"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "client_id": "groundplan-cli", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"x": "1"}, 400, "invalid_request"),
    ],
)
def test_the_token_endpoint_refuses(running: Running, fields: dict[str, str], status: int, error: str) -> None:
    answer = running.token(**fields)
    assert refusal(answer) == (status, error)
    assert answer.headers["cache-control"] == "no-store"


def test_a_users_password_is_no_client_secret(running: Running) -> None:
    answer = running.token(grant_type="client_credentials", client_id="ana", client_secret=running.secret("ana"))
    assert refusal(answer) == (401, "invalid_client")


def test_what_has_expired_brings_nothing(person: Person, running: Running) -> None:
    code, late = person.sign_in(), running.issuer.now() - timedelta(seconds=1)
    _set(running, db.codes, code, expires=late)
    assert refusal(person.tokens(code)) == (400, "invalid_grant")
    refresh = person.tokens(person.sign_in()).json()["refresh_token"]
    _set(running, db.refresh_tokens, refresh, expires=late)
    assert refusal(_refresh(running, refresh)) == (400, "invalid_grant")


def test_a_refresh_token_used_again_ends_the_sign_in(person: Person, running: Running) -> None:
    first = person.tokens(person.sign_in()).json()["refresh_token"]
    second = _refresh(running, first).json()["refresh_token"]
    third = _refresh(running, second).json()["refresh_token"]
    assert refusal(_refresh(running, first)) == (400, "invalid_grant")
    assert refusal(_refresh(running, third)) == (400, "invalid_grant")


def test_an_answer_that_was_lost_is_given_again_but_only_soon_and_only_one_counts(
    person: Person, running: Running
) -> None:
    first = person.tokens(person.sign_in()).json()["refresh_token"]
    lost = _refresh(running, first).json()["refresh_token"]
    again = _refresh(running, first).json()["refresh_token"]
    assert _refresh(running, again).status_code == 200
    assert refusal(_refresh(running, lost)) == (400, "invalid_grant")  # it was not lost: somebody has both
    first = person.tokens(person.sign_in()).json()["refresh_token"]
    assert _refresh(running, first).status_code == 200
    _set(running, db.refresh_tokens, first, used=running.issuer.now() - families.LOST * 2)
    assert refusal(_refresh(running, first)) == (400, "invalid_grant")


def test_a_refresh_token_is_of_one_client(person: Person, running: Running) -> None:
    token = person.tokens(person.sign_in()).json()["refresh_token"]
    answer = running.token(grant_type="refresh_token", client_id=WEB, refresh_token=token)
    assert refusal(answer) == (400, "invalid_grant")


def test_bodies_that_are_no_form(running: Running) -> None:
    url = f"{running.address}/token"
    assert running.http.post(url, json={"grant_type": "client_credentials"}).status_code == 415
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"grant_type=a&grant_type=b", b"a=%ff%00", b"\xff\xfe", b"&".join(b"a%d=1" % n for n in range(60))):
        assert running.http.post(url, content=body, headers=headers).status_code == 400, body
    assert running.http.post(url, content=b"a=" + b"x" * 40000, headers=headers).status_code == 413


def test_userinfo_takes_access_tokens_alone(person: Person, running: Running) -> None:
    tokens = person.tokens(person.sign_in()).json()
    for given in ("", "Bearer", "Bearer x.y.z", f"Bearer {tokens['id_token']}", f"Basic {tokens['access_token']}"):
        answer = running.http.get(f"{running.address}/userinfo", headers={"Authorization": given})
        assert answer.status_code == 401, given
        assert answer.headers["www-authenticate"].startswith("Bearer")


def _refresh(running: Running, token: str) -> httpx.Response:
    return running.token(grant_type="refresh_token", client_id="groundplan-cli", refresh_token=token)


def _set(running: Running, table: sa.Table, token: str, **values: object) -> None:
    with running.issuer.engine.begin() as connection:
        done = connection.execute(sa.update(table).where(table.c.digest == db.digest(token)).values(**values))
    assert done.rowcount == 1
