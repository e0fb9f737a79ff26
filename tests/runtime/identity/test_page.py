"""The sign-in page: what it says, what it forbids, and who gets past it."""

import re

import httpx
import pytest
import sqlalchemy as sa

from groundplan.identity import db
from groundplan.identity.signin import TRIES
from tests.runtime.identity.conftest import Person, Running, sent_back


def test_the_page_needs_nothing_and_lets_nothing_in(person: Person) -> None:
    page = person.open()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:50505;" in policy  # browsers hold redirects against it
    assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
    assert not re.search(r"<script|onload=|src=|href=", page.text)


def test_every_field_has_a_label_and_the_page_a_language(person: Person) -> None:
    text = person.open().text
    assert '<html lang="en">' in text
    for field in ("username", "password"):
        assert f'<label for="{field}">' in text
        assert f'id="{field}"' in text
    assert 'autocomplete="current-password"' in text


def test_a_wrong_password_says_no_more_than_a_wrong_name(person: Person, running: Running) -> None:
    known = person.submit(person.open(), "ben", "wrong")
    unknown = person.submit(person.open(), "nobody_of_that_name", "wrong")
    assert (known.status_code, unknown.status_code) == (401, 401)
    assert _alert(known.text) == _alert(unknown.text) == "The user name or the password is wrong."
    assert _alert(person.submit(person.open(), "ci", running.secret("ci")).text) == _alert(known.text)
    _forgive(running)


def test_what_was_typed_comes_back_as_text(person: Person) -> None:
    answer = person.submit(person.open(), '"><script>alert(1)</script>', "x")
    assert "<script" not in answer.text
    assert "&lt;script" in answer.text


def test_after_some_failures_a_name_waits_and_others_do_not(person: Person, running: Running) -> None:
    for _ in range(TRIES):
        assert person.submit(person.open(), "ben", "wrong").status_code == 401
    right = person.submit(person.open(), "ben", running.secret("ben"))
    assert right.status_code == 429
    assert 1 <= int(right.headers["retry-after"]) <= 60
    assert person.sign_in("ana")
    _forgive(running)
    assert person.sign_in("ben")


@pytest.mark.parametrize("how", ["no cookie", "another cookie", "no mark", "another mark", "another request"])
def test_a_form_that_is_not_the_pages_own_signs_nobody_in(person: Person, running: Running, how: str) -> None:
    page = person.open()
    other = Person(running)
    other.open()
    if how == "no cookie":
        person.cookies.clear()
    if how == "another cookie":
        person.cookies = other.cookies
    if how == "another request":
        page = _with_state(page, "s2")
    marks = {"no mark": {"csrf": ""}, "another mark": {"csrf": "0" * 64}}
    answer = person.submit(page, "ana", running.secret("ana"), **marks.get(how, {}))
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_the_catalogue_is_signed_in_at_once_the_command_line_never(person: Person, running: Running) -> None:
    person.sign_in()
    assert person.open().status_code == 200  # any program on the machine can listen on loopback
    person.client = "groundplan-web"
    person.redirect_uri = f"{running.issuer.url.removesuffix('identity')}catalogue/"
    answer = person.open()
    assert answer.status_code == 303
    assert person.tokens(sent_back(answer)["code"]).status_code == 200
    assert person.open(prompt="login").status_code == 200
    assert "code" in sent_back(person.open(prompt="none"))


def test_signing_out_ends_every_sign_in_of_the_browser(person: Person, running: Running) -> None:
    page = f"{running.issuer.url.removesuffix('identity')}catalogue/"
    cli = person.tokens(person.sign_in()).json()
    person.client, person.redirect_uri = "groundplan-web", page
    web = person.tokens(sent_back(person.open())["code"]).json()
    params = {"id_token_hint": web["id_token"], "post_logout_redirect_uri": page, "state": "bye"}
    answer = person._kept(running.http.get(f"{running.address}/logout", params=params, headers=person._cookie()))
    assert answer.headers["location"] == f"{page}?state=bye"
    assert person.open().status_code == 200, "still signed in"
    for client, tokens in (("groundplan-cli", cli), ("groundplan-web", web)):
        refresh = tokens["refresh_token"]
        assert running.token(grant_type="refresh_token", client_id=client, refresh_token=refresh).status_code == 400


def test_signing_out_without_proof_asks_first_and_leads_nowhere_else(person: Person, running: Running) -> None:
    person.sign_in()
    asked = person.open(f"{running.address}/logout")
    assert asked.status_code == 200
    assert "<button" in asked.text
    evil = {"post_logout_redirect_uri": "https://evil.example/", "client_id": "groundplan-web"}
    page = person._kept(running.http.get(f"{running.address}/logout", params=evil, headers=person._cookie()))
    assert person.submit(page, "", "").status_code == 400
    page = person._kept(running.http.get(f"{running.address}/logout", headers=person._cookie()))
    assert "You are signed out" in person.submit(page, "", "").text


def _alert(text: str) -> str:
    found = re.search(r'role="alert"[^>]*>([^<]*)<', text)
    assert found
    return found[1]


def _forgive(running: Running) -> None:
    with running.issuer.engine.begin() as connection:
        connection.execute(sa.delete(db.failures))


def _with_state(page: httpx.Response, state: str) -> httpx.Response:
    return httpx.Response(200, text=page.text.replace("state=s1", f"state={state}"), request=page.request)
