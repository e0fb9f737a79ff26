"""Browsers at the gateway: pages by cookie, the way to the sign-in page, and what a cookie must not do."""

import time
from collections.abc import Callable

import httpx
import pytest

from groundplan.spec.browser import page_audience, page_cookie
from tests.runtime.gateway.conftest import Stage
from tests.support.issuer import Issuer, Key, signed

ADMIN = ("*:platform_admin",)
#: What browsers say of a page that asks itself, and of somebody who typed an address.
OWN, TYPED = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def token(issuer: Issuer, page: str = "mlflow", *roles: str, **claims: object) -> str:
    """What the issuer writes into a page's cookie."""
    return issuer.token("ana", *(roles or ADMIN), **{"aud": page_audience(page), **claims})  # type: ignore[arg-type]


def ask(
    stage: Stage, method: str, path: str, cookie: str, headers: dict[str, str] = OWN, name: str | None = None
) -> httpx.Response:
    """Ask as a browser does that has a cookie for the path's page."""
    name = name or page_cookie("ray" if path.startswith("/ray") else "mlflow")
    return stage.http.request(method, path, headers={**headers, "Cookie": f"other=1; {name}={cookie}; last=2"})


def refused(stage: Stage, answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in (statuses or (401, 403)), answer.text
    assert not stage.reached()


@pytest.mark.parametrize("page", ["mlflow", "ray"])
@pytest.mark.parametrize("headers", [OWN, TYPED], ids=["own", "typed"])
def test_a_page_opens_by_its_cookie_and_its_service_sees_none(stage: Stage, page: str, headers: dict[str, str]) -> None:
    answer = ask(stage, "GET", f"/{page}/api/x", token(stage.issuer, page), headers)
    assert answer.status_code == 200, answer.text
    (seen,) = stage.reached()
    assert (seen.service, seen.path) == (page, "/api/x")
    assert seen.header("authorization") == [f"Bearer for-{page}"]
    assert not seen.header("cookie")


def test_roles_count_as_with_a_token(stage: Stage) -> None:
    scientist = token(stage.issuer, "mlflow", "flights:data_scientist")
    assert ask(stage, "GET", "/mlflow/", scientist).status_code == 200
    assert len(stage.reached()) == 1
    origin = {**OWN, "Origin": stage.url}
    refused(stage, ask(stage, "POST", "/mlflow/api/2.0/mlflow/runs/create", scientist, origin), 403)
    refused(stage, ask(stage, "GET", "/mlflow/", token(stage.issuer, "mlflow", "flights:viewer")), 403)
    refused(stage, ask(stage, "GET", "/ray/", token(stage.issuer, "ray", "flights:platform_admin")), 403)


@pytest.mark.parametrize("path", ["/mlflow/", "/mlflow", "/mlflow/x?a=1&b=2", "/ray/"])
def test_who_opens_a_page_without_a_session_is_led_to_the_sign_in_page(stage: Stage, path: str) -> None:
    answer = stage.http.get(path, headers={**HTML, **TYPED})
    assert (answer.status_code, answer.headers["location"]) == (302, f"/identity/browser?to={path}")
    assert answer.headers["cache-control"] == "no-store"
    expired = token(stage.issuer, exp=int(time.time()) - 60)
    if path.startswith("/mlflow"):
        assert ask(stage, "GET", path, expired, {**HTML, **TYPED}).status_code == 302
    assert not stage.reached()


@pytest.mark.parametrize(("method", "path", "headers"), [
    ("GET", "/mlflow/ajax-api/2.0/mlflow/runs/get", {"Accept": "application/json"}), ("GET", "/mlflow/", {}),
    ("POST", "/mlflow/", HTML), ("GET", "/v1/status", HTML), ("GET", "/mlflowx/", HTML), ("GET", "/services", HTML),
])  # fmt: skip
def test_programs_are_told_so(stage: Stage, method: str, path: str, headers: dict[str, str]) -> None:
    answer = stage.http.request(method, path, headers={"Accept": "*/*", **headers})
    assert answer.status_code == 401
    assert answer.json()["error"]["what"] == "no valid token came with the request"
    assert not stage.reached()


#: How the request came about, by what browsers say of it: none of these is the page's own.
CROSS = {
    "a form on another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "another port of this machine": {"Sec-Fetch-Site": "same-site", "Origin": "https://localhost:9999"},
    "another origin that lies": {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    "an origin that begins as ours": {"Sec-Fetch-Site": "same-origin", "Origin": "https://localhost:1.evil.example"},
    "an opaque origin": {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    "no origin": {"Sec-Fetch-Site": "same-origin"},
    "a typed address": {"Sec-Fetch-Site": "none", "Origin": ""},
    "an old browser": {"Origin": "https://localhost"},
    "a program": {},
}


@pytest.mark.parametrize("how", CROSS)
@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/mlflow/api/2.0/mlflow/runs/create"), ("POST", "/mlflow/api/2.0/mlflow/runs/search"),
    ("DELETE", "/mlflow/api/x"), ("POST", "/ray/api/jobs/"), ("PUT", "/ray/api/x"), ("OPTIONS", "/ray/api/jobs/"),
])  # fmt: skip
def test_a_write_by_cookie_comes_from_the_page_itself(stage: Stage, how: str, method: str, path: str) -> None:
    page = path.split("/")[1]
    refused(stage, ask(stage, method, path, token(stage.issuer, page), CROSS[how]), 403)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", None])
def test_a_read_by_cookie_is_the_page_s_own_or_typed(stage: Stage, site: str | None) -> None:
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    refused(stage, ask(stage, "GET", "/ray/logical/kill_actor?actor_id=1", token(stage.issuer, "ray"), headers), 403)


def test_the_page_itself_writes(stage: Stage) -> None:
    answer = ask(stage, "POST", "/ray/api/jobs/", token(stage.issuer, "ray"), {**OWN, "Origin": stage.url})
    assert answer.status_code == 200, answer.text
    assert len(stage.reached()) == 1


Make = Callable[[Issuer], str]
FORGED: dict[str, Make] = {
    "nonsense": lambda _: "nonsense",
    "empty": lambda _: "",
    "a bearer token": lambda i: i.token("eve", *ADMIN),
    "another page's": lambda i: token(i, "ray"),
    "two audiences": lambda i: token(i, aud=["another", "groundplan-pages"]),
    "of another issuer": lambda i: token(i, iss="https://evil.example/identity"),
    "of an issuer with our name": lambda i: Issuer(i.name).token("eve", *ADMIN, aud=page_audience("mlflow")),
    "another key, our id": lambda i: signed({"alg": "ES256", "kid": "first"}, _claims(i), Key("first")),
    "alg none": lambda i: signed({"alg": "none", "kid": "first"}, _claims(i), None),
    "HS256": lambda i: signed({"alg": "HS256", "kid": "first"}, _claims(i), i.jwks()),
    "expired": lambda i: token(i, exp=int(time.time()) - 60),
    "holds for years": lambda i: token(i, exp=int(time.time()) + 10**8),
}


def _claims(issuer: Issuer) -> dict[str, object]:
    return issuer.claims("eve", *ADMIN, aud=page_audience("mlflow"))


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_cookie_opens_nothing(stage: Stage, how: str, method: str) -> None:
    headers = {**OWN, "Origin": stage.url}
    refused(stage, ask(stage, method, "/mlflow/api/x", FORGED[how](stage.issuer), headers))


@pytest.mark.parametrize("path", ["/v1/status", "/services", "/v1/audit/events", "/api/v1/namespaces", "/catalogue2/"])
def test_a_page_s_cookie_opens_nothing_else(stage: Stage, path: str) -> None:
    for page in ("mlflow", "ray"):
        refused(stage, ask(stage, "GET", path, token(stage.issuer, page), name=page_cookie(page)))
        bearer = {"Authorization": f"Bearer {token(stage.issuer, page)}"}
        refused(stage, stage.http.get(path, headers=bearer))
        refused(stage, stage.http.get(f"/{page}/", headers={**bearer, **OWN}))


NAMES = ("token", "groundplan-mlflow", "__Secure-groundplan-session", "__secure-groundplan-mlflow")


@pytest.mark.parametrize("name", NAMES)
def test_another_cookie_is_none(stage: Stage, name: str) -> None:
    refused(stage, ask(stage, "GET", "/mlflow/", token(stage.issuer), name=name), 401)


def test_a_bearer_token_needs_no_origin_and_no_service_sets_a_cookie(stage: Stage) -> None:
    stage.services["mlflow"].more = {"Set-Cookie": "theirs=1; Path=/"}
    try:
        answer = stage.ask("POST", "/mlflow/api/2.0/mlflow/runs/create", *ADMIN, headers={"Cookie": "a=1"})
    finally:
        stage.services["mlflow"].more = {}
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    (seen,) = stage.reached()
    assert not seen.header("cookie")
