"""Who may ask a service behind the gateway: its own token all, its readers' some paths, and nobody else."""

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.guard import Guard
from groundplan_runtime.tracking_app import FILES, PAIRS

VERSIONS = "/api/2.0/mlflow/model-versions"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The service's own token, and that of its readers."""
    (tmp_path / "own").write_text("all\n")
    (tmp_path / "readers").write_text("some\n")
    return tmp_path


def asked(secrets: Path, method: str, path: str, token: str | None, readers: str = "readers") -> int:
    async def fine(_: Any) -> PlainTextResponse:
        return PlainTextResponse("fine")

    app = Starlette(routes=[Route("/{rest:path}", fine, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])])
    runtime = Runtime("s", "id", secrets, "b", secrets, {})
    guard: Any = Guard(app, runtime, "own", "/mlflow/", readers, f"{PAIRS}|{FILES}")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return TestClient(guard).request(method, path, headers=headers).status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{VERSIONS}/search"),
        ("GET", f"{VERSIONS}/get-download-uri"),
        ("GET", "/api/2.0/mlflow/registered-models/get"),
        ("GET", "/api/2.0/mlflow/runs/get"),
        ("GET", "/api/2.0/mlflow/logged-models/m-1"),
        ("GET", "/api/2.0/mlflow-artifacts/artifacts"),
        ("GET", "/api/2.0/mlflow-artifacts/artifacts/1/models/m-1/artifacts/MLmodel"),
    ],
)
def test_readers_read_pairs_and_their_files(secrets: Path, method: str, path: str) -> None:
    assert asked(secrets, method, path, "some") == 200
    assert asked(secrets, method, path, "none") == asked(secrets, method, path, None) == 401
    assert asked(secrets, method, path, "some", readers="") == 401
    assert asked(secrets, method, path, "some", readers="not-there") == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{VERSIONS}/create"),
        ("POST", f"{VERSIONS}/search"),
        ("DELETE", f"{VERSIONS}/delete"),
        ("PATCH", "/api/2.0/mlflow/logged-models/m-1"),
        ("DELETE", "/api/2.0/mlflow-artifacts/artifacts/1"),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/1"),
        ("GET", "/api/2.0/mlflow/experiments/get"),
        ("GET", f"{VERSIONS}/search/../create"),
        ("GET", "/graphql"),
    ],
)
def test_they_write_nothing_and_see_nothing_else(secrets: Path, method: str, path: str) -> None:
    assert asked(secrets, method, path, "some") == 401
    assert asked(secrets, method, path, "all") == 200


def test_an_empty_token_opens_nothing(secrets: Path) -> None:
    (secrets / "readers").write_text("\n")
    with pytest.raises(RuntimeProblem, match="is empty"):
        asked(secrets, "GET", f"{VERSIONS}/search", "")
