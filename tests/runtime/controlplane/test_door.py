"""What the API lets in, and how it says no: one shape of error, whatever went wrong."""

from collections.abc import Iterator

import pytest

from tests.runtime.controlplane.conftest import Plane

WORDS = {"what", "path", "value", "allowed", "fix"}


def test_only_a_bearer_token_opens(plane: Plane) -> None:
    token = plane.http.headers["Authorization"].removeprefix("Bearer ")
    for header in (token, f"Basic {token}", "Bearer ", "bearer", f"Bearer {token}x"):
        assert plane.http.get("/v1/status", headers={"Authorization": header}).status_code == 401
    assert plane.http.get("/v1/status").status_code == 200


def test_an_empty_token_file_opens_to_nobody(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    file = plane.platform.runtime.secret_file("controlplane-token")
    content = file.read_text()
    file.write_text("\n")
    try:
        for header in ("", "Bearer ", "Bearer"):
            assert plane.http.get("/v1/status", headers={"Authorization": header}).status_code == 401
    finally:
        file.write_text(content)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/nothing", None, 404),
        ("POST", "/v1/status", None, 405),
        ("GET", "/v1/projects/p%00/resources/entity/x", None, 422),
        ("GET", "/v1/audit/events?after=99999999999999999999", None, 422),
        ("GET", "/v1/audit/events?limit=0", None, 422),
        ("PUT", "/v1/projects/p/resources/entity/x", {"digest": "0" * 16}, 422),
        ("PUT", "/v1/projects/p/resources/entity/x", [], 422),
        ("GET", "/v1/operations/none", None, 404),
        ("POST", "/v1/projects/p/models/none:train", None, 404),
        ("POST", "/v1/projects/p/aliases/none@x:move", {"version": 0, "reason": "because"}, 422),
        ("PUT", "/v1/projects/p/code/short", None, 422),
    ],
)
def test_every_error_has_one_shape(plane: Plane, method: str, path: str, body: object, status: int) -> None:
    answer = plane.http.request(method, path, json=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == WORDS
    assert error["what"]
    assert "\n" not in error["what"]
    assert answer.headers["X-Correlation-Id"]


def test_text_that_postgresql_cannot_hold_is_the_caller_s_mistake(plane: Plane) -> None:
    answer = plane.put("entity", "nul", {"join_key": "a\u0000b", "type": "string", "description": ""})
    assert answer.status_code == 422


def test_a_body_that_is_too_large_is_not_read(plane: Plane) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 100_000

    assert plane.http.put("/v1/projects/p/resources/entity/x", content=endless()).status_code == 413
    large = {"digest": "0" * 16, "data_digest": "0" * 16, "properties": {"text": "x" * 2_000_000}}
    assert plane.http.put("/v1/projects/p/resources/entity/x", json=large).status_code == 413


def test_a_service_that_does_not_answer_is_named(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = pytest.importorskip("requests")

    def down(*_: object) -> None:
        raise requests.exceptions.ConnectionError("Connection refused")

    monkeypatch.setattr(plane.platform.mlflow, "observe_alias", down)
    with plane.platform.engine.begin() as connection:
        from groundplan.controlplane import store  # noqa: PLC0415

        values = ("q", "alias", "m@a", "0" * 16, "0" * 16, {"model": "m", "alias": "a"}, {}, {}, "ready")
        store.declare(connection, store.Resource(*values), store.Actor("test"))
        store.settle(connection, store.Resource(*values), store.Actor("test"))
    answer = plane.http.get("/v1/projects/q/resources/alias/m@a")
    assert answer.status_code == 503
    assert answer.json()["error"]["what"].startswith("MLflow failed or does not answer")
