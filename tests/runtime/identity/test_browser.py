"""A browser is let in at a page behind the gateway: from the gateway's redirect to the page's own cookie."""

import re
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from groundplan.identity.signin_page import FORM_COOKIE, SESSION_COOKIE
from groundplan.spec.browser import page_cookie
from tests.runtime.identity.conftest import ANA, Person, Running


class Browser:
    """Somebody at a browser: keeps cookies with their paths, as one does, and follows nothing by itself."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.cookies: dict[str, tuple[str, str]] = {}

    def open(self, to: str, **headers: str) -> httpx.Response:
        """Be sent here by the gateway."""
        return self._kept(self.running.http.get(self._url(to), headers=self._headers(headers)))

    def submit(self, page: httpx.Response, to: str, name: str, password: str, **fields: str) -> httpx.Response:
        """Fill in the page's form."""
        csrf = re.search(r'name="csrf" value="([^"]*)"', page.text)
        data = {"username": name, "password": password, "csrf": csrf[1] if csrf else "", **fields}
        return self._kept(self.running.http.post(self._url(to), data=data, headers=self._headers({})))

    def sign_in(self, to: str) -> httpx.Response:
        """Sign in as Ana."""
        return self.submit(self.open(to), to, "ana", self.running.secret("ana"))

    def _url(self, to: str) -> str:
        return f"{self.running.address}/browser?to={to}"

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        sent = [f"{name}={value}" for name, (value, path) in self.cookies.items() if path == "/identity"]
        return {"Cookie": "; ".join(sent), **{name.replace("_", "-"): value for name, value in more.items()}}

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        for line in answer.headers.get_list("set-cookie"):
            (name, _, value), *rest = (each.strip().partition("=") for each in line.split(";"))
            attributes = {key: given for key, _, given in rest}
            assert {"HttpOnly", "Secure", "Path"} <= set(attributes), line
            assert attributes["SameSite"] == "strict"
            if attributes.get("Max-Age") == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = (value, attributes["Path"])
        return answer


@pytest.fixture
def browser(running: Running) -> Browser:
    return Browser(running)


def claims(running: Running, token: str) -> dict[str, Any]:
    """What a token of ours says."""
    keys = KeySet.import_key_set(running.http.get(f"{running.address}/jwks").json())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


@pytest.mark.parametrize(("to", "back", "page"), [
    ("/mlflow/", "/mlflow/", "mlflow"), ("/mlflow", "/mlflow/", "mlflow"), ("/ray/", "/ray/", "ray"),
    ("/mlflow/x?a=1&b=2", "/mlflow/x?a=1&b=2", "mlflow"), ("/ray?a=1", "/ray/?a=1", "ray"),
])  # fmt: skip
def test_who_signs_in_is_back_with_the_page_s_own_cookie(
    running: Running, browser: Browser, to: str, back: str, page: str
) -> None:
    answer = browser.sign_in(to)
    assert (answer.status_code, answer.headers["location"]) == (303, back)
    assert browser.cookies.keys() == {SESSION_COOKIE, page_cookie(page)}
    token, path = browser.cookies[page_cookie(page)]
    assert path == f"/{page}"
    said = claims(running, token)
    assert (said["aud"], said["sub"], said["iss"]) == (f"groundplan-{page}", "ana", running.issuer.url)
    assert said["roles"] == list(ANA.roles)
    assert said["exp"] - said["iat"] <= 900
    again = browser.open("/ray/")  # who is signed in is asked no more
    assert (again.status_code, again.headers["location"]) == (303, "/ray/")


@pytest.mark.parametrize("to", [
    "", "/", "//evil.example", "https://evil.example/mlflow/", "/mlflow//evil.example", "/mlflow/../v1", "/mlflow/..",
    "/mlflow.evil.example", "/mlflowx/", "/v1/status", "/identity/logout", "/mlflow/%0d%0aSet-Cookie:x", "\\evil",
    "/mlflow/\\evil", "/mlflow/;x", "/mlflow/<script>", "/mlflow/" + "x" * 2000, "/mlflow/#x\"",
])  # fmt: skip
def test_it_leads_to_no_other_place(running: Running, browser: Browser, to: str) -> None:
    browser.sign_in("/mlflow/")
    answer = browser.open(to)
    if answer.status_code == 303:  # what remains is a path of ours, as it was written
        assert re.fullmatch(r"/(mlflow|ray)/[A-Za-z0-9%.:=-]*", answer.headers["location"])
        assert "Set-Cookie:x" not in answer.headers
        return
    assert answer.status_code == 400
    assert page_cookie("ray") not in browser.cookies
    assert "<script>" not in answer.text


def test_a_link_from_another_site_goes_by_a_page_of_ours(browser: Browser) -> None:
    signed_in, kept = browser.sign_in("/mlflow/").status_code, dict(browser.cookies)
    assert signed_in == 303
    browser.cookies.clear()  # a browser keeps them back
    answer = browser.open("/mlflow/?a=1&b=2", Sec_Fetch_Site="cross-site")
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0; url=?to=/mlflow/?a=1&amp;b=2"' in answer.text
    assert not answer.headers.get_list("set-cookie")
    browser.cookies = kept
    assert browser.open("/mlflow/?a=1&b=2", Sec_Fetch_Site="same-origin").status_code == 303


def test_a_session_that_ended_or_is_none_lets_nobody_in(running: Running, browser: Browser) -> None:
    browser.cookies[SESSION_COOKIE] = ("forged", "/identity")
    assert "Sign in" in browser.open("/mlflow/").text
    browser.sign_in("/mlflow/")
    page = browser.running.http.get(f"{running.address}/logout", headers=browser._headers({}))
    browser._kept(page)
    csrf = re.search(r'name="csrf" value="([^"]*)"', page.text)
    assert csrf
    done = running.http.post(f"{running.address}/logout", data={"csrf": csrf[1]}, headers=browser._headers({}))
    browser._kept(done)
    assert browser.cookies.keys() <= {FORM_COOKIE}, "sign-out takes the pages' cookies back as well"
    assert "Sign in" in browser.open("/mlflow/").text


@pytest.mark.parametrize("how", ["wrong password", "no mark", "another page's mark", "no form cookie"])
def test_a_form_that_is_not_ours_signs_nobody_in(running: Running, browser: Browser, how: str) -> None:
    page, password, fields = browser.open("/mlflow/"), running.secret("ana"), {}
    if how == "wrong password":
        password = "wrong"
    if how == "no mark":
        fields = {"csrf": ""}
    if how == "no form cookie":
        browser.cookies.clear()
    to = "/ray/" if how == "another page's mark" else "/mlflow/"
    answer = browser.submit(page, to, "ana", password, **fields)
    assert answer.status_code in (400, 401)
    assert SESSION_COOKIE not in browser.cookies
    assert page_cookie("mlflow") not in browser.cookies


@pytest.mark.parametrize(("headers", "code"), [
    ({}, True), ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, True),
    ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, False),
    ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, False),
])  # fmt: skip
def test_a_script_of_a_page_gets_no_code(
    running: Running, browser: Browser, headers: dict[str, str], code: bool
) -> None:
    browser.sign_in("/mlflow/")
    web = Person(running, "groundplan-web", f"{running.issuer.url.rsplit('/', 1)[0]}/catalogue/")
    sent = {**headers, **browser._headers({})}
    answer = running.http.get(f"{running.address}/authorize", params=web.asked(), headers=sent)
    assert (answer.status_code == 303 and "code=" in answer.headers["location"]) == code


def test_a_page_s_token_is_no_bearer_token_of_the_issuer(running: Running, browser: Browser) -> None:
    browser.sign_in("/mlflow/")
    token, _ = browser.cookies[page_cookie("mlflow")]
    answer = running.http.get(f"{running.address}/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
