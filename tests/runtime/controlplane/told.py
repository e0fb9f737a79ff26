"""A small project whose whole story is told as lineage: from a raw column to an endpoint."""

import io
import time
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from groundplan.plan import digest_of
from tests.runtime.controlplane.conftest import application
from tests.runtime.controlplane.test_api import alias, model

DEADLINE = 60
FILES = {
    "features/hourly.sql": "SELECT k, at + INTERVAL 1 HOUR AS t, temp, rain * 2 AS wet FROM raw WHERE known",
    "examples.sql": "SELECT k, at AS t, y FROM raw",
}
CODE = {path: digest_of(text) for path, text in FILES.items()}
RAW = {"k": "string", "at": "timestamp", "temp": "float64", "rain": "float64", "y": "float64", "unused": "float64"}
RAW["known"] = "bool"
STORY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("entity", "e", {"join_key": "k", "type": "string", "description": ""}),
    ("data_source", "raw", {"kind": "csv", "path": "data/raw.csv", "fields": RAW, "code": "1"}),
    (
        "feature_view",
        "hourly",
        {
            "entities": ["e"],
            "inputs": ["raw"],
            "sql": "features/hourly.sql",
            "code": CODE["features/hourly.sql"],
            "timestamp": "t",
            "ttl": "3h",
            "fields": {"temp": "float64", "wet": "float64"},
            "online": True,
            "description": "By the hour",
            "tags": {"domain": "weather"},
        },
    ),
    ("feature_service", "fs", {"views": {"hourly": ["temp"]}}),
    ("materialization", "hourly", {"view": "hourly", "as_of": "2014-01-01T00:00:00Z"}),
    ("model", "forecast", {**model(), "examples": {**model()["examples"], "sql": "examples.sql", "inputs": ["raw"]}}),  # type: ignore[dict-item]
    ("alias", "forecast@production", {**alias("production"), "model": "forecast"}),
    ("serving_application", "a", application("forecast")),
)
Put = Callable[[str, str, str, dict[str, Any]], Mapping[str, Any]]


def declare(http: Any, project: str, kind: str, name: str, properties: Mapping[str, Any]) -> str | None:
    """Declare one thing; return its operation, None where it is done."""
    digest = digest_of([kind, properties])
    body = {"digest": digest, "data_digest": digest, "properties": properties, "upstream": {}}
    answer = http.put(f"/v1/projects/{project}/resources/{kind}/{name}", json=body)
    assert answer.status_code in (200, 202), answer.text
    return answer.json().get("operation")  # type: ignore[no-any-return]


def upload(http: Any, project: str, team: str = "weather_people") -> None:
    """Upload the project's code, and declare the project."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for path, text in FILES.items():
            file.writestr(path, text)
    code = packed.getvalue()
    assert http.put(f"/v1/projects/{project}/code/{digest_of(CODE)}", content=code).status_code == 200
    given = {"team": team, "owner": f"{project}@example.org", "description": "A story", "source": "p", "code": CODE}
    declare(http, project, "project", project, given)


def until(check: Callable[[], bool], what: str) -> None:
    """Poll until ``check`` is true; fail after the deadline."""
    end = time.monotonic() + DEADLINE
    while not check():
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.05)


def is_stored(http: Any) -> bool:
    """Whether all that happened has been told."""
    return bool(http.get("/v1/lineage/outbox").json()["to_store"] == 0)
